//! What is drawn before a world begins.

use std::fmt;
use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::cluster::{self, Dialect, Subscriptions};
use sio_sim::core::client::{Backoff, Config as ClientConfig};
use sio_sim::{Config, TransportKind, Weather};

use super::broker::Manners;
use super::excuses::SERVER;

/// Something that goes wrong. A random subset is switched on in each world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Bytes take their time.
    Delay,
    /// Little may be under way, so that who does not read holds up who writes.
    Narrow,
    /// Writes take a part of what they could.
    Short,
    /// Connections break off.
    Cut,
    /// Two hosts do not reach each other for a while.
    Outage,
    /// A host stands still for a while, anywhere in what it does.
    Stop,
    /// The same, by hand, between two acts.
    Stall,
    /// One direction stands still.
    Hold,
    /// Two hosts do not reach each other, until all is healed.
    Partition,
    /// The server's process ends, and another begins.
    Crash,
    /// A clock jumps.
    Jump,
    /// Names that a client looks up are not known, are known late, or nobody answers.
    Names,
    /// A client's machine is suspended: its clock stands still, that of its server goes on.
    Suspend,
    /// The line between a server and its broker is cut.
    Line,
    /// All of them are.
    Broker,
    /// The broker stands still.
    Wait,
}

const FAULTS: [Fault; 11] = [
    Fault::Delay,
    Fault::Narrow,
    Fault::Short,
    Fault::Cut,
    Fault::Outage,
    Fault::Stop,
    Fault::Stall,
    Fault::Hold,
    Fault::Partition,
    Fault::Crash,
    Fault::Jump,
];

/// Those that befall clients, drawn behind all else: of a list that was kept before there were any, there are none.
const CLIENTS_FAULTS: [Fault; 2] = [Fault::Names, Fault::Suspend];

/// Those that befall a broker, of worlds that have one.
const BROKERS_FAULTS: [Fault; 3] = [Fault::Line, Fault::Broker, Fault::Wait];

/// The names of all that may be switched on.
pub(super) fn all_faults() -> Vec<String> {
    let all = FAULTS.iter().chain(&CLIENTS_FAULTS).chain(&BROKERS_FAULTS);
    all.map(|it| format!("{it:?}")).collect()
}

/// By what nodes tell each other things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Classic,
    V2,
    Static,
    Dynamic,
    Private,
    Streams,
}

const KINDS: [Kind; 6] = [
    Kind::Classic,
    Kind::V2,
    Kind::Static,
    Kind::Dynamic,
    Kind::Private,
    Kind::Streams,
];

/// Several servers that are one.
#[derive(Clone, Debug)]
pub(super) struct Together {
    pub(super) servers: usize,
    pub(super) kind: Kind,
    /// In classic and its second dialect: rooms are listened to by themselves.
    rooms: bool,
    /// The broker loses, doubles and lets overtake.
    pub(super) rude: bool,
    /// What is kept for an outage is little, and what a stream holds.
    little: bool,
    /// Microseconds to the broker and back, at most, twice.
    delay: u64,
    /// Which server each client is at.
    pub(super) homes: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    faults: Vec<Fault>,
    /// `None`: there is one server, in no cluster.
    pub(super) together: Option<Together>,
    pub(super) guests: Vec<Party>,
    /// Clients by hand.
    pub(super) hands: u64,
    /// Sessions that there may be.
    pub(super) sessions: usize,
    /// Whether answers come late, or never.
    pub(super) late: bool,
}

/// A client of the driver's.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) old: bool,
    pub(super) transports: Vec<TransportKind>,
    /// Whether it is in a second namespace, too.
    pub(super) both: bool,
}

pub(super) const PING_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(4);
pub(super) const ACK: Duration = Duration::from_secs(3);

