//! The namespaces of a client: what it wants of each, and how far it has come.

use std::hash::{Hash, Hasher};

use bytestring::ByteString;

use super::offline::Offline;
use super::retries::Retries;
use crate::arena::{Arena, Place};
use crate::id::SocketId;
use crate::packet::{Args, Name, Value};
use crate::socket::SocketKey;
use crate::time::Instant;

/// A socket's credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Auth {
    /// None.
    #[default]
    None,
    /// These: an object.
    Value(Value),
    /// It is asked each time it asks for its namespace ([`Event::AuthWanted`](super::Event::AuthWanted)).
    Asked,
}

/// All namespaces, in the order in which they were made.
#[derive(Clone, Debug)]
pub(super) struct Namespaces<T>(Arena<Vec<Place<Namespace<T>>>>);

#[derive(Clone, Debug)]
pub(super) struct Namespace<T> {
    pub(super) name: ByteString,
    pub(super) auth: Auth,
    pub(super) state: State,
    /// Whether it was asked for on this connection, and not answered yet.
    pub(super) unanswered: bool,
    /// Whether it was left on this connection: what comes before it is entered again was for the socket that it was.
    pub(super) left: bool,
    pub(super) id: Option<SocketId>,
    /// Whether it was recovered when it was entered last.
    pub(super) recovered: bool,
    /// How often it was entered.
    pub(super) stay: u32,
    /// Whether the application has a first word each time that it is in.
    pub(super) has_first: bool,
    /// It is in, and what it has kept waits for the application's first word, which is to be said by then.
    pub(super) first_by: Option<Instant>,
    pub(super) recovery: Recovery,
    /// The id of the next ack.
    pub(super) next_id: u64,
    /// Acks that wait for this socket.
    pub(super) waiting: usize,
    /// Events that came before the word that it is in.
    pub(super) early: Vec<Early>,
    pub(super) early_bytes: usize,
    pub(super) offline: Offline,
    pub(super) retries: Retries<T>,
}

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// It wants nothing.
    Idle,
    /// It takes part in the next connection.
    Wanted,
    /// The application is to say the credentials: it was asked so many times, for all sockets.
    Preparing { by: Instant, asked: u32 },
    /// The server was asked. What it says later than that counts, too, as long as nobody was told that it
    /// does not.
    Asking { by: Option<Instant> },
    /// In the namespace.
    Connected,
}

impl State {
    /// Whether it takes part in the next connection.
    pub(super) const fn is_active(self) -> bool {
        !matches!(self, Self::Idle)
    }
}

/// What a server is told so that nothing that it sent meanwhile is missed (§21).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Recovery {
    pub(super) pid: Option<ByteString>,
    pub(super) offset: Option<ByteString>,
}

impl Recovery {
    /// The socket is in, with this private id if any. Whether it is the one that it was.
    pub(super) fn enter(&mut self, pid: Option<&str>) -> bool {
        let pid = pid.filter(|pid| pid.len() <= LONGEST_OFFSET);
        let recovered = pid.is_some() && pid == self.pid.as_deref();
        if !recovered {
            self.pid = pid.map(ByteString::from);
            self.offset = None;
        }
        recovered
    }

    /// An event has come: if it was stored, its last argument says where.
    pub(super) fn note(&mut self, args: &Args) {
        if self.pid.is_none() {
            return;
        }
        let last = args.len().checked_sub(1).and_then(|at| args.raw(at));
        let quoted = last.filter(|last| last.starts_with('"') && last.len() <= LONGEST_OFFSET);
        if quoted.is_some()
            && let Some(at) = args.len().checked_sub(1)
            && let Ok(offset) = args.get::<String>(at)
        {
            self.offset = Some(offset.into());
        }
    }
}

/// Bytes of an offset or a private id.
const LONGEST_OFFSET: usize = 256;

/// An event that came early.
#[derive(Clone, Debug)]
pub(super) struct Early {
    pub(super) id: Option<u64>,
    pub(super) name: Name,
    pub(super) args: Args,
}

