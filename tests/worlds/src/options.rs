//! What is drawn before a world begins: which faults there are in it, who takes part, how narrow its limits are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sio_core::client::{self, Backoff};
use sio_core::config::{self, BacklogPolicy, ConnectionStateRecovery};
use sio_core::packet::Codec;
use sio_core::packet::parser::Msgpack;
use sio_core::protocol::TransportKind;
use sio_sim::choices::Choices;

/// Something that goes wrong. A random subset is switched on in each world: what never happens at all lets other
/// things happen that it would hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Whatever is on its way takes as long as it likes, and requests overtake each other.
    Delay,
    /// A WebSocket is cut, anywhere in what is on its way.
    Cut,
    /// The same, and one end is not told.
    OneSided,
    /// A response is lost after its request took effect.
    Lost,
    /// A client does not read for a while.
    Stall,
    /// What is written leaves in parts.
    Short,
    /// Timers ring late.
    Late,
    /// The server's process stands still; what arrives meanwhile lies there.
    Stop,
    /// The clock jumps.
    Jump,
    /// The server dies, and another one takes its place.
    Restart,
    /// Several things arrive before anybody looks at what comes of them.
    Together,
    /// A server's name is not known, or is looked up for a while, or for ever.
    Names,
    /// What a client asks its application is answered late, never, or with nothing.
    Tickets,
    /// A client's machine is suspended; what arrives meanwhile lies there.
    Suspend,
}

const FAULTS: [Fault; 11] = [
    Fault::Delay,
    Fault::Cut,
    Fault::OneSided,
    Fault::Lost,
    Fault::Stall,
    Fault::Short,
    Fault::Late,
    Fault::Stop,
    Fault::Jump,
    Fault::Restart,
    Fault::Together,
];

/// Those that befall clients, drawn behind all else: of a list that was kept before there were any, there are none.
const CLIENTS_FAULTS: [Fault; 3] = [Fault::Names, Fault::Tickets, Fault::Suspend];

/// The names of all that may be switched on.
pub(crate) fn all_faults() -> Vec<String> {
    let all = FAULTS.iter().chain(&CLIENTS_FAULTS);
    all.map(|it| format!("{it:?}")).collect()
}

/// How an application behaves. The first is the simplest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manners {
    /// Whether clients may be kept waiting for a namespace, forgotten, or turned away.
    pub(crate) decides: bool,
    /// Whether answers may come late, never, or twice.
    pub(crate) answers: bool,
    /// Whether every handler joins and leaves rooms.
    pub(crate) moves: bool,
}

/// What the second namespace of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    /// There from the beginning on.
    Opened,
    /// A child of a parent with a pattern.
    Like,
    /// A child of one that is asked.
    Asked,
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    faults: Vec<Fault>,
    /// Those that have done something.
    did: Vec<Fault>,
    /// Nothing goes wrong any more.
    calm: bool,
    pub(crate) manners: Manners,
    pub(crate) server: config::Config,
    pub(crate) clients: Vec<Party>,
    /// What the second namespace is.
    pub(crate) child: Child,
    /// Whether handshakes are decided over.
    pub(crate) knocks: bool,
    /// Clients that are not the machine's, but by hand: lawful ones, then hostile ones.
    pub(crate) hands: u64,
    pub(crate) hostile: u64,
}

/// A client that is the machine's.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) config: Arc<client::Config>,
    pub(crate) transports: Vec<TransportKind>,
    /// Whether it speaks revision 4 of Socket.IO.
    pub(crate) old: bool,
    /// Whether it asks its application where to dial, by which credentials, and what to say first.
    pub(crate) asks: bool,
    /// Whether it says in its handshake which parser it has.
    pub(crate) asks_for_parser: bool,
}

/// By which name the server has the other parser.
const PACKED: &str = "msgpack";

