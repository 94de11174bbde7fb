//! Packets that are written and read by a parser of the application's own.

use std::sync::mpsc::channel;
use std::time::Duration;

use sio_tests::wire::{PATIENCE, Polling, Said, WEBSOCKET, WebSocket, Wire};
use sio_tokio::parser::{
    Decoder, EncodeError, Fault, Limits, Message, Msgpack, Packet, PacketType, Parser,
};
use sio_tokio::{
    Ack, Args, Bytes, Codec, Config, Data, EmitError, EngineServer, Io, Refusal, Server,
    SetupError, Socket, Value,
};

use crate::json::Json;
use crate::rows::covers;
use crate::world::{V3_WEBSOCKET, World, calm, v3_packets};

/// A server that answers, asks, refuses and tells everybody.
fn talkative(config: Config) -> Io {
    let io = Io::new(config);
    let main = io.of("/");
    main.on_connect(|socket: Socket| {
        socket.use_(|packet: &mut sio_tokio::Incoming| match &*packet.name {
            "forbidden" => Err(Refusal::new("not this")),
            _ => Ok(()),
        });
        let _ = socket.join("all");
    });
    main.on("echo", |args: Args, ack: Ack| ack.send(&args));
    main.on("ask", async |socket: Socket, ack: Ack| {
        let answer: Value = socket.emit_with_ack("asked", &"why").await.unwrap();
        ack.send(&answer)
    });
    main.on("tell", |socket: Socket, args: Args| {
        socket.to("all").emit("told", &args)
    });
    main.on("leave", |socket: Socket| socket.disconnect(false));
    io.of("/locked")
        .use_(|_: Socket| Err(Refusal::new("locked").data("E_LOCKED")));
    io
}

