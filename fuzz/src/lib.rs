//! Properties that hold for every input, one for each fuzz target.
//!
//! `cargo fuzz run <target>` looks for inputs that break one. What is worth keeping is in `corpus`: the test suite runs
//! each target on that, on inputs that it makes of the recorded vectors, and on mutations of those.

mod client;
mod cluster;
mod connection;
mod deflate;
mod dialled;
mod facing;
mod history;
mod msgpack;
mod own;
mod session;
mod targets;
mod worlds;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;
use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{Acceptor, Body, Eio, Framing, Message, Packet, Route, Writer, split};
use sio_core::packet::{self, Args, Call, Content, Decoder, Limits, Part, Protocol, Value};
use sio_core::websocket::{self, Incoming};
use sio_worlds::Cells;

pub use cluster::{
    classic as cluster_classic, entry as streams_entry, message as cluster_message,
    node as cluster_node, old as cluster_v2,
};
pub use own::parser;
pub use sio_sim::choices::Choices;
pub use targets::{TARGETS, Target};

/// What a WebSocket's reader gives out does not depend on how the bytes were cut, and keeps to the limits.
///
/// The first byte says how they are cut and whether messages may be compressed.
pub fn websocket(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let limits = websocket::Limits {
        message: 1000,
        fragments: 5,
        deflate: first & 1 != 0,
    };
    let whole = read(limits, [bytes].into_iter());
    let cut = usize::from(first / 2).max(1);
    assert_eq!(read(limits, bytes.chunks(cut)), whole);
    for incoming in &whole.0 {
        let length = match incoming {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(payload) | Incoming::Compressed { payload, .. } => payload.len(),
            Incoming::Ping(payload) | Incoming::Pong(payload) => {
                payload.len() + limits.message - 125
            }
            Incoming::Close(_) => 0,
        };
        assert!(length <= limits.message);
        assert!(limits.deflate || !matches!(incoming, Incoming::Compressed { .. }));
    }
}

fn read<'a>(
    limits: websocket::Limits,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Incoming>, Option<websocket::Violation>) {
    let mut reader = websocket::Reader::new(websocket::Role::Server, limits);
    let mut all = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(Some(incoming)) => all.push(incoming),
                Ok(None) => break,
                Err(why) => return (all, Some(why)),
            }
        }
    }
    (all, None)
}

/// The packet that opens a session does so, or does not, whichever way it comes.
pub fn open_packet(input: &[u8]) {
    dialled::open_packet(input);
}

/// Whatever answers a client's request, no more is told than may come at once, and once.
pub fn response(input: &[u8]) {
    dialled::response(input);
}

/// What a server sets as cookies is sent to it again as it was, within limits, until it is over.
pub fn cookies(input: &[u8]) {
    dialled::cookies(input);
}

/// Whatever a proxy answers, there is a tunnel or there is none, and nothing is taken of what comes behind.
pub fn proxy(input: &[u8]) {
    dialled::proxy(input);
}

/// What is read of msgpack can be written, and packets in it are what they are by the protocol's own way.
pub fn msgpack(input: &[u8]) {
    msgpack::run(input);
}

/// What comes out of one end of a WebSocket does not depend on how the bytes were cut and keeps to the limits,
/// and the other end can find no fault with what it answers.
pub fn connection(input: &[u8]) {
    connection::run(input);
}

/// Frames of a connection, as one input: `0x1e` ends a text frame, `0x1f` a binary one.
pub(crate) fn frames(input: &[u8]) -> Vec<Message> {
    let mut frames = Vec::new();
    let mut rest = input;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, 0x1e | 0x1f)) {
        let (frame, tail) = rest.split_at(end);
        match tail[0] {
            0x1e => frames.extend(text(frame).map(Message::Text)),
            _ => frames.push(Message::Binary(Bytes::copy_from_slice(frame))),
        }
        rest = &tail[1..];
    }
    frames.extend(text(rest).map(Message::Text));
    frames
}

