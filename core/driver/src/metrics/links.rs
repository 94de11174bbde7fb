//! What the links of clusters count; nothing at all without the feature.

use std::time::Duration;

use sio_cluster::Dialect;
use sio_cluster::codec::Odd;
use sio_cluster::node::{Answers, Node, Overflow};
use sio_core::time::Instant;

#[cfg(feature = "metrics")]
use super::cluster::{Counted, LinkCounted};

/// What a server's link counts.
pub(crate) struct LinkTally {
    #[cfg(feature = "metrics")]
    counted: LinkCounted,
}

impl LinkTally {
    pub(crate) fn new(_dialect: Dialect) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            counted: LinkCounted::new(_dialect),
        }
    }

    /// That of one of its namespaces.
    pub(crate) fn space(&self) -> SpaceTally {
        SpaceTally {
            #[cfg(feature = "metrics")]
            counted: Counted::new(self.counted.instruments.clone()),
        }
    }

    /// The broker is there.
    pub(crate) fn up(&mut self, _now: Instant) {
        #[cfg(feature = "metrics")]
        self.counted.up(_now);
    }

    /// It has gone, and nobody knows of so many messages whether they have arrived.
    pub(crate) fn down(&mut self, _now: Instant, _unsure: usize) {
        #[cfg(feature = "metrics")]
        self.counted.down(_now, _unsure);
    }

    /// So many messages for others had no room.
    pub(crate) fn dropped(&self, _count: usize) {
        #[cfg(feature = "metrics")]
        self.counted.dropped(_count);
    }

    /// So long the broker took to answer.
    pub(crate) fn round_trip(&self, _took: Duration) {
        #[cfg(feature = "metrics")]
        self.counted.round_trip(_took);
    }

    /// An entry of a stream was read that was so old.
    pub(crate) fn read(&self, _old: Duration) {
        #[cfg(feature = "metrics")]
        self.counted.read(_old);
    }
}

/// What a namespace counts.
pub(crate) struct SpaceTally {
    #[cfg(feature = "metrics")]
    counted: Counted,
}

impl SpaceTally {
    /// Its machine has done something.
    #[inline]
    pub(crate) fn measure<T>(&mut self, _node: &Node<T>) {
        #[cfg(feature = "metrics")]
        self.counted.measure(_node.counts(), _node.status());
    }

    /// A message was for a room that is not here.
    #[inline]
    pub(crate) fn no_room(&self) {
        #[cfg(feature = "metrics")]
        self.counted.no_room();
    }

    pub(crate) fn odd(&self, _why: &Odd) {
        #[cfg(feature = "metrics")]
        self.counted.odd(_why);
    }

    pub(crate) fn over(&self, _which: &Overflow) {
        #[cfg(feature = "metrics")]
        self.counted.over(_which);
    }

    /// A question is over.
    pub(crate) fn answered(&self, _answers: &Answers) {
        #[cfg(feature = "metrics")]
        self.counted.answered(_answers);
    }

    /// Something of a stream is lost.
    pub(crate) fn gap(&self) {
        #[cfg(feature = "metrics")]
        self.counted.gap();
    }
}
