//! A client as a whole.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sio_core::client::{Auth, Network};

use super::event::Happening;
use super::inner::{Alive, Callback, Gone, MakeAuth, Rest, Shared, Socket, SocketInner};
use super::status::Watch;
use crate::error::HandlerError;
use crate::listeners::Listeners;
use crate::sync::hook::Hook;
use crate::sync::signal::{Signal, Wait};

/// A client: one connection to a server, and the next ones, with any number of namespaces.
///
/// Cheap to clone; all clones are the same client. Nothing is dialled before a socket of it is told to
/// [`connect`](Socket::connect). When the last handle of it is dropped, of the client itself or of one of its
/// sockets, it is closed, politely, in the background.
pub struct Client<R> {
    pub(super) alive: Arc<Alive>,
    pub(super) auth: Arc<DefaultAuth>,
    runtime: PhantomData<fn() -> R>,
}

/// The credentials of sockets that have none of their own.
pub(super) enum DefaultAuth {
    Value(Auth),
    Asked(Arc<MakeAuth>),
}

/// Handlers that the sockets of many clients have in common.
///
/// They run before those of the socket itself.
#[derive(Clone, Default)]
pub struct Handlers {
    pub(super) listeners: Arc<Listeners<Callback>>,
}

impl<R> Client<R> {
    pub(super) fn new(alive: Arc<Alive>, auth: Arc<DefaultAuth>) -> Self {
        Self {
            alive,
            auth,
            runtime: PhantomData,
        }
    }

    /// The socket of a namespace: the same one each time. It does nothing until it is told to connect.
    ///
    /// # Panics
    /// There are [`max_namespaces`](sio_core::client::Config::max_namespaces) others.
    pub fn socket(&self, namespace: impl AsRef<str>) -> Socket {
        self.make(namespace.as_ref(), None)
    }

    /// The same with handlers that it has in common with others, if it was not there yet.
    ///
    /// # Panics
    /// As [`socket`](Self::socket).
    pub fn socket_with(&self, namespace: impl AsRef<str>, handlers: &Handlers) -> Socket {
        self.make(namespace.as_ref(), Some(handlers.listeners.clone()))
    }

    fn make(&self, namespace: &str, common: Option<Arc<Listeners<Callback>>>) -> Socket {
        let name = match namespace {
            "" => "/".to_owned(),
            name if name.starts_with('/') => name.to_owned(),
            name => format!("/{name}"),
        };
        let shared = self.shared();
        let (auth, asked) = match &*self.auth {
            DefaultAuth::Value(auth) => (auth.clone(), None),
            DefaultAuth::Asked(make) => (Auth::Asked, Some(make.clone())),
        };
        let inner = shared.with(|state, _| {
            let known = state.sockets.iter().find(|it| *it.name == *name);
            if let Some(known) = known {
                return known.clone();
            }
            let key = state.machine.socket(&name, auth);
            let inner = Arc::new(SocketInner {
                shared: shared.clone(),
                key: key.expect("no more than max_namespaces"),
                name: name.into(),
                listeners: Listeners::default(),
                common,
                sequential: AtomicBool::new(false),
                streamed: AtomicBool::new(false),
                credentials: Hook::default(),
                outgoing: Mutex::default(),
                rest: Mutex::new(Rest::default()),
            });
            if let Some(make) = asked {
                inner.credentials.set(make);
            }
            if !shared.gone.is_raised() {
                state.sockets.push(inner.clone());
            }
            inner
        });
        Socket {
            inner,
            alive: Some(self.alive.clone()),
        }
    }

    /// What it is doing: a stream of the newest, and it can be asked.
    pub fn status(&self) -> Watch {
        Watch::new(self.shared().board.clone())
    }

    /// What was recorded of it so far, if it is [recorded](super::Builder::record) and is not over: a
    /// [`Log`](sio_core::client::record::Log) of it.
    pub fn recorded(&self) -> Option<Vec<u8>> {
        let state = self.shared().lock();
        Some(state.machine.log()).filter(|log| !log.is_empty())
    }

    /// Hears of what happens to it as a whole. There is one hook; the last one that is set counts.
    pub fn on_event(&self, hook: impl Fn(&Happening) + Send + Sync + 'static) {
        self.shared().make_hooks().happening.set(Arc::new(hook));
    }

    /// Hears of handlers that failed, panicked, or could not take their arguments. There is one hook; the last one
    /// that is set counts.
    pub fn on_error(&self, hook: impl Fn(&HandlerError) + Send + Sync + 'static) {
        self.shared().make_hooks().error.set(Arc::new(hook));
    }

    /// What handlers are given that ask for a [`State`](crate::app::State) of this type.
    pub fn set_state<T: Clone + Send + Sync + 'static>(&self, value: T) {
        self.shared().make_hooks().set_value(value);
    }

    /// The network is another one: a server that is connected to is asked for a sign of life, if it is reached by a
    /// WebSocket, and what is to be dialled later is dialled now.
    pub fn network_changed(&self) {
        self.network(Network::Changed);
    }

    /// Asks the server for a sign of life, if it is reached by a WebSocket: without one within
    /// [`check_timeout`](sio_core::client::Config::check_timeout) the connection is lost.
    pub fn check(&self) {
        self.shared().with(|state, now| state.machine.check(now));
    }

    /// There is no network: a connection is lost, and its sockets hear of it at once.
    pub fn network_lost(&self) {
        self.network(Network::Offline);
    }

    /// There is a network again: what is to be dialled later is dialled now.
    pub fn network_found(&self) {
        self.network(Network::Online);
    }

    fn network(&self, network: Network) {
        let shared = self.shared();
        shared.with(|state, now| state.machine.handle_network(now, network));
    }

    /// Ends the connection under its sockets, in an orderly way. It is dialled again as one that was lost is.
    #[doc(alias = "engine.close")]
    pub fn close_engine(&self) {
        self.shared()
            .with(|state, now| state.machine.end_session(now));
    }

    /// Dials now what is to be dialled later, or is not any more although a socket wants it.
    pub fn reconnect_now(&self) {
        self.alive.start();
        self.shared()
            .with(|state, now| state.machine.reconnect_now(now));
    }

    /// Stops dialling; what waits is kept. A connection that is there stays.
    pub fn suspend(&self) {
        self.shared().with(|state, now| state.machine.suspend(now));
    }

    /// Dials again, if a socket wants it.
    pub fn resume(&self) {
        self.shared().with(|state, now| state.machine.resume(now));
    }

    /// Closes it for good: its sockets leave, what was emitted before leaves too, within
    /// [`close_timeout`](sio_core::client::Config::close_timeout), and then nothing is left of it. It closes whether
    /// the future is awaited or not.
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<R> {
        close(&self.alive)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.alive.0
    }
}

impl Socket {
    /// Closes its client, with all sockets: [`Client::close`].
    pub fn close_client(&self) -> impl Future<Output = ()> + Send + use<> {
        match &self.alive {
            Some(alive) => close(alive),
            None => Signal::wait(Gone(self.shared().clone())),
        }
    }
}

fn close(alive: &Arc<Alive>) -> Wait<Gone> {
    let shared = alive.0.clone();
    shared.with(|state, now| state.machine.close(now));
    // If nobody runs yet, somebody has to who says that it is closed.
    alive.start();
    Signal::wait(Gone(shared))
}

impl<R> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self {
            alive: self.alive.clone(),
            auth: self.auth.clone(),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("status", &self.status().current())
            .finish_non_exhaustive()
    }
}

impl Handlers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").finish_non_exhaustive()
    }
}
