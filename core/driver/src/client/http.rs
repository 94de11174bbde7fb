//! A client's requests: by polling, and for WebSockets. Connections are kept for the next request, two at most.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use sio_core::client::{Config, Failure, Proxies, Proxy, Target};
use sio_core::id::RequestId;
use sio_core::time::Instant;
use sio_core::websocket::Asked;

use super::dialer::{BoxStream, Connector, Dialer};
use super::io::Dialled;
use super::race::Race;
use super::tunnel::through;
use crate::sync::BoxFuture;
use crate::sync::guard::{guarded, let_go};
use crate::websocket::Deflate;

/// Connections that wait for the next request.
const IDLE: usize = 2;

/// How long one waits: less than what servers give them.
const KEPT: Duration = Duration::from_secs(4);

/// Bytes that hyper reads at a time: what comes is small, and a poll waits long with it.
const BUFFER: usize = 16 * 1024;

/// Bytes of a refusal that is looked into.
const REFUSAL: usize = 4096;

/// A client's requests that are under way, and its connections that wait.
pub(super) struct Http<R: Dialer> {
    way: Arc<Way<R>>,
    running: Vec<Running>,
    idle: Vec<Line>,
}

/// How servers are reached.
pub(super) struct Way<R: Dialer> {
    pub(super) runtime: R,
    pub(super) tls: Option<R::Tls>,
    pub(super) from: Option<IpAddr>,
    pub(super) proxy: Option<Arc<Proxies>>,
    pub(super) connector: Option<Arc<dyn Connector>>,
    /// How large a response may be, and what compression is offered.
    pub(super) config: Arc<Config>,
}

/// What has come of a request.
pub(super) enum Done {
    Answered(Result<Response<Bytes>, Failure>),
    Opened(Result<Opened, Failure>),
}

/// A stream that is a WebSocket, and what was read of it already.
pub(super) struct Opened {
    pub(super) stream: BoxStream,
    pub(super) read: Bytes,
    pub(super) deflate: Option<Deflate>,
}

/// What has come of a request, and the connection if it can be used again.
enum Finished {
    Answered(Result<Response<Bytes>, Failure>, Option<Box<Line>>),
    Opened(Result<Opened, Failure>),
}

/// A request that is under way.
struct Running {
    id: RequestId,
    /// Whether messages come by its answer.
    reads: bool,
    exchange: BoxFuture<Finished>,
}

/// A connection of HTTP.
struct Line {
    origin: Origin,
    sender: SendRequest<Full<Bytes>>,
    driver: Connection<Dialled, Full<Bytes>>,
    /// What its driver came to, once it has.
    ended: Option<Result<(), Failure>>,
    /// When it was used last.
    used: Instant,
}

/// Where a connection leads.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    secure: bool,
    authority: Authority,
}

impl<R: Dialer> Http<R> {
    pub(super) const fn new(way: Arc<Way<R>>) -> Self {
        Self {
            way,
            running: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// Gives back what more of them took.
    pub(super) fn shrink(&mut self) {
        self.running.shrink_to_fit();
        self.idle.shrink_to_fit();
    }

    /// Makes a request.
    pub(super) fn request(&mut self, id: RequestId, request: Request<Bytes>) {
        let way = self.way.clone();
        let reads = request.method() == Method::GET;
        let at = Origin::of(request.uri())
            .and_then(|origin| self.idle.iter().position(|line| line.origin == origin));
        let line = at.map(|at| self.idle.swap_remove(at));
        let exchange = async move {
            let (answer, line) = way.exchange(line, request).await;
            Finished::Answered(answer, line.map(Box::new))
        };
        self.running.push(Running {
            id,
            reads,
            exchange: Box::pin(exchange),
        });
    }

    /// Opens a WebSocket.
    pub(super) fn open(&mut self, id: RequestId, request: Request<()>) {
        let way = self.way.clone();
        let opening = async move { Finished::Opened(way.open(request).await) };
        self.running.push(Running {
            id,
            reads: false,
            exchange: Box::pin(opening),
        });
    }

    /// Gives a request up.
    pub(super) fn abort(&mut self, id: RequestId) {
        self.running.retain(|it| it.id != id);
    }

    /// The next one that has come to an end. While nothing more is to be read, those by whose answers messages come
    /// stand still.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, full: bool) -> Option<(RequestId, Done)> {
        for at in 0..self.running.len() {
            let running = self.running.get_mut(at)?;
            if running.reads && full {
                continue;
            }
            let id = running.id;
            if let Poll::Ready(finished) = running.exchange.as_mut().poll(cx) {
                drop(self.running.swap_remove(at));
                return Some((id, self.finish(finished)));
            }
        }
        None
    }

    fn finish(&mut self, finished: Finished) -> Done {
        match finished {
            Finished::Opened(opened) => Done::Opened(opened),
            Finished::Answered(answer, line) => {
                if let Some(line) = line
                    && self.idle.len() < IDLE
                {
                    self.idle.push(*line);
                }
                Done::Answered(answer)
            }
        }
    }

    /// When the first of the connections that wait has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.idle.iter().map(|line| line.used + KEPT).min()
    }

