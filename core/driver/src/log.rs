//! Events and spans for the `tracing` crate; nothing at all without the feature.

use std::net::SocketAddr;

use sio_core::engine::TransportKind;
use sio_core::id::Sid;

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
