//! Socket.IO and Engine.IO servers on smol and async-io.
//!
//! ```no_run
//! use sio_smol::{Ack, Config, Data, Io, Socket};
//!
//! fn main() -> std::io::Result<()> {
//!     smol::block_on(async {
//!         // As 4.x has it; `Config::v2()` is for pages and devices with a client of 2.x.
//!         let io = Io::new(Config::v4());
//!         io.of("/").on_connect(|socket: Socket| {
//!             socket.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
//!         });
//!         let listener = smol::net::TcpListener::bind("127.0.0.1:3000").await?;
//!         sio_smol::serve(listener, io).await
//!     })
//! }
//! ```
//!
//! # Finding one's way
//!
//! Everything is as in `sio-tokio`, by the same names: handlers, rooms, acks and limits are the
//! driver's, which both re-export. What differs is who runs it:
//!
//! | I want to | |
//! |---|---|
//! | listen, on smol's global executor | [`serve`]; with TLS `serve_tls`; several servers or a fallback on one port [`serve_with`] a [`Server`] |
//! | run on an executor of my own | [`Smol::on`], then [`Smol::serve`] |
//! | end | [`Io::close`]: everybody is told, then `serve` returns |
//!
//! # Threads
//!
//! There are those that smol itself starts and no others: the thread of async-io's reactor, and, for
//! the global executor, as many as the variable `SMOL_THREADS` says (one by default). On an executor
//! of your own, connections run wherever you run it.
//!
//! # tokio
//!
//! No runtime of tokio is started or needed. You will nevertheless find the `tokio` crate among the
//! dependencies: hyper, which reads and writes HTTP here, uses its channels (the feature `sync`,
//! which has neither IO nor timers nor tasks). A test keeps it at that.
//!
//! # When something does not work
//!
//! [`guide::not_called`] says why a handler may not be called, and where to look; [`guide::shapes`] what each
//! Rust value becomes on the wire, and which type takes what.
//!
//! # From Node
//!
//! [`guide::node`] has every method of Socket.IO's server for Node (2.x and 4.x) on one side and ours on the
//! other, and the differences that bite.
//!
//! # Another runtime
//!
//! There are bindings for tokio (`sio-tokio`) and for smol (`sio-smol`), with the same names.
//! [`guide::binding`] says how to write one for what else there is.
//!
//! # Features
//!
//! | feature | off by default | what it adds |
//! |---|---|---|
//! | `deflate` | yes | `permessage-deflate` on WebSockets (`Config::per_message_deflate`), by zlib-rs |
//! | `rustls` | yes | `serve_tls`, by rustls with the ring provider |
//! | `tracing` | yes | spans and events; their names and levels are in the documentation of `sio_driver` |

mod listen;
mod runtime;
mod stream;
#[cfg(feature = "rustls")]
mod tls;

#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;
pub use listen::{listen, serve, serve_with};
pub use runtime::{Sleep, Smol};
pub use sio_driver::*;
#[cfg(feature = "rustls")]
pub use tls::serve_tls;
