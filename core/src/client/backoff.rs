//! How long a client waits before it dials again.

use std::time::Duration;

/// When to dial again, and how often (§23).
///
/// The wait before attempt n (from 0) is `delay` · 2ⁿ, at most `delay_max`, and then drawn from what lies up
/// to `jitter` per cent around it, but not beyond `delay_max`: clients that lost one server together do not
/// come back together, however long it was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Backoff {
    /// The first wait. 1 s.
    #[doc(alias = "reconnectionDelay")]
    pub delay: Duration,
    /// No wait is longer. 5 s.
    #[doc(alias = "reconnectionDelayMax")]
    pub delay_max: Duration,
    /// How far a wait is drawn from what it would be, in per cent of it, up to 100. 50.
    #[doc(alias = "randomizationFactor")]
    pub jitter: u8,
    /// How often it is dialled again before the client gives up; the first dial is not counted. `None`, the
    /// default: without end.
    #[doc(alias = "reconnectionAttempts")]
    pub attempts: Option<u32>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(5))
    }
}

impl Backoff {
    /// Waits from `delay` up to `delay_max`, half of each by lot, without end.
    pub const fn new(delay: Duration, delay_max: Duration) -> Self {
        Self {
            delay,
            delay_max,
            jitter: 50,
            attempts: None,
        }
    }

    /// Whether so many attempts were all.
    pub(crate) fn is_spent(&self, attempts: u32) -> bool {
        self.attempts.is_some_and(|most| attempts >= most)
    }

    /// The wait before attempt `n`, counted from 0.
    pub(crate) fn wait(&self, n: u32, draw: u64) -> Duration {
        let factor = 1_u32.checked_shl(n).unwrap_or(u32::MAX);
        let middle = self.delay.saturating_mul(factor).min(self.delay_max);
        let percent = middle.checked_div(100).unwrap_or_default();
        let aside = percent.saturating_mul(self.jitter.into());
        let low = middle.saturating_sub(aside);
        let high = middle.saturating_add(aside).min(self.delay_max);
        let span = high.saturating_sub(low).as_nanos();
        // A share of the span: the draw, as a part of all draws.
        let share = span.saturating_mul(draw.into()) >> 64;
        low.saturating_add(Duration::from_nanos(share.try_into().unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_wait_doubles_up_to_its_most() {
        let backoff = Backoff {
            jitter: 0,
            ..Backoff::default()
        };
        let waits = [0, 1, 2, 3, 40].map(|n| backoff.wait(n, 7).as_millis());
        assert_eq!(waits, [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn those_who_wait_longest_do_not_come_together() {
        let backoff = Backoff::default();
        let bounds = |n| (backoff.wait(n, 0), backoff.wait(n, u64::MAX));
        assert_eq!(bounds(0).0, ms(500));
        assert!(bounds(0).1 < ms(1500) && bounds(0).1 > ms(1499));
        assert_eq!(bounds(10).0, ms(2500));
        assert!(bounds(10).1 < ms(5000) && bounds(10).1 > ms(4999));
        assert_eq!(backoff.wait(10, 1 << 63), ms(3750));
    }

    #[test]
    fn attempts_are_counted() {
        let few = Backoff {
            attempts: Some(2),
            ..Backoff::default()
        };
        assert!(!few.is_spent(1) && few.is_spent(2));
        assert!(!Backoff::default().is_spent(u32::MAX));
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(
            delay in 0..u64::MAX, most in 0..u64::MAX, jitter in 0..=100u8, n in any::<u32>(), draw in any::<u64>(),
        ) {
            let backoff = Backoff {
                delay: ms(delay),
                delay_max: ms(most),
                jitter,
                attempts: None,
            };
            prop_assert!(backoff.wait(n, draw) <= backoff.delay_max);
        }
    }
}
