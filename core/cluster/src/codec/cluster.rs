//! Cluster messages, as `socket.io-adapter` 2.5 has them: `{type, data, uid, nsp}`, JSON unless there are bytes.

use bytes::Bytes;

use super::classic::{self, Author};
use super::{Context, EncodeError, Odd, Received, parts};
use crate::config::Dialect;
use crate::id::RequestId;
use crate::limits::Limits;
use crate::message::{Message, Question, Reply};
use crate::wire::out::Out;
use crate::wire::tree::{Members, Payload, Tree};

/// Reads a message. `None`: it is for another namespace.
///
/// # Errors
/// It is no message, or more than the limits allow.
pub fn decode(payload: &Bytes, of: Context<'_>) -> Result<Option<Received>, Odd> {
    let read = Payload::read(payload, of.limits)?;
    let tree = read.tree();
    // Classic's broadcasts are lists: its adapters use the same key.
    if tree.is_list() {
        return Err(Odd::Foreign(Dialect::Classic));
    }
    let members = tree.members("message", of.limits)?;
    let namespace = members.find("nsp").and_then(Tree::text);
    if namespace.is_none_or(|name| name != of.namespace) {
        return Ok(None);
    }
    let from = parts::uid(&members, of.limits)?;
    let kind = members.need("type")?.number().ok_or(Odd::Member("type"))?;
    let message = body(kind, members.find("data"), of.limits)?;
    Ok(Some(Received { from, message }))
}

/// What a message of this type says.
pub(super) fn body(kind: u64, data: Option<Tree<'_>>, limits: &Limits) -> Result<Message, Odd> {
    match kind {
        1 => return Ok(Message::Hello),
        2 => return Ok(Message::Beat),
        13 => return Ok(Message::Bye),
        3..=12 => {}
        other => return Err(Odd::Type(other.to_string())),
    }
    let data = data.ok_or(Odd::Member("data"))?.members("data", limits)?;
    let of = || parts::to(data.need("opts")?, limits);
    let id = parts::request_id(&data, "requestId", limits)?;
    let need = |id: Option<RequestId>| id.ok_or(Odd::Member("requestId"));
    Ok(match kind {
        3 => Message::Broadcast {
            call: parts::event(&data.need("packet")?.members("packet", limits)?, limits)?,
            to: of()?,
            ask: id,
        },
        4 => Message::Join {
            of: of()?,
            rooms: parts::room_names(&data, "rooms", limits)?,
        },
        5 => Message::Leave {
            of: of()?,
            rooms: parts::room_names(&data, "rooms", limits)?,
        },
        6 => Message::Disconnect {
            of: of()?,
            close: classic::close(&data)?,
        },
        7 => Message::Ask {
            id: need(id)?,
            what: Question::Fetch(of()?),
        },
        9 => Message::ServerSide {
            call: parts::server_side(data.need("packet")?, "packet", limits)?,
            ask: id,
            to: parts::node(&data, "to", limits)?,
        },
        _ => Message::Answer {
            id: need(id)?,
            reply: answer(kind, &data, limits)?,
        },
    })
}

fn answer(kind: u64, data: &Members<'_>, limits: &Limits) -> Result<Reply, Odd> {
    Ok(match kind {
        8 => {
            let elements = data.need("sockets")?.elements("sockets", limits.sockets)?;
            Reply::Sockets(parts::remotes(elements, limits)?)
        }
        10 => Reply::Value(classic::value(data.find("packet"), "packet")?),
        11 => {
            let count = data.need("clientCount")?.number();
            Reply::Clients(count.ok_or(Odd::Member("clientCount"))?)
        }
        _ => classic::acked(data, limits)?,
    })
}

/// Writes a message: JSON, or msgpack if there are bytes in it.
///
/// # Errors
/// There are no words for it here, or what it holds cannot be written.
pub fn encode(message: &Message, by: Author<'_>) -> Result<Bytes, EncodeError> {
    let (whole, binary) = whole(message, by)?;
    let bytes = if binary {
        whole.msgpack()
    } else {
        whole.json()
    };
    Ok(bytes?.into())
}

/// Writes a message as msgpack, whatever is in it.
///
/// # Errors
/// There are no words for it here, or what it holds cannot be written.
pub fn encode_msgpack(message: &Message, by: Author<'_>) -> Result<Bytes, EncodeError> {
    Ok(whole(message, by)?.0.msgpack()?.into())
}

