//! Those who wait until there is room for what they emit, or until it has left.

use sio_core::engine::{Backlog, Session};
use sio_core::socket::SocketKey;

use super::machine::Machine;
use crate::mailbox::command::Wait;
use crate::sync::one_shot::{Answer, take_forsaken};

/// All of a connection, in the order in which they came.
#[derive(Default)]
pub(super) struct Waits {
    room: Vec<Wait>,
    /// Until this much of what is followed has left.
    left: Vec<(u64, Answer<()>)>,
}

impl Waits {
    pub(super) fn is_empty(&self) -> bool {
        self.room.is_empty() && self.left.is_empty()
    }

    /// One more.
    pub(super) fn push(&mut self, wait: Wait) {
        drop(take_forsaken(&mut self.room, |wait| &wait.answer));
        self.room.push(wait);
    }

    /// One more waits until so much has left.
    pub(super) fn follow(&mut self, number: u64, answer: Answer<()>) {
        drop(take_forsaken(&mut self.left, |(_, answer)| answer));
        self.left.push((number, answer));
    }

    /// Lets those go on of whom all has left.
    pub(super) fn leave(&mut self, machine: &mut Machine) {
        if self.left.is_empty() {
            return;
        }
        let reached = machine.reached();
        for (_, answer) in self.left.extract_if(.., |(number, _)| *number <= reached) {
            answer.give(());
        }
    }

    /// Lets those go on for whom there is room, the first first. Each emits when it runs, so what was promised to one
    /// is not there for the next.
    pub(super) fn go_on(&mut self, session: &Session) {
        let mut promised = Backlog::default();
        let going = self.room.iter().take_while(|wait| {
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
        for wait in self.room.drain(..going) {
            wait.answer.give(());
        }
    }

    /// A socket has left: nobody waits for its client any more.
    pub(super) fn forget(&mut self, socket: SocketKey) {
        self.room.retain(|wait| wait.socket != Some(socket));
    }
}
