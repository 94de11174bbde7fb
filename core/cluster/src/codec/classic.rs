//! Classic: broadcasts in msgpack on a channel of their own, requests and answers in JSON mostly.

use bytes::Bytes;
use sio_core::packet::Args;

use super::parts;
use super::{Context, EncodeError, Odd, Received};
use crate::config::Dialect;
use crate::id::{RequestId, Uid};
use crate::limits::Limits;
use crate::message::{Act, Message, Question, Reply, To};
use crate::wire::out::Out;
use crate::wire::tree::{Members, Payload, Tree};

/// Which kind of channel a message came on, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `key#/#`, `key#/#room#`.
    Broadcasts,
    /// `key-request#/#`.
    Requests,
    /// `key-response#/#`, `key-response#/#uid#`.
    Answers,
}

/// Whether a broadcast is this node's own, by its first bytes: nothing is decoded.
pub fn is_own(payload: &[u8], uid: &Uid) -> bool {
    let name = uid.as_str().as_bytes();
    let Some((head, rest)) = payload.split_first_chunk::<2>() else {
        return false;
    };
    let length = usize::from(head[1] & 0x1f);
    head[0] == 0x93 && head[1] & 0xe0 == 0xa0 && length == name.len() && rest.starts_with(name)
}

/// Reads a message. `None`: it is for another namespace, whose channels look alike.
///
/// # Errors
/// It is no message, or more than the limits allow.
pub fn decode(place: Place, payload: &Bytes, of: Context<'_>) -> Result<Option<Received>, Odd> {
    let read = Payload::read(payload, of.limits)?;
    match place {
        Place::Broadcasts => broadcast(read.tree(), of),
        Place::Requests => request(read.tree(), of.limits).map(Some),
        Place::Answers => answer(read.tree(), of.limits).map(Some),
    }
}

fn broadcast(tree: Tree<'_>, of: Context<'_>) -> Result<Option<Received>, Odd> {
    // Cluster messages are maps: an adapter for streams uses the same key.
    if tree.is_object() {
        return Err(Odd::Foreign(Dialect::Streams));
    }
    let elements = tree.elements("broadcast", of.limits.members)?;
    let mut elements = elements.into_iter();
    let uid = elements
        .next()
        .and_then(Tree::text)
        .ok_or(Odd::Member("uid"))?;
    let packet = elements.next().ok_or(Odd::Member("packet"))?;
    let opts = elements.next().ok_or(Odd::Member("opts"))?;
    read_broadcast(&uid, packet, of, || parts::to(opts, of.limits))
}

pub(super) fn read_broadcast(
    uid: &str,
    packet: Tree<'_>,
    of: Context<'_>,
    to: impl FnOnce() -> Result<To, Odd>,
) -> Result<Option<Received>, Odd> {
    if uid.len() > of.limits.id {
        return Err(Odd::TooLong("uid"));
    }
    let packet = packet.members("packet", of.limits)?;
    let namespace = packet.find("nsp").filter(|tree| !tree.is_null());
    let elsewhere = match namespace {
        Some(tree) => tree.text().ok_or(Odd::Member("nsp"))? != of.namespace,
        None => of.namespace != "/",
    };
    if elsewhere {
        return Ok(None);
    }
    Ok(Some(Received {
        from: Some(Uid::from(uid)),
        message: Message::Broadcast {
            call: parts::event(&packet, of.limits)?,
            to: to()?,
            ask: None,
        },
    }))
}

