//! What can be chosen.

use sio_cluster::{Config, Dialect, Subscriptions};

/// How a server is in its cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Which wire, and every limit. Its namespace is each of the server's in turn.
    pub node: Config,
    /// Bytes of what is on its way to the link and was not looked at yet, each with what it takes: past it, events are
    /// not told to others, which is told by [`ClusterEvent::Overflow`](crate::adapter::ClusterEvent::Overflow), others
    /// are not asked and not answered, and which rooms have come and gone is found out anew. The opening and the end of
    /// namespaces, and sessions of clients that have left, count and are never refused. Default: 8 MiB.
    pub max_waiting_bytes: usize,
    /// What the keys begin with under which sessions are kept ([`Dialect::Streams`]); behind it stands the private id.
    /// Default: `sio:session:`.
    pub session_prefix: String,
    /// Clients of one namespace that may be coming back at once ([`Dialect::Streams`]), each of which holds what it has
    /// missed meanwhile: past it, one is told that its session is not there any more, and begins anew. Default: 10 000.
    pub max_returning_sessions: usize,
    /// Whether others hear of the headers by which clients prove who they are (`authorization`, `cookie`,
    /// `proxy-authorization`, `sec-websocket-key`) when they fetch sockets. Default: `false`.
    pub share_headers: bool,
}

impl Options {
    /// The defaults, for the wire of one adapter.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            node: Config::new(dialect, "/"),
            max_waiting_bytes: 8 << 20,
            session_prefix: "sio:session:".to_owned(),
            max_returning_sessions: 10_000,
            share_headers: false,
        }
    }

    /// What the names of all channels begin with: one for each application. Default: `socket.io`.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.node.key = key.into();
        self
    }

    /// What is listened to. By default everything (in [`Dialect::Sharded`] the rooms that are here), so that what is
    /// for rooms in which nobody is here is thrown away; with [`Subscriptions::Rooms`] it does not come.
    #[must_use]
    pub const fn subscriptions(mut self, subscriptions: Subscriptions) -> Self {
        self.node.subscriptions = subscriptions;
        self
    }
}
