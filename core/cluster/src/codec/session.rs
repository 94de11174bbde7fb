//! The sessions that are kept for clients who come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sio_core::recovery::{KeptSession as Session, Stay};

use super::parts::plain;
use super::{EncodeError, Odd, parts};
use crate::entry::EntryId;
use crate::limits::Limits;
use crate::wire::out::Out;
use crate::wire::tree::{Members, Payload};

/// Reads what is kept of a socket whose connection was lost, for the node to which its client comes back.
///
/// # Errors
/// It is no session, or more than the limits allow.
pub fn decode_session(value: &Bytes, limits: &Limits) -> Result<Session, Odd> {
    let value = plain(value, limits)?;
    let read = Payload::read(&value, limits)?;
    let members = read.tree().members("session", limits)?;
    let text = |name| members.need(name)?.room(name, limits);
    let mut session = Session::new(&text("sid")?, &text("pid")?);
    session.rooms = parts::room_names(&members, "rooms", limits)?;
    session.data = super::classic::value(members.find("data"), "data")?;
    let namespace = members.find("nsp").map(|it| it.room("nsp", limits));
    session.namespace = namespace.transpose()?;
    session.since = place(&members, "since", limits)?;
    session.least = place(&members, "least", limits)?;
    if members.has("stays") {
        let stays = parts::room_names(&members, "stays", limits)?;
        let stays = stays.iter().map(|text| stay(text));
        session.stays = stays.collect::<Option<_>>().ok_or(Odd::Member("stays"))?;
    }
    Ok(session)
}

/// Writes what is to be kept.
///
/// # Errors
/// What it holds cannot be written.
pub fn encode_session(session: &Session) -> Result<Bytes, EncodeError> {
    let place = |at: Option<EntryId>| at.map(|at| at.to_string());
    let (since, least) = (place(session.since), place(session.least));
    let stays: Vec<String> = session.stays.iter().map(written).collect();
    let whole = Out::some([
        ("sid", Some(Out::Text(&session.sid))),
        ("pid", Some(Out::Text(&session.pid))),
        ("rooms", Some(Out::Texts(&session.rooms))),
        (
            "data",
            (!session.data.is_empty()).then_some(Out::First(&session.data)),
        ),
        // The packages know none of these, and pass over them.
        ("nsp", session.namespace.as_deref().map(Out::Text)),
        ("since", since.as_deref().map(Out::Text)),
        ("least", least.as_deref().map(Out::Text)),
        ("stays", (!stays.is_empty()).then_some(Out::Texts(&stays))),
    ]);
    Ok(STANDARD.encode(whole.msgpack()?).into())
}

fn place(
    members: &Members<'_>,
    name: &'static str,
    limits: &Limits,
) -> Result<Option<EntryId>, Odd> {
    let Some(found) = members.find(name) else {
        return Ok(None);
    };
    let text = found.room(name, limits)?;
    text.parse().map(Some).map_err(|_| Odd::Member(name))
}

/// A time in a room, as one text: from where, up to where, which.
fn written(stay: &Stay) -> String {
    let to = stay
        .to
        .map_or_else(|| STILL.to_owned(), |to| to.to_string());
    format!("{} {to} {}", stay.from, stay.room)
}

fn stay(text: &str) -> Option<Stay> {
    let (from, rest) = text.split_once(' ')?;
    let (to, room) = rest.split_once(' ')?;
    Some(Stay {
        room: room.to_owned(),
        from: from.parse().ok()?,
        to: match to {
            STILL => None,
            to => Some(to.parse().ok()?),
        },
    })
}

const STILL: &str = "+";

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a session that is kept and read again within limits that are so.
    fn read(session: &Session, set: impl FnOnce(&mut Limits)) -> Result<Session, Odd> {
        let mut limits = Limits::default();
        set(&mut limits);
        decode_session(&encode_session(session).unwrap(), &limits)
    }

    fn session() -> Session {
        let mut session = Session::new("socket", "secret");
        session.rooms = ["socket", "a", "b"].map(str::to_owned).to_vec();
        session
    }

    #[test]
    fn of_rooms_it_may_have_so_many() {
        let session = session();
        assert_eq!(read(&session, |it| it.rooms = 3).as_ref(), Ok(&session));
        assert!(read(&session, |it| it.rooms = 2).is_err());
    }

    #[test]
    fn times_in_rooms_are_counted_as_rooms_are() {
        let mut session = session();
        let at = EntryId::FIRST;
        let stay = |room: &str| Stay {
            room: room.to_owned(),
            from: at,
            to: Some(at.next()),
        };
        session.stays = ["c", "d", "e", "f"].map(stay).to_vec();
        assert_eq!(read(&session, |it| it.rooms = 4).as_ref(), Ok(&session));
        assert!(read(&session, |it| it.rooms = 3).is_err());
    }

    #[test]
    fn a_room_has_a_name_of_so_many_bytes() {
        let mut session = session();
        session.rooms.push("x".repeat(40));
        assert_eq!(
            read(&session, |it| it.room_name = 40).as_ref(),
            Ok(&session)
        );
        assert!(read(&session, |it| it.room_name = 39).is_err());
    }

    #[test]
    fn it_has_so_many_bytes() {
        let session = session();
        let size = encode_session(&session).unwrap().len();
        assert_eq!(
            read(&session, |it| it.message = size).as_ref(),
            Ok(&session)
        );
        assert!(read(&session, |it| it.message = size - 1).is_err());
    }
}
