//! The server.

use std::any::TypeId;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sio_core::config::Config;
use sio_core::config::ConfigError;
use sio_core::engine::Close;
use sio_core::namespaces::Namespaces;
use sio_core::packet::Codec;

use super::endpoint::endpoint_methods;
use super::engines::{Engines, HandedOver};
use super::inner::{Callback, Io, IoInner};
use super::left::Left;
use super::{Engine, Namespace};
use crate::adapter::{Adapter, InMemory, MakeAdapter};
use crate::endpoint::Endpoint;
use crate::endpoint::handshake::Handshake;
use crate::endpoint::setup::{Setup, SetupError};
use crate::error::{HandlerError, Reaction};
use crate::listeners::Listeners;
use crate::mailbox::command::Command;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::hook::Hook;

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
        let main = Namespace::new("/", setup.clone(), most, None);
        let mut namespaces = Namespaces::new(&setup.config());
        namespaces.open("/", None, || main.clone());
        Ok(Self {
            inner: Arc::new(IoInner {
                setup,
                namespaces: RwLock::new(namespaces),
                main,
                on_namespace: Hook::default(),
                adapters: Hook::default(),
                engines: Arc::default(),
                closers: Arc::default(),
                left: Left::default(),
                state: RwLock::default(),
                on_error: Hook::default(),
                on_mistyped: AtomicU8::new(Reaction::default() as u8),
                records: AtomicBool::new(false),
                recording: Hook::default(),
                draining: AtomicBool::new(false),
                #[cfg(feature = "metrics")]
                measured: Default::default(),
            }),
        })
    }

    pub(crate) fn listeners(&self) -> &Listeners<Callback> {
        self.inner.main.listeners()
    }

    /// Who hears of handlers that fail.
    pub(crate) fn failures(&self) -> &Hook<dyn Fn(&HandlerError) + Send + Sync> {
        &self.inner.on_error
    }

    /// What is done with an event that a handler could not take: a [`Reaction`].
    pub(crate) fn reaction_code(&self) -> &AtomicU8 {
        &self.inner.on_mistyped
    }

    pub(crate) fn setup(&self) -> &Arc<Setup> {
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
        let setup = bound.as_ref().map_or(self.setup(), |it| it.setup());
        Engine::new(setup.clone())
    }

    pub(super) fn engines(&self) -> &Engines {
        &self.inner.engines
    }

    /// How packets are written and read on a connection that begins to speak to it.
    pub(crate) fn codec_for(&self, task: &TaskHandle, handshake: &Handshake) -> &Codec {
        let setup = self.setup();
        let number = setup.parser_number(handshake.query.get(Config::PARSER_KEY));
        task.set_parser(number);
        setup.codec_of(number)
    }

    /// Counts a connection of a plain engine among its own. `None`: it is closed.
    pub(crate) fn take_over(&self, task: &Arc<TaskHandle>) -> Option<HandedOver> {
        let handed_over = self.inner.engines.hand_over(task.clone());
        // Asked afterwards: who closes it either finds the connection, or was seen here.
        (!self.is_closing()).then_some(handed_over)
    }

    pub(super) fn is_closing(&self) -> bool {
        (self.setup().attached()).is_some_and(|endpoint| endpoint.closing.is_raised())
    }

    /// The endpoints of all engines that it is served by, as far as they are attached; its own first.
    pub(super) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let bound = self.inner.engines.bound();
        let bound = bound.iter().map(|engine| engine.setup());
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

    /// All namespaces on this node, in the order of their names.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let namespaces = self
            .inner
            .namespaces
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        namespaces.iter().map(|(_, its)| its.clone()).collect()
    }

    /// The main namespace: `of("/")`.
    pub fn sockets(&self) -> Namespace {
        self.inner.main.clone()
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
        self.inner.engines.shut_down(&self.attach_all());
    }

    /// The endpoints of all its engines, from now on attached: what is said to them counts for clients to come.
    pub(super) fn attach_all(&self) -> Vec<Arc<Endpoint>> {
        self.endpoint();
        for engine in self.inner.engines.bound() {
            engine.setup().endpoint(|_| ());
        }
        self.endpoints()
    }

    /// Waits until all connections are wound up, and lets go of what the application gave it.
    pub(crate) async fn wind_up(&self) {
        let mut busy = self.inner.closers.enter();
        self.inner.engines.gone(&self.endpoints()).await;
        for namespace in self.namespaces() {
            namespace.end_recovery().await;
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
        self.release_parents();
        self.inner.on_namespace.close();
        self.inner.adapters.close();
        self.inner.on_error.close();
        self.inner.recording.close();
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
            name: local.namespace().to_owned(),
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

    /// Its end panics.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    #[test]
    fn a_destructor_that_panics_keeps_a_server_from_letting_go_of_nothing() {
        let io = Io::new(Config::default());
        let held = Arc::new(());
        // What handlers and hooks capture: the one that panics, and something behind it.
        let both = || (Bomb, held.clone());
        fn keep<T>(_: &T) {}
        let parent = io.of_pattern("/{name}").unwrap();
        let its = both();
        parent.on("x", move || keep(&its));
        let its = both();
        parent.on_any_outgoing(move |_, _| keep(&its));
        for name in ["/", "/a"] {
            let namespace = io.of(name);
            let its = both();
            namespace.on("x", move || keep(&its));
            let its = both();
            namespace.use_(move || keep(&its));
            let its = both();
            namespace.on_any_outgoing(move |_, _| keep(&its));
            let its = both();
            namespace.on_room_event(move |_| keep(&its));
            let its = both();
            namespace.on_expired(move |_| keep(&its));
        }
        let its = both();
        io.on_error(move |_| keep(&its));
        let its = both();
        io.on_connection_error(move |_| keep(&its));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(io.close()).poll(&mut cx).is_ready());
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
