//! Whether a process holds as much as it did.

use crate::process::Server;

use super::said;

/// How much more may be resident in the end than in the beginning: a share of that, and what pages and allocators
/// move by.
const MORE: (u64, u64) = (5, 2 << 20);

/// What was resident, again and again under the same load.
#[derive(Default)]
pub(super) struct Flat {
    samples: Vec<u64>,
}

impl Flat {
    pub(super) fn look(&mut self, server: &Server) -> Result<(), String> {
        self.samples.push(server.resident_bytes().map_err(said)?);
        Ok(())
    }

    /// The most of the first quarter and the most of the last, in words; an error if that is more than it may be.
    pub(super) fn told(&self) -> Result<String, String> {
        let quarter = self.samples.len().div_ceil(4);
        let most = |samples: Option<&[u64]>| samples.unwrap_or_default().iter().max().copied();
        let first = most(self.samples.get(..quarter)).unwrap_or_default();
        let last = most(self.samples.get(self.samples.len() - quarter..)).unwrap_or_default();
        let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let told = format!(
            "resident {:.1} MiB in the first quarter, {:.1} MiB in the last",
            megabytes(first),
            megabytes(last)
        );
        match last <= first + first * MORE.0 / 100 + MORE.1 {
            true => Ok(told),
            false => Err(format!("memory is not flat: {told}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(samples: &[u64]) -> Result<String, String> {
        let samples = samples.to_vec();
        Flat { samples }.told()
    }

    #[test]
    fn what_grows_is_told_from_what_moves() {
        let mega = 1 << 20;
        let before = 100 * mega;
        assert!(told(&[before, before + mega, before, before + 7 * mega]).is_ok());
        assert!(told(&[before, before, before, before + 7 * mega + 1]).is_err());
        assert!(told(&[before, 90 * mega]).is_ok());
    }
}