    /// Hangs up where it was waited long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        self.idle.retain(|line| now < line.used + KEPT);
    }
}

impl<R: Dialer> Way<R> {
    /// A request and its answer, on this connection or on a new one, which may be used again.
    async fn exchange(
        &self,
        line: Option<Line>,
        request: Request<Bytes>,
    ) -> (Result<Response<Bytes>, Failure>, Option<Line>) {
        let origin = Origin::of(request.uri());
        let mut kept = line;
        if let Some(line) = &mut kept
            && !line.is_usable().await
        {
            kept = None;
        }
        let mut line = match kept {
            Some(line) => line,
            None => match self.dial(origin).await {
                Ok(line) => line,
                Err(failure) => return (Err(failure), None),
            },
        };
        let answer = line
            .exchange(request.map(Full::new), self.config.max_message_bytes)
            .await;
        line.used = self.runtime.now();
        let usable = answer.is_ok() && line.is_usable().await;
        (answer, usable.then_some(line))
    }

    pub(super) async fn open(&self, mut request: Request<()>) -> Result<Opened, Failure> {
        let mut nonce = [0; 16];
        self.runtime.random(&mut nonce);
        let mut asked = Asked::by(&mut request, nonce);
        let offered = Deflate::offered(self.config.per_message_deflate);
        if let Some(offered) = offered {
            asked = asked.offering(&mut request, offered);
        }
        let mut line = self.dial(Origin::of(request.uri())).await?;
        let request = origin_form(request.map(|()| Full::default())).ok_or(Failure::Protocol)?;
        let response = line.send(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            let body = line.body(response, REFUSAL).await;
            let body = body.map(Response::into_body).unwrap_or_default();
            return Err(Failure::refused(status, &body));
        }
        let agreed = asked.check(&response).map_err(|_| Failure::WebSocket)?;
        let mut opened = line.into_stream().await?;
        opened.deflate = agreed
            .zip(offered)
            .and_then(|(it, by)| Deflate::met(it, by));
        Ok(opened)
    }

    /// A new connection.
    async fn dial(&self, origin: Option<Origin>) -> Result<Line, Failure> {
        let origin = origin.ok_or(Failure::Dns)?;
        let stream = self.reach(&origin).await?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER);
        let handshake = builder.handshake(Dialled(stream)).await;
        let (sender, driver) = handshake.map_err(|_| Failure::Tcp)?;
        Ok(Line {
            origin,
            sender,
            driver,
            ended: None,
            used: self.runtime.now(),
        })
    }

    async fn reach(&self, origin: &Origin) -> Result<BoxStream, Failure> {
        let host = origin.authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if origin.secure { 443 } else { 80 };
        let port = origin.authority.port_u16().unwrap_or(usual);
        if let Some(connector) = &self.connector {
            return made(|| connector.connect(origin.secure, host, port)).await;
        }
        let proxies = self.proxy.as_ref();
        let proxy = proxies.and_then(|it| it.find(origin.secure, host));
        let stream = match proxy {
            Some(proxy) => self.tunnel(proxy, host, port).await?,
            None => self.connect(host, port).await?,
        };
        match (&self.tls, origin.secure) {
            (Some(tls), true) => {
                let safe = self.runtime.secure(tls, host, stream).await;
                safe.map_err(|_| Failure::Tls)
            }
            (None, true) => Err(Failure::Tls),
            (_, false) => Ok(stream),
        }
    }

    async fn tunnel(&self, proxy: &Proxy, host: &str, port: u16) -> Result<BoxStream, Failure> {
        let target = match host.parse::<IpAddr>() {
            Ok(address) => Target::Address(SocketAddr::new(address, port)),
            Err(_) if proxy.resolves() => Target::Name(host.to_owned(), port),
            Err(_) => {
                let addresses = self.resolve(host, port).await?;
                let first = addresses.first().ok_or(Failure::Dns)?;
                Target::Address(*first)
            }
        };
        let stream = self.connect(proxy.host(), proxy.port()).await;
        let stream = stream.map_err(|_| Failure::Proxy)?;
        let tunnel = proxy.tunnel(target);
        through(stream, tunnel).await.map_err(|_| Failure::Proxy)
    }

    async fn connect(&self, host: &str, port: u16) -> Result<BoxStream, Failure> {
        let addresses = self.resolve(host, port).await?;
        let race = Race::new(self.runtime.clone(), addresses, self.from);
        race.await.map_err(|_: io::Error| Failure::Tcp)
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        match self.runtime.resolve(host, port).await {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) | Err(_) => Err(Failure::Dns),
        }
    }
}

