//! What a client was told, packet by packet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use bytestring::ByteString;
use sio_core::engine::{Body, Eio, Message, Packet, split};
use sio_core::packet::Value;
use sio_core::socket::Refusal;

use super::recorded::{Asked, Moment, Said, Unit};

/// One packet that a client was told, or the end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) told: Told,
    /// When what it stands in was written.
    pub(super) written: Moment,
    /// Its place on its connection: of what it stands in, and there.
    pub(super) place: (usize, usize),
    /// The connection.
    pub(super) line: usize,
    pub(super) way: Way,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// The server's own: nobody has to do anything for it.
    Machine,
    /// A text of Socket.IO.
    Packet(ByteString),
    Bytes(Bytes),
    /// The WebSocket or the session ends.
    Close(Option<u16>),
}

/// How a packet was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Frame,
    Poll {
        /// The act at which the poll was there.
        asked: usize,
        /// Whether it was answered as it came.
        at_once: bool,
    },
}

impl Item {
    /// Whether it is the end.
    pub(super) const fn closes(&self) -> bool {
        matches!(self.told, Told::Close(_))
    }

    /// Whether it lets a client into a namespace, or does not.
    pub(super) fn decides(&self, name: &str) -> bool {
        match &self.told {
            Told::Packet(text) if text.starts_with(['0', '4']) => namespace(text).0 == name,
            Told::Packet(_) | Told::Machine | Told::Bytes(_) | Told::Close(_) => false,
        }
    }
}

/// The namespace that there has to be for a client to be told this.
pub(super) fn opens(item: &Item) -> Option<String> {
    let Told::Packet(text) = &item.told else {
        return None;
    };
    let (name, rest) = namespace(text);
    let there = match text.as_bytes().first()? {
        b'0' => true,
        b'4' => !rest.contains("Invalid namespace"),
        _ => false,
    };
    there.then(|| name.to_owned())
}

/// The namespace that there is not, as a client is told by this.
pub(super) fn misses(item: &Item) -> Option<String> {
    let Told::Packet(text) = &item.told else {
        return None;
    };
    let (name, rest) = namespace(text);
    let missing = text.starts_with('4') && rest.contains("Invalid namespace");
    missing.then(|| name.to_owned())
}

/// The namespaces that a client asks for by a message of its WebSocket.
pub(super) fn asks(revision: Eio, message: &Message) -> Option<String> {
    match Packet::decode(revision, message.clone()).ok().map(told)? {
        Told::Packet(text) if text.starts_with('0') => Some(named(&text)),
        Told::Packet(_) | Told::Machine | Told::Bytes(_) | Told::Close(_) => None,
    }
}

/// The same by a POST.
pub(super) fn asks_by_post(asked: &Asked) -> Vec<String> {
    let packets = split(
        Body::text(
            revision(asked),
            ByteString::try_from(asked.body.clone()).unwrap_or_default(),
        ),
        usize::MAX,
    );
    let told = packets.map_while(Result::ok).map(told);
    let names = told.filter_map(|told| match told {
        Told::Packet(text) if text.starts_with('0') => Some(named(&text)),
        Told::Packet(_) | Told::Machine | Told::Bytes(_) | Told::Close(_) => None,
    });
    names.collect()
}

/// The namespace of a CONNECT, without the query behind it.
fn named(text: &str) -> String {
    let (name, _) = namespace(text);
    name.split('?').next().unwrap_or_default().to_owned()
}

/// The namespace of a packet's text, and what stands behind it.
pub(super) fn namespace(text: &str) -> (&str, &str) {
    let rest = text.get(1..).unwrap_or_default();
    // Attachments are counted before it.
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = match digits.strip_prefix('-') {
        Some(behind) if text.starts_with(['5', '6']) => behind,
        _ => rest,
    };
    if !rest.starts_with('/') {
        return ("/", rest);
    }
    rest.split_once(',').unwrap_or((rest, ""))
}

/// A field of a JSON object, as text.
pub(super) fn parse(json: &str, field: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(value.get(field)?.as_str()?.to_owned())
}

