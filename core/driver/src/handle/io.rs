//! The server.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use sio_core::config::Config;
use sio_core::error::ConfigError;
use sio_core::packet::Codec;

use super::emitting::emitting_methods;
use super::endpoint::endpoint_methods;
use super::{Engine, EngineServer, EngineSocket, Middleware, Namespace, To};
use crate::adapter::{Adapter, InMemory, MakeAdapter};
use crate::error::{Failure, HandlerError, Reaction};
use crate::handlers::{Handler, ListenerId};
use crate::hooks::Hook;
use crate::host::Host;
use crate::link::{Change, Command};
use crate::log::LogName;
use crate::mount::{Mount, SetupError};

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
    mount: Arc<Mount>,
    /// In the order of their names, in which their adapters are made and closed.
    namespaces: RwLock<BTreeMap<Box<str>, Namespace>>,
    /// Makes the adapters of namespaces.
    adapters: Hook<MakeAdapter>,
    /// Servers whose connections speak Socket.IO to this one. Theirs to keep, not ours: they hold us.
    bound: Mutex<Vec<Weak<Mount>>>,
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
        let io = Self {
            inner: Arc::new(IoInner {
                mount: Arc::new(Mount::new(config)?),
                namespaces: RwLock::default(),
                adapters: Hook::default(),
                bound: Mutex::default(),
                state: RwLock::default(),
                on_error: Hook::default(),
                on_mistyped: AtomicU8::new(Reaction::default() as u8),
            }),
        };
        let _main = io.of("/");
        Ok(io)
    }

    fn mount(&self) -> &Arc<Mount> {
        &self.inner.mount
    }

    /// The host. From now on the server is attached.
    pub(crate) fn host(&self) -> &Arc<Host> {
        self.mount().host(|config| {
            for namespace in self.namespaces() {
                namespace.limit_rooms(config.max_rooms_per_socket);
            }
        })
    }

    /// The Engine.IO server below: its ids, sessions and requests. After [`bind`](Self::bind) that one.
    pub fn engine(&self) -> Engine {
        let bound = self.bound().pop();
        Engine::new(bound.unwrap_or_else(|| self.mount().clone()))
    }

    /// Takes over every connection that `engine`, a server of its own on a path of its own, is to open
    /// from now on: they speak Socket.IO to this server, under the engine's options, but by this server's
    /// [parser](Config::parser). The engine's own handlers hear nothing of them. May be called for several; [`close`](Self::close) closes them all.
    ///
    /// ```
    /// use sio_driver::{Config, EngineServer, Io, Server};
    ///
    /// let engine = EngineServer::new(Config::default().path("/realtime"));
    /// let io = Io::new(Config::default());
    /// io.bind(&engine);
    /// let server = Server::from(engine);
    /// ```
    pub fn bind(&self, engine: &EngineServer) {
        engine.speak(self.clone());
        let mut bound = lock(&self.inner.bound);
        bound.retain(|mount| mount.strong_count() > 0);
        bound.push(Arc::downgrade(engine.mount()));
    }

    /// Takes over one connection of a plain Engine.IO server: from now on it speaks Socket.IO to this
    /// server. To be called in the handler of
    /// [`EngineServer::on_connect`](crate::EngineServer::on_connect), before its first await: messages that
    /// were handled before are not seen again.
    #[doc(alias = "onconnection")]
    pub fn on_connection(&self, connection: &EngineSocket) {
        connection.adopt(self.clone());
    }

    /// How packets are written and read on its connections, from now on.
    pub(crate) fn codec(&self) -> &Codec {
        self.mount().fixed_codec()
    }

    fn bound(&self) -> Vec<Arc<Mount>> {
        let bound = lock(&self.inner.bound);
        bound.iter().filter_map(Weak::upgrade).collect()
    }

    fn everybody(&self) -> To {
        self.sockets().everybody()
    }

    /// Whether the client's files are served beside the server ([`Config::client_files`]).
    #[doc(alias = "serveClient")]
    pub fn serve_client(&self) -> bool {
        self.config().serve_client
    }

    /// Serves the client's files, or not.
    ///
    /// # Errors
    /// As [`configure`](Self::configure).
    #[doc(alias = "serveClient")]
    pub fn set_serve_client(&self, serve: bool) -> Result<(), SetupError> {
        self.configure(|config| config.serve_client = serve)
    }

    /// How long a client may stay without any namespace.
    #[doc(alias = "connectTimeout")]
    pub fn connect_timeout(&self) -> Duration {
        self.config().connect_timeout
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    ///
    /// # Errors
    /// As [`configure`](Self::configure).
    #[doc(alias = "connectTimeout")]
    pub fn set_connect_timeout(&self, timeout: Duration) -> Result<(), SetupError> {
        self.configure(|config| config.connect_timeout = timeout)
    }

    /// The adapter of `/`: [`Namespace::adapter`].
    pub fn adapter(&self) -> Arc<dyn Adapter> {
        self.sockets().adapter()
    }

    /// Gives every namespace, those to come too, an adapter that `make` makes around the in-memory one.
    ///
    /// # Errors
    /// The server is attached.
    #[doc(alias = "adapter")]
    pub fn set_adapter<A: Adapter>(
        &self,
        make: impl Fn(InMemory) -> A + Send + Sync + 'static,
    ) -> Result<(), SetupError> {
        self.mount().must_be_open()?;
        let make: Arc<MakeAdapter> = Arc::new(move |local| Arc::new(make(local)));
        for namespace in self.namespaces() {
            namespace.put_adapter(&*make);
        }
        self.inner.adapters.set(make);
        Ok(())
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
        let most = self.config().max_rooms_per_socket;
        let fresh = Namespace::new(&name, self.mount().clone(), most);
        let namespace = {
            let mut namespaces = self
                .inner
                .namespaces
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            namespaces
                .entry(name.into())
                .or_insert_with(|| fresh.clone())
                .clone()
        };
        // Outside the lock: it is the application's code.
        if namespace == fresh {
            // Options may have been replaced meanwhile.
            namespace.limit_rooms(self.config().max_rooms_per_socket);
            if let Some(make) = self.inner.adapters.get() {
                namespace.put_adapter(&*make);
            }
        }
        namespace
    }

    pub(crate) fn find(&self, name: &str) -> Option<Namespace> {
        let namespaces = self
            .inner
            .namespaces
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        namespaces.get(name).cloned()
    }

    fn namespaces(&self) -> Vec<Namespace> {
        let namespaces = self
            .inner
            .namespaces
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        namespaces.values().cloned().collect()
    }

    /// The main namespace: `of("/")`.
    pub fn sockets(&self) -> Namespace {
        self.of("/")
    }

    /// Handles connections to `/`: [`Namespace::on_connect`].
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.sockets().on_connect(handler)
    }

    /// Adds a middleware to `/`: [`Namespace::use_`].
    #[doc(alias = "use")]
    pub fn use_<M>(&self, middleware: impl Middleware<M>) {
        self.sockets().use_(middleware);
    }

    /// How many Engine.IO sessions are live, whatever namespaces they are in.
    #[doc(alias = "clientsCount")]
    pub fn engine_sessions(&self) -> usize {
        Engine::new(self.mount().clone()).sessions()
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
    pub(crate) fn report(&self, error: &HandlerError, _socket: LogName<'_>) {
        match (&error.why, self.reaction()) {
            (Failure::Mistyped(_), Reaction::Ignore) => {}
            (Failure::Mistyped(_), Reaction::Log | Reaction::RefuseAck) => {
                crate::log::debug!(socket = %_socket, namespace = %error.namespace, event = %error.event, why = %error.why, "event refused");
            }
            (Failure::Panicked(_), _) => {
                crate::log::error!(socket = %_socket, namespace = %error.namespace, event = %error.event, why = %error.why, "handler panicked");
            }
            (Failure::Failed(_) | Failure::NoState(_) | Failure::Absent(_), _) => {
                crate::log::warn!(socket = %_socket, namespace = %error.namespace, event = %error.event, why = %error.why, "handler failed");
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
        let mut hosts = vec![self.host().clone()];
        hosts.extend(self.bound().iter().map(|mount| mount.host(|_| ()).clone()));
        // All are told before any is waited for.
        for host in &hosts {
            host.shut_down();
        }
        for namespace in self.namespaces() {
            // Those of connections that were handed over one by one.
            for socket in namespace.sockets() {
                if !hosts
                    .iter()
                    .any(|host| Arc::ptr_eq(host, socket.link().host()))
                {
                    socket.link().tell(Command::Become(Change::ShutDown));
                }
            }
        }
        for host in &hosts {
            host.peers.none().await;
        }
        for namespace in self.namespaces() {
            if let Some(adapter) = namespace.custom_adapter() {
                adapter.close().await;
            }
        }
    }

    /// Ends every connection at once; what is queued is lost.
    pub fn disconnect_all(&self) {
        if let Some(host) = self.mount().attached() {
            host.discard();
        }
    }
}

endpoint_methods!(Io);
emitting_methods!(Io);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Io").field(self.mount()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::adapter::Later;

    /// An adapter that says when it comes and goes.
    struct Telling {
        local: InMemory,
        name: String,
        told: Arc<Mutex<Vec<String>>>,
    }

    impl Telling {
        fn tell(&self, what: &str) {
            lock(&self.told).push(format!("{what} {}", self.name));
        }
    }

    impl Adapter for Telling {
        fn local(&self) -> &InMemory {
            &self.local
        }

        fn init(&self) {
            self.tell("init");
        }

        fn close(&self) -> Later<()> {
            self.tell("close");
            Later::ready(())
        }
    }

    #[test]
    fn adapters_are_made_and_closed_in_the_order_of_their_namespaces() {
        let io = Io::new(Config::default());
        let mut names: Vec<String> = (0..64).map(|n| format!("/{}", n * 37 % 64 + 100)).collect();
        for name in &names {
            io.of(name);
        }
        names.push("/".to_owned());
        names.sort();
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        io.set_adapter(move |local| Telling {
            name: local.namespace().map(|it| it.name().to_owned()).unwrap(),
            told: tell.clone(),
            local,
        })
        .unwrap();
        let mut closed = pin!(io.close());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(closed.as_mut().poll(&mut cx), Poll::Ready(()));
        let each =
            |what: &str| -> Vec<_> { names.iter().map(|name| format!("{what} {name}")).collect() };
        let expected: Vec<String> = [each("init"), each("close")].concat();
        assert_eq!(*lock(&told), expected);
    }
}
