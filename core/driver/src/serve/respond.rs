//! One request, from whose it is to its response.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::upgrade::OnUpgrade;
use sio_core::config::Config;
use sio_core::engine::{
    Close, Eio, Exchange, HandshakeError, Opened, Post, PostFailure, RequestKind, TransportKind,
};
use sio_core::http::ErrorCode;
use sio_core::id::RequestId;
use sio_core::websocket::switch_protocols;

use super::asking::call;
use super::body::{Incoming, compress};
use super::guard::Guard;
use super::hyper_io::FromHyper;
use super::line::{Debts, Line};
use super::outlive::Outliving;
use super::refused::connection_error;
use super::route::{Routed, Seen, Step, add_headers, route_after_hook, route_at_once};
use super::{Served, Server, closing, status};
use crate::deadlines::State;
use crate::endpoint::Endpoint;
use crate::endpoint::handshake::Handshake;
use crate::endpoint::request::Remote;
use crate::log::debug;
use crate::mailbox::command::{Change, Command, Posted};
use crate::mailbox::reply::Said;
use crate::mailbox::task_handle::TaskHandle;
use crate::runtime::{Runtime, Stream};
use crate::sync::one_shot::{Waiting, answer};
use crate::task::{OpenRequest, Task};
use crate::websocket::echo::{Patience, echo};
use crate::websocket::{Deflate, WebSocket};

/// Answers one request, for bindings that live inside another HTTP server. WebSockets need its support
/// for upgrades: a task of their own takes the stream over when hyper hands it out.
///
/// A request that is handed in whole is handled, even if this future is dropped before it is answered. It is
/// handled behind what the other server's streams give of its session's WebSocket by then.
///
/// # Errors
/// The request itself, if it is under no server's path: as it came, with what hyper put into it for upgrades.
pub async fn respond<R, B>(
    runtime: &R,
    server: &Server,
    mut request: Request<B>,
    remote: Remote,
) -> Result<Response<Full<Bytes>>, Request<B>>
where
    R: Runtime,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let routed = route_at_once(server, request, remote);
    if let Ok(Routed::Nobodys(request)) = routed {
        return Err(with_upgrade(*request, upgrade));
    }
    let (line, can_upgrade) = (Line::default(), upgrade.is_some());
    let outcome = {
        let (runtime, server, line) = (runtime.clone(), server.clone(), line.clone());
        async move {
            let routed = match routed {
                Ok(routed) => routed,
                Err(request) => {
                    Box::pin(route_after_hook(&runtime, &server, request, remote)).await
                }
            };
            handle(&runtime, &server, routed, remote, can_upgrade, &line).await
        }
    };
    match Outliving::new(runtime.clone(), line.clone(), outcome).await {
        Outcome::Response(response) => {
            let owed = line.take_owed();
            Ok(match owed.is_empty() {
                false => response.map(|body| until_written(body, owed)),
                true => response,
            })
        }
        Outcome::NotOurs(request) => Err(with_upgrade(request, upgrade)),
        Outcome::Upgrade(response, plan) => {
            if let Some(upgrade) = upgrade {
                // From now on: whether the client takes the response or not is for the session to judge.
                let stream = FromHyper::Promised(upgrade);
                if let Some(task) = plan.start(stream, Vec::new(), Bytes::new()) {
                    runtime.spawn(task);
                }
            }
            Ok(response)
        }
    }
}

/// A request as it came: whoever answers it may want to speak something else on its stream.
fn with_upgrade<B>(mut request: Request<B>, upgrade: Option<OnUpgrade>) -> Request<B> {
    let extensions = request.extensions_mut();
    upgrade.map(|upgrade| extensions.insert(upgrade));
    request
}

/// What becomes of a request.
pub(super) enum Outcome<R: Runtime, B> {
    Response(Response<Full<Bytes>>),
    /// After this response the stream is a WebSocket.
    Upgrade(Response<Full<Bytes>>, Plan<R>),
    NotOurs(Request<B>),
}

/// What to do with a stream that has become a WebSocket.
pub(super) struct Plan<R: Runtime> {
    config: Arc<Config>,
    /// The compression that the response grants.
    deflate: Option<Deflate>,
    whose: UpgradeTarget<R>,
}

enum UpgradeTarget<R: Runtime> {
    /// A session of its own.
    New(Box<Task<R>>),
    /// A session that polls so far.
    Joins {
        task: Arc<TaskHandle>,
        revision: Eio,
        base64: bool,
    },
    /// Nobody's: what comes is sent back.
    Echo(R, Server),
}

