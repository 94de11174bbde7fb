//! Packets that come by a parser of the application's own.

use std::sync::Arc;

use sio_core::config::Config;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Eio, Message, Opened, Session, TransportKind};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::parser::{self, EncodeError, Fault, Limits, Packet, PacketType, Parser};
use sio_core::packet::{Args, Value};
use sio_core::socket;
use sio_core::time::Instant;

/// What is accepted the usual way is accepted by way of a parser, and is the same: names, ids and values. What
/// else a parser makes of a message is accepted or refused.
pub fn parser(input: &[u8]) {
    for revision in [Eio::V3, Eio::V4] {
        if let Ok(packet) = serde_json::from_slice(input) {
            let _ = by_parser(revision, packet);
        }
        let limits = Limits {
            attachments: usize::MAX,
            ..Limits::default()
        };
        super::events(revision, input, &limits, |id, name, args| {
            same(revision, id, name, args);
        });
    }
}

fn same(revision: Eio, id: Option<u64>, name: &str, args: &Args) {
    // Half a surrogate pair is no Rust string.
    let Ok(values) = args.values() else { return };
    let mut data = vec![Value::from(name)];
    data.extend(values.iter().cloned());
    let packet = Packet {
        kind: PacketType::Event,
        namespace: "/".to_owned(),
        id,
        data: Some(data.into()),
    };
    let event = by_parser(revision, packet);
    let Some(Event::Socket(socket::Event::Message {
        name: its,
        args,
        ack,
        ..
    })) = event
    else {
        panic!("{event:?}");
    };
    assert_eq!((&*its, ack.map(|ack| ack.id())), (name, id));
    assert_eq!(args.values(), Ok(values));
}

/// Gives this packet to a connection that is in `/`, and its first event.
fn by_parser(revision: Eio, packet: Packet) -> Option<Event<()>> {
    let now = Instant::ORIGIN;
    let config = Arc::new(Config::default().parser(Given(packet, revision)));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::new(now, session, config);
    if revision == Eio::V4 {
        connection.handle_ws(now, Message::Text("4".into()));
    }
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = connection.poll_event(now)
    else {
        panic!("it asks")
    };
    let id = SocketId::from_random([9; 15]);
    assert!(connection.accept(now, ticket, &id).is_some());
    connection.handle_ws(now, Message::Text("4".into()));
    connection.poll_event(now)
}

/// Every message is this packet, but the first of revision 5, which asks for `/`.
struct Given(Packet, Eio);

impl Parser for Given {
    fn encode(&self, _: &Packet) -> Result<Vec<Message>, EncodeError> {
        Ok(vec!["".into()])
    }

    fn decoder(&self) -> Box<dyn parser::Decoder> {
        let connect = Packet {
            kind: PacketType::Connect,
            namespace: "/".to_owned(),
            id: None,
            data: None,
        };
        let mut next = vec![self.0.clone()];
        next.extend((self.1 == Eio::V4).then_some(connect));
        Box::new(move |_: Message, _: &Limits| -> Result<Option<Packet>, Fault> { Ok(next.pop()) })
    }
}
