//! Proxies on the way to a server: how they are asked for a tunnel, by HTTP (RFC 9110 §9.3.6) or SOCKS5 (RFC 1928,
//! RFC 1929).

use core::net::{IpAddr, SocketAddr};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;

use super::dial::UrlError;

/// A proxy, by its URL: `http://user:password@host:port`, `socks5://` (names are looked up here) or `socks5h://`
/// (names are looked up there). User and password are percent-encoded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Http,
    Socks { resolves: bool },
}

/// Where a tunnel is to lead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// To a name, which the proxy looks up, and a port.
    Name(String, u16),
    /// To an address.
    Address(SocketAddr),
}

/// A tunnel through a proxy, until it is there.
///
/// Write what [`poll_output`](Self::poll_output) gives, and hand in what is read by
/// [`handle_bytes`](Self::handle_bytes): no more than [`wants`](Self::wants) bytes at a time, so that nothing is
/// taken that is meant for whoever speaks through the tunnel.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tunnel {
    output: Vec<u8>,
    input: Vec<u8>,
    state: State,
    target: Target,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// The head of an HTTP response is awaited.
    Head,
    /// The method of authentication is awaited.
    Method,
    /// The word on user and password is awaited.
    Authentication,
    /// The reply to the request is awaited.
    Reply,
    Open,
    Refused,
}

/// Why there is no tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProxyRefused;

impl fmt::Display for ProxyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused by the proxy")
    }
}

impl std::error::Error for ProxyRefused {}

/// The longest head of a proxy's response.
const LONGEST_HEAD: usize = 8192;

impl Proxy {
    /// Reads the URL of a proxy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        Self::parse_or_port(url, 80)
    }

    /// The same with another port for one of HTTP that has none.
    pub(super) fn parse_or_port(url: &str, http: u16) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
        let (kind, usual) = match uri.scheme_str() {
            Some("http") => (Kind::Http, http),
            Some("socks5") => (Kind::Socks { resolves: false }, 1080),
            Some("socks5h") => (Kind::Socks { resolves: true }, 1080),
            Some(_) | None => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        let credentials = match authority.as_str().rsplit_once('@') {
            None => None,
            Some((said, _)) => {
                let (user, password) = said.split_once(':').unwrap_or((said, ""));
                let plain = |text| plain(text).ok_or(UrlError::Malformed);
                Some((plain(user)?, plain(password)?))
            }
        };
        let fits = |it: &(String, String)| it.0.len() <= 255 && it.1.len() <= 255;
        // Addresses of IPv6 are in brackets in URLs only.
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !credentials.as_ref().is_none_or(fits) || host.is_empty() {
            return Err(UrlError::Malformed);
        }
        Ok(Self {
            kind,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(usual),
            credentials,
        })
    }

    /// Its host; an address of IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether names are looked up by it, and not here.
    pub const fn resolves(&self) -> bool {
        match self.kind {
            Kind::Http => true,
            Kind::Socks { resolves } => resolves,
        }
    }

    /// Asks for a tunnel.
    pub fn tunnel(&self, target: Target) -> Tunnel {
        let credentials = self.credentials.clone();
        let (state, output) = match self.kind {
            Kind::Http => (State::Head, connect(&target, credentials.as_ref())),
            Kind::Socks { .. } => {
                let methods: &[u8] = match credentials {
                    None => &[5, 1, NONE],
                    Some(_) => &[5, 2, NONE, PASSWORD],
                };
                (State::Method, methods.to_vec())
            }
        };
        Tunnel {
            output,
            input: Vec::new(),
            state,
            target,
            credentials,
        }
    }
}

impl fmt::Debug for Proxy {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tunnel {
    /// Without what is said, in which the password may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("state", &self.state)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Methods of authentication (RFC 1928 §3).
const NONE: u8 = 0;
const PASSWORD: u8 = 2;

impl Tunnel {
    /// What is to be written next. Nothing: wait for more to read.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        let output = std::mem::take(&mut self.output);
        (!output.is_empty()).then_some(output)
    }

