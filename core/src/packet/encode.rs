//! Packets written: one pass, straight behind the header (§14).

use serde::Serialize;

use super::arguments::{Writer, to_args};
use super::{Args, EncodeError, IntoArgs, PacketType, Value};
use crate::json::{self, push_quoted};
use crate::message::{Encoded, Part};

/// Names that no client takes for an event (§17).
pub(super) const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// An event for `namespace`; with an `id` if an answer is wanted.
///
/// # Errors
/// A reserved name, or arguments that cannot be written.
pub fn event(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: &(impl IntoArgs + ?Sized),
) -> Result<Encoded, EncodeError> {
    event_parts(namespace, id, name, args, &Args::default())
}

/// An event whose arguments are those of `args`, then those of `more`.
///
/// # Errors
/// A reserved name, or arguments that cannot be written.
pub fn event_parts(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: &(impl IntoArgs + ?Sized),
    more: &(impl IntoArgs + ?Sized),
) -> Result<Encoded, EncodeError> {
    if RESERVED.contains(&name) {
        return Err(EncodeError::Reserved(name.into()));
    }
    // A name has its quotes, and each of the others the comma before it.
    let comma = |hint: usize| hint.saturating_add(usize::from(hint > 0));
    let room = name
        .len()
        .saturating_add(2)
        .saturating_add(comma(args.size_hint()))
        .saturating_add(comma(more.size_hint()));
    let mut out = start(PacketType::Event, namespace, id, room);
    name.write(&mut out)?;
    args.write(&mut out)?;
    more.write(&mut out)?;
    finish(out, PacketType::BinaryEvent)
}

/// An event that was written here, with one text more behind its arguments. `None`: it was not.
pub fn event_ending(packet: &Encoded, last: &str) -> Option<Encoded> {
    let mut parts = packet.parts();
    let Part::Text(text) = parts.next()? else {
        return None;
    };
    let open = text.strip_suffix(b"]")?;
    let room = open.len().saturating_add(last.len()).saturating_add(4);
    let mut out = Vec::with_capacity(room);
    out.extend_from_slice(open);
    out.push(b',');
    push_quoted(&mut out, last);
    out.push(b']');
    let attachments = parts.map(Part::into_bytes).collect();
    Some(Encoded::text(out.into(), attachments))
}

/// Where the array begins in the text of an event without attachments, for [`written_call`](super::written_call).
pub const fn head_len(namespace: &str, id: Option<u64>) -> usize {
    let digits = match id {
        None => 0,
        Some(id) => decimals(id),
    };
    named(namespace).saturating_add(digits).saturating_add(2)
}

/// The answer to the event that `namespace`'s peer sent with this `id`.
///
/// # Errors
/// Arguments that cannot be written.
pub fn ack(
    namespace: &str,
    id: u64,
    args: &(impl IntoArgs + ?Sized),
) -> Result<Encoded, EncodeError> {
    let mut out = start(PacketType::Ack, namespace, Some(id), args.size_hint());
    args.write(&mut out)?;
    finish(out, PacketType::BinaryAck)
}

/// A client's wish to enter `namespace`, perhaps with credentials: anything that becomes a JSON object
/// (§16.1).
///
/// # Errors
/// A payload that cannot be written, or that is no object without bytes.
pub fn connect(
    namespace: &str,
    payload: Option<&(impl Serialize + ?Sized)>,
) -> Result<Encoded, EncodeError> {
    let mut text = head(PacketType::Connect, namespace);
    if let Some(payload) = payload {
        let refused = |why: &str| EncodeError::Refused(why.into());
        let Some(args) = without_bytes(payload)? else {
            return Err(refused("bytes cannot travel in a CONNECT packet"));
        };
        if json::Shape::of(args.elements().as_bytes()) != Some(json::Shape::Object) {
            return Err(refused("the payload of a CONNECT packet is an object"));
        }
        text.extend_from_slice(args.elements().as_bytes());
    }
    Ok(Encoded::text(text.into(), Vec::new()))
}

/// The server's word that the client is in `namespace`, with the socket's public id (§16.1).
pub fn connected(namespace: &str, sid: &str) -> Encoded {
    Encoded::text(welcome(namespace, sid, None).into(), Vec::new())
}

/// The same for a client that may come back as who it is, with the session's private id (§21).
pub fn recoverable(namespace: &str, sid: &str, pid: &str) -> Encoded {
    Encoded::text(welcome(namespace, sid, Some(pid)).into(), Vec::new())
}