fn request(tree: Tree<'_>, limits: &Limits) -> Result<Received, Odd> {
    let members = tree.members("request", limits)?;
    if members.has("requestid") {
        return Err(Odd::Foreign(Dialect::V2));
    }
    let id = parts::request_id(&members, "requestId", limits)?;
    let need = |id: Option<RequestId>| id.ok_or(Odd::Member("requestId"));
    let kind = members.need("type")?.number().ok_or(Odd::Member("type"))?;
    let ask = |id, what| {
        Ok(Message::Ask {
            id: need(id)?,
            what,
        })
    };
    let of = || parts::to(members.need("opts")?, limits);
    let message = match kind {
        0 => ask(
            id,
            Question::Sockets(members.need("rooms")?.rooms("rooms", limits)?),
        )?,
        1 => ask(id, Question::Rooms)?,
        2..=4 if members.has("sid") => one(kind, need(id)?, &members, limits)?,
        2 => Message::Join {
            of: of()?,
            rooms: parts::room_names(&members, "rooms", limits)?,
        },
        3 => Message::Leave {
            of: of()?,
            rooms: parts::room_names(&members, "rooms", limits)?,
        },
        4 => Message::Disconnect {
            of: of()?,
            close: close(&members)?,
        },
        5 => ask(id, Question::Fetch(of()?))?,
        6 => server_side(&members, id, limits)?,
        7 => Message::Broadcast {
            call: parts::event(&members.need("packet")?.members("packet", limits)?, limits)?,
            to: of()?,
            ask: Some(need(id)?),
        },
        other => return Err(Odd::Type(other.to_string())),
    };
    let from = parts::uid(&members, limits)?;
    Ok(Received { from, message })
}

fn server_side(
    members: &Members<'_>,
    ask: Option<RequestId>,
    limits: &Limits,
) -> Result<Message, Odd> {
    Ok(Message::ServerSide {
        call: parts::server_side(members.need("data")?, "data", limits)?,
        ask,
        to: parts::node(members, "to", limits)?,
    })
}

pub(super) fn close(members: &Members<'_>) -> Result<bool, Odd> {
    match members.find("close") {
        Some(tree) => tree.truth().ok_or(Odd::Member("close")),
        None => Ok(false),
    }
}

/// `remoteJoin`, `remoteLeave` and `remoteDisconnect`, which stand in a row.
fn one(kind: u64, id: RequestId, members: &Members<'_>, limits: &Limits) -> Result<Message, Odd> {
    let room = || members.need("room")?.room("room", limits);
    Ok(Message::One {
        id,
        socket: members.need("sid")?.room("sid", limits)?,
        act: match kind {
            2 => Act::Join(room()?),
            3 => Act::Leave(room()?),
            _ => Act::Disconnect {
                close: close(members)?,
            },
        },
    })
}

fn answer(tree: Tree<'_>, limits: &Limits) -> Result<Received, Odd> {
    let members = tree.members("answer", limits)?;
    if members.has("requestid") {
        return Err(Odd::Foreign(Dialect::V2));
    }
    let id = parts::request_id(&members, "requestId", limits)?;
    let kind = members.find("type").and_then(Tree::number);
    let from = parts::uid(&members, limits)?;
    // Where one node is answered, it listens alone: there it is told what is for no other.
    if kind == Some(6) && members.has("to") {
        let message = server_side(&members, id, limits)?;
        return Ok(Received { from, message });
    }
    let id = id.ok_or(Odd::Member("requestId"))?;
    let reply = match kind {
        Some(6) => Reply::Value(value(members.find("data"), "data")?),
        Some(8) => {
            let count = members.need("clientCount")?.number();
            Reply::Clients(count.ok_or(Odd::Member("clientCount"))?)
        }
        Some(9) => acked(&members, limits)?,
        Some(other) => return Err(Odd::Type(other.to_string())),
        None => untyped(&members, limits)?,
    };
    Ok(Received {
        from,
        message: Message::Answer { id, reply },
    })
}

/// A value that may be missing.
pub(super) fn value(tree: Option<Tree<'_>>, name: &'static str) -> Result<Args, Odd> {
    tree.map_or_else(|| Ok(Args::default()), |tree| tree.one(name))
}

/// A client's ack: nodes of ours tell whose, and all of it.
pub(super) fn acked(members: &Members<'_>, limits: &Limits) -> Result<Reply, Odd> {
    Ok(Reply::Ack {
        from: match members.find("from") {
            Some(tree) => Some(tree.room("from", limits)?),
            None => None,
        },
        args: match members.find("args") {
            Some(tree) => tree.all("args", limits)?,
            None => value(members.find("packet"), "packet")?,
        },
    })
}

