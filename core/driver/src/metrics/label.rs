//! How figures tell one transport from the other.

use sio_core::engine::TransportKind;

/// The label of a transport.
pub(super) const fn label(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::Polling => "polling",
        TransportKind::WebSocket => "websocket",
    }
}

/// The place of a transport in a list.
pub(super) const fn place(transport: TransportKind) -> usize {
    match transport {
        TransportKind::Polling => 0,
        TransportKind::WebSocket => 1,
    }
}
