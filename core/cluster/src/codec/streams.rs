//! Streams: cluster messages as entries of a stream, questions and answers over pub/sub beside it, and the sessions
//! that are kept for clients who come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sio_core::packet::Call;

use super::classic::Author;
use super::cluster::{self, Said};
use super::parts::plain;
use super::{Context, EncodeError, Odd, Received};
use crate::id::Uid;
use crate::limits::Limits;
use crate::message::{Message, To};
use crate::wire::tree::{Payload, Tree};

pub use super::session::{decode_session, encode_session};
pub use sio_core::recovery::{KeptSession as Session, Stay};

/// The fields of an entry of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Who added it.
    pub uid: Option<Bytes>,
    /// The namespace.
    pub nsp: Option<Bytes>,
    /// The type of the message, in digits.
    pub kind: Option<Bytes>,
    /// What it holds: JSON, or msgpack in base64.
    pub data: Option<Bytes>,
}

impl Entry {
    /// An entry of these fields; others mean nothing.
    pub fn from_fields(fields: impl IntoIterator<Item = (Bytes, Bytes)>) -> Self {
        let mut entry = Self::default();
        for (name, value) in fields {
            match &*name {
                b"uid" => entry.uid = Some(value),
                b"nsp" => entry.nsp = Some(value),
                b"type" => entry.kind = Some(value),
                b"data" => entry.data = Some(value),
                _ => {}
            }
        }
        entry
    }

    /// The fields, in the order in which they are added.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Bytes)> {
        let fields = [
            ("uid", &self.uid),
            ("nsp", &self.nsp),
            ("type", &self.kind),
            ("data", &self.data),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    /// Bytes in all fields.
    pub fn size(&self) -> usize {
        self.fields()
            .fold(0, |sum, (_, value)| sum.saturating_add(value.len()))
    }
}

/// Reads an entry. `None`: it is for another namespace, or for none.
///
/// # Errors
/// It is no message, or more than the limits allow.
pub fn decode(entry: &Entry, of: Context<'_>) -> Result<Option<Received>, Odd> {
    let found = read_with(entry, of, |_, _, _| Ok(()))?;
    Ok(found.map(|(received, ())| received))
}

/// The same, and what else is looked for in what it holds: nothing, where it holds nothing.
fn read_with<T: Default>(
    entry: &Entry,
    of: Context<'_>,
    look: impl FnOnce(&Message, Tree<'_>, &Limits) -> Result<T, Odd>,
) -> Result<Option<(Received, T)>, Odd> {
    if entry.nsp.as_deref() != Some(of.namespace.as_bytes()) {
        return Ok(None);
    }
    let text = |field: &Option<Bytes>, name: &'static str| match field {
        None => Ok(None),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= of.limits.id => Ok(Some(text.to_owned())),
            Ok(_) => Err(Odd::TooLong(name)),
            Err(_) => Err(Odd::Member(name)),
        },
    };
    let from = text(&entry.uid, "uid")?.map(Uid::from);
    let kind = text(&entry.kind, "type")?.ok_or(Odd::Member("type"))?;
    let kind = kind.parse().map_err(|_| Odd::Type(kind))?;
    let (message, found) = match &entry.data {
        None => (cluster::body(kind, None, of.limits)?, T::default()),
        Some(data) => {
            let data = plain(data, of.limits)?;
            let read = Payload::read(&data, of.limits)?;
            let message = cluster::body(kind, Some(read.tree()), of.limits)?;
            let found = look(&message, read.tree(), of.limits)?;
            (message, found)
        }
    };
    Ok(Some((Received { from, message }, found)))
}

/// Reads the event in an entry that is told to clients who come back. `None`: it holds none, or one that they are not
/// told: it may be lost, or was to be answered.
///
/// # Errors
/// It is no message, or more than the limits allow.
pub fn decode_kept(entry: &Entry, of: Context<'_>) -> Result<Option<(Call, To)>, Odd> {
    let Some((received, has_id)) = read_with(entry, of, has_id)? else {
        return Ok(None);
    };
    let Message::Broadcast { call, to, ask } = received.message else {
        return Ok(None);
    };
    let answered = ask.is_some() || has_id;
    Ok((!answered && !to.flags.volatile).then_some((call, to)))
}

/// Whether one client was to answer it: the package writes those, too.
fn has_id(message: &Message, tree: Tree<'_>, limits: &Limits) -> Result<bool, Odd> {
    let Message::Broadcast { ask: None, .. } = message else {
        return Ok(false);
    };
    let members = tree.members("data", limits)?;
    let packet = members.need("packet")?.members("packet", limits)?;
    Ok(packet.has("id"))
}

/// Writes a message as an entry.
///
/// # Errors
/// There are no words for it here, or what it holds cannot be written.
pub fn encode(message: &Message, by: Author<'_>) -> Result<Entry, EncodeError> {
    let Said { kind, data, binary } = cluster::said(message, by)?;
    let data = match data {
        None => None,
        Some(data) if binary => Some(STANDARD.encode(data.msgpack()?).into_bytes()),
        Some(data) => Some(data.json()?),
    };
    let text = |text: &str| Some(Bytes::copy_from_slice(text.as_bytes()));
    Ok(Entry {
        uid: text(by.uid.as_str()),
        nsp: text(by.namespace),
        kind: text(&kind.to_string()),
        data: data.map(Bytes::from),
    })
}

/// The stream of a namespace, where there are several.
///
/// # Errors
/// With more than one, no node reads that of every name: the packages take the sign of a remainder along.
pub fn stream(name: &str, count: u32, namespace: &str) -> Result<String, EncodeError> {
    if count <= 1 {
        return Ok(name.to_owned());
    }
    let hash = namespace.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    let rest = i64::from(hash).checked_rem(i64::from(count));
    match rest {
        Some(rest) if hash >= 0 => Ok(format!("{name}-{rest}")),
        Some(_) | None => Err(EncodeError::Unread(namespace.to_owned())),
    }
}
