//! From polling to a WebSocket (§12): a probe and its answer, then nothing more is posted until no request is
//! under way, then the word that the WebSocket takes over.

use super::state::{Candidate, Pending, Stage, State, WebSocket};
use super::{Session, SessionEvent};
use crate::client::reason::{Failure, TransportError};
use crate::deadline::after;
use crate::engine::Packet;
use crate::id::RequestId;
use crate::protocol::TransportKind;

impl Session {
    /// The server offers to go over to a WebSocket.
    pub(super) fn begin_upgrade(&mut self) {
        let wanted =
            self.config.upgrade && self.dial.transports.contains(&TransportKind::WebSocket);
        if !wanted || self.transport() != TransportKind::Polling {
            return;
        }
        let id = self.draw_id();
        let until = after(self.now, self.config.upgrade_timeout);
        if let State::Polling(polling) = &mut self.state {
            polling.candidate = Some(Box::new(Candidate {
                id,
                stage: Stage::Dialled,
                until,
            }));
            self.pending.push_back(Pending::WebSocket(id));
        }
    }

    pub(super) fn candidate(&mut self, id: RequestId) -> Option<&mut Candidate> {
        match &mut self.state {
            State::Polling(polling) => polling.candidate.as_deref_mut().filter(|it| it.id == id),
            State::WebSocket(_) | State::Nothing(_) => None,
        }
    }

    /// A message has come on the WebSocket that is to take over.
    pub(super) fn probe(&mut self, id: RequestId, packet: Option<Packet>) {
        let Some(candidate) = self.candidate(id) else {
            return;
        };
        let is_answer = matches!(&packet, Some(Packet::Pong(data)) if &**data == "probe");
        match candidate.stage {
            Stage::Probed if is_answer => {
                candidate.stage = Stage::Pausing;
                self.switch();
            }
            Stage::Dialled | Stage::Open | Stage::Probed => self.upgrade_failed(Failure::Protocol),
            // Nothing that a server sends before it was told is of use.
            Stage::Pausing => {}
        }
    }

    /// The WebSocket takes over.
    pub(super) fn take_over(&mut self) {
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        if let Some(candidate) = polling.candidate.take() {
            let stalled_at = after(self.now, self.config.write_timeout);
            let websocket = WebSocket::upgraded(candidate.id, self.now, stalled_at);
            self.state = State::WebSocket(websocket);
        }
    }

    /// Polling goes on, and no other WebSocket is tried.
    pub(super) fn upgrade_failed(&mut self, failure: Failure) {
        if self.dismiss() {
            let transport = TransportKind::WebSocket;
            let error = TransportError { transport, failure };
            self.events.push_back(SessionEvent::UpgradeFailed(error));
        }
    }

    /// Sends the WebSocket away that was to take over, if there is one.
    pub(super) fn dismiss(&mut self) -> bool {
        let State::Polling(polling) = &mut self.state else {
            return false;
        };
        let Some(candidate) = polling.candidate.take() else {
            return false;
        };
        let id = candidate.id;
        match candidate.stage {
            Stage::Dialled => self.give_up(id),
            Stage::Open | Stage::Probed | Stage::Pausing => self.see_off(id),
        }
        true
    }
}
