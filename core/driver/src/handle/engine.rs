//! Plain Engine.IO: messages without namespaces, events and acks.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sio_core::config::{Config, ConfigError};
use sio_core::details::Details;
use sio_core::engine::{Backlog, Close, CloseReason, Eio, Flags, Message, TransportKind};
use sio_core::id::Sid;

use super::Engine;
use super::conn::Conn;
use super::endpoint::endpoint_methods;
use super::engines::Bound;
use super::inner::Io;
use super::ready::Ready;
use crate::endpoint::Endpoint;
use crate::endpoint::handshake::Handshake;
use crate::endpoint::setup::Setup;
use crate::error::EmitError;
use crate::event::Started;
use crate::mailbox::command::{Change, Command};
use crate::mailbox::task_handle::TaskHandle;
use crate::mailbox::weight::Weight;
use crate::sync::hook::Hook;

/// An Engine.IO server: connections that carry messages, and nothing above.
///
/// ```
/// use sio_driver::app::{Config, EngineServer, EngineSocket, Message};
///
/// let engine = EngineServer::new(Config::default().path("/engine.io"));
/// engine.on_message(|socket: EngineSocket, message: Message| socket.send(message));
/// ```
#[derive(Clone)]
pub struct EngineServer {
    inner: Arc<ServerInner>,
}

struct ServerInner {
    setup: Arc<Setup>,
    connect: Hook<OnConnect>,
    message: Hook<OnMessage>,
    close: Hook<OnClose>,
    /// What its connections speak, if not plain messages.
    speaks: Hook<Io>,
}

pub(crate) type OnConnect = dyn Fn((EngineSocket,)) -> Started + Send + Sync;
pub(crate) type OnMessage = dyn Fn((EngineSocket, Message)) -> Started + Send + Sync;
pub(crate) type OnClose = dyn Fn((EngineSocket, CloseReason)) -> Started + Send + Sync;

/// The handlers of a server, as a connection finds them when it opens.
pub(crate) struct EngineHandlers {
    pub(crate) connect: Option<Arc<OnConnect>>,
    pub(crate) message: Option<Arc<OnMessage>>,
    pub(crate) close: Option<Arc<OnClose>>,
}

impl EngineServer {
    /// A server with these options; those about Socket.IO have no meaning.
    ///
    /// # Panics
    /// If the options contradict themselves ([`Config::validate`]).
    pub fn new(config: Config) -> Self {
        match Self::try_new(config) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// A server with these options.
    ///
    /// # Errors
    /// The options contradict themselves ([`Config::validate`]).
    pub fn try_new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            inner: Arc::new(ServerInner {
                setup: Arc::new(Setup::new(config)?),
                connect: Hook::default(),
                message: Hook::default(),
                close: Hook::default(),
                speaks: Hook::default(),
            }),
        })
    }

    pub(crate) fn setup(&self) -> &Arc<Setup> {
        &self.inner.setup
    }

    /// The endpoint. From now on the server is attached.
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        self.setup().endpoint(|_| ())
    }

    /// Its connections speak Socket.IO from now on.
    pub(super) fn speak(&self, io: Io) {
        self.inner.speaks.set(Arc::new(io));
    }

    pub(crate) fn spoken(&self) -> Option<Io> {
        self.inner.speaks.get().map(|io| Io::clone(&io))
    }

    pub(crate) fn handlers(&self) -> EngineHandlers {
        EngineHandlers {
            connect: self.inner.connect.get(),
            message: self.inner.message.get(),
            close: self.inner.close.get(),
        }
    }

    pub(crate) fn set_on_connect(&self, handler: Arc<OnConnect>) {
        self.inner.connect.set(handler);
    }

    pub(crate) fn set_on_message(&self, handler: Arc<OnMessage>) {
        self.inner.message.set(handler);
    }

    pub(crate) fn set_on_close(&self, handler: Arc<OnClose>) {
        self.inner.close.set(handler);
    }

    /// How many sessions are live.
    #[doc(alias = "clientsCount")]
    pub fn sessions(&self) -> usize {
        Engine::new(self.setup().clone()).sessions()
    }

    /// Closes the server, as [`Io::close`](crate::app::Io::close) does: its handlers and hooks are let go of. A
    /// server that it is [bound](crate::app::Io::bind) to goes on without it.
    pub async fn close(&self) {
        self.endpoint().close().await;
        self.release();
    }

    /// It is closed: lets go of what the application gave it, which may hold the server itself.
    pub(crate) fn release(&self) {
        self.inner.release();
    }
}

impl PartialEq for EngineServer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for EngineServer {}

impl Bound for ServerInner {
    fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    fn release(&self) {
        self.connect.close();
        self.message.close();
        self.close.close();
        self.speaks.close();
        self.setup.hooks.close();
    }
}

impl Io {
    /// Takes over every connection that `engine`, a server of its own on a path of its own, is to open
    /// from now on: they speak Socket.IO to this server, under the engine's options, but by this server's
    /// [parser](Config::parser) and [parsers](Config::parsers). The engine's own handlers hear nothing of them. May be called for several:
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
        self.engines()
            .bind(Arc::downgrade(&engine.inner) as Weak<dyn Bound>);
        if self.is_closing() {
            engine.endpoint().shut_down();
            engine.release();
        } else if self.is_draining() {
            engine.endpoint().drain();
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
}

endpoint_methods!(EngineServer);

impl fmt::Debug for EngineServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineServer").field(self.setup()).finish()
    }
}

/// One connection of an [`EngineServer`]. Cheap to clone, usable from any task or thread.
#[derive(Clone)]
pub struct EngineSocket {
    inner: Arc<SocketInner>,
}

struct SocketInner {
    task: Arc<TaskHandle>,
    handshake: Arc<Handshake>,
    own: Mutex<OwnHandlers>,
}