impl<R: Runtime> UpgradeTarget<R> {
    /// Its line in the table of what ends it.
    const _STATE: fn(&Self) -> State = |whose| match whose {
        Self::New(_) => State::Opening,
        Self::Joins { .. } => State::Joining,
        Self::Echo(..) => State::Echo,
    };
}

impl<R: Runtime> Plan<R> {
    /// Whether what is sent first leaves behind the 101 response, and not with it.
    ///
    /// Where the session polls so far, its task has to have the stream before its client knows that it may
    /// speak on it.
    pub(super) fn keeps_apart(&self) -> bool {
        self.config.serving.open_packet_apart && !matches!(self.whose, UpgradeTarget::Joins { .. })
    }

    /// The session with `stream`, to be run to its end. `None`: the stream was handed to the task of a
    /// session that runs already.
    pub(super) fn start(
        self,
        stream: impl Stream,
        held: Vec<u8>,
        read: Bytes,
    ) -> Option<Box<Task<R>>> {
        let transport =
            Box::new(WebSocket::new(stream, &read, &self.config, self.deflate).after(held));
        match self.whose {
            UpgradeTarget::New(mut task) => {
                task.attach(transport);
                Some(task)
            }
            UpgradeTarget::Joins {
                task,
                revision,
                base64,
            } => {
                task.tell(Command::WebSocket {
                    revision,
                    base64,
                    transport,
                });
                None
            }
            UpgradeTarget::Echo(runtime, server) => {
                let patience = Patience::of(&self.config);
                let alive = server.echoes.alive.enter();
                let its = runtime.clone();
                runtime.spawn(async move {
                    echo(its, patience, transport, server.echoes_end()).await;
                    drop(alive);
                });
                None
            }
        }
    }
}

/// Everything that a request's handling needs to know.
pub(super) struct Context<'a, R> {
    pub(super) runtime: &'a R,
    served: &'a Served,
    pub(super) seen: Seen,
    remote: Remote,
    can_upgrade: bool,
    line: &'a Line,
}

