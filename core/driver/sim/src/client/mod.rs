//! Clients, those of the driver: what a server's handlers are tested with.
//!
//! ```
//! use sio_sim::{Ack, Config, Data, Io};
//!
//! sio_sim::check(async |sim| {
//!     let io = Io::new(Config::v4());
//!     io.of("/").on("add", |Data((a, b)): Data<(u32, u32)>, ack: Ack| ack.send(&(a + b)));
//!     let server = sim.host("server").serve(&io)?;
//!     let ann = sim.host("ann").client(&server).connect("/").await?;
//!     assert_eq!(ann.emit_with_ack::<u32>("add", &(1, 2)).await?, 3);
//!     Ok(())
//! });
//! ```

mod answer;
mod contract;
mod error;
mod event;
mod handle;
mod heard;
mod socket;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sio_driver::app::core::packet::IntoArgs;
use sio_driver::app::{Args, Recording, TransportKind, Value};
use sio_driver::client::{self, Config};

use crate::host::{Host, Served};
use crate::sim::Sim;
use handle::{Handle, Seat};
use heard::Heard;

pub use answer::AckFuture;
pub use contract::Answer;
pub use error::ClientError;
pub use event::Event;
pub use handle::Client;
pub use sio_driver::client::{Backoff, ConnectError, DisconnectReason};
pub use socket::Socket;

/// How a client is to be, before it dials.
#[derive(Clone, Debug)]
#[must_use = "it dials when it is asked for a socket"]
pub struct Builder {
    sim: Sim,
    name: String,
    served: Served,
    config: Config,
    transports: Option<Vec<TransportKind>>,
    query: Vec<(String, String)>,
    auth: Option<Value>,
    patience: Duration,
    by_name: bool,
    recording: Option<Arc<Recording>>,
}

impl Host {
    /// A client on this host, of what is served there. By which transports it comes is drawn, unless it is
    /// [said](Builder::transports).
    pub fn client(&self, served: &Served) -> Builder {
        Builder {
            sim: self.sim().clone(),
            name: self.name().to_owned(),
            served: served.clone(),
            config: Config::v4(),
            transports: None,
            query: Vec::new(),
            auth: None,
            patience: Duration::from_secs(120),
            by_name: false,
            recording: None,
        }
    }
}

/// What is drawn where no transports are said: WebSocket alone, polling that is upgraded, polling alone.
const WAYS: [&[TransportKind]; 3] = [
    &[TransportKind::WebSocket],
    &[TransportKind::Polling, TransportKind::WebSocket],
    &[TransportKind::Polling],
];

impl Builder {
    /// By these transports, the first of which is tried first. Polling alone is not upgraded.
    pub fn transports(mut self, transports: impl Into<Vec<TransportKind>>) -> Self {
        self.transports = Some(transports.into());
        self
    }

    /// By the name of the host that serves, which it looks up each time that it connects
    /// ([`lookups`](Sim::lookups)). By its address, unless this is called.
    pub const fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }

    /// With these credentials: anything that becomes a JSON object.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn auth(mut self, auth: &(impl IntoArgs + ?Sized)) -> Result<Self, ClientError> {
        let args = Args::from_arguments(auth).map_err(ClientError::Encode)?;
        self.auth = Some(args.get::<Value>(0).map_err(ClientError::Mistyped)?);
        Ok(self)
    }

    /// With this in the query of its requests.
    pub fn query(mut self, key: &str, value: &str) -> Self {
        self.query.push((key.to_owned(), value.to_owned()));
        self
    }

    /// With another configuration: `Config::v2()` for a client of 2.x.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With its log given out when it is over ([`client::Builder::record`]).
    pub fn record(mut self, recording: impl Into<Arc<Recording>>) -> Self {
        self.recording = Some(recording.into());
        self
    }

    /// How long it waits for what it [expects](Socket::expect). 120 s of virtual time.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects to a namespace, and waits until it is in.
    ///
    /// # Errors
    /// It is refused, or not in after its [patience](Self::patience).
    pub async fn connect(self, namespace: &str) -> Result<Socket, ClientError> {
        self.build()?.connect(namespace).await
    }

    /// A client that has not dialled yet.
    ///
    /// # Errors
    /// What is wrong with its configuration.
    pub fn build(mut self) -> Result<Client, ClientError> {
        let address = self.served.address();
        let url = match self.by_name {
            true => {
                let name = (self.sim.world).with(|state| state.hosts.name_of(address.ip()));
                format!("http://{name}:{}", address.port())
            }
            false => format!("http://{address}"),
        };
        let transports = self.transports.take().unwrap_or_else(|| {
            let drawn = self.sim.choose(|choices| choices.index(WAYS.len()));
            WAYS[drawn].to_vec()
        });
        self.config.upgrade &= transports.contains(&TransportKind::WebSocket);
        let namespaces = self.config.max_namespaces;
        let mut builder = client::Client::builder_on(self.sim.clone(), url)?
            .config(self.config)
            .transports(transports);
        for (key, value) in &self.query {
            builder = builder.query(key, value);
        }
        if let Some(auth) = &self.auth {
            builder = builder.auth(auth)?;
        }
        if let Some(recording) = self.recording {
            builder = builder.record(recording);
        }
        let handle = Handle::new(
            builder.build()?,
            self.sim,
            self.name,
            self.patience,
            namespaces,
        );
        Ok(Client {
            handle: Arc::new(handle),
        })
    }
}

impl Client {
    /// Connects to a namespace, and waits until it is in.
    ///
    /// # Errors
    /// It is refused, or not in after its [patience](Builder::patience).
    pub async fn connect(&self, namespace: &str) -> Result<Socket, ClientError> {
        let socket = self.socket(namespace)?;
        socket.connect().await?;
        Ok(socket)
    }

    /// The socket of a namespace, the same each time, which wants nothing until it is asked to
    /// [connect](Socket::connect).
    ///
    /// # Errors
    /// There are as many as may be.
    pub fn socket(&self, namespace: &str) -> Result<Socket, ClientError> {
        let handle = &self.handle;
        let mut seats = handle.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seats.iter().find(|it| it.name == namespace) {
            return Ok(Socket::new(self.clone(), seat.clone()));
        }
        if seats.len() >= handle.most {
            return Err(ClientError::TooMany);
        }
        let socket = handle.client.socket(namespace);
        let seat = Arc::new(Seat {
            name: namespace.to_owned(),
            heard: Heard::of(&socket),
            socket,
        });
        seats.push(seat.clone());
        Ok(Socket::new(self.clone(), seat))
    }
}
