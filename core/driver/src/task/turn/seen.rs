//! What is told of a connection beside what happens on it, to those who have asked for it.

use sio_core::engine::{Backlog, TransportKind};

use super::super::Task;
use crate::runtime::Runtime;

impl<R: Runtime> Task<R> {
    /// Tells of packets that have come or were made.
    #[cold]
    pub(super) fn tell_seen(&mut self) {
        let mut hooks = None;
        while let Some(seen) = self.machine.poll_seen() {
            let hooks = hooks.get_or_insert_with(|| self.handle.watchers_of(|it| &it.packets));
            for hook in hooks {
                self.tell_watcher(|| hook(&seen));
            }
        }
    }

    /// So much was handed to its transport: after it was made.
    #[cold]
    pub(super) fn tell_flush(&mut self, handed: Backlog) {
        self.tell_seen();
        if handed.packets > 0 {
            for hook in self.handle.watchers_of(|it| &it.flush) {
                self.tell_watcher(|| hook(handed));
            }
        }
    }

    /// All that was handed to its transport has left, and nothing waits, if this is the one that it has.
    #[cold]
    pub(super) fn tell_drain(&self, transport: TransportKind) {
        let session = self.machine.session();
        if session.backlog_packets() == 0 && session.transport() == transport {
            for hook in self.handle.watchers_of(|it| &it.drain) {
                self.tell_watcher(|| hook());
            }
        }
    }
}
