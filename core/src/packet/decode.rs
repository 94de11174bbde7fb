//! The text of a packet, read in one pass (§14).

use std::fmt;

use bytestring::ByteString;

use super::{Args, Kind, json, text as parts};
use crate::engine::Revision;

/// What a packet may hold. All of it is checked before anything is stored or built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub attachments: usize,
    /// Bytes of the attachments of one packet together.
    pub binary: usize,
    /// Levels of nesting in one argument; never more than [`DEEPEST`](super::DEEPEST).
    pub depth: usize,
    /// Arguments of one event or ack.
    pub arguments: usize,
    /// Bytes of an event's name.
    pub name: usize,
    /// Bytes of a namespace's name; the query that revision 4 writes behind it in a CONNECT is not
    /// counted.
    pub namespace: usize,
}

impl Default for Limits {
    /// 10 attachments, 10 MB, 128 levels, 256 arguments, 1 024 and 256 bytes.
    fn default() -> Self {
        Self {
            attachments: 10,
            binary: 10_000_000,
            depth: 128,
            arguments: 256,
            name: 1024,
            namespace: 256,
        }
    }
}

/// A packet as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Its namespace, `/` if the packet names none.
    pub namespace: ByteString,
    /// What it says.
    pub content: Content,
}

impl Packet {
    /// The same packet without its hold on what it was read from, for one that waits for attachments.
    pub(super) fn detached(self) -> Self {
        let copy = |text: ByteString| ByteString::from(&*text);
        let content = match self.content {
            Content::Event { id, call } => Content::Event {
                id,
                call: call.map(|Call { name, args }| Call {
                    name: copy(name),
                    args: args.detached(),
                }),
            },
            Content::Ack { id, args } => Content::Ack {
                id,
                args: args.detached(),
            },
            other @ (Content::Connect { .. }
            | Content::Disconnect
            | Content::ConnectError { .. }) => other,
        };
        Self {
            namespace: copy(self.namespace),
            content,
        }
    }
}

/// What a packet says, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A client asks for the namespace. In revision 5 perhaps with credentials: the text of a JSON
    /// object. In revision 4 they stand behind a `?` in the namespace's name (§16.2).
    Connect {
        /// The payload, checked JSON; `None` if there was none. In revision 4 it means nothing.
        payload: Option<ByteString>,
    },
    /// Either side leaves the namespace.
    Disconnect,
    /// An event, whole, its attachments included.
    Event {
        /// The id under which the sender waits for an answer.
        id: Option<u64>,
        /// Name and arguments. `None`: the packet had no payload, and there is nothing to dispatch.
        call: Option<Call>,
    },
    /// An answer, whole, its attachments included.
    Ack {
        /// The id that it answers. `None`: nobody can be waiting for it.
        id: Option<u64>,
        /// What it answers with.
        args: Args,
    },
    /// The server refuses the namespace; in revision 4 an error of either side.
    ConnectError {
        /// The payload, checked JSON (an object or a string; in revision 4 also an array or `null`);
        /// `None` if there was none.
        payload: Option<ByteString>,
    },
}

/// An event's name and arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name; a number is given by its digits.
    pub name: ByteString,
    /// The arguments behind the name.
    pub args: Args,
}

/// Why a frame is not acceptable. The connection is closed for it (§15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The first character is no packet type.
    Kind,
    /// The number of attachments is missing, zero, or not made of digits alone.
    Attachments,
    /// More attachments, or more bytes in them, than allowed.
    TooManyAttachments,
    /// The namespace's name is longer than allowed.
    Namespace,
    /// An ack id of more than 16 digits, or above 2⁵³−1.
    AckId,
    /// The payload is not JSON, or not what this type of packet carries.
    Payload,
    /// The payload nests deeper than allowed.
    Depth,
    /// More arguments than allowed.
    Arguments,
    /// The event's name is longer than allowed.
    Name,
    /// An event name that the protocol keeps for itself.
    Reserved,
    /// A text frame while attachments were expected.
    UnexpectedText,
    /// A binary frame while none was expected.
    UnexpectedBinary,
    /// A placeholder that names no attachment.
    Placeholder,
    /// The application's parser has panicked.
    Panicked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "unknown packet type",
            Self::Attachments => "illegal number of attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::Namespace => "namespace too long",
            Self::AckId => "ack id too large",
            Self::Payload => "invalid payload",
            Self::Depth => "payload nested too deeply",
            Self::Arguments => "too many arguments",
            Self::Name => "event name too long",
            Self::Reserved => "reserved event name",
            Self::UnexpectedText => "text frame while attachments were expected",
            Self::UnexpectedBinary => "binary frame without a packet that announced it",
            Self::Placeholder => "placeholder without attachment",
            Self::Panicked => "the parser has panicked",
        })
    }
}

