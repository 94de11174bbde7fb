//! What waits to be written to a WebSocket.

/// Frames that wait to be written, back to back. The buffer is the embedder's, and goes back when all is
/// written, or when so little waits that it is moved.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// With what must leave before any frame.
    pub(super) const fn after(first: Vec<u8>) -> Self {
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

    /// The buffer, if there is one. What it holds is no more to be written.
    pub(super) fn clear(&mut self) -> Option<Vec<u8>> {
        self.written = 0;
        (self.bytes.capacity() > 0).then(|| std::mem::take(&mut self.bytes))
    }

    /// The peer does not take more for now. What waits keeps no more than twice the memory that it needs; it
    /// is moved when half of it has left, not each time that some has. The buffer, if it is free.
    pub(super) fn wait(&mut self) -> Option<Vec<u8>> {
        if self.waiting() >= self.bytes.capacity() / 2 {
            return None;
        }
        let rest = self.rest().to_vec();
        let buffer = self.clear();
        self.bytes = rest;
        buffer
    }

    /// What frames are laid into; if there is nothing yet, this.
    #[inline]
    pub(super) fn open(&mut self, buffer: impl FnOnce() -> Vec<u8>) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = buffer();
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_keeps_no_more_than_itself() {
        let mut out = Outgoing::default();
        let all = vec![7; 1_000_000];
        out.open(Vec::new).extend_from_slice(&all);
        out.advance(400_000);
        assert_eq!(out.wait(), None);
        out.advance(599_000);
        assert!(out.wait().unwrap().capacity() >= 1_000_000);
        assert_eq!(out.rest(), [7; 1_000]);
        assert!(out.bytes.capacity() < 2_000);
        assert!(out.clear().is_some());
        assert_eq!(out.clear(), None);
    }
}
