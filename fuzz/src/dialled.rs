//! What a server says to a client that has dialled it: the packet that opens a session, the responses to its
//! requests, cookies; and what a proxy on the way says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use sio_core::client::{
    Auth, Config, Connection, Dial, Proxy, Session, SessionEvent, Target, Tunnel, Work,
};
use sio_core::id::RequestId;
use sio_core::protocol::TransportKind;
use sio_core::time::Instant;

const NOW: Instant = Instant::ORIGIN;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// As long as a server may be silent by its own words, twice.
const LONGEST: Duration = Duration::from_millis(0x7fff_ffff);

fn dial(transport: TransportKind) -> Dial {
    let (dial, _) = Dial::parse("http://h/").expect("it is one");
    dial.transports([transport])
}

fn session(transport: TransportKind, config: &Arc<Config>) -> (Session, RequestId) {
    let dial = Arc::new(dial(transport));
    let mut session = Session::new(NOW, 0, [7; 16], dial, config.clone());
    let id = match session.poll_work() {
        Some(Work::Request { id, .. } | Work::OpenWebSocket { id, .. }) => id,
        other => panic!("it dials: {other:?}"),
    };
    (session, id)
}

fn told(session: &mut Session) -> Vec<SessionEvent> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

/// Whichever way the packet comes that is to open a session, it opens it or it does not, and what it says of times
/// is kept to.
pub(crate) fn open_packet(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let config = Arc::new(Config::v4());
    let packet = format!("0{text}");
    let (mut by_websocket, id) = session(TransportKind::WebSocket, &config);
    by_websocket.handle_ws_open(NOW, id, Ok(()));
    by_websocket.handle_ws(NOW, id, packet.as_str().into());
    let opened = by_websocket.is_open();
    assert_eq!(opened, told(&mut by_websocket) == [SessionEvent::Opened]);
    assert_eq!(opened, !by_websocket.is_closed());
    if let Some(due) = by_websocket.poll_timeout().filter(|_| opened) {
        assert!(due.at > NOW && due.at <= NOW + 2 * LONGEST, "{due:?}");
        by_websocket.handle_timeout(due.at);
        assert!(by_websocket.is_closed());
    }
    // In a body that byte parts packets.
    if text.contains('\x1e') {
        return;
    }
    let (mut by_polling, id) = session(TransportKind::Polling, &config);
    by_polling.handle_response(NOW, id, Ok(Response::new(packet.into())));
    assert_eq!(by_polling.is_open(), opened, "{text:?}");
    assert_eq!(by_polling.sid(), by_websocket.sid());
}

/// Whatever answers a request, it is the end or it is not, and no more is told than may come at once. The first bytes
/// say whether the session was open, and the status.
pub(crate) fn response(input: &[u8]) {
    let [first, second, rest @ ..] = input else {
        return;
    };
    let mut config = match first & 1 {
        0 => Config::v4(),
        _ => Config::v2(),
    };
    config.max_packets_per_payload = 8;
    let config = Arc::new(config);
    let (mut session, mut id) = session(TransportKind::Polling, &config);
    if first & 2 != 0 {
        const OPEN: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":300,"pingTimeout":200}"#;
        let open = match first & 1 {
            0 => OPEN.to_owned(),
            _ => format!("{}:{OPEN}", OPEN.len()),
        };
        session.handle_response(NOW, id, Ok(Response::new(open.into())));
        assert_eq!(told(&mut session), [SessionEvent::Opened]);
        id = match session.poll_work() {
            Some(Work::Request { id, .. }) => id,
            other => panic!("it polls: {other:?}"),
        };
    }
    let status = match second {
        0..=127 => StatusCode::OK,
        other => StatusCode::from_u16(100 + 3 * u16::from(*other)).expect("three digits"),
    };
    let (headers, body) = headers(rest);
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    session.handle_response(NOW, id, Ok(response.clone()));
    let before = told(&mut session);
    let messages = |it: &&SessionEvent| matches!(it, SessionEvent::Message(_));
    assert!(before.iter().filter(messages).count() <= 8);
    assert!(status == StatusCode::OK || session.is_closed());
    let ends = |it: &&SessionEvent| matches!(it, SessionEvent::Closed { .. });
    assert_eq!(
        before.iter().filter(ends).count(),
        usize::from(session.is_closed())
    );
    // One answer is enough.
    session.handle_response(NOW, id, Ok(response));
    assert_eq!(told(&mut session), []);
    let mut asked = Vec::new();
    while let Some(work) = session.poll_work() {
        if let Work::Request { id: next, request } = work {
            assert_ne!(next, id);
            asked.push(request.method().clone());
        }
    }
    assert!(asked.len() <= 2 && (asked.is_empty() || !session.is_closed()));
    assert!(asked.iter().filter(|it| **it == Method::GET).count() <= 1);
}