impl<T> Namespaces<T> {
    pub(super) fn new() -> Self {
        Self(Arena::new())
    }

    /// Makes a namespace, unless there are `most`.
    pub(super) fn insert(
        &mut self,
        name: ByteString,
        auth: Auth,
        most: usize,
    ) -> Option<SocketKey> {
        if self.0.places() >= most {
            return None;
        }
        Some(SocketKey(self.0.push(Namespace {
            name,
            auth,
            state: State::Idle,
            unanswered: false,
            left: false,
            id: None,
            recovered: false,
            stay: 0,
            has_first: false,
            first_by: None,
            recovery: Recovery::default(),
            next_id: 0,
            waiting: 0,
            early: Vec::new(),
            early_bytes: 0,
            offline: Offline::default(),
            retries: Retries::default(),
        })))
    }

    pub(super) fn find(&self, name: &str) -> Option<SocketKey> {
        let mut all = self.iter();
        all.find(|(_, it)| *it.name == *name).map(|(key, _)| key)
    }

    pub(super) fn get(&self, socket: SocketKey) -> Option<&Namespace<T>> {
        self.0.get(socket.0)
    }

    pub(super) fn get_mut(&mut self, socket: SocketKey) -> Option<&mut Namespace<T>> {
        self.0.get_mut(socket.0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketKey, &Namespace<T>)> {
        self.0.iter().map(|(key, it)| (SocketKey(key), it))
    }

    /// All that are in such a state.
    pub(super) fn keys(&self, wanted: impl Fn(State) -> bool) -> Vec<SocketKey> {
        let those = self.iter().filter(|(_, it)| wanted(it.state));
        those.map(|(key, _)| key).collect()
    }

    /// Whether any takes part in the next connection.
    pub(super) fn any_active(&self) -> bool {
        self.iter().any(|(_, it)| it.state.is_active())
    }

    /// What makes a difference, but for what is the caller's own.
    pub(super) fn digest(&self, state: &mut impl Hasher) {
        for (key, it) in self.iter() {
            (key, &it.name, it.state, it.unanswered, it.left).hash(state);
            (&it.id, it.stay, &it.recovery, it.next_id, it.waiting).hash(state);
            (it.has_first, it.first_by, it.recovered).hash(state);
            it.early.len().hash(state);
            for early in &it.early {
                (early.id, &*early.name, early.args.elements()).hash(state);
            }
            it.offline.hash(state);
            it.retries.digest(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: &str) -> Args {
        Args::from_json(json, Vec::new()).unwrap()
    }

    #[test]
    fn the_last_text_is_where_it_was_stored() {
        let mut recovery = Recovery::default();
        recovery.note(&args(r#"["a"]"#));
        assert_eq!(recovery, Recovery::default(), "nobody could recover");
        assert!(!recovery.enter(Some("p")));
        for (json, offset) in [
            (r#"[]"#, None),
            (r#"[1]"#, None),
            (r#"[1,"a"]"#, Some("a")),
            (r#"["b",2]"#, Some("a")),
            (r#"["\u0062"]"#, Some("b")),
        ] {
            recovery.note(&args(json));
            assert_eq!(recovery.offset.as_deref(), offset, "{json}");
        }
        for (length, kept) in [(LONGEST_OFFSET - 2, true), (LONGEST_OFFSET - 1, false)] {
            let text = "x".repeat(length);
            recovery.note(&args(&format!("[\"{text}\"]")));
            assert_eq!(recovery.offset.as_deref() == Some(&text), kept);
        }
    }

    #[test]
    fn another_private_id_is_another_story() {
        let mut recovery = Recovery::default();
        assert!(!recovery.enter(Some("p")));
        recovery.note(&args(r#"["a"]"#));
        assert!(recovery.enter(Some("p")));
        assert_eq!(recovery.offset.as_deref(), Some("a"));
        assert!(!recovery.enter(Some("q")));
        assert_eq!(recovery.offset, None);
        assert!(!recovery.enter(None));
        assert_eq!(recovery, Recovery::default());
    }
}
