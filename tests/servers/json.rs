//! A parser of the application's own, the smallest: packets as JSON text, as `socket.io-json-parser` 2.1 and
//! 3.0 have them. Bytes become lists of numbers.

use crate::sio::parser::{Decoder, EncodeError, Fault, Limits, Message, Packet, Parser};

pub(crate) struct Json;

impl Parser for Json {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Limits| match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(packet) => Ok(Some(packet)),
                Err(_) => Err(Fault::Payload),
            },
            Message::Binary(_) => Err(Fault::UnexpectedBinary),
        })
    }
}
