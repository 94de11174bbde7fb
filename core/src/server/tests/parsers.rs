//! Clients that ask for a parser.

use super::*;
use crate::engine::{Flags, Sent, WsOut};
use crate::packet::parser::{Decoder, EncodeError, Fault, Limits as Most, Packet, Parser};
use crate::packet::{self, Codec, Part};
use crate::rooms::Target;

/// Packets as JSON.
struct Json;

impl Parser for Json {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Most| match message {
            Message::Text(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_| Fault::Payload),
            Message::Binary(_) => Err(Fault::UnexpectedBinary),
        })
    }
}

/// A client that asks so, and is let into `/`.
fn come(server: &mut Server<()>, byte: u8, query: &str, connect: &str) -> Socket {
    let mut head = upgrade();
    head.uri = format!("{}{query}", head.uri).parse().unwrap();
    let Upgraded::Attached { connection, .. } = server.handle_upgrade(NOW, &head, [byte; 15])
    else {
        panic!("not attached")
    };
    drain(server);
    server.handle_ws(NOW, connection, Message::Text(connect.into()));
    let Some(Event::Connecting { ticket, .. }) = server.poll_event(NOW) else {
        panic!("asks for nothing")
    };
    let id = SocketId::from_random([byte; 15]);
    let socket = server.accept(NOW, connection, ticket, id).unwrap();
    drain(server);
    said(server, socket);
    socket
}

fn said(server: &mut Server<()>, socket: Socket) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(out) = server.poll_ws(socket.connection) {
        if let WsOut::Frame {
            part: Part::Text(text),
            ..
        } = out
        {
            all.push(String::from_utf8(text.to_vec()).unwrap());
        }
    }
    all
}

#[test]
fn whoever_asks_for_a_parser_has_it_and_all_hear_the_same() {
    let json = Codec::new(Json);
    let mut server = server(Config::v4().parsers([("json", json.clone())]));
    let text = come(&mut server, 1, "", "40");
    let other = come(&mut server, 2, "&parser=json", r#"4{"type":0,"nsp":"/"}"#);
    let of = |server: &Server<()>, socket: Socket| {
        server
            .connection(socket.connection)
            .unwrap()
            .codec()
            .clone()
    };
    assert!(of(&server, text).is_built_in() && of(&server, other).is(&json));

    // Whatever the embedder has written it by.
    let packet = packet::event("/", None, "a", &1).unwrap();
    let to = Target::default();
    assert_eq!(
        server.broadcast(NOW, "/", &to, &packet, Flags::default()),
        2
    );
    assert_eq!(
        server.emit_to(NOW, "/", &to, "b", &2, Flags::default()),
        Ok(2)
    );
    for socket in [text, other] {
        let sent = server.emit(NOW, socket, "c", &3, Flags::default());
        assert_eq!(sent, Ok(Sent::Queued));
    }
    assert_eq!(
        said(&mut server, text),
        [r#"42["a",1]"#, r#"42["b",2]"#, r#"42["c",3]"#]
    );
    let packet = |name: &str, n: u8| format!(r#"4{{"type":2,"nsp":"/","data":["{name}",{n}]}}"#);
    assert_eq!(
        said(&mut server, other),
        [packet("a", 1), packet("b", 2), packet("c", 3)]
    );

    // What a parser of the application's own has written is for its own clients.
    let own = json.event("/", None, "d", &4).unwrap();
    assert_eq!(
        server.deliver(NOW, other, own.clone(), Flags::default()),
        Sent::Queued
    );
    assert_eq!(
        server.deliver(NOW, text, own, Flags::default()),
        Sent::Unwritten
    );
    assert_eq!(said(&mut server, other), [packet("d", 4)]);
    assert_eq!(said(&mut server, text), [""; 0]);
}

#[test]
fn nobody_is_let_in_by_a_name_that_is_not_there() {
    let mut server = server(Config::v4().parsers([("json", Codec::new(Json))]));
    for query in ["&parser=cbor", "&parser=", "&parser=json&parser=json"] {
        let mut head = upgrade();
        head.uri = format!("{}{query}", head.uri).parse().unwrap();
        let Upgraded::Refused(response) = server.handle_upgrade(NOW, &head, [7; 15]) else {
            panic!("{query} is let in")
        };
        assert_eq!(response.status(), 400, "{query}");
        assert_eq!(response.body(), "Bad request");
    }
}