/// The lines of a head, as far as they are some, and what follows the empty one.
fn headers(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

/// Cookies that are kept, at most.
const COOKIES: usize = 3;

/// What is set is sent again as it was, no more of it than is kept; what is set once more changes nothing; and what
/// is not set for ever is forgotten. Each line is a cookie.
pub(crate) fn cookies(input: &[u8]) {
    let mut set = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        set.extend(HeaderValue::from_bytes(line));
    }
    let once = sent_after(&set, Duration::ZERO);
    let twice: Vec<HeaderValue> = set.iter().chain(&set).cloned().collect();
    if set.len() <= COOKIES {
        assert_eq!(sent_after(&twice, Duration::ZERO), once);
    }
    let all = once.as_deref().unwrap_or_default();
    let pairs: Vec<&str> = all.split("; ").filter(|it| !it.is_empty()).collect();
    // A value may have the sign in it that parts them, and what is set has no `;`.
    assert!(pairs.len() <= COOKIES, "{all:?}");
    for pair in pairs {
        let (name, _) = pair.split_once('=').expect("a name and a value");
        let sets = |it: &HeaderValue| {
            it.to_str()
                .is_ok_and(|it| it.trim_start().starts_with(name))
        };
        assert!(set.iter().any(sets), "{pair:?}");
    }
    // What is left after a long time was there before.
    let later = sent_after(&set, 100 * DAY);
    for pair in later.as_deref().unwrap_or_default().split("; ") {
        assert!(all.contains(pair));
    }
}

/// The cookies of a request that is made so long after a response has set some.
fn sent_after(set: &[HeaderValue], wait: Duration) -> Option<String> {
    let mut config = Config::v4();
    (config.cookies, config.max_cookies) = (true, COOKIES);
    let dial = dial(TransportKind::Polling);
    let client = Connection::<()>::new(Arc::new(config), dial, [7; 16]);
    let mut client = client.expect("it is sound");
    let socket = client.socket("/", Auth::None).expect("there is room");
    client.open(NOW, socket);
    let (id, _) = request(&mut client)?;
    const OPEN: &str =
        r#"0{"sid":"s","upgrades":[],"pingInterval":86400000,"pingTimeout":86400000}"#;
    let mut response = Response::new(Bytes::from_static(OPEN.as_bytes()));
    for value in set {
        response.headers_mut().append(SET_COOKIE, value.clone());
    }
    let wall = Some(Duration::from_secs(1_700_000_000));
    client.handle_response(NOW, id, Ok(response), wall);
    let mut now = NOW;
    // A ping now and then keeps it open.
    while now < NOW + wait {
        let ids: Vec<RequestId> = std::iter::from_fn(|| request(&mut client))
            .map(|(id, _)| id)
            .collect();
        now += DAY;
        for id in ids {
            let ping = Response::new(Bytes::from_static(b"2"));
            client.handle_response(now, id, Ok(ping), wall);
        }
    }
    let (_, request) = request(&mut client)?;
    let sent = request.headers().get(COOKIE)?;
    Some(sent.to_str().expect("ASCII").to_owned())
}

fn request(client: &mut Connection<()>) -> Option<(RequestId, Request<Bytes>)> {
    while client.poll_event().is_some() {}
    match client.poll_work()? {
        Work::Request { id, request } => Some((id, request)),
        other => panic!("it polls: {other:?}"),
    }
}

/// A tunnel is there or is not, however what the proxy says is cut, and takes nothing of what comes behind. The first
/// byte says whom is spoken to, and how it is cut.
pub(crate) fn proxy(input: &[u8]) {
    if let Ok(url) = std::str::from_utf8(input)
        && let Ok(proxy) = Proxy::parse(url)
    {
        assert!(!proxy.host().is_empty());
    }
    let Some((&first, said)) = input.split_first() else {
        return;
    };
    let proxy = [
        "http://h:1",
        "http://u:p@h:1",
        "socks5://h",
        "socks5h://u:p@h",
    ][usize::from(first & 3)];
    let proxy = Proxy::parse(proxy).expect("it is one");
    let target = match first & 4 {
        0 => Target::Name("example.com".to_owned(), 443),
        _ => Target::Address(SocketAddr::from(([127, 0, 0, 1], 80))),
    };
    let whole = listen(proxy.tunnel(target.clone()), said, usize::MAX);
    let cut = usize::from(first >> 3) + 1;
    assert_eq!(listen(proxy.tunnel(target), said, cut), whole);
}

/// What is said to the proxy, how much is taken of what it says, and whether there is a tunnel then; nothing: it is
/// still asked for.
fn listen(mut tunnel: Tunnel, mut said: &[u8], most: usize) -> (Vec<u8>, usize, Option<bool>) {
    let (mut output, whole) = (Vec::new(), said.len());
    loop {
        output.extend(std::iter::from_fn(|| tunnel.poll_output()).flatten());
        if tunnel.is_open() {
            return (output, whole - said.len(), Some(true));
        }
        let wants = tunnel.wants();
        assert!(wants > 0, "it waits for nothing");
        let count = wants.min(said.len()).min(most);
        if count == 0 {
            return (output, whole, None);
        }
        let (now, later) = said.split_at(count);
        said = later;
        if tunnel.handle_bytes(now).is_err() {
            assert!(!tunnel.is_open() && tunnel.handle_bytes(b"").is_err());
            // How much of a refusal was read is nobody's concern.
            return (output, 0, Some(false));
        }
    }
}
