//! Those who wait until there is room for what they emit.

use sio_core::engine::{Backlog, Session};
use sio_core::socket::SocketKey;

use crate::mailbox::command::Wait;
use crate::sync::one_shot::take_forsaken;

/// All of a connection, in the order in which they came.
#[derive(Default)]
pub(super) struct Waits(Vec<Wait>);

impl Waits {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more.
    pub(super) fn push(&mut self, wait: Wait) {
        drop(take_forsaken(&mut self.0, |wait| &wait.answer));
        self.0.push(wait);
    }

    /// Lets those go on for whom there is room, the first first. Each emits when it runs, so what was promised to one
    /// is not there for the next.
    pub(super) fn go_on(&mut self, session: &Session) {
        let mut promised = Backlog::default();
        let going = self.0.iter().take_while(|wait| {
            // For one that nobody waits for any more nothing is needed.
            if wait.answer.is_awaited() {
                let more = Backlog::from(wait.weight);
                if !session.has_room(promised, more) {
                    return false;
                }
                promised = promised.and(more);
            }
            true
        });
        let going = going.count();
        for wait in self.0.drain(..going) {
            wait.answer.give(());
        }
    }

    /// A socket has left: nobody waits for its client any more.
    pub(super) fn forget(&mut self, socket: SocketKey) {
        self.0.retain(|wait| wait.socket != Some(socket));
    }
}