fn welcome(namespace: &str, sid: &str, pid: Option<&str>) -> Vec<u8> {
    // To the byte, if nothing has to be escaped.
    let more = pid.map_or(0, |pid| pid.len().saturating_add(9));
    let room = named(namespace).saturating_add(sid.len());
    let room = room.saturating_add(more);
    let mut text = Vec::with_capacity(room.saturating_add(12));
    push_head(&mut text, PacketType::Connect, namespace);
    text.extend_from_slice(b"{\"sid\":");
    push_quoted(&mut text, sid);
    if let Some(pid) = pid {
        text.extend_from_slice(b",\"pid\":");
        push_quoted(&mut text, pid);
    }
    text.push(b'}');
    text
}

/// The server's word that the client may not enter `namespace`, and why (§16.1).
pub fn connect_error(namespace: &str, message: &str, data: Option<&Value>) -> Encoded {
    let mut text = head(PacketType::ConnectError, namespace);
    text.extend_from_slice(b"{\"message\":");
    push_quoted(&mut text, message);
    if let Some(data) = data.and_then(travelling) {
        text.extend_from_slice(b",\"data\":");
        text.extend_from_slice(data.elements().as_bytes());
    }
    text.push(b'}');
    Encoded::text(text.into(), Vec::new())
}

/// The server's word, in revision 4, that the client is in `namespace`. The client computes the
/// socket's id (§16.2).
pub fn entered(namespace: &str) -> Encoded {
    Encoded::text(head(PacketType::Connect, namespace).into(), Vec::new())
}

/// An error in revision 4: `data` as it is if there is some, else the message (§16.2). Refuses a namespace,
/// or tells a client in it that something of what it sent was refused; revision 5 has no word for that.
///
/// Data of which clients would make something else is left out: numbers, which they take for an ack
/// id, booleans, which they refuse, and `null`; and what holds bytes, which cannot travel here.
pub fn error(namespace: &str, message: &str, data: Option<&Value>) -> Encoded {
    let understood = |data: &&Value| match data {
        Value::String(_) | Value::Array(_) | Value::Object(_) => true,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Binary(_) => false,
    };
    let mut text = head(PacketType::ConnectError, namespace);
    match data.filter(understood).and_then(travelling) {
        Some(data) => text.extend_from_slice(data.elements().as_bytes()),
        None => push_quoted(&mut text, message),
    }
    Encoded::text(text.into(), Vec::new())
}

/// The word of either side that it leaves `namespace` (§16.3).
pub fn disconnect(namespace: &str) -> Encoded {
    Encoded::text(head(PacketType::Disconnect, namespace).into(), Vec::new())
}

/// The data of a refusal. Bytes cannot travel in one: data that holds some is left out rather than
/// mangled.
fn travelling(data: &Value) -> Option<Args> {
    without_bytes(data).ok().flatten()
}

/// A value as JSON; `None` if there are bytes in it.
fn without_bytes(value: &(impl Serialize + ?Sized)) -> Result<Option<Args>, EncodeError> {
    let args = to_args(&(value,))?;
    Ok(Some(args).filter(|args| args.attachments().is_empty()))
}

fn head(kind: PacketType, namespace: &str) -> Vec<u8> {
    let mut text = Vec::new();
    push_head(&mut text, kind, namespace);
    text
}

fn push_head(text: &mut Vec<u8>, kind: PacketType, namespace: &str) {
    text.extend_from_slice(&[b'4', kind.digit()]);
    push_namespace(text, namespace);
}

/// How long the name of a namespace is with its comma.
const fn named(namespace: &str) -> usize {
    match namespace.as_bytes() {
        b"" | b"/" => 0,
        name => name.len().saturating_add(1),
    }
}

/// How many digits a number has.
pub(super) const fn decimals(number: u64) -> usize {
    match number.checked_ilog10() {
        None => 1,
        Some(power) => (power as usize).saturating_add(1),
    }
}

fn push_namespace(text: &mut Vec<u8>, namespace: &str) {
    if !matches!(namespace, "" | "/") {
        text.extend_from_slice(namespace.as_bytes());
        text.push(b',');
    }
}

/// Everything up to the arguments, as if there were no attachments, with `room` for them.
#[inline(always)]
fn start(kind: PacketType, namespace: &str, id: Option<u64>, room: usize) -> Writer {
    let mut digits = itoa::Buffer::new();
    let id = id.map_or("", |id| digits.format(id));
    // `42`, two brackets, and a named namespace with its comma: to the byte, since a vector without
    // room to spare becomes shared bytes without another allocation.
    let head = named(namespace).saturating_add(id.len()).saturating_add(4);
    let mut text = Vec::with_capacity(head.saturating_add(room));
    text.extend_from_slice(&[b'4', kind.digit()]);
    push_namespace(&mut text, namespace);
    text.extend_from_slice(id.as_bytes());
    let start = text.len();
    text.push(b'[');
    Writer {
        text,
        start,
        ..Writer::default()
    }
}