/// The server asks.
fn is_asked(five: &mut WebSocket) {
    five.send(r#"4{"type":2,"nsp":"/","id":2,"data":["ask"]}"#);
    let asked = five.text();
    let asked: Value = serde_json::from_str(asked.strip_prefix('4').unwrap()).unwrap();
    assert_eq!(asked["data"].to_string(), r#"["asked","why"]"#);
    five.send(&format!(
        r#"4{{"type":3,"nsp":"/","id":{},"data":["so"]}}"#,
        asked["id"]
    ));
    assert_eq!(five.text(), r#"4{"type":3,"nsp":"/","id":2,"data":["so"]}"#);
}

#[test]
fn the_parser_is_an_option() {
    covers(&["parser"]);
    let world = World::new(talkative(calm().parser(Json)));
    // A client of 4.x, by WebSocket.
    let mut five = WebSocket::open(world.address);
    assert!(five.text().starts_with("0{"));
    five.send(r#"4{"type":0,"nsp":"/","data":{"token":"x"}}"#);
    let entered = five.text();
    let id = entered
        .strip_prefix(r#"4{"type":0,"nsp":"/","data":{"sid":""#)
        .unwrap();
    let socket = world.io.of("/").get(id.trim_end_matches("\"}}")).unwrap();
    assert_eq!(socket.handshake().auth.value()["token"].as_str(), Some("x"));
    // A client of 2.x, by polling: it is in `/` without asking.
    let four = Polling::open_3(world.address);
    let said = |four: &Polling| v3_packets(&four.get().body);
    assert_eq!(said(&four), [r#"4{"type":0,"nsp":"/"}"#]);
    let posts = |four: &Polling, text: &str| {
        assert_eq!(
            four.post(&format!("{}:{text}", text.encode_utf16().count()))
                .status,
            200
        );
    };

    five.send(r#"4{"type":2,"nsp":"/","id":1,"data":["echo",1,{"b":[null]},"é"]}"#);
    assert_eq!(
        five.text(),
        r#"4{"type":3,"nsp":"/","id":1,"data":[1,{"b":[null]},"é"]}"#
    );
    posts(&four, r#"4{"type":2,"nsp":"/","id":1,"data":["echo","é"]}"#);
    assert_eq!(
        said(&four),
        [r#"4{"type":3,"nsp":"/","id":1,"data":["é"]}"#]
    );

    is_asked(&mut five);

    // One broadcast for both, and one that asks both.
    five.send(r#"4{"type":2,"nsp":"/","data":["tell","news"]}"#);
    assert_eq!(
        said(&four),
        [r#"4{"type":2,"nsp":"/","data":["told","news"]}"#]
    );
    world.io.to("all").emit("told", &(1, "x")).unwrap();
    let told = r#"4{"type":2,"nsp":"/","data":["told",1,"x"]}"#;
    assert_eq!(five.text(), told);
    assert_eq!(said(&four), [told]);
    let replies = world.io.to("all").emit_with_ack::<String>("all?", &());
    let question = five.text();
    assert_eq!(said(&four), [&*question]);
    let question: Value = serde_json::from_str(&question[1..]).unwrap();
    let reply = format!(
        r#"4{{"type":3,"nsp":"/","id":{},"data":["me"]}}"#,
        question["id"]
    );
    five.send(&reply);
    posts(&four, &reply);
    assert_eq!(world.wait(replies).unwrap().ok(), ["me", "me"]);

    // Refusals, of namespaces and of events.
    five.send(r#"4{"type":0,"nsp":"/locked"}"#);
    assert_eq!(
        five.text(),
        r#"4{"type":4,"nsp":"/locked","data":{"message":"locked","data":"E_LOCKED"}}"#
    );
    five.send(r#"4{"type":0,"nsp":"/nowhere"}"#);
    assert_eq!(
        five.text(),
        r#"4{"type":4,"nsp":"/nowhere","data":{"message":"Invalid namespace"}}"#
    );
    posts(&four, r#"4{"type":0,"nsp":"/locked?x=1"}"#);
    assert_eq!(
        said(&four),
        [r#"4{"type":4,"nsp":"/locked","data":"E_LOCKED"}"#]
    );
    posts(&four, r#"4{"type":0,"nsp":"/nowhere"}"#);
    assert_eq!(
        said(&four),
        [r#"4{"type":4,"nsp":"/nowhere","data":"Invalid namespace"}"#]
    );
    posts(&four, r#"4{"type":2,"nsp":"/","data":["forbidden"]}"#);
    assert_eq!(said(&four), [r#"4{"type":4,"nsp":"/","data":"not this"}"#]);

    // Leaving, and what is no packet.
    posts(&four, r#"4{"type":2,"nsp":"/","data":["leave"]}"#);
    assert_eq!(said(&four), [r#"4{"type":1,"nsp":"/"}"#]);
    assert!(socket.connected());
    five.send(r#"42["echo",1]"#);
    assert_eq!(five.end().0, [""; 0]);
    assert!(!socket.connected());
    drop((four, socket));
    world.end();
}

#[test]
fn the_parser_is_fixed_with_the_first_connection() {
    covers(&["parser"]);
    let io = talkative(calm());
    io.configure(|config| config.parser = Json.into()).unwrap();
    assert!(!io.config().parser.is_built_in());
    // Bound to the engine of another path and parser, it is its own that counts.
    let engine = EngineServer::new(calm().path("/realtime").parser(Msgpack));
    io.bind(&engine);
    let world = World::serving(io.clone(), Server::from(engine.clone()));
    let target = WEBSOCKET.replace("/socket.io", "/realtime");
    let mut client = WebSocket::over(Wire::connect(world.address), &target);
    assert!(client.text().starts_with("0{"));
    client.send(r#"4{"type":0,"nsp":"/"}"#);
    assert!(
        client
            .text()
            .starts_with(r#"4{"type":0,"nsp":"/","data":{"sid":"#)
    );
    io.emit("hello", &()).unwrap();
    assert_eq!(client.text(), r#"4{"type":2,"nsp":"/","data":["hello"]}"#);
    // Other options may change still; this one is in use.
    assert!(!io.is_attached());
    io.set_connect_timeout(Duration::from_secs(7)).unwrap();
    let other = io.configure(|config| config.parser = Codec::BUILT_IN);
    assert_eq!(other, Err(SetupError::Attached));
    drop(client);
    world.end();
}

/// The head of a packet as msgpack by hand: three members, type and namespace.
fn head(kind: u8, namespace: &str) -> Vec<u8> {
    let mut bytes = vec![0x83, 0xa4];
    bytes.extend(b"type");
    bytes.push(kind);
    bytes.extend([0xa3]);
    bytes.extend(b"nsp");
    bytes.push(0xa0 | namespace.len() as u8);
    bytes.extend(namespace.as_bytes());
    bytes
}

fn binary(client: &mut WebSocket) -> Vec<u8> {
    let said = client.hear();
    if let Said::Binary(bytes) = said {
        return bytes;
    }
    panic!("{said:?} instead of bytes")
}

#[test]
fn the_ready_parser_carries_bytes_in_their_packet() {
    covers(&["parser", "msgpack-parser"]);
    let world = World::new(talkative(calm().parser(Msgpack)));
    let mut five = WebSocket::open(world.address);
    five.text();
    five.send_binary(&[&[0x82][..], &head(0, "/")[1..]].concat());
    assert!(binary(&mut five).starts_with(&head(0, "/")));
    // Bytes are not apart from their packet: one message each way.
    let event = [
        &head(2, "/")[..],
        b"\xa4data\x93\xa4tell\xc4\x03abc\x81\xa1x\xc4\0",
    ]
    .concat();
    five.send_binary(&event);
    world
        .io
        .of("/")
        .emit("bytes", &(Bytes::from_static(b"\0\xff"), 300))
        .unwrap();
    let told = [
        &head(2, "/")[..],
        b"\xa4data\x93\xa5bytes\xc4\x02\0\xff\xcd\x01\x2c",
    ]
    .concat();
    assert_eq!(binary(&mut five), told);
    // In revision 3 a binary message has its type's byte.
    let mut four = WebSocket::over(Wire::connect(world.address), V3_WEBSOCKET);
    four.text();
    assert_eq!(binary(&mut four), [&[4, 0x82], &head(0, "/")[1..]].concat());
    five.send_binary(&event);
    let told = [
        &[4][..],
        &head(2, "/"),
        b"\xa4data\x93\xa4told\xc4\x03abc\x81\xa1x\xc4\0",
    ]
    .concat();
    assert_eq!(binary(&mut four), told);
    // And by polling it is base64.
    let polling = Polling::open(world.address);
    assert_eq!(polling.post("bgqR0eXBlAKNuc3ChLw==").status, 200);
    assert!(polling.packets()[0].starts_with('b'));
    drop((four, five, polling));
    world.end();
}

/// Each packet in two messages, its namespace and the rest; panics at will.
struct Brittle;

impl Parser for Brittle {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let name = packet.data.as_ref().map_or(&Value::Null, |data| &data[0]);
        assert_ne!(name.as_str(), Some("panic"), "told to");
        if packet.namespace == "/panic" && packet.kind == PacketType::Connect {
            panic!("told to");
        }
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![
            Bytes::from(packet.namespace.clone()).into(),
            text.into(),
        ])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Halves(None))
    }
}

struct Halves(Option<Bytes>);

impl Decoder for Halves {
    fn add(&mut self, message: Message, _: &Limits) -> Result<Option<Packet>, Fault> {
        match (self.0.take(), message) {
            (None, Message::Binary(namespace)) => {
                self.0 = Some(namespace);
                Ok(None)
            }
            (Some(namespace), Message::Text(text)) => {
                assert_ne!(text, "panic", "told to");
                let packet: Packet = serde_json::from_str(&text).map_err(|_| Fault::Payload)?;
                assert_eq!(packet.namespace.as_bytes(), &namespace);
                Ok(Some(packet))
            }
            (None, Message::Text(_)) => Err(Fault::UnexpectedText),
            (Some(_), Message::Binary(_)) => Err(Fault::UnexpectedBinary),
        }
    }
}

/// Enters a namespace in halves.
fn enter(client: &mut WebSocket, namespace: &str) {
    client.send_binary(namespace.as_bytes());
    client.send(&format!(r#"4{{"type":0,"nsp":"{namespace}"}}"#));
    assert_eq!(binary(client), namespace.as_bytes());
    assert!(client.text().contains("sid"));
}

#[test]
fn a_decoder_waits_for_the_rest_of_a_packet_but_not_for_ever() {
    covers(&["own-parser"]);
    let mut config = calm().parser(Brittle);
    config.packet_timeout = Duration::from_millis(300);
    let world = World::new(talkative(config));
    let mut client = WebSocket::open(world.address);
    client.text();
    enter(&mut client, "/");
    for _ in 0..2 {
        client.send_binary(b"/");
        client.send(r#"4{"type":2,"nsp":"/","id":1,"data":["echo"]}"#);
        assert_eq!(binary(&mut client), b"/");
        assert_eq!(client.text(), r#"4{"type":3,"nsp":"/","id":1,"data":[]}"#);
    }
    client.send_binary(b"/");
    let begun = std::time::Instant::now();
    client.end();
    assert!(begun.elapsed() >= Duration::from_millis(250));
    world.end();
}

#[test]
fn a_panic_in_a_parser_takes_down_no_other_connection() {
    covers(&["own-parser"]);
    let io = talkative(calm().parser(Brittle));
    let (tell, told) = channel();
    let main = io.of("/");
    main.on("emit", move |socket: Socket, Data(all): Data<bool>| {
        let failed = match all {
            true => socket.to("all").emit("panic", &()),
            false => socket.emit("panic", &()),
        };
        tell.send(failed).unwrap();
    });
    io.of("/panic");
    let world = World::new(io);
    let open = || {
        let mut client = WebSocket::open(world.address);
        client.text();
        enter(&mut client, "/");
        client
    };
    let mut bystander = open();

    // Where the application emits, it is an error of the emit.
    let mut client = open();
    for all in [true, false] {
        client.send_binary(b"/");
        client.send(&format!(r#"4{{"type":2,"nsp":"/","data":["emit",{all}]}}"#));
        let failed = told.recv_timeout(PATIENCE).unwrap();
        assert_eq!(failed, Err(EmitError::Encode(EncodeError::Panicked)));
    }
    // Where the client sends, or waits to enter, its connection ends.
    client.send_binary(b"/");
    client.send("4panic");
    client.end();
    let mut client = open();
    client.send_binary(b"/panic");
    client.send(r#"4{"type":0,"nsp":"/panic"}"#);
    client.end();
    assert!(world.io.of("/panic").is_empty());

    bystander.send_binary(b"/");
    bystander.send(r#"4{"type":2,"nsp":"/","id":1,"data":["echo","still here"]}"#);
    assert_eq!(binary(&mut bystander), b"/");
    assert_eq!(
        bystander.text(),
        r#"4{"type":3,"nsp":"/","id":1,"data":["still here"]}"#
    );
    while world.io.of("/").len() > 1 {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(bystander);
    world.end();
}

#[test]
fn adapters_broadcast_by_the_parser() {
    covers(&["own-parser"]);
    let world = World::new(talkative(calm().parser(Json)));
    let mut client = WebSocket::open(world.address);
    client.text();
    client.send(r#"4{"type":0,"nsp":"/"}"#);
    client.text();
    // A message that came from another node is written here.
    let args = Args::from_arguments(&1).unwrap();
    let message = sio_tokio::Broadcast::new("/", "told", args).unwrap();
    let adapter = world.io.of("/").adapter();
    adapter.broadcast(&message, &sio_tokio::Recipients::default());
    assert_eq!(client.text(), r#"4{"type":2,"nsp":"/","data":["told",1]}"#);
    drop(client);
    world.end();
}
