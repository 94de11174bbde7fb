//! *dead*: who is gone is let go within its deadline.

use std::collections::BTreeMap;

use sio_core::server::ConnectionKey;
use sio_core::time::Instant;

use crate::failure::hold;

/// Connections whose client is gone, and until when they may be there.
#[derive(Debug, Default)]
pub(crate) struct Dead {
    by: BTreeMap<ConnectionKey, Instant>,
    next: Option<Instant>,
}

impl Dead {
    pub(crate) fn gone(&mut self, connection: ConnectionKey, by: Instant) {
        self.by.entry(connection).or_insert(by);
        self.next = self.by.values().min().copied();
    }

    /// Its end shows as soon as anybody looks.
    pub(crate) fn at_once(&mut self, connection: ConnectionKey, now: Instant) {
        let by = self.by.entry(connection).or_insert(now);
        *by = now.min(*by);
        self.next = self.by.values().min().copied();
    }

    pub(crate) fn closed(&mut self, connection: ConnectionKey) {
        if self.by.remove(&connection).is_some() {
            self.next = self.by.values().min().copied();
        }
    }

    /// The process did not run for so long.
    pub(crate) fn excuse(&mut self, longer: std::time::Duration) {
        for by in self.by.values_mut() {
            *by = by.saturating_add(longer);
        }
        self.next = self.by.values().min().copied();
    }

    pub(crate) fn overdue(&self, now: Instant) {
        hold!(
            Dead,
            self.next.is_none_or(|by| now <= by),
            "still there at {now:?}: {:?}",
            self.by
        );
    }

    pub(crate) fn server_died(&mut self) {
        self.by.clear();
        self.next = None;
    }
}
