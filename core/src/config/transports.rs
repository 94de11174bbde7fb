//! Ways to carry packets.

/// Ways to carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports {
    /// Long polling over HTTP.
    pub polling: bool,
    /// WebSocket.
    pub websocket: bool,
}

impl Default for Transports {
    fn default() -> Self {
        Self {
            polling: true,
            websocket: true,
        }
    }
}
