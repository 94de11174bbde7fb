//! Which proxy leads to which server, by the variables of an environment, as curl reads them.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;

use super::dial::UrlError;
use super::proxy::Proxy;

/// Proxies for all servers, or for some.
///
/// ```
/// use sio_core::client::Proxies;
///
/// let variables = [("https_proxy", "http://proxy:3128"), ("NO_PROXY", "localhost,.example.com,10.0.0.0/8")];
/// let get = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
/// let proxies = Proxies::from_variables(get).unwrap();
/// assert_eq!(proxies.find(true, "example.org").unwrap().host(), "proxy");
/// assert_eq!(proxies.find(false, "example.org"), None, "not over TLS");
/// assert_eq!(proxies.find(true, "chat.example.com"), None);
/// assert_eq!(proxies.find(true, "10.1.2.3"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Proxies {
    plain: Option<Proxy>,
    secure: Option<Proxy>,
    direct: Vec<Direct>,
}

/// Who is reached without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Direct {
    Everybody,
    /// This name, and all below it.
    Name(String),
    /// Addresses whose first bits are those, as addresses of IPv6: the address, and how many bits.
    Network(bool, u128, u32),
}

/// A variable of the environment names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyVariableError {
    /// Which.
    pub name: &'static str,
    /// What is wrong with its value.
    pub why: UrlError,
}

impl Proxies {
    /// This one, for all servers.
    pub fn always(proxy: Proxy) -> Self {
        Self {
            plain: Some(proxy.clone()),
            secure: Some(proxy),
            direct: Vec::new(),
        }
    }

    /// Those that variables name, which `get` gives by their names. An empty one is none.
    ///
    /// Servers without TLS are reached through `http_proxy`, or else `HTTP_PROXY`; those with TLS through `https_proxy`
    /// or else `HTTPS_PROXY`; and both through `all_proxy` or else `ALL_PROXY`, where there is none for them. A value
    /// is a proxy's URL ([`Proxy::parse`]), `http` without a scheme, with the port 1080 without one. `HTTP_PROXY` in
    /// capitals does not count where `REQUEST_METHOD` is there: that is a CGI program, whose variables of such names
    /// are what its client has sent. (curl takes it for that everywhere.)
    ///
    /// `no_proxy`, or else `NO_PROXY`, lists who is reached directly, with commas or spaces between: a name stands for
    /// itself and for all names below it, with a dot before it or without; an address, or a network as in
    /// `10.0.0.0/8`, for addresses; and `*`, alone, for everybody.
    ///
    /// # Errors
    /// The first variable that counts and names no proxy.
    pub fn from_variables(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProxyVariableError> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let first = |names: &[&'static str]| {
            let found = names.iter().find_map(|name| Some((*name, get(name)?)));
            found.map(|(name, value)| read(name, &value)).transpose()
        };
        let is_cgi = get("REQUEST_METHOD").is_some();
        let plain: &[&str] = match is_cgi {
            true => &["http_proxy", "all_proxy", "ALL_PROXY"],
            false => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let direct = get("no_proxy").or_else(|| get("NO_PROXY"));
        Ok(Self {
            plain: first(plain)?,
            secure: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            direct: direct.as_deref().map(list).unwrap_or_default(),
        })
    }

    /// The one through which a server is reached: over TLS or not, by its name or address (of IPv6 without brackets).
    pub fn find(&self, secure: bool, host: &str) -> Option<&Proxy> {
        let proxy = match secure {
            true => self.secure.as_ref(),
            false => self.plain.as_ref(),
        };
        proxy.filter(|_| !self.direct.iter().any(|it| it.has(host)))
    }
}

fn read(name: &'static str, value: &str) -> Result<Proxy, ProxyVariableError> {
    let proxy = match value.contains("://") {
        true => Proxy::parse_or_port(value, PORT),
        false => Proxy::parse_or_port(&format!("http://{value}"), PORT),
    };
    proxy.map_err(|why| ProxyVariableError { name, why })
}

/// The port of a proxy that has none, whatever its scheme.
const PORT: u16 = 1080;

fn list(text: &str) -> Vec<Direct> {
    if text == "*" {
        return vec![Direct::Everybody];
    }
    let all = text.split([',', ' ', '\t']).filter(|it| !it.is_empty());
    all.filter_map(Direct::read).collect()
}

impl Direct {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits: u32 = bits.unwrap_or(all);
            let (is_four, number) = number(address);
            return (bits <= all).then_some(Self::Network(is_four, number, bits));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Self::Name(name.to_ascii_lowercase()))
    }

    fn has(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().map(number);
        match (self, address) {
            (Self::Everybody, _) => true,
            (Self::Name(name), Err(_)) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                let above = host.strip_suffix(&**name);
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Self::Network(is_four, network, bits), Ok((four, address))) => {
                let all: u32 = if four { 32 } else { 128 };
                let rest = all.saturating_sub(*bits);
                *is_four == four && (network ^ address).checked_shr(rest).unwrap_or(0) == 0
            }
            (Self::Name(_), Ok(_)) | (Self::Network(..), Err(_)) => false,
        }
    }
}