/// The events that the built-in way makes of frames of this revision, until one is refused.
pub(crate) fn events(
    revision: Eio,
    input: &[u8],
    limits: &Limits,
    mut heard: impl FnMut(Option<u64>, &str, &Args),
) {
    let mut decoder = Decoder::new(revision.protocol());
    for frame in frames(input) {
        let read = match frame {
            Message::Text(text) => decoder.text(text, limits),
            Message::Binary(bytes) => decoder.binary(bytes, limits),
        };
        match read.map(|packet| packet.map(|packet| packet.content)) {
            Ok(Some(Content::Event {
                id,
                call: Some(Call { name, args }),
            })) => heard(id, &name, &args),
            Ok(_) => {}
            Err(_) => break,
        }
    }
}

fn text(bytes: &[u8]) -> Option<ByteString> {
    std::str::from_utf8(bytes).ok().map(ByteString::from)
}

/// A Socket.IO packet of either revision that is accepted, written again, is the same packet; its arguments are JSON to
/// `serde_json`, too, and hold what the limits allow.
pub fn packet(input: &[u8]) {
    for revision in [Eio::V3, Eio::V4] {
        packet_of(revision, input);
    }
}

fn packet_of(revision: Eio, input: &[u8]) {
    let limits = Limits::default();
    let mut decoder = Decoder::new(revision.protocol());
    for frame in frames(input) {
        let read = match frame {
            Message::Text(text) => decoder.text(text, &limits),
            Message::Binary(bytes) => decoder.binary(bytes, &limits),
        };
        let Ok(read) = read else { return };
        assert!(decoder.missing() <= limits.attachments);
        let Some(packet) = read else { continue };
        let is_connect = matches!(packet.content, Content::Connect { .. });
        let name = match packet.namespace.split_once('?') {
            Some((name, _)) if is_connect && revision == Eio::V3 => name,
            _ => &packet.namespace,
        };
        assert!(name.len() <= limits.namespace);
        match packet.content {
            Content::Event {
                id,
                call: Some(Call { name, args }),
            } => {
                sound(&args, &limits);
                assert!(name.len() <= limits.name);
                let Ok(written) = packet::event(&packet.namespace, id, &name, &args) else {
                    continue;
                };
                let again = reread(&written);
                assert_eq!(again.namespace, packet.namespace);
                let call = Some(Call { name, args });
                assert_eq!(again.content, Content::Event { id, call });
            }
            Content::Ack { id: Some(id), args } => {
                sound(&args, &limits);
                let written = packet::ack(&packet.namespace, id, &args).expect("it is only copied");
                let id = Some(id);
                assert_eq!(reread(&written).content, Content::Ack { id, args });
            }
            Content::Connect { payload } => {
                if let Some(payload) = payload {
                    is_json(&payload);
                }
            }
            Content::ConnectError { payload } => {
                let Some(payload) = payload else { continue };
                is_json(&payload);
                error(&packet.namespace, &payload);
            }
            Content::Event { .. } | Content::Ack { .. } | Content::Disconnect => {}
        }
    }
}

/// An ERROR packet of revision 4, written again, says the same, or its message where what it says could
/// not be understood.
fn error(namespace: &str, payload: &str) {
    let Ok(args) = Args::from_json(&format!("[{payload}]"), Vec::new()) else {
        return;
    };
    let Ok(data) = args.get::<Value>(0) else {
        return;
    };
    let understood =
        data.as_str().is_some() || data.as_array().is_some() || data.as_object().is_some();
    let written = packet::error(namespace, "message", Some(&data));
    let Content::ConnectError {
        payload: Some(payload),
    } = reread(&written).content
    else {
        panic!("it was written with a payload");
    };
    let again = Args::from_json(&format!("[{payload}]"), Vec::new()).expect("it was read");
    let again = again.get::<Value>(0).expect("it was read");
    assert_eq!(again, if understood { data } else { "message".into() });
}

