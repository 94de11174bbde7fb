//! For those who come from another client.
//!
//! # From socket.io-client
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
//! What is another way here: WebSocket is tried before polling; the offline buffer has limits, past which an emit is
//! refused ([`Config::max_offline_packets`]); an answer is waited for 10 s, and each emit that asks for one ends
//! once; a CONNECT that is not answered is an error after [`Config::connect_timeout`]; the wait before an attempt is
//! drawn from what is below the maximum too, so that clients that lost one server together do not come back
//! together.
//!
//! # From rust_socketio
//!
//! | there | here |
//! |---|---|
//! | `ClientBuilder::new(url).namespace("/chat").on("x", callback).connect()` | `Client::builder(url)?.build()?.socket("/chat")`, then [`Socket::on`], then [`Socket::connect`] |
//! | `\|payload: Payload, client: RawClient\|` | a closure of what it needs: `\|Data((a, b)): Data<(String, u64)>, socket: Socket, ack: Ack\|` |
//! | `on_any` | [`Socket::on_any`] |
//! | `Event::Connect`, `Event::Close`, `Event::Error` | [`Socket::on_connect`], [`Socket::on_disconnect`], [`Socket::on_connect_error`] |
//! | `emit_with_ack(event, data, timeout, callback)` | [`Socket::emit_with_ack`], a future; several may be open at a time |
//! | one client a namespace | [`Client::socket`] as often as there are namespaces |
//! | `reconnect_delay(min, max)`, `max_reconnect_attempts(u8)` | [`Builder::reconnection`] |
//! | `on_reconnect` | [`Builder::on_dial`], [`Builder::auth_fn`]: asked before each attempt |
//! | `tls_config(native_tls)` | [`Builder::tls`], rustls' |
//! | answers to the server: none | `ack: Ack` in any handler |

#[cfg(doc)]
use crate::client::{Backoff, Builder, Client, Config, Connected, Socket};
