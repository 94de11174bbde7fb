//! One stream: HTTP at first, and perhaps a WebSocket later, in one task.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, DATE, HOST, HeaderName};
use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::clock::{Clock, Waits};
use super::date::date;
use super::hyper_io::ToHyper;
use super::line::Line;
use super::pieces::Pieces;
use super::respond::{Outcome, Plan, handle};
use super::reused_box::ReusedBox;
use super::route::{route_after_hook, route_at_once};
use super::{Server, closing};
use crate::endpoint::request::Remote;
use crate::runtime::{Runtime, Stream};
use crate::sync::BoxFuture;
use crate::task::Task;

/// The smallest buffer that hyper takes.
const LEAST_BUFFER: usize = 8 * 1024;

/// Bytes of an unwanted request body that are thrown away after the last response, so that it is not
/// lost to a reset.
const LINGER: usize = 256 * 1024;

/// Serves one accepted stream to its end: the requests on it, and the session that lives on it once it
/// has become a WebSocket. A binding spawns this once for each connection.
pub fn serve_stream<R: Runtime>(
    runtime: R,
    server: Server,
    stream: impl Stream,
    remote: Remote,
) -> impl Future<Output = ()> + Send + 'static {
    Served::Requests(Box::pin(requests(runtime, server, stream, remote)))
}

/// A stream's task. Boxes, so that everything HTTP is given back before a WebSocket begins its long
/// life, and no connection is as large as the larger of the two.
enum Served<R: Runtime> {
    Requests(BoxFuture<Option<Box<Task<R>>>>),
    Session(Box<Task<R>>),
}

impl<R: Runtime> Future for Served<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Requests(requests) = &mut *self {
            match ready!(requests.as_mut().poll(cx)) {
                Some(task) => *self = Self::Session(task),
                None => return Poll::Ready(()),
            }
        }
        match &mut *self {
            Self::Session(task) => Pin::new(&mut **task).poll(cx),
            // Became a session above, or has returned.
            Self::Requests(_) => Poll::Ready(()),
        }
    }
}

