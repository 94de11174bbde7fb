//! What is registered on the connection below a socket.

use std::sync::Arc;

use sio_core::engine::{CloseReason, TransportKind};

use crate::handle::Conn;

impl Conn {
    /// Runs `hook` when the connection has moved to another transport.
    #[doc(alias = "upgrade")]
    pub fn on_upgrade(&self, hook: impl Fn(TransportKind) + Send + Sync + 'static) {
        self.watch(|watchers| watchers.upgrade.push(Arc::new(hook)));
    }

    /// Runs `hook` when the connection has ended. Never, if it has already.
    #[doc(alias = "close")]
    pub fn on_close(&self, hook: impl Fn(CloseReason) + Send + Sync + 'static) {
        self.watch(|watchers| watchers.close.push(Arc::new(hook)));
    }
}
