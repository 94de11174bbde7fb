//! Socket.IO and Engine.IO servers on tokio.
//!
//! ```no_run
//! use sio_tokio::{Ack, Config, Data, Io, Socket};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = Io::new(Config::default());
//!     io.of("/").on_connect(|socket: Socket| {
//!         socket.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
//!     });
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     sio_tokio::serve(listener, io).await
//! }
//! ```

mod listen;
mod runtime;
mod stream;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tower")]
mod tower;

pub use listen::{serve, serve_with};
pub use runtime::{Sleep, Tokio};
pub use sio_driver::*;
#[cfg(feature = "rustls")]
pub use tls::serve_tls;
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
#[cfg(feature = "tower")]
pub use tower::{NotFound, SioLayer, SioService, layer, service};
