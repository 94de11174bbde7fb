//! How a client comes into its namespaces: what it asks for, and how long it may take.

use bytestring::ByteString;

use crate::time::Instant;

/// What a client asks for. A name lives as long as the connection, and credentials as the socket does:
/// neither may keep a read buffer alive.
pub(super) struct ConnectRequest {
    pub(super) namespace: ByteString,
    pub(super) auth: Option<ByteString>,
    pub(super) query: Option<ByteString>,
}

impl ConnectRequest {
    /// As revision 5 says it.
    pub(super) fn of_payload(namespace: &str, auth: Option<ByteString>) -> Self {
        Self {
            namespace: namespace.into(),
            auth: auth.map(|auth| (&*auth).into()),
            query: None,
        }
    }

    /// Bytes of the credentials.
    pub(super) fn size(&self) -> usize {
        let size = |text: &Option<ByteString>| text.as_ref().map_or(0, |text| text.len());
        size(&self.auth).saturating_add(size(&self.query))
    }
}

/// How far a client has come on the way to its first namespace.
#[derive(Clone, Debug, Hash)]
pub(super) struct Joining {
    /// The connection is closed then, unless a namespace was joined before, and the client has come back:
    /// one of revision 4 joins without a word.
    by: Option<Instant>,
    /// Whether a namespace was joined.
    joined: bool,
    /// Whether nobody comes in any more.
    over: bool,
    /// How often it was refused.
    refused: u32,
}

impl Joining {
    pub(super) const fn new(by: Option<Instant>) -> Self {
        Self {
            by,
            joined: false,
            over: false,
            refused: 0,
        }
    }

    /// It is in a namespace.
    pub(super) const fn join(&mut self) {
        self.joined = true;
    }

    /// The client has come back since its handshake.
    pub(super) const fn returned(&mut self) {
        if self.joined {
            self.by = None;
        }
    }

    /// It was turned away. `true`: as often as it may be.
    pub(super) const fn refuse(&mut self, most: usize) -> bool {
        self.refused = self.refused.saturating_add(1);
        self.refused as usize >= most
    }

    /// Nobody waits for it any more.
    pub(super) const fn stop_waiting(&mut self) {
        self.by = None;
    }

    /// Nobody comes in any more.
    pub(super) const fn end(&mut self) {
        self.over = true;
    }

    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    pub(super) const fn has_joined(&self) -> bool {
        self.joined
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.by
    }
}
