//! For those who come from another client.
//!
//! In the snippets `R` is the runtime. In the bindings `Client` names theirs, and stands alone:
//! `sio_tokio::client::Client::builder(url)`.
//!
//! # From socket.io-client
//!
//! ```js
//! const socket = io("https://example.com/chat", { auth: { token: "abc" } });
//!
//! socket.on("connect", () => console.log(socket.id, socket.recovered));
//! socket.on("connect_error", error => console.log(error.message));
//! socket.on("disconnect", reason => console.log(reason, socket.active));
//! socket.on("said", (who, text, ack) => {
//!   console.log(who, text);
//!   ack("seen");
//! });
//!
//! socket.emit("say", "lobby", "hi");
//! const sum = await socket.timeout(5000).emitWithAck("add", 1, 2);
//! socket.disconnect();
//! ```
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//! use sio_driver::app::Data;
//! use sio_driver::client::{Ack, Client, ConnectError, Connected, Disconnected};
//! # use sio_driver::client::Dialer;
//!
//! # async fn f<R: Dialer + Default>() -> Result<(), Box<dyn std::error::Error>> {
//! let client: Client<R> = Client::builder("https://example.com")?
//!     .auth(&HashMap::from([("token", "abc")]))?
//!     .build()?;
//! let socket = client.socket("/chat");
//!
//! socket.on_connect(|hello: Connected| println!("{} {}", hello.id, hello.recovered));
//! socket.on_connect_error(|error: ConnectError| println!("{error}"));
//! socket.on_disconnect(|why: Disconnected| println!("{} {}", why.reason, why.active));
//! socket.on("said", |Data((who, text)): Data<(String, String)>, ack: Ack| {
//!     println!("{who} {text}");
//!     ack.send(&"seen")
//! });
//! socket.connect().await?; // or `open()`, which does not wait
//!
//! socket.emit("say", &("lobby", "hi"))?;
//! let sum: u64 = socket.timeout(Duration::from_secs(5)).emit_with_ack("add", &(1, 2)).await?;
//! println!("{sum}");
//! socket.disconnect();
//! # Ok(()) }
//! ```
//!
//! Handlers go in before `connect`: nothing is dialled until then, and nothing is missed.
//!
//! | there | here |
//! |---|---|
//! | `io(url)` | [`connect_on`](crate::client::connect_on), in the bindings `connect(url)`; or [`Client::builder`], [`Builder::build`], [`Client::socket`], [`Socket::connect`] |
//! | `new Manager(url, opts)`, `forceNew` | [`Client::builder`]: each client is a connection of its own, and none is shared behind one's back |
//! | `manager.socket("/chat")` | [`Client::socket`]: the same one each time |
//! | `autoConnect: false` | nothing is dialled before [`Socket::connect`] |
//! | `socket.emit(..)`, `send` | [`Socket::emit`], [`Socket::send`]; several arguments are a tuple |
//! | `socket.timeout(ms).emit(.., callback)`, `emitWithAck` | [`Socket::emit_with_ack`], [`Socket::timeout`]: a future |
//! | `socket.volatile` | [`Socket::volatile`] |
//! | `retries`, `ackTimeout` | [`Socket::retry`], each emit for itself; [`Config::ack_timeout`] |
//! | `socket.on(event, handler)`, `once`, `off`, `onAny`, `prependAny`, `onAnyOutgoing` | [`Socket::on`] and its like; handlers name what they want ([`guide::shapes`](crate::guide::shapes)) |
//! | `connect`, `disconnect`, `connect_error` | [`Socket::on_connect`], [`Socket::on_disconnect`], [`Socket::on_connect_error`] |
//! | `socket.id`, `connected`, `active`, `recovered` | [`Socket::id`], [`Socket::connected`], [`Socket::active`], [`Connected::recovered`] |
//! | `auth: {..}`, `auth: cb => ..` | [`Builder::auth`], [`Builder::auth_fn`]; for one socket [`Socket::set_auth`], [`Socket::set_auth_fn`] |
//! | `agent` for a proxy, `ca` | [`Builder::proxy`], [`Builder::proxy_from_env`], [`Builder::tls`] |
//! | `socket.on("connect", ..)` to say who one is, before what was buffered | [`Socket::on_entering`] |
//! | `socket.io.engine.on("drain", ..)` | [`Socket::flushed`] |
//! | `query`, `path`, `extraHeaders`, `transports`, `tryAllTransports` | methods of [`Builder`] |
//! | `reconnection`, `reconnectionDelay`, `reconnectionDelayMax`, `randomizationFactor`, `reconnectionAttempts` | [`Builder::reconnection`] with a [`Backoff`] |
//! | `timeout`, `upgrade`, `rememberUpgrade`, `requestTimeout`, `withCredentials` | [`Builder::config`]: [`Config::connect_timeout`], [`Config::upgrade`], [`Config::remember_upgrade`], [`Config::request_timeout`], [`Config::cookies`] |
//! | `manager.on("reconnect_attempt", ..)` and its like | [`Client::on_event`], or [`Client::status`] to watch |
//! | `manager.engine.close()` | [`Client::close_engine`] |
//! | `new Engine(url)` of engine.io-client | [`Builder::connect_engine`], in the bindings `engine::connect(url)`: one session of plain Engine.IO |
//! | `perMessageDeflate` | [`Config::per_message_deflate`], with the feature `deflate` |
//! | `socket.disconnect()` | [`Socket::disconnect`]; the whole client [`Client::close`], which can be awaited |
//! | `Socket<ServerToClientEvents, ClientToServerEvents>` | [`contract`](mod@crate::contract): [`Socket::tell`], [`Socket::ask`], [`Socket::hear`] |
//! | | [`Socket::events`]: a stream of events, of which so many may wait |
//!
//! Options that a client of 4.8 has and ours has not: `forceBase64` (bytes are base64 where they have to be), `timestampParam`
//! (`t`), `closeOnBeforeunload`, `useNativeTimers` and `autoUnref` (a browser's and Node's), `addTrailingSlash` (it is
//! there), and the transport `webtransport`. [`Config::timestamp_requests`] is `timestampRequests`.
//!
//! ## Credentials that expire
//!
//! ```js
//! const socket = io(url, { auth: async cb => cb({ token: await freshToken() }) });
//! socket.on("connect_error", error => {
//!   if (error.data === "E_EXPIRED") socket.connect();
//! });
//! ```
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//! use sio_driver::client::{Attempt, Client, Decision};
//! # use sio_driver::client::{BuildError, Dialer};
//! # async fn fresh_token(_: bool) -> Result<String, std::io::Error> { Ok(String::new()) }
//!
//! # fn f<R: Dialer + Default>(url: &str) -> Result<Client<R>, BuildError> {
//! let client: Client<R> = Client::builder(url)?
//!     .auth_fn(async |attempt: Attempt| {
//!         let token = fresh_token(attempt.refusals > 0).await?;
//!         Ok::<_, std::io::Error>(HashMap::from([("token", token)]))
//!     })
//!     .on_refused(|refusal, times| match refusal.data_is("E_EXPIRED") && times < 3 {
//!         true => Decision::Again(Duration::ZERO),
//!         false => Decision::Stay,
//!     })
//!     .build()?;
//! # Ok(client) }
//! ```
//!
//! ## Several namespaces, and the connection below them
//!
//! ```js
//! const manager = new Manager(url, { reconnectionDelayMax: 30000, reconnectionAttempts: 10 });
//! const chat = manager.socket("/chat");
//! const news = manager.socket("/news");
//! manager.on("reconnect_attempt", n => console.log("again", n));
//! manager.on("reconnect_failed", () => console.log("gave up"));
//! ```
//!
//! ```
//! use std::time::Duration;
//! use sio_driver::client::{Backoff, Client, Status};
//! # use sio_driver::client::Dialer;
//!
//! # async fn f<R: Dialer + Default>(url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
//! backoff.attempts = Some(10);
//! let client: Client<R> = Client::builder(url)?.reconnection(backoff).build()?;
//! let (chat, news) = (client.socket("/chat"), client.socket("/news"));
//! chat.open();
//! news.open();
//! let mut status = client.status();
//! while let Some(status) = status.next().await {
//!     match status {
//!         Status::Waiting { attempt, wait, .. } => println!("again in {wait:?}: {attempt}"),
//!         Status::GaveUp { error } => println!("gave up: {error:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! ## What has to arrive
//!
//! ```js
//! const socket = io(url, { retries: 3, ackTimeout: 10000 });
//! socket.emit("pay", order, err => { .. });
//! socket.volatile.emit("cursor", x, y);
//! ```
//!
//! ```
//! use sio_driver::client::{Sent, Socket};
//!
//! # async fn f(socket: &Socket, order: &str, x: f64, y: f64) -> Result<(), Box<dyn std::error::Error>> {
//! socket.retry(3).emit_with_ack::<()>("pay", order).await?;
//! if socket.volatile().emit("cursor", &(x, y))? == Sent::Dropped {
//!     println!("not now");
//! }
//! # Ok(()) }
//! ```
//!
//! What is another way here: WebSocket is tried before polling; the offline buffer has limits, past which an emit is
//! refused ([`Config::max_offline_packets`]); an answer is waited for 10 s, and each emit that asks for one ends
//! once; a CONNECT that is not answered is an error after [`Config::connect_timeout`]; the wait before an attempt is
//! drawn from what is below the maximum too, so that clients that lost one server together do not come back
//! together.
//!
//! # From rust_socketio
//!
//! Its asynchronous client:
//!
//! ```text
//! let said = |payload: Payload, socket: Client| async move {
//!     if let Payload::Text(values) = payload {
//!         println!("{values:?}");
//!         socket.emit("seen", json!(values.len())).await.expect("a connection");
//!     }
//! }.boxed();
//! let socket = ClientBuilder::new("https://example.com")
//!     .namespace("/chat")
//!     .auth(json!({ "token": "abc" }))
//!     .on("said", said)
//!     .on("error", |why, _| async move { eprintln!("{why:?}") }.boxed())
//!     .connect()
//!     .await?;
//! socket.emit("say", json!(["lobby", "hi"])).await?;
//! let answered = |payload: Payload, _: Client| async move { println!("{payload:?}") }.boxed();
//! socket.emit_with_ack("add", json!([1, 2]), Duration::from_secs(2), answered).await?;
//! ```
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//! use sio_driver::app::Data;
//! use sio_driver::client::{Client, ConnectError, Socket};
//! # use sio_driver::client::Dialer;
//!
//! # async fn f<R: Dialer + Default>() -> Result<(), Box<dyn std::error::Error>> {
//! let client: Client<R> = Client::builder("https://example.com")?
//!     .auth(&HashMap::from([("token", "abc")]))?
//!     .build()?;
//! let socket = client.socket("/chat");
//! socket.on("said", |Data(values): Data<Vec<String>>, socket: Socket| {
//!     println!("{values:?}");
//!     socket.emit("seen", &values.len())
//! });
//! socket.on_connect_error(|why: ConnectError| eprintln!("{why}"));
//! socket.connect().await?;
//! socket.emit("say", &("lobby", "hi"))?;
//! let sum: u64 = socket.timeout(Duration::from_secs(2)).emit_with_ack("add", &(1, 2)).await?;
//! println!("{sum}");
//! # Ok(()) }
//! ```
//!
//! Its client without `async`, which has threads, is the one of the feature `blocking` here, with one thread:
//!
//! ```text
//! let socket = ClientBuilder::new("https://example.com").on("said", callback).connect()?;
//! socket.emit("say", json!("hi"))?;
//! socket.disconnect()?;
//! ```
//!
//! ```
//! # #[cfg(feature = "blocking")] mod blocking {
//! use sio_driver::app::Data;
//! use sio_driver::client::{Client, Inbox, blocking};
//! # use sio_driver::client::blocking::OwnThread;
//!
//! # fn f<R: OwnThread + Default>() -> Result<(), Box<dyn std::error::Error>> {
//! let client: blocking::Client<R> = Client::builder("https://example.com")?.build_blocking()?;
//! let socket = client.socket("/");
//! socket.on("said", |Data(text): Data<String>| println!("{text}"));
//! let events = socket.events(Inbox::default()); // or these, in place of handlers
//! socket.connect()?;
//! socket.emit("say", "hi")?;
//! let sum: u64 = socket.emit_with_ack("add", &(1, 2))?;
//! for event in events.take(2) {
//!     println!("{}", event.name);
//! }
//! client.close()?;
//! # println!("{sum}"); Ok(()) }
//! # }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `ClientBuilder::new(url).namespace("/chat").on("x", callback).connect()` | `Client::builder(url)?.build()?.socket("/chat")`, then [`Socket::on`], then [`Socket::connect`] |
//! | `rust_socketio::ClientBuilder` without `async` | [`Builder::build_blocking`](crate::client::Builder), with the feature `blocking` |
//! | `\|payload: Payload, client: RawClient\|` | a closure of what it needs: `\|Data((a, b)): Data<(String, u64)>, socket: Socket, ack: Ack\|` |
//! | `Payload::Text(Vec<Value>)`, `Payload::Binary(Bytes)` | any type of `serde`, with [`Bytes`](crate::app::Bytes) anywhere in it; [`Args`](crate::app::Args) for what came as it came |
//! | `json!([1, 2])` for two arguments | a tuple: `&(1, 2)`; a list is one argument ([`guide::shapes`](crate::guide::shapes)) |
//! | `on_any` | [`Socket::on_any`] |
//! | `Event::Connect`, `Event::Close`, `Event::Error` | [`Socket::on_connect`], [`Socket::on_disconnect`], [`Socket::on_connect_error`] |
//! | `emit_with_ack(event, data, timeout, callback)` | [`Socket::emit_with_ack`], a future; several may be open at a time |
//! | one client a namespace | [`Client::socket`] as often as there are namespaces |
//! | `transport_type(TransportType::Websocket)` | [`Builder::transports`] |
//! | `opening_header` | [`Builder::header`] |
//! | `reconnect(bool)`, `reconnect_delay(min, max)`, `max_reconnect_attempts(u8)` | [`Builder::reconnection`] |
//! | `reconnect_on_disconnect(true)` | [`Socket::connect`] again, in a handler of `disconnect` whose [`Disconnected::active`] is false |
//! | `on_reconnect` | [`Builder::on_dial`], [`Builder::auth_fn`]: asked before each attempt |
//! | `tls_config(native_tls)` | [`Builder::tls`], rustls' |
//! | `disconnect()` | [`Socket::disconnect`], [`Client::close`] |
//! | answers to the server: none | `ack: Ack` in any handler |
//!
//! What is another way here: an event keeps its name and all of its arguments, where 0.6 tells an event of one element as
//! `message`, and of several attachments the first alone; ids of answers count up and never collide; handlers are called
//! while nothing is locked, and may call whatever does not wait; emits while there is no connection are kept, within limits,
//! and the rest of what [socket.io-client](#from-socketio-client) does so, too.

#[cfg(doc)]
use crate::client::{Backoff, Builder, Client, Config, Connected, Disconnected, Socket};
