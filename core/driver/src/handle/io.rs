//! The server.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sio_core::config::Config;
use sio_core::config::ConfigError;
use sio_core::engine::Close;
use sio_core::packet::Codec;

use super::emitting::listener_methods;
use super::endpoint::endpoint_methods;
use super::engines::{Engines, HandedOver};
use super::left::Left;
use super::{Engine, EngineServer, EngineSocket, Namespace};
use crate::adapter::{Adapter, InMemory, MakeAdapter};
use crate::endpoint::Endpoint;
use crate::endpoint::setup::{Setup, SetupError};
use crate::error::{Failure, HandlerError, Reaction};
use crate::handler::call::{Callback, Handler, erase};
use crate::handler::middleware::Middleware;
use crate::listeners::{ListenerId, Listeners, Topic};
use crate::log::{LogName, debug, error as log_error, trace};
use crate::mailbox::command::Command;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::hook::Hook;
use crate::sync::wait_group::WaitGroup;

/// A Socket.IO server: its namespaces, its options, its hooks.
///
/// Cheap to clone; all clones are the same server. It does nothing until a binding serves it
/// (`sio_tokio::serve`).
///
/// ```
/// use sio_driver::app::{Config, Data, Io, Socket};
///
/// let io = Io::new(Config::v4());
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
    setup: Arc<Setup>,
    /// `/`, which is always there.
    main: Namespace,
    /// In the order of their names, in which their adapters are made and closed.
    namespaces: RwLock<BTreeMap<Box<str>, Namespace>>,
    /// Makes the adapters of namespaces.
    adapters: Hook<MakeAdapter>,
    /// Whose connections speak Socket.IO to this one, besides its own.
    engines: Arc<Engines>,
    /// Who closes it and is not done yet.
    closers: Arc<WaitGroup>,
    /// Adapters whose end nobody waits for any more.
    left: Left,
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
        let setup = Arc::new(Setup::new(config)?);
        let most = setup.config().max_rooms_per_socket;
        let main = Namespace::new("/", setup.clone(), most);
        Ok(Self {
            inner: Arc::new(IoInner {
                setup,
                namespaces: RwLock::new(BTreeMap::from([("/".into(), main.clone())])),
                main,
                adapters: Hook::default(),
                engines: Arc::default(),
                closers: Arc::default(),
                left: Left::default(),
                state: RwLock::default(),
                on_error: Hook::default(),
                on_mistyped: AtomicU8::new(Reaction::default() as u8),
            }),
        })
    }

    fn listeners(&self) -> &Listeners<Callback> {
        self.inner.main.listeners()
    }

    fn setup(&self) -> &Arc<Setup> {
        &self.inner.setup
    }

    /// The endpoint. From now on the server is attached.
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        self.setup().endpoint(|config| {
            for namespace in self.namespaces() {
                namespace.limit_rooms(config.max_rooms_per_socket);
            }
        })
    }

    /// The Engine.IO server below: its ids, sessions and requests. After [`bind`](Self::bind) that one.
    pub fn engine(&self) -> Engine {
        let bound = self.inner.engines.bound().pop();
        let setup = bound.as_ref().map_or(self.setup(), EngineServer::setup);
        Engine::new(setup.clone())
    }

    /// Takes over every connection that `engine`, a server of its own on a path of its own, is to open
    /// from now on: they speak Socket.IO to this server, under the engine's options, but by this server's
    /// [parser](Config::parser). The engine's own handlers hear nothing of them. May be called for several:
    /// what this server does to all its connections ([`close`](Self::close),
    /// [`disconnect_all`](Self::disconnect_all), [`engine_sessions`](Self::engine_sessions)) it does to those
    /// of all its engines. Once this server is closed, so is every engine that is bound to it.
    ///
    /// ```
    /// use sio_driver::app::{Config, EngineServer, Io, Server};
    ///
    /// let engine = EngineServer::new(Config::default().path("/realtime"));
    /// let io = Io::new(Config::v4());
    /// io.bind(&engine);
    /// let server = Server::from(engine);
    /// ```
    pub fn bind(&self, engine: &EngineServer) {
        engine.speak(self.clone());
        self.inner.engines.bind(engine);
        if self.is_closing() {
            engine.endpoint().shut_down();
            engine.release();
        }
    }

    /// Takes over one connection of a plain Engine.IO server: from now on it speaks Socket.IO to this
    /// server. To be called in the handler of
    /// [`EngineServer::on_connect`](crate::app::EngineServer::on_connect), before its first await: messages that
    /// were handled before are not seen again. It is closed with this server, or at once if that is closed.
    #[doc(alias = "onconnection")]
    pub fn on_connection(&self, connection: &EngineSocket) {
        connection.adopt(self.clone());
    }

    /// How packets are written and read on its connections, from now on.
    pub(crate) fn codec(&self) -> &Codec {
        self.setup().fixed_codec()
    }

    /// Counts a connection of a plain engine among its own. `None`: it is closed.
    pub(crate) fn take_over(&self, task: &Arc<TaskHandle>) -> Option<HandedOver> {
        let handed_over = self.inner.engines.hand_over(task.clone());
        // Asked afterwards: who closes it either finds the connection, or was seen here.
        (!self.is_closing()).then_some(handed_over)
    }

    fn is_closing(&self) -> bool {
        (self.setup().attached()).is_some_and(|endpoint| endpoint.closing.is_raised())
    }

    /// The endpoints of all engines that it is served by, as far as they are attached; its own first.
    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let bound = self.inner.engines.bound();
        let bound = bound.iter().map(EngineServer::setup);
        let setups = std::iter::once(self.setup()).chain(bound);
        setups
            .filter_map(|setup| setup.attached())
            .cloned()
            .collect()
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
        self.setup().must_be_open()?;
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
        let fresh = Namespace::new(&name, self.setup().clone(), most);
        if self.is_closing() {
            fresh.release();
        }
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
        self.inner.main.clone()
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

    /// How many Engine.IO sessions are live on all its engines, whatever namespaces they are in. Of an engine
    /// that is not [bound](Self::bind), those that it [was handed](Self::on_connection).
    #[doc(alias = "clientsCount")]
    pub fn engine_sessions(&self) -> usize {
        let endpoints = self.endpoints();
        let handed = self.inner.engines.handed(&endpoints);
        let handed = handed.iter().filter(|task| task.is_open()).count();
        let all = endpoints.iter().map(|endpoint| endpoint.sessions.len());
        all.fold(handed, usize::saturating_add)
    }

    /// Hears of handlers that failed, panicked, or could not take their arguments, and of events without
    /// a handler. A client can cause some of these as often as it likes.
    ///
    /// Without it, the first failure of its kind in an event is told on stderr, of each kind for 16 events at
    /// most, unless the log (the feature `tracing`) is heard at `debug` and has it.
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

    /// Tells the application and the log. No lock is held. `is_gone`: the client has left meanwhile, so that
    /// an error which the handler returned is most likely about that.
    pub(crate) fn report(&self, error: &HandlerError, _socket: LogName<'_>, is_gone: bool) {
        let reaction = self.reaction();
        match (&error.why, reaction) {
            (Failure::Mistyped(_) | Failure::Refused(_), Reaction::Ignore) => {}
            (Failure::Mistyped(_why), Reaction::Log | Reaction::RefuseAck) => {
                // What is wrong with it says what is in it.
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), argument = _why.index, "event refused");
                trace!(socket = %_socket, why = %error.why, "event refused");
            }
            (Failure::Refused(_), Reaction::Log | Reaction::RefuseAck) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "event refused");
            }
            (Failure::Panicked(_), _) => {
                log_error!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "handler panicked");
            }
            // A client can cause it, as often as it likes: by what it sends, or by having left.
            (Failure::Failed(_) | Failure::NoState(_) | Failure::Absent(_), _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "handler failed");
            }
            (Failure::Dropped(_why), _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), limit = _why, "handler dropped");
            }
            (Failure::Unhandled, _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), "no handler");
            }
        }
        let quiet = match &error.why {
            Failure::Mistyped(_) => reaction == Reaction::Ignore,
            // Where they reach the client, these words have done what they are for.
            Failure::Refused(_) => is_gone || reaction != Reaction::Log,
            Failure::Failed(_) => is_gone,
            Failure::NoState(_)
            | Failure::Absent(_)
            | Failure::Panicked(_)
            | Failure::Dropped(_)
            | Failure::Unhandled => false,
        };
        if let Some(hook) = self.inner.on_error.get() {
            hook(error);
        } else if !quiet {
            let notices = &self.setup().hooks.notices;
            notices.tell(&error.namespace, &error.event, &error.why);
        }
    }

    /// Whether anybody would hear of an event without a handler: a client can send many.
    pub(crate) fn hears_of_unhandled(&self) -> bool {
        self.inner.on_error.get().is_some()
            || self.setup().hooks.notices.hears_of_unhandled()
            || crate::log::hears_debug!()
    }

    /// Gives a value to the handlers and middlewares that name [`State<T>`](crate::app::State). One for each
    /// type; a later one replaces it.
    pub fn set_state<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let before = self
            .inner
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(TypeId::of::<T>(), Arc::new(value));
        // Dropped outside the lock.
        drop(before);
    }

    /// A copy of the value of this type that was given to [`set_state`](Self::set_state).
    pub fn state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
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
    /// are told that the server goes (close code 1001 on WebSockets), and not to stay away: they come back when
    /// one does.
    ///
    /// Dropped before that, it has begun all the same, and another call waits for the rest.
    ///
    /// All its engines are closed with it: its own, and those that are [bound](Self::bind) to it; of others,
    /// the connections that it [was handed](Self::on_connection). Then its adapters are, each once, and all
    /// handlers, middlewares and hooks are let go of, with what they have captured, even if that is the
    /// server itself. (What was given to [`set_state`](Self::set_state) stays as long as anybody has the server.)
    pub async fn close(&self) {
        self.shut_down();
        self.wind_up().await;
    }

    /// Takes no more connections, and tells those that there are.
    pub(crate) fn shut_down(&self) {
        self.endpoint();
        for engine in self.inner.engines.bound() {
            engine.endpoint();
        }
        self.inner.engines.shut_down(&self.endpoints());
    }

    /// Waits until all connections are wound up, and lets go of what the application gave it.
    pub(crate) async fn wind_up(&self) {
        let mut busy = self.inner.closers.enter();
        self.inner.engines.gone(&self.endpoints()).await;
        for namespace in self.namespaces() {
            // Whoever is first closes it; all wait until that is done.
            if let Some(adapter) = namespace.take_adapter() {
                self.inner.left.close(adapter).await;
            }
        }
        loop {
            while let Some(closing) = self.inner.left.take() {
                closing.await;
            }
            drop(busy);
            self.inner.closers.none().await;
            if self.inner.left.is_empty() {
                break;
            }
            busy = self.inner.closers.enter();
        }
        self.release();
    }

    /// Listeners of its engines are closed. If these were the last ones, nobody can come any more.
    pub(crate) async fn close_if_deserted(&self) {
        let endpoints = self.endpoints();
        let deserted = endpoints
            .iter()
            .all(|endpoint| endpoint.closing.is_raised());
        if deserted && self.inner.engines.handed(&endpoints).is_empty() {
            self.close().await;
        }
    }

    /// Lets go of what may hold the server itself.
    fn release(&self) {
        for namespace in self.namespaces() {
            namespace.release();
        }
        self.inner.adapters.close();
        self.inner.on_error.close();
        self.setup().hooks.close();
        for engine in self.inner.engines.bound() {
            engine.release();
        }
    }

    /// Ends every connection at once, on all its engines; what is queued is lost.
    pub fn disconnect_all(&self) {
        let endpoints = self.endpoints();
        for endpoint in &endpoints {
            endpoint.discard();
        }
        for task in self.inner.engines.handed(&endpoints) {
            task.tell(Command::Close(Close::Discard));
        }
    }
}

endpoint_methods!(Io);
listener_methods!(Io);

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Io").field(self.setup()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::sync::later::Later;

    /// An adapter that says when it comes and goes.
    struct Telling {
        local: InMemory,
        name: String,
        told: Arc<Mutex<Vec<String>>>,
    }

    impl Telling {
        fn tell(&self, what: &str) {
            self.told
                .lock()
                .unwrap()
                .push(format!("{what} {}", self.name));
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
        assert_eq!(*told.lock().unwrap(), expected);
    }
}
