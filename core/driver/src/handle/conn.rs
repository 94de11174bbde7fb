//! The connection below a socket, and the client at its other end.

use std::sync::Arc;

use sio_core::engine::{Backlog, Close, Eio, Flags, Message, TransportKind};
use sio_core::id::Sid;

use super::ready::Ready;
use crate::endpoint::handshake::Handshake;
use crate::endpoint::request::RequestHead;
use crate::error::EmitError;
use crate::mailbox::command::Command;
use crate::mailbox::task_handle::{TaskHandle, Watchers};
use crate::mailbox::weight::Weight;

/// A client: one connection, with a socket in each namespace it joined.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) task: Arc<TaskHandle>,
    pub(super) handshake: Arc<Handshake>,
}

impl Client {
    /// The id of its session. A secret: whoever knows it can speak as this client.
    pub fn id(&self) -> &Sid {
        self.task.sid()
    }

    /// Its connection.
    pub fn conn(&self) -> Conn {
        Conn {
            task: self.task.clone(),
        }
    }

    /// The request that opened the connection.
    pub fn request(&self) -> RequestHead {
        self.handshake.request()
    }
}

/// The Engine.IO connection below a socket.
#[derive(Clone, Debug)]
pub struct Conn {
    pub(super) task: Arc<TaskHandle>,
}

impl Conn {
    pub(crate) const fn of(task: Arc<TaskHandle>) -> Self {
        Self { task }
    }

    /// The id of the session. A secret: whoever knows it can speak as this client.
    pub fn id(&self) -> &Sid {
        self.task.sid()
    }

    /// How its packets travel now.
    pub fn transport(&self) -> TransportKind {
        self.task.transport()
    }

    /// The revision of Engine.IO that its client speaks.
    #[doc(alias = "protocol")]
    pub fn revision(&self) -> Eio {
        self.task.revision()
    }

    /// Bytes that waited to be written to it when its task last looked.
    pub fn backlog(&self) -> usize {
        self.task.backlog()
    }

    /// What waits to be written to it, with what its task has not taken yet. At most one answer that is not written yet
    /// counts in bytes alone.
    pub fn waiting(&self) -> Backlog {
        self.task.waiting()
    }

    /// Waits until there is room for more: [`Socket::ready`](crate::app::Socket::ready), for all its sockets.
    #[doc(alias = "drain")]
    pub fn ready(&self) -> Ready {
        Ready::new(&self.task, None, Weight::default())
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.task.is_open()
    }

    /// `open` or `closed`, in JavaScript's words.
    #[doc(alias = "readyState")]
    pub fn ready_state(&self) -> &'static str {
        if self.is_open() { "open" } else { "closed" }
    }

    /// Sends a bare Engine.IO message, past Socket.IO. Clients of Socket.IO take it for a packet.
    ///
    /// # Errors
    /// The connection has ended, or its backlog is full.
    #[doc(alias = "write")]
    pub fn send(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        let data = message.into();
        let weight = Weight::of_data(&data);
        let flags = Flags::default();
        self.task.push_packet(
            Command::Send {
                data: Box::new(data),
                flags,
            },
            weight,
            flags,
        )
    }

    /// Tells its task.
    pub(crate) fn tell(&self, command: Command) {
        self.task.tell(command);
    }

    /// Adds to those who want to know what becomes of it.
    pub(crate) fn watch(&self, add: impl FnOnce(&mut Watchers)) {
        self.task.watch(add);
    }

    /// Closes it under all its sockets, whose reason is `forced close`. What is queued is still sent.
    pub fn close(&self) {
        self.task.tell(Command::Close(Close::Flush));
    }

    /// The same, and says why. Handlers of its sockets' leaving find that in [`Details::Told`](crate::app::Details::Told);
    /// by WebSocket it goes to the client, too: the reason behind code 1000, 123 bytes of it at most, which the official
    /// client has in the details of `disconnect` (`details.description.reason`). The first to say something is heard.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Details, DisconnectReason, Io, Socket};
    /// # let io = Io::new(Config::default());
    /// io.of("/").on("leave", |socket: Socket| socket.conn().close_with("you asked for it"));
    /// io.of("/").on_disconnect(|reason: DisconnectReason, details: Option<Details>| {
    ///     if let Some(details) = details {
    ///         println!("{reason}: {details}"); // forced close: you asked for it
    ///     }
    /// });
    /// ```
    pub fn close_with(&self, description: impl Into<String>) {
        let words = description.into().into_boxed_str();
        self.task.watch(|watchers| {
            watchers.farewell.get_or_insert(words);
        });
        self.close();
    }
}