    /// Whether the tunnel is there.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// How many bytes are to be read next, at most.
    pub fn wants(&self) -> usize {
        let whole = match self.state {
            // One by one: what is behind the head is not ours.
            State::Head => return 1,
            State::Method | State::Authentication => 2,
            State::Reply => match *self.input {
                [_, _, _, 1, ..] => 4 + 4 + 2,
                [_, _, _, 4, ..] => 4 + 16 + 2,
                [_, _, _, 3, length, ..] => usize::from(length).saturating_add(5 + 2),
                [] | [_] | [_, _] | [_, _, _] | [_, _, _, _, ..] => 5,
            },
            State::Open | State::Refused => return 0,
        };
        whole.saturating_sub(self.input.len())
    }

    /// What was read.
    ///
    /// # Errors
    /// There will be no tunnel: it says no, or something that is no answer.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), ProxyRefused> {
        self.input.extend_from_slice(bytes);
        let outcome = match self.state {
            State::Head => self.head(),
            State::Method | State::Authentication | State::Reply if self.wants() > 0 => Ok(()),
            State::Method => self.method(),
            State::Authentication => self.authentication(),
            State::Reply => self.reply(),
            State::Open | State::Refused => Err(ProxyRefused),
        };
        if outcome.is_err() {
            self.state = State::Refused;
        }
        outcome
    }

    fn head(&mut self) -> Result<(), ProxyRefused> {
        if !self.input.ends_with(b"\r\n\r\n") {
            return match self.input.len() < LONGEST_HEAD {
                true => Ok(()),
                false => Err(ProxyRefused),
            };
        }
        // HTTP/1.x and a status of the kind that says yes.
        match *self.input {
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                b'1',
                b'.',
                b'0' | b'1',
                b' ',
                b'2',
                _,
                _,
                ..,
            ] => {
                self.open();
                Ok(())
            }
            _ => Err(ProxyRefused),
        }
    }

    fn method(&mut self) -> Result<(), ProxyRefused> {
        match (&*std::mem::take(&mut self.input), &self.credentials) {
            (&[5, NONE], _) => self.ask()?,
            (&[5, PASSWORD], Some((user, password))) => {
                self.output = vec![1];
                for text in [user, password] {
                    self.output.push(length(text)?);
                    self.output.extend_from_slice(text.as_bytes());
                }
                self.state = State::Authentication;
            }
            _ => return Err(ProxyRefused),
        }
        Ok(())
    }

    fn authentication(&mut self) -> Result<(), ProxyRefused> {
        match &*std::mem::take(&mut self.input) {
            [_, 0] => self.ask(),
            _ => Err(ProxyRefused),
        }
    }

    /// Asks for the connection (RFC 1928 §4).
    fn ask(&mut self) -> Result<(), ProxyRefused> {
        let mut output = vec![5, 1, 0];
        let port = match &self.target {
            Target::Name(name, port) => {
                // A name that does not fit is no host's.
                output.extend_from_slice(&[3, length(name)?]);
                output.extend_from_slice(name.as_bytes());
                *port
            }
            Target::Address(address) => {
                match address.ip() {
                    IpAddr::V4(four) => {
                        output.push(1);
                        output.extend_from_slice(&four.octets());
                    }
                    IpAddr::V6(six) => {
                        output.push(4);
                        output.extend_from_slice(&six.octets());
                    }
                }
                address.port()
            }
        };
        output.extend_from_slice(&port.to_be_bytes());
        self.output = output;
        self.state = State::Reply;
        Ok(())
    }

    fn reply(&mut self) -> Result<(), ProxyRefused> {
        match *self.input {
            [5, 0, _, 1 | 3 | 4, ..] => {
                self.open();
                Ok(())
            }
            _ => Err(ProxyRefused),
        }
    }

    fn open(&mut self) {
        self.input = Vec::new();
        self.credentials = None;
        self.state = State::Open;
    }
}

