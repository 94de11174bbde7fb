//! My handler is not called.
//!
//! # Where it is said
//!
//! * **On stderr**, if nothing was set up: the first time that something of a kind goes wrong in an event, a line
//!   `sio: event "say" of "/": ..` says what, and what to do. Each kind is said once for an event, and for 16
//!   events at most: a client, which can repeat everything and make up names, cannot fill it. Nothing that a
//!   client sent is in these lines but the names of events, and what your own errors repeat.
//! * **To [`Io::on_error`]**, if the application has set it, each time, and then no longer on stderr:
//!
//!   ```
//!   # use sio_driver::app::{Config, HandlerError, Io};
//!   # let io = Io::new(Config::v4());
//!   io.on_error(|error: &HandlerError| eprintln!("{error}"));
//!   ```
//! * **In the log**, with the feature `tracing`, each time: at `debug`, like everything that a client can cause
//!   as often as it likes. `RUST_LOG=sio_driver=debug` shows it, where the subscriber listens to that variable;
//!   then it is no longer on stderr.
//! * **To the client**: `connect_error` in the client says why it is not in a namespace. In the browser, the
//!   network tab has the answer to a request that was refused: `{"code":..,"message":..}`.
//!
//! # Why it may be
//!
//! | what is wrong | how it shows | what helps |
//! |---|---|---|
//! | The client is not connected: another path or port, a page of a site that [`Config::origins`](Config#structfield.origins) does not name, a client of 2.x before [`Config::v4`] | `connect_error` in the client; [`Io::on_connection_error`] | [`Config::path`](Config#structfield.path), [`Config::origins`](Config#structfield.origins) and [`Config::cors`](Config#structfield.cors), [`Config::allow_eio3`](Config#structfield.allow_eio3) or [`Config::v2`] |
//! | It is connected, but to another namespace than the handler's. The path in a client's URL is the namespace: `io("http://host/chat")` is in `/chat` | `Invalid namespace` in the client; `no handler for it`, with the namespace | [`Io::of`] with the same name on this side |
//! | A middleware refused it, or takes for ever | the refusal, or `timed out`, in the client's `connect_error` | [`Namespace::use_`], [`Config::middleware_timeout`](Config#structfield.middleware_timeout) |
//! | The event has another name: case and spaces count | `no handler for it`, with the name | [`Namespace::on_any`] shows what comes |
//! | The handler was registered too late. In an async `on_connect` the client's events are handled from its first `await` on | `no handler for it`, now and then | register before the first `await`, or with [`Namespace::on`], for all sockets and beforehand |
//! | The arguments are not of the type that [`Data`] names | `argument 0: invalid type: ..` | [`shapes`](super::shapes): several arguments are a tuple, a buffer is [`Bytes`], what may be missing is an `Option` |
//! | The handler asks for a [`State`] that was not given | `no state of type ..` | [`Io::set_state`], before clients come; the type is exact: an `Arc<T>` is not a `T` |
//! | It asks for something that this event does not have: a [`DisconnectReason`] in an ordinary event | `this event has no ..` | leave it out |
//! | A packet middleware refused the event, or waits | [`Socket::on_error`]; `packet refused` in the log | [`Socket::use_`] |
//! | It waits its turn: the socket is [sequential](Socket::sequential) and a handler before it does not end, or [`Config::max_running_handlers`](Config#structfield.max_running_handlers) wait, or hold [`Config::max_running_bytes`](Config#structfield.max_running_bytes) | nothing: it waits; a client that is left unread for [`Config::pause_timeout`](Config#structfield.pause_timeout) is closed | let long work be a task of its own |
//! | A handler blocks its thread: `std::thread::sleep`, a lock over an `await`, a long computation | everybody on that thread waits | `spawn_blocking`, `smol::unblock` |
//! | It was called, but the answer does not come | the client's ack times out | name an [`Ack`] and [`send`](Ack::send) with it: what a handler returns is not sent |
//! | It was a [`once`](Namespace::once), or was taken [`off`](Namespace::off) | `no handler for it` | [`Namespace::event_names`] |
//! | The packet was over a limit: the connection was closed | the reason in [`Socket::on_disconnect`], on both sides; the limit's name in `Option<`[`Details`]`>` there, and in [`Io::on_connection_error`] | the limits in [`Config`] |
//! | It was called, and dropped where it waited: its client had gone | nothing above `debug`: `handlers dropped` | [`Config::departed_timeout`](Config#structfield.departed_timeout); work that must be done is a task of its own |
//! | It panicked | on stderr, by Rust; the connection was closed | [`Failure::Panicked`] in [`Io::on_error`] |

#[allow(unused_imports, reason = "for the links above")]
use crate::app::*;
