//! The wire of the 2.x line: the channels of [`classic`], other requests.

use bytes::Bytes;
use sio_core::packet::Args;

use super::classic::{self, Author, Place};
use super::{Context, EncodeError, Odd, Received, parts};
use crate::config::Dialect;
use crate::id::RequestId;
use crate::limits::Limits;
use crate::message::{Act, Message, Question, Reply, To};
use crate::wire::out::Out;
use crate::wire::tree::{Members, Payload, Tree};

/// Reads a message. `None`: it is for another namespace, whose channels look alike.
///
/// # Errors
/// It is no message, or more than the limits allow.
pub fn decode(place: Place, payload: &Bytes, of: Context<'_>) -> Result<Option<Received>, Odd> {
    let read = Payload::read(payload, of.limits)?;
    let message = match place {
        Place::Broadcasts => return broadcast(read.tree(), of),
        Place::Requests => request(read.tree(), of.limits)?,
        Place::Answers => answer(read.tree(), of.limits)?,
    };
    Ok(Some(Received {
        from: None,
        message,
    }))
}

fn broadcast(tree: Tree<'_>, of: Context<'_>) -> Result<Option<Received>, Odd> {
    let elements = tree.elements("broadcast", of.limits.members)?;
    let mut elements = elements.into_iter();
    let uid = elements
        .next()
        .and_then(Tree::text)
        .ok_or(Odd::Member("uid"))?;
    let packet = elements.next().ok_or(Odd::Member("packet"))?;
    let opts = elements.next().filter(|tree| !tree.is_null());
    classic::read_broadcast(&uid, packet, of, || match opts {
        Some(opts) => parts::to(opts, of.limits),
        None => Ok(To::default()),
    })
}

/// The object that a request or an answer is, and the name in it.
fn named<'a>(tree: Tree<'a>, limits: &Limits) -> Result<(Members<'a>, RequestId), Odd> {
    let members = tree.members("request", limits)?;
    match parts::request_id(&members, "requestid", limits)? {
        Some(id) => Ok((members, id)),
        None if members.has("uid") || members.has("requestId") => {
            Err(Odd::Foreign(Dialect::Classic))
        }
        None => Err(Odd::Member("requestid")),
    }
}

fn request(tree: Tree<'_>, limits: &Limits) -> Result<Message, Odd> {
    let (members, id) = named(tree, limits)?;
    let kind = members.need("type")?.number().ok_or(Odd::Member("type"))?;
    let socket = || members.need("sid")?.room("sid", limits);
    let room = || members.need("room")?.room("room", limits);
    let what = match kind {
        0 => Question::Sockets(
            match members.find("rooms").filter(|rooms| !rooms.is_null()) {
                Some(rooms) => rooms.rooms("rooms", limits)?,
                None => Vec::new(),
            },
        ),
        1 => Question::RoomsOf(socket()?),
        2 => Question::Rooms,
        5 => Question::Custom(match members.find("data") {
            Some(data) => data.one("data")?,
            // The same to whoever is asked.
            None => Args::from_json("[null]", Vec::new()).unwrap_or_default(),
        }),
        3 | 4 | 6 => {
            let act = match kind {
                3 => Act::Join(room()?),
                4 => Act::Leave(room()?),
                _ => Act::Disconnect {
                    close: classic::close(&members)?,
                },
            };
            let socket = socket()?;
            return Ok(Message::One { id, socket, act });
        }
        other => return Err(Odd::Type(other.to_string())),
    };
    Ok(Message::Ask { id, what })
}

fn answer(tree: Tree<'_>, limits: &Limits) -> Result<Message, Odd> {
    let (members, id) = named(tree, limits)?;
    let names =
        |tree: Tree<'_>, name| classic::names(tree.elements(name, limits.sockets)?, name, limits);
    let reply = if let Some(clients) = members.find("clients") {
        Reply::Ids(names(clients, "clients")?)
    } else if let Some(rooms) = members.find("rooms") {
        Reply::Rooms(names(rooms, "rooms")?)
    } else if let Some(data) = members.find("data") {
        Reply::Value(data.one("data")?)
    } else {
        Reply::Done
    };
    Ok(Message::Answer { id, reply })
}

/// Writes a message, and says which kind of channel it is for.
///
/// # Errors
/// There are no words for it here, or what it holds cannot be written.
pub fn encode(message: &Message, by: Author<'_>) -> Result<(Place, Bytes), EncodeError> {
    let (place, bytes) = match message {
        Message::Broadcast {
            call,
            to,
            ask: None,
        } => {
            parts::check(call)?;
            let kind = if call.args.attachments().is_empty() {
                2
            } else {
                5
            };
            let opts = Out::some([
                (
                    "except",
                    (!to.except.is_empty()).then_some(Out::Texts(&to.except)),
                ),
                ("rooms", Some(Out::Texts(&to.rooms))),
                ("flags", Some(parts::out_flags(&to.flags))),
            ]);
            let packet = parts::packet(kind, call, Some(by.namespace));
            let whole = Out::List(vec![Out::Text(by.uid.as_str()), packet, opts]);
            (Place::Broadcasts, whole.msgpack()?)
        }
        Message::Ask { id, what } => {
            let (kind, more) = match what {
                Question::Sockets(rooms) => (0, Some(("rooms", Out::Texts(rooms)))),
                Question::RoomsOf(socket) => (1, Some(("sid", Out::Text(socket)))),
                Question::Rooms => (2, None),
                Question::Custom(data) => (5, Some(("data", Out::First(data)))),
                Question::Fetch(_) => return Err(EncodeError::Unsaid),
            };
            (Place::Requests, out_request(id, kind, more).json()?)
        }
        Message::One { id, socket, act } => {
            let sid = ("sid", Out::Text(socket));
            let (kind, more) = match act {
                Act::Join(room) => (3, ("room", Out::Text(room))),
                Act::Leave(room) => (4, ("room", Out::Text(room))),
                Act::Disconnect { close } => (6, ("close", Out::Truth(*close))),
            };
            (Place::Requests, out_request(id, kind, [sid, more]).json()?)
        }
        Message::Answer { id, reply } => {
            let more = match reply {
                Reply::Ids(ids) => Some(("clients", Out::Texts(ids))),
                Reply::Rooms(rooms) => Some(("rooms", Out::Texts(rooms))),
                Reply::Value(data) => Some(("data", Out::First(data))),
                Reply::Done => None,
                Reply::Clients(_) | Reply::Ack { .. } | Reply::Sockets(_) => {
                    return Err(EncodeError::Unsaid);
                }
            };
            let mut members = vec![("requestid", Out::Text(id.as_str()))];
            members.extend(more);
            (Place::Answers, Out::Map(members).json()?)
        }
        Message::Broadcast { ask: Some(_), .. }
        | Message::Join { .. }
        | Message::Leave { .. }
        | Message::Disconnect { .. }
        | Message::ServerSide { .. }
        | Message::Hello
        | Message::Beat
        | Message::Bye => return Err(EncodeError::Unsaid),
    };
    Ok((place, bytes.into()))
}

fn out_request<'a>(
    id: &'a RequestId,
    kind: u64,
    more: impl IntoIterator<Item = (&'static str, Out<'a>)>,
) -> Out<'a> {
    let mut members = vec![
        ("requestid", Out::Text(id.as_str())),
        ("type", Out::Number(kind)),
    ];
    members.extend(more);
    Out::Map(members)
}