/// An address as a number, and whether it is one of IPv4.
fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(four) => (true, u128::from(u32::from(four))),
        IpAddr::V6(six) => (false, u128::from(Ipv6Addr::from(six.octets()))),
    }
}

impl fmt::Display for ProxyVariableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, why } = self;
        match why {
            UrlError::Scheme => write!(f, "{name}: its scheme is none of http, socks5, socks5h"),
            UrlError::Malformed => write!(f, "{name}: {why}"),
        }
    }
}

impl std::error::Error for ProxyVariableError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyVariableError> {
        Proxies::from_variables(|name| {
            let mut all = variables.iter();
            all.find(|it| it.0 == name).map(|it| it.1.to_owned())
        })
    }

    /// Host and port of the proxies for a server without TLS and one with it.
    fn both(variables: &[(&str, &str)]) -> [Option<(String, u16)>; 2] {
        let proxies = proxies(variables).unwrap();
        [false, true].map(|secure| {
            let proxy = proxies.find(secure, "server.example");
            proxy.map(|it| (it.host().to_owned(), it.port()))
        })
    }

    #[test]
    fn the_first_variable_that_is_there_counts() {
        let at = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(both(&[]), [None, None]);
        assert_eq!(both(&[("http_proxy", "http://a:1")]), [at("a", 1), None]);
        assert_eq!(both(&[("https_proxy", "http://a:1")]), [None, at("a", 1)]);
        assert_eq!(both(&[("HTTPS_PROXY", "http://a:1")]), [None, at("a", 1)]);
        assert_eq!(
            both(&[("all_proxy", "socks5://a"), ("https_proxy", "b")]),
            [at("a", 1080), at("b", 1080)]
        );
        // One that is empty is none.
        assert_eq!(
            both(&[("http_proxy", ""), ("ALL_PROXY", "a:7")]),
            [at("a", 7), at("a", 7)]
        );
        assert_eq!(
            both(&[("https_proxy", "http://a"), ("HTTPS_PROXY", "http://b")]),
            [None, at("a", 1080)]
        );
        let header = ("HTTP_PROXY", "http://a:1");
        assert_eq!(both(&[header]), [at("a", 1), None]);
        assert_eq!(both(&[header, ("REQUEST_METHOD", "GET")]), [None, None]);
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_told() {
        for (value, why) in [
            ("https://a", UrlError::Scheme),
            ("socks4://a", UrlError::Scheme),
            ("http://", UrlError::Malformed),
        ] {
            let error = proxies(&[("ALL_PROXY", value)]).unwrap_err();
            let name = "ALL_PROXY";
            assert_eq!(error, ProxyVariableError { name, why }, "{value}");
        }
        // What does not count is not looked at.
        let unused = [
            ("https_proxy", "a"),
            ("http_proxy", "a"),
            ("all_proxy", "x://"),
        ];
        assert!(proxies(&unused).is_ok());
    }

    #[test]
    fn some_are_reached_directly() {
        for (list, host, direct) in [
            ("*", "any.example", true),
            ("*,other", "any.example", false),
            ("*.example", "any.example", false),
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com.", true),
            ("example.com", "www.example.com", true),
            ("example.com", "nonexample.com", false),
            (".example.com", "example.com", true),
            ("example.com.", "www.example.com", true),
            ("www.example.com", "example.com", false),
            ("a, b\tc", "c", true),
            ("a,,b", "b", true),
            (",", "b", false),
            (".", "b", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.1", "127.0.0.1", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("10.0.0.0/x", "10.0.0.0", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("::1", "::2", false),
            ("fe80::/10", "fe81::7", true),
            ("fe80::/10", "ff80::7", false),
            ("::/0", "ff80::7", true),
            ("::/129", "ff80::7", false),
        ] {
            let variables = [("all_proxy", "proxy"), ("no_proxy", list)];
            let proxies = proxies(&variables).unwrap();
            assert_eq!(proxies.find(false, host), proxies.find(true, host));
            assert_eq!(proxies.find(true, host).is_none(), direct, "{list} {host}");
        }
        let both = [("all_proxy", "p"), ("no_proxy", "a"), ("NO_PROXY", "b")];
        let proxies = proxies(&both).unwrap();
        assert!(proxies.find(true, "a").is_none() && proxies.find(true, "b").is_some());
    }

    #[test]
    fn one_may_be_for_all() {
        let proxy = Proxy::parse("http://u:p@proxy:9").unwrap();
        let proxies = Proxies::always(proxy.clone());
        for host in ["localhost", "::1", "example.com"] {
            assert_eq!(proxies.find(true, host), Some(&proxy));
            assert_eq!(proxies.find(false, host), Some(&proxy));
        }
    }

    #[test]
    fn what_is_wrong_with_a_variable_is_told_in_words() {
        let why = |value| proxies(&[("https_proxy", value)]).unwrap_err().to_string();
        let scheme = "https_proxy: its scheme is none of http, socks5, socks5h";
        assert_eq!(why("ftp://a.example"), scheme);
        assert_eq!(why("http://a b"), "https_proxy: not a URL with a host");
    }
}
