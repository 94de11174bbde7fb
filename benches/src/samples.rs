//! The same figure from several rounds.

/// Median, least and greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of what the rounds gave. `None` if there was none.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut samples = samples.into_iter().collect::<Vec<_>>();
        samples.sort_by(f64::total_cmp);
        let (least, greatest) = (*samples.first()?, *samples.last()?);
        let half = samples.len() / 2;
        let upper = *samples.get(half)?;
        let median = if samples.len() % 2 == 1 {
            upper
        } else {
            (samples.get(half.checked_sub(1)?)? + upper) / 2.0
        };
        Some(Self {
            median,
            least,
            greatest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(
            (spread.median, spread.least, spread.greatest),
            (2.5, 1.0, 4.0)
        );
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).unwrap().median, 2.0);
        assert_eq!(Spread::of([]), None);
    }
}