fn reread(written: &packet::Encoded) -> packet::Packet {
    let limits = Limits {
        // A namespace that ends the packet is written with its comma.
        namespace: 1024,
        ..Limits::default()
    };
    let mut decoder = Decoder::new(Protocol::V4);
    for part in written.parts() {
        let read = match part {
            Part::Text(text) => {
                let text = ByteString::try_from(text.slice(1..)).expect("what we write is UTF-8");
                decoder.text(text, &limits)
            }
            Part::Binary(bytes) => decoder.binary(bytes, &limits),
        };
        if let Some(packet) = read.expect("what we write can be read") {
            return packet;
        }
    }
    panic!("a packet is whole once all of it was read");
}

fn sound(args: &Args, limits: &Limits) {
    assert!(args.len() <= limits.arguments);
    assert!(args.attachments().len() <= limits.attachments);
    is_json(&format!("[{}]", args.elements()));
    for index in 0..args.len() {
        is_json(args.raw(index).expect("it was counted"));
        // Any type may be asked for; none may panic.
        let _ = args.get::<Value>(index);
        let _ = args.get::<Bytes>(index);
        let _ = args.get::<Vec<Option<(f64, String)>>>(index);
    }
    assert!(args.raw(args.len()).is_none());
    let _ = args.decode::<(String, u64, Value)>();
}

fn is_json(text: &str) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    assert!(
        matches!(values.next(), Some(Ok(_))),
        "accepted, and no JSON: {text}"
    );
    assert!(values.next().is_none(), "more than one value: {text}");
}

/// A dynamic value is what `serde_json` makes of the same text, and survives being written.
pub fn value(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(args) = Args::from_json(&format!("[{text}]"), Vec::new()) else {
        return;
    };
    let Ok(values) = args.values() else { return };
    let again = Args::from_arguments(&(&values,)).expect("what was read can be written");
    let back: Vec<Value> = again.decode().expect("what was written can be read");
    assert_eq!(back, values);
    // Digits in are digits out: what is written is what is written of what it becomes.
    for (value, back) in values.iter().zip(&back) {
        assert_eq!(value.to_string(), back.to_string());
    }
}

/// A polling body that is accepted, written again, is the same packets: of either revision, as text or
/// as bytes.
pub fn payload(input: &[u8]) {
    rewritten(Framing::Binary, Body::Binary(Bytes::copy_from_slice(input)));
    let Some(text) = text(input) else { return };
    rewritten(Framing::Separated, Body::Separated(text.clone()));
    rewritten(Framing::Counted, Body::Counted(text));
}

fn rewritten(framing: Framing, body: Body) {
    const MOST: usize = 64;
    let read: Vec<_> = split(body, MOST).collect();
    assert!(read.len() <= MOST + 1);
    let whole: Result<Vec<Packet>, _> = read.into_iter().collect();
    let Ok(packets) = whole else { return };
    let mut writer = Writer::new(framing, 0);
    for packet in &packets {
        writer.push(&packet.to_part());
    }
    let written = writer.finish();
    let text = |bytes| ByteString::try_from(bytes).expect("what we write is UTF-8");
    let body = match framing {
        Framing::Separated => Body::Separated(text(written)),
        Framing::Counted => Body::Counted(text(written)),
        Framing::Binary => Body::Binary(written),
    };
    let again: Result<Vec<Packet>, _> = split(body, MOST).collect();
    assert_eq!(again.as_ref(), Ok(&packets));
}

