//! The cookies of a client: what its server has set goes back to it (RFC 6265). A balancer that finds its node
//! by one finds it again after a reconnection, too.

use std::num::{IntErrorKind, ParseIntError};
use std::time::Duration;

use http::Request;
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use http::uri::{Authority, Scheme};

use super::dial::Dial;
use crate::deadline::after;
use crate::time::Instant;

/// Cookies by their names, in the order in which they came. Each goes back to the server that has set it, and to no
/// other that is dialled in its place: domains and paths mean nothing here.
#[derive(Clone, Debug, Hash)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
    most: usize,
}

#[derive(Clone, Debug, Hash)]
struct Cookie {
    scheme: Scheme,
    authority: Authority,
    name: String,
    value: String,
    /// When it is good no more.
    until: Option<Instant>,
}

impl Jar {
    /// An empty jar for so many.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            cookies: Vec::new(),
            most,
        }
    }

    /// Takes what a response of a server sets. `wall` is the time since 1970, if it is known.
    pub(super) fn store(
        &mut self,
        server: &Dial,
        headers: &HeaderMap,
        now: Instant,
        wall: Option<Duration>,
    ) {
        for header in headers.get_all(SET_COOKIE) {
            if let Ok(text) = header.to_str() {
                self.set(server, text, now, wall);
            }
        }
    }

    fn set(&mut self, server: &Dial, text: &str, now: Instant, wall: Option<Duration>) {
        let mut parts = text.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.len().saturating_add(value.len()) > LONGEST {
            return;
        }
        let (mut age, mut expires) = (None, None);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match (key.trim(), value.trim()) {
                (key, value) if key.eq_ignore_ascii_case("max-age") => {
                    age = Some(seconds(value));
                }
                (key, value) if key.eq_ignore_ascii_case("expires") => expires = date(value),
                _ => {}
            }
        }
        let left = age.or_else(|| Some(expires?.saturating_sub(wall?)));
        let Dial {
            scheme, authority, ..
        } = server;
        self.cookies
            .retain(|it| it.name != name || !it.is_of(scheme, authority));
        if left.is_some_and(|left| left.is_zero()) {
            return;
        }
        if self.cookies.len() >= self.most {
            self.cookies.remove(0);
        }
        self.cookies.push(Cookie {
            scheme: scheme.clone(),
            authority: authority.clone(),
            name: name.to_owned(),
            value: value.to_owned(),
            until: left.map(|left| after(now, left)),
        });
    }

    /// Adds those to a request that are good still, and of the server to which it goes.
    pub(super) fn apply<B>(&mut self, request: &mut Request<B>, now: Instant) {
        self.cookies
            .retain(|cookie| cookie.until.is_none_or(|until| until > now));
        let (Some(scheme), Some(authority)) = (request.uri().scheme(), request.uri().authority())
        else {
            return;
        };
        let headers = request.headers();
        let own = headers.get(COOKIE).and_then(|own| own.to_str().ok());
        let mut all = own.unwrap_or_default().to_owned();
        let before = all.len();
        for cookie in &self.cookies {
            if !cookie.is_of(scheme, authority) {
                continue;
            }
            if !all.is_empty() {
                all.push_str("; ");
            }
            all.push_str(&cookie.name);
            all.push('=');
            all.push_str(&cookie.value);
        }
        if all.len() > before
            && let Ok(value) = HeaderValue::try_from(all)
        {
            request.headers_mut().insert(COOKIE, value);
        }
    }
}

impl Cookie {
    fn is_of(&self, scheme: &Scheme, authority: &Authority) -> bool {
        self.scheme == *scheme && self.authority == *authority
    }
}

/// An age of so many seconds. More than can be counted is for ever; what cannot be read is as good as over.
fn seconds(text: &str) -> Duration {
    let seconds = text.parse().unwrap_or_else(|why: ParseIntError| {
        match *why.kind() == IntErrorKind::PosOverflow {
            true => u64::MAX,
            false => 0,
        }
    });
    Duration::from_secs(seconds)
}

/// Bytes of a cookie's name and value.
const LONGEST: usize = 4096;

/// A date as cookies have it (RFC 6265 §5.1.1), as the time since 1970; nothing, if it is no date. What was
/// before 1970 counts as its beginning.
fn date(text: &str) -> Option<Duration> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':');
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = clock(token);
        } else if day.is_none() && (1..=2).contains(&token.len()) && token.parse::<u64>().is_ok() {
            day = token.parse::<u64>().ok();
        } else if month.is_none()
            && let Some(at) = MONTHS.iter().position(|it| is_prefix(it, token))
        {
            month = u64::try_from(at).ok();
        } else if year.is_none() && (2..=4).contains(&token.len()) {
            year = token.parse::<u64>().ok().map(|year| match year {
                0..70 => year.saturating_add(2000),
                70..100 => year.saturating_add(1900),
                year => year,
            });
        }
    }
    let (day, month, year) = (day?, month?, year?);
    if !(1..=31).contains(&day) || year < 1601 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let seconds = days.checked_mul(24 * 3600)?.checked_add(time?)?;
    Some(Duration::from_secs(seconds))
}

/// Hours, minutes and seconds of a day, in seconds.
fn clock(token: &str) -> Option<u64> {
    let mut parts = token.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = hours < 24 && minutes < 60 && seconds < 60;
    fits.then(|| {
        let minutes = hours.saturating_mul(60).saturating_add(minutes);
        minutes.saturating_mul(60).saturating_add(seconds)
    })
}

