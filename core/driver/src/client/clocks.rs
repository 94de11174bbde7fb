//! Both clocks of a machine, by which a client knows that it was suspended.

use std::time::{Duration, SystemTime};

use sio_core::time::Instant;

use crate::runtime::Runtime;

/// How far the clock on the wall may run ahead before the machine is taken to have been suspended.
const AHEAD: Duration = Duration::from_secs(2);

/// What both clocks showed at the last look.
pub(super) struct Clocks(Instant, SystemTime);

impl Clocks {
    pub(super) fn new(runtime: &impl Runtime) -> Self {
        Self(runtime.now(), runtime.wall_clock())
    }

    /// How long the machine was suspended since the last look, if it was.
    pub(super) fn suspended(&mut self, runtime: &impl Runtime, now: Instant) -> Option<Duration> {
        let wall = runtime.wall_clock();
        let Self(then, wall_then) = std::mem::replace(self, Self(now, wall));
        let ran = wall.duration_since(wall_then).unwrap_or_default();
        let ahead = ran.saturating_sub(now.saturating_duration_since(then));
        (ahead > AHEAD).then_some(ahead)
    }
}
