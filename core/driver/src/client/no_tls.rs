//! What stands for TLS where a runtime has none.

use std::io;

use super::dialer::BoxStream;

/// What TLS needs to know where there is none.
#[derive(Clone, Copy, Debug)]
pub enum Tls {}

/// That there is none.
///
/// # Errors
/// Always.
pub fn usual() -> io::Result<Tls> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "there is none without the feature `rustls`",
    ))
}

/// What nobody can ask for.
///
/// # Errors
/// Never.
pub async fn secure(tls: &Tls, _: &str, _: BoxStream) -> io::Result<BoxStream> {
    match *tls {}
}