fn is_prefix(month: &str, token: &str) -> bool {
    token
        .get(..3)
        .is_some_and(|token| token.eq_ignore_ascii_case(month))
}

/// Days from the beginning of 1970 to a day, by Neri and Schneider; `month` is counted from 0.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    // A year begins with March here, so that the leap day is its last.
    let (year, month) = match month {
        0 | 1 => (year.checked_sub(1)?, month.checked_add(10)?),
        month => (year, month.checked_sub(2)?),
    };
    let leaps = (year / 4)
        .checked_sub(year / 100)?
        .checked_add(year / 400)?;
    let before = year.checked_mul(365)?.checked_add(leaps)?;
    let months = month.checked_mul(153)?.checked_add(2)? / 5;
    let days = before.checked_add(months)?.checked_add(day)?;
    Some(days.saturating_sub(719_469))
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_nanos(5_000_000_000);

    fn server(url: &str) -> Dial {
        Dial::parse(url).unwrap().0
    }

    fn request(url: &'static str) -> Request<()> {
        Request::get(url).body(()).unwrap()
    }

    fn jar(set: &[&'static str]) -> Jar {
        let mut headers = HeaderMap::new();
        for text in set {
            headers.append(SET_COOKIE, HeaderValue::from_static(text));
        }
        let mut jar = Jar::new(3);
        // 2026-11-29 10:00:00
        let wall = Some(Duration::from_secs(1_795_946_400));
        jar.store(&server("http://h:3000/"), &headers, NOW, wall);
        jar
    }

    fn sent(jar: &mut Jar, now: Instant) -> String {
        sent_to("http://h:3000/socket.io/", jar, now)
    }

    fn sent_to(url: &'static str, jar: &mut Jar, now: Instant) -> String {
        let mut request = request(url);
        jar.apply(&mut request, now);
        let cookie = request.headers().get(COOKIE);
        cookie.map_or(String::new(), |it| it.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_was_set_goes_back() {
        let mut some = jar(&["a=1; Path=/; HttpOnly", "b = 2 ", "a=3", "c", "=4"]);
        assert_eq!(sent(&mut some, NOW), "b=2; a=3");
        let mut request = request("http://h:3000/");
        let own = HeaderValue::from_static("own=0");
        request.headers_mut().insert(COOKIE, own);
        some.apply(&mut request, NOW);
        assert_eq!(request.headers()[COOKIE], "own=0; b=2; a=3");
        assert_eq!(sent(&mut jar(&[]), NOW), "");
    }

    #[test]
    fn an_age_may_be_longer_than_can_be_counted() {
        let mut some = jar(&[
            "a=1; Max-Age=18446744073709551615",
            "b=2; Max-Age=18446744073709551616",
            "c=3; Max-Age=-18446744073709551616",
        ]);
        let century = Duration::from_secs(100 * 365 * 24 * 3600);
        assert_eq!(sent(&mut some, NOW + century), "a=1; b=2");
    }

    #[test]
    fn what_one_server_has_set_is_not_for_another() {
        let mut some = jar(&["a=1"]);
        some.set(&server("http://other/"), "a=2", NOW, None);
        assert_eq!(sent(&mut some, NOW), "a=1");
        assert_eq!(sent_to("http://other/", &mut some, NOW), "a=2");
        for url in ["http://h/", "https://h:3000/", "https://other/"] {
            assert_eq!(sent_to(url, &mut some, NOW), "", "{url}");
        }
    }

    #[test]
    fn what_is_over_does_not() {
        let mut some = jar(&[
            "a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "b=1; Expires=Sun, 29 Nov 2026 10:00:20 GMT",
            "c=1; Expires=Sun, 29 Nov 2026 10:00:00 GMT",
            "d=1",
            "d=1; max-age=0",
            "e=1; max-age=x",
        ]);
        let after = |seconds| NOW + Duration::from_secs(seconds);
        assert_eq!(sent(&mut some, NOW), "a=1; b=1");
        assert_eq!(sent(&mut some, after(9)), "a=1; b=1");
        assert_eq!(sent(&mut some, after(10)), "b=1");
        assert_eq!(sent(&mut some, after(20)), "");
    }

    #[test]
    fn at_its_limits_and_one_past_them() {
        assert_eq!(sent(&mut jar(&["a=1", "b=1", "c=1"]), NOW), "a=1; b=1; c=1");
        let mut four = jar(&["a=1", "b=1", "c=1", "d=1"]);
        assert_eq!(sent(&mut four, NOW), "b=1; c=1; d=1");
        for (length, kept) in [(LONGEST - 1, true), (LONGEST, false)] {
            let mut jar = Jar::new(3);
            let cookie = format!("a={}", "x".repeat(length));
            jar.set(&server("http://h/"), &cookie, NOW, None);
            assert_eq!(!jar.cookies.is_empty(), kept);
        }
    }

    #[test]
    fn dates_are_read_as_they_are_written_in_the_field() {
        let expected = Some(Duration::from_secs(784_111_777));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
        let leap = date("Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(leap, Some(Duration::from_secs(1_709_164_800)));
        for text in [
            "",
            "tomorrow",
            "Sun, 06 Nov 1994",
            "32 Nov 1994 08:49:37",
            "06 Nov 1994 24:00:00",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
