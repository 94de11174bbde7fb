//! Sessions that are cut off and come back, against a list of what each of them was sent.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sio_core::config::{Config, ConnectionStateRecovery};
use sio_core::engine::CloseReason;
use sio_core::id::{HashKey, SocketId};
use sio_core::packet::{self, Encoded, Part};
use sio_core::recovery::{Claim, Event, Holder, Pid, Recovery, Unrestored};
use sio_core::rooms::Target;
use sio_core::socket::DisconnectReason;
use sio_core::time::Instant;
use sio_sim::choices::Choices;

use crate::failure::{Failure, Property};

/// Everything that a namespace may keep.
const PACKETS: usize = 24;
const SESSIONS: usize = 3;
const AWAY: Duration = Duration::from_secs(120);
/// What a ping takes that is not answered.
const NOTICE: Duration = Duration::from_secs(45);

const ROOMS: [&str; 3] = ["x", "y", "z"];

const LOST: DisconnectReason = DisconnectReason::Connection(CloseReason::PingTimeout);
const LEFT: DisconnectReason = DisconnectReason::ClientNamespaceDisconnect;

struct World<'a> {
    input: &'a [u8],
    /// Little is kept.
    limited: bool,
    recovery: Recovery<usize>,
    now: Instant,
    said: u32,
    clients: Vec<Client>,
    restored: u64,
    /// What there is to be told of it, but for what comes of its end.
    lived: Outcome,
}

/// What has become of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// How many clients came back.
    pub back: u64,
    /// What was done.
    pub steps: u64,
    /// Messages that came to a client, when they were said or as missed.
    pub events: u64,
    /// What it has reached, of [`MARKS`].
    pub marks: BTreeSet<&'static str>,
}

/// What has to happen in some history: where nothing of it happens, nothing of it is proven.
pub const MARKS: &[&str] = &[
    "a client came back as another",
    "a client came back as who it was",
    "a client expired",
    "a client was told what it had missed",
    "less is kept",
    "what a client presents was used",
];

/// A client, and what the server has of it.
struct Client {
    id: SocketId,
    pid: Pid,
    holder: Holder,
    /// Whether the server has it in the namespace, as it sees that.
    here: bool,
    /// Since when it is away.
    since: Instant,
    /// It will not come back.
    over: bool,
    rooms: BTreeSet<&'static str>,
    /// All that it was ever sent: name, and the offset in it.
    sent: Vec<(u32, String)>,
    /// How much of that has arrived.
    got: usize,
    /// What it presents.
    offset: Option<String>,
    /// What has brought it back, if anything has, as long as that lives; and after it, if it was told something then.
    used: Option<Option<String>>,
    repeated: bool,
}

/// Plays a history: bytes, each of which says what is done next, or to whom.
///
/// # Panics
///
/// If something does not hold.
pub fn run(history: &[u8]) -> u64 {
    let Some(mut world) = World::of(history) else {
        return 0;
    };
    world.live();
    world.restored
}

/// The same, for who wants to know what does not hold.
pub fn outcome(history: &[u8]) -> Outcome {
    let Some(mut world) = World::of(history) else {
        return Outcome::default();
    };
    let lived = catch_unwind(AssertUnwindSafe(|| world.live()));
    Outcome {
        failure: lived.err().map(|panic| Failure {
            property: Property::Recovery,
            seen: crate::failure(panic).seen,
        }),
        back: world.restored,
        ..world.lived
    }
}

/// The history of a seed.
pub fn history(seed: u64) -> Vec<u8> {
    let mut choices = Choices::from_seed(seed);
    let bytes = std::iter::repeat_with(|| choices.below(u64::MAX).to_le_bytes());
    bytes.take(125).flatten().collect()
}

