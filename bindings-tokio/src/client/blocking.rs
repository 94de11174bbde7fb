//! Clients for programs that have no runtime: their calls wait where they are made.
//!
//! ```
//! use std::time::Duration;
//!
//! use sio_tokio::client::{Client, Data, Inbox};
//!
//! # use sio_tokio::{Ack, Config, Io, Socket};
//! # let (tell, told) = std::sync::mpsc::channel();
//! # std::thread::spawn(move || {
//! #     let io = Io::new(Config::v4());
//! #     io.of("/chat").on("add", |Data((a, b)): Data<(u64, u64)>, ack: Ack| ack.send(&(a + b)));
//! #     io.of("/chat").on("say", |socket: Socket, Data(text): Data<String>| socket.emit("said", &text));
//! #     io.of("/chat").on("leave", |socket: Socket| socket.disconnect(true));
//! #     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! #     runtime.block_on(async {
//! #         let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #         let _ = tell.send(format!("http://{}", listener.local_addr()?));
//! #         sio_tokio::serve(listener, io).await
//! #     })
//! # });
//! # let url: String = told.recv()?;
//! let client = Client::builder(url)?.build_blocking()?;
//! let socket = client.socket("/chat");
//! // Handlers run on the client's thread, and are written as elsewhere.
//! socket.on("said", |Data(text): Data<String>| println!("{text}"));
//! let mut events = socket.events(Inbox::default());
//! socket.connect_within(Duration::from_secs(10))?;
//!
//! let sum: u64 = socket.emit_with_ack("add", &(1, 2))?;
//! assert_eq!(sum, 3);
//! let limit = Duration::from_secs(5);
//! let sum: u64 = socket.timeout(limit).emit_with_ack("add", &(3, 4))?;
//! assert_eq!(sum, 7);
//!
//! socket.emit("say", "hello")?;
//! let said = events.next_within(limit)?;
//! assert_eq!((&*said.name, said.args::<String>()?), ("said", "hello".to_owned()));
//!
//! client.close()?; // what was said has left, and the thread has ended
//! assert!(events.next().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each client has one thread, on which a runtime of its own runs:
//! it begins with [`Builder::build_blocking`](super::Builder::build_blocking) and ends when the client is closed, or
//! its last handle dropped. What does not wait (`emit`, `on`, `disconnect`, ..) is that of [`client`](super), which
//! these types are, too: they [`Deref`](std::ops::Deref) to them.
//!
//! The calls may be made on any thread, those of a runtime included, on which nothing else goes on meanwhile: within
//! one, [`client`](super) itself is the better choice. Handlers, and hooks as
//! [`auth_fn`](super::Builder::auth_fn), run on their client's thread and must not wait there: they are told
//! [`InHandler`].

use std::fmt;
use std::future::Future;
use std::io;

use sio_driver::client::blocking::OwnThread;

use tokio::runtime::{Builder, Handle, Runtime};

use super::FirstError;
use crate::runtime::Tokio;

pub use sio_driver::client::blocking::{Emitter, InHandler, Iter, NextError, Socket, WaitError};

/// A client with a thread of its own: [`client::Client`](super::Client), with calls that wait.
///
/// Cheap to clone; all clones are the same client. When the last handle of it is dropped, of the client itself, of
/// one of its sockets or of a socket's events, it is closed, politely, in the background, and its thread ends.
pub type Client = sio_driver::client::blocking::Client<Tokio>;

/// A socket in the namespace that is the path of this URL, of a client of its own with everything as it usually is.
/// One failure ends the trying.
///
/// # Errors
/// The URL is none, or the first attempt has failed.
pub fn connect(url: impl AsRef<str>) -> Result<Socket, WaitError<FirstError>> {
    sio_driver::client::blocking::connect_on(Tokio, url.as_ref())
}

/// A runtime of tokio's that is one thread's. Tasks that block are not waited for when it goes.
pub struct Drive(Option<Runtime>);

impl OwnThread for Tokio {
    type Drive = Drive;
    type Door = Handle;

    fn apart() -> io::Result<(Self, Drive, Handle)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok((Self, Drive(Some(runtime)), handle))
    }

    fn drive(drive: Drive, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &drive.0 {
            runtime.block_on(task);
        }
    }

    fn enter<T>(door: &Handle, act: impl FnOnce() -> T) -> T {
        let _inside = door.enter();
        act()
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive").finish_non_exhaustive()
    }
}

pub mod engine {
    //! A client of Engine.IO alone, whose calls wait.
    //!
    //! ```
    //! use std::time::Duration;
    //!
    //! use sio_tokio::client::blocking::engine::{self, Message};
    //!
    //! # use sio_tokio::{Config, EngineServer, EngineSocket};
    //! # let (tell, told) = std::sync::mpsc::channel();
    //! # std::thread::spawn(move || {
    //! #     let engine = EngineServer::new(Config::default().path("/engine.io"));
    //! #     engine.on_message(|socket: EngineSocket, message: Message| socket.send(message));
    //! #     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    //! #     runtime.block_on(async {
    //! #         let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    //! #         let _ = tell.send(format!("ws://{}", listener.local_addr()?));
    //! #         sio_tokio::serve(listener, engine).await
    //! #     })
    //! # });
    //! # let url: String = told.recv()?;
    //! let mut client = engine::connect(url)?;
    //! client.send("hello")?;
    //! assert_eq!(client.next_within(Duration::from_secs(10))?, Message::from("hello"));
    //! client.close()?; // what was sent has left, and the thread has ended
    //! # Ok::<(), Box<dyn std::error::Error>>(())
    //! ```
    //!
    //! What is to be chosen is chosen by a [`Builder`](crate::client::Builder), and its
    //! [`connect_engine_blocking`](crate::client::Builder::connect_engine_blocking).

    use super::{FirstError, WaitError};

    pub use crate::client::engine::{CloseReason, Closed, EmitError, Message, Sender};
    pub use sio_driver::client::blocking::engine::Client;

    /// A session with the server of this URL, at `/engine.io/`, with everything as it usually is.
    ///
    /// # Errors
    /// The URL is none, there is no connection, or a handler has called it.
    pub fn connect(url: impl AsRef<str>) -> Result<Client, WaitError<FirstError>> {
        sio_driver::client::blocking::engine::connect_on(crate::runtime::Tokio, url.as_ref())
    }
}
