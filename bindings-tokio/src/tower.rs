//! Inside another HTTP server: a tower service and a layer, for axum and hyper.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Body;
use http_body_util::{Either, Full};
use sio_driver::binding::http::{Extensions, Request, Response, StatusCode};
use sio_driver::binding::{Bytes, Remote, Server, respond};
use tower_layer::Layer;
use tower_service::Service;

use crate::runtime::Tokio;

/// A service that answers requests under the server's path, and 404 to all others.
///
/// The HTTP server around it must support upgrades (`hyper`'s `serve_connection_with_upgrades`, as
/// axum does), or only polling works. It learns the address of a client if the request carries a
/// [`Remote`] or a [`SocketAddr`] among its extensions, or as [`SioService::remote`] says.
///
/// What a poll is answered with is its client's backlog until the server around it lets go of the body; how
/// long a client may take to read it is that server's to say.
pub fn service(server: impl Into<Server>) -> SioService<NotFound> {
    SioService {
        remote: |_| None,
        server: server.into(),
        inner: NotFound,
    }
}

/// A layer that answers requests under the server's path, and passes all others on.
///
/// Addresses of clients are in axum's own type among a request's extensions: [`SioLayer::remote`] takes them
/// from there.
///
/// ```
/// # use std::net::SocketAddr;
/// # use axum::extract::ConnectInfo;
/// # use sio_tokio::{Config, Io, Remote};
/// # async fn example() -> std::io::Result<()> {
/// let io = Io::new(Config::v4());
/// let sio = sio_tokio::layer(io).remote(|extensions| {
///     let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
///     Some(Remote::plain(*address))
/// });
/// let app = axum::Router::new()
///     .route("/", axum::routing::get(|| async { "hello" }))
///     .layer(sio)
///     .into_make_service_with_connect_info::<SocketAddr>();
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, app).await
/// # }
/// ```
pub fn layer(server: impl Into<Server>) -> SioLayer {
    SioLayer {
        remote: |_| None,
        server: server.into(),
    }
}

/// See [`layer`].
#[derive(Clone, Debug)]
pub struct SioLayer {
    server: Server,
    remote: RemoteOf,
}

/// See [`layer`] and [`service`].
#[derive(Clone, Debug)]
pub struct SioService<S> {
    server: Server,
    remote: RemoteOf,
    inner: S,
}

/// Where a request comes from, by its extensions.
type RemoteOf = fn(&Extensions) -> Option<Remote>;

impl SioLayer {
    /// Says where a request comes from, by what the HTTP server has put into it. Where it does not know, a
    /// [`Remote`] or a [`SocketAddr`] among the extensions holds.
    #[must_use]
    pub fn remote(mut self, remote: fn(&Extensions) -> Option<Remote>) -> Self {
        self.remote = remote;
        self
    }
}

impl<S> SioService<S> {
    /// See [`SioLayer::remote`].
    #[must_use]
    pub fn remote(mut self, remote: fn(&Extensions) -> Option<Remote>) -> Self {
        self.remote = remote;
        self
    }
}

/// Answers 404 to everything.
#[derive(Clone, Copy, Debug)]
pub struct NotFound;

impl<S> Layer<S> for SioLayer {
    type Service = SioService<S>;

    fn layer(&self, inner: S) -> SioService<S> {
        SioService {
            server: self.server.clone(),
            remote: self.remote,
            inner,
        }
    }
}

impl<S, B, O> Service<Request<B>> for SioService<S>
where
    S: Service<Request<B>, Response = Response<O>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    O: Send,
{
    type Response = Response<Either<Full<Bytes>, O>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was made ready is used up; the copy takes its place.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let (server, remote_of) = (self.server.clone(), self.remote);
        Box::pin(async move {
            let extensions = request.extensions();
            let remote = remote_of(extensions)
                .or_else(|| extensions.get::<Remote>().copied())
                .or_else(|| Some(Remote::plain(*extensions.get::<SocketAddr>()?)));
            match respond(&Tokio, &server, request, remote.unwrap_or_default()).await {
                Ok(response) => Ok(response.map(Either::Left)),
                Err(request) => Ok(inner.call(request).await?.map(Either::Right)),
            }
        })
    }
}

impl<B> Service<Request<B>> for NotFound {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        std::future::ready(Ok(response))
    }
}
