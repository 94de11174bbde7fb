//! Events and spans for the `tracing` crate; nothing at all without the feature.

#[cfg(any(test, feature = "tracing"))]
mod brief;

use std::fmt;
use std::net::SocketAddr;

use sio_core::engine::TransportKind;
use sio_core::id::{Sid, SocketId};

#[cfg(feature = "tracing")]
pub(crate) use brief::Brief;
#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, error, trace, warn};

/// Whether somebody hears of this module's events of level debug.
#[cfg(feature = "tracing")]
macro_rules! hears_debug {
    () => {
        tracing::enabled!(tracing::Level::DEBUG)
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! hears_debug {
    () => {
        false
    };
}

pub(crate) use hears_debug;

#[cfg(not(feature = "tracing"))]
macro_rules! nothing {
    ($($anything:tt)*) => {{}};
}

#[cfg(not(feature = "tracing"))]
pub(crate) use {nothing as debug, nothing as error, nothing as trace, nothing as warn};

/// The span of a connection's task: everything that happens in it, handlers included.
#[derive(Clone)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Span {
    #[cfg(feature = "tracing")]
    pub(crate) fn connection(
        sid: &Sid,
        opened_by: TransportKind,
        remote: Option<SocketAddr>,
    ) -> Self {
        let remote = remote.map(tracing::field::display);
        let span = tracing::info_span!("connection", ?sid, transport = %opened_by, remote);
        Self { span }
    }

    #[cfg(not(feature = "tracing"))]
    pub(crate) fn connection(_: &Sid, _: TransportKind, _: Option<SocketAddr>) -> Self {
        Self {}
    }

    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        work()
    }
}

/// A socket's id as it may be shown: where it is computed from the session's, which is a secret (§16.2), four
/// characters of that, as in the span of the connection.
#[derive(Clone, Copy)]
pub(crate) struct LogName<'a> {
    /// What stands before the secret.
    open: &'a str,
    secret: &'a str,
}

impl<'a> LogName<'a> {
    pub(crate) fn new(id: &'a SocketId, sid: &'a Sid) -> Self {
        let id = id.as_str();
        match id.strip_suffix(sid.as_str()) {
            Some(open) => Self {
                open,
                secret: sid.as_str(),
            },
            None => Self {
                open: id,
                secret: "",
            },
        }
    }
}

impl fmt::Display for LogName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.open)?;
        if self.secret.is_empty() {
            return Ok(());
        }
        let end = self.secret.char_indices().nth(4);
        let end = end.map_or(self.secret.len(), |(end, _)| end);
        write!(f, "{}…", self.secret.get(..end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_id_is_shortened_and_a_public_one_is_not() {
        let (sid, public) = (Sid::from_random([7; 15]), SocketId::from_random([9; 15]));
        assert_eq!(LogName::new(&public, &sid).to_string(), public.as_str());
        // As a client of revision 4 computes it in `/`.
        let computed = SocketId::from_random([7; 15]);
        assert_eq!(LogName::new(&computed, &sid).to_string(), "BwcH…");
    }
}
