//! What our own code is measured at without IO, by time and by instructions.

use crate::codec;
use crate::payloads;
use crate::scenario::SMALL;
use crate::turn::{Client, Machine};
use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_core::config::{Config, ConnectionStateRecovery};
use sio_core::connection::Connection;
use sio_core::engine::{Body, Framing, Writer, split};
use sio_core::id::{HashKey, SocketId};
use sio_core::packet;
use sio_core::record::Recorded;
use sio_core::recovery::{Pid, Recovery};
use sio_core::rooms::{MemberKey, Rooms, Target};
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use sio_core::time::Instant;

/// How many packets a polling payload has.
const PACKETS: usize = 16;

/// An operation, made ready once and done many times.
pub type Operation = Box<dyn FnMut()>;

/// One operation.
pub struct Case {
    /// Its name on command lines and in tables.
    pub name: &'static str,
    /// What of it counts as one.
    pub units: usize,
    /// Whether its instructions are counted in CI. Those that take long to make ready are not.
    pub counted: bool,
    ready: Box<dyn Fn() -> Operation>,
}

impl Case {
    /// Makes it ready.
    #[must_use]
    pub fn ready(&self) -> Operation {
        (self.ready)()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of them, in the order of tables.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = codecs();
    cases.extend(turns());
    cases.extend(rooms());
    cases
}

fn case<F: FnMut() + 'static>(name: &'static str, ready: impl Fn() -> F + 'static) -> Case {
    Case {
        name,
        units: 1,
        counted: true,
        ready: Box::new(move || Box::new(ready())),
    }
}

impl Case {
    /// One call does so many.
    fn of(mut self, units: usize) -> Self {
        self.units = units;
        self
    }

    fn not_counted(mut self) -> Self {
        self.counted = false;
        self
    }
}

fn codecs() -> Vec<Case> {
    vec![
        encode("encode: small event", None, || ("world".to_owned(),)),
        encode("encode: ack of 64 B", Some(7), || (payloads::said(),)),
        encode("encode: 1 KiB text", None, || (payloads::page(),)),
        encode("encode: 1 KiB dense JSON", None, || (payloads::points(),)),
        encode("encode: 2 x 1 KiB binary", None, payloads::blobs),
        decode("decode: small event", None, || ("world".to_owned(),)),
        decode("decode: event of 64 B with ack", Some(7), || {
            (payloads::said(),)
        }),
        decode("decode: 1 KiB text", None, || (payloads::page(),)),
        decode("decode: 1 KiB dense JSON", None, || (payloads::points(),)),
        decode("decode: 2 x 1 KiB binary", None, payloads::blobs),
        case("encode: payload of 16 packets", || {
            let parts = payload().1;
            move || drop(black_box(write(&parts)))
        }),
        case("decode: payload of 16 packets", || {
            let body = payload().0;
            move || {
                let packets = split(Body::Separated(body.clone()), PACKETS);
                assert!(black_box(packets).all(|packet| packet.is_ok()));
            }
        }),
    ]
}

fn encode<T: Serialize + 'static>(name: &'static str, id: Option<u64>, args: fn() -> T) -> Case {
    case(name, move || {
        let args = args();
        move || drop(black_box(codec::encode(id, black_box(&args))))
    })
}

fn decode<T: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    id: Option<u64>,
    args: fn() -> T,
) -> Case {
    case(name, move || {
        let event = packet::event("/", id, "hello", &args()).expect("they can be written");
        let (text, attachments) = codec::frames(&event);
        move || {
            let packet = codec::decode(black_box(&text), &attachments);
            let args = codec::arguments(&packet).decode::<T>();
            assert!(black_box(args).is_ok());
        }
    })
}

/// A polling payload of small events, and the packets it is made of.
#[must_use]
pub fn payload() -> (ByteString, Vec<packet::Part>) {
    let event = codec::encode(None, &(SMALL,));
    let parts = vec![event.parts().collect::<Vec<_>>(); PACKETS].concat();
    let body = ByteString::try_from(write(&parts)).expect("text is UTF-8");
    (body, parts)
}

/// Packets as a polling payload.
#[must_use]
pub fn write(parts: &[packet::Part]) -> Bytes {
    let mut writer = Writer::new(Framing::Separated, 0);
    for part in parts {
        writer.push(part);
    }
    writer.finish()
}