/// The shortest history that was found to fail, where rows of its bytes are left out as long as it does.
pub fn shortest(history: &[u8]) -> Vec<u8> {
    let mut best = history.to_vec();
    let mut size = best.len();
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut fewer = best.clone();
            fewer.drain(at..best.len().min(at + size));
            if outcome(&fewer).failure.is_some() {
                best = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    best
}

impl<'a> World<'a> {
    /// The first byte says whether little is kept. `None`: there is nothing in it.
    fn of(history: &'a [u8]) -> Option<Self> {
        let (first, input) = history.split_first()?;
        let limited = first & 1 == 1;
        let mut options = ConnectionStateRecovery::default().max_disconnection_duration(AWAY);
        if limited {
            options = options
                .max_kept_packets(PACKETS)
                .max_kept_sessions(SESSIONS);
        }
        let mut config = Config::v4().connection_state_recovery(options);
        if limited {
            config = config.max_rooms_per_socket(2);
        }
        Some(Self {
            input,
            limited,
            recovery: Recovery::new(&config, HashKey([3, 4])).expect("it is on"),
            now: Instant::ORIGIN,
            said: 0,
            clients: Vec::new(),
            restored: 0,
            lived: Outcome::default(),
        })
    }

    /// All of it, to its end.
    fn live(&mut self) {
        if self.limited {
            self.lived.marks.insert("less is kept");
        }
        while let Some(what) = self.byte() {
            self.lived.steps += 1;
            self.step(what);
            self.check();
        }
        self.end();
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*first)
    }

    fn pick(&mut self) -> Option<usize> {
        usize::from(self.byte()?).checked_rem(self.clients.len())
    }

    fn room(&mut self) -> &'static str {
        let at = usize::from(self.byte().unwrap_or_default());
        ROOMS[at % ROOMS.len()]
    }

    fn step(&mut self, what: u8) {
        match what % 16 {
            0 => self.enter(),
            1 | 2 => self.tell(),
            3..=5 => self.emit(what & 0x10 != 0, what & 0x20 != 0, what & 0x40 != 0),
            6 => self.change(true),
            7 => self.change(false),
            8 => self.leave(LOST),
            9 if what & 0x70 == 0 => self.leave(LEFT),
            10 | 11 => self.receive(),
            12 | 13 => self.come_back(),
            14 => self.steal(),
            _ => {
                let seconds = u64::from(self.byte().unwrap_or_default() / 4);
                self.now += Duration::from_secs(seconds);
                self.recovery.handle_timeout(self.now);
            }
        }
    }

    fn enter(&mut self) {
        let n = u8::try_from(self.clients.len()).unwrap_or(u8::MAX);
        if n >= 40 {
            return;
        }
        let id = SocketId::from_random([n; 15]);
        let pid = Pid::from_random([n.wrapping_add(100); 15]);
        let holder = self.recovery.enter(&id, &pid).expect("it is a new one");
        assert_eq!(self.recovery.enter(&id, &pid), None, "there is one");
        self.clients.push(Client {
            id,
            pid,
            holder,
            here: true,
            since: self.now,
            over: false,
            rooms: BTreeSet::new(),
            sent: Vec::new(),
            got: 0,
            offset: None,
            used: None,
            repeated: false,
        });
    }

    fn packet(&mut self) -> (Encoded, u32, String) {
        self.said += 1;
        let offset = self.recovery.next_offset().as_str().to_owned();
        let packet = packet::event("/", None, "e", &(self.said, &offset)).expect("it is written");
        (packet, self.said, offset)
    }

    fn tell(&mut self) {
        let Some(at) = self.pick() else { return };
        let (packet, name, offset) = self.packet();
        let client = &mut self.clients[at];
        self.recovery.keep_for(self.now, client.holder, &packet);
        if client.here {
            client.sent.push((name, offset));
        }
    }

    /// To everybody or a room, perhaps but one, perhaps by somebody.
    fn emit(&mut self, room: bool, except: bool, sender: bool) {
        let room = room.then(|| self.room());
        let except = except.then(|| self.room());
        let sender = sender.then(|| self.pick()).flatten();
        let (packet, name, offset) = self.packet();
        let target = Target {
            rooms: room.map(|room| [room.into()].into_iter().collect()),
            except: except.map(Into::into).into_iter().collect(),
            skip: None,
        };
        let mut heard = false;
        for (at, client) in self.clients.iter_mut().enumerate() {
            let is_in = |room: &str| client.rooms.contains(room);
            if client.over
                || Some(at) == sender
                || !room.is_none_or(is_in)
                || except.is_some_and(is_in)
            {
                continue;
            }
            heard |= client.here;
            client.sent.push((name, offset.clone()));
        }
        let sender = sender.map(|at| &self.clients[at].id);
        self.recovery
            .keep(self.now, &target, sender, heard, &packet);
    }

    fn change(&mut self, joins: bool) {
        let Some(at) = self.pick() else { return };
        let room = self.room();
        let client = &mut self.clients[at];
        if !client.here {
            return;
        }
        if !joins {
            client.rooms.remove(room);
            self.recovery.leave_room(client.holder, room);
        } else if client.rooms.len() < 2 {
            client.rooms.insert(room);
            self.recovery.join(client.holder, room);
        }
    }

    fn leave(&mut self, reason: DisconnectReason) {
        let Some(at) = self.pick() else { return };
        let client = &mut self.clients[at];
        let kept = self.recovery.leave(self.now, client.holder, reason, at);
        let may_return = client.here && reason == LOST;
        if client.here {
            client.here = false;
            client.since = self.now;
            client.over = !may_return;
            if !client.repeated {
                client.used = None;
            }
        }
        self.expired();
        // It may be the one too many.
        assert_eq!(kept, may_return && !self.clients[at].over);
    }

    /// Some of what was sent has arrived.
    fn receive(&mut self) {
        let Some(at) = self.pick() else { return };
        let count = usize::from(self.byte().unwrap_or_default() % 8);
        let client = &mut self.clients[at];
        // What was sent while it is away has gone nowhere.
        if client.here {
            let got = (client.got + count).min(client.sent.len());
            self.lived.events += (got - client.got) as u64;
            client.got = got;
            let last = client.got.checked_sub(1);
            client.offset = last.map(|at| client.sent[at].1.clone());
        }
    }

    fn come_back(&mut self) {
        let Some(at) = self.pick() else { return };
        self.recovery.handle_timeout(self.now);
        self.expired();
        let client = &mut self.clients[at];
        let claim = Claim::new(&client.pid, client.offset.as_deref());
        let before = self.recovery.find(&claim).is_some();
        let result = self.recovery.restore(self.now, &claim);
        assert_eq!(result.is_ok(), before);
        let used = client.used.as_ref() == Some(&client.offset);
        let restored = match result {
            Ok(restored) => restored,
            Err(Unrestored::Unknown) => {
                assert!(client.over, "it is there");
                return;
            }
            Err(Unrestored::Used) => {
                assert!(used && (client.here || client.repeated), "it was not used");
                self.lived.marks.insert("what a client presents was used");
                return;
            }
            Err(Unrestored::Lost) => {
                let old = self.now.saturating_duration_since(Instant::ORIGIN);
                assert!(
                    self.limited || old >= AWAY + NOTICE,
                    "nothing is thrown away"
                );
                client.over = true;
                client.here = false;
                self.lived.marks.insert("a client came back as another");
                self.expired();
                return;
            }
            Err(other) => panic!("{other:?}"),
        };
        assert!(!client.over && !(used && (client.here || client.repeated)));
        assert_eq!(restored.data, (!client.here).then_some(at));
        assert_eq!((&restored.id, &restored.pid), (&client.id, &client.pid));
        let rooms: BTreeSet<&str> = restored.rooms.iter().skip(1).map(|it| &**it).collect();
        assert_eq!(rooms, client.rooms);
        let missed: Vec<u32> = restored.missed.iter().map(number).collect();
        let expected: Vec<u32> = client.sent[client.got..].iter().map(|it| it.0).collect();
        assert_eq!(missed, expected, "each once, in order");
        self.restored += 1;
        self.lived.events += missed.len() as u64;
        self.lived.marks.insert("a client came back as who it was");
        if !missed.is_empty() {
            self.lived
                .marks
                .insert("a client was told what it had missed");
        }
        // Whoever had it before does not have it any more, whatever becomes of that.
        let before = std::mem::replace(&mut client.holder, restored.holder);
        assert!(!self.recovery.leave(self.now, before, LEFT, at));
        self.recovery.join(before, "elsewhere");
        client.here = true;
        client.used = Some(client.offset.clone());
        client.repeated = !missed.is_empty();
        assert_eq!(self.recovery.figures().recovered, self.restored);
    }

    /// Somebody else presents what a client has presented, or what no client was told.
    fn steal(&mut self) {
        let Some(at) = self.pick() else { return };
        let client = &self.clients[at];
        let mut offsets = vec!["x".to_owned(), "AAAAA".to_owned()];
        if client.here
            && let Some(used) = &client.used
        {
            offsets.extend(used.clone());
        }
        for offset in offsets {
            let claim = Claim::new(&client.pid, Some(&offset));
            assert!(self.recovery.find(&claim).is_none());
            assert!(self.recovery.restore(self.now, &claim).is_err());
        }
        self.expired();
    }

    fn expired(&mut self) {
        while let Some(Event::Expired { id, data, .. }) = self.recovery.poll_event() {
            let client = &mut self.clients[data];
            assert_eq!(client.id, id);
            self.lived.marks.insert("a client expired");
            client.here = false;
            client.over = true;
        }
    }

    fn check(&mut self) {
        self.expired();
        for client in &self.clients {
            let waited = self.now.saturating_duration_since(client.since);
            assert!(client.here || client.over || waited < AWAY);
        }
        let figures = self.recovery.figures();
        if self.limited {
            assert!(figures.packets <= PACKETS && figures.away <= SESSIONS);
        }
        let left = self.clients.iter().filter(|client| !client.over).count();
        assert_eq!(figures.here + figures.away, left);
        if left == 0 {
            assert_eq!((figures.packets, figures.bytes), (0, 0));
        }
        if figures.packets == 0 {
            assert_eq!(figures.bytes, 0);
        }
    }

    /// All leave, and nothing is left.
    fn end(&mut self) {
        for at in 0..self.clients.len() {
            let holder = self.clients[at].holder;
            self.recovery.leave(self.now, holder, LOST, at);
        }
        while let Some(next) = self.recovery.poll_timeout() {
            assert!(next.at > self.now, "it was not acted on");
            self.now = next.at;
            self.recovery.handle_timeout(self.now);
        }
        let figures = self.recovery.figures();
        assert_eq!((figures.here, figures.away, figures.packets), (0, 0, 0));
    }
}

fn number(packet: &Encoded) -> u32 {
    let Some(Part::Text(text)) = packet.part(0) else {
        panic!("{packet:?}")
    };
    let text = String::from_utf8(text.to_vec()).expect("it is text");
    let number = text.split(',').nth(1).expect("it has a number");
    number.parse().expect("it is one")
}
