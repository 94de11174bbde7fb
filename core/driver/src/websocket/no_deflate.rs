//! What stands for `permessage-deflate` without the feature `deflate`: nothing is ever agreed on, and the
//! compiler knows.

use bytes::Bytes;
use http::Response;
use sio_core::config::Config;
use sio_core::websocket::Unfit;

pub(crate) enum Deflate {}

impl Deflate {
    pub(crate) const fn agreed<B>(_: &mut Response<B>, _: &Config) -> Option<Self> {
        None
    }

    pub(crate) const fn deflate(&mut self, _: &[u8], _: &Bytes) -> Option<Bytes> {
        match *self {}
    }

    pub(crate) const fn inflate(&mut self, _: &[u8], _: usize) -> Result<Vec<u8>, Unfit> {
        match *self {}
    }
}
