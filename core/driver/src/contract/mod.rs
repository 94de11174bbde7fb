//! Contracts: what servers and clients say to each other, written down once.
//!
//! [`contract!`](crate::contract!) makes a type of each event: its name on the wire, its arguments, its answer, and
//! which end says it. Both ends then say and hear events by these types, and the compiler holds them to it.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! # use sio_driver::app::{Config, Io, Socket};
//! # use sio_driver::client;
//! use sio_driver::contract::{Call, ClientCall};
//!
//! #[derive(Debug, Deserialize, Serialize)]
//! pub struct Message {
//!     from: String,
//!     text: String,
//! }
//!
//! sio_driver::contract! {
//!     /// What is said in the chat.
//!     pub Chat
//!
//!     server to client {
//!         /// Somebody has said something. The answer: whether it was shown.
//!         Said = "said"(message: Message) -> bool;
//!         Moved = "moved"(who: String, x: i32, y: i32);
//!     }
//!
//!     client to server {
//!         /// The answer: how many will hear of it.
//!         Say = "say"(text: String) -> usize;
//!     }
//! }
//!
//! // One end,
//! let io = Io::new(Config::v4());
//! io.of("/").hear(|say: Call<Say>, socket: Socket| {
//!     let (text,) = say.args;
//!     let message = Message { from: socket.id().to_string(), text };
//!     socket.broadcast().tell::<Said>(&(&message,))?;
//!     socket.tell::<Moved>(&("you", 3, 4))?;
//!     say.reply.send(&(socket.namespace().len() - 1))
//! });
//!
//! // and the other one.
//! async fn talk(socket: client::Socket) -> Result<(), Box<dyn std::error::Error>> {
//!     socket.hear(|said: ClientCall<Said>| {
//!         println!("{}: {}", said.args.0.from, said.args.0.text);
//!         said.reply.send(&true)
//!     });
//!     let heard: usize = socket.ask::<Say>(&("hello",)).await?;
//!     println!("{heard} will hear of it");
//!     Ok(())
//! }
//! ```
//!
//! On the wire it is the same as without: `tell` is `emit`, `ask` is `emit_with_ack`, `hear` is `on`. Each end may do
//! without a contract, or be an official client. For those in TypeScript `contract::typescript` writes it out, with the
//! feature `typescript`.
//!
//! # What is said
//!
//! Arguments are a tuple, always: of one for one argument. They may be lent: where the contract has `Message` and
//! `String`, `&Message` and `&str` will do. [`NoAck`] is the answer of an event that has none; it cannot be asked for.
//!
//! What the compiler does not let pass:
//!
//! ```compile_fail,E0277
//! # use sio_driver::app::{EmitError, Socket};
//! # sio_driver::contract! { pub Chat server to client { Moved = "moved"(x: i32); } client to server { } }
//! # fn f(socket: Socket) -> Result<(), EmitError> {
//! socket.tell::<Moved>(&("three",)) // `x` is a number
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # use sio_driver::app::{EmitError, Socket};
//! # sio_driver::contract! { pub Chat server to client { } client to server { Say = "say"(text: String); } }
//! # fn f(socket: Socket) -> Result<(), EmitError> {
//! socket.tell::<Say>(&("hello",)) // it is for clients to say
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # use sio_driver::app::Io;
//! # use sio_driver::contract::Call;
//! # sio_driver::contract! { pub Chat server to client { Moved = "moved"(x: i32); } client to server { } }
//! # fn f(io: Io) {
//! io.of("/").hear(|moved: Call<Moved>| println!("{}", moved.args.0)); // no client says it
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # use sio_driver::app::Socket;
//! # sio_driver::contract! { pub Chat server to client { Moved = "moved"(x: i32); } client to server { } }
//! # async fn f(socket: Socket) {
//! socket.ask::<Moved>(&(3,)).await; // nobody answers it
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # use sio_driver::app::Io;
//! # use sio_driver::contract::Call;
//! # sio_driver::contract! { pub Chat server to client { } client to server { Say = "say"(text: String) -> usize; } }
//! # fn f(io: Io) {
//! io.of("/").hear(|say: Call<Say>| say.reply.send("delivered")); // the answer is a number
//! # }
//! ```
//!
//! What comes from the other end is nobody's promise: what does not fit is told as
//! [`guide::not_called`](crate::guide::not_called) has it, as it is without a contract.
//!
//! # Where it is kept
//!
//! In a package of its own that both programmes depend on, or a module that both include. The types of arguments need
//! [`serde::Serialize`] at the end that says them and [`serde::de::DeserializeOwned`] at the one that hears them, so most
//! derive both.

mod call;
mod declare;
mod given;
mod hear;
mod tell;
#[cfg(feature = "typescript")]
pub mod typescript;

pub use call::{Call, ClientCall, Reply, Unexpected};
pub use given::{Given, Same};
pub use hear::Hears;
pub use tell::{Answer, Answers};

/// An event of a contract.
///
/// [`contract!`](crate::contract!) implements it; by hand it is
///
/// ```
/// use sio_driver::contract::{ClientToServer, Event};
///
/// /// The answer: how many will hear of it.
/// #[derive(Debug)]
/// pub struct Say;
///
/// impl Event for Say {
///     const NAME: &'static str = "say";
///     type Args = (String,);
///     type Ack = usize;
/// }
///
/// impl ClientToServer for Say {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of a contract",
    note = "events are declared by `contract!`: `Say = \"say\"(text: String) -> usize;`"
)]
pub trait Event: 'static {
    /// Its name on the wire. Those of JavaScript's own events (`connect`, `disconnect` ..) cannot be said.
    const NAME: &'static str;
    /// Its arguments, as a tuple: `()` if it has none.
    type Args;
    /// What answers it; [`NoAck`] if nothing does.
    type Ack;
}

/// An event that servers say and clients hear.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event that servers say",
    label = "not among `server to client`"
)]
pub trait ServerToClient: Event {}

/// An event that clients say and servers hear.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event that clients say",
    label = "not among `client to server`"
)]
pub trait ClientToServer: Event {}

/// The answer of an event that has none. There is no value of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAck {}

/// All events of a contract, as lists: `(First, (Second, ()))`. [`contract!`](crate::contract!) implements it.
pub trait Contract {
    /// What servers say.
    type ServerToClient;
    /// What clients say.
    type ClientToServer;
}

/// How an event is shown to readers of another language. [`contract!`](crate::contract!) implements it.
pub trait Declared: Event {
    /// The types of its arguments, as a list: `(First, (Second, ()))`. `()` where the parameter says itself what it is.
    type Parameters;
    /// The type of its answer.
    type Answer;
    /// Its arguments.
    const PARAMETERS: &'static [Parameter];
    /// Its answer, if it has one.
    const ANSWER: Option<Parameter>;
}

/// An argument of an event, or its answer, as readers of another language see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is called.
    pub name: &'static str,
    /// Its type in TypeScript, where the contract says it by hand: `picture: Bytes as "ArrayBuffer"`.
    pub typescript: Option<&'static str>,
}
