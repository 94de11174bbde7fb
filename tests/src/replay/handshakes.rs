//! Handshakes, over which the recorded application has decided: its word is what they were answered.

use sio_core::engine::HandshakeError;
use sio_core::id::Sid;
use sio_core::server::{ConnectionKey, HandshakeTicket};

use super::Replay;
use super::items::parse;
use super::recorded::{Said, Unit};

/// One that is not answered yet.
pub(super) struct Opening {
    ticket: Option<HandshakeTicket>,
    /// What it was answered, if it was.
    answer: Option<Unit>,
    /// The session that it opened.
    sid: Option<String>,
}

impl Replay {
    /// A request on this connection is about to open a session.
    pub(super) fn opens(&mut self, number: usize, sid: Option<String>, answer: Option<Unit>) {
        let opening = Opening {
            ticket: None,
            answer,
            sid,
        };
        self.openings.insert(number, opening);
    }

    /// The application is asked. It answers at once if the recorded one did.
    pub(super) fn asked(&mut self, number: usize, ticket: HandshakeTicket) {
        let at = self.front.moment.at;
        let Some(opening) = self.openings.get_mut(&number) else {
            return;
        };
        opening.ticket = Some(ticket);
        let answer = opening.answer.as_ref();
        if answer.is_some_and(|it| it.moment.at == at && !says_goodbye(it)) {
            self.decide(number);
        }
    }

    /// Says what the recorded application did, if it is asked about a handshake on this connection.
    pub(super) fn decide(&mut self, number: usize) {
        let Some(opening) = self.openings.get_mut(&number) else {
            return;
        };
        let (Some(answer), Some(ticket)) = (opening.answer.clone(), opening.ticket.take()) else {
            return;
        };
        let sid = opening.sid.take();
        if says_goodbye(&answer) {
            return self.shut_down();
        }
        let now = self.front.now;
        if let Some(why) = refused(&answer.said) {
            return self.front.server.refuse(now, ticket, why);
        }
        let id = sid.as_deref().and_then(Sid::made);
        let connection = self.front.server.admit(now, ticket, id);
        if let (Some(sid), Some(connection)) = (sid, connection) {
            self.is_of(connection, sid);
        }
    }

    pub(super) fn is_of(&mut self, connection: ConnectionKey, sid: String) {
        self.whose.insert(connection, sid.clone());
        self.sessions.entry(sid).or_default().connection = Some(connection);
    }
}

/// Whether the server was closing.
pub(super) fn says_goodbye(answer: &Unit) -> bool {
    matches!(&answer.said, Said::Response { body, .. } if &**body == b"Shutting down")
}

/// Words that stood in HTML.
fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

/// Why the application has refused a handshake, if it has.
fn refused(said: &Said) -> Option<HandshakeError> {
    let Said::Response { status, body, .. } = said else {
        return None;
    };
    let body = String::from_utf8_lossy(body);
    match status {
        400 => Some(HandshakeError::BadRequest),
        403 => {
            // One for a WebSocket is answered with the words alone.
            let words = parse(&body, "message").unwrap_or_else(|| unescaped(&body));
            Some(HandshakeError::Forbidden(
                (words != "Forbidden").then_some(words),
            ))
        }
        500 => Some(HandshakeError::Failed),
        _ => None,
    }
}
