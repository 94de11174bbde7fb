//! Hooks into requests, which servers of both kinds have. Written once, for [`Io`], its [`Engine`] and
//! [`EngineServer`].

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::endpoint::hooks::allow_request;
use crate::endpoint::request::RequestHead;
use crate::error::ConnectionError;
use crate::handle::{Conn, Engine, EngineServer, Io};
use crate::sync::BoxFuture;

/// The methods of a type with a `fn setup(&self) -> &Arc<Setup>`.
macro_rules! hook_methods {
    ($type:ty) => {
        impl $type {
            /// Decides over the origin of each handshake, besides
            /// [`Config::origins`](crate::app::Config::origins). It is given the `Origin`, else that of the
            /// `Referer`, else `*`. An `Origin` may be `null`: of a page in a sandbox, whoever has made it,
            /// or of a file; Node gives `*` there. `Ok(false)` refuses: 403, code 4; an error too, with the
            /// error as message.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use sio_driver::app::{Config, Io, RequestHead};
            /// # let io = Io::new(Config::default());
            /// io.check_origin(async |origin: String, _head: Arc<RequestHead>| {
            ///     match &*origin {
            ///         "https://chat.example" | "*" => Ok(true),
            ///         _ => Err("pages of chat.example only"),
            ///     }
            /// });
            /// ```
            #[doc(alias = "origins")]
            pub fn check_origin<F, R, E>(&self, check: F)
            where
                F: Fn(String, Arc<RequestHead>) -> R + Send + Sync + 'static,
                R: Future<Output = Result<bool, E>> + Send + 'static,
                E: Into<String>,
            {
                self.setup().hooks.origin.set(Arc::new(move |origin, head| {
                    let decision = check(origin, head);
                    Box::pin(async move { decision.await.map_err(Into::into) })
                }));
            }

            /// Makes the ids of sessions, which are secrets: whoever guesses one can speak as its client.
            /// Any text will do; one that is empty, or that a live session has, refuses the handshake
            /// with code 3, and so does an error.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use sio_driver::app::{Config, Io, RequestHead};
            /// # let io = Io::new(Config::default());
            /// # fn random() -> u128 { 7 }
            /// io.engine().generate_id(async |_head: Arc<RequestHead>| {
            ///     Ok::<_, String>(format!("node-1:{:x}", random()))
            /// });
            /// ```
            #[doc(alias = "generateId")]
            pub fn generate_id<F, R, E>(&self, make: F)
            where
                F: Fn(Arc<RequestHead>) -> R + Send + Sync + 'static,
                R: Future<Output = Result<String, E>> + Send + 'static,
                E: Into<String>,
            {
                self.setup().hooks.session_ids.set(Arc::new(move |head| {
                    let id = make(head);
                    Box::pin(async move { id.await.map_err(Into::into) })
                }));
            }

            /// Decides over each handshake, before a session exists. An error refuses it: 403, code 4,
            /// with the error as message. If it panics, as any hook into requests, the answer is 500.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use sio_driver::app::{Config, Io, RequestHead};
            /// # let io = Io::new(Config::default());
            /// io.allow_request(async |head: Arc<RequestHead>| match head.query("key").as_deref() {
            ///     Some("secret") => Ok(()),
            ///     _ => Err("no key"),
            /// });
            /// ```
            #[doc(alias = "allowRequest")]
            pub fn allow_request<F, R, E>(&self, hook: F)
            where
                F: Fn(Arc<RequestHead>) -> R + Send + Sync + 'static,
                R: Future<Output = Result<(), E>> + Send + 'static,
                E: Into<String>,
            {
                let hook = allow_request(hook);
                self.setup().hooks.allow_request.set(hook);
            }

            /// Adds a middleware on requests: it sees each one under this server's path, WebSockets and the
            /// client's files included, before anything else does, in the order of registration. `Ok` lets it
            /// on, with headers for its answer, `Err` is the answer: 401, a redirect, too many requests.
            ///
            /// A panic is answered by 500; one that takes longer than
            /// [`admission_timeout`](crate::app::Serving::admission_timeout), all together, by 503.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use sio_driver::app::{Bytes, Config, HeaderMap, Io, RequestHead, http};
            /// # let io = Io::new(Config::default());
            /// io.use_engine(async |head: Arc<RequestHead>| {
            ///     if head.headers.contains_key("authorization") {
            ///         return Ok(HeaderMap::new());
            ///     }
            ///     let mut answer = http::Response::new(Bytes::from_static(b"who are you?"));
            ///     *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
            ///     Err(answer)
            /// });
            /// ```
            #[doc(alias("use", "engine.use"))]
            pub fn use_engine<F, R>(&self, middleware: F)
            where
                F: Fn(Arc<RequestHead>) -> R + Send + Sync + 'static,
                R: Future<Output = Result<HeaderMap, Response<Bytes>>> + Send + 'static,
            {
                let middleware =
                    Arc::new(move |head| -> BoxFuture<_> { Box::pin(middleware(head)) });
                self.setup().hooks.add_middleware(middleware);
            }

            /// May change the headers of every response.
            #[doc(alias = "headers")]
            pub fn on_headers(
                &self,
                hook: impl Fn(&RequestHead, &mut HeaderMap) + Send + Sync + 'static,
            ) {
                self.setup().hooks.headers.set(Arc::new(hook));
            }

            /// May change the headers of the responses that open sessions, on every transport.
            #[doc(alias = "initial_headers")]
            pub fn on_initial_headers(
                &self,
                hook: impl Fn(&RequestHead, &mut HeaderMap) + Send + Sync + 'static,
            ) {
                let hook = Arc::new(hook);
                self.setup().hooks.initial_headers.set(hook);
            }

            /// Runs `hook` for each connection that opens, before anything that its client says is looked at, and
            /// whatever it is going to join: what is registered on it misses nothing. Behind the hooks that are there.
            /// For looking on, by monitors and logs.
            ///
            /// ```
            /// # use sio_driver::app::{CloseReason, Config, Conn, Io};
            /// # let io = Io::new(Config::default());
            /// io.engine().on_open(|conn: &Conn| {
            ///     println!("one more, by {}", conn.transport());
            ///     conn.on_close(|why: CloseReason| println!("one less: {why}"));
            /// });
            /// ```
            #[doc(alias = "connection")]
            pub fn on_open(&self, hook: impl Fn(&Conn) + Send + Sync + 'static) {
                let hook = move |task: &_| hook(&Conn::of(Arc::clone(task)));
                self.setup().hooks.add_opened(Arc::new(hook));
            }

            /// Hears of requests that were turned away, and of each session that ends for what its client did or
            /// did not do: once, with the request that did it, else with the one that opened it.
            ///
            /// ```
            /// # use sio_driver::app::{Config, ErrorContext, Io};
            /// # let io = Io::new(Config::default());
            /// io.on_connection_error(|error| match &error.context {
            ///     Some(ErrorContext::TransportMismatch { transport, previous }) => {
            ///         println!("{}: by {transport}, not by {previous}", error.request);
            ///     }
            ///     Some(context) => println!("{}: {context} (code {:?})", error.request, error.code),
            ///     None => println!("{}: {}", error.request, error.message),
            /// });
            /// ```
            #[doc(alias = "connection_error")]
            pub fn on_connection_error(
                &self,
                hook: impl Fn(&ConnectionError) + Send + Sync + 'static,
            ) {
                let hook = Arc::new(hook);
                self.setup().hooks.connection_error.set(hook);
            }
        }
    };
}

hook_methods!(Engine);
hook_methods!(EngineServer);
hook_methods!(Io);