fn turns() -> Vec<Case> {
    vec![
        case("turn: event in, ack out", || echo(connected())),
        case("turn: event in, ack out, recorded", || echoes(false)),
        case("turn: event in, ack out, recorded and given out", || {
            echoes(true)
        }),
        case("turn: the same, in 64 namespaces", || {
            let (now, mut client) = connected();
            client.join_namespaces(now, 63);
            echo((now, client))
        }),
        case("turn: the same, 10 acks pending", || echo(asking(10))),
        case("turn: the same, 10 000 acks pending", || {
            echo(asking(10_000))
        }),
        case("turn: question and answer, 10 acks pending", || {
            question(asking(10))
        }),
        case("turn: question and answer, 10 000 acks pending", || {
            question(asking(10_000))
        }),
        case("turn: handshake to connected", || {
            let (now, config) = (Instant::ORIGIN, config());
            move || drop(black_box(Plain::connected(now, &config)))
        }),
        case("turn: ping and pong", || {
            let (_, mut client) = connected();
            move || {
                black_box(client.heartbeat());
            }
        }),
    ]
}

fn config() -> Arc<Config> {
    Arc::new(Config::v4().max_pending_acks(1 << 20))
}

/// One that is not recorded.
type Plain = Client<Connection<()>>;

fn connected() -> (Instant, Plain) {
    let now = Instant::ORIGIN;
    (now, Client::connected(now, &config()))
}

/// Clients, whose logs are given out when all is done, if they are recorded and it is `given`.
struct Clients<M: Machine> {
    all: Vec<Client<M>>,
    now: Instant,
    given: bool,
}

impl<M: Machine> Clients<M> {
    fn new(count: usize, given: bool) -> Self {
        let (now, config) = (Instant::ORIGIN, config());
        let all = (0..count).map(|_| Client::connected(now, &config));
        Self {
            all: all.collect(),
            now,
            given,
        }
    }

    /// The next time at which something happens.
    fn next(&mut self) -> Instant {
        self.now += Duration::from_micros(1);
        self.now
    }
}

impl<M: Machine> Drop for Clients<M> {
    fn drop(&mut self) {
        if self.given {
            for client in &mut self.all {
                drop(black_box(client.log()));
            }
        }
    }
}

