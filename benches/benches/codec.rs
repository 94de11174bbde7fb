//! Socket.IO packets written and read: ours, socketioxide's parser, and what the bytes alone cost.
//!
//! Ours includes the engine's `4`, which socketioxide adds and takes away elsewhere.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_benches::cases;
use sio_benches::codec::{self, arguments, decode, encode, encode_msgpack, frames, heard};
use sio_benches::payloads::{self, Said};
use sio_benches::samples::Spread;
use sio_benches::timing::{Times, figures, nanoseconds};
use sio_core::engine::{Body, split};
use sio_core::packet::parser::Msgpack;
use sio_core::packet::{self, Args, Codec};
use socketioxide_core::packet::{Packet as PeerPacket, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParserState};
use socketioxide_core::{Str, Value as PeerValue};
use socketioxide_parser_common::CommonParser;
use std::hint::black_box;

/// How often the two sides of the bar take turns.
const ROUNDS: usize = 9;

fn main() {
    let mut encoding = Times::new("Encode");
    let mut decoding = Times::new("Decode");
    let (hello, said) = (("world".to_owned(),), (payloads::said(),));
    compare(&mut encoding, &mut decoding, "small event", None, &hello);
    compare(&mut encoding, &mut decoding, "ack of 64 B", Some(7), &said);
    let (page, points) = ((payloads::page(),), (payloads::points(),));
    compare(&mut encoding, &mut decoding, "1 KiB text", None, &page);
    compare(&mut encoding, &mut decoding, "1 KiB dense", None, &points);
    let blobs = payloads::blobs();
    compare(
        &mut encoding,
        &mut decoding,
        "2 x 1 KiB binary",
        None,
        &blobs,
    );
    encoding.print();
    decoding.print();

    let mut engine = Times::new("A polling payload of 16 small events");
    let (body, parts) = cases::payload();
    engine.time("sio", "encode", || cases::write(black_box(&parts)));
    engine.time("sio", "decode", || {
        split(Body::Separated(black_box(&body).clone()), 16).all(|packet| packet.is_ok())
    });
    engine.time("floor: copy, or scan for separators", "encode", || {
        Bytes::copy_from_slice(black_box(body.as_bytes()))
    });
    engine.time("floor: copy, or scan for separators", "decode", || {
        memchr::memchr_iter(0x1e, black_box(body.as_bytes())).count()
    });
    engine.print();
    bar(&said);
}

/// Decode an event with ack and 64 B and encode its ack: ours into and from the handler's struct,
/// the peer's into and from its value type.
fn bar(said: &(Said,)) {
    let event = packet::event("/", Some(7), "hello", said).expect("the event can be written");
    let (text, _) = frames(&event);
    let peer_text = Str::from(text[1..].to_owned());
    let mut rounds = Vec::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let our = nanoseconds(|| {
            let packet = decode(black_box(&text), &[]);
            let args = arguments(&packet).decode::<(Said,)>();
            encode(Some(7), &args.expect("it is a Said"))
        });
        let their = nanoseconds(|| {
            let args = peer_decode::<(serde_json::Value,)>(black_box(&peer_text).clone(), &[]);
            peer_encode(Some(7), &args)
        });
        rounds.push(our.median / their.median);
        ours.push(our.median);
        theirs.push(their.median);
    }
    let text = |figures: fn(f64) -> String, samples: Vec<f64>| match Spread::of(samples) {
        Some(Spread {
            median,
            least,
            greatest,
        }) => format!(
            "{} ({}–{})",
            figures(median),
            figures(least),
            figures(greatest)
        ),
        None => "–".to_owned(),
    };
    println!("### Decode an event with ack and 64 B, encode its ack\n");
    println!("| | ns: median (min–max) |\n|---|---|");
    println!("| sio, the handler's struct | {} |", text(figures, ours));
    println!(
        "| socketioxide, serde_json::Value | {} |",
        text(figures, theirs)
    );
    println!(
        "| ratio | {} |\n",
        text(|ratio| format!("{ratio:.2}"), rounds)
    );
}

/// The same case in msgpack: what is read goes through a connection, which is all that can read it.
fn in_msgpack<T>(encoding: &mut Times, decoding: &mut Times, case: &str, args: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let codec = Codec::from(Msgpack);
    let message = encode_msgpack(&codec, args);
    let mut connection = codec::in_msgpack();
    let read = heard(&mut connection, &message);
    assert_eq!(read.decode::<T>().as_ref(), Ok(args));
    encoding.time("sio, msgpack", case, || {
        encode_msgpack(&codec, black_box(args))
    });
    decoding.time("sio, msgpack to the handler's type", case, || {
        heard(&mut connection, black_box(&message)).decode::<T>()
    });
}

/// One case: `args` as the arguments of `hello`, or of the ack to an event with this id.
fn compare<T>(encoding: &mut Times, decoding: &mut Times, case: &str, id: Option<u64>, args: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let encoded = encode(id, args);
    let (text, attachments) = frames(&encoded);

    encoding.time("sio", case, || encode(id, black_box(args)));
    let raw = Args::from_arguments(args).expect("the arguments can be written");
    encoding.time("sio, arguments passed on", case, || {
        encode(id, black_box(&raw))
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
    let (text, attachments) = frames(&event);
    let peer_text = Str::from(text[1..].to_owned());
    let read = decode(&text, &attachments);
    assert_eq!(arguments(&read).decode::<T>().as_ref(), Ok(args));
    assert_eq!(
        &peer_decode::<T>(peer_text.clone(), &attachments),
        args,
        "both read the same"
    );

    in_msgpack(encoding, decoding, case, args);

    decoding.time("sio, packet and event name", case, || {
        decode(black_box(&text), &attachments)
    });
    decoding.time("sio, to the handler's type", case, || {
        arguments(&decode(black_box(&text), &attachments)).decode::<T>()
    });
    decoding.time("sio, to Value", case, || {
        arguments(&decode(black_box(&text), &attachments)).values()
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