/// Answers that only what is in them tells apart.
fn untyped(members: &Members<'_>, limits: &Limits) -> Result<Reply, Odd> {
    if let Some(sockets) = members.find("sockets") {
        let elements = sockets.elements("sockets", limits.sockets)?;
        return Ok(match elements.first() {
            Some(first) if first.is_object() => Reply::Sockets(parts::remotes(elements, limits)?),
            Some(_) | None => Reply::Ids(names(elements, "sockets", limits)?),
        });
    }
    match members.find("rooms") {
        // A node may have more rooms than one message may name.
        Some(rooms) => {
            let elements = rooms.elements("rooms", limits.sockets)?;
            Ok(Reply::Rooms(names(elements, "rooms", limits)?))
        }
        None => Ok(Reply::Done),
    }
}

pub(super) fn names(
    elements: Vec<Tree<'_>>,
    name: &'static str,
    limits: &Limits,
) -> Result<Vec<String>, Odd> {
    let one = |tree: Tree<'_>| tree.room(name, limits);
    elements.into_iter().map(one).collect()
}

/// How a message is signed.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// Who says it.
    pub uid: &'a Uid,
    /// The namespace, with its `/`.
    pub namespace: &'a str,
    /// The one that it is for is known to be of this implementation: answers may hold what Node's ignore.
    pub to_ours: bool,
}

/// Writes a message, and says which kind of channel it is for.
///
/// # Errors
/// There are no words for it here, or what it holds cannot be written.
pub fn encode(message: &Message, by: Author<'_>) -> Result<(Place, Bytes), EncodeError> {
    let uid = || Some(Out::Text(by.uid.as_str()));
    let (place, bytes) = match message {
        Message::Broadcast { call, to, ask } => {
            parts::check(call)?;
            match ask {
                None => (Place::Broadcasts, out_broadcast(call, to, by).msgpack()?),
                Some(id) => {
                    let request = Out::some([
                        ("uid", uid()),
                        ("requestId", Some(Out::Text(id.as_str()))),
                        ("type", Some(Out::Number(7))),
                        ("packet", Some(parts::packet(2, call, Some(by.namespace)))),
                        ("opts", Some(parts::opts(to))),
                    ]);
                    // Servers of 6.x take nothing but JSON, and leave this alone then.
                    let bytes = match call.args.attachments() {
                        [] => request.json()?,
                        _ => request.msgpack()?,
                    };
                    (Place::Requests, bytes)
                }
            }
        }
        Message::Answer { id, reply } => (Place::Answers, out_answer(id, reply, by)?),
        Message::ServerSide { call, to, .. } => {
            parts::check_server_side(call)?;
            // One node alone listens where it is answered.
            let place = match to {
                Some(_) => Place::Answers,
                None => Place::Requests,
            };
            (place, out_request(message, by)?.json()?)
        }
        Message::Join { .. }
        | Message::Leave { .. }
        | Message::Disconnect { .. }
        | Message::Ask { .. }
        | Message::One { .. } => (Place::Requests, out_request(message, by)?.json()?),
        Message::Hello | Message::Beat | Message::Bye => return Err(EncodeError::Unsaid),
    };
    Ok((place, bytes.into()))
}

fn out_broadcast<'a>(call: &'a sio_core::packet::Call, to: &'a To, by: Author<'a>) -> Out<'a> {
    let opts = match by.uid.is_emitter() {
        false => parts::opts(to),
        // Emitters have an order of their own.
        true => Out::Map(vec![
            ("rooms", Out::Texts(&to.rooms)),
            ("flags", parts::out_flags(&to.flags)),
            ("except", Out::Texts(&to.except)),
        ]),
    };
    let packet = parts::packet(2, call, Some(by.namespace));
    Out::List(vec![Out::Text(by.uid.as_str()), packet, opts])
}

