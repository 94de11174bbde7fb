//! HTTP: requests in, responses out, and streams that become WebSockets.

mod accept;
mod admit;
mod asking;
mod body;
mod clock;
mod date;
mod files;
mod guard;
mod hyper_io;
mod line;
mod outlive;
mod pieces;
mod refused;
mod respond;
mod reused_box;
mod route;
mod spelling;
mod stream;

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};

use sio_core::config::Config;

use crate::endpoint::Endpoint;
use crate::endpoint::request::RequestHead;
use crate::handle::{EngineServer, Io};
use crate::runtime::Runtime;
use crate::sync::BoxFuture;
use crate::sync::signal::Signal;
use crate::sync::wait_group::WaitGroup;
use crate::task::Application;
use crate::websocket::echo::Echoes;

use asking::{Panicked, ask};
use line::Line;

pub use accept::{accept, establish};
pub use files::client_files;
pub use respond::respond;
pub use stream::serve_stream;

/// What is served on one listener: a Socket.IO server, an Engine.IO server, or several of them under
/// different paths, and what answers everything else.
///
/// ```
/// use sio_driver::app::{Config, EngineServer, Io, Server};
///
/// let engine = EngineServer::new(Config::default().path("/engine.io"));
/// let server = Server::new(Io::new(Config::default()))
///     .engine(engine)
///     .fallback(async |request: http::Request<bytes::Bytes>| {
///         http::Response::new(format!("nothing at {}", request.uri().path()).into())
///     });
/// ```
#[derive(Clone, Default)]
pub struct Server {
    /// Shared: each connection has a copy.
    endpoints: Arc<Vec<Served>>,
    fallback: Option<Arc<Fallback>>,
    before: Option<Arc<Before>>,
    echo: Option<Arc<Config>>,
    /// Streams that speak HTTP.
    streams: Arc<WaitGroup>,
    echoes: Echoes,
}

type Fallback = dyn Fn(Request<Bytes>) -> BoxFuture<Response<Bytes>> + Send + Sync;
type Before = dyn Fn(Arc<RequestHead>) -> BoxFuture<()> + Send + Sync;

#[derive(Clone)]
struct Served {
    endpoint: Arc<Endpoint>,
    application: Arc<Application>,
}

/// Bytes of a body that a fallback is given.
const FALLBACK_BODY: usize = 1 << 20;

impl Server {
    /// A Socket.IO server alone.
    pub fn new(io: Io) -> Self {
        Self::default().io(io)
    }

    /// Adds a Socket.IO server.
    #[must_use]
    pub fn io(mut self, io: Io) -> Self {
        Arc::make_mut(&mut self.endpoints).push(Served {
            endpoint: io.endpoint().clone(),
            application: Arc::new(Application::SocketIo(io)),
        });
        self
    }

    /// Adds a plain Engine.IO server.
    #[must_use]
    pub fn engine(mut self, engine: EngineServer) -> Self {
        Arc::make_mut(&mut self.endpoints).push(Served {
            endpoint: engine.endpoint().clone(),
            application: Arc::new(Application::Engine(engine)),
        });
        self
    }

    /// Answers requests under no server's path; without this they get 404. Bodies are limited to
    /// 1 MiB. If it panics, the answer is 500. It may take as long as its client is there: it is dropped
    /// [`keep_alive_timeout`](Config::keep_alive_timeout) after that says no more, or
    /// [`close_timeout`](Config::close_timeout) after it is lost or the server has closed.
    #[must_use]
    pub fn fallback<F, R>(mut self, fallback: F) -> Self
    where
        F: Fn(Request<Bytes>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Bytes>> + Send + 'static,
    {
        self.fallback = Some(Arc::new(move |request| Box::pin(fallback(request))));
        self
    }

    /// Runs before each request is looked at. If it panics, the answer is 500; if it takes longer than
    /// [`admission_timeout`](Config::admission_timeout), it is dropped, and the answer is 503.
    #[must_use]
    pub fn before<F, R>(mut self, before: F) -> Self
    where
        F: Fn(Arc<RequestHead>) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.before = Some(Arc::new(move |head| Box::pin(before(head))));
        self
    }

    /// Answers requests for a WebSocket under no server's path: each message is sent back, by the same
    /// transport with the same limits as Engine.IO's. For suites that test WebSockets; sessions are
    /// neither made nor counted. Nobody pings: a client that says and takes nothing for as long as
    /// [`ping_interval`](Config::ping_interval) and [`ping_timeout`](Config::ping_timeout) together is put out.
    /// [`close`](Self::close) ends them, and so does the end of all servers beside them.
    #[must_use]
    pub fn websocket_echo(mut self, config: Config) -> Self {
        self.echo = Some(Arc::new(config));
        self
    }