/// A request's head is answered, let in or passed on, whatever stands in it, and an answer never
/// carries a header that could not be sent.
pub fn head(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let mut lines = text.split('\n');
    let mut words = lines.next().unwrap_or_default().splitn(2, ' ');
    let mut request = http::Request::builder()
        .method(words.next().unwrap_or_default())
        .uri(words.next().unwrap_or_default());
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name, value.trim());
    }
    let Ok(request) = request.body(()) else {
        return;
    };
    for config in [Config::default(), Config::v4()] {
        let acceptor = Acceptor::new(config.into()).expect("the defaults are valid");
        match acceptor.route(&request.clone().into_parts().0) {
            Route::NotOurs => assert!(!acceptor.owns(request.uri().path())),
            Route::Answered(response) => assert!(response.status().as_u16() >= 200),
            Route::Open(exchange) => {
                assert!(exchange.is_handshake());
                let _ = exchange.query().iter().count();
            }
            Route::Session { exchange, .. } => assert!(!exchange.is_handshake()),
        }
    }
}

/// Whatever comes as compressed messages on a WebSocket: a server makes of it what zlib does, as long as that is
/// within its limit, and closes with a code where it is not; what it compresses is read as what it was. With
/// and without context takeover, on either side.
///
/// The first byte says how the others are read: as messages to be compressed, or as what stands on the wire.
pub fn deflate(input: &[u8]) {
    deflate::run(input);
}

/// Whatever clients do, in whatever order: every request is answered once, nothing exceeds its limit,
/// no deadline lies in the past, and when all have left nothing remains.
///
/// It begins with clients of both revisions, on both transports. Says which packets have met what
/// ([`Cells::missing_mux`] names those that have not).
pub fn server(input: &[u8]) -> Cells {
    let mut cells = Cells::default();
    for backlog_policy in [BacklogPolicy::Close, BacklogPolicy::Refuse] {
        let seen = history::run(
            input,
            Config::v4()
                .backlog_policy(backlog_policy)
                .max_http_buffer_size(4096)
                .max_backlog_bytes(2048)
                .max_namespaces_per_connection(3)
                .max_refused_connects(5)
                .max_child_namespaces(2)
                .max_child_namespaces_per_connection(1)
                .max_pending_acks(3)
                .max_rooms_per_socket(3)
                .allow_eio3(true),
        );
        cells = cells.and(seen);
    }
    cells
}

/// Whatever happens to one session of either revision, in whatever order: every request is answered once, the backlog
/// keeps its limits, no deadline lies in the past, a copy does the same, the end is told once and last, and comes by
/// itself where nobody acts any more.
pub fn session(input: &[u8]) {
    session::run(input, |_| {});
}

/// Whatever servers say and networks do, in whatever order: a client's emits that ask end once, nothing exceeds
/// its limit, no deadline lies in the past, a copy does the same, and however it stands it can be closed.
pub fn client(input: &[u8]) {
    client::run(input);
}

/// Clients and a server, machine against machine, on a network that delays and cuts: both see events in order,
/// whole, and none twice; emits that ask end once; after the last fault they come together and all that was
/// kept arrives; the same bytes make the same history.
pub fn facing(input: &[u8]) {
    let trace = facing::run(input);
    if input.first().is_some_and(|first| first % 16 == 0) {
        assert_eq!(facing::run(input), trace, "same");
    }
}

/// Whoever comes and goes in a namespace, joins and leaves, speaks and is spoken to, and comes back: what a client
/// that comes back is told is what it was sent and has not got, in order, or it is told that it comes as a new one,
/// for which there is a reason; nothing brings it back twice; nothing is kept beyond the limits, nor when nobody is
/// left who could need it.
pub fn recovery(input: &[u8]) {
    let _ = sio_worlds::lives::run(input);
}

/// A world of machines on a network of data, drawn from these bytes, keeps what worlds promise
/// (`tests/worlds/README.md` has the properties); what breaks one is made smaller, and printed as a list of choices.
pub fn world(input: &[u8]) {
    worlds::of_machines(input);
}

/// The same of a world of the driver's own tasks.
pub fn driver(input: &[u8]) {
    worlds::of_tasks(input);
}