impl std::error::Error for Fault {}

/// A packet's text, read: the packet, and how many attachments are still to come for it.
pub(super) struct Decoded {
    pub(super) packet: Packet,
    pub(super) attachments: usize,
}

/// Names that a peer may not use for an event, since they mean something else to every client (§17).
/// `newListener` and `removeListener`, which only Node's emitter keeps for itself, pass.
const RESERVED: [&str; 4] = ["connect", "connect_error", "disconnect", "disconnecting"];

/// The largest ack id: what a double holds exactly.
const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// The most digits an ack id may have, leading zeros included.
const MAX_ACK_DIGITS: usize = 16;

/// Reads the text of one packet of Socket.IO, whose revision is the one above that of the engine.
pub(super) fn text(
    text: &ByteString,
    revision: Revision,
    limits: &Limits,
) -> Result<Decoded, Fault> {
    let kind = text.bytes().next().ok_or(Fault::Kind)?;
    let kind = Kind::from_digit(kind).ok_or(Fault::Kind)?;
    let mut rest = text.get(1..).ok_or(Fault::Kind)?;

    let mut attachments = 0;
    if kind.is_binary() {
        let (count, tail) = digits(rest);
        attachments = number(count).ok_or(Fault::Attachments)?;
        rest = tail.strip_prefix('-').ok_or(Fault::Attachments)?;
        if attachments == 0 {
            return Err(Fault::Attachments);
        }
        if attachments > limits.attachments as u64 {
            return Err(Fault::TooManyAttachments);
        }
    }

    let mut namespace = ByteString::from_static("/");
    if rest.starts_with('/') {
        let length = memchr::memchr(b',', rest.as_bytes()).unwrap_or(rest.len());
        if length > limits.namespace && !is_query(kind, revision, rest, limits) {
            return Err(Fault::Namespace);
        }
        let (name, tail) = rest.split_at_checked(length).ok_or(Fault::Namespace)?;
        if name != "/" {
            namespace = text.slice_ref(name);
        }
        rest = tail.strip_prefix(',').unwrap_or(tail);
    }

    let (id, payload) = digits(rest);
    let id = match id.len() {
        0 => None,
        1..=MAX_ACK_DIGITS => Some(
            number(id)
                .filter(|id| *id <= MAX_ACK_ID)
                .ok_or(Fault::AckId)?,
        ),
        _ => return Err(Fault::AckId),
    };

    // The reference takes a blank for the ack id 0; nobody means that.
    if payload.bytes().next().is_some_and(json::is_blank) {
        return Err(Fault::Payload);
    }
    let payload = Some(payload).filter(|payload| !payload.is_empty());
    let content = content(kind, revision, id, text, payload, limits)?;
    Ok(Decoded {
        packet: Packet { namespace, content },
        attachments: usize::try_from(attachments).map_err(|_| Fault::TooManyAttachments)?,
    })
}

/// What a packet says; its parts share the memory of `text`.
fn content(
    kind: Kind,
    revision: Revision,
    id: Option<u64>,
    text: &ByteString,
    payload: Option<&str>,
    limits: &Limits,
) -> Result<Content, Fault> {
    match kind {
        Kind::Connect => {
            if let Some(payload) = payload {
                check(payload, revision, &[json::Shape::Object], limits)?;
            }
            Ok(Content::Connect {
                payload: payload.map(|payload| text.slice_ref(payload)),
            })
        }
        Kind::Disconnect => match payload {
            None => Ok(Content::Disconnect),
            Some(_) => Err(Fault::Payload),
        },
        Kind::Event | Kind::BinaryEvent => {
            let call = payload
                .map(|payload| call(text, payload, limits))
                .transpose()?;
            Ok(Content::Event { id, call })
        }
        Kind::Ack | Kind::BinaryAck => {
            let args = match payload {
                None => Args::default(),
                Some(payload) => arguments(text, payload, limits)?,
            };
            Ok(Content::Ack { id, args })
        }
        Kind::ConnectError => {
            if let Some(payload) = payload {
                let shapes = [json::Shape::Object, json::Shape::String];
                check(payload, revision, &shapes, limits)?;
            }
            Ok(Content::ConnectError {
                payload: payload.map(|payload| text.slice_ref(payload)),
            })
        }
    }
}

