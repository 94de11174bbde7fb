//! Who may wish for something.

use std::sync::Arc;

use sio_cluster::{Dialect, Subscriptions};

use super::desk::Desk;

/// What is held as long as somebody may wish for something.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) desk: Arc<Desk>,
    pub(super) dialect: Dialect,
    pub(super) subscriptions: Subscriptions,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.desk.leave();
    }
}
