//! Dates, as JavaScript writes them into JSON.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humantime::format_rfc3339_millis;

/// Milliseconds of the Unix epoch.
pub(crate) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-29T21:05:39.000Z`. Nothing, past the year 9999.
pub(crate) fn iso(at: SystemTime) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis(at)));
    let mut text = String::new();
    if let Some(at) = at
        && write!(text, "{}", format_rfc3339_millis(at)).is_err()
    {
        text.clear();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_javascript() {
        let of = |millis| iso(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(of(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(of(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(of(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(of(1_735_689_599_001), "2024-12-31T23:59:59.001Z");
        assert_eq!(of(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        assert_eq!(of(253_402_300_799_999), "9999-12-31T23:59:59.999Z");
        assert_eq!(of(253_402_300_800_000), "");
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(iso(before), "1970-01-01T00:00:00.000Z");
    }
}