/// Whether a name is too long for its query alone, which only a CONNECT of revision 4 has.
fn is_query(kind: Kind, revision: Revision, name: &str, limits: &Limits) -> bool {
    kind == Kind::Connect
        && revision == Revision::V3
        && memchr::memchr2(b'?', b',', name.as_bytes()).is_some_and(|end| end <= limits.namespace)
}

/// Checks that a payload is JSON of one of these shapes; in revision 4 also of those that JavaScript
/// calls objects. The object itself is no level of nesting.
fn check(
    payload: &str,
    revision: Revision,
    shapes: &[json::Shape],
    limits: &Limits,
) -> Result<(), Fault> {
    let shape = json::Shape::of(payload.as_bytes()).ok_or(Fault::Payload)?;
    let lenient = revision == Revision::V3 && (shape == json::Shape::Array || payload == "null");
    if !shapes.contains(&shape) && !lenient {
        return Err(Fault::Payload);
    }
    json::check(payload.as_bytes(), limits.depth.saturating_add(1)).map_err(fault)
}

/// The payload of an event: an array that begins with a name.
fn call(text: &ByteString, payload: &str, limits: &Limits) -> Result<Call, Fault> {
    let array = json::array(payload.as_bytes(), limits.depth).map_err(fault)?;
    let first = array.first.ok_or(Fault::Payload)?;
    let name = payload.get(first).ok_or(Fault::Payload)?;
    let name = match json::Shape::of(name.as_bytes()) {
        Some(json::Shape::Number) => text.slice_ref(name),
        Some(json::Shape::String) => {
            let inner = name
                .strip_prefix('"')
                .and_then(|name| name.strip_suffix('"'))
                .ok_or(Fault::Payload)?;
            if inner.contains('\\') {
                parts::unescape(inner.as_bytes())
                    .ok_or(Fault::Payload)?
                    .into()
            } else {
                slice(text, inner)
            }
        }
        Some(json::Shape::Array | json::Shape::Object | json::Shape::Literal) | None => {
            return Err(Fault::Payload);
        }
    };
    if name.len() > limits.name {
        return Err(Fault::Name);
    }
    if RESERVED.contains(&&*name) {
        return Err(Fault::Reserved);
    }
    let count = array.count.saturating_sub(1);
    if count > limits.arguments {
        return Err(Fault::Arguments);
    }
    let rest = payload.get(array.rest).ok_or(Fault::Payload)?;
    Ok(Call {
        name,
        args: Args::checked(slice(text, rest), count),
    })
}

/// The payload of an ack: an array of arguments.
fn arguments(text: &ByteString, payload: &str, limits: &Limits) -> Result<Args, Fault> {
    let array = json::array(payload.as_bytes(), limits.depth).map_err(fault)?;
    if array.count > limits.arguments {
        return Err(Fault::Arguments);
    }
    let Some(first) = array.first else {
        return Ok(Args::default());
    };
    let all = payload
        .get(first.start..array.rest.end.max(first.end))
        .ok_or(Fault::Payload)?;
    Ok(Args::checked(slice(text, all), array.count))
}

fn fault(error: json::JsonError) -> Fault {
    match error {
        json::JsonError::Syntax(_) => Fault::Payload,
        json::JsonError::TooDeep => Fault::Depth,
    }
}

/// The part of `text` that `part`, which lies in it, covers; shared, not copied.
fn slice(text: &ByteString, part: &str) -> ByteString {
    if part.is_empty() {
        ByteString::new()
    } else {
        text.slice_ref(part)
    }
}

fn digits(text: &str) -> (&str, &str) {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(count).unwrap_or(("", text))
}

/// A number of digits, `None` if it is empty or does not fit.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?
            .checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}
