//! What a WebSocket is given besides bytes.

use bytes::Bytes;
use sio_core::websocket::{Embedder, Unfit};

use super::Deflate;
use crate::scratch;

/// The compression that was agreed on, and the write buffer of the thread.
pub(super) struct Lent(pub(super) Option<Deflate>);

impl Embedder for Lent {
    fn compresses(&self) -> bool {
        self.0.is_some()
    }

    fn deflate(&mut self, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        self.0.as_mut()?.deflate(head, payload)
    }

    fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
        match &mut self.0 {
            Some(deflate) => deflate.inflate(payload, limit),
            None => Err(Unfit::Malformed),
        }
    }

    fn buffer(&mut self) -> Vec<u8> {
        scratch::outgoing()
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        scratch::give_back(buffer);
    }
}
