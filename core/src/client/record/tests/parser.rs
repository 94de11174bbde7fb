//! Clients by a parser of the application's own.

use super::*;
use crate::packet::parser::{Decoder, EncodeError, Fault, Limits, Packet, Parser};

/// The packets of the protocol behind an exclamation mark.
struct Loud;

impl Parser for Loud {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![format!("!{text}").into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        let fault = Fault::Payload;
        Box::new(move |message: Message, _: &Limits| {
            let Message::Text(text) = message else {
                return Err(fault);
            };
            let text = text.strip_prefix('!').ok_or(fault)?;
            serde_json::from_str(text).map(Some).map_err(|_| fault)
        })
    }
}

#[test]
fn one_by_a_parser_of_the_application_plays_by_it() {
    let codec = Codec::new(Loud);
    let mut config = Config::v4();
    config.parser = codec.clone();
    let dial = Dial::parse("http://h/").unwrap().0;
    let dial = dial.transports([TransportKind::WebSocket]);
    let now = Instant::from_nanos(5_000);
    let mut client = Taped::recorded(now, Arc::new(config), dial, [7; 16], ROOM).unwrap();
    let socket = client.socket("/", Auth::None).unwrap();
    client.open(now, socket);
    let Some(Work::OpenWebSocket { id, .. }) = client.poll_work() else {
        panic!("it dials")
    };
    client.handle_ws_open(now, id, Ok(()));
    client.handle_ws(now, id, OPEN.into());
    let text = r#"4!{"type":0,"nsp":"/","data":{"sid":"a"}}"#;
    client.handle_ws(now, id, text.into());
    let text = r#"4!{"type":2,"nsp":"/","data":["e",1]}"#;
    client.handle_ws(now, id, text.into());
    let packet = packet::event("/", None, "say", &1).unwrap();
    let _ = client.emit(now, socket, packet, Flags::default());
    while client.poll_ws(id).is_some() {}
    let told: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
    let heard = |it: &Event<u64>| matches!(it, Event::Message { name, .. } if &**name == "e");
    assert!(told.iter().any(heard), "{told:?}");

    let log = Log::read(client.log()).unwrap();
    assert_eq!(log.parser(), ParserKind::Own);
    let mut replay = Replay::with_codec(log.clone(), &codec).unwrap();
    assert_eq!(replay.finish(), Ok(()));
    assert_eq!(of(replay.client()), of(&client));
    // By another one it says something else.
    let mut replay = Replay::with_codec(log, &Codec::default()).unwrap();
    assert!(replay.finish().is_err());
}