/// An echo of one that is recorded.
fn echoes(given: bool) -> impl FnMut() {
    let event = ByteString::from(format!(r#"4217["echo",{SMALL}]"#));
    let mut clients = Clients::<Box<Recorded<()>>>::new(1, given);
    move || {
        let now = clients.next();
        for client in &mut clients.all {
            black_box(client.echo(now, event.clone()));
        }
    }
}

/// A client that was asked so many questions.
fn asking(count: usize) -> (Instant, Plain) {
    let (now, mut client) = connected();
    for _ in 0..count {
        client.ask(now);
    }
    (now, client)
}

fn echo((now, mut client): (Instant, Plain)) -> impl FnMut() {
    let event = ByteString::from(format!(r#"4217["echo",{SMALL}]"#));
    assert_eq!(client.echo(now, event.clone()), format!("4317[{SMALL}]"));
    move || drop(black_box(client.echo(now, event.clone())))
}

fn question((now, mut client): (Instant, Plain)) -> impl FnMut() {
    move || {
        client.ask(now);
        client.answer(now);
    }
}

fn rooms() -> Vec<Case> {
    vec![
        broadcast("broadcast: to 1 member", 1),
        broadcast("broadcast: to 100 members, each", 100),
        past::<Connection<()>>("broadcast: past the queue of 100, each", false),
        past::<Box<Recorded<()>>>("broadcast: past the queue of 100, each, recorded", false),
        past::<Box<Recorded<()>>>(
            "broadcast: past the queue of 100, each, recorded and given out",
            true,
        ),
        queued("broadcast: through the queue of 100, each, recorded", false),
        queued(
            "broadcast: through the queue of 100, each, recorded and given out",
            true,
        ),
        broadcast("broadcast: to 1 000 members, each", 1_000).not_counted(),
        kept("broadcast: the same, kept for who comes back", 1_000).not_counted(),
        broadcast("broadcast: to 10 000 members, each", 10_000).not_counted(),
        join_and_leave("join and leave: among 100 members", 100),
        join_and_leave("join and leave: among 10 000 members", 10_000),
        join_and_leave("join and leave: among 100 000 members", 100_000).not_counted(),
        select("select: a room of 10 among 100 sockets", 100),
        select("select: a room of 10 among 10 000 sockets", 10_000),
        select("select: a room of 10 among 100 000 sockets", 100_000).not_counted(),
    ]
}

/// Walks a room of so many and takes the packet through each member's machine.
fn broadcast(name: &'static str, members: usize) -> Case {
    let ready = move || {
        let (now, config) = (Instant::ORIGIN, config());
        let mut clients = (0..members)
            .map(|_| Plain::connected(now, &config))
            .collect::<Vec<_>>();
        let (rooms, _) = crowd(members, members);
        let target = Target::from(["room 0"]);
        let payload = (payloads::said(),);
        move || {
            let tick = packet::event("/", None, "tick", &payload).expect("it can be written");
            for member in rooms.select(&target) {
                black_box(clients[*member].deliver(now, tick.clone()));
            }
        }
    };
    case(name, ready).of(members)
}

/// The same for 100 who have it already, as a driver sends what many get.
fn past<M: Machine + 'static>(name: &'static str, given: bool) -> Case {
    to_clients::<M>(name, given, |client, now, tick| client.pass(now, tick))
}

/// Through the queues of 100 who are recorded.
fn queued(name: &'static str, given: bool) -> Case {
    to_clients::<Box<Recorded<()>>>(name, given, |client, now, tick| {
        black_box(client.deliver(now, tick.clone()));
    })
}

fn to_clients<M: Machine + 'static>(
    name: &'static str,
    given: bool,
    tell: impl Fn(&mut Client<M>, Instant, &packet::Encoded) + Copy + 'static,
) -> Case {
    let ready = move || {
        let mut clients = Clients::<M>::new(100, given);
        let payload = (payloads::said(),);
        move || {
            let now = clients.next();
            let tick = packet::event("/", None, "tick", &payload).expect("it can be written");
            for client in &mut clients.all {
                tell(client, now, &tick);
            }
        }
    };
    case(name, ready).of(100)
}

/// The same, with all that is done so that each member could come back and be told it.
fn kept(name: &'static str, members: usize) -> Case {
    let ready = move || {
        let now = Instant::ORIGIN;
        let options = ConnectionStateRecovery::default();
        let config = Arc::new(Config::v4().connection_state_recovery(options));
        let mut clients = (0..members)
            .map(|_| Plain::connected(now, &config))
            .collect::<Vec<_>>();
        let (rooms, _) = crowd(members, members);
        let mut recovery = Recovery::<()>::new(&config, HashKey([3, 4])).expect("it is on");
        for (member, number) in (0..members).zip(0u64..) {
            let mut bytes = [0; 15];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            let entered = recovery.enter(&SocketId::from_random(bytes), &Pid::from_random(bytes));
            recovery.join(
                entered.expect("a new one"),
                &format!("room {}", member / members),
            );
        }
        let target = Target::from(["room 0"]);
        let payload = payloads::said();
        move || {
            let offset = recovery.next_offset();
            let tick = packet::event("/", None, "tick", &(&payload, offset.as_str()));
            let tick = tick.expect("it can be written");
            recovery.keep(now, &target, None, true, &tick);
            for member in rooms.select(&target) {
                black_box(clients[*member].deliver(now, tick.clone()));
            }
        }
    };
    case(name, ready).of(members)
}

fn join_and_leave(name: &'static str, members: usize) -> Case {
    case(name, move || {
        let (mut rooms, keys) = crowd(members, 10);
        let mut next = keys.into_iter().cycle();
        move || {
            let key = next.next().expect("a cycle of some has no end");
            assert_eq!(rooms.join(key, "lobby"), Ok(true));
            assert!(rooms.leave(key, "lobby"));
        }
    })
}

fn select(name: &'static str, members: usize) -> Case {
    case(name, move || {
        let (rooms, _) = crowd(members, 10);
        let target = Target::from(["room 3"]);
        move || assert_eq!(black_box(rooms.select(&target)).count(), 10)
    })
}

/// So many members, in rooms of so many.
fn crowd(members: usize, each: usize) -> (Rooms<usize>, Vec<MemberKey>) {
    let mut rooms = Rooms::new(HashKey([1, 2]), 16);
    let mut keys = Vec::with_capacity(members);
    for member in 0..members {
        let mut bytes = [0; 15];
        bytes[..8].copy_from_slice(&(member as u64).to_le_bytes());
        let key = rooms.insert(SocketId::from_random(bytes), member);
        let joined = rooms.join(key, &format!("room {}", member / each));
        assert_eq!(joined, Ok(true));
        keys.push(key);
    }
    (rooms, keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_done_and_has_a_name_of_its_own() {
        let cases = all();
        for (index, case) in cases.iter().enumerate() {
            assert!(cases[..index].iter().all(|other| other.name != case.name));
            if case.counted {
                let mut operation = case.ready();
                operation();
                operation();
            }
        }
    }
}