impl Options {
    pub(crate) fn draw(choices: &mut Choices) -> Self {
        let clients = 1 + choices.below(3);
        let hands = choices.below(3);
        let hostile = choices.below(2);
        let mut faults: Vec<_> = FAULTS.into_iter().filter(|_| choices.one_in(3)).collect();
        let manners = Manners {
            decides: choices.one_in(4),
            answers: choices.one_in(3),
            moves: choices.one_in(2),
        };
        let mut server = server(choices);
        let mut clients: Vec<_> = (0..clients).map(|_| Party::draw(choices)).collect();
        let child = match choices.below(5) {
            0..=2 => Child::Opened,
            3 => Child::Like,
            _ => Child::Asked,
        };
        server = server.cleanup_empty_child_namespaces(!choices.one_in(3));
        let knocks = choices.one_in(6);
        // By hand nobody speaks it, where all do.
        let (packed, mixed) = match choices.below(8) {
            7 => (true, false),
            6 => (false, true),
            _ => (false, false),
        };
        if packed {
            server = server.parser(Msgpack);
        } else if mixed {
            server = server.parsers([(PACKED, Msgpack)]);
        }
        let every = if packed { 1 } else { 2 };
        for party in clients.iter_mut().step_by(every) {
            if packed || mixed {
                Arc::make_mut(&mut party.config).parser = Msgpack.into();
                party.asks_for_parser = mixed;
            }
        }
        // Nor does anybody by hand come back.
        let recovers = choices.one_in(4);
        if recovers {
            let few = |choices: &mut Choices, few, many| if choices.one_in(4) { few } else { many };
            let kept = ConnectionStateRecovery::default()
                .max_disconnection_duration(LONGEST_AWAY)
                .max_kept_sessions(few(choices, 1, 100))
                .max_kept_packets(few(choices, 3, MANY));
            server = server.connection_state_recovery(kept);
        }
        let alone = packed || recovers;
        // Who comes back as who it was is cut off often enough.
        if !recovers {
            let more = CLIENTS_FAULTS.into_iter();
            faults.extend(more.filter(|_| choices.one_in(3)));
            for party in &mut clients {
                party.asks = choices.one_in(3);
                let config = Arc::make_mut(&mut party.config);
                config.ask_before_dial = party.asks;
                config.connect_timeout = CONNECT_TIMEOUT;
                config.request_timeout = Some(REQUEST_TIMEOUT);
            }
        }
        // Who is let in late finds others there: as many as may be, where each client needs a place.
        let mut manners = manners;
        if knocks && choices.one_in(2) {
            manners.decides = true;
            server = server.max_sessions(clients.len());
        }
        Self {
            faults,
            did: Vec::new(),
            calm: false,
            manners,
            server,
            clients,
            child,
            knocks,
            hands: if alone { 0 } else { hands },
            hostile: if alone { 0 } else { hostile },
        }
    }

    /// How the server's application writes packets.
    pub(crate) fn codec(&self) -> &Codec {
        &self.server.parser
    }

    /// How a client writes packets.
    pub(crate) fn codec_of(&self, party: usize) -> &Codec {
        &self.clients[party].config.parser
    }

    /// Whether less may be kept for who is away than it may miss.
    pub(crate) fn forgets(&self) -> bool {
        let kept = self.server.connection_state_recovery;
        self.is_narrow() || kept.is_some_and(|it| it.max_kept_packets < MANY)
    }

    /// Whether little may wait for a client.
    pub(crate) fn is_narrow(&self) -> bool {
        self.server.max_backlog_bytes < 10_000
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        !self.calm && self.faults.contains(&fault)
    }

    /// A fault does something.
    pub(crate) fn does(&mut self, fault: Fault) {
        if !self.did.contains(&fault) {
            self.did.push(fault);
        }
    }

    /// All that are switched on, and whether they have done something.
    pub(crate) fn faults(&self) -> Vec<(String, bool)> {
        let faults = self.faults.iter();
        let faults = faults.map(|it| (format!("{it:?}"), self.did.contains(it)));
        faults.collect()
    }

    pub(crate) fn calm(&mut self) {
        self.calm = true;
        self.manners.decides = false;
        self.manners.answers = false;
    }
}

pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(5);
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(4);
pub(crate) const UPGRADE_TIMEOUT: Duration = Duration::from_secs(6);
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const LONGEST_AWAY: Duration = Duration::from_secs(20);
/// Packets that are kept for who is away: more than are said in a world.
const MANY: usize = 100_000;
/// Of clients: what is dialled or asked for while things go wrong has failed soon after.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
pub(crate) const MIDDLEWARE: Duration = Duration::from_secs(3);

