//! How a server that is emptied sends its clients away: bit by bit, so that those that take them in are not overrun.

use std::time::Duration;

/// How many clients are sent away when, of those that are left.
///
/// A plan of waves a [tenth of a second](Waves::BETWEEN) apart: each is asked for with how many are left, and says how many
/// are to go.
///
/// ```
/// use std::time::Duration;
/// use sio_core::waves::Waves;
///
/// let mut waves = Waves::over(Duration::from_secs(1));
/// let mut left = 1_000;
/// let mut count = 0;
/// while left > 0 {
///     left -= waves.next(left);
///     count += 1;
/// }
/// assert_eq!(count, 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waves(Plan);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Plan {
    /// So many in a second, and what was too little for a whole one so far, in tenths.
    Rate { a_second: usize, tenths: usize },
    /// All of them in so many waves, and how much of a client was too little for a whole one so far.
    Spread { waves: u64, part: u32 },
}

impl Waves {
    /// From one wave to the next.
    pub const BETWEEN: Duration = Duration::from_millis(100);

    /// So many a second, one at least.
    #[must_use]
    pub fn a_second(count: usize) -> Self {
        Self(Plan::Rate {
            a_second: count.max(1),
            tenths: 0,
        })
    }

    /// All of them spread over a time, one wave at least: over 25 s, 4 % a second.
    #[must_use]
    pub fn over(time: Duration) -> Self {
        let waves = time.as_millis().checked_div(Self::BETWEEN.as_millis());
        Self(Plan::Spread {
            waves: u64::try_from(waves.unwrap_or(1)).unwrap_or(u64::MAX).max(1),
            part: 0,
        })
    }

    /// How many of those that are left go with the next wave.
    pub fn next(&mut self, left: usize) -> usize {
        match &mut self.0 {
            Plan::Rate { a_second, tenths } => {
                let due = tenths.saturating_add(*a_second);
                *tenths = due % 10;
                (due / 10).min(left)
            }
            Plan::Spread { waves, part } => {
                let behind = u128::from(*waves);
                *waves = waves.saturating_sub(1).max(1);
                // In parts of a client, since there may be more waves than clients: 2³² are one.
                let all = (left as u128) << 32;
                let share = all.saturating_sub(u128::from(*part)).div_ceil(behind);
                let due = share.saturating_add(u128::from(*part));
                // The lower half of it.
                *part = (due & u128::from(u32::MAX)) as u32;
                usize::try_from(due >> 32).unwrap_or(left).min(left)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many go with each wave, until nobody is left.
    fn sizes(mut waves: Waves, mut left: usize) -> Vec<usize> {
        let mut sizes = Vec::new();
        while left > 0 {
            let next = waves.next(left);
            assert!(next <= left);
            left -= next;
            sizes.push(next);
        }
        sizes
    }

    #[test]
    fn no_second_has_more_than_its_share() {
        for clients in [1, 7, 99, 1_000, 10_000] {
            for seconds in [1, 20, 25, 60] {
                let sizes = sizes(Waves::over(Duration::from_secs(seconds)), clients);
                let waves = 10 * usize::try_from(seconds).unwrap();
                assert!(sizes.len() <= waves, "{clients} over {seconds}");
                let share = (clients * 10).div_ceil(waves) + 1;
                let most = sizes.windows(10).map(|second| second.iter().sum()).max();
                assert!(most.unwrap_or(0_usize) <= share, "{clients} over {seconds}");
            }
            for rate in [1, 3, 10, 250] {
                let sizes = sizes(Waves::a_second(rate), clients);
                let seconds: Vec<usize> = sizes.chunks(10).map(|it| it.iter().sum()).collect();
                let (last, full) = seconds.split_last().unwrap();
                assert!(
                    *last <= rate && full.iter().all(|it| *it == rate),
                    "{clients} by {rate}"
                );
            }
        }
    }

    #[test]
    fn those_who_come_meanwhile_go_too_and_nobody_waits_for_ever() {
        let mut waves = Waves::over(Duration::from_millis(250));
        assert_eq!([waves.next(10), waves.next(9), waves.next(9)], [5, 9, 9]);
        assert_eq!(Waves::over(Duration::ZERO).next(1_000), 1_000);
        assert_eq!(sizes(Waves::a_second(0), 1).len(), 10);
        assert_eq!(Waves::over(Duration::MAX).next(1_000), 0);
    }
}
