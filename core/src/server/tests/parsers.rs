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

/// A client that asks for `/` by one of the parsers, and is not let in yet.
fn knocks(
    server: &mut Server<()>,
    byte: u8,
    query: &str,
    connect: &str,
) -> (ConnectionKey, crate::socket::ConnectTicket) {
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
    (connection, ticket)
}

/// A client that asks so, and is let into `/`.
fn come(server: &mut Server<()>, byte: u8, query: &str, connect: &str) -> Socket {
    let (connection, ticket) = knocks(server, byte, query, connect);
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

/// JSON, but for an event and for a private id.
struct Fussy;

impl Parser for Fussy {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let data = packet.data.as_ref();
        let refused = data
            .is_some_and(|data| data[0].as_str() == Some("unwritable") || !data["pid"].is_null());
        match refused {
            true => Err(EncodeError::refused("told to")),
            false => Json.encode(packet),
        }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Json.decoder()
    }
}

/// A server whose clients come back, by text or by a parser that does not write all.
fn fussy() -> Server<()> {
    let config = Config::v4().parsers([("fussy", Codec::new(Fussy))]);
    server(config.connection_state_recovery(crate::config::ConnectionStateRecovery::default()))
}

/// Its connection has been closed, and is let go of.
fn ended(server: &mut Server<()>, connection: ConnectionKey) {
    let last = std::iter::from_fn(|| server.poll_ws(connection)).last();
    assert!(matches!(last, Some(WsOut::Close(_))), "{last:?}");
    let told: Vec<_> = std::iter::from_fn(|| server.poll_event(NOW)).collect();
    let [Event::Closed { details, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    let unwritten = matches!(details, Some(crate::details::Details::Unwritten(_)));
    assert!(unwritten, "{details:?}");
    drain(server);
    server.handle_ws_gone(connection);
    assert!(server.connection(connection).is_none());
}

const FUSSY: &str = "&parser=fussy";

#[test]
fn who_cannot_be_told_that_it_may_come_back_is_not_in_and_leaves_nothing() {
    let mut server = fussy();
    let ask = r#"4{"type":0,"nsp":"/"}"#;
    let (connection, ticket) = knocks(&mut server, 1, FUSSY, ask);
    let id = SocketId::from_random([1; 15]);
    let socket = server.accept_recoverable(NOW, connection, ticket, id, [2; 15]);
    assert_eq!(socket, None);
    ended(&mut server, connection);
    assert_eq!(server.connections(), 0);
    let figures = server.recovery_figures("/").unwrap();
    assert_eq!((figures.here, figures.away), (0, 0));
    assert_eq!(server.select("/", &Target::default()), []);
}

#[test]
fn who_cannot_be_told_what_it_missed_is_not_in_and_may_come_back() {
    let mut server = fussy();
    let (connection, ticket) = knocks(&mut server, 1, "", "40");
    let id = SocketId::from_random([1; 15]);
    let ann = server
        .accept_recoverable(NOW, connection, ticket, id, [2; 15])
        .unwrap();
    drain(&mut server);
    server.handle_ws_closed(NOW, connection, WsClosed::Lost);
    drain(&mut server);
    let all = Target::default();
    server
        .emit_to(NOW, "/", &all, "unwritable", &(), Flags::default())
        .unwrap();
    let pid = crate::recovery::Pid::from_random([2; 15]);
    let claim = crate::recovery::Claim::new(&pid, None);
    let ask = r#"4{"type":0,"nsp":"/"}"#;
    let (connection, ticket) = knocks(&mut server, 2, FUSSY, ask);
    let back = server.recover(NOW, connection, ticket, &claim);
    assert_eq!(back.map_err(|(why, _)| why), Ok(None));
    ended(&mut server, connection);
    let figures = server.recovery_figures("/").unwrap();
    assert_eq!((figures.here, figures.away), (0, 1));
    // By a parser that writes it.
    let (connection, ticket) = knocks(&mut server, 3, "", "40");
    let back = server.recover(NOW, connection, ticket, &claim);
    let back = back.map_err(|(why, _)| why).unwrap().unwrap();
    assert_eq!(
        (back.id.as_str(), back.socket == ann),
        (SocketId::from_random([1; 15]).as_str(), false)
    );
    let told = said(&mut server, back.socket);
    assert!(told.iter().any(|it| it.contains("unwritable")), "{told:?}");
}

#[test]
fn a_question_that_a_clients_parser_does_not_write_is_not_waited_for() {
    let mut server = fussy();
    let ask = r#"4{"type":0,"nsp":"/"}"#;
    let socket = come(&mut server, 1, FUSSY, ask);
    let question = |name: &str| packet::event("/", Some(1), name, &()).unwrap();
    let asked = server.request(NOW, socket, 1, question("unwritable"), (), None);
    assert_eq!(asked, Err((crate::socket::AckError::NotSent, ())));
    assert_eq!(said(&mut server, socket), [""; 0]);
    // Nor is its number in use.
    let asked = server.request(NOW, socket, 1, question("q"), (), None);
    assert_eq!(asked, Ok(()));
    assert_eq!(said(&mut server, socket).len(), 1);
}

/// A parser may say of a packet that it has bytes in it, or leave that to us.
#[test]
fn an_event_with_attachments_is_one_by_any_name() {
    let mut server = server(Config::v4().parsers([("json", Codec::new(Json))]));
    let ask = r#"4{"type":0,"nsp":"/"}"#;
    let socket = come(&mut server, 1, "&parser=json", ask);
    for kind in [2, 5] {
        let text = format!(r#"4{{"type":{kind},"nsp":"/","data":["e",1]}}"#);
        server.handle_ws(NOW, socket.connection, Message::Text(text.into()));
        let event = server.poll_event(NOW);
        let Some(Event::Message { name, args, .. }) = event else {
            panic!("{event:?}")
        };
        assert_eq!((name.as_str(), args.elements()), ("e", "1"));
    }
    for kind in [3, 6] {
        let question = packet::event("/", Some(kind), "q", &()).unwrap();
        server
            .request(NOW, socket, kind, question, (), None)
            .unwrap();
        let text = format!(r#"4{{"type":{kind},"nsp":"/","id":{kind},"data":["yes"]}}"#);
        server.handle_ws(NOW, socket.connection, Message::Text(text.into()));
        let event = server.poll_event(NOW);
        let Some(Event::Acked {
            answer: Ok(answer), ..
        }) = event
        else {
            panic!("{event:?}")
        };
        assert_eq!(answer.elements(), r#""yes""#);
    }
}
