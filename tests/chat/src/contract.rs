//! What the server of the chat and its clients say to each other: the page, which sees it as TypeScript
//! (`page/events.d.ts`), and the terminal.

use serde::{Deserialize, Serialize};
use sio_driver::app::{Bytes, SocketId};
use sio_driver::contract;
use ts_rs::TS;

contract! {
    /// The chat.
    pub Chat

    server to client {
        /// The rooms, and how many are in each.
        Rooms = "rooms"(rooms: Vec<RoomLine>);
        /// Somebody came into the room or left it.
        People = "people"(change: Change);
        /// Somebody has said something. Answered when a person could have seen it.
        Said = "message"(message: Message) -> bool;
        /// How many have seen what one has said.
        Seen = "seen"(seen: Sight);
        /// Somebody types, or has stopped.
        Typing = "typing"(typist: Typist);
    }

    client to server {
        /// Comes in, or goes to another room.
        Join = "join"(wish: Wish) -> Entrance;
        /// Says something.
        Say = "say"(saying: Saying) -> Delivery;
        /// Asks for the picture of a message.
        Show = "picture"(message: u64) -> Option<Bytes> as "ArrayBuffer | null";
        /// Types, or has stopped.
        Type = "typing"(on: bool);
    }
}

/// A message, as it is sent and as a history holds it.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Message {
    pub(crate) id: u64,
    /// Chosen by the page that said it, so that what is sent again after a lost connection is not
    /// said twice.
    pub(crate) key: String,
    #[ts(type = "string")]
    pub(crate) from: SocketId,
    pub(crate) nick: String,
    /// Milliseconds of the Unix epoch, as JavaScript counts.
    pub(crate) at: u64,
    pub(crate) text: String,
    pub(crate) picture: Option<Picture>,
    /// How many have seen it.
    pub(crate) seen: usize,
}

/// A picture; without its bytes in a history, from where pages ask for them one by one.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Picture {
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "ArrayBuffer")]
    pub(crate) data: Option<Bytes>,
}

/// What is asked for to come in.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Wish {
    pub(crate) nick: String,
    pub(crate) room: String,
    /// The page's own secret: whoever knows it may take over the name from a connection that was lost
    /// and not yet missed.
    pub(crate) key: String,
}

/// What is said.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Saying {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) picture: Option<Picture>,
}

/// What comes of a wish to come in.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(untagged)]
pub enum Entrance {
    /// One is in.
    In(Welcome),
    /// One is not.
    Out(Refused),
}

/// What a page needs to show a room.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Welcome {
    #[ts(type = "true")]
    pub(crate) ok: bool,
    pub(crate) nick: String,
    #[ts(type = "string")]
    pub(crate) id: SocketId,
    pub(crate) room: String,
    pub(crate) boot: String,
    pub(crate) history: Vec<Message>,
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<RoomLine>,
}

/// What comes of saying something.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(untagged)]
pub enum Delivery {
    /// It has arrived.
    Done(Delivered),
    /// It is not said.
    Not(Refused),
}

/// The number of what was said.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Delivered {
    #[ts(type = "true")]
    pub(crate) ok: bool,
    pub(crate) id: u64,
}

/// Why not, for people to read.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Refused {
    #[ts(type = "false")]
    pub(crate) ok: bool,
    pub(crate) error: String,
}

/// Somebody who is in.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Person {
    #[ts(type = "string")]
    pub(crate) id: SocketId,
    pub(crate) nick: String,
}

/// A room, and how many are in it.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct RoomLine {
    pub(crate) name: String,
    pub(crate) people: usize,
}

/// Somebody came into a room or left it.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Change {
    #[serde(skip)]
    pub(crate) room: String,
    pub(crate) people: Vec<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub(crate) came: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub(crate) left: Option<String>,
}

/// How many have seen a message, of how many that it was shown to.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Sight {
    pub(crate) id: u64,
    pub(crate) by: usize,
    pub(crate) of: usize,
}

/// Somebody who types, or has stopped.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Typist {
    #[ts(type = "string")]
    pub(crate) id: SocketId,
    pub(crate) nick: String,
    pub(crate) on: bool,
}

impl Refused {
    pub(crate) fn because(error: impl Into<String>) -> Self {
        Self {
            ok: false,
            error: error.into(),
        }
    }
}