/// The packet. Attachments are known last: where there are some, the text makes room for their number.
#[inline(always)]
fn finish(out: Writer, binary: PacketType) -> Result<Encoded, EncodeError> {
    out.check()?;
    let Writer {
        mut text,
        attachments,
        ..
    } = out;
    text.push(b']');
    if !attachments.is_empty() {
        let mut digits = itoa::Buffer::new();
        let count = digits.format(attachments.len());
        let head = [&[b'4', binary.digit()], count.as_bytes(), b"-"];
        let rest = text.get(2..).unwrap_or_default();
        // To the byte again, as in `start`: making room within cost two more allocations.
        text = [head[0], head[1], head[2], rest].concat();
    }
    Ok(Encoded::text(text.into(), attachments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_may_end_with_one_text_more() {
        let bytes = bytes::Bytes::from_static(b"b");
        let written = [
            event("/a", None, "e", &()).unwrap(),
            event("/", None, "e", &(1, &bytes)).unwrap(),
        ];
        let texts = written.map(|packet| {
            let ending = event_ending(&packet, "o\"").unwrap();
            assert_eq!(ending.packets(), packet.packets());
            match ending.part(0) {
                Some(Part::Text(text)) => String::from_utf8(text.to_vec()).unwrap(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(texts[0], r#"42/a,["e","o\""]"#);
        assert!(texts[1].starts_with("451-[\"e\",1,{") && texts[1].ends_with(r#"},"o\""]"#));
        let other = Encoded::from(&crate::message::Message::from(bytes));
        assert!(event_ending(&other, "o").is_none());
        assert!(event_ending(&connected("/", "x"), "o").is_none());
    }

    #[test]
    fn a_welcome_has_no_room_to_spare() {
        for (namespace, pid, whole) in [
            ("/", None, r#"40{"sid":"-SUaq2I2PnH6PK93Dzaw"}"#),
            ("/a", None, r#"40/a,{"sid":"-SUaq2I2PnH6PK93Dzaw"}"#),
            (
                "/",
                Some("7"),
                r#"40{"sid":"-SUaq2I2PnH6PK93Dzaw","pid":"7"}"#,
            ),
        ] {
            let text = welcome(namespace, "-SUaq2I2PnH6PK93Dzaw", pid);
            assert_eq!((&*text, text.len()), (whole.as_bytes(), text.capacity()));
        }
    }

    #[test]
    fn the_array_of_an_event_begins_behind_its_head() {
        for namespace in ["/", "/a"] {
            for id in [None, Some(0), Some(9), Some(10), Some(u64::MAX)] {
                let packet = event(namespace, id, "e", &()).unwrap();
                let Some(Part::Text(text)) = packet.part(0) else {
                    panic!("{packet:?}")
                };
                assert_eq!(
                    &text[head_len(namespace, id)..],
                    br#"["e"]"#,
                    "{namespace} {id:?}"
                );
            }
        }
    }

    #[test]
    fn credentials_are_an_object_without_bytes() {
        let bytes = bytes::Bytes::from_static(b"b");
        let with = |value: Value| connect("/", Some(&value)).map_err(|why| why.to_string());
        let token = with(Value::from_iter([("token", "t")])).unwrap();
        assert_eq!(token.part(0), Some(Part::Text(r#"40{"token":"t"}"#.into())));
        let why = with(Value::from_iter([("token", bytes)])).unwrap_err();
        assert!(
            why.ends_with("bytes cannot travel in a CONNECT packet"),
            "{why}"
        );
        let why = with(Value::from("t")).unwrap_err();
        assert!(
            why.ends_with("the payload of a CONNECT packet is an object"),
            "{why}"
        );
    }

    /// What clients of revision 4 would take for something else.
    #[test]
    fn an_error_has_no_data_that_is_misread() {
        let bytes = bytes::Bytes::from_static(b"b");
        for (data, text) in [
            (None, r#"44/a,"no""#),
            (Some(Value::from("x")), r#"44/a,"x""#),
            (Some(Value::from(vec![1u8])), "44/a,[1]"),
            (Some(Value::from_iter([("a", 1u8)])), r#"44/a,{"a":1}"#),
            (Some(Value::Null), r#"44/a,"no""#),
            (Some(Value::from(true)), r#"44/a,"no""#),
            (Some(Value::from(7u8)), r#"44/a,"no""#),
            (Some(Value::from(bytes.clone())), r#"44/a,"no""#),
            (Some(Value::from_iter([("a", bytes)])), r#"44/a,"no""#),
        ] {
            let packet = error("/a", "no", data.as_ref());
            assert_eq!(packet.part(0), Some(Part::Text(text.into())), "{data:?}");
        }
    }
}
