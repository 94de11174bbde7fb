//! What several wires have in common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sio_core::packet::Call;

use crate::id::{RequestId, Uid};
use crate::limits::Limits;
use crate::message::{Flags, Remote, To, is_reserved, is_reserved_server_side};
use crate::wire::out::Out;
use crate::wire::tree::{Members, Tree};
use crate::wire::{EncodeError, Odd};

/// Who says it, if that is told.
pub(super) fn uid(members: &Members<'_>, limits: &Limits) -> Result<Option<Uid>, Odd> {
    node(members, "uid", limits)
}

/// The node that this member names, if it is there.
pub(super) fn node(
    members: &Members<'_>,
    name: &'static str,
    limits: &Limits,
) -> Result<Option<Uid>, Odd> {
    self::name(members, name, limits).map(|name| name.map(Uid::from))
}

pub(super) fn request_id(
    members: &Members<'_>,
    name: &'static str,
    limits: &Limits,
) -> Result<Option<RequestId>, Odd> {
    self::name(members, name, limits).map(|name| name.map(RequestId::from))
}

fn name(members: &Members<'_>, name: &'static str, limits: &Limits) -> Result<Option<String>, Odd> {
    let Some(tree) = members.find(name).filter(|tree| !tree.is_null()) else {
        return Ok(None);
    };
    let text = tree.text().ok_or(Odd::Member(name))?;
    if text.len() > limits.id {
        return Err(Odd::TooLong(name));
    }
    Ok(Some(text.into_owned()))
}

/// `{rooms, except, flags}`, of which the latter two may be missing.
pub(super) fn to(tree: Tree<'_>, limits: &Limits) -> Result<To, Odd> {
    let members = tree.members("opts", limits)?;
    let except = members.find("except");
    Ok(To {
        rooms: members.need("rooms")?.rooms("rooms", limits)?,
        except: match except {
            Some(except) => except.rooms("except", limits)?,
            None => Vec::new(),
        },
        flags: match members.find("flags") {
            Some(tree) => flags(tree, limits)?,
            None => Flags::default(),
        },
    })
}

/// As JavaScript looks at them: whether they are there, for most.
fn flags(tree: Tree<'_>, limits: &Limits) -> Result<Flags, Odd> {
    let members = tree.members("flags", limits)?;
    let truth = |name| members.find(name).and_then(Tree::truth);
    Ok(Flags {
        volatile: truth("volatile").unwrap_or_default(),
        compress: truth("compress"),
        timeout: members.find("timeout").and_then(Tree::millis),
        single: truth("expectSingleResponse").unwrap_or_default(),
    })
}

/// The event of a packet whose type is one of an event's.
pub(super) fn event(packet: &Members<'_>, limits: &Limits) -> Result<Call, Odd> {
    match packet.need("type")?.number() {
        Some(2 | 5) => {}
        Some(other) => return Err(Odd::PacketType(other)),
        None => return Err(Odd::Member("type")),
    }
    let call = packet.need("data")?.call("data", limits)?;
    if is_reserved(&call.name) {
        return Err(Odd::Reserved(call.name.to_string()));
    }
    Ok(call)
}

pub(super) fn server_side(
    tree: Tree<'_>,
    name: &'static str,
    limits: &Limits,
) -> Result<Call, Odd> {
    let call = tree.call(name, limits)?;
    if is_reserved_server_side(&call.name) {
        return Err(Odd::Reserved(call.name.to_string()));
    }
    Ok(call)
}

/// Rooms to join or leave: none would mean nothing.
pub(super) fn room_names(
    members: &Members<'_>,
    name: &'static str,
    limits: &Limits,
) -> Result<Vec<String>, Odd> {
    members.need(name)?.rooms(name, limits)
}

/// Sockets with all that is told of them.
pub(super) fn remotes(elements: Vec<Tree<'_>>, limits: &Limits) -> Result<Vec<Remote>, Odd> {
    let remote = |tree: Tree<'_>| {
        let members = tree.members("sockets", limits)?;
        Ok(Remote {
            id: members.need("id")?.room("id", limits)?,
            rooms: members.need("rooms")?.rooms("rooms", limits)?,
            handshake: members.need("handshake")?.one("handshake")?,
            data: match members.find("data") {
                Some(data) => data.one("data")?,
                None => Default::default(),
            },
        })
    };
    elements.into_iter().map(remote).collect()
}

/// Who may be named in a broadcast.
pub(super) fn check(call: &Call) -> Result<(), EncodeError> {
    if is_reserved(&call.name) {
        return Err(EncodeError::Reserved(call.name.to_string()));
    }
    Ok(())
}

pub(super) fn check_server_side(call: &Call) -> Result<(), EncodeError> {
    if is_reserved_server_side(&call.name) {
        return Err(EncodeError::Reserved(call.name.to_string()));
    }
    Ok(())
}

/// `packet`, as a broadcast has it.
pub(super) fn packet<'a>(kind: u64, call: &'a Call, namespace: Option<&'a str>) -> Out<'a> {
    Out::some([
        ("type", Some(Out::Number(kind))),
        ("data", Some(Out::Call(call))),
        ("nsp", namespace.map(Out::Text)),
    ])
}

/// `{rooms, except, flags}`.
pub(super) fn opts(to: &To) -> Out<'_> {
    Out::Map(vec![
        ("rooms", Out::Texts(&to.rooms)),
        ("except", Out::Texts(&to.except)),
        ("flags", out_flags(&to.flags)),
    ])
}

/// Flags that say something: in Node it counts that one is there.
pub(super) fn out_flags(flags: &Flags) -> Out<'_> {
    Out::some([
        ("compress", flags.compress.map(Out::Truth)),
        ("volatile", flags.volatile.then_some(Out::Truth(true))),
        (
            "expectSingleResponse",
            flags.single.then_some(Out::Truth(true)),
        ),
        (
            "timeout",
            flags
                .timeout
                .map(|millis| Out::Number(millis.min(LONGEST_TIMER))),
        ),
    ])
}

/// The longest time of a timer in JavaScript, in milliseconds: one of more rings at once.
const LONGEST_TIMER: u64 = i32::MAX as u64;

pub(super) fn out_remotes(sockets: &[Remote]) -> Out<'_> {
    Out::List(sockets.iter().map(out_remote).collect())
}

fn out_remote(remote: &Remote) -> Out<'_> {
    let data = (!remote.data.is_empty()).then_some(Out::First(&remote.data));
    Out::some([
        ("id", Some(Out::Text(&remote.id))),
        ("handshake", Some(Out::First(&remote.handshake))),
        ("rooms", Some(Out::Texts(&remote.rooms))),
        ("data", data),
    ])
}

/// JSON as it is, all else out of its base64.
pub(super) fn plain(data: &Bytes, limits: &Limits) -> Result<Bytes, Odd> {
    if data.len() > limits.message {
        return Err(Odd::TooLarge(data.len()));
    }
    match data.first() {
        Some(b'{') => Ok(data.clone()),
        Some(_) | None => {
            let decoded = STANDARD.decode(data).map_err(|_| Odd::Syntax)?;
            Ok(decoded.into())
        }
    }
}