/// How a client was refused.
pub(super) fn refusal(json: &str) -> Refusal {
    let value: Value = serde_json::from_str(json).unwrap_or(Value::Null);
    match value["message"].as_str() {
        Some(message) => Refusal {
            message: message.to_owned(),
            data: value.get("data").cloned(),
        },
        None => Refusal {
            message: value.as_str().unwrap_or_default().to_owned(),
            data: value.as_str().is_none().then_some(value),
        },
    }
}

/// The bytes that an id was made of.
pub(super) fn bytes_of(id: &str) -> Option<[u8; 15]> {
    URL_SAFE.decode(id).ok()?.try_into().ok()
}

fn query<'a>(asked: &'a Asked, key: &str) -> Option<&'a str> {
    let pairs = asked.head.uri.query()?.split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.find(|(its, _)| *its == key).map(|(_, value)| value)
}

fn revision(asked: &Asked) -> Eio {
    match query(asked, "EIO") {
        Some("4") => Eio::V4,
        _ => Eio::V3,
    }
}

fn opened(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(r#""sid":""#)?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The session of each request: the one that it names, or the one that it opens.
pub(super) fn sids(asked: &[Asked], answers: &[Unit]) -> Vec<Option<String>> {
    let sid = |(at, asked): (usize, &Asked)| {
        if let Some(sid) = query(asked, "sid") {
            return Some(sid.to_owned());
        }
        match &answers.get(at)?.said {
            Said::Response { status: 101, .. } => match &answers.get(at + 1)?.said {
                Said::Frame { payload, .. } => opened(&String::from_utf8_lossy(payload)),
                Said::Response { .. } => None,
            },
            Said::Response { body, .. } => opened(&String::from_utf8_lossy(body)),
            Said::Frame { .. } => None,
        }
    };
    asked.iter().enumerate().map(sid).collect()
}

/// What was told on one connection, and in which session.
pub(super) fn of(
    line: usize,
    asked: &[Asked],
    answers: &[Unit],
    sids: &[Option<String>],
) -> Vec<(String, Item)> {
    let mut items = Vec::new();
    for (at, unit) in answers.iter().enumerate() {
        let request = at.min(asked.len().saturating_sub(1));
        let (Some(request), Some(Some(sid))) = (asked.get(request), sids.get(request)) else {
            continue;
        };
        let (told, way) = match &unit.said {
            Said::Response {
                status: 200,
                body,
                headers,
            } if request.head.method == http::Method::GET => {
                let way = Way::Poll {
                    asked: request.moment.act,
                    at_once: unit.moment.at == request.moment.at,
                };
                (payload(revision(request), headers, body), way)
            }
            Said::Response { .. } => continue,
            Said::Frame { first, payload } => {
                let told = frame(revision(request), *first, payload);
                (told.into_iter().collect(), Way::Frame)
            }
        };
        for (place, told) in told.into_iter().enumerate() {
            let item = Item {
                told,
                written: unit.moment,
                place: (at, place),
                line,
                way,
            };
            items.push((sid.clone(), item));
        }
    }
    items
}

fn told(packet: Packet) -> Told {
    match packet {
        Packet::Message(Message::Text(text)) => Told::Packet(text),
        Packet::Message(Message::Binary(bytes)) => Told::Bytes(bytes),
        Packet::Close => Told::Close(None),
        Packet::Open(_) | Packet::Ping(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {
            Told::Machine
        }
    }
}

fn payload(revision: Eio, headers: &[(String, String)], body: &Bytes) -> Vec<Told> {
    let kind = headers.iter().find(|(name, _)| name == "content-type");
    let body = match kind {
        Some((_, kind)) if kind.contains("octet-stream") => Body::Binary(body.clone()),
        _ => Body::text(
            revision,
            ByteString::try_from(body.clone()).unwrap_or_default(),
        ),
    };
    let packets = split(body, usize::MAX);
    packets.map_while(Result::ok).map(told).collect()
}

fn frame(revision: Eio, first: u8, payload: &Bytes) -> Option<Told> {
    let message = match first & 0x0f {
        1 => Message::Text(ByteString::try_from(payload.clone()).ok()?),
        2 => Message::Binary(payload.clone()),
        8 => {
            let code = payload.get(..2).and_then(|code| code.try_into().ok());
            return Some(Told::Close(code.map(u16::from_be_bytes)));
        }
        _ => return Some(Told::Machine),
    };
    Packet::decode(revision, message).ok().map(told)
}
