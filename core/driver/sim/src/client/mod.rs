//! Clients, by the machine of the core: what a server's handlers are tested with.
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

mod error;
mod handle;
mod http;
mod shared;
mod socket;
mod task;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use sio_driver::app::core::client::{Auth, Config, Connection, Dial};
use sio_driver::app::core::packet::IntoArgs;
use sio_driver::app::{TransportKind, Value};
use sio_driver::binding::Runtime;

use crate::host::{Host, Served};
use crate::sim::Sim;
use handle::Handle;
use shared::Shared;

pub use error::ClientError;
pub use handle::Client;
pub use sio_driver::app::core::client::{Backoff, ConnectError, DisconnectReason};
pub use socket::{AckFuture, Event, Socket};

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
    auth: Auth,
    patience: Duration,
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
            auth: Auth::None,
            patience: Duration::from_secs(120),
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

    /// With these credentials: anything that becomes a JSON object.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn auth(mut self, auth: &(impl IntoArgs + ?Sized)) -> Result<Self, ClientError> {
        let args = sio_driver::app::Args::from_arguments(auth).map_err(ClientError::Encode)?;
        self.auth = Auth::Value(args.get::<Value>(0).map_err(ClientError::Mistyped)?);
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
        let url = format!("http://{}", self.served.address());
        let (mut dial, _) = Dial::parse(&url).map_err(ClientError::Url)?;
        dial.transports = self.transports.take().unwrap_or_else(|| {
            let drawn = self.sim.choose(|choices| choices.index(WAYS.len()));
            WAYS[drawn].to_vec()
        });
        self.config.upgrade &= dial.transports.contains(&TransportKind::WebSocket);
        for (key, value) in &self.query {
            dial = dial.query(key, value);
        }
        let mut seed = [0; 16];
        self.sim.random(&mut seed);
        let machine = Connection::new(Arc::new(self.config), dial, seed);
        let machine = machine.map_err(ClientError::Config)?;
        let shared = Shared::new(self.sim.clone(), machine);
        self.sim
            .spawn(task::run(shared.clone(), self.served.address()));
        let handle = Handle {
            shared,
            name: self.name,
            auth: self.auth,
            patience: self.patience,
        };
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
        let auth = self.handle.auth.clone();
        let shared = &self.handle.shared;
        let key = shared.tell(|inner, _| inner.machine.socket(namespace, auth));
        let key = key.ok_or(ClientError::TooMany)?;
        Ok(Socket::new(self.clone(), key, namespace))
    }
}
