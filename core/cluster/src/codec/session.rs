//! The sessions that are kept for clients who come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sio_core::packet::Args;

use super::streams::plain;
use super::{EncodeError, Odd, parts};
use crate::entry::EntryId;
use crate::limits::Limits;
use crate::wire::out::Out;
use crate::wire::tree::{Members, Payload};

/// What is kept of a socket whose connection was lost, for the node to which its client comes back.
///
/// `pid` is a bearer secret: whoever has it takes the session over.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The socket's id.
    pub sid: String,
    /// The secret by which its client comes back.
    pub pid: String,
    /// The rooms it was in, the one of its id included.
    pub rooms: Vec<String>,
    /// What the application has attached to it: none or one value.
    pub data: Args,
    /// Where it has begun: what is before was never for it. Only nodes of ours say so, and heed it.
    pub since: Option<EntryId>,
    /// Its client does not come back from before this: it has been told what is behind. Only of ours.
    pub least: Option<EntryId>,
    /// Rooms that it has joined since it began, or has left since. Only of ours.
    pub stays: Vec<Stay>,
}

/// A time in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The room.
    pub room: String,
    /// It hears what is said behind this place,
    pub from: EntryId,
    /// up to here. `None`: it is there.
    pub to: Option<EntryId>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("sid", &self.sid)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// One of a socket that is in its own room.
    pub fn new(sid: &str, pid: &str) -> Self {
        Self {
            sid: sid.to_owned(),
            pid: pid.to_owned(),
            rooms: vec![sid.to_owned()],
            data: Args::default(),
            since: None,
            least: None,
            stays: Vec::new(),
        }
    }

    /// Reads what is kept.
    ///
    /// # Errors
    /// It is no session, or more than the limits allow.
    pub fn decode(value: &Bytes, limits: &Limits) -> Result<Self, Odd> {
        let value = plain(value, limits)?;
        let read = Payload::read(&value, limits)?;
        let members = read.tree().members("session", limits)?;
        let text = |name| members.need(name)?.room(name, limits);
        let stays = match members.has("stays") {
            true => parts::room_names(&members, "stays", limits)?,
            false => Vec::new(),
        };
        let stays = stays.iter().map(|text| Stay::read(text));
        Ok(Self {
            sid: text("sid")?,
            pid: text("pid")?,
            rooms: parts::room_names(&members, "rooms", limits)?,
            data: super::classic::value(members.find("data"), "data")?,
            since: place(&members, "since", limits)?,
            least: place(&members, "least", limits)?,
            stays: stays.collect::<Option<_>>().ok_or(Odd::Member("stays"))?,
        })
    }

    /// Writes what is to be kept.
    ///
    /// # Errors
    /// What it holds cannot be written.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let place = |at: Option<EntryId>| at.map(|at| at.to_string());
        let (since, least) = (place(self.since), place(self.least));
        let stays: Vec<String> = self.stays.iter().map(Stay::written).collect();
        let whole = Out::some([
            ("sid", Some(Out::Text(&self.sid))),
            ("pid", Some(Out::Text(&self.pid))),
            ("rooms", Some(Out::Texts(&self.rooms))),
            (
                "data",
                (!self.data.is_empty()).then_some(Out::First(&self.data)),
            ),
            ("since", since.as_deref().map(Out::Text)),
            ("least", least.as_deref().map(Out::Text)),
            ("stays", (!stays.is_empty()).then_some(Out::Texts(&stays))),
        ]);
        Ok(STANDARD.encode(whole.msgpack()?).into())
    }

    /// Whether its socket was in a room when something was said there.
    pub fn was_in(&self, room: &str, at: EntryId) -> bool {
        let mut its = self.stays.iter().filter(|stay| stay.room == room);
        if its.any(|stay| stay.from < at && stay.to.is_none_or(|to| at <= to)) {
            return true;
        }
        let joined = |stay: &Stay| stay.room == room && stay.to.is_none();
        self.rooms.iter().any(|its| its == room) && !self.stays.iter().any(joined)
    }
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

impl Stay {
    fn written(&self) -> String {
        let to = self.to.map_or_else(|| "+".to_owned(), |to| to.to_string());
        format!("{} {to} {}", self.from, self.room)
    }

    fn read(text: &str) -> Option<Self> {
        let (from, rest) = text.split_once(' ')?;
        let (to, room) = rest.split_once(' ')?;
        Some(Self {
            room: room.to_owned(),
            from: from.parse().ok()?,
            to: match to {
                "+" => None,
                to => Some(to.parse().ok()?),
            },
        })
    }
}
