//! Counting what is allocated.

use std::alloc::System;

use serde_json::{Map, Value as Json, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What was allocated until then.
pub(super) struct Counted(Stats);

impl Counted {
    pub(super) fn now() -> Self {
        Self(ALLOCATOR.stats())
    }

    /// What it is more than before.
    pub(super) fn since(&self, before: &Self, found: &mut Map<String, Json>) {
        let held = |stats: &Stats| {
            stats
                .bytes_allocated
                .saturating_sub(stats.bytes_deallocated)
        };
        let made = |stats: &Stats| stats.allocations + stats.reallocations;
        let heap = held(&self.0).saturating_sub(held(&before.0));
        found.insert("heap".to_owned(), json!(heap));
        let allocations = made(&self.0) - made(&before.0);
        found.insert("allocations".to_owned(), json!(allocations));
    }
}
