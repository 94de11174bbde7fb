//! What is drawn before a world begins.

use std::fmt;
use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::core::client::{Backoff, Config as ClientConfig};
use sio_sim::{Config, TransportKind, Weather};

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

#[derive(Clone, Debug)]
pub(super) struct Options {
    faults: Vec<Fault>,
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
        use TransportKind::{Polling, WebSocket};
        let guests = 1 + choices.below(3);
        let mut faults: Vec<_> = FAULTS.into_iter().filter(|_| choices.one_in(4)).collect();
        let hands = choices.below(4);
        let late = choices.one_in(3);
        let sessions = match choices.one_in(6) {
            true => 3,
            false => 1000,
        };
        let party = |_| Party {
            old: choices.one_in(4),
            transports: match choices.below(3) {
                0 => vec![WebSocket],
                1 => vec![Polling, WebSocket],
                _ => vec![Polling],
            },
            both: choices.one_in(3),
        };
        let guests = (0..guests).map(party).collect();
        let more = CLIENTS_FAULTS.into_iter();
        faults.extend(more.filter(|_| choices.one_in(4)));
        Self {
            faults,
            guests,
            hands,
            sessions,
            late,
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Those that are done by hand.
    pub(super) fn by_hand(&self) -> Vec<Fault> {
        let hand = |it: &Fault| {
            use Fault::{Crash, Hold, Jump, Names, Partition, Stall, Suspend};
            matches!(
                it,
                Stall | Hold | Partition | Crash | Jump | Names | Suspend
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

impl Party {
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
        write!(f, "by hand: {}", self.hands)
    }
}