    /// Closes all its servers: [`Io::close`], with adapters and all engines, and [`EngineServer::close`]. A
    /// Socket.IO server above one of these engines is closed, too, if it has no other engine left. And its
    /// [echoes](Self::websocket_echo), within [`close_timeout`](Config::close_timeout).
    pub async fn close(&self) {
        self.echoes.ending.raise();
        // All are told before any is waited for.
        for served in &*self.endpoints {
            match &*served.application {
                Application::SocketIo(io) => io.shut_down(),
                Application::Engine(engine) => engine.endpoint().shut_down(),
            }
        }
        for served in &*self.endpoints {
            match &*served.application {
                Application::SocketIo(io) => io.wind_up().await,
                Application::Engine(engine) => {
                    let above = engine.spoken();
                    engine.close().await;
                    if let Some(io) = above {
                        io.close_if_deserted().await;
                    }
                }
            }
        }
        self.echoes.alive.none().await;
    }

    /// Ends when all its servers are closing and their sessions have gone: time to stop listening.
    /// Until then requests of these sessions must still get through; new sessions are refused. Where there are no
    /// servers, it is over when this is [closed](Self::close).
    pub async fn drained(&self) {
        if self.endpoints.is_empty() {
            Signal::wait(self.echoes.ending.clone()).await;
        }
        for served in &*self.endpoints {
            Signal::wait(Shared(served.endpoint.clone())).await;
            served.endpoint.admission.gone().await;
        }
    }

    /// Ends when all connections of its servers are wound up, and the last responses are out.
    pub async fn closed(&self) {
        for served in &*self.endpoints {
            served.endpoint.admission.gone().await;
        }
        self.streams.none().await;
        self.echoes.alive.none().await;
    }

    /// Ends when an echo has to.
    async fn echoes_end(&self) {
        let (mut ending, mut drained) = (
            Signal::wait(self.echoes.ending.clone()),
            pin!(self.drained()),
        );
        poll_fn(|cx| match Pin::new(&mut ending).poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => drained.as_mut().poll(cx),
        })
        .await;
    }

    /// The options of its first server, which also hold for the listener (limits and times of request heads).
    pub fn config(&self) -> Option<&Config> {
        self.endpoints
            .first()
            .map(|served| &*served.endpoint.config)
    }

    /// The options for what a listener waits for, whoever is served there: without a server those of the echo,
    /// else the defaults.
    fn options(&self) -> Cow<'_, Config> {
        match self.config().or(self.echo.as_deref()) {
            Some(config) => Cow::Borrowed(config),
            None => Cow::Owned(Config::default()),
        }
    }

    /// What says how long a stream without a request stays open.
    fn keep_alive(&self) -> Option<&HeaderValue> {
        self.endpoints
            .first()
            .and_then(|served| served.endpoint.keep_alive.as_ref())
    }

    async fn fall_back<B>(
        &self,
        runtime: &impl Runtime,
        request: Request<B>,
        line: &Line,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(fallback) = &self.fallback else {
            return status(StatusCode::NOT_FOUND);
        };
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, FALLBACK_BODY).collect();
        let limit = self.options().serving.request_body_timeout;
        match in_time(runtime, limit, body).await {
            None => closing(StatusCode::REQUEST_TIMEOUT),
            Some(Ok(body)) => {
                let request = Request::from_parts(parts, body.to_bytes());
                line.watch(true);
                match ask(|| fallback(request)).await {
                    Ok(response) => response.map(Full::new),
                    Err(Panicked) => status(StatusCode::INTERNAL_SERVER_ERROR),
                }
            }
            Some(Err(_)) => closing(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

impl From<Io> for Server {
    fn from(io: Io) -> Self {
        Self::new(io)
    }
}

impl From<EngineServer> for Server {
    fn from(engine: EngineServer) -> Self {
        Self::default().engine(engine)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.endpoints.iter().map(|served| &served.endpoint))
            .finish()
    }
}

/// An endpoint as the owner of its closing signal.
struct Shared(Arc<Endpoint>);

impl AsRef<Signal> for Shared {
    fn as_ref(&self) -> &Signal {
        &self.0.closing
    }
}

/// What comes of a future, if it does within `limit`.
async fn in_time<T>(
    runtime: &impl Runtime,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let (mut future, mut late) = (pin!(future), None);
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        // Most are there at once.
        let late = late.get_or_insert_with(|| Box::pin(runtime.sleep_until(runtime.now() + limit)));
        late.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// A status behind which the stream ends: what is left of the request is not wanted.
fn closing(of: StatusCode) -> Response<Full<Bytes>> {
    let mut response = status(of);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
