//! The clock of the system in the core's terms, for bindings whose runtime tells the time by it.

use std::sync::LazyLock;
use std::time;

use sio_core::time::Instant;

/// The moment that is [`FIRST`]. It is a mark on the system's clock and nothing is decided by it; one for the
/// process, so that all runtimes in it count alike.
static START: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);

/// Not the origin, since a clock that a test has stopped may be behind the mark.
const FIRST: Instant = Instant::from_nanos(365 * 24 * 3600 * 1_000_000_000);

/// A moment of the system's clock, counted as all of this process are.
pub fn from_std(at: time::Instant) -> Instant {
    let start = *START;
    match at.checked_duration_since(start) {
        Some(later) => FIRST.saturating_add(later),
        None => FIRST.saturating_sub(start.saturating_duration_since(at)),
    }
}

/// The moment of the system's clock that [`from_std`] counts as `at`.
pub fn to_std(at: Instant) -> time::Instant {
    let start = *START;
    let found = match at.checked_duration_since(FIRST) {
        Some(later) => start.checked_add(later),
        None => start.checked_sub(FIRST.saturating_duration_since(at)),
    };
    // Clocks of systems hold centuries; before the system was started, some hold nothing.
    found.unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_come_back_as_they_were() {
        let now = time::Instant::now();
        let hour = Duration::from_secs(3600);
        for at in [Some(now), now.checked_add(hour), now.checked_sub(hour)] {
            assert!(at.is_none_or(|at| to_std(from_std(at)) == at));
        }
        assert_eq!(from_std(now + hour) - from_std(now), hour);
        assert!(to_std(Instant::LAST) > now + 10_000 * hour);
    }
}