/// A request in JSON: `uid`, `requestId`, `type`, and what it is about.
fn out_request<'a>(message: &'a Message, by: Author<'a>) -> Result<Out<'a>, EncodeError> {
    // A programme that is no node gives its name only where somebody looks at it.
    let signed = matches!(message, Message::ServerSide { .. }) || !by.uid.is_emitter();
    let (id, kind, more) = match message {
        Message::Join { of, rooms } => (None, 2, rooms_of(of, rooms)),
        Message::Leave { of, rooms } => (None, 3, rooms_of(of, rooms)),
        Message::Disconnect { of, close } => (
            None,
            4,
            vec![("opts", target(of)), ("close", Out::Truth(*close))],
        ),
        Message::Ask { id, what } => match what {
            Question::Fetch(of) => (Some(id), 5, vec![("opts", target(of))]),
            Question::Sockets(rooms) => (Some(id), 0, vec![("rooms", Out::Texts(rooms))]),
            Question::Rooms => (Some(id), 1, vec![]),
            Question::RoomsOf(_) | Question::Custom(_) => return Err(EncodeError::Unsaid),
        },
        Message::ServerSide { call, ask, to } => {
            let mut more = vec![("data", Out::Call(call))];
            more.extend(to.as_ref().map(|uid| ("to", Out::Text(uid.as_str()))));
            (ask.as_ref(), 6, more)
        }
        Message::One { id, socket, act } => {
            let sid = ("sid", Out::Text(socket));
            match act {
                Act::Join(room) => (Some(id), 2, vec![sid, ("room", Out::Text(room))]),
                Act::Leave(room) => (Some(id), 3, vec![sid, ("room", Out::Text(room))]),
                Act::Disconnect { close } => {
                    (Some(id), 4, vec![sid, ("close", Out::Truth(*close))])
                }
            }
        }
        Message::Broadcast { .. }
        | Message::Answer { .. }
        | Message::Hello
        | Message::Beat
        | Message::Bye => return Err(EncodeError::Unsaid),
    };
    let mut members = Vec::with_capacity(5);
    members.extend(signed.then(|| ("uid", Out::Text(by.uid.as_str()))));
    members.extend(id.map(|id| ("requestId", Out::Text(id.as_str()))));
    members.push(("type", Out::Number(kind)));
    members.extend(more);
    Ok(Out::Map(members))
}

fn rooms_of<'a>(of: &'a To, rooms: &'a [String]) -> Vec<(&'static str, Out<'a>)> {
    vec![("opts", target(of)), ("rooms", Out::Texts(rooms))]
}

/// `{rooms, except}`: nothing is sent to clients.
fn target(of: &To) -> Out<'_> {
    Out::Map(vec![
        ("rooms", Out::Texts(&of.rooms)),
        ("except", Out::Texts(&of.except)),
    ])
}

fn out_answer(id: &RequestId, reply: &Reply, by: Author<'_>) -> Result<Vec<u8>, EncodeError> {
    let request = ("requestId", Out::Text(id.as_str()));
    let mut members = match reply {
        Reply::Clients(_) => vec![("type", Out::Number(8)), request],
        Reply::Ack { .. } => vec![("type", Out::Number(9)), request],
        Reply::Value(_) => vec![("type", Out::Number(6)), request],
        Reply::Sockets(_) | Reply::Ids(_) | Reply::Rooms(_) | Reply::Done => vec![request],
    };
    match reply {
        Reply::Clients(count) => members.push(("clientCount", Out::Number(*count))),
        Reply::Ack { from, args } => members.extend(out_acked(from.as_deref(), args, by.to_ours)),
        Reply::Value(args) if args.is_empty() => {}
        Reply::Value(args) => members.push(("data", Out::First(args))),
        Reply::Sockets(sockets) => members.push(("sockets", parts::out_remotes(sockets))),
        Reply::Ids(ids) => members.push(("sockets", Out::Texts(ids))),
        Reply::Rooms(rooms) => members.push(("rooms", Out::Texts(rooms))),
        Reply::Done => {}
    }
    if by.to_ours {
        members.push(("uid", Out::Text(by.uid.as_str())));
    }
    let answer = Out::Map(members);
    Ok(match reply {
        Reply::Ack { .. } => answer.msgpack()?,
        Reply::Clients(_)
        | Reply::Value(_)
        | Reply::Sockets(_)
        | Reply::Ids(_)
        | Reply::Rooms(_)
        | Reply::Done => answer.json()?,
    })
}

/// The first argument of an ack; for nodes of ours also whose it is, and all arguments if there are more.
pub(super) fn out_acked<'a>(
    from: Option<&'a str>,
    args: &'a Args,
    to_ours: bool,
) -> impl Iterator<Item = (&'static str, Out<'a>)> {
    let first = (!args.is_empty()).then_some(("packet", Out::First(args)));
    let from = from
        .filter(|_| to_ours)
        .map(|from| ("from", Out::Text(from)));
    let all = (to_ours && args.len() > 1).then_some(("args", Out::All(args)));
    first.into_iter().chain(from).chain(all)
}
