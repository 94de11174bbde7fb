//! Clients, on tokio.
//!
//! ```no_run
//! use sio_tokio::client::{Ack, Client, ConnectError, Data, Disconnected, Socket};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::builder("http://localhost:3000")?.build()?;
//!     let socket = client.socket("/chat");
//!     // Handlers go in before anything can come.
//!     socket.on("said", |Data((who, text)): Data<(String, String)>, ack: Ack| {
//!         println!("{who}: {text}");
//!         ack.send(&"seen")
//!     });
//!     socket.on_connect_error(|error: ConnectError| eprintln!("{error}"));
//!     socket.on_disconnect(|why: Disconnected| eprintln!("{} (returns: {})", why.reason, why.active));
//!     socket.connect().await?;
//!     socket.emit("say", &("lobby", "hi"))?;
//!     let sum: u64 = socket.emit_with_ack("add", &(1, 2)).await?;
//!     println!("{sum}");
//!     client.close().await;
//!     Ok(())
//! }
//! ```
//!
//! Handlers are written as those of a server are ([`Data`], [`Args`], [`EventName`], [`State`], [`Ack`],
//! [`Socket`]); what is a client's own is [`Connected`], [`Disconnected`] and [`ConnectError`].

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpSocket;

#[cfg(feature = "rustls")]
use crate::client_tls as tls;
use crate::runtime::Tokio;
use crate::stream::Compat;
#[cfg(not(feature = "rustls"))]
use sio_driver::client::no_tls as tls;

pub use sio_driver::app::{
    AckError, AckFuture, Args, Data, EmitError, EventName, HandlerError, ListenerId, Refusal,
    SocketId, State, TransportKind, TryData, Value,
};
pub use sio_driver::client::{
    Ack, Attempt, Backoff, BoxStream, BuildError, Config, Connect, ConnectError, Connected,
    Connector, Decision, Dial, Dialer, DisconnectReason, Disconnected, Emitter, Event, Events,
    First, FirstError, Flushed, Handlers, Happening, Inbox, OfflinePolicy, Overflow,
    PerMessageDeflate, Proxies, Proxy, ProxyVariableError, Ready, Retry, Sent, Socket, SocketState,
    Status, TransportError, TransportFailure, Watch,
};

/// A client: one connection to a server, and the next ones, with any number of namespaces.
///
/// Cheap to clone; all clones are the same client. Nothing is dialled before a socket of it is told to
/// [`connect`](Socket::connect). When the last handle of it is dropped, of the client itself or of one of its
/// sockets, it is closed, politely, in the background.
pub type Client = sio_driver::client::Client<Tokio>;

/// What is chosen before there is a client.
pub type Builder = sio_driver::client::Builder<Tokio>;

/// A socket in the namespace that is the path of this URL, of a client of its own with everything as it usually is.
/// One failure ends the trying.
///
/// # Errors
/// The URL is none, or the first attempt has failed.
pub async fn connect(url: impl AsRef<str>) -> Result<Socket, FirstError> {
    sio_driver::client::connect_on(Tokio, url.as_ref()).await
}

/// Opens a WebSocket at this URL, under no server's protocol, and sends each message back until it is over: the
/// transport of production with the same limits as Engine.IO's, for suites that test WebSockets.
///
/// # Errors
/// There is no WebSocket.
pub async fn websocket_echo(url: impl AsRef<str>, config: Config) -> Result<(), TransportFailure> {
    sio_driver::client::websocket_echo_on(Tokio, url.as_ref(), config).await
}

impl Dialer for Tokio {
    type Tls = tls::Tls;

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        let host = host.to_owned();
        async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }
    }

    fn connect(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send + 'static {
        reach(to, from)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|it| it.to_string_lossy().into_owned())
    }

    fn usual_tls(&self) -> io::Result<tls::Tls> {
        tls::usual()
    }

    async fn secure(&self, tls: &tls::Tls, host: &str, stream: BoxStream) -> io::Result<BoxStream> {
        tls::secure(tls, host, stream).await
    }
}

async fn reach(to: SocketAddr, from: Option<IpAddr>) -> io::Result<BoxStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(to).await?;
    // Packets are written once a turn: waiting for more to send with them only delays.
    let _ = stream.set_nodelay(true);
    Ok(Box::new(Compat(stream)))
}

#[cfg(feature = "blocking")]
pub mod blocking;

pub mod engine {
    //! A client of Engine.IO alone: messages, without what Socket.IO makes of them.
    //!
    //! ```no_run
    //! use sio_tokio::client::engine;
    //!
    //! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    //! let mut client = engine::connect("ws://localhost:3000").await?;
    //! client.send("hello")?;
    //! while let Some(message) = client.next().await {
    //!     println!("{message:?}");
    //! }
    //! println!("{:?}", client.closed());
    //! # Ok(())
    //! # }
    //! ```
    //!
    //! What is to be chosen is chosen by a [`Builder`](super::Builder), and its
    //! [`connect_engine`](super::Builder::connect_engine).

    use super::FirstError;

    pub use sio_driver::app::EmitError;
    pub use sio_driver::app::core::engine::{CloseReason, Message};
    pub use sio_driver::client::engine::{Client, Closed, Sender};

    /// A session with the server of this URL, at `/engine.io/`, with everything as it usually is.
    ///
    /// # Errors
    /// The URL is none, or there is no connection.
    pub async fn connect(url: impl AsRef<str>) -> Result<Client, FirstError> {
        sio_driver::client::engine::connect_on(super::Tokio, url.as_ref()).await
    }
}
