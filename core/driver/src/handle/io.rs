//! The server.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use sio_core::config::Config;
use sio_core::error::ConfigError;
use sio_core::packet::Arguments;

use super::{IntoRooms, Namespace, To};
use crate::ack::RepliesFuture;
use crate::error::{ConnectionError, EmitError, Failure, HandlerError, Reaction};
use crate::handlers::{Handler, ListenerId};
use crate::hooks::{Hook, RequestHead, admission};
use crate::host::Host;

/// A Socket.IO server: its namespaces, its options, its hooks.
///
/// Cheap to clone; all clones are the same server. It does nothing until a binding serves it
/// (`sio_tokio::serve`).
///
/// ```
/// use sio_driver::{Config, Data, Io, Socket};
///
/// let io = Io::new(Config::default());
/// io.of("/").on_connect(|socket: Socket| {
///     socket.join("lobby");
///     socket.on("say", async |socket: Socket, Data(text): Data<String>| {
///         socket.to("lobby").emit("said", &text)
///     });
/// });
/// ```
#[derive(Clone)]
pub struct Io {
    inner: Arc<IoInner>,
}

struct IoInner {
    host: Arc<Host>,
    namespaces: RwLock<HashMap<Box<str>, Namespace>>,
    state: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    on_error: Hook<dyn Fn(&HandlerError) + Send + Sync>,
    on_mistyped: AtomicU8,
}

impl Io {
    /// A server with these options. The namespace `/` is there from the start.
    ///
    /// # Panics
    /// If the options contradict themselves ([`Config::validate`]).
    pub fn new(config: Config) -> Self {
        match Self::try_new(config) {
            Ok(io) => io,
            Err(error) => panic!("{error}"),
        }
    }

    /// A server with these options.
    ///
    /// # Errors
    /// The options contradict themselves ([`Config::validate`]).
    pub fn try_new(config: Config) -> Result<Self, ConfigError> {
        let host = Host::new(config)?;
        let io = Self {
            inner: Arc::new(IoInner {
                host,
                namespaces: RwLock::default(),
                state: RwLock::default(),
                on_error: Hook::default(),
                on_mistyped: AtomicU8::new(Reaction::default() as u8),
            }),
        };
        let _main = io.of("/");
        Ok(io)
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.inner.host
    }

    /// The options.
    pub fn config(&self) -> &Config {
        &self.inner.host.config
    }

    /// The namespace of this name, created if there is none. Also while clients are connected.
    ///
    /// A name without a `/` at its beginning gets one.
    pub fn of(&self, name: &str) -> Namespace {
        let name = if name.starts_with('/') {
            name.to_owned()
        } else {
            format!("/{name}")
        };
        if let Some(namespace) = self.find(&name) {
            return namespace;
        }
        let mut namespaces = self
            .inner
            .namespaces
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        namespaces
            .entry(name.clone().into())
            .or_insert_with(|| Namespace::new(&name, self.config()))
            .clone()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Namespace> {
        let namespaces = self
            .inner
            .namespaces
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        namespaces.get(name).cloned()
    }

    /// The main namespace: `of("/")`.
    pub fn sockets(&self) -> Namespace {
        self.of("/")
    }

    /// Handles connections to `/`: [`Namespace::on_connect`].
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.sockets().on_connect(handler)
    }