/// The request for a tunnel by HTTP.
fn connect(target: &Target, credentials: Option<&(String, String)>) -> Vec<u8> {
    let target = match target {
        Target::Name(name, port) => format!("{name}:{port}"),
        Target::Address(address) => address.to_string(),
    };
    let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some((user, password)) = credentials {
        let said = STANDARD.encode(format!("{user}:{password}"));
        head.push_str(&format!("Proxy-Authorization: Basic {said}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn length(text: &str) -> Result<u8, ProxyRefused> {
    u8::try_from(text.len()).map_err(|_| ProxyRefused)
}

/// A part of a URL without its escapes. `None`: they are none.
fn plain(text: &str) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        plain.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Target {
        Target::Name("example.com".to_owned(), 443)
    }

    /// Plays a conversation: what is written, and what is answered to it.
    fn play(url: &str, target: Target, steps: &[(&[u8], &[u8])]) -> Result<(), ProxyRefused> {
        let mut tunnel = Proxy::parse(url).unwrap().tunnel(target);
        for (said, answer) in steps {
            assert_eq!(tunnel.poll_output().as_deref(), Some(*said));
            let mut answer = *answer;
            while !answer.is_empty() && tunnel.wants() > 0 {
                // In the smallest pieces, and never more than it wants.
                let (first, rest) = answer.split_at(1);
                tunnel.handle_bytes(first)?;
                answer = rest;
            }
            assert_eq!(answer, b"", "more than it wants");
        }
        assert!(tunnel.is_open());
        assert_eq!((tunnel.poll_output(), tunnel.wants()), (None, 0));
        Ok(())
    }

    #[test]
    fn a_tunnel_by_http() {
        let asked = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
        let ok = b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n";
        assert_eq!(play("http://p:3128", name(), &[(asked, ok)]), Ok(()));
        for refused in [
            &b"HTTP/1.1 407 no\r\n\r\n"[..],
            b"SSH-2.0\r\n\r\n",
            b"\r\n\r\n",
        ] {
            assert_eq!(
                play("http://p", name(), &[(asked, refused)]),
                Err(ProxyRefused)
            );
        }
        let mut tunnel = Proxy::parse("http://a%40b:c%3Ad@p").unwrap().tunnel(name());
        let head = String::from_utf8(tunnel.poll_output().unwrap()).unwrap();
        assert!(
            head.contains("Proxy-Authorization: Basic YUBiOmM6ZA==\r\n"),
            "{head}"
        );
    }

    #[test]
    fn a_head_that_does_not_end_is_refused() {
        let mut tunnel = Proxy::parse("http://p").unwrap().tunnel(name());
        for _ in 1..LONGEST_HEAD {
            assert_eq!(tunnel.handle_bytes(b"x"), Ok(()));
        }
        assert_eq!(tunnel.handle_bytes(b"x"), Err(ProxyRefused));
        assert_eq!(tunnel.handle_bytes(b"x"), Err(ProxyRefused));
    }

    #[test]
    fn a_tunnel_by_socks() {
        let by_name = b"\x05\x01\0\x03\x0bexample.com\x01\xbb";
        let reply = b"\x05\0\0\x01\x7f\0\0\x01\0\x50";
        let steps: [(&[u8], &[u8]); 2] = [(b"\x05\x01\0", b"\x05\0"), (by_name, reply)];
        assert_eq!(play("socks5h://p", name(), &steps), Ok(()));

        let address = Target::Address("[::1]:80".parse().unwrap());
        let by_address = [&[5, 1, 0, 4][..], &[0; 15], &[1, 0, 80]].concat();
        let named = b"\x05\0\0\x03\x02ab\0\x50";
        let steps: [(&[u8], &[u8]); 3] = [
            (b"\x05\x02\0\x02", b"\x05\x02"),
            (b"\x01\x01u\x02pw", b"\x01\0"),
            (&by_address, named),
        ];
        assert_eq!(play("socks5://u:pw@p", address.clone(), &steps), Ok(()));

        let six = [&[5, 0, 0, 4][..], &[0; 18]].concat();
        let steps: [(&[u8], &[u8]); 2] = [(b"\x05\x01\0", b"\x05\0"), (&by_address, &six)];
        assert_eq!(play("socks5://p", address, &steps), Ok(()));
    }

    #[test]
    fn what_socks_refuses() {
        let url = "socks5h://u:p@p";
        let greeting: &[u8] = b"\x05\x02\0\x02";
        for no in [&b"\x05\xff"[..], b"\x04\0", b"\x05\x01"] {
            assert_eq!(play(url, name(), &[(greeting, no)]), Err(ProxyRefused));
        }
        // A password is told only to those who were given one.
        let asked: [(&[u8], &[u8]); 1] = [(b"\x05\x01\0", b"\x05\x02")];
        assert_eq!(play("socks5://p", name(), &asked), Err(ProxyRefused));
        let wrong: [(&[u8], &[u8]); 2] =
            [(greeting, b"\x05\x02"), (b"\x01\x01u\x01p", b"\x01\x01")];
        assert_eq!(play(url, name(), &wrong), Err(ProxyRefused));
        let ask: &[u8] = b"\x05\x01\0\x03\x0bexample.com\x01\xbb";
        for no in [&b"\x05\x05\0\x01\0\0\0\0\0\0"[..], b"\x05\0\0\x07\0"] {
            let steps: [(&[u8], &[u8]); 2] = [(greeting, b"\x05\0"), (ask, no)];
            assert_eq!(play(url, name(), &steps), Err(ProxyRefused));
        }
    }

    #[test]
    fn urls_of_proxies() {
        let read = |url| Proxy::parse(url).map(|it| (it.host, it.port, it.credentials));
        let host = || "h".to_owned();
        assert_eq!(read("http://h"), Ok((host(), 80, None)));
        assert_eq!(read("socks5://h"), Ok((host(), 1080, None)));
        let said = Some(("u".to_owned(), String::new()));
        assert_eq!(read("socks5h://u@h:9"), Ok((host(), 9, said)));
        let six = ("::1".to_owned(), 9, None);
        assert_eq!(read("socks5://[::1]:9"), Ok(six));
        assert_eq!(read("https://h"), Err(UrlError::Scheme));
        assert_eq!(read("h"), Err(UrlError::Scheme));
        assert_eq!(read("http://%zz@h"), Err(UrlError::Malformed));
        let long = format!("http://{}@h", "u".repeat(256));
        assert_eq!(read(&long), Err(UrlError::Malformed));
        let shown = format!("{:?}", Proxy::parse("http://u:secret@h").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_tunnel_shows_no_password() {
        for scheme in ["http", "socks5"] {
            let proxy = Proxy::parse(&format!("{scheme}://u:secret@h")).unwrap();
            let mut tunnel = proxy.tunnel(name());
            let first = format!("{tunnel:?}");
            tunnel.poll_output();
            if scheme == "socks5" {
                tunnel.handle_bytes(b"\x05\x02").unwrap();
            }
            // Neither as text nor as the bytes that are to be written.
            for shown in [first, format!("{tunnel:?}")] {
                assert!(shown.contains("example.com"), "{shown}");
                let bytes = format!("{:?}", b"secret");
                let bytes = bytes.trim_matches(['[', ']']);
                assert!(
                    !shown.contains("secret") && !shown.contains(bytes),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn names_that_socks_cannot_carry_are_not_asked_for() {
        for (length, outcome) in [(255, Ok(())), (256, Err(ProxyRefused))] {
            let target = Target::Name("x".repeat(length), 80);
            let mut tunnel = Proxy::parse("socks5h://p").unwrap().tunnel(target);
            tunnel.poll_output();
            assert_eq!(tunnel.handle_bytes(b"\x05\0"), outcome);
            let asked = tunnel.poll_output().map(|it| it.len());
            assert_eq!(asked, outcome.ok().map(|()| 4 + 1 + length + 2));
        }
    }

    #[test]
    fn an_address_is_asked_for_in_its_own_form() {
        let four: SocketAddr = "192.0.2.7:443".parse().unwrap();
        play(
            "socks5://proxy.example",
            Target::Address(four),
            &[
                (&[5, 1, 0], &[5, 0]),
                (
                    &[5, 1, 0, 1, 192, 0, 2, 7, 1, 187],
                    &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
                ),
            ],
        )
        .unwrap();
        let six: SocketAddr = "[2001:db8::7]:443".parse().unwrap();
        let said: &[u8] = b"CONNECT [2001:db8::7]:443 HTTP/1.1\r\nHost: [2001:db8::7]:443\r\n\r\n";
        let answer: &[u8] = b"HTTP/1.1 407 No\r\n\r\n";
        let refused = play(
            "http://proxy.example",
            Target::Address(six),
            &[(said, answer)],
        );
        assert_eq!(refused.unwrap_err().to_string(), "refused by the proxy");
    }

    #[test]
    fn a_proxy_of_http_and_one_by_socks5h_look_names_up() {
        for (url, resolves) in [
            ("http://proxy.example", true),
            ("socks5h://proxy.example", true),
            ("socks5://proxy.example", false),
        ] {
            assert_eq!(Proxy::parse(url).unwrap().resolves(), resolves, "{url}");
        }
    }
}
