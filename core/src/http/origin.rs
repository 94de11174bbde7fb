//! Which sites may talk to us (§25.4).

use std::fmt;
use std::sync::Arc;

use ::http::HeaderMap;
use ::http::header::{COOKIE, ORIGIN, REFERER};
use ::http::request::Parts;

use super::{Ambiguous, host, single};
use crate::config::ConfigError;

/// The sites whose pages may connect. A request that names another in its `Origin` is refused with 403,
/// on polling and WebSocket alike (the reference refuses upgrades with 400, §29); one without `Origin` does
/// not come from a page, and passes. JSONP does come from a page without one: there its `Referer` counts,
/// and none is refused.
///
/// CORS is something else: it lets a browser show answers to scripts, and does not cover WebSocket.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Origins {
    /// All of them, as 2.x has it. Then any site's page can use this server with its visitor's cookies.
    #[default]
    Any,
    /// Only pages that were loaded from the host that the request is for.
    SameOrigin,
    /// The listed ones: `https://a.example`, `https://a.example:8443`, `a.example:443`, `a.example:*`,
    /// `*:443`, `*:*`. Entries are compared as a whole.
    List(Vec<String>),
    /// Whatever a function says about the text of the header.
    Check(OriginCheck),
}

impl From<&str> for Origins {
    /// One entry of a [list](Self::List), or several with blanks between; `*` is [`Origins::Any`].
    fn from(entries: &str) -> Self {
        match entries {
            "*" | "*:*" => Self::Any,
            _ => Self::list(entries.split_whitespace()),
        }
    }
}

impl<const N: usize> From<[&str; N]> for Origins {
    fn from(entries: [&str; N]) -> Self {
        Self::list(entries)
    }
}

impl From<Vec<String>> for Origins {
    fn from(entries: Vec<String>) -> Self {
        Self::List(entries)
    }
}

impl Origins {
    /// All of them; see [`Origins::Any`].
    pub const fn any() -> Self {
        Self::Any
    }

    /// Only pages that were loaded from the host that the request is for. Right for most servers.
    pub const fn same_origin() -> Self {
        Self::SameOrigin
    }

    /// Only the listed ones; see [`Origins::List`].
    pub fn list(entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(entries.into_iter().map(Into::into).collect())
    }

    /// Those that `check` says yes to. It sees the text of the `Origin` header.
    pub fn check(check: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Check(OriginCheck::new(check))
    }
}

/// A function that decides about an origin.
#[derive(Clone)]
pub struct OriginCheck(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl OriginCheck {
    /// Says yes where the function does.
    pub fn new(check: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// What it says about an origin.
    pub fn allows(&self, origin: &str) -> bool {
        (self.0)(origin)
    }
}

impl fmt::Debug for OriginCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginCheck(..)")
    }
}

/// [`Origins`], read.
#[derive(Clone, Debug)]
pub(crate) enum Allowed {
    Any,
    SameOrigin,
    List(Box<[Pattern]>),
    Check(OriginCheck),
}

impl Allowed {
    pub(crate) fn new(origins: &Origins) -> Result<Self, ConfigError> {
        Ok(match origins {
            Origins::Any => Self::Any,
            Origins::SameOrigin => Self::SameOrigin,
            Origins::List(entries) => Self::List(
                entries
                    .iter()
                    .map(|entry| {
                        Pattern::read(entry).ok_or_else(|| ConfigError::Origin(entry.clone()))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Origins::Check(check) => Self::Check(check.clone()),
        })
    }

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

/// The port where none is named: 443 for what is encrypted (`https`, `wss`), else 80.
fn default_port(scheme: &str) -> u16 {
    let is = |name| scheme.eq_ignore_ascii_case(name);
    if is("https") || is("wss") { 443 } else { 80 }
}

/// An origin as a browser writes it.
#[derive(Clone, Copy)]
struct Site<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
}

impl<'a> Site<'a> {
    fn read(origin: &'a str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let (host, port) = split_port(rest);
        let site = Self {
            scheme,
            host,
            port: match port {
                None => default_port(scheme),
                Some(port) => port.parse().ok()?,
            },
        };
        (!host.is_empty() && !host.contains(['/', '?', '#', '@'])).then_some(site)
    }
}

/// An entry of a list. `None` stands for anything.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    scheme: Option<Box<str>>,
    host: Option<Box<str>>,
    port: Option<u16>,
}

impl Pattern {
    fn read(entry: &str) -> Option<Self> {
        if let Some(site) = Site::read(entry) {
            return Some(Self {
                scheme: Some(site.scheme.into()),
                host: Some(site.host.into()),
                port: Some(site.port),
            });
        }
        let (host, port) = split_port(entry);
        let usable = !host.is_empty() && !host.contains(['/', '?', '#', '@']);
        Some(Self {
            scheme: None,
            host: (host != "*").then(|| host.into()),
            port: match port? {
                "*" => None,
                port => Some(port.parse().ok()?),
            },
        })
        .filter(|_| usable)
    }

    fn matches(&self, site: Site<'_>) -> bool {
        let same = |mine: &Option<Box<str>>, theirs: &str| {
            mine.as_deref()
                .is_none_or(|mine| mine.eq_ignore_ascii_case(theirs))
        };
        same(&self.scheme, site.scheme)
            && same(&self.host, site.host)
            && self.port.is_none_or(|port| port == site.port)
    }
}

/// Host and port of `host:port`, `host`, `[::1]:port`.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port))
            if !port.contains(']') && (!host.contains(':') || host.ends_with(']')) =>
        {
            (host, Some(port))
        }
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entries: &[&str], origin: &str) -> bool {
        let origins = Origins::list(entries.iter().copied());
        Allowed::new(&origins).unwrap().allows(origin, None)
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
    fn an_entry_that_never_matches_is_an_error() {
        for entry in [
            "a.example",
            "",
            "https://",
            "a.example:x",
            "https://a.example/path",
            "*",
        ] {
            let error = Allowed::new(&Origins::list([entry])).unwrap_err();
            assert_eq!(error, ConfigError::Origin(entry.into()));
        }
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
        let same = Allowed::new(&Origins::same_origin()).unwrap();
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
        let same = Allowed::new(&Origins::same_origin()).unwrap();
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
        let same = Allowed::new(&Origins::same_origin()).unwrap();
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
}
