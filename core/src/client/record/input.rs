//! What a client can be told and asked.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::client::connection::{Network, Unavailable};
use crate::client::dial::Dial;
use crate::client::namespaces::Auth;
use crate::client::reason::Failure;
use crate::engine::{Flags, WsClosed};
use crate::id::RequestId;
use crate::message::{Encoded, Message};
use crate::packet::{Args, Name, Value};
use crate::record::input::inputs;
use crate::socket::SocketKey;

inputs! {
    /// A call of a method of [`Connection`](crate::client::Connection), with what it was given.
    Input asks PollEvent | PollWork | PollWs, gives Emit | Request | Respond, timed Ws;

    /// The socket of a namespace is asked for.
    0 Socket {
        /// The namespace.
        namespace: String,
        /// Its credentials.
        auth: Auth
    }
    /// A socket has other credentials from now on.
    1 SetAuth {
        /// Which.
        socket: SocketKey,
        /// Those.
        auth: Auth
    }
    /// A request was answered, or not.
    2 Response {
        /// The request.
        id: RequestId,
        /// The answer, or why there is none.
        response: Result<Response<Bytes>, Failure>,
        /// The time since 1970.
        wall: Option<Duration>
    }
    /// A WebSocket has opened, or not.
    3 WsOpen {
        /// Which.
        id: RequestId,
        /// Why not.
        opened: Result<(), Failure>
    }
    /// A message on a WebSocket.
    4 Ws {
        /// Which.
        id: RequestId,
        /// What it is.
        frame: Message
    }
    /// Some of what a WebSocket was given has left.
    5 WsProgress {
        /// Which.
        id: RequestId
    }
    /// All of that has.
    6 WsFlushed {
        /// Which.
        id: RequestId
    }
    /// A pong of a WebSocket's own.
    7 WsPong {
        /// Which.
        id: RequestId
    }
    /// A WebSocket is gone.
    8 WsClosed {
        /// Which.
        id: RequestId,
        /// How.
        cause: WsClosed
    }
    /// The machine was suspended.
    9 Suspended {
        /// For so long.
        gap: Duration
    }
    /// Deadlines are acted on.
    10 Timeout {}
    /// A socket wants to be in its namespace.
    11 Open {
        /// Which.
        socket: SocketKey
    }
    /// A socket leaves its namespace.
    12 Leave {
        /// Which.
        socket: SocketKey
    }
    /// The client is closed.
    13 Close {}
    /// It is to dial no more.
    14 Suspend {}
    /// It may dial again.
    15 Resume {}
    /// It is to dial now.
    16 ReconnectNow {}
    /// Something is known of the network.
    17 Network {
        /// What.
        network: Network
    }
    /// The connection is to end.
    18 EndSession {}
    /// The server is asked for a sign of life.
    19 Check {}
    /// Where to dial.
    20 AnswerDial {
        /// The number of the attempt that asked.
        number: u32,
        /// There, or nowhere.
        dial: Option<Dial>
    }
    /// The credentials of a socket.
    21 AnswerAuth {
        /// Which.
        socket: SocketKey,
        /// How many times any were asked for until then.
        number: u32,
        /// Those, if there are any.
        auth: Result<Option<Value>, Unavailable>
    }
    /// An event.
    22 Emit {
        /// By this socket.
        socket: SocketKey,
        /// How it is sent.
        flags: Flags,
        /// What it is.
        packet: Encoded
    }
    /// The number of an ack is asked for.
    23 DrawAckId {
        /// By this socket.
        socket: SocketKey
    }
    /// An event that asks for an answer.
    24 Request {
        /// By this socket.
        socket: SocketKey,
        /// The number of the ack.
        id: u64,
        /// How it is sent.
        flags: Flags,
        /// How long it waits.
        timeout: Option<Duration>,
        /// What it is.
        packet: Encoded
    }
    /// An event that is repeated until it is answered.
    25 Retry {
        /// By this socket.
        socket: SocketKey,
        /// Its name.
        name: Name,
        /// What it says.
        args: Args,
        /// How often it is repeated.
        retries: u32
    }
    /// An answer to what the server has said.
    26 Respond {
        /// By this socket.
        socket: SocketKey,
        /// The number of the ack.
        id: u64,
        /// How often the socket had been in when it was asked.
        stay: u32,
        /// What it is.
        packet: Encoded
    }
    /// What a socket has kept is forgotten.
    27 ClearOffline {
        /// Which.
        socket: SocketKey
    }
    /// What a socket repeats is forgotten.
    28 ClearRetries {
        /// Which.
        socket: SocketKey
    }
    /// A socket has a first word, or none.
    29 AskFirst {
        /// Which.
        socket: SocketKey,
        /// Whether it has.
        yes: bool
    }
    /// An event before all that is kept.
    30 EmitFirst {
        /// By this socket.
        socket: SocketKey,
        /// How often it has been in.
        stay: u32,
        /// What it is.
        packet: Encoded,
        /// How it is sent.
        flags: Flags
    }
    /// The same with an answer asked for.
    31 RequestFirst {
        /// By this socket.
        socket: SocketKey,
        /// How often it has been in.
        stay: u32,
        /// The number of the ack.
        id: u64,
        /// What it is.
        packet: Encoded,
        /// How it is sent.
        flags: Flags,
        /// How long it waits.
        timeout: Option<Duration>
    }
    /// The first word is said.
    32 Entered {
        /// By this socket.
        socket: SocketKey,
        /// How often it has been in.
        stay: u32
    }
    /// Somebody waits until all has left.
    33 Flush {
        /// What this socket has emitted.
        socket: SocketKey
    }
    /// Of those who wait some do no more.
    34 TakeForsaken {
        /// Which of them, counted from 0.
        places: Vec<usize>
    }
    /// What has happened is asked for.
    35 PollEvent {}
    /// What is to be done about HTTP is.
    36 PollWork {}
    /// What goes to a WebSocket is.
    37 PollWs {
        /// Which.
        id: RequestId
    }
}
