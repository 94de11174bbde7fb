//! Which sites may talk to us (§25.4).

use ::http::HeaderMap;
use ::http::header::{COOKIE, ORIGIN, REFERER};
use ::http::request::Parts;

use super::{Ambiguous, host, single};
use crate::config::{AllowedOrigins, Site, default_port, split_port};

impl AllowedOrigins {
    /// Whether a request with this `Origin`, for this host, may pass.
    pub(crate) fn allows(&self, origin: &str, wanted: Option<Wanted<'_>>) -> bool {
        match self {
            Self::Any => true,
            Self::SameOrigin => is_same(origin, wanted),
            Self::List(patterns) => Site::read(origin)
                .is_some_and(|site| patterns.iter().any(|pattern| pattern.matches(site))),
            Self::Check(check) => check.allows(origin),
        }
    }
}

/// The host that a client has asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    host: &'a str,
    /// By which scheme, if somebody said that: a proxy.
    scheme: Option<&'a str>,
}

impl<'a> From<&'a str> for Wanted<'a> {
    fn from(host: &'a str) -> Self {
        Self { host, scheme: None }
    }
}

impl<'a> Wanted<'a> {
    /// What a request says of it; if `forwarded`, before that what a proxy says.
    pub(crate) fn of(head: &'a Parts, forwarded: bool) -> Result<Option<Self>, Ambiguous> {
        // Of several proxies the first has spoken with the client.
        let told = |name: &str| -> Result<Option<&'a str>, Ambiguous> {
            let first = single(&head.headers, name)?.and_then(|all| all.split(',').next());
            Ok(first.map(str::trim).filter(|it| !it.is_empty()))
        };
        if !forwarded {
            return Ok(host(head)?.map(Self::from));
        }
        let scheme = told("x-forwarded-proto")?;
        let host = match told("x-forwarded-host")? {
            Some(host) => Some(host),
            None => host(head)?,
        };
        Ok(host.map(|host| Self { host, scheme }))
    }
}

/// Whether a request comes from a page of another site, and brings cookies along: what a server that
/// takes any origin should be warned about. `forwarded`: whether it is asked for by what a proxy says
/// ([`Config::trust_forwarded_host`](crate::config::Config::trust_forwarded_host)).
pub fn is_cross_origin(head: &Parts, forwarded: bool) -> bool {
    let Ok(Some(origin)) = single(&head.headers, ORIGIN) else {
        return false;
    };
    let wanted = Wanted::of(head, forwarded).ok().flatten();
    head.headers.contains_key(COOKIE) && !is_same(origin, wanted)
}

/// What a request says of the page it comes from: its `Origin`, else its `Referer`, reduced to an origin.
/// `None` if it says nothing.
///
/// `null` stays what it is: the browser says so of pages that are to act for no site, and their `Referer`
/// may name the very site that has shut them into a sandbox.
pub fn asking_site(headers: &HeaderMap) -> Option<&str> {
    let said = |name| single(headers, name).ok().flatten();
    said(ORIGIN).or_else(|| {
        let page = said(REFERER)?;
        let host = page.find("://")?.saturating_add(3);
        let end = page.get(host..)?.find(['/', '?', '#']);
        page.get(..end.map_or(page.len(), |end| host.saturating_add(end)))
    })
}