impl Options {
    pub(super) fn draw(choices: &mut Choices) -> Self {
        let guests = 1 + choices.below(3);
        let mut faults: Vec<_> = FAULTS.into_iter().filter(|_| choices.one_in(4)).collect();
        let hands = choices.below(4);
        let late = choices.one_in(3);
        let sessions = match choices.one_in(6) {
            true => 3,
            false => 1000,
        };
        let mut guests: Vec<_> = (0..guests).map(|_| Party::draw(choices)).collect();
        let more = CLIENTS_FAULTS.into_iter();
        faults.extend(more.filter(|_| choices.one_in(4)));
        let together = choices.one_in(3).then(|| {
            let brokers = BROKERS_FAULTS.into_iter();
            faults.extend(brokers.filter(|_| choices.one_in(4)));
            // Somebody has to be elsewhere.
            if guests.len() == 1 {
                guests.push(Party::draw(choices));
            }
            Together::draw(choices)
        });
        Self {
            faults,
            together,
            guests,
            hands,
            sessions,
            late,
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// All that are switched on, and whether they have done something: by hand, or as weather. Of weather a delay, little
    /// room and short writes show in all that is written.
    pub(super) fn faults(
        &self,
        by_hand: &[Fault],
        history: &[(Duration, String)],
    ) -> Vec<(String, bool)> {
        let times = |fault| by_hand.iter().filter(|it| **it == fault).count();
        let said = |it: &dyn Fn(&str) -> bool| history.iter().filter(|(_, said)| it(said)).count();
        let did = |fault: &Fault| match fault {
            Fault::Delay | Fault::Narrow | Fault::Short => true,
            Fault::Cut => said(&|it| it.starts_with("cut ") && it.contains('#')) > 0,
            Fault::Outage => said(&|it| it.starts_with("partition ") && it.contains(" for ")) > 0,
            Fault::Stop => {
                said(&|it| it.starts_with("stall ")) > times(Fault::Stall) + times(Fault::Wait)
            }
            Fault::Stall
            | Fault::Hold
            | Fault::Partition
            | Fault::Crash
            | Fault::Jump
            | Fault::Names
            | Fault::Suspend
            | Fault::Line
            | Fault::Broker
            | Fault::Wait => times(*fault) > 0,
        };
        let all = self.faults.iter();
        all.map(|it| (format!("{it:?}"), did(it))).collect()
    }

    /// Those that are done by hand.
    pub(super) fn by_hand(&self) -> Vec<Fault> {
        let hand = |it: &Fault| {
            use Fault::{Broker, Crash, Hold, Jump, Line, Names, Partition, Stall, Suspend, Wait};
            matches!(
                it,
                Stall | Hold | Partition | Crash | Jump | Names | Suspend | Line | Broker | Wait
            )
        };
        self.faults.iter().copied().filter(hand).collect()
    }

    pub(super) fn weather(&self) -> Weather {
        let times = |fault, often| if self.has(fault) { often } else { 0 };
        Weather {
            delay: 0..=times(Fault::Delay, 300_000),
            window: match self.has(Fault::Narrow) {
                true => 100..=1000,
                false => 64 << 10..=64 << 10,
            },
            short_writes: times(Fault::Short, 4),
            cuts: times(Fault::Cut, 60),
            outages: times(Fault::Outage, 120),
            stalls: times(Fault::Stop, 400),
            spell: 1..=20_000,
        }
    }

    pub(super) fn server(&self) -> Config {
        Config::v4()
            .allow_eio3(true)
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
            .ack_timeout(ACK)
            .connect_timeout(Duration::from_secs(9))
            .upgrade_timeout(Duration::from_secs(6))
            .write_timeout(Duration::from_secs(4))
            .close_timeout(Duration::from_secs(2))
            .polling_close_timeout(Duration::from_secs(2))
            .packet_timeout(Duration::from_secs(5))
            .request_body_timeout(Duration::from_secs(6))
            .request_head_timeout(Duration::from_secs(6))
            .max_sessions(self.sessions)
    }
}

impl Options {
    /// The server that a client is at, by number.
    pub(super) fn home(&self, guest: usize) -> usize {
        let homes = self.together.as_ref();
        homes
            .and_then(|it| it.homes.get(guest).copied())
            .unwrap_or(0)
    }

    pub(super) fn servers(&self) -> usize {
        self.together.as_ref().map_or(1, |it| it.servers)
    }
}

/// A server's name.
pub(super) fn server(number: usize) -> String {
    match number {
        0 => SERVER.to_owned(),
        number => format!("{SERVER}{number}"),
    }
}

impl Together {
    fn draw(choices: &mut Choices) -> Self {
        let servers = 2 + choices.index(2);
        let kind = choices.pick(&KINDS).copied().unwrap_or(Kind::Classic);
        let (rooms, rude) = (choices.one_in(2), choices.one_in(5));
        let (little, slow) = (choices.one_in(4), choices.one_in(2));
        // Two of them are at different ones.
        let mut homes = vec![0, 1];
        homes.push(choices.index(servers));
        Self {
            servers,
            kind,
            rooms,
            rude,
            little,
            delay: if slow { 100_000 } else { 1000 },
            homes,
        }
    }

    pub(super) fn manners(&self) -> Manners {
        Manners {
            rude: self.rude,
            delay: self.delay,
            kept: if self.little { 10 } else { 10_000 },
        }
    }

    pub(super) fn cluster(&self) -> cluster::Options {
        let (dialect, subscriptions) = match self.kind {
            Kind::Classic => (Dialect::Classic, Subscriptions::All),
            Kind::V2 => (Dialect::V2, Subscriptions::All),
            Kind::Static => (Dialect::Sharded, Subscriptions::All),
            Kind::Dynamic => (Dialect::Sharded, Subscriptions::Rooms),
            Kind::Private => (Dialect::Sharded, Subscriptions::RoomsAndIds),
            Kind::Streams => (Dialect::Streams, Subscriptions::All),
        };
        let by_rooms = self.rooms && matches!(self.kind, Kind::Classic | Kind::V2);
        let mut options = cluster::Options::new(dialect).subscriptions(match by_rooms {
            true => Subscriptions::Rooms,
            false => subscriptions,
        });
        options.node.request_timeout = ANSWERS;
        if self.little {
            options.node.outage_buffer = 1000;
            options.node.max_open_questions = 4;
        }
        options
    }
}

/// How long nodes wait for each other's answers.
pub(super) const ANSWERS: Duration = Duration::from_secs(5);

impl Party {
    fn draw(choices: &mut Choices) -> Self {
        use TransportKind::{Polling, WebSocket};
        Self {
            old: choices.one_in(4),
            transports: match choices.below(3) {
                0 => vec![WebSocket],
                1 => vec![Polling, WebSocket],
                _ => vec![Polling],
            },
            both: choices.one_in(3),
        }
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = match self.old {
            true => ClientConfig::v2(),
            false => ClientConfig::v4(),
        };
        let wait = (Duration::from_millis(100), Duration::from_secs(2));
        config.reconnection = Some(Backoff::new(wait.0, wait.1));
        config.connect_timeout = Duration::from_secs(5);
        config.upgrade_timeout = Duration::from_secs(5);
        config.close_timeout = Duration::from_secs(2);
        config.ack_timeout = ACK;
        config
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "faults: {:?}", self.faults)?;
        writeln!(
            f,
            "sessions: {}, answers late: {}",
            self.sessions, self.late
        )?;
        for (number, party) in self.guests.iter().enumerate() {
            writeln!(f, "guest {number}: {party:?}")?;
        }
        write!(f, "by hand: {}", self.hands)?;
        match &self.together {
            Some(together) => write!(f, "\n{together:?}"),
            None => Ok(()),
        }
    }
}