impl Line {
    /// Whether another request can be made on it.
    async fn is_usable(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        })
        .await;
        self.ended.is_none() && self.sender.is_ready()
    }

    /// Moves what is under way. One that is to be handed on as a stream is not shut.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if self.ended.is_none()
            && let Poll::Ready(ended) = self.driver.poll_without_shutdown(cx)
        {
            self.ended = Some(ended.map_err(|error| failure(&error)));
        }
    }

    /// Waits for something that it brings.
    async fn along<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = pin!(what);
        poll_fn(|cx| {
            // What it brings may be there before, or because, it ends.
            if let Poll::Ready(value) = what.as_mut().poll(cx) {
                return Poll::Ready(value);
            }
            self.drive(cx);
            what.as_mut().poll(cx)
        })
        .await
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Response<Bytes>, Failure> {
        let request = origin_form(request).ok_or(Failure::Protocol)?;
        let response = self.send(request).await?;
        self.body(response, most).await
    }

    /// Makes a request, and waits for the head of its answer.
    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let sent = self.sender.send_request(request);
        self.along(sent).await.map_err(|error| failure(&error))
    }

    /// The whole of an answer, if it has no more than so many bytes.
    async fn body(
        &mut self,
        response: Response<hyper::body::Incoming>,
        most: usize,
    ) -> Result<Response<Bytes>, Failure> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, most).collect();
        match self.along(body).await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) => Err(match error.downcast::<hyper::Error>() {
                Ok(error) => failure(&error),
                // It is too long.
                Err(_) => Failure::Protocol,
            }),
        }
    }

    /// The stream, behind an answer after which it is one.
    async fn into_stream(mut self) -> Result<Opened, Failure> {
        poll_fn(|cx| {
            self.drive(cx);
            match self.ended.take() {
                Some(ended) => Poll::Ready(ended),
                None => Poll::Pending,
            }
        })
        .await?;
        let parts = self.driver.into_parts();
        Ok(Opened {
            stream: parts.io.0,
            read: parts.read_buf,
            deflate: None,
        })
    }
}

/// The same request in the form that servers are told it in. `None`: it is none that HTTP can carry.
fn origin_form<B>(mut request: Request<B>) -> Option<Request<B>> {
    let uri = request.uri();
    let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
    let target: PathAndQuery = uri.path_and_query()?.clone();
    *request.uri_mut() = Uri::from(target);
    request.headers_mut().entry(HOST).or_insert(host);
    Some(request)
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        Some(Self {
            secure: uri.scheme_str() == Some("https"),
            authority: uri.authority()?.clone(),
        })
    }
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        Failure::Protocol
    } else {
        Failure::Tcp
    }
}

/// A stream of the application's making. A panic of it is a connection that was not made.
async fn made(
    make: impl FnOnce() -> BoxFuture<io::Result<BoxStream>>,
) -> Result<BoxStream, Failure> {
    let mut making = guarded(make).map_err(|_| Failure::Tcp)?;
    let stream = poll_fn(|cx| match guarded(|| making.as_mut().poll(cx)) {
        Ok(Poll::Ready(stream)) => Poll::Ready(stream.map_err(|_| Failure::Tcp)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Failure::Tcp)),
    })
    .await;
    let _ = let_go(making);
    stream
}
