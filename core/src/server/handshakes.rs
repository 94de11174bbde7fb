//! Handshakes: those that the application decides over, and what becomes of each.

use http::request::Parts;

use super::Server;
use super::event::{ConnectionKey, Event, HandshakeKey, HandshakeTicket, Upgraded};
use super::waiting::{Asker, Waiting};
use crate::deadline::after;
use crate::engine::{Exchange, HandshakeError, Opened, RequestKind};
use crate::id::{RequestId, Sid};
use crate::protocol::TransportKind;
use crate::time::Instant;

impl<T> Server<T> {
    /// Whether the application decides over handshakes that come from now on: each is told by
    /// [`Event::Handshake`], and waits for [`admit`](Self::admit) or [`refuse`](Self::refuse), `admission_timeout`
    /// at most. Otherwise each is let in, as far as there is room.
    pub const fn decide_over_handshakes(&mut self, decide: bool) {
        self.handshakes.asks = decide;
    }

    /// A client may open its session, under the id that the application has made for it, or else under the one
    /// that its request came with. `None`: it does not wait any more, or there is no room, and it is told so.
    pub fn admit(
        &mut self,
        now: Instant,
        ticket: HandshakeTicket,
        id: Option<Sid>,
    ) -> Option<ConnectionKey> {
        let HandshakeTicket(handshake) = ticket;
        let it = self.handshakes.take(handshake)?;
        let sid = id.unwrap_or(it.sid);
        let opened = self.open(now, it.permit, sid, &it.exchange);
        let connection = opened.as_ref().ok().copied();
        let upgraded = self.opened(now, it.exchange, it.asker, opened);
        self.handshakes
            .upgraded
            .extend(upgraded.map(|it| (handshake, it)));
        connection
    }

    /// A client may not open a session. Nothing happens if it does not wait any more.
    pub fn refuse(&mut self, now: Instant, ticket: HandshakeTicket, why: HandshakeError) {
        let HandshakeTicket(handshake) = ticket;
        self.turn_away(now, handshake, why);
    }

    /// The client has dropped a request for a WebSocket that was not decided over.
    pub fn handle_upgrade_aborted(&mut self, now: Instant, handshake: HandshakeKey) {
        self.give_up(now, handshake, HandshakeError::BadRequest);
    }

    /// What became of a request for a WebSocket that [had to wait](Upgraded::Waits), one that was dropped among
    /// them.
    pub fn poll_upgraded(&mut self) -> Option<(HandshakeKey, Upgraded)> {
        self.handshakes.upgraded.pop_front()
    }

    /// A session is asked for. `Some`: by a request for a WebSocket, of which this becomes.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        exchange: Exchange,
        asker: Asker,
        head: &Parts,
        random: [u8; 15],
    ) -> Option<Upgraded> {
        let sid = Sid::from_random(random);
        let opened = match self.admission.begin() {
            Err(refusal) => Err(refusal),
            Ok(permit) if self.handshakes.asks => {
                let handshake = self.handshakes.wait(Waiting {
                    exchange,
                    asker,
                    permit,
                    sid,
                    until: after(now, self.config.serving.admission_timeout),
                    head: Some(Box::new(head.clone())),
                });
                return (asker == Asker::Upgrade).then_some(Upgraded::Waits(handshake));
            }
            Ok(permit) => self.open(now, permit, sid, &exchange),
        };
        self.opened(now, exchange, asker, opened)
    }

    /// Tells who has asked for a session that it has one, or why not.
    fn opened(
        &mut self,
        now: Instant,
        exchange: Exchange,
        asker: Asker,
        opened: Result<ConnectionKey, HandshakeError>,
    ) -> Option<Upgraded> {
        match (asker, opened) {
            (Asker::Poll(id), Ok(connection)) => {
                let revision = exchange.revision();
                self.wait(id, exchange, connection);
                self.with(connection, |it| {
                    it.connection.handle_poll(now, id, revision);
                });
                None
            }
            (Asker::Poll(id), Err(refusal)) => {
                self.answer(id, exchange.refuse(&refusal));
                None
            }
            (Asker::Upgrade, Ok(connection)) => {
                self.hold_websocket(connection);
                self.with(connection, |_| ());
                Some(Upgraded::Attached {
                    connection,
                    response: exchange.switch(),
                })
            }
            (Asker::Upgrade, Err(refusal)) => Some(Upgraded::Refused(exchange.refuse(&refusal))),
        }
    }

    /// Nobody decides over a handshake any more. Whoever was to is told.
    fn give_up(&mut self, now: Instant, handshake: HandshakeKey, why: HandshakeError) {
        if self.turn_away(now, handshake, why) {
            self.handshakes.news.push_back(handshake);
        }
    }

    /// Refuses one that waits. `true`: the application was told of it.
    fn turn_away(&mut self, now: Instant, handshake: HandshakeKey, why: HandshakeError) -> bool {
        let Some(it) = self.handshakes.take(handshake) else {
            return false;
        };
        self.admission.give_up(it.permit);
        let upgraded = self.opened(now, it.exchange, it.asker, Err(why));
        self.handshakes
            .upgraded
            .extend(upgraded.map(|it| (handshake, it)));
        it.head.is_none()
    }

    /// A request was dropped. `false`: it is not one that waits to be let in.
    pub(super) fn abort_handshake(&mut self, now: Instant, id: RequestId) -> bool {
        let handshake = self.handshakes.by_request.get(&id).copied();
        if let Some(handshake) = handshake {
            self.give_up(now, handshake, HandshakeError::BadRequest);
        }
        handshake.is_some()
    }

    /// Gives those up over which nobody has decided in time.
    pub(super) fn expire_handshakes(&mut self, now: Instant) {
        while let Some((until, handshake)) = self.handshakes.due.first().copied()
            && until <= now
        {
            self.give_up(now, handshake, HandshakeError::undecided());
        }
    }

    /// Nobody is let in any more: nobody would hear of a session that opens now.
    pub(super) fn refuse_handshakes(&mut self, now: Instant) {
        while let Some((_, handshake)) = self.handshakes.due.first().copied() {
            self.give_up(now, handshake, HandshakeError::ShuttingDown);
        }
    }

    /// What there is to be told about handshakes.
    pub(super) fn handshake_event(&mut self) -> Option<Event<T>> {
        let handshake = self.handshakes.news.pop_front()?;
        let Some(it) = self.handshakes.waiting.get_mut(handshake.0) else {
            return Some(Event::HandshakeOver { handshake });
        };
        let head = it.head.take()?;
        let request = match it.asker {
            Asker::Poll(id) => Some(id),
            Asker::Upgrade => None,
        };
        Some(Event::Handshake {
            ticket: HandshakeTicket(handshake),
            request,
            head,
        })
    }
}

/// How a session is opened by a request.
pub(super) fn opened_by(exchange: &Exchange) -> Opened {
    Opened {
        transport: match exchange.kind() {
            RequestKind::WebSocket => TransportKind::WebSocket,
            RequestKind::Poll | RequestKind::Post { .. } => TransportKind::Polling,
        },
        revision: exchange.revision(),
        base64: exchange.base64(),
    }
}
