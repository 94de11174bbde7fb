//! A request whose client may leave while it waits.

use sio_core::id::RequestId;

use crate::mailbox::command::Command;
use crate::mailbox::task_handle::TaskHandle;

/// Tells the session once that a client has left: when it is dropped, at the latest.
pub(super) struct Guard<'a>(Option<(&'a TaskHandle, RequestId)>);

impl<'a> Guard<'a> {
    pub(super) const fn new(task: &'a TaskHandle, id: RequestId) -> Self {
        Self(Some((task, id)))
    }

    pub(super) fn disarm(&mut self) {
        self.0 = None;
    }

    pub(super) fn tell(&mut self) {
        if let Some((task, id)) = self.0.take() {
            task.tell(Command::Aborted(id));
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}
