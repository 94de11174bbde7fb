//! What a connection can be told and asked.

use std::time::Duration;

use bytes::Bytes;

use crate::engine::{Close, CloseReason, Flags, Post, WsClosed};
use crate::id::{RequestId, SocketId};
use crate::message::{Encoded, Message};
use crate::protocol::Eio;
use crate::recovery::Pid;
use crate::socket::{Refusal, SocketKey};

/// Something that a machine can be told or asked.
pub(crate) trait Told: Sized {
    /// Below 63.
    fn number(&self) -> u8;

    /// Writes what it was given.
    fn put(&self, to: &mut Vec<u8>);

    /// `None`: that is none of this number.
    fn take(number: u8, from: &mut Bytes) -> Option<Self>;

    /// Whether it is written when it was even where that is when the step before was.
    fn is_timed(&self) -> bool;

    /// Whether something may come out.
    fn is_asking(&self) -> bool;

    /// The packet that is to leave, if it comes from the application.
    fn packet(&self) -> Option<&Encoded>;
}

/// The enum, and how it is written: a number, and the fields in their order. What is asked is named
/// behind it, what gives a packet, which is its last field, and what is as a rule later than the step before.
macro_rules! inputs {
    (
        $(#[$about:meta])* $its_name:ident asks $($asks:ident)|*, gives $($gives:ident)|*, timed $($timed:ident)|*;
        $($(#[$doc:meta])* $number:literal $name:ident { $($(#[$its:meta])* $field:ident: $type:ty),* })*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub enum $its_name {
            $($(#[$doc])* $name { $($(#[$its])* $field: $type),* },)*
        }

        impl $crate::record::input::Told for $its_name {
            fn number(&self) -> u8 {
                match self {
                    $(Self::$name { .. } => $number,)*
                }
            }

            fn put(&self, to: &mut Vec<u8>) {
                match self {
                    $(Self::$name { $($field),* } => { $($crate::record::field::Field::put($field, to);)* })*
                }
            }

            fn take(number: u8, from: &mut ::bytes::Bytes) -> Option<Self> {
                let _ = &from;
                match number {
                    $($number => Some(Self::$name { $($field: $crate::record::field::Field::take(from)?),* }),)*
                    _ => None,
                }
            }

            fn is_timed(&self) -> bool {
                matches!(self, $(Self::$timed { .. })|*)
            }

            fn is_asking(&self) -> bool {
                matches!(self, $(Self::$asks { .. })|*)
            }

            fn packet(&self) -> Option<&$crate::message::Encoded> {
                match self {
                    $(Self::$gives { packet, .. })|* => Some(packet),
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use inputs;

inputs! {
    /// A call of a method of [`Connection`](crate::connection::Connection), with what it was given.
    Input asks PollEvent | PollHttp | PollWs, gives Deliver | Request | Respond, timed Ws;

    /// A GET that waits for packets.
    0 Poll {
        /// The request.
        id: RequestId,
        /// As its query says.
        revision: Eio
    }
    /// A POST, or a part of one.
    1 Post {
        /// The request.
        id: RequestId,
        /// As its query says.
        revision: Eio,
        /// How far it has come.
        post: Post
    }
    /// A request was dropped.
    2 Aborted {
        /// The request.
        id: RequestId
    }
    /// What answers are not written yet.
    3 Unwritten {
        /// So many of them.
        bytes: usize
    }
    /// An answer was given up.
    4 AnswerLost {}
    /// A WebSocket has opened.
    5 WsOpen {
        /// As its query says.
        revision: Eio,
        /// Whether it takes no bytes.
        base64: bool
    }
    /// A message on it.
    6 Ws {
        /// What it is.
        frame: Message
    }
    /// Some of what it was given has left.
    7 WsProgress {}
    /// All of that has.
    8 WsFlushed {}
    /// It is gone.
    9 WsClosed {
        /// How.
        cause: WsClosed
    }
    /// The deadline is looked at only now.
    10 Late {}
    /// Deadlines are acted on.
    11 Timeout {}
    /// Who asks is let in.
    12 Accept {
        /// Who.
        socket: SocketKey,
        /// As whom.
        id: SocketId
    }
    /// The same for one that may come back.
    13 AcceptRecoverable {
        /// Who.
        socket: SocketKey,
        /// As whom.
        id: SocketId,
        /// By what it comes back.
        pid: Pid,
        /// What it is told first.
        missed: Vec<Encoded>
    }
    /// Who asks is turned away.
    14 Reject {
        /// Who.
        socket: SocketKey,
        /// Why.
        refusal: Refusal
    }
    /// A client has come back elsewhere.
    15 Supersede {
        /// As this one.
        socket: SocketKey
    }
    /// A packet for a client.
    16 Deliver {
        /// By this socket.
        socket: SocketKey,
        /// How it is sent.
        flags: Flags,
        /// What it is.
        packet: Encoded
    }
    /// One that asks for an answer.
    17 Request {
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
    /// An answer to what a client has said.
    18 Respond {
        /// By this socket.
        socket: SocketKey,
        /// The number of the ack.
        id: u64,
        /// What it is.
        packet: Encoded
    }
    /// A message of Engine.IO.
    19 Send {
        /// What it is.
        data: Message,
        /// How it is sent.
        flags: Flags
    }
    /// A socket is taken out.
    20 Disconnect {
        /// Which.
        socket: SocketKey
    }
    /// A socket's namespace is there no more.
    21 Expel {
        /// Which.
        socket: SocketKey
    }
    /// All sockets are taken out, and the connection closes.
    22 DisconnectAll {}
    /// The server closes.
    23 ShutDown {}
    /// The connection is closed.
    24 Close {
        /// Whether what is queued is still sent.
        how: Close
    }
    /// Whoever owns it cannot go on.
    25 Fail {
        /// What is said of it.
        reason: CloseReason
    }
    /// Handlers have enough to do, or no longer.
    26 Pause {
        /// Whether they have.
        paused: bool
    }
    /// What has happened is asked for.
    27 PollEvent {}
    /// A request that has its answer is.
    28 PollHttp {}
    /// What goes to the WebSocket is.
    29 PollWs {}
    /// Somebody wants to hear of each packet.
    30 Observe {}
    /// What is to be heard is asked for.
    31 PollSeen {}
    /// Somebody waits until what was sent so far has left.
    32 Follow {}
    /// How far that has come is asked for.
    33 Reached {}
    /// A packet has gone to the WebSocket past the queue.
    34 Passed {
        /// What it is.
        packet: Encoded
    }
}