fn is_same(origin: &str, wanted: Option<Wanted<'_>>) -> bool {
    let (Some(site), Some(Wanted { host, scheme })) = (Site::read(origin), wanted) else {
        return false;
    };
    let (name, port) = split_port(host);
    let port = match port {
        // `Host` does not say by which scheme: by that of the page, then.
        None => Some(default_port(scheme.unwrap_or(site.scheme))),
        Some(port) => port.parse().ok(),
    };
    let encrypted = |scheme| default_port(scheme) == default_port("https");
    site.host.eq_ignore_ascii_case(name)
        && port == Some(site.port)
        && scheme.is_none_or(|scheme| encrypted(scheme) == encrypted(site.scheme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origins;

    fn allows(entries: &[&str], origin: &str) -> bool {
        let origins = Origins::list(entries.iter().copied());
        AllowedOrigins::new(&origins).unwrap().allows(origin, None)
    }

    #[test]
    fn whole_entries_are_compared() {
        assert!(allows(&["https://a.example"], "https://a.example"));
        assert!(allows(&["https://a.example"], "HTTPS://A.example:443"));
        assert!(allows(&["http://a.example:80"], "http://a.example"));
        assert!(!allows(&["https://a.example"], "http://a.example"));
        assert!(!allows(&["https://a.example"], "https://a.example:8443"));
        assert!(!allows(&["https://a.example"], "https://a.example.evil"));
        assert!(!allows(&["https://a.example"], "https://evila.example"));
        // The reference's substring search lets this one in.
        assert!(!allows(&["http://a.example:80"], "file://"));
        assert!(!allows(&["http://a.example:80"], "null"));
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(allows(&["a.example:*"], "https://a.example:8443"));
        assert!(!allows(&["a.example:*"], "https://b.example"));
        assert!(allows(&["*:443"], "https://b.example"));
        assert!(!allows(&["*:443"], "http://b.example"));
        assert!(allows(&["*:*"], "http://[::1]:9000"));
        assert!(allows(&["[::1]:9000"], "http://[::1]:9000"));
    }

    #[test]
    fn a_page_is_known_by_its_origin_or_its_referer() {
        let site = |said: &[(::http::HeaderName, &'static str)]| {
            let pairs = said
                .iter()
                .map(|(name, value)| (name.clone(), ::http::HeaderValue::from_static(value)));
            let headers: HeaderMap = pairs.collect();
            asking_site(&headers).map(str::to_owned)
        };
        let page = (REFERER, "https://a.example:8443/x?y=http://b.example/");
        assert_eq!(site(&[]), None);
        assert_eq!(
            site(std::slice::from_ref(&page)).unwrap(),
            "https://a.example:8443"
        );
        assert_eq!(
            site(&[(REFERER, "http://a.example")]).unwrap(),
            "http://a.example"
        );
        assert_eq!(site(&[(REFERER, "about:blank")]), None);
        assert_eq!(
            site(&[(ORIGIN, "http://c.example"), page.clone()]).unwrap(),
            "http://c.example"
        );
        assert_eq!(site(&[(ORIGIN, "null"), page]).unwrap(), "null");
    }

    #[test]
    fn a_page_of_the_host_itself_is_of_the_same_origin() {
        let same = AllowedOrigins::new(&Origins::same_origin()).unwrap();
        let allows = |origin, host: &'static str| same.allows(origin, Some(host.into()));
        assert!(allows("http://a.example", "a.example"));
        assert!(allows("https://a.example", "a.example:443"));
        assert!(allows("http://localhost:3000", "localhost:3000"));
        assert!(!allows("http://localhost:3000", "localhost:3001"));
        assert!(!allows("http://b.example", "a.example"));
        assert!(!allows("null", "a.example"));
        assert!(!same.allows("http://a.example", None));
    }

    #[test]
    fn a_scheme_says_the_port() {
        // faults: F5
        let same = AllowedOrigins::new(&Origins::same_origin()).unwrap();
        for (secure, plain) in [("https", "http"), ("wss", "ws"), ("WSS", "WS")] {
            let (secure, plain) = (
                &format!("{secure}://a.example"),
                &format!("{plain}://a.example"),
            );
            let allows = |origin, host: &'static str| same.allows(origin, Some(host.into()));
            assert!(allows(secure, "a.example:443"));
            assert!(!allows(secure, "a.example:80"));
            assert!(allows(plain, "a.example:80"));
            assert!(!allows(plain, "a.example:443"));
            assert!(allows(plain, "a.example") && allows(secure, "a.example"));
        }
        assert!(allows_one("wss://a.example:443", "wss://a.example"));
        assert!(allows_one("*:443", "wss://a.example"));
        assert!(!allows_one("*:80", "wss://a.example"));
    }

    fn allows_one(entry: &str, origin: &str) -> bool {
        allows(&[entry], origin)
    }

    #[test]
    fn what_a_proxy_says_counts_where_it_is_trusted() {
        // faults: F5
        let same = AllowedOrigins::new(&Origins::same_origin()).unwrap();
        let allows = |origin: &str, forwarded, said: &[(&'static str, &str)]| {
            let mut request = ::http::Request::get("/").header("host", "10.0.0.7:3000");
            for (name, value) in said {
                request = request.header(*name, *value);
            }
            let head = request.body(()).unwrap().into_parts().0;
            Wanted::of(&head, forwarded).map(|wanted| same.allows(origin, wanted))
        };
        let (host, proto) = ("x-forwarded-host", "x-forwarded-proto");
        let said = [(host, "app.example"), (proto, "https")];
        assert_eq!(allows("https://app.example", true, &said), Ok(true));
        assert_eq!(allows("https://app.example", false, &said), Ok(false));
        assert_eq!(allows("http://app.example", true, &said), Ok(false));
        assert_eq!(allows("http://app.example:443", true, &said), Ok(false));
        assert_eq!(allows("https://b.example", true, &said), Ok(false));
        let chain = [(host, "app.example:8443, inner"), (proto, "https,http")];
        assert_eq!(allows("wss://app.example:8443", true, &chain), Ok(true));
        // Where it says nothing, the request counts.
        assert_eq!(
            allows("http://10.0.0.7:3000", true, &[(host, "")]),
            Ok(true)
        );
        let twice = [(host, "app.example"), (host, "b.example")];
        assert_eq!(allows("https://app.example", true, &twice), Err(Ambiguous));
    }

    #[test]
    fn a_page_of_another_site_that_brings_cookies_is_told_of() {
        let head = |headers: &[(&str, &str)]| {
            let mut request = ::http::Request::builder().uri("/socket.io/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap().into_parts().0
        };
        let (host, cookie) = (("host", "a.example"), ("cookie", "id=7"));
        let own = ("origin", "https://a.example");
        let other = ("origin", "https://b.example");
        for (headers, is_cross) in [
            (&[host, cookie, other][..], true),
            (&[host, cookie, own], false),
            (&[host, other], false),
            (&[host, cookie], false),
            (&[cookie, own], true),
            (&[host, cookie, own, other], false),
            (&[host, cookie, ("origin", "null")], true),
        ] {
            assert_eq!(
                is_cross_origin(&head(headers), false),
                is_cross,
                "{headers:?}"
            );
        }
        let proxied = head(&[
            ("host", "inside"),
            ("x-forwarded-host", "a.example"),
            cookie,
            own,
        ]);
        assert!(is_cross_origin(&proxied, false));
        assert!(!is_cross_origin(&proxied, true));
    }
}
