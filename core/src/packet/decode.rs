//! The text of a packet, read in one pass (§14).

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::content::{Call, Content, Limits, Packet};
use super::encode::decimals;
use super::{Args, Fault, Name, PacketType};
use crate::json;
use crate::message::{Encoded, Part};
use crate::protocol::Protocol;

/// Names that a peer may not use for an event, since they mean something else to every client (§17).
/// `newListener` and `removeListener`, which only Node's emitter keeps for itself, pass.
const RESERVED: [&str; 4] = ["connect", "connect_error", "disconnect", "disconnecting"];

/// The largest ack id: what a double holds exactly.
const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// The most digits an ack id may have, leading zeros included.
const MAX_ACK_DIGITS: usize = 16;

/// Reads the text of one packet of Socket.IO, whose revision is the one above that of the engine, and
/// says how many attachments are still to come for it. `None` is never said: the result is what the
/// decoder says, to be handed on as it is.
///
/// The packet shares the memory of `text`, which is moved into it: counting references was a quarter of
/// the time that a short event took.
pub(super) fn text(
    text: ByteString,
    protocol: Protocol,
    limits: &Limits,
    missing: &mut usize,
) -> Result<Option<Packet>, Fault> {
    let kind = text.bytes().next().ok_or(Fault::Kind)?;
    let kind = PacketType::from_digit(kind).ok_or(Fault::Kind)?;
    let mut rest = text.get(1..).ok_or(Fault::Kind)?;

    if kind.is_binary() {
        let (count, tail) = digits(rest);
        let attachments = number(count).ok_or(Fault::Attachments)?;
        rest = tail.strip_prefix('-').ok_or(Fault::Attachments)?;
        if attachments == 0 {
            return Err(Fault::Attachments);
        }
        if attachments > limits.attachments as u64 {
            return Err(Fault::TooManyAttachments);
        }
        *missing = usize::try_from(attachments).map_err(|_| Fault::TooManyAttachments)?;
    }

    let mut namespace = ByteString::from_static("/");
    if rest.starts_with('/') {
        let length = memchr::memchr(b',', rest.as_bytes()).unwrap_or(rest.len());
        if length > limits.namespace && !is_query(kind, protocol, rest, limits) {
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

    // The reference takes a blank for the ack id 0, or for a digit of one; nobody means that.
    let payload = match payload.bytes().next() {
        Some(..=b' ') => behind_blanks(payload)?,
        Some(_) | None => payload,
    };
    let start = text.len().wrapping_sub(payload.len());
    let payload = Some(payload).filter(|payload| !payload.is_empty());
    // Each arm builds the whole packet: what is put together step by step is copied at every step.
    let content = match (kind, payload) {
        (PacketType::Event | PacketType::BinaryEvent, Some(payload)) => {
            let Found { name, elements } = call(payload, limits)?;
            let name = Name::from(&*name);
            let args = elements.within(text, start);
            let call = Some(Call { name, args });
            return Ok(Some(Packet {
                namespace,
                content: Content::Event { id, call },
            }));
        }
        (PacketType::Event | PacketType::BinaryEvent, None) => Content::Event { id, call: None },
        (PacketType::Ack | PacketType::BinaryAck, Some(payload)) => {
            let args = arguments(payload, limits)?.within(text, start);
            return Ok(Some(Packet {
                namespace,
                content: Content::Ack { id, args },
            }));
        }
        (PacketType::Ack | PacketType::BinaryAck, None) => Content::Ack {
            id,
            args: Args::default(),
        },
        (PacketType::Connect, None) => Content::Connect { payload: None },
        (PacketType::Connect, Some(payload)) => {
            check(payload, protocol, &[json::Shape::Object], limits)?;
            let payload = Some(text.slice_ref(payload));
            Content::Connect { payload }
        }
        (PacketType::ConnectError, None) => Content::ConnectError { payload: None },
        (PacketType::ConnectError, Some(payload)) => {
            let shapes = [json::Shape::Object, json::Shape::String];
            check(payload, protocol, &shapes, limits)?;
            let payload = Some(text.slice_ref(payload));
            Content::ConnectError { payload }
        }
        (PacketType::Disconnect, None) => Content::Disconnect,
        (PacketType::Disconnect, Some(_)) => return Err(Fault::Payload),
    };
    Ok(Some(Packet { namespace, content }))
}

/// Whether a name is too long for its query alone, which only a CONNECT of revision 4 has.
fn is_query(kind: PacketType, protocol: Protocol, name: &str, limits: &Limits) -> bool {
    kind == PacketType::Connect
        && protocol == Protocol::V4
        && memchr::memchr2(b'?', b',', name.as_bytes()).is_some_and(|end| end <= limits.namespace)
}

/// Checks that a payload is JSON of one of these shapes; in revision 4 also of those that JavaScript
/// calls objects. The object itself is no level of nesting.
fn check(
    payload: &str,
    protocol: Protocol,
    shapes: &[json::Shape],
    limits: &Limits,
) -> Result<(), Fault> {
    let shape = json::Shape::of(payload.as_bytes()).ok_or(Fault::Payload)?;
    let lenient = protocol == Protocol::V4 && (shape == json::Shape::Array || payload == "null");
    if !shapes.contains(&shape) && !lenient {
        return Err(Fault::Payload);
    }
    Ok(json::check(
        payload.as_bytes(),
        limits.depth.saturating_add(1),
    )?)
}

/// Arguments in a payload: their place in it, and their number.
struct Elements {
    place: Range<usize>,
    count: usize,
}

impl Elements {
    /// The arguments, from a payload that begins at `start` of `text`.
    #[inline]
    fn within(self, text: ByteString, start: usize) -> Args {
        let Range { start: from, end } = self.place;
        let place = start.wrapping_add(from)..start.wrapping_add(end);
        Args::checked(text, place, self.count)
    }
}

/// What an event's payload holds.
struct Found<'a> {
    name: Cow<'a, str>,
    elements: Elements,
}

/// The payload of an event: an array that begins with a name.
#[inline(always)]
fn call<'a>(payload: &'a str, limits: &Limits) -> Result<Found<'a>, Fault> {
    let array = json::array(payload.as_bytes(), limits.depth)?;
    let first = array.first.ok_or(Fault::Payload)?;
    let name = payload.get(first).ok_or(Fault::Payload)?;
    let name = match json::Shape::of(name.as_bytes()) {
        Some(json::Shape::Number) => Cow::Borrowed(name),
        Some(json::Shape::String) => {
            let inner = name
                .strip_prefix('"')
                .and_then(|name| name.strip_suffix('"'))
                .ok_or(Fault::Payload)?;
            if array.escaped {
                Cow::Owned(json::unescape(inner.as_bytes()).ok_or(Fault::Payload)?)
            } else {
                Cow::Borrowed(inner)
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
    Ok(Found {
        name,
        elements: Elements {
            place: array.rest,
            count,
        },
    })
}

/// What an event says that was written here: its name and arguments, as slices of its text. `head` is where the
/// array would begin without attachments ([`head_len`](super::head_len)).
///
/// # Errors
/// It is no event that was written here, or one with another head.
pub fn written_call(event: &Encoded, head: usize) -> Result<Call, Fault> {
    let mut parts = event.parts();
    let Some(Part::Text(text)) = parts.next() else {
        return Err(Fault::Payload);
    };
    let attachments: SmallVec<[Bytes; 1]> = parts.map(Part::into_bytes).collect();
    let start = match attachments.len() {
        0 => head,
        count => {
            let counted = decimals(count as u64).saturating_add(1);
            head.saturating_add(counted)
        }
    };
    let text = ByteString::try_from(text).map_err(|_| Fault::Payload)?;
    let payload = text.get(start..).ok_or(Fault::Payload)?;
    let Found { name, elements } = call(payload, &Limits::NONE)?;
    let name = Name::from(&*name);
    let mut args = elements.within(text, start);
    if !attachments.is_empty() {
        args.attach(attachments, usize::MAX)?;
    }
    Ok(Call { name, args })
}

/// The payload of an ack: an array of arguments.
fn arguments(payload: &str, limits: &Limits) -> Result<Elements, Fault> {
    let array = json::array(payload.as_bytes(), limits.depth)?;
    if array.count > limits.arguments {
        return Err(Fault::Arguments);
    }
    let place = match array.first {
        Some(first) => first.start..array.rest.end.max(first.end),
        None => 0..0,
    };
    Ok(Elements {
        place,
        count: array.count,
    })
}

/// A payload that has blanks before it.
#[cold]
fn behind_blanks(payload: &str) -> Result<&str, Fault> {
    let payload = payload.trim_start_matches([' ', '\t', '\n', '\r']);
    (!payload.is_empty())
        .then_some(payload)
        .ok_or(Fault::Payload)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{Value, event, head_len};

    proptest! {
        #[test]
        fn what_was_written_says_what_it_was_given(
            namespace in prop_oneof![Just("/".to_owned()), "/[a,\\[\\]0-9]{0,9}"],
            id in prop::option::of(any::<u64>()),
            name in "[a-z\"\\\\\u{1f}]{0,30}",
            sizes in prop::collection::vec(prop::option::of(0..3usize), 0..14),
        ) {
            let value = |size: &Option<usize>| match size {
                Some(size) => Value::Binary(Bytes::from(vec![7; *size])),
                None => Value::from("]}\\"),
            };
            let values: Vec<Value> = sizes.iter().map(value).collect();
            let args = Args::from_arguments(&(&values, 1)).unwrap();
            let packet = event(&namespace, id, &name, &args).unwrap();
            let call = written_call(&packet, head_len(&namespace, id)).unwrap();
            prop_assert_eq!(&*call.name, &*name);
            prop_assert_eq!((call.args.len(), &call.args), (2, &args));
        }
    }

    #[test]
    fn what_is_no_event_says_nothing() {
        let other = crate::packet::connected("/", "x");
        assert_eq!(written_call(&other, 2), Err(Fault::Payload));
        let event = event("/named", None, "x", &1).unwrap();
        for head in [0, 2, 8, 10, usize::MAX] {
            assert!(written_call(&event, head).is_err(), "{head}");
        }
        assert!(written_call(&event, head_len("/named", None)).is_ok());
    }

    fn read(text: &str) -> Result<Packet, Fault> {
        let text = ByteString::from(text);
        let packet = super::text(text, Protocol::V5, &Limits::default(), &mut 0)?;
        packet.ok_or(Fault::Kind)
    }

    #[test]
    fn blanks_before_a_payload_are_passed_over_and_are_none() {
        // faults: C9
        for (spelled, plain) in [
            ("21 [\"a\",1]", "21[\"a\",1]"),
            ("2/n, \t[\"a\"]", "2/n,[\"a\"]"),
            ("2/n,7\r\n[\"a\"]", "2/n,7[\"a\"]"),
            ("2 [\"a\"]", "2[\"a\"]"),
            ("31 []", "31[]"),
            ("0 {}", "0{}"),
            ("0/n, {\"a\":1}", "0/n,{\"a\":1}"),
            ("51-/n,3 [\"a\"]", "51-/n,3[\"a\"]"),
        ] {
            let (spelled, plain) = (read(spelled), read(plain));
            assert!(plain.is_ok(), "{plain:?}");
            assert_eq!(spelled, plain);
        }
        for text in [
            "21 ",
            "2 ",
            "0 ",
            "0/n, ",
            "1 ",
            "2 1[\"a\"]",
            "2\u{1}[\"a\"]",
            "2\u{a0}[\"a\"]",
        ] {
            assert_eq!(read(text), Err(Fault::Payload), "{text:?}");
        }
    }

    #[test]
    fn what_no_packet_says_is_a_fault_of_its_own() {
        let limits = Limits {
            namespace: 5,
            arguments: 2,
            attachments: 3,
            ..Limits::default()
        };
        let read = |text: &str, protocol| {
            let text = ByteString::from(text);
            super::text(text, protocol, &limits, &mut 0)
        };
        for (text, fault) in [
            ("", Fault::Kind),
            ("7", Fault::Kind),
            ("x", Fault::Kind),
            ("50-[\"a\"]", Fault::Attachments),
            ("5-[\"a\"]", Fault::Attachments),
            ("51[\"a\"]", Fault::Attachments),
            ("54-[\"a\"]", Fault::TooManyAttachments),
            ("2/abcde,[\"a\"]", Fault::Namespace),
            ("2/abcde", Fault::Namespace),
            ("29007199254740992[\"a\"]", Fault::AckId),
            ("212345678901234567[\"a\"]", Fault::AckId),
            ("31[1,2,3]", Fault::Arguments),
            ("2[\"a\",1,2,3]", Fault::Arguments),
            ("1{}", Fault::Payload),
            ("4[]", Fault::Payload),
            ("0\"x\"", Fault::Payload),
            ("31{}", Fault::Payload),
        ] {
            assert_eq!(read(text, Protocol::V5), Err(fault), "{text}");
        }
        let content = |text: &str| read(text, Protocol::V5).unwrap().unwrap().content;
        let refused = |payload| Content::ConnectError { payload };
        assert_eq!(content("4"), refused(None));
        assert_eq!(content("4\"no\""), refused(Some("\"no\"".into())));
        assert!(read("2/abcd,[\"a\"]", Protocol::V5).is_ok());
        assert!(read("31[1,2]", Protocol::V5).is_ok());
        assert!(read("29007199254740991[\"a\"]", Protocol::V5).is_ok());
    }

    /// Which stands behind the name in revision 4 (§16.2), and has a limit of its own.
    #[test]
    fn a_query_is_no_part_of_how_long_a_name_may_be() {
        let limits = Limits {
            namespace: 5,
            ..Limits::default()
        };
        let read = |text: &str, protocol| {
            let text = ByteString::from(text);
            super::text(text, protocol, &limits, &mut 0).map(|it| it.unwrap().namespace)
        };
        let long = "0/chat?token=much%20longer,";
        let name = Ok("/chat?token=much%20longer".into());
        assert_eq!(read(long, Protocol::V4), name);
        for (text, protocol) in [
            (long, Protocol::V5),
            ("0/chats?token=much,", Protocol::V4),
            ("1/chat?token=much,", Protocol::V4),
            ("0/chatter", Protocol::V4),
        ] {
            assert_eq!(read(text, protocol), Err(Fault::Namespace), "{text}");
        }
    }

    #[test]
    fn bytes_alone_are_no_event() {
        let bytes = Encoded::from(&crate::message::Message::Binary(Bytes::from_static(b"x")));
        assert_eq!(written_call(&bytes, 0), Err(Fault::Payload));
    }
}
