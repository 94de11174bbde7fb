//! What an application asks for when it has connections recorded: which, how much of each, and where their logs go.

use std::fmt;

use crate::endpoint::handshake::Handshake;
use crate::sync::guard::guarded;

/// Which connections of a server are recorded, and where their logs go: [`Io::record`](crate::app::Io::record). The
/// same for clients: [`Builder::record`](crate::client::Builder::record).
pub struct Recording {
    most: usize,
    wants: Option<Box<Wants>>,
    to: Box<To>,
}

type Wants = dyn Fn(&Handshake) -> bool + Send + Sync;

type To = dyn Fn(Vec<u8>) + Send + Sync;

/// Bytes of a log that are kept, unless something else is said.
const MOST: usize = 1024 * 1024;

impl Recording {
    /// All connections, or the client: each of whose logs is given to `to` when it is over, however it ends. `to` runs on
    /// the task of the connection, or of the client, and should hand on what takes its time.
    pub fn new(to: impl Fn(Vec<u8>) + Send + Sync + 'static) -> Self {
        Self {
            most: MOST,
            wants: None,
            to: Box::new(to),
        }
    }

    /// Bytes that the log of one connection, or of one client, may have: 1 MiB. In memory it takes as many, on pages of
    /// 4 KiB that come as they are needed, and while it is put together to be given out twice as many. Past the limit no
    /// more is recorded of that one; what there is, its beginning, is given out all the same, and can be played so far.
    #[must_use]
    pub fn max_log_bytes(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Records those connections of a server alone of whose handshakes this says so, as they come.
    #[must_use]
    pub fn only(mut self, wants: impl Fn(&Handshake) -> bool + Send + Sync + 'static) -> Self {
        self.wants = Some(Box::new(wants));
        self
    }

    /// Whether a connection is to be recorded.
    pub(super) fn wants(&self, handshake: &Handshake) -> bool {
        match &self.wants {
            Some(wants) => guarded(|| wants(handshake)).unwrap_or(false),
            None => true,
        }
    }

    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Gives out a log.
    pub(crate) fn give(&self, log: Vec<u8>) {
        // Whoever cannot take it is none of the connection's, which is over.
        let _ = guarded(|| (self.to)(log));
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("max_log_bytes", &self.most)
            .finish_non_exhaustive()
    }
}
