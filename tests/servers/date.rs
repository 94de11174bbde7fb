//! The present time, as JavaScript and as HTTP write it.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

struct Now {
    year: u64,
    /// From 0.
    month: usize,
    day: u64,
    /// From 0, Thursday, which the epoch began with.
    weekday: usize,
    clock: String,
    millis: u32,
}

fn now() -> Now {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (mut days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let weekday = usize::try_from(days % 7).unwrap_or_default();
    let mut year = 1970;
    while days >= year_length(year) {
        days -= year_length(year);
        year += 1;
    }
    let mut month = 0;
    while days >= month_length(year, month) {
        days -= month_length(year, month);
        month += 1;
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    Now {
        year,
        month,
        day: days + 1,
        weekday,
        clock: format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        millis: since.subsec_millis(),
    }
}

const fn year_length(year: u64) -> u64 {
    if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) {
        366
    } else {
        365
    }
}

const fn month_length(year: u64, month: usize) -> u64 {
    match month {
        1 => year_length(year) - 337,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// `2026-11-23T02:01:17.000Z`
pub(crate) fn iso() -> String {
    let now = now();
    let (month, millis) = (now.month + 1, now.millis);
    format!(
        "{:04}-{month:02}-{:02}T{}.{millis:03}Z",
        now.year, now.day, now.clock
    )
}

/// `Mon, 23 Nov 2026 02:01:17 GMT`
pub(crate) fn http() -> String {
    let now = now();
    let (weekday, month) = (DAYS[now.weekday], MONTHS[now.month]);
    format!(
        "{weekday}, {:02} {month} {:04} {} GMT",
        now.day, now.year, now.clock
    )
}
