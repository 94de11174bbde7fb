//! What servers of both kinds have: options that may be replaced until they are attached, and hooks into
//! their requests. Written once, for [`Io`](crate::app::Io), its [`Engine`] and
//! [`EngineServer`](crate::app::EngineServer).

use std::fmt;
use std::sync::Arc;

use crate::endpoint::setup::Setup;

/// The Engine.IO server below an [`Io`](crate::app::Io): [`Io::engine`](crate::app::Io::engine). A handle, cheap to
/// clone.
#[derive(Clone)]
pub struct Engine {
    setup: Arc<Setup>,
}

impl Engine {
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        Self { setup }
    }

    fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// How many sessions are live.
    #[doc(alias = "clientsCount")]
    pub fn sessions(&self) -> usize {
        self.setup
            .attached()
            .map_or(0, |endpoint| endpoint.sessions.len())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.setup).finish()
    }
}

/// The methods of a type with a `fn setup(&self) -> &Arc<Setup>`.
macro_rules! endpoint_methods {
    ($type:ty) => {
        impl $type {
            /// The options, as they are now.
            pub fn config(&self) -> std::sync::Arc<sio_core::config::Config> {
                self.setup().config()
            }

            /// Changes options, until the server is attached (given to a [`Server`](crate::app::Server), to
            /// `serve`, `layer` or `service`).
            ///
            /// # Errors
            /// It is attached, the options contradict themselves, or somebody else has replaced them while
            /// `change` ran. They stay as they were then.
            #[doc(alias = "attach")]
            pub fn configure(
                &self,
                change: impl FnOnce(&mut sio_core::config::Config),
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.setup().configure(change)
            }

            /// Whether it is attached: its options are fixed.
            pub fn is_attached(&self) -> bool {
                self.setup().attached().is_some()
            }

            /// The path it is mounted at.
            pub fn path(&self) -> String {
                self.config().path.clone()
            }

            /// Mounts it elsewhere.
            ///
            /// # Errors
            /// As [`configure`](Self::configure).
            #[doc(alias = "path")]
            pub fn set_path(
                &self,
                path: impl Into<String>,
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.configure(|config| config.path = path.into())
            }

            /// The sites whose pages may connect.
            pub fn origins(&self) -> sio_core::config::Origins {
                self.config().origins.clone()
            }

            /// Names the sites whose pages may connect. For a function that waits, or that gives the
            /// reason of a refusal, see [`check_origin`](Self::check_origin).
            ///
            /// # Errors
            /// As [`configure`](Self::configure).
            #[doc(alias = "origins")]
            pub fn set_origins(
                &self,
                origins: impl Into<sio_core::config::Origins>,
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.configure(|config| config.origins = origins.into())
            }

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
                F: Fn(String, std::sync::Arc<crate::endpoint::request::RequestHead>) -> R
                    + Send
                    + Sync
                    + 'static,
                R: Future<Output = Result<bool, E>> + Send + 'static,
                E: Into<String>,
            {
                self.setup()
                    .hooks
                    .origin
                    .set(std::sync::Arc::new(move |origin, head| {
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
                F: Fn(std::sync::Arc<crate::endpoint::request::RequestHead>) -> R
                    + Send
                    + Sync
                    + 'static,
                R: Future<Output = Result<String, E>> + Send + 'static,
                E: Into<String>,
            {
                self.setup()
                    .hooks
                    .session_ids
                    .set(std::sync::Arc::new(move |head| {
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
                F: Fn(std::sync::Arc<crate::endpoint::request::RequestHead>) -> R
                    + Send
                    + Sync
                    + 'static,
                R: Future<Output = Result<(), E>> + Send + 'static,
                E: Into<String>,
            {
                let hook = crate::endpoint::hooks::allow_request(hook);
                self.setup().hooks.allow_request.set(hook);
            }

            /// May change the headers of every response.
            #[doc(alias = "headers")]
            pub fn on_headers(
                &self,
                hook: impl Fn(&crate::endpoint::request::RequestHead, &mut http::HeaderMap)
                + Send
                + Sync
                + 'static,
            ) {
                self.setup().hooks.headers.set(std::sync::Arc::new(hook));
            }

            /// May change the headers of the responses that open sessions, on every transport.
            #[doc(alias = "initial_headers")]
            pub fn on_initial_headers(
                &self,
                hook: impl Fn(&crate::endpoint::request::RequestHead, &mut http::HeaderMap)
                + Send
                + Sync
                + 'static,
            ) {
                let hook = std::sync::Arc::new(hook);
                self.setup().hooks.initial_headers.set(hook);
            }

            /// Hears of requests that were turned away, and of each session that ends for what its client did or
            /// did not do: once, with the request that did it, else with the one that opened it.
            #[doc(alias = "connection_error")]
            pub fn on_connection_error(
                &self,
                hook: impl Fn(&crate::error::ConnectionError) + Send + Sync + 'static,
            ) {
                let hook = std::sync::Arc::new(hook);
                self.setup().hooks.connection_error.set(hook);
            }
        }
    };
}

pub(super) use endpoint_methods;

endpoint_methods!(Engine);
