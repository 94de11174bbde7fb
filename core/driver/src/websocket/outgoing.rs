//! What waits to be written to a WebSocket.

use sio_core::websocket::write::{self, MessageType};

use crate::scratch;

/// Frames that wait to be written, back to back. The buffer is the thread's, and goes back when all is
/// written, or when so little waits beyond the turn that it is moved.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// With what must leave before any frame.
    pub(super) fn after(first: Vec<u8>) -> Self {
        Self {
            bytes: first,
            written: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.bytes.len().saturating_sub(self.written)
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.written = 0;
        if self.bytes.capacity() > 0 {
            scratch::give_back(std::mem::take(&mut self.bytes));
        }
    }

    /// The peer does not take more for now. What waits keeps no more than twice the memory that it needs; it
    /// is moved when half of it has left, not each time that some has.
    pub(super) fn wait(&mut self) {
        if self.waiting() < self.bytes.capacity() / 2 {
            let rest = self.rest().to_vec();
            self.clear();
            self.bytes = rest;
        }
    }

    /// A message: `head`, and `payload` behind it.
    pub(super) fn message(&mut self, kind: MessageType, head: &[u8], payload: &[u8]) {
        write::message(self.open(), kind, head, payload);
    }

    /// Whole frames.
    pub(super) fn frames(&mut self, frames: &[u8]) {
        self.open().extend_from_slice(frames);
    }

    pub(super) fn compressed(&mut self, kind: MessageType, payload: &[u8]) {
        write::compressed(self.open(), kind, payload);
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        write::pong(self.open(), payload);
    }

    pub(super) fn close(&mut self, code: Option<u16>) {
        write::close(self.open(), code);
    }

    fn open(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = scratch::outgoing();
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_keeps_no_more_than_itself_and_the_thread_no_more_than_it_may() {
        let mut out = Outgoing::default();
        out.message(MessageType::Binary, b"", &[7; 1_000_000]);
        let all = out.rest().to_vec();
        out.advance(999_000);
        out.wait();
        assert_eq!(out.rest(), &all[999_000..]);
        assert!(out.bytes.capacity() < 2_000);
        out.clear();
        assert!(scratch::outgoing().capacity() <= 256 * 1024);
    }
}
