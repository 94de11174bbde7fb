//! *bounds*: nothing goes beyond its limit, and nothing is refused before it.

use crate::failure::hold;

/// Counts beside those of the machines.
pub(crate) struct Bounds;

impl Bounds {
    /// One more is asked for where `there` are, of `most`. It was taken or not.
    pub(crate) fn one_more(what: &str, there: usize, most: usize, taken: bool) {
        hold!(
            Bounds,
            taken == (there < most),
            "{what}: {there} of {most}, and one more was {}",
            if taken { "taken" } else { "refused" }
        );
    }

    /// No more than `most` are there.
    pub(crate) fn at_most(what: &str, there: usize, most: usize) {
        hold!(Bounds, there <= most, "{what}: {there} of {most}");
    }
}
