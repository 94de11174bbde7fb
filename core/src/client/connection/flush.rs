//! Who waits for what a socket has emitted to have left.

use super::Connection;
use crate::client::event::Event;
use crate::client::flushes::{Behind, Flush};
use crate::client::offline::Waiting;
use crate::client::session::Session;
use crate::socket::{AckError, SocketKey};
use crate::time::Instant;

impl<T> Connection<T> {
    /// Asks to be told when all that a socket has emitted until now has left: a WebSocket has taken it, or the POST
    /// that carries it is answered. What is repeated until it is answered is not among it. The end comes as
    /// [`Event::Flushed`], unless all has left already: then the token comes back.
    ///
    /// # Errors
    /// The client is closed, or as many wait as may ([`max_pending_acks`](crate::client::Config::max_pending_acks));
    /// and the token.
    pub fn flush(
        &mut self,
        now: Instant,
        socket: SocketKey,
        token: T,
    ) -> Result<Option<T>, (AckError, T)> {
        self.advance(now);
        let Some(namespace) = self.namespaces.get(socket).filter(|_| !self.is_over()) else {
            return Err((AckError::Disconnected, token));
        };
        if self.flushes.len() >= self.config.max_pending_acks {
            return Err((AckError::TooMany, token));
        }
        let behind = match (namespace.offline.packets(), &self.session) {
            (0, Some(session)) if session.left() < session.queued() => {
                Behind::Queued(session.number(), session.queued())
            }
            (0, _) => return Ok(Some(token)),
            (kept, _) => Behind::Kept(kept),
        };
        self.flushes.push(Flush {
            socket,
            token,
            behind,
        });
        self.pump();
        Ok(None)
    }

    /// Takes those out who do not wait any more, so that there is room for others. The caller can tell by their tokens.
    pub fn take_forsaken(&mut self, is_forsaken: impl Fn(&T) -> bool) -> Vec<T> {
        let all = self.flushes.extract_if(.., |it| is_forsaken(&it.token));
        all.map(|flush| flush.token).collect()
    }

    /// So many of those that a socket has kept, the oldest, are kept no longer: they are queued, or dropped.
    pub(super) fn came_nearer(&mut self, socket: SocketKey, count: usize) {
        let queued = self.session.as_ref();
        let queued = queued.map(|it| Behind::Queued(it.number(), it.queued()));
        for flush in self.flushes.iter_mut().filter(|it| it.socket == socket) {
            if let Behind::Kept(kept) = flush.behind {
                flush.behind = match (kept.saturating_sub(count), queued) {
                    (0, Some(queued)) => queued,
                    (kept, _) => Behind::Kept(kept),
                };
            }
        }
    }

    /// One of those that a socket has kept is kept no longer, which was in this place.
    pub(super) fn taken_out_at(&mut self, socket: SocketKey, at: usize) {
        for flush in self.flushes.iter_mut().filter(|it| it.socket == socket) {
            if let Behind::Kept(kept) = &mut flush.behind
                && at < *kept
            {
                *kept = kept.saturating_sub(1);
            }
        }
    }

    /// A session is over: what no transport was given goes back to the sockets, and with it those who wait for it.
    pub(super) fn turned_back(&mut self, session: &mut Session) {
        let unsent = session.take_unsent();
        let given = session.queued().saturating_sub(unsent.len() as u64);
        for flush in &mut self.flushes {
            let back = unsent.iter().map(|(_, flags, mark)| {
                let owner = mark.owner.filter(|_| !flags.volatile && !mark.once);
                owner.is_some_and(|owner| owner.socket == flush.socket)
            });
            flush.behind = match flush.behind {
                Behind::Kept(kept) => {
                    Behind::Kept(kept.saturating_add(back.filter(|it| *it).count()))
                }
                Behind::Queued(number, upto) if number == session.number() => {
                    // What a transport was given may have left, or not.
                    if session.left() < upto.min(given) {
                        continue;
                    }
                    let until = usize::try_from(upto.saturating_sub(given)).unwrap_or(usize::MAX);
                    Behind::Kept(back.take(until).filter(|it| *it).count())
                }
                other @ Behind::Queued(..) => other,
            };
        }
        for (packet, flags, mark) in unsent.into_iter().rev() {
            let Some(owner) = mark.owner.filter(|_| !flags.volatile && !mark.once) else {
                continue;
            };
            if let Some(namespace) = self.namespaces.get_mut(owner.socket) {
                let id = owner.id;
                namespace.offline.push_front(Waiting { packet, flags, id });
            }
        }
    }

    /// What a socket has kept is forgotten, and nobody waits for it any more.
    pub(super) fn forget_flushes(&mut self, socket: SocketKey, why: AckError) {
        let is_its = |flush: &mut Flush<T>| {
            flush.socket == socket && matches!(flush.behind, Behind::Kept(_))
        };
        for flush in self.flushes.extract_if(.., is_its) {
            self.events.push_back(Event::Flushed {
                socket,
                token: flush.token,
                outcome: Err(why),
            });
        }
    }

    /// Tells those for whom the wait is over.
    pub(super) fn tell_flushed(&mut self) {
        if self.flushes.is_empty() {
            return;
        }
        for flush in std::mem::take(&mut self.flushes) {
            let outcome = match flush.behind {
                Behind::Kept(0) => Some(Ok(())),
                Behind::Kept(_) => None,
                Behind::Queued(number, upto) => self.outcome(number, upto),
            };
            match outcome {
                None => self.flushes.push(flush),
                Some(outcome) => self.events.push_back(Event::Flushed {
                    socket: flush.socket,
                    token: flush.token,
                    outcome,
                }),
            }
        }
    }

    /// What became of so many packets of a session, if that is known.
    fn outcome(&self, number: u32, upto: u64) -> Option<Result<(), AckError>> {
        let mut all = self.leaving.iter().chain(&self.session);
        match all.find(|session| session.number() == number) {
            Some(session) if session.left() >= upto => Some(Ok(())),
            Some(session) if !session.is_closed() => None,
            Some(_) | None => Some(Err(AckError::Disconnected)),
        }
    }
}
