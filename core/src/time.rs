//! Moments, as the machines count them.
//!
//! There is no clock here: whoever calls a machine tells it the time, counted from an origin of its own choice.
//! So a moment can be written to a log and read from it, made up in a test, and had where there is no
//! `std::time::Instant` (in a browser). An embedder with a clock converts where it calls in:
//!
//! ```
//! use sio_core::time::Instant;
//!
//! let origin = std::time::Instant::now();
//! let now = Instant::ORIGIN + origin.elapsed();
//! # let _ = now;
//! ```

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A moment: nanoseconds since an origin that the embedder chooses, up to 584 years.
///
/// All moments that one machine is told must be counted from the same origin. The operators saturate, at the
/// origin and at the last moment there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The moment from which is counted.
    pub const ORIGIN: Self = Self(0);

    /// The last moment that can be told.
    pub const LAST: Self = Self(u64::MAX);

    /// So many nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long before this `earlier` was. `None`: it was later.
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }

    /// How long before this `earlier` was; nothing, if it was later.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// `wait` later. `None`: that is after the last moment.
    pub const fn checked_add(self, wait: Duration) -> Option<Self> {
        let Some(nanos) = nanos(wait) else {
            return None;
        };
        match self.0.checked_add(nanos) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `time` earlier. `None`: that is before the origin.
    pub const fn checked_sub(self, time: Duration) -> Option<Self> {
        let Some(nanos) = nanos(time) else {
            return None;
        };
        match self.0.checked_sub(nanos) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `wait` later, or the last moment.
    pub const fn saturating_add(self, wait: Duration) -> Self {
        match self.checked_add(wait) {
            Some(sum) => sum,
            None => Self::LAST,
        }
    }

    /// `time` earlier, or the origin.
    pub const fn saturating_sub(self, time: Duration) -> Self {
        match self.checked_sub(time) {
            Some(difference) => difference,
            None => Self::ORIGIN,
        }
    }
}

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// `None`: longer than from the origin to the last moment.
const fn nanos(time: Duration) -> Option<u64> {
    match time.as_secs().checked_mul(NANOS_PER_SEC) {
        Some(nanos) => nanos.checked_add(time.subsec_nanos() as u64),
        None => None,
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        self.saturating_add(wait)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, wait: Duration) {
        *self = self.saturating_add(wait);
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        self.saturating_sub(time)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, time: Duration) {
        *self = self.saturating_sub(time);
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// The time since the origin, as a [`Duration`] shows itself: `Instant(1.5s)`.
impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant")
            .field(&Duration::from_nanos(self.0))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NANO: Duration = Duration::from_nanos(1);

    #[test]
    fn moments_are_counted_in_nanoseconds() {
        let wait = Duration::new(3, 7);
        let later = Instant::ORIGIN + wait;
        assert_eq!(later.as_nanos(), 3_000_000_007);
        assert_eq!(Instant::from_nanos(3_000_000_007), later);
        assert_eq!(later - Instant::ORIGIN, wait);
        assert_eq!(later - wait, Instant::ORIGIN);
        assert_eq!(later.checked_duration_since(Instant::ORIGIN), Some(wait));
        assert!(later > Instant::ORIGIN);
        let mut moved = later;
        moved += wait;
        moved -= NANO;
        assert_eq!(moved.as_nanos(), 6_000_000_013);
    }

    #[test]
    fn the_last_moment_can_be_reached_and_not_passed() {
        let almost = Instant::from_nanos(u64::MAX - 1);
        assert_eq!(almost.checked_add(NANO), Some(Instant::LAST));
        assert_eq!(almost.checked_add(2 * NANO), None);
        assert_eq!(almost + 2 * NANO, Instant::LAST);
        let all = Duration::from_nanos(u64::MAX);
        assert_eq!(Instant::ORIGIN.checked_add(all), Some(Instant::LAST));
        assert_eq!(Instant::ORIGIN.checked_add(all + NANO), None);
        assert_eq!(Instant::ORIGIN.checked_add(Duration::MAX), None);
        assert_eq!(Instant::ORIGIN + Duration::MAX, Instant::LAST);
    }

    #[test]
    fn the_origin_can_be_reached_and_not_passed() {
        let soon = Instant::from_nanos(1);
        assert_eq!(soon.checked_sub(NANO), Some(Instant::ORIGIN));
        assert_eq!(soon.checked_sub(2 * NANO), None);
        assert_eq!(soon - 2 * NANO, Instant::ORIGIN);
        assert_eq!(Instant::LAST.checked_sub(Duration::MAX), None);
        assert_eq!(Instant::ORIGIN.checked_duration_since(soon), None);
        assert_eq!(Instant::ORIGIN - soon, Duration::ZERO);
    }

    #[test]
    fn a_moment_shows_the_time_since_the_origin() {
        let at = Instant::from_nanos(1_500_000_000);
        assert_eq!(format!("{at:?}"), "Instant(1.5s)");
    }
}
