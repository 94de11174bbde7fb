//! Coming from Socket.IO for Node: what is called how here, and which differences bite.
//!
//! Names are JavaScript's in `snake_case`; searching this documentation for the JavaScript name finds ours
//! too. Where 2.x and 4.x differ, both are named. A binding (`sio-tokio`, `sio-smol`) re-exports everything
//! that is named here.
//!
//! # A server
//!
//! ```js
//! const io = require("socket.io")(3000, { pingTimeout: 20000 });
//!
//! io.use((socket, next) => {
//!   socket.handshake.query.token === "secret" ? next() : next(new Error("no token"));
//! });
//!
//! io.on("connection", socket => {
//!   socket.join("lobby");
//!   socket.on("say", (text, ack) => {
//!     socket.to("lobby").emit("said", text);
//!     ack("delivered");
//!   });
//!   socket.on("disconnect", reason => console.log(socket.id, reason));
//! });
//! ```
//!
//! ```
//! use std::time::Duration;
//! use sio_driver::app::{Ack, Config, Data, DisconnectReason, Io, Socket};
//!
//! // The clients of such a server are 2.x's. With those of 4.x alone, `Config::v4()`.
//! let io = Io::new(Config::v2().ping_timeout(Duration::from_secs(20)));
//!
//! io.use_(|socket: Socket| match socket.handshake().query.get("token") {
//!     Some("secret") => Ok(()),
//!     _ => Err("no token"),
//! });
//!
//! io.on_connect(|socket: Socket| {
//!     socket.join("lobby")?;
//!     socket.on("say", |socket: Socket, Data(text): Data<String>, ack: Ack| {
//!         socket.to("lobby").emit("said", &text)?;
//!         ack.send(&"delivered")
//!     });
//!     socket.on_disconnect(|socket: Socket, reason: DisconnectReason| {
//!         println!("{} {reason}", socket.id());
//!     });
//!     Ok::<(), sio_driver::app::RoomError>(())
//! });
//! // sio_tokio::listen("0.0.0.0:3000", io).await
//! ```
//!
//! | JavaScript | here | |
//! |---|---|---|
//! | `new Server(options)` | [`Io::new`], [`Io::try_new`] | |
//! | `new Server(port)`, `listen(port)`, `attach(port)` | `listen(address, io)` of a binding | |
//! | `new Server(httpServer)`, `attach(httpServer)` | `layer`, `service` (tower); [`respond`] in any other | or [`Server::fallback`] for the rest of the site |
//! | `attach(httpServer, options)` | [`Io::configure`] before | |
//! | `serveClient([v])` | [`Io::serve_client`], [`Io::set_serve_client`] | files by [`Config::client_files`], [`client_files`] |
//! | `path([v])` | [`Io::path`], [`Io::set_path`] | |
//! | `adapter([v])` | [`Io::adapter`], [`Io::set_adapter`] | for Redis the package `sio-redis`, which has `@socket.io/redis-emitter`'s `Emitter`, too |
//! | `origins([v])`, `origins(fn)` (2.x) | [`Io::origins`], [`Io::set_origins`], [`Io::check_origin`] | |
//! | `connectTimeout([v])` (4.x) | [`Io::connect_timeout`], [`Io::set_connect_timeout`] | |
//! | `engine`, `engine.generateId` | [`Io::engine`], [`Engine::generate_id`] | |
//! | `engine.clientsCount` | [`Engine::sessions`], [`Io::engine_sessions`] | |
//! | `engine.on("connection_error")` | [`Io::on_connection_error`] | `context` is [`ErrorContext`]; sessions that end for what their clients do are told of, too |
//! | `engine.on("connection")` | [`Engine::on_open`](crate::app::Engine::on_open) | with a [`Conn`] |
//! | `engine.on("initial_headers")`, `on("headers")` | [`Io::on_initial_headers`], [`Io::on_headers`] | |
//! | `engine.use(fn)` (4.6) | [`Server::before`], or layers around it | |
//! | `bind(engine)` | [`Io::bind`] | |
//! | `onconnection(engineSocket)` | [`Io::on_connection`] | |
//! | `of(name)` | [`Io::of`] | it stays, whoever is in it |
//! | `of(regexp)`, `of(fn)` (4.x) | `Io::of_regex` (feature `regex`), [`Io::of_where`]; [`Io::of_pattern`] | what is registered on the [`ParentNamespace`] later counts for children that are there, too |
//! | `on("new_namespace")` (4.x) | [`Io::on_new_namespace`] | |
//! | `_nsps.delete(name)` | [`Io::remove_namespace`] | those inside hear why |
//! | `sockets` | [`Io::sockets`] | the namespace `/`; a list of sockets is [`Namespace::sockets`] |
//! | `emit`, `send`, `write`, `to`, `in`, `except`, `local`, `volatile`, `compress`, `timeout` | the same on [`Io`] | they act on `/` |
//! | `use`, `on("connection")` | [`Io::use_`], [`Io::on_connect`] | |
//! | `clients(cb)` (2.x), `allSockets()` | [`Io::clients`] | |
//! | `fetchSockets()`, `socketsJoin`, `socketsLeave`, `disconnectSockets` (4.x) | [`Io::fetch_sockets`], [`Io::join`], [`Io::leave`], [`Io::disconnect`] | |
//! | `serverSideEmit` (4.x) | [`Namespace::server_side_emit`], [`Namespace::on_server_side`] | |
//! | `close([cb])` | [`Io::close`] | a future instead of a callback; bit by bit: [`Io::drain`], [`Io::send_wave`], [`Io::health`] |
//! | `require("engine.io")` | [`EngineServer`], [`EngineSocket`] | |
//!
//! # Options
//!
//! [`Config::v2`], which is the default, is 2.x's, [`Config::v4`] is 4.x's. Both have limits that Node has not,
//! and each limit has a most.
//!
//! | JavaScript | here | 2.x / 4.x |
//! |---|---|---|
//! | `path` | [`Config::path`](Config#structfield.path) | `/socket.io` |
//! | `serveClient` | [`Config::serve_client`](Config#structfield.serve_client) | `true`, but the files are yours to give |
//! | `pingInterval`, `pingTimeout`, `upgradeTimeout`, `connectTimeout` | [`Config`], the same names | 25 s, 60 s / 20 s, 10 s, 45 s |
//! | `maxHttpBufferSize` | `max_http_buffer_size` | 1 MB, on WebSocket too |
//! | `transports`, `allowUpgrades` | `transports`, `allow_upgrades` | an upgrade that is not allowed is refused |
//! | `allowEIO3` (4.x) | `allow_eio3`; `allow_missing_eio` for clients that name no revision | `true` / `false` |
//! | `origins` (2.x) | [`Origins`] | any |
//! | `cors`, `allowRequest` (4.x) | [`Cors`], [`Io::allow_request`] | as 2.x / off |
//! | `io.engine.use(fn)` (4.x) | [`Io::use_engine`] | |
//! | `cors: (req, callback)` (4.x) | [`Config::cors_delegate`](Config#structfield.cors_delegate): a [`CorsDelegate`] | none |
//! | `cookie`, `cookiePath`, `cookieHttpOnly` | [`Cookie`] | `io` / off |
//! | `handleProtocols` of `wsEngineOptions` | `websocket_protocols` | the first one offered |
//! | `httpServer.keepAliveTimeout`, `listen(port, host, backlog)` | `keep_alive_timeout`, `listen_backlog` | 75 s (Node 5 s), 1 024 (Node 511) |
//! | `trust proxy` of Express | `trust_forwarded_host`, for [`Origins::SameOrigin`]; addresses are the peer's | off |
//! | `httpCompression`, `initialPacket` | `http_compression`, `initial_packet` | |
//! | `parser: { Encoder, Decoder }` | [`Config::parser`](Config#structfield.parser): a [`Parser`](parser::Parser) | the default one |
//! | `parser: require("socket.io-msgpack-parser")` | `Config::parser(parser::Msgpack)`, with the feature `msgpack` | a date is the text that JSON has for it, as by the default parser |
//! | (one for all clients of a server) | [`Config::parsers`](Config#structfield.parsers): others beside it, which clients ask for: [below](#clients-of-several-parsers) | – |
//! | `Encoder.encode(packet)` | [`Parser::encode`](parser::Parser::encode) | returns the messages, no callback |
//! | `Decoder.add(chunk)`, `emit("decoded", packet)`, `destroy()` | [`Decoder::add`](parser::Decoder::add) returns the packet; the decoder is dropped | what it returns is checked |
//!
//! ```
//! use sio_driver::app::{Config, Io, Origins, SetupError};
//!
//! let io = Io::new(Config::v4().origins(Origins::list(["https://chat.example", "*:8443"])));
//! io.set_path("/realtime")?;
//! // Once it is given to a server, its options are fixed.
//! let server = sio_driver::app::Server::new(io.clone());
//! assert_eq!(io.set_path("/other"), Err(SetupError::Attached));
//! # Ok::<(), SetupError>(())
//! ```
//!
//! ## Clients of several parsers
//!
//! In Node all clients of a server have one parser. Here those may have another that ask for it in the query of their
//! handshake; they share namespaces and rooms with all others, and handlers see no difference:
//!
//! ```
//! # #[cfg(feature = "msgpack")] {
//! use sio_driver::app::{Config, Io, parser::Msgpack};
//!
//! let io = Io::new(Config::v4().parsers([("msgpack", Msgpack)]));
//! # }
//! ```
//!
//! ```js
//! io("https://chat.example"); // as ever
//! io("https://chat.example", { query: { parser: "msgpack" }, parser: require("socket.io-msgpack-parser") });
//! ```
//!
//! What is for many is written once for each parser that one of them has (or by each of those threads that need it at the same
//! moment: none waits for another), and an event that one does not write its clients alone go without, which stands in the log at debug; an emit to one socket fails, as ever. A client that is cut off may
//! come back with another parser, and gets what it has missed in that one. The nodes of a cluster tell each other values:
//! each may have parsers of its own. A parser is a connection's, and so that of all its namespaces: clients read
//! packets before they know which namespace they are for. Of an engine that is [bound](Io::bind) to a server, the parsers are the
//! server's; it refuses names that are not there if its own options name the same.
//!
//! # Namespaces
//!
//! | JavaScript | here |
//! |---|---|
//! | `nsp.name` | [`Namespace::name`] |
//! | `nsp.connected` (2.x), `nsp.sockets` (4.x) | [`Namespace::connected`], [`Namespace::sockets`], [`Namespace::get`], [`Namespace::len`], [`Namespace::visit`] |
//! | `nsp.adapter` | [`Namespace::adapter`], [`Namespace::set_adapter`], [`Adapter`] |
//! | `nsp.to`, `in`, `except`, `emit`, `send`, `emitWithAck`, flags | the same names on [`Namespace`] and [`To`] |
//! | `nsp.clients(cb)`, `nsp.in(room).clients(cb)` (2.x) | [`Namespace::clients`], [`To::clients`] |
//! | `nsp.fetchSockets()`, `socketsJoin`, `socketsLeave`, `disconnectSockets` (4.x) | [`Namespace::fetch_sockets`], [`To::fetch_sockets`], [`To::join`], [`To::leave`], [`To::disconnect`] |
//! | `nsp.serverSideEmit`, `serverSideEmitWithAck`, `on(event)` of them (4.x) | [`Namespace::server_side_emit`], [`Namespace::server_side_ask`], [`Namespace::to_node`], [`Namespace::on_server_side`], [`Namespace::on_server_side_ask`] |
//! | `adapter.allRooms`, `clientRooms`, `remoteJoin`, `remoteLeave`, `remoteDisconnect` (2.x) | [`Namespace::rooms`], [`Namespace::client_rooms`], [`Namespace::remote_join`], [`Namespace::remote_leave`], [`Namespace::remote_disconnect`] |
//! | `adapter.customRequest(data, cb)`, `customHook` (2.x) | [`Namespace::server_side_ask`] and [`Namespace::on_server_side_ask`] with the event `customRequest` |
//! | `cleanupEmptyChildNamespaces` (4.x) | `cleanup_empty_child_namespaces`, `true` here; bounds are `max_child_namespaces`, `max_child_namespaces_per_connection` |
//! | `parentNsp.emit`, `to`, `use`, `on("connection")` (4.x) | the same names on [`ParentNamespace`]; [`ParentNamespace::children`] |
//! | `nsp.use(fn)` | [`Namespace::use_`] |
//! | `nsp.on("connect")`, `on("connection")` | [`Namespace::on_connect`] |
//!
//! ```
//! # use sio_driver::app::{Config, Io, Refusal, Socket, AdapterError};
//! # async fn example(io: Io) -> Result<(), AdapterError> {
//! let news = io.of("/news");
//! // next(err) with err.data
//! news.use_(async |_socket: Socket| Err::<(), _>(Refusal::new("closed").data("E_CLOSED")));
//! // nsp.in("lobby").clients((err, ids) => ..)
//! let ids = news.r#in("lobby").clients().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Sockets
//!
//! | JavaScript | here |
//! |---|---|
//! | `socket.id`, `rooms`, `nsp` | [`Socket::id`], [`Socket::rooms`], [`Socket::namespace`] |
//! | `socket.client`, `conn`, `request`, `handshake` | [`Socket::client`], [`Socket::conn`], [`Socket::request`], [`Socket::handshake`] |
//! | `client.conn`, `client.request` | [`Client::conn`], [`Client::request`] |
//! | `conn.id`, `protocol`, `transport.name`, `readyState`, `send`, `close`, `on("upgrade")`, `on("close")` | [`Conn::id`], [`Conn::revision`], [`Conn::transport`], [`Conn::ready_state`], [`Conn::send`], [`Conn::close`], [`Conn::on_upgrade`], [`Conn::on_close`] |
//! | `conn.send(msg, opts, cb)`, `conn.on("drain")` once (4.x) | [`Conn::flushed`], [`Socket::flushed`] | a future: what was sent until now has left |
//! | `conn.on(..)`: `packet`, `packetCreate`, `heartbeat`, `upgrading`, `flush`, `drain` (4.x) | [`Conn::on_packet`], [`Conn::on_packet_create`], [`Conn::on_heartbeat`], [`Conn::on_upgrading`], [`Conn::on_flush`], [`Conn::on_drain`] | [`EngineSocket::conn`] has them, too |
//! | `socket.connected`, `disconnected` | [`Socket::connected`], [`Socket::disconnected`] |
//! | `socket.data` (4.x) | [`Socket::set_data`], [`Socket::data`], [`Socket::update_data`]: by type; [`Socket::set_local_data`] for what no other node is to see |
//! | `socket.on`, `once`, `prependListener` | [`Socket::on`], [`Socket::once`], [`Socket::prepend`] |
//! | `socket.removeListener`, `off` | [`Socket::off`], by the [`ListenerId`] that `on` returns |
//! | `socket.removeAllListeners([name])` | [`Socket::off_all`] |
//! | `socket.eventNames()`, `listeners(name)`, `listenerCount(name)` | [`Socket::event_names`], [`Socket::listeners_of`] |
//! | `socket.onAny`, `prependAny`, `offAny`, `listenersAny` (4.x) | [`Socket::on_any`], [`Socket::prepend_any`], [`Socket::off_any`], [`Socket::listeners_any`] |
//! | `socket.onAnyOutgoing`, `prependAnyOutgoing`, `offAnyOutgoing`, `listenersAnyOutgoing` (4.x) | [`Socket::on_any_outgoing`], [`Socket::prepend_any_outgoing`], [`Socket::off_outgoing`], [`Socket::off_any_outgoing`], [`Socket::listeners_any_outgoing`]; the same of a [`Namespace`] for broadcasts |
//! | – | [`Namespace::on_unhandled`], [`Socket::on_unhandled`]: events that have no handler |
//! | `socket.on("disconnecting")`, `on("disconnect")`, `on("error")` | [`Socket::on_disconnecting`], [`Socket::on_disconnect`], [`Socket::on_error`]; the names work with `on`, too. The reason is a [`DisconnectReason`], the `details` of 4.x `Option<`[`Details`]`>` |
//! | `socket.use(fn)` | [`Socket::use_`], [`Socket::use_async`] |
//! | `socket.emit`, `send`, `write` | [`Socket::emit`], [`Socket::send`] |
//! | `socket.emit(.., ack)`, `emitWithAck`, `timeout(ms)` | [`Socket::emit_with_ack`], [`Socket::timeout`] |
//! | `Server<ClientToServerEvents, ServerToClientEvents>` (4.x) | [`contract`](mod@crate::contract): [`Socket::tell`], [`Socket::ask`], [`Namespace::hear`] | written out as TypeScript for the clients |
//! | `socket.join(room[, cb])`, `join([rooms])` | [`Socket::join`]; to await an adapter, [`Socket::joined`] |
//! | `socket.leave(room[, cb])` | [`Socket::leave`], [`Socket::left`] |
//! | `socket.to`, `in`, `except`, `broadcast`, `local`, `volatile`, `compress` | the same names on [`Socket`] |
//! | `socket.disconnect()`, `disconnect(true)` | [`Socket::disconnect`]`(false)`, `(true)` |
//!
//! ```
//! # use std::time::Duration;
//! # use sio_driver::app::{AckError, Bytes, Socket};
//! # async fn example(socket: Socket) -> Result<(), AckError> {
//! // Several arguments are a tuple; bytes are attachments, wherever they stand.
//! socket.emit("picture", &("cat", Bytes::from_static(&[1, 2, 3])))?;
//! // socket.timeout(5000).emit("name?", (err, name) => ..)
//! let name: String = socket
//!     .timeout(Duration::from_secs(5))
//!     .emit_with_ack("name?", &())
//!     .await?;
//! // socket.volatile.compress(false).to("a").emit(..)
//! socket.volatile().compress(false).to("a").emit("position", &(1, 2))?;
//! # Ok(())
//! # }
//! ```
//!
//! Packet middlewares get the event to change or refuse:
//!
//! ```
//! # use sio_driver::app::{Incoming, Refusal, Socket};
//! # fn example(socket: &Socket) {
//! socket.use_(|packet: &mut Incoming| {
//!     if packet.name == "old name" {
//!         packet.name = "new name".into();
//!     }
//!     match packet.args.len() {
//!         0..=3 => Ok(()),
//!         _ => Err(Refusal::new("too much to say")),
//!     }
//! });
//! # }
//! ```
//!
//! # Differences that bite
//!
//! * **A handler names what it takes.** `Data<T>` is the event's arguments as `T`: one argument is `Data<T>`,
//!   several are a tuple, or several `Data`, which take them in turn. What is not of that type does not reach the handler:
//!   [`Io::on_error`] hears of it (or stderr, once), the client does not, unless [`Io::on_mistyped`] says so;
//!   [`guide::not_called`](super::not_called) has the whole list.
//! * **An array of fixed length is several arguments**, as a tuple is; a `Vec` or a slice is one. **`Vec<u8>` is
//!   a list of numbers**, a buffer is [`Bytes`]: [`guide::shapes`](super::shapes).
//! * **Handlers of one socket start in the order of its events** and interleave after their first await. For
//!   strictly one after another: [`Socket::sequential`].
//! * **Errors instead of silence.** `emit` says that a socket has gone ([`EmitError::Disconnected`]); an ack
//!   always ends: with the answer, a time-out (10 s if nothing else is said), or the client's end.
//! * **A backlog has a limit.** A client that does not read is closed when `max_backlog_bytes` wait for it,
//!   or what [`BacklogPolicy`] says, of the server, a [namespace](Namespace::set_backlog_policy) or an
//!   [emit](Direct::backlog_policy). Node queues without end. [`Socket::ready`] and [`Socket::emit_when_ready`] wait
//!   for room, [`Socket::volatile_latest`] keeps the newest alone, [`Io::backlogs`] says what waits.
//! * **So has what handlers hold.** When `max_running_handlers` of a client wait, or they hold `max_running_bytes`
//!   of what it sent, its events wait. Handlers whose client has gone are dropped where they wait, after
//!   `departed_timeout`: what must be done is a task of its own.
//! * **An empty list of rooms is nobody.** In Node `io.to([]).emit(..)` reaches everybody, and
//!   `io.in([]).disconnectSockets()` puts everybody out. Here both reach nobody, and `except` of an empty list
//!   leaves out nobody.
//! * **Flags are values**, kept in a variable and used again; they leave nothing behind on the socket.
//! * **`io.sockets()` is a namespace**; its sockets are `io.sockets().sockets()`.
//! * **Refused origins are refused**, on WebSocket too: 403 with code 4, in both lines. In 4.x `cors` only
//!   withholds headers, and so it does here: [`Config::cors`](Config#structfield.cors) is not
//!   protection. Entries of `origins` are compared as a whole, not by substring; `https://a.example`
//!   means port 443, and a bare host name, which never matches anything in 2.x, is an error. Programs that are no browser send no `Origin` and
//!   are let in by a list, which 2.x refuses; with [`Io::check_origin`] they are `*`.
//! * **The default allows any origin, with credentials**, as 2.x does. [`Origins::same_origin`] is the right
//!   one for most servers.
//! * **Options are fixed once the server is attached**: setters return [`SetupError::Attached`]. Node takes
//!   some and ignores others.
//! * **Ids of sockets.** Clients of 2.x compute theirs from the session's (`/` has the session's own id,
//!   others `/name#id`); clients of later lines get a random one in each namespace. In 2.x knowing a socket's
//!   id is knowing the session's secret; here only for its own clients.
//! * **Clients of 2.x are in `/` before anything else**, as ever; a middleware of `/` that refuses does not
//!   keep them out of other namespaces.
//! * **The query of a namespace** (`io("/chat?token=x")` in 2.x) is merged into `handshake().query`, as 2.x
//!   does, and is `handshake().auth`, as 4.x does.
//! * **Errors are told to clients only where they are meant for them.** `next(err)` of Node tells the message of
//!   any error. A middleware here tells a [`Refusal`] or a text; of any other error the client hears
//!   `internal error`, and [`Io::on_error`] the rest: [`Verdict`].
//! * **Errors of packet middlewares** reach clients of 2.x as `error`. Later lines have no such packet: the
//!   socket's own [`Socket::on_error`] hears of it, and the client what
//!   [`Config::forward_middleware_errors`](Config#structfield.forward_middleware_errors) says.
//! * **`error` without a listener** does nothing. Node throws. Whether it is a middleware's or the client's own
//!   word is told by [`ErrorSource`].
//! * **Handlers of a namespace** ([`Namespace::on`]) hear events of all its sockets: there is no need for one
//!   closure per socket.
//! * **`off` takes the id that `on` returned**, since two closures cannot be compared.
//! * **Closing** tells sockets `server shutting down`, and clients that the server goes (close code 1001 on
//!   WebSockets, where Node's is empty): they come back by themselves. After `disconnect` they do not.
//! * **Broadcasts with ack** need no `timeout`: without one `ack_timeout` holds (Node gives up after 1 ms).
//! * **`socket.join` is done when it returns.** Its future form waits for an adapter that spans several nodes.
//! * **Reserved names** are those of 4.x for its clients; `error` is reserved for a socket of 2.x besides.
//! * **Recovery** ([`Config::connection_state_recovery`](Config#structfield.connection_state_recovery)): what a
//!   client has missed is what it was sent, whichever rooms it is in by now. A session is used up by coming back:
//!   nobody else comes back by the same, nor its own client while it is told again what it had missed: clients
//!   would hear some of that twice. One that hangs gives way at once (`recovered elsewhere`). Volatile
//!   events carry the offset of what came before them. A client that was told nothing yet comes back, too. Over a
//!   stream that several nodes read, clients come back at any of them (one that was told nothing yet at ours, and if
//!   its node had read something there before it came); none is told half of what it has missed, or twice, because
//!   something was said meanwhile.
//! * **Exactly once** ([`Namespace::exactly_once`]): an event that a client with `retries` sends again is handled once, if
//!   the client gives it a name; in Node each handler has to know what it has handled.
//! * **Not here**: `json`, `binary()`, `io.set()`, `handlePreflightRequest` of old lines.

#[allow(unused_imports, reason = "for the links above")]
use crate::app::*;