/// Answers the requests on a stream; returns the session to which the stream belongs in the end, with
/// the stream.
async fn requests<R: Runtime, S: Stream>(
    runtime: R,
    server: Server,
    stream: S,
    remote: Remote,
) -> Option<Box<Task<R>>> {
    let _counted = server.streams.enter();
    let line = Line::default();
    let mut builder = http1::Builder::new();
    builder
        // Who says that nothing more comes still gets the answers to what did.
        .half_close(true)
        // Responses have theirs; what hyper answers by itself (a bad request) goes without.
        .auto_date_header(false);
    let (linger, patience, keep) = {
        let config = server.options();
        let waits = Waits {
            head: config.serving.request_head_timeout,
            next: config.serving.keep_alive_timeout,
        };
        builder
            .timer(Clock::new(runtime.clone(), line.clone(), waits))
            .header_read_timeout(waits.head)
            .max_headers(config.serving.max_headers)
            .max_buf_size(config.serving.max_request_head_bytes.max(LEAST_BUFFER));
        (
            config.close_timeout,
            config.write_timeout,
            config.serving.keep_alive_timeout,
        )
    };
    let inner = Arc::new(Inner {
        runtime: runtime.clone(),
        server: server.clone(),
        remote,
        plan: Mutex::new(None),
        line: line.clone(),
    });
    let (shared, reused) = (inner.clone(), ReusedBox::default());
    let service = service_fn(move |request| reused.put(answer(&shared, request)));
    let mut connection = builder.serve_connection(
        ToHyper::new(runtime.clone(), stream, patience, line.clone()),
        service,
    );
    let mut drained = pin!(server.drained());
    // Once the server has closed or the client says no more: when the last response must be out.
    let mut last = None;
    // Once the client says no more: when the request in hand must be answered.
    let mut in_hand = None;
    let ended = poll_fn(|cx| {
        if last.is_none() && drained.as_mut().poll(cx).is_ready() {
            let until = runtime.now() + linger;
            last = Some(Box::pin(runtime.sleep_until(until)));
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.poll_without_shutdown(cx) {
            return Poll::Ready(Some(ended));
        }
        if line.has_ended() {
            // A request in hand is answered, for whoever has only said that nothing more comes.
            let (sleep, wait) = match line.is_needless() {
                true => (&mut last, linger),
                false => (&mut in_hand, keep),
            };
            let until = || runtime.now() + wait;
            sleep.get_or_insert_with(|| Box::pin(runtime.sleep_until(until())));
        }
        let mut both = in_hand.iter_mut().chain(&mut last);
        match both.any(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    })
    .await;
    let ended = ended?;
    let parts = connection.into_parts();
    let plan = inner
        .plan
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let deaf = parts.io.is_deaf();
    let late = line.is_asking() && ended.as_ref().is_err_and(hyper::Error::is_timeout);
    let (stream, held) = parts.io.into_inner();
    if let (Some(plan), Ok(()), false) = (plan, &ended, deaf) {
        if plan.keeps_apart() {
            others_first().await;
        }
        return plan.start(stream, held, parts.read_buf);
    }
    let sleep = last.unwrap_or_else(|| Box::pin(runtime.sleep_until(runtime.now() + linger)));
    take_leave(stream, late, sleep).await;
    None
}

/// Says what is still to be said, until the client has gone or `sleep` is over.
async fn take_leave<S: Stream>(mut stream: S, late: bool, mut sleep: Pin<Box<impl Future>>) {
    let mut farewell = Farewell::new(late);
    poll_fn(|cx| {
        if sleep.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        farewell.poll(cx, &mut stream).map(drop)
    })
    .await;
}

/// The end of a stream: what is still to be said, our end closed, the rest thrown away.
struct Farewell {
    words: &'static [u8],
    closed: bool,
    left: usize,
}

impl Farewell {
    /// `late`: a request's head did not come in time.
    const fn new(late: bool) -> Self {
        Self {
            words: if late {
                b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            } else {
                b""
            },
            closed: false,
            left: LINGER,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, stream: &mut impl Stream) -> Poll<io::Result<()>> {
        while !self.words.is_empty() {
            let count = ready!(Pin::new(&mut *stream).poll_write(cx, self.words))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.words = self.words.get(count..).unwrap_or_default();
        }
        if !self.closed {
            ready!(Pin::new(&mut *stream).poll_close(cx))?;
            self.closed = true;
        }
        let mut unwanted = [0; 1024];
        while self.left > 0 {
            let count = ready!(Pin::new(&mut *stream).poll_read(cx, &mut unwanted))?;
            if count == 0 {
                break;
            }
            self.left = self.left.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}

/// What the requests of a stream share.
struct Inner<R: Runtime> {
    runtime: R,
    server: Server,
    remote: Remote,
    /// What to do with the stream once the 101 response has left.
    plan: Mutex<Option<Plan<R>>>,
    line: Line,
}

/// Lets other tasks run.
async fn others_first() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether a request says once what host it is for, which it has to since HTTP/1.1 (RFC 9112 §3.2).
fn names_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    hosts.next().is_some() && hosts.next().is_none() || request.version() != Version::HTTP_11
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Whether more requests may follow this one on its stream.
fn stays(request: &Request<Incoming>) -> bool {
    let said = request.headers().get(CONNECTION);
    request.version() == Version::HTTP_11
        && said.is_none_or(|said| !said.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// What hyper calls for each request.
fn answer<R: Runtime>(
    inner: &Arc<Inner<R>>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Pieces>, Infallible>> + use<R> {
    let (stays, named) = (stays(&request), names_host(&request));
    // Before hyper reads on.
    let routed = named.then(|| route_at_once(&inner.server, request, inner.remote));
    let inner = inner.clone();
    async move {
        let Inner {
            runtime,
            server,
            remote,
            plan,
            line,
        } = &*inner;
        let routed = match routed {
            None => {
                let refused = closing(StatusCode::BAD_REQUEST);
                return Ok(refused.map(|body| Pieces::new(body, line)));
            }
            Some(Ok(routed)) => routed,
            Some(Err(request)) => {
                Box::pin(route_after_hook(runtime, server, request, *remote)).await
            }
        };
        let mut response = match handle(runtime, server, routed, *remote, true, line).await {
            Outcome::Response(response) => response,
            Outcome::NotOurs(request) => Box::pin(server.fall_back(runtime, request, line)).await,
            Outcome::Upgrade(response, new) => {
                line.hold_back(new.keeps_apart());
                *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
                response
            }
        };
        line.watch(false);
        let headers = response.headers_mut();
        if !headers.contains_key(DATE) {
            headers.insert(DATE, date(runtime.wall_clock()));
        }
        if stays && !headers.contains_key(CONNECTION) {
            headers.extend(server.keep_alive().map(|value| (KEEP_ALIVE, value.clone())));
        }
        Ok(response.map(|body| Pieces::new(body, line)))
    }
}
