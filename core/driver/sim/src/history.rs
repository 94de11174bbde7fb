//! What passed between clients and the servers of a simulation, byte for byte.

use std::time::Duration;

use sio_driver::app::Config;
use sio_driver::binding::Bytes;

/// Everything that servers read and wrote, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What happened on connections.
    pub acts: Vec<Act>,
    /// The servers that served, one after the other: how much had happened before, and the options of its
    /// first endpoint.
    pub servers: Vec<(usize, Config)>,
    /// What went wrong, and when.
    pub faults: Vec<(Duration, String)>,
}

/// One thing that happened on a connection, as its server saw it; but that a client has left, it sees later.
#[derive(Clone, Debug)]
pub struct Act {
    /// When, after the start.
    pub at: Duration,
    /// On which connection.
    pub connection: usize,
    /// What.
    pub deed: Deed,
}

/// What happens on a connection.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The server has read this.
    Read(Bytes),
    /// The server has learnt that nothing more comes.
    End,
    /// The server has written this.
    Wrote(Bytes),
    /// The client has dropped its end. The server does not know yet, and nobody hears what it says from here on.
    Left,
}
