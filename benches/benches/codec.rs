//! Socket.IO packets written and read: ours, socketioxide's parser, and what the bytes alone cost.
//!
//! Ours includes the engine's `4`, which socketioxide adds and takes away elsewhere.

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sio_benches::scenario::SMALL;
use sio_benches::timing::Times;
use sio_core::engine::{Data, Frame, Packet as EnginePacket, Revision};
use sio_core::packet::{self, Args, Content, Decoder, Encoded, Limits, Packet, Part};
use socketioxide_core::packet::{Packet as PeerPacket, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParserState};
use socketioxide_core::{Str, Value as PeerValue};
use socketioxide_parser_common::CommonParser;
use std::hint::black_box;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Said {
    user: String,
    room: String,
    text: String,
    n: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point {
    id: u32,
    x: f64,
    y: f64,
    on: bool,
}

fn main() {
    let said = serde_json::from_str::<Said>(SMALL).expect("the small payload is a Said");
    let page = Page {
        text: "lorem ipsum dolor sit amet, "
            .chars()
            .cycle()
            .take(1013)
            .collect(),
    };
    let points = (0..28)
        .map(|id| Point {
            id,
            x: f64::from(id) * 0.5,
            y: -1.25,
            on: id % 2 == 0,
        })
        .collect::<Vec<_>>();
    let blobs = (Bytes::from(vec![1; 1024]), Bytes::from(vec![2; 1024]));

    let mut encoding = Times::new("Encode");
    let mut decoding = Times::new("Decode");
    let hello = ("world".to_owned(),);
    compare(&mut encoding, &mut decoding, "small event", None, &hello);
    compare(
        &mut encoding,
        &mut decoding,
        "ack of 64 B",
        Some(7),
        &(said,),
    );
    compare(&mut encoding, &mut decoding, "1 KiB text", None, &(page,));
    compare(
        &mut encoding,
        &mut decoding,
        "1 KiB dense",
        None,
        &(points,),
    );
    compare(
        &mut encoding,
        &mut decoding,
        "2 x 1 KiB binary",
        None,
        &blobs,
    );
    encoding.print();
    decoding.print();
}

/// One case: `args` as the arguments of `hello`, or of the ack to an event with this id.
fn compare<T>(encoding: &mut Times, decoding: &mut Times, case: &str, id: Option<u64>, args: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let encoded = ours_encode(id, args);
    let parts = encoded.parts().collect::<Vec<_>>();
    let (text, attachments) = frames(&parts);

    encoding.time("sio", case, || ours_encode(id, black_box(args)));
    let raw = Args::from_arguments(args).expect("the arguments can be written");
    encoding.time("sio, arguments passed on", case, || {
        ours_encode(id, black_box(&raw))
    });
    encoding.time("socketioxide", case, || peer_encode(id, black_box(args)));
    encoding.time("floor: copy of the finished text", case, || {
        (
            Bytes::copy_from_slice(black_box(text.as_bytes())),
            attachments.clone(),
        )
    });

    // What is read is an event in any case; an ack's case asks for an ack.
    let event = packet::event("/", id, "hello", args).expect("the event can be written");
    let parts = event.parts().collect::<Vec<_>>();
    let (text, attachments) = frames(&parts);
    let peer_text = Str::from(text[1..].to_owned());
    let read = ours_decode(&text, &attachments);
    assert_eq!(arguments(&read).decode::<T>().as_ref(), Ok(args));
    assert_eq!(
        &peer_decode::<T>(peer_text.clone(), &attachments),
        args,
        "both read the same"
    );

    decoding.time("sio, packet and event name", case, || {
        ours_decode(black_box(&text), &attachments)
    });
    decoding.time("sio, to the handler's type", case, || {
        arguments(&ours_decode(black_box(&text), &attachments)).decode::<T>()
    });
    decoding.time("sio, to Value", case, || {
        arguments(&ours_decode(black_box(&text), &attachments)).values()
    });
    decoding.time("socketioxide, packet and event name", case, || {
        let packet = peer_packet(black_box(&peer_text).clone(), &attachments);
        CommonParser.read_event(peer_value(&packet)).map(str::len)
    });
    decoding.time("socketioxide, to the handler's type", case, || {
        peer_decode::<T>(black_box(&peer_text).clone(), &attachments)
    });
    if attachments.is_empty() {
        decoding.time("socketioxide, to serde_json::Value", case, || {
            peer_decode::<(serde_json::Value,)>(black_box(&peer_text).clone(), &attachments)
        });
    }
    decoding.time("floor: scan to the arguments", case, || {
        scan(black_box(text.as_bytes()))
    });
    decoding.time("floor: UTF-8 checked", case, || {
        std::str::from_utf8(black_box(text.as_bytes()))
    });
}

fn frames(parts: &[Part]) -> (ByteString, Vec<Bytes>) {
    let mut text = ByteString::new();
    let mut attachments = Vec::new();
    for part in parts {
        match part {
            Part::Text(bytes) => {
                text = ByteString::try_from(bytes.clone()).expect("text is UTF-8");
            }
            Part::Binary(bytes) => attachments.push(bytes.clone()),
        }
    }
    (text, attachments)
}

fn ours_encode(id: Option<u64>, args: &impl packet::Arguments) -> Encoded {
    match id {
        Some(id) => packet::ack("/", id, args),
        None => packet::event("/", None, "hello", args),
    }
    .expect("the arguments can be written")
}

fn ours_decode(text: &ByteString, attachments: &[Bytes]) -> Packet {
    let frame = Frame::Text(text.clone());
    let Ok(EnginePacket::Message(Data::Text(text))) = EnginePacket::decode(Revision::V4, frame)
    else {
        unreachable!("it is a message");
    };
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    let mut packet = decoder.text(&text, &limits);
    for attachment in attachments {
        packet = decoder.binary(attachment.clone(), &limits);
    }
    match packet {
        Ok(Some(packet)) => packet,
        other => unreachable!("it is a packet: {other:?}"),
    }
}

fn arguments(packet: &Packet) -> &Args {
    let Content::Event {
        call: Some(call), ..
    } = &packet.content
    else {
        unreachable!("it is an event: {packet:?}");
    };
    &call.args
}

fn peer_encode<T: Serialize>(id: Option<u64>, args: &T) -> PeerValue {
    let event = id.is_none().then_some("hello");
    let value = CommonParser
        .encode_value(args, event)
        .expect("the arguments can be written");
    CommonParser.encode(match id {
        Some(id) => PeerPacket::ack("/", value, id as i64),
        None => PeerPacket::event("/", value),
    })
}

fn peer_packet(text: Str, attachments: &[Bytes]) -> PeerPacket {
    let (config, state) = (ParseConfig::default(), ParserState::default());
    let mut packet = CommonParser.decode_str(&config, &state, text);
    for attachment in attachments {
        packet = CommonParser.decode_bin(&config, &state, attachment.clone());
    }
    packet.expect("it is a packet")
}

fn peer_value(packet: &PeerPacket) -> &PeerValue {
    let (PacketData::Event(value, _) | PacketData::BinaryEvent(value, _)) = &packet.inner else {
        unreachable!("it is an event");
    };
    value
}

fn peer_decode<T: DeserializeOwned>(text: Str, attachments: &[Bytes]) -> T {
    let mut packet = peer_packet(text, attachments);
    let (PacketData::Event(value, _) | PacketData::BinaryEvent(value, _)) = &mut packet.inner
    else {
        unreachable!("it is an event");
    };
    CommonParser
        .read_event(value)
        .expect("the event has a name");
    CommonParser
        .decode_value(value, true)
        .expect("the arguments are of this type")
}

/// What no reader can do without: the type, the id, the end of the event's name.
fn scan(text: &[u8]) -> Option<(u8, u64, &[u8], &[u8])> {
    let (kind, rest) = text.get(1..)?.split_first()?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(digits);
    let id = digits
        .iter()
        .fold(0, |id, digit| id * 10 + u64::from(digit - b'0'));
    let start = memchr::memchr(b'"', rest)? + 1;
    let end = start + memchr::memchr(b'"', rest.get(start..)?)?;
    Some((*kind, id, rest.get(start..end)?, rest.get(end + 1..)?))
}