/// The message in its order of members, and whether there are bytes in it.
fn whole<'a>(message: &'a Message, by: Author<'a>) -> Result<(Out<'a>, bool), EncodeError> {
    let Said { kind, data, binary } = said(message, by)?;
    let whole = Out::some([
        ("type", Some(Out::Number(kind))),
        ("data", data),
        ("uid", Some(Out::Text(by.uid.as_str()))),
        ("nsp", Some(Out::Text(by.namespace))),
    ]);
    Ok((whole, binary))
}

/// The type of a message and what it holds.
pub(super) struct Said<'a> {
    pub(super) kind: u64,
    pub(super) data: Option<Out<'a>>,
    /// There are bytes in it.
    pub(super) binary: bool,
}

pub(super) fn said<'a>(message: &'a Message, by: Author<'a>) -> Result<Said<'a>, EncodeError> {
    let said = |kind, members| Said {
        kind,
        data: Some(Out::Map(members)),
        binary: false,
    };
    let bare = |kind| Said {
        kind,
        data: None,
        binary: false,
    };
    let named = |id: &'a RequestId| ("requestId", Out::Text(id.as_str()));
    Ok(match message {
        Message::Hello => bare(1),
        Message::Beat => bare(2),
        Message::Bye => bare(13),
        Message::Broadcast { call, to, ask } => {
            parts::check(call)?;
            let mut members = vec![("packet", parts::packet(2, call, None))];
            members.extend(ask.as_ref().map(named));
            members.push(("opts", parts::opts(to)));
            Said {
                binary: !call.args.attachments().is_empty(),
                ..said(3, members)
            }
        }
        Message::Join { of, rooms } => said(
            4,
            vec![("opts", parts::opts(of)), ("rooms", Out::Texts(rooms))],
        ),
        Message::Leave { of, rooms } => said(
            5,
            vec![("opts", parts::opts(of)), ("rooms", Out::Texts(rooms))],
        ),
        Message::Disconnect { of, close } => said(
            6,
            vec![("opts", parts::opts(of)), ("close", Out::Truth(*close))],
        ),
        Message::Ask {
            id,
            what: Question::Fetch(of),
        } => said(7, vec![("opts", parts::opts(of)), named(id)]),
        Message::ServerSide { call, ask, to } => {
            parts::check_server_side(call)?;
            let mut members: Vec<_> = ask.iter().map(named).collect();
            members.push(("packet", Out::Call(call)));
            members.extend(to.as_ref().map(|uid| ("to", Out::Text(uid.as_str()))));
            Said {
                binary: !call.args.attachments().is_empty(),
                ..said(9, members)
            }
        }
        Message::Answer { id, reply } => out_answer(named(id), reply, by.to_ours)?,
        Message::Ask {
            what:
                Question::Sockets(_) | Question::Rooms | Question::RoomsOf(_) | Question::Custom(_),
            ..
        }
        | Message::One { .. } => return Err(EncodeError::Unsaid),
    })
}

fn out_answer<'a>(
    name: (&'static str, Out<'a>),
    reply: &'a Reply,
    to_ours: bool,
) -> Result<Said<'a>, EncodeError> {
    let said = |kind, binary, members: Vec<_>| {
        let mut all = vec![name];
        all.extend(members);
        let data = Some(Out::Map(all));
        Ok(Said { kind, data, binary })
    };
    let holds = |args: &sio_core::packet::Args| !args.attachments().is_empty();
    match reply {
        Reply::Sockets(sockets) => {
            let binary = sockets
                .iter()
                .any(|it| holds(&it.data) || holds(&it.handshake));
            said(8, binary, vec![("sockets", parts::out_remotes(sockets))])
        }
        Reply::Value(args) if args.is_empty() => said(10, false, vec![]),
        Reply::Value(args) => said(10, holds(args), vec![("packet", Out::First(args))]),
        Reply::Clients(count) => said(11, false, vec![("clientCount", Out::Number(*count))]),
        Reply::Ack { from, args } => {
            let members = classic::out_acked(from.as_deref(), args, to_ours).collect();
            said(12, holds(args), members)
        }
        Reply::Ids(_) | Reply::Rooms(_) | Reply::Done => Err(EncodeError::Unsaid),
    }
}