pub(super) async fn handle<R, B>(
    runtime: &R,
    server: &Server,
    routed: Routed<B>,
    remote: Remote,
    can_upgrade: bool,
    line: &Line,
) -> Outcome<R, B>
where
    R: Runtime,
    B: Body<Data = Bytes> + Unpin,
{
    let request = match routed {
        Routed::Nobodys(request) => request,
        Routed::Failed => {
            return Outcome::Response(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Routed::Late => return Outcome::Response(closing(StatusCode::SERVICE_UNAVAILABLE)),
        Routed::Ours {
            endpoint,
            seen,
            step,
        } => {
            let Some(served) = server.endpoints.get(endpoint) else {
                unreachable!("endpoints of a server that serves do not go away");
            };
            let context = Context {
                runtime,
                served,
                seen,
                remote,
                can_upgrade,
                line,
            };
            return match step {
                Step::Answer(response) => Outcome::Response(context.say(response, false)),
                // In a box of its own: it is rare and large, and every request's future would have room
                // for it.
                Step::Open(exchange) => Box::pin(context.open(exchange)).await,
                Step::Refuse(exchange, refusal) => context.refuse(exchange, &refusal),
                Step::Hand {
                    task,
                    exchange,
                    over,
                    body,
                } => context.session(&task, exchange, over, body).await,
            };
        }
    };
    let (parts, body) = request.into_parts();
    if can_upgrade
        && let Some(config) = &server.echo
        && let Some(mut response) = switch_protocols(&parts, config)
    {
        let plan = Plan {
            config: config.clone(),
            deflate: Deflate::agreed(&mut response, config),
            whose: UpgradeTarget::Echo(runtime.clone(), server.clone()),
        };
        return Outcome::Upgrade(response.map(Full::new), plan);
    }
    Outcome::NotOurs(Request::from_parts(parts, body))
}

impl<R: Runtime> Context<'_, R> {
    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.served.endpoint
    }

    /// A new session.
    async fn open<B>(&self, exchange: Exchange) -> Outcome<R, B> {
        let endpoint = self.endpoint();
        let Some(parts) = &self.seen.parts else {
            unreachable!("the head of a request that opens a session is kept");
        };
        let pending = match endpoint.admission.begin() {
            Ok(pending) => pending,
            Err(refusal) => return self.refuse(exchange, &refusal),
        };
        let sid = match self.admit_in_time().await {
            Ok(sid) => sid,
            Err(refusal) => return self.refuse(exchange, &refusal),
        };
        let websocket = exchange.kind() == RequestKind::WebSocket;
        if websocket && !self.can_upgrade {
            return self.refuse(exchange, &HandshakeError::BadRequest);
        }
        let admitted = match pending.admit() {
            Ok(admitted) => admitted,
            Err(refusal) => return self.refuse(exchange, &refusal),
        };
        let asked = OpenRequest {
            sid,
            opened: Opened {
                transport: if websocket {
                    TransportKind::WebSocket
                } else {
                    TransportKind::Polling
                },
                revision: exchange.revision(),
                base64: exchange.base64(),
            },
            handshake: Handshake::new(
                parts,
                exchange.query().clone(),
                exchange.revision(),
                self.remote,
                self.runtime.wall_clock(),
            ),
            admitted,
        };
        let task = Task::new(
            self.runtime.clone(),
            endpoint,
            &self.served.application,
            asked,
        );
        // Never over a live session.
        let Some(task) = task else {
            let why = "it is in use".to_owned();
            return self.refuse(exchange, &HandshakeError::IdGeneration(why));
        };
        let handle = task.handle().clone();
        // The server may have begun to close before this session was there to be told.
        if endpoint.closing.is_raised() {
            handle.tell(Command::Become(Change::ShutDown));
        }
        if websocket {
            let whose = UpgradeTarget::New(Box::new(task));
            return self.switch(exchange, whose);
        }
        let id = endpoint.request_id();
        let (give, wait) = answer();
        handle.tell(Command::Poll {
            id,
            revision: exchange.revision(),
            answer: give,
        });
        self.runtime.spawn(task);
        let said = self.relay(&handle, id, wait).await;
        self.reply(exchange, &handle, said)
    }

    /// A request of a session.
    async fn session<B: Body<Data = Bytes> + Unpin>(
        &self,
        task: &Arc<TaskHandle>,
        exchange: Exchange,
        over: bool,
        body: B,
    ) -> Outcome<R, B> {
        let said = match exchange.kind() {
            RequestKind::WebSocket if self.can_upgrade => {
                let whose = UpgradeTarget::Joins {
                    task: task.clone(),
                    revision: exchange.revision(),
                    base64: exchange.base64(),
                };
                return self.switch(exchange, whose);
            }
            RequestKind::WebSocket => return self.refuse(exchange, &HandshakeError::BadRequest),
            // Lent: it is large, and would be moved at each of these calls.
            RequestKind::Post { .. } => self.post(task, &exchange, over, body).await,
            RequestKind::Poll => {
                let id = self.endpoint().request_id();
                let (give, wait) = answer();
                let told = task.tell(Command::Poll {
                    id,
                    revision: exchange.revision(),
                    answer: give,
                });
                match told {
                    true => self.relay(task, id, wait).await,
                    false => None,
                }
            }
        };
        self.reply(exchange, task, said)
    }

    /// What the session says to a POST, if it says anything.
    async fn post<B: Body<Data = Bytes> + Unpin>(
        &self,
        task: &TaskHandle,
        exchange: &Exchange,
        over: bool,
        body: B,
    ) -> Option<Said> {
        let config = &self.endpoint().config;
        let id = self.endpoint().request_id();
        let revision = exchange.revision();
        let (give, mut wait) = answer();
        let mut give = Some(give);
        let mut tell = |post| {
            task.tell(Command::Post {
                id,
                revision,
                posted: Box::new(Posted {
                    post,
                    answer: give.take(),
                }),
            })
        };
        let mut body = Incoming::new(body, config.max_http_buffer_size);
        let at_once = if over {
            Poll::Ready(Err(PostFailure::TooLarge))
        } else if !exchange.reads_body() {
            // Not read: the answer is known.
            Poll::Ready(Ok(Bytes::new()))
        } else {
            poll_fn(|cx| Poll::Ready(body.poll_collect(cx))).await
        };
        let waits = at_once.is_pending();
        let told = match at_once {
            Poll::Ready(Ok(body)) => tell(exchange.post(body)),
            Poll::Ready(Err(failure)) => tell(Post::Whole(Err(failure))),
            Poll::Pending => tell(Post::Begun),
        };
        if !told {
            return None;
        }
        if waits {
            let mut guard = Guard::new(task, id);
            let until = self.runtime.now() + config.serving.request_body_timeout;
            // In a box of its own: few bodies come in pieces.
            let mut sleep = Box::pin(self.runtime.sleep_until(until));
            // The session may have its answer before the body is here.
            let come = poll_fn(|cx| {
                if let Poll::Ready(reply) = Pin::new(&mut wait).poll(cx) {
                    return Poll::Ready(Err(reply));
                }
                if let Poll::Ready(body) = body.poll_collect(cx) {
                    return Poll::Ready(Ok(body));
                }
                if sleep.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(Err(PostFailure::Timeout)));
                }
                Poll::Pending
            })
            .await;
            // From here on the session has all that comes of it.
            guard.disarm();
            match come {
                Err(reply) => return reply,
                Ok(Ok(body)) => tell(exchange.post_end(body)),
                Ok(Err(failure)) => tell(Post::End(Err(failure))),
            };
        }
        self.relay(task, id, wait).await
    }

    /// What the session says to a request. It hears if the client leaves before that.
    async fn relay(
        &self,
        task: &TaskHandle,
        id: RequestId,
        mut wait: Waiting<Said>,
    ) -> Option<Said> {
        let mut guard = Guard::new(task, id);
        poll_fn(|cx| {
            if let Poll::Ready(reply) = Pin::new(&mut wait).poll(cx) {
                guard.disarm();
                return Poll::Ready(reply);
            }
            self.line.watch(true);
            if self.line.has_ended() {
                guard.tell();
            }
            Poll::Pending
        })
        .await
    }

    fn reply<B>(&self, exchange: Exchange, task: &TaskHandle, said: Option<Said>) -> Outcome<R, B> {
        // No reply: the session's task has ended.
        let Some(Said { reply, owed }) = said else {
            return self.refuse(exchange, &HandshakeError::UnknownSid);
        };
        if let Some(owed) = owed {
            self.line.owe([owed]);
        }
        let response = exchange.respond(reply);
        let mut http = response.http;
        if let Some(coding) = response.compress {
            let body = compress(coding, http.body());
            http.headers_mut()
                .insert(http::header::CONTENT_LENGTH, body.len().into());
            *http.body_mut() = body;
        }
        let response = self.say(http, response.initial);
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            // What the session said is lost, and a lost answer is a hole in the stream.
            task.tell(Command::Close(Close::Discard));
        }
        Outcome::Response(response)
    }

    fn switch<B>(&self, exchange: Exchange, whose: UpgradeTarget<R>) -> Outcome<R, B> {
        let initial = exchange.is_handshake();
        let config = self.endpoint().config.clone();
        let mut response = exchange.switch();
        let deflate = Deflate::agreed(&mut response, &config);
        let response = self.say(response, initial);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let plan = Plan {
                config,
                deflate,
                whose,
            };
            Outcome::Upgrade(response, plan)
        } else {
            Outcome::Response(response)
        }
    }

    fn refuse<B>(&self, exchange: Exchange, refusal: &HandshakeError) -> Outcome<R, B> {
        Outcome::Response(self.say(exchange.refuse(refusal), false))
    }

    /// The response as it goes out: with what the hooks make of its headers. 500 if one panics.
    fn say(&self, response: Response<Bytes>, initial: bool) -> Response<Full<Bytes>> {
        let mut response = response;
        let hooks = &self.endpoint().hooks;
        let refused = response.status();
        if refused.is_client_error() || refused.is_server_error() {
            let code = response.extensions().get::<ErrorCode>().copied();
            self.endpoint().common.meter.refused(refused, code);
        }
        if let Some(parts) = &self.seen.parts
            && (refused.is_client_error() || refused.is_server_error())
        {
            debug!(status = %refused, method = %parts.method, path = parts.uri.path(), "request refused");
            if let Some(hook) = hooks.connection_error.get() {
                // It only listens.
                let _ = call(|| hook(&connection_error(parts, &response)));
            }
        }
        if let Some(extra) = &self.seen.extra {
            add_headers(response.headers_mut(), extra);
        }
        if let Some(head) = &self.seen.head {
            let initial = hooks.initial_headers.get().filter(|_| initial);
            for hook in initial.into_iter().chain(hooks.headers.get()) {
                if call(|| hook(head, response.headers_mut())).is_err() {
                    return status(StatusCode::INTERNAL_SERVER_ERROR);
                }
            }
        }
        response.map(Full::new)
    }
}

/// A body that another HTTP server writes: what is owed is so until it lets go of it.
fn until_written(body: Full<Bytes>, owed: Debts) -> Full<Bytes> {
    struct Written {
        bytes: Bytes,
        _owed: Debts,
    }

    impl AsRef<[u8]> for Written {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    // All of it is there, and nothing of it can fail.
    let bytes = match body.collect().now_or_never() {
        Some(Ok(bytes)) => bytes.to_bytes(),
        None => Bytes::new(),
    };
    Full::new(Bytes::from_owner(Written { bytes, _owed: owed }))
}
