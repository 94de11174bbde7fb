//! Latencies without keeping each of them.

use std::time::Duration;

/// How many buckets each power of two is cut into: a value is known to 3 %.
const STEPS: u64 = 32;

/// Counts durations in buckets whose width grows with the value.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: vec![0; bucket(u64::MAX) + 1],
            count: 0,
        }
    }

    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
    }

    /// The duration that the share `quantile` (0 to 1) of all recorded ones does not exceed.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (self.count as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return Duration::from_nanos(floor(index));
            }
        }
        Duration::ZERO
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

fn bucket(nanos: u64) -> usize {
    let step = match nanos.checked_ilog2() {
        Some(power) if nanos >= STEPS => {
            let shift = power - STEPS.ilog2();
            u64::from(shift) * STEPS + (nanos >> shift)
        }
        _ => nanos,
    };
    step as usize
}

/// The least duration that falls into the bucket.
fn floor(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    (bucket - shift * STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_within_3_percent_of_what_is_in_it() {
        for nanos in (0..64).flat_map(|power| {
            [
                1u64 << power,
                (1 << power) + (1 << power) / 3,
                u64::MAX >> power,
            ]
        }) {
            let floor = floor(bucket(nanos));
            assert!(floor <= nanos, "{floor} <= {nanos}");
            assert!(
                nanos - floor <= nanos / STEPS,
                "{floor} is far from {nanos}"
            );
        }
    }

    #[test]
    fn quantiles_are_those_of_the_recorded_durations() {
        let mut histogram = Histogram::new();
        for micros in 1..=100 {
            histogram.record(Duration::from_nanos(micros));
        }
        assert_eq!(histogram.quantile(0.5).as_nanos(), 50);
        assert_eq!(histogram.quantile(0.99).as_nanos(), 98);
        histogram.clear();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
    }
}
