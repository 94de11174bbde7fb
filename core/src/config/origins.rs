//! Which sites may talk to us (§25.4).

use std::fmt;
use std::sync::Arc;

use super::ConfigError;

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
pub(crate) enum AllowedOrigins {
    Any,
    SameOrigin,
    List(Box<[Pattern]>),
    Check(OriginCheck),
}

impl AllowedOrigins {
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
}

/// The port where none is named: 443 for what is encrypted (`https`, `wss`), else 80.
pub(crate) fn default_port(scheme: &str) -> u16 {
    let is = |name| scheme.eq_ignore_ascii_case(name);
    if is("https") || is("wss") { 443 } else { 80 }
}

/// An origin as a browser writes it.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl<'a> Site<'a> {
    pub(crate) fn read(origin: &'a str) -> Option<Self> {
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

    pub(crate) fn matches(&self, site: Site<'_>) -> bool {
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
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
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
            let error = AllowedOrigins::new(&Origins::list([entry])).unwrap_err();
            assert_eq!(error, ConfigError::Origin(entry.into()));
        }
    }

    #[test]
    fn origins_are_written_as_text() {
        let any = |origins: Origins| matches!(origins, Origins::Any);
        assert!(any("*".into()) && any("*:*".into()) && any(Origins::default()));
        for origins in [
            Origins::from("https://a.example  *:443"),
            ["https://a.example", "*:443"].into(),
            vec!["https://a.example".to_owned(), "*:443".to_owned()].into(),
        ] {
            let Origins::List(entries) = origins else {
                panic!("{origins:?}")
            };
            assert_eq!(entries, ["https://a.example", "*:443"]);
        }
    }

    #[test]
    fn a_function_decides() {
        let check = OriginCheck::new(|origin| origin.ends_with(".example"));
        assert!(check.allows("https://a.example"));
        assert!(!check.allows("https://a.elsewhere"));
        assert_eq!(format!("{check:?}"), "OriginCheck(..)");
        let origins = Origins::check(|origin| origin == "null");
        let allowed = AllowedOrigins::new(&origins).unwrap();
        assert!(allowed.allows("null", None));
        assert!(!allowed.allows("https://a.example", None));
    }
}