    /// Emits to everybody in `/`.
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        self.sockets().emit(event, args)
    }

    /// Emits to everybody in `/` and gathers their answers: [`To::emit_with_ack`].
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl Arguments + ?Sized),
    ) -> RepliesFuture<T> {
        self.sockets().emit_with_ack(event, args)
    }

    /// Names rooms of `/` to emit to: [`To::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> To {
        self.sockets().to(rooms)
    }

    /// The same as [`to`](Self::to), by the name it has in JavaScript.
    pub fn r#in(&self, rooms: impl IntoRooms) -> To {
        self.sockets().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn within(&self, rooms: impl IntoRooms) -> To {
        self.sockets().to(rooms)
    }

    /// Names rooms of `/` not to emit to: [`To::except`].
    pub fn except(&self, rooms: impl IntoRooms) -> To {
        self.sockets().except(rooms)
    }

    /// Sets the time for answers: [`To::timeout`].
    pub fn timeout(&self, timeout: Duration) -> To {
        self.sockets().timeout(timeout)
    }

    /// Emits what may be lost: [`To::volatile`].
    pub fn volatile(&self) -> To {
        self.sockets().volatile()
    }

    /// How many Engine.IO sessions are live, whatever namespaces they are in.
    #[doc(alias = "clientsCount")]
    pub fn engine_sessions(&self) -> usize {
        self.inner.host.registry.len()
    }

    /// Decides over each handshake, before a session exists. An error refuses it: 403, code 4, with
    /// the error as message.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sio_driver::{Config, Io, RequestHead};
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
        self.inner.host.hooks.allow_request.set(admission(hook));
    }

    /// May change the headers of every response.
    pub fn on_headers(&self, hook: impl Fn(&RequestHead, &mut HeaderMap) + Send + Sync + 'static) {
        self.inner.host.hooks.headers.set(Arc::new(hook));
    }

    /// May change the headers of the responses that open sessions, on every transport.
    #[doc(alias = "initial_headers")]
    pub fn on_initial_headers(
        &self,
        hook: impl Fn(&RequestHead, &mut HeaderMap) + Send + Sync + 'static,
    ) {
        self.inner.host.hooks.initial_headers.set(Arc::new(hook));
    }

    /// Hears of requests that were turned away.
    pub fn on_connection_error(&self, hook: impl Fn(&ConnectionError) + Send + Sync + 'static) {
        self.inner.host.hooks.connection_error.set(Arc::new(hook));
    }

    /// Hears of handlers that failed, panicked, or could not take their arguments.
    pub fn on_error(&self, hook: impl Fn(&HandlerError) + Send + Sync + 'static) {
        self.inner.on_error.set(Arc::new(hook));
    }

    /// What the server itself does with an event that a handler could not take, or a packet
    /// middleware refused. [`Reaction::Log`] by default.
    pub fn on_mistyped(&self, reaction: Reaction) {
        self.inner
            .on_mistyped
            .store(reaction as u8, Ordering::Relaxed);
    }

    pub(crate) fn reaction(&self) -> Reaction {
        let code = self.inner.on_mistyped.load(Ordering::Relaxed);
        [Reaction::Ignore, Reaction::Log, Reaction::RefuseAck]
            .into_iter()
            .find(|reaction| *reaction as u8 == code)
            .unwrap_or_default()
    }

    /// Tells the application and the log. No lock is held.
    pub(crate) fn report(&self, error: &HandlerError) {
        match (&error.why, self.reaction()) {
            (Failure::Mistyped(_), Reaction::Ignore) => {}
            (Failure::Mistyped(_), Reaction::Log | Reaction::RefuseAck) => {
                crate::log::debug!(socket = %error.socket, namespace = %error.namespace, event = %error.event, why = %error.why, "event refused");
            }
            (Failure::Panicked(_), _) => {
                crate::log::error!(socket = %error.socket, namespace = %error.namespace, event = %error.event, why = %error.why, "handler panicked");
            }
            (Failure::Failed(_) | Failure::NoState(_) | Failure::Absent(_), _) => {
                crate::log::warn!(socket = %error.socket, namespace = %error.namespace, event = %error.event, why = %error.why, "handler failed");
            }
        }
        if let Some(hook) = self.inner.on_error.get() {
            hook(error);
        }
    }

    /// Gives a value to the handlers that name [`State<T>`](crate::State). One for each type; a later
    /// one replaces it.
    pub fn state<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let before = self
            .inner
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(TypeId::of::<T>(), Arc::new(value));
        // Dropped outside the lock.
        drop(before);
    }

    /// The value of this type that was given to [`state`](Self::state).
    pub fn get_state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        // Cloned outside the lock: that is the application's code.
        let value = self
            .inner
            .state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&TypeId::of::<T>())?
            .clone();
        value.downcast_ref().cloned()
    }

    /// Closes the server: no more connections are taken, every socket ends with
    /// `server shutting down`, what is queued is still delivered, and this waits until all are gone.
    ///
    /// `close_timeout` and `polling_close_timeout` bound how long one client can hold it up. Clients
    /// are not told to stay away: they come back when a server does.
    pub async fn close(&self) {
        self.inner.host.close().await;
    }

    /// Ends every connection at once; what is queued is lost.
    pub fn disconnect_all(&self) {
        self.inner.host.discard();
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Io").field(&self.inner.host).finish()
    }
}