fn server(choices: &mut Choices) -> config::Config {
    // Each is wide where nothing was drawn.
    let mut narrow = |times, wide: usize, narrow: usize| match choices.one_in(times) {
        true => narrow,
        false => wide,
    };
    let config = config::Config::v4()
        .max_pending_acks(narrow(3, 100, 2))
        .max_rooms_per_socket(narrow(3, 100, 3))
        .max_http_buffer_size(narrow(3, 4000, 400))
        .max_backlog_bytes(narrow(6, 100_000, 600))
        .max_sessions(narrow(8, 1000, 3))
        .max_pending_sessions(narrow(8, 1000, 2))
        .max_refused_connects(narrow(2, 32, 4));
    let backlog = choices.below(3);
    config
        .backlog_policy(match backlog {
            0 => BacklogPolicy::Close,
            1 => BacklogPolicy::Refuse,
            _ => BacklogPolicy::DropVolatile,
        })
        .allow_eio3(true)
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .middleware_timeout(MIDDLEWARE)
        .admission_timeout(MIDDLEWARE)
        .connect_timeout(Duration::from_secs(9))
        .upgrade_timeout(UPGRADE_TIMEOUT)
        .write_timeout(WRITE_TIMEOUT)
        .close_timeout(CLOSE_TIMEOUT)
        .polling_close_timeout(CLOSE_TIMEOUT)
        .packet_timeout(Duration::from_secs(5))
}

impl Party {
    /// What it says of its parser.
    pub(crate) fn parser_query(&self) -> Option<(String, String)> {
        let said = (config::Config::PARSER_KEY.to_owned(), PACKED.to_owned());
        self.asks_for_parser.then_some(said)
    }

    fn draw(choices: &mut Choices) -> Self {
        use TransportKind::{Polling, WebSocket};
        let old = choices.one_in(3);
        let mut config = match old {
            false => client::Config::v4(),
            true => client::Config::v2(),
        };
        config.reconnection = Some(Backoff::new(
            Duration::from_millis(100),
            Duration::from_secs(2),
        ));
        let narrow = choices.one_in(4);
        config.max_backlog_bytes = if narrow { 300 } else { 10_000 };
        config.max_offline_bytes = 1000;
        config.max_offline_packets = 20;
        config.max_pending_acks = 8;
        config.remember_upgrade = choices.one_in(3);
        let transports = match choices.below(4) {
            0 => vec![Polling, WebSocket],
            1 => vec![WebSocket, Polling],
            2 => vec![WebSocket],
            _ => vec![Polling],
        };
        Self {
            asks: false,
            asks_for_parser: false,
            config: Arc::new(config),
            transports,
            old,
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "faults: {:?}", self.faults)?;
        writeln!(f, "application: {:?}", self.manners)?;
        let server = &self.server;
        writeln!(
            f,
            "second namespace: {:?}, cleaned up: {}, handshakes decided over: {}, {:?}, kept: {:?}",
            self.child,
            server.cleanup_empty_child_namespaces,
            self.knocks,
            server.parser,
            server
                .connection_state_recovery
                .map(|it| (it.max_kept_sessions, it.max_kept_packets)),
        )?;
        writeln!(
            f,
            "server: {} acks, {} rooms, {} bytes a message, {} waiting ({:?}), {:?} sessions, {} pending",
            server.max_pending_acks,
            server.max_rooms_per_socket,
            server.max_http_buffer_size,
            server.max_backlog_bytes,
            server.backlog_policy,
            server.max_sessions.unwrap_or_default(),
            server.max_pending_sessions,
        )?;
        for (number, party) in self.clients.iter().enumerate() {
            writeln!(
                f,
                "client {number}: {:?} by {:?}, {:?}, {} bytes may wait, asks: {}",
                party.config.revision,
                party.transports,
                party.config.parser,
                party.config.max_backlog_bytes,
                party.asks,
            )?;
        }
        write!(f, "by hand: {}, hostile: {}", self.hands, self.hostile)
    }
}
