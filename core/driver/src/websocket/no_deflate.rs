//! What stands for `permessage-deflate` without the feature `deflate`: nothing is ever agreed on, and the
//! compiler knows.

use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use bytes::Bytes;
use http::Response;
use sio_core::config::Config;
use sio_core::engine::WsClosed;

pub(crate) const COMPRESSED: u8 = 0;

pub(crate) enum Deflate {}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {}

impl Mark {
    pub(crate) const fn is_text(self) -> bool {
        match self {}
    }
}

impl Deflate {
    pub(crate) const fn agreed<B>(_: &mut Response<B>, _: &Config) -> Option<Self> {
        None
    }

    pub(crate) const fn deflate(&mut self, _: &[u8], _: &Bytes) -> Option<Bytes> {
        match *self {}
    }

    pub(crate) const fn inflate(
        &mut self,
        _: &[u8],
        _: usize,
    ) -> Result<Vec<u8>, (CloseCode, WsClosed)> {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) struct Marks;

impl Marks {
    pub(crate) const fn new(_: Option<&Deflate>) -> Self {
        Self
    }

    pub(crate) const fn begin(&mut self, _: &mut u8) {}

    pub(crate) const fn take(&mut self) -> Option<Mark> {
        None
    }
}
