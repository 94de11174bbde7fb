//! What stands for TLS without the feature `rustls`.

use std::io;

use sio_driver::client::BoxStream;

/// What TLS needs to know where there is none.
#[derive(Clone, Copy, Debug)]
pub enum Tls {}

pub(crate) fn usual() -> io::Result<Tls> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "there is none without the feature `rustls`",
    ))
}

pub(crate) async fn secure(tls: &Tls, _: &str, _: BoxStream) -> io::Result<BoxStream> {
    match *tls {}
}
