//! Figures for the `metrics` crate; nothing at all without the feature.

#[cfg(all(feature = "cluster", feature = "metrics"))]
mod cluster;
#[cfg(feature = "metrics")]
mod instruments;
#[cfg(feature = "metrics")]
mod label;
#[cfg(feature = "cluster")]
mod links;

use std::fmt;

#[cfg(feature = "metrics")]
use sio_core::engine::Session;
use sio_core::http::ErrorCode;
use sio_core::time::Instant;

use crate::error::AckError;

#[cfg(feature = "metrics")]
pub(crate) use instruments::{Gauges, Instruments};
#[cfg(feature = "cluster")]
pub(crate) use links::{LinkTally, SpaceTally};

/// What the task of a connection counts, and hands on once in a turn.
#[derive(Default)]
pub(crate) struct Tally {
    #[cfg(feature = "metrics")]
    counted: instruments::Counted,
}

impl Tally {
    /// Of a connection whose endpoint has these instruments.
    pub(crate) fn of(_meter: &Meter) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            counted: instruments::Counted::new(_meter.instruments().clone()),
        }
    }

    /// So many packets have come, of so many bytes.
    #[inline]
    pub(crate) fn received(&mut self, _packets: usize, _bytes: usize) {
        #[cfg(feature = "metrics")]
        self.counted.received.add(_packets, _bytes);
    }

    /// So many have left.
    #[inline]
    pub(crate) fn sent(&mut self, _packets: usize, _bytes: usize) {
        #[cfg(feature = "metrics")]
        self.counted.sent.add(_packets, _bytes);
    }

    /// The task has run from then until now.
    #[cfg(feature = "metrics")]
    pub(crate) fn turned(&mut self, session: &Session, began: Instant, now: Instant) {
        self.counted.turned(session, began, now);
    }
}

/// Where an endpoint counts.
#[derive(Default)]
pub(crate) struct Meter {
    #[cfg(feature = "metrics")]
    instruments: std::sync::OnceLock<std::sync::Arc<Instruments>>,
}

impl Meter {
    /// Those of the recorder that there is when the first client comes.
    #[cfg(feature = "metrics")]
    pub(crate) fn instruments(&self) -> &std::sync::Arc<Instruments> {
        self.instruments.get_or_init(std::sync::Arc::default)
    }

    /// A request was refused.
    pub(crate) fn refused(&self, _status: http::StatusCode, _code: Option<ErrorCode>) {
        #[cfg(feature = "metrics")]
        instruments::refused(_code.map_or_else(
            || _status.canonical_reason().unwrap_or("other"),
            ErrorCode::message,
        ));
    }

    /// A client was not let into a namespace.
    pub(crate) fn kept_out(&self) {
        #[cfg(feature = "metrics")]
        instruments::refused("namespace");
    }
}

/// An emit whose answer is awaited, from when its client is asked.
#[derive(Default)]
pub(crate) struct Outstanding {
    #[cfg(feature = "metrics")]
    open: Option<instruments::Open>,
}

impl Outstanding {
    /// Its client is asked now.
    #[inline]
    pub(crate) fn begin(&mut self, _tally: &Tally, _now: Instant) {
        #[cfg(feature = "metrics")]
        {
            self.open = Some(_tally.counted.ask(_now));
        }
    }

    /// It has ended: with an answer, or without.
    #[inline]
    pub(crate) fn end<T>(&mut self, _now: Instant, _answer: &Result<T, AckError>) {
        #[cfg(feature = "metrics")]
        if let Some(open) = self.open.take() {
            open.end(_now, _answer.as_ref().err());
        }
    }
}

impl fmt::Debug for Outstanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outstanding")
    }
}
