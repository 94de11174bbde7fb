//! What tasks and handlers have to tell.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures_util::io::WriteHalf;
use sio_sim::{Ack, Args, Data, DisconnectReason, EventName, Namespace, Socket, Stream};

use super::ours::{Notes, told};

/// Something that has come to a client.
pub(crate) enum Come {
    /// The answer to a GET, of that number.
    Got(u64, u16, String),
    Posted(u16, String),
    /// A WebSocket, by its number, is open, or was refused.
    Opened(u64, Result<WriteHalf<Stream>, u16>),
    /// A frame on it, by its kind.
    Frame(u64, (u8, Vec<u8>)),
    Over(u64),
}

/// What tasks have to tell.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) come: VecDeque<(usize, Come)>,
    pub(crate) notes: Notes,
    pub(crate) sockets: Vec<Socket>,
    labels: Vec<(String, String)>,
    /// Ids that were drawn for sockets.
    pub(crate) ids: usize,
    pub(crate) waker: Option<Waker>,
}

pub(crate) type Book = Arc<Mutex<Shared>>;

pub(crate) fn lock(book: &Book) -> MutexGuard<'_, Shared> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn serve(namespace: &Namespace, book: &Book) {
    let its = book.clone();
    namespace.on_connect(move |socket: Socket| its.connects(socket));
    let its = book.clone();
    namespace.on_any(
        move |socket: Socket, EventName(name): EventName, Data(args): Data<Args>, ack: Ack| {
            let asked = if ack.is_requested() { " asked" } else { "" };
            its.tells(&socket, format!("{} {}{asked}", name.as_str(), told(&args)));
            drop(ack.send(&args));
        },
    );
    let its = book.clone();
    namespace.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
        let mut rooms = socket.rooms();
        for room in &mut rooms {
            *room = lock(&its).labelled(room);
        }
        rooms.sort();
        let said = format!("disconnecting {} {}", reason.as_str(), rooms.join(","));
        its.tells(&socket, said);
    });
    let its = book.clone();
    namespace.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        its.tells(&socket, format!("disconnected {}", reason.as_str()));
    });
}

/// What handlers note.
pub(crate) trait Tells {
    fn connects(&self, socket: Socket);
    fn tells(&self, socket: &Socket, text: String);
}

impl Tells for Book {
    fn connects(&self, socket: Socket) {
        let mut shared = lock(self);
        let id = socket.id().to_string();
        if is_new(&socket) {
            let label = format!("s{}", shared.ids);
            shared.ids += 1;
            shared.labels.push((id.clone(), label));
        } else {
            let sid = id.rsplit('#').next().unwrap_or_default().to_owned();
            shared.opens(&sid);
        }
        let at = shared.sockets.len();
        let name = socket.namespace().name().to_owned();
        shared.sockets.push(socket);
        shared.note(format!("socket {at}"), &format!("connected {name} {id}"));
    }

    fn tells(&self, socket: &Socket, text: String) {
        let mut shared = lock(self);
        let mut all = shared.sockets.iter();
        // Those of revision 4 come back under the same id.
        let at = all.rposition(|it| {
            it.id() == socket.id() && it.namespace().name() == socket.namespace().name()
        });
        let at = at.expect("it has connected");
        shared.note(format!("socket {at}"), &text);
    }
}

pub(crate) fn is_new(socket: &Socket) -> bool {
    socket.handshake().query.get("EIO") == Some("4")
}

impl Shared {
    pub(crate) fn note(&mut self, channel: String, text: &str) {
        let text = self.labelled(text);
        self.notes.entry(channel).or_default().push(text);
    }

    fn labelled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (drawn, label) in &self.labels {
            if text.contains(drawn.as_str()) {
                text = text.replace(drawn.as_str(), label);
            }
        }
        text
    }

    /// A session is there: it is called by its number.
    pub(crate) fn opens(&mut self, sid: &str) {
        if !self.labels.iter().any(|(drawn, _)| drawn == sid) {
            let sessions = self.labels.iter().filter(|it| it.1.starts_with('e'));
            let label = format!("e{}", sessions.count());
            self.labels.push((sid.to_owned(), label));
        }
    }
}

pub(crate) fn comes(book: &Book, client: usize, come: Come) {
    let waker = {
        let mut shared = lock(book);
        shared.come.push_back((client, come));
        shared.waker.take()
    };
    waker.into_iter().for_each(Waker::wake);
}
