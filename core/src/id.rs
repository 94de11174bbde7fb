//! Names of things: sessions, sockets, requests. And how peer-chosen names are hashed.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use compact_str::CompactString;
use siphasher::sip::SipHasher13;

/// A session's id. Secret: whoever knows it owns the session, so it is not shown by `Debug` and has
/// no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sid(CompactString);

impl Sid {
    /// An id from 15 random bytes, 20 characters long. The bytes must come from a cryptographic source.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        Self(name(bytes))
    }

    /// An id of the application's own making: any text but none, and without NUL, which no query may hold.
    /// Whoever guesses it owns the session.
    pub fn made(text: impl AsRef<str>) -> Option<Self> {
        let text = text.as_ref();
        (!text.is_empty() && !text.contains('\0')).then(|| Self(text.into()))
    }

    /// What a client presented as its session's id. It may be any text.
    pub(crate) fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as clients send it. Not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.chars().take(4).collect::<CompactString>();
        write!(f, "Sid({shown:?}…)")
    }
}

impl Borrow<str> for Sid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A socket's id in its namespace. Public: applications pass it around, and it says nothing about the
/// session's.
///
/// Unless its client speaks revision 4, which computes the id from the session's (§16.2): whoever is told
/// such an id can take that session over. Applications that hand ids to strangers do better with names of
/// their own, or without revision 3 of the engine (`Config::allow_eio3`).
///
/// The default is that of a client's socket which has none yet: empty.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId(CompactString);

impl SocketId {
    /// An id from 15 random bytes, 20 characters long.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        Self(name(bytes))
    }

    /// An id that a server has told: its own, or that of another node.
    pub fn told(text: &str) -> Self {
        Self(text.into())
    }

    /// The id that a client of revision 4 computes: the session's in `/`, elsewhere with the namespace
    /// before it.
    pub(crate) fn computed(namespace: &str, sid: &Sid) -> Self {
        match namespace {
            "/" => Self(sid.0.clone()),
            name => Self(compact_str::format_compact!("{name}#{}", sid.as_str())),
        }
    }

    /// The id as clients see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// As `str` hashes, so that maps can be asked by `&str`.
impl Hash for SocketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({:?})", self.0)
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for SocketId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for SocketId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|id| Self(id.into()))
    }
}

/// A number that the caller gives to an HTTP request, to recognise its answer. Unique within a session
/// is enough, and with a [`Server`](crate::server::Server) among all that it has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The key of maps whose keys peers choose: without it nobody can make names collide (SipHash-1-3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl BuildHasher for HashKey {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        let [a, b] = self.0;
        SipHasher13::new_with_keys(a, b)
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

fn name(bytes: [u8; 15]) -> CompactString {
    let mut text = [0; 20];
    // 15 bytes are 20 characters exactly, so this always fits and is always ASCII.
    let written = URL_SAFE.encode_slice(bytes, &mut text).unwrap_or_default();
    let text = text.get(..written).unwrap_or_default();
    CompactString::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_twenty_url_safe_characters() {
        let id = SocketId::from_random([0xff; 15]);
        assert_eq!(id.as_str(), "____________________");
        assert_eq!(Sid::from_random([0; 15]).as_str(), "AAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn a_session_id_does_not_show_itself() {
        let sid = Sid::from_random([7; 15]);
        assert_eq!(format!("{sid:?}"), "Sid(\"BwcH\"…)");
    }

    #[test]
    fn clients_of_revision_4_compute_their_ids() {
        let sid = Sid::from_random([7; 15]);
        let id = |namespace| SocketId::computed(namespace, &sid).as_str().to_owned();
        assert_eq!(id("/"), "BwcHBwcHBwcHBwcHBwcH");
        assert_eq!(id("/chat"), "/chat#BwcHBwcHBwcHBwcHBwcH");
    }

    #[test]
    fn a_socket_is_found_by_its_text() {
        let id = SocketId::from_random([1; 15]);
        let key = HashKey([1, 2]);
        assert_eq!(key.hash_one(&id), key.hash_one(id.as_str()));
        assert_ne!(key.hash_one(&id), HashKey([1, 3]).hash_one(&id));
    }

    #[test]
    fn ids_stay_inline() {
        assert_eq!(size_of::<Sid>(), 24);
        assert!(!CompactString::from(Sid::from_random([9; 15]).as_str()).is_heap_allocated());
    }

    #[test]
    fn a_socket_travels_as_its_text() {
        let id = SocketId::computed("/chat", &Sid::from_random([7; 15]));
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(text, r#""/chat#BwcHBwcHBwcHBwcHBwcH""#);
        assert_eq!(serde_json::from_str::<SocketId>(&text).unwrap(), id);
        assert_eq!(id.as_ref(), id.as_str());
        assert_eq!(format!("{id:?}"), format!("SocketId({text})"));
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let shown = format!("{:?}", HashKey([4711, 4712]));
        assert!(!shown.contains("471"), "{shown}");
        assert!(shown.starts_with("HashKey"), "{shown}");
    }
}
