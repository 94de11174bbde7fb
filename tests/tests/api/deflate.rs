//! Compressed WebSocket messages, frame by frame.

use std::io::Read;

use flate2::read::DeflateDecoder;
use sio_tests::wire::{TEXT, UPGRADE, WEBSOCKET, Wire, frame, request};
use sio_tokio::{Io, PerMessageDeflate};

use crate::rows::covers;
use crate::world::{World, calm};

/// The first byte of a whole text message that is compressed.
const COMPRESSED: u8 = TEXT | 0x40;

/// A client that offers compression, in `/`; what was agreed on.
fn join(world: &World) -> (Wire, Option<String>) {
    let offer = format!("{UPGRADE}Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let mut wire = Wire::connect(world.address);
    wire.write(request("GET", WEBSOCKET, &offer, ""));
    let response = wire.response().unwrap();
    assert_eq!(response.status, 101);
    let agreed = response.header("sec-websocket-extensions");
    let agreed = agreed.map(str::to_owned);
    assert!(message(&mut wire).1.starts_with('0'));
    wire.write(frame(TEXT, b"40"));
    assert!(message(&mut wire).1.starts_with("40"));
    (wire, agreed)
}

/// The next message, and whether it came compressed.
fn message(wire: &mut Wire) -> (bool, String) {
    let frame = wire.frame().unwrap();
    let mut payload = Vec::from(frame.payload);
    match frame.first {
        TEXT => (false, String::from_utf8(payload).unwrap()),
        COMPRESSED => {
            payload.extend([0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]);
            let mut text = String::new();
            let mut decoder = DeflateDecoder::new(&payload[..]);
            decoder.read_to_string(&mut text).unwrap();
            (true, text)
        }
        other => panic!("a frame that begins with {other:#x}"),
    }
}

#[test]
fn messages_on_websockets_are_compressed_unless_the_emit_says_no() {
    covers(&["deflate", "compress-socket"]);
    let deflate = PerMessageDeflate {
        threshold: 100,
        ..PerMessageDeflate::default()
    };
    let world = World::new(Io::new(calm().per_message_deflate(deflate)));
    let (mut client, agreed) = join(&world);
    assert!(agreed.unwrap().starts_with("permessage-deflate"));
    let socket = world.io.of("/").sockets().remove(0);
    let long = "long ".repeat(200);
    let packet = |text: &str| format!(r#"42["news","{text}"]"#);

    socket.emit("news", &long).unwrap();
    assert_eq!(message(&mut client), (true, packet(&long)));
    socket.emit("news", "short").unwrap();
    assert_eq!(message(&mut client), (false, packet("short")));
    socket.compress(false).emit("news", &long).unwrap();
    assert_eq!(message(&mut client), (false, packet(&long)));
    world.io.compress(false).emit("news", &long).unwrap();
    assert_eq!(message(&mut client), (false, packet(&long)));
    world.io.emit("news", &long).unwrap();
    assert_eq!(message(&mut client), (true, packet(&long)));
    world.end();
}

#[test]
fn by_default_nothing_is_agreed_on() {
    covers(&["deflate"]);
    let world = World::new(Io::new(calm()));
    let (mut client, agreed) = join(&world);
    assert_eq!(agreed, None);
    world.io.emit("news", &"long ".repeat(1000)).unwrap();
    assert!(!message(&mut client).0);
    world.end();
}