/// Handlers of one connection.
#[derive(Default)]
struct OwnHandlers {
    message: Option<Arc<OnMessage>>,
    close: Option<Arc<OnClose>>,
    /// Whether nothing is taken in any more.
    closed: bool,
    /// What it has ended for.
    details: Option<Details>,
    /// The server that its connection is handed over to, until the task has done so.
    speaks: Option<Io>,
}

impl EngineSocket {
    pub(crate) fn new(task: Arc<TaskHandle>, handshake: Arc<Handshake>) -> Self {
        Self {
            inner: Arc::new(SocketInner {
                task,
                handshake,
                own: Mutex::default(),
            }),
        }
    }

    pub(super) fn task(&self) -> &Arc<TaskHandle> {
        &self.inner.task
    }

    /// Its connection, with the hooks that there are below messages.
    pub fn conn(&self) -> Conn {
        Conn {
            task: self.inner.task.clone(),
        }
    }

    /// From now on it speaks Socket.IO.
    pub(super) fn adopt(&self, io: Io) {
        {
            let mut own = self.own();
            if own.closed || own.speaks.is_some() {
                // What is given here is let go of outside the lock.
                return;
            }
            own.speaks = Some(io);
        }
        self.inner.task.tell(Command::Become(Change::Adopt));
    }

    /// The server that it is handed over to, once.
    pub(crate) fn take_speaks(&self) -> Option<Io> {
        self.own().speaks.take()
    }

    pub(crate) fn shared_handshake(&self) -> &Arc<Handshake> {
        &self.inner.handshake
    }

    /// The handler of its messages. The first one that is set stays.
    pub(crate) fn set_on_message(&self, handler: Arc<OnMessage>) {
        let mut own = self.own();
        if !own.closed && own.message.is_none() {
            own.message = Some(handler);
        }
    }

    /// The handler of its end. The first one that is set stays.
    pub(crate) fn set_on_close(&self, handler: Arc<OnClose>) {
        let mut own = self.own();
        if !own.closed && own.close.is_none() {
            own.close = Some(handler);
        }
    }

    pub(crate) fn message_handler(&self) -> Option<Arc<OnMessage>> {
        self.own().message.clone()
    }

    pub(crate) fn close_handler(&self) -> Option<Arc<OnClose>> {
        self.own().close.clone()
    }

    /// It has ended, and its handlers too: lets go of them, which may hold the socket itself.
    pub(crate) fn release(&self) {
        let own = {
            let mut own = self.own();
            let closed = OwnHandlers {
                closed: true,
                details: own.details.take(),
                ..OwnHandlers::default()
            };
            std::mem::replace(&mut *own, closed)
        };
        // Dropped outside the lock: it is the application's code.
        drop(own);
    }

    pub(crate) fn set_details(&self, details: Option<Details>) {
        self.own().details = details;
    }

    /// What lies behind the [`CloseReason`] of one that has ended: the rule that its client broke, or the limit
    /// that it reached; or what was said when it was closed ([`close_with`](Self::close_with)). `None` if it was
    /// somebody's wish, or the client just went.
    pub fn details(&self) -> Option<Details> {
        self.own().details.clone()
    }

    fn own(&self) -> MutexGuard<'_, OwnHandlers> {
        self.inner
            .own
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection has ended, or its backlog is full.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        self.send_flagged(message.into(), Flags::default())
    }

    /// Sends a message that may be lost: it is dropped if the client is not ready for it at once.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn send_volatile(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        let flags = Flags {
            volatile: true,
            ..Flags::default()
        };
        self.send_flagged(message.into(), flags)
    }

    fn send_flagged(&self, data: Message, flags: Flags) -> Result<(), EmitError> {
        let weight = Weight::of_data(&data);
        let data = Box::new(data);
        let command = Command::Send { data, flags };
        self.inner.task.push_packet(command, weight, flags)
    }

    /// Closes it, after what is queued has left.
    pub fn close(&self) {
        self.inner.task.tell(Command::Close(Close::Flush));
    }

    /// The same, and says why, as [`Conn::close_with`] does: [`details`](Self::details) has it then.
    pub fn close_with(&self, description: impl Into<String>) {
        self.conn().close_with(description);
    }

    /// Closes it at once; what is queued is lost.
    pub fn discard(&self) {
        self.inner.task.tell(Command::Close(Close::Discard));
    }

    /// The session's id. A secret: whoever knows it can speak as this client.
    pub fn sid(&self) -> &Sid {
        self.inner.task.sid()
    }

    /// Its first request. There are no credentials in it.
    pub fn handshake(&self) -> &Handshake {
        &self.inner.handshake
    }

    /// How its packets travel now.
    pub fn transport(&self) -> TransportKind {
        self.inner.task.transport()
    }

    /// The revision that its client speaks.
    pub fn revision(&self) -> Eio {
        self.inner.task.revision()
    }

    /// What waits to be written to it: [`Conn::waiting`](crate::app::Conn::waiting).
    pub fn waiting(&self) -> Backlog {
        self.inner.task.waiting()
    }

    /// Waits until there is room for more: [`Socket::ready`](crate::app::Socket::ready).
    #[doc(alias = "drain")]
    pub fn ready(&self) -> Ready {
        Ready::new(&self.inner.task, None, Weight::default())
    }

    /// Bytes that waited to be written to it when its task last looked.
    pub fn backlog(&self) -> usize {
        self.inner.task.backlog()
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.inner.task.is_open()
    }
}

impl PartialEq for EngineSocket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for EngineSocket {}

impl Hash for EngineSocket {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.inner).hash(state);
    }
}

impl fmt::Debug for EngineSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineSocket")
            .field(self.inner.task.sid())
            .finish()
    }
}
