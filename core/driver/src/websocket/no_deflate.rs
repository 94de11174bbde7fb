//! What stands for `permessage-deflate` without the feature `deflate`: nothing is ever agreed on, and the
//! compiler knows.

use bytes::Bytes;
use http::Response;
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use sio_core::config::{Config, PerMessageDeflate};
use sio_core::websocket::{DeflateAgreed, Unfit};

pub(crate) enum Deflate {}

impl Deflate {
    /// An answer that agrees on it is taken back.
    pub(crate) fn agreed<B>(response: &mut Response<B>, _: &Config) -> Option<Self> {
        let agreed = response.extensions_mut().remove::<DeflateAgreed>();
        if agreed.is_some() {
            response.headers_mut().remove(SEC_WEBSOCKET_EXTENSIONS);
        }
        None
    }

    /// Nothing is offered.
    pub(crate) const fn offered(_: Option<PerMessageDeflate>) -> Option<PerMessageDeflate> {
        None
    }

    /// Nothing was, so nothing is met.
    pub(crate) const fn met(_: DeflateAgreed, _: PerMessageDeflate) -> Option<Self> {
        None
    }

    pub(crate) const fn deflate(&mut self, _: &[u8], _: &Bytes) -> Option<Bytes> {
        match *self {}
    }

    pub(crate) const fn inflate(&mut self, _: &[u8], _: usize) -> Result<Vec<u8>, Unfit> {
        match *self {}
    }
}
