//! `conformance`: what the protocol suites are pointed at, Engine.IO and Socket.IO on one port.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | |
//! | `PING_INTERVAL`, `PING_TIMEOUT` | 300, 200 | milliseconds, both servers |
//! | `MAX_PAYLOAD` | 1000000 | announced and enforced |
//! | `CONNECT_TIMEOUT` | 1000 | time for the first CONNECT |
//! | `ALLOW_EIO3` | 1 | clients of revision 3 are let in |
//! | `PARSER` | default | of `/socket.io`: `msgpack` or `json`, packets as the parsers of those names have them |

use crate::sio::{
    Ack, Args, Config, Eio, EmitError, EngineServer, EngineSocket, Io, Refusal, Server, Socket,
    TransportKind,
};
use std::time::Duration;

#[path = "common.rs"]
mod common;
#[path = "parser.rs"]
mod parser;

/// The port if `PORT` is not set.
pub(crate) const PORT: u16 = 3000;

/// Between the open packet, the CONNECT that revision 4 does not ask for, and `auth` on a WebSocket. The suites take one message at a time from a
/// client that hands out all messages of one read at once; the second of two such is lost to them.
const APART: Duration = Duration::from_millis(5);

/// Where to listen.
pub(crate) fn address() -> (String, u16) {
    common::address(PORT)
}

/// Both servers, ready to be served on one listener.
pub(crate) fn server() -> Server {
    let config = Config::v4()
        .ping_interval(common::milliseconds("PING_INTERVAL", 300))
        .ping_timeout(common::milliseconds("PING_TIMEOUT", 200))
        .max_http_buffer_size(common::option("MAX_PAYLOAD", 1_000_000))
        .connect_timeout(common::milliseconds("CONNECT_TIMEOUT", 1000))
        .allow_eio3(common::allow_eio3())
        // The suites listen late.
        .open_packet_apart(true);
    let engine = EngineServer::new(config.clone().path("/engine.io"));
    engine.on_message(|conn: EngineSocket, message| conn.send(message));

    let io = Io::new(config.parser(parser::chosen()).parsers(parser::named()));
    for name in ["/", "/custom"] {
        serve(&io, name);
    }
    Server::new(io).engine(engine)
}

fn serve(io: &Io, name: &str) {
    let namespace = io.of(name);
    // Nothing is answered before `auth` has gone out.
    namespace.sequential();
    if name == "/" {
        namespace.use_(async |socket: Socket| -> Result<(), Refusal> {
            let on_websocket = socket.conn().transport() == TransportKind::WebSocket;
            if on_websocket && socket.handshake().revision == Eio::V3 {
                crate::support::sleep(APART).await;
            }
            Ok(())
        });
    }
    namespace.on_connect(async |socket: Socket| {
        if socket.conn().transport() == TransportKind::WebSocket {
            crate::support::sleep(APART).await;
        }
        socket.emit("auth", &(&socket.handshake().auth,))
    });
    namespace.on("message", |socket: Socket, args: Args| {
        socket.emit("message-back", &args)
    });
    namespace.on("message-with-ack", |args: Args, ack: Ack| ack.send(&args));
    namespace.on(
        "emit-with-ack",
        async |socket: Socket, args: Args| -> Result<(), EmitError> {
            // A client that leaves without an answer gets no event.
            if let Ok(answer) = socket.emit_with_ack::<Args>("emit-with-ack", &args).await {
                socket.emit("emit-with-ack", &answer)?;
            }
            Ok(())
        },
    );
}
