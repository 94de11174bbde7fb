//! The `Date` of a response (RFC 9110 §6.6.1), by the runtime's clock.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;

thread_local! {
    /// The second that was written last on this thread: responses come many in one.
    static LATEST: RefCell<Option<(Duration, HeaderValue)>> = const { RefCell::new(None) };
}

/// A moment as a header says it. hyper would write that of the machine, which no other runtime than the
/// usual ones must have.
pub(super) fn date(now: SystemTime) -> HeaderValue {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = Duration::from_secs(since.as_secs());
    LATEST.with_borrow_mut(|latest| match latest {
        Some((its, value)) if *its == second => value.clone(),
        _ => {
            let text = Bytes::from(httpdate::fmt_http_date(now));
            // Letters, digits and blanks only.
            let value = HeaderValue::from_maybe_shared(text)
                .unwrap_or_else(|_| HeaderValue::from_static(""));
            latest.insert((second, value)).1.clone()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_text() {
        let at = |millis| date(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(784_111_778_000), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
