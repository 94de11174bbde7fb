//! Clients of one namespace that come back: what is read for them, until it is known whether they do.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use sio_cluster::Limits;
use sio_cluster::codec::streams::{self, Entry};
use sio_cluster::entry::EntryId;
use sio_cluster::restore::{Most, Restore, Step};

use super::broker::{Of, Order, Ticket};
use crate::adapter::{Broadcast, KeptSession, RestoredSession, SessionClaim};
use crate::log::warn;
use crate::sync::one_shot::Answer;

/// Who waits to hear whether it comes back.
pub(super) type Claimant = Answer<Option<RestoredSession>>;

/// All of one namespace that come back.
#[derive(Default)]
pub(super) struct Sessions {
    coming: BTreeMap<u64, Claimed>,
    /// Who claims which session, by its private id: of two the one that came later, for it is the client that is there.
    claimed: BTreeMap<String, u64>,
    number: u64,
}

struct Claimed {
    pid: String,
    stage: Stage,
    waits: Claimant,
}

enum Stage {
    /// Its session is asked for.
    Claimed(SessionClaim),
    /// What it has missed is read. Whether its session was taken out of the broker for that.
    Reads(Restore, bool),
}

/// Where it is that it comes back.
pub(super) struct Place<'a> {
    pub(super) of: u32,
    pub(super) namespace: &'a str,
    pub(super) stream: &'a str,
    /// What the names of kept sessions begin with, and how long they are kept.
    pub(super) prefix: &'a str,
    pub(super) keep: Duration,
    /// How many may be coming back at once.
    pub(super) most: usize,
    pub(super) limits: &'a Limits,
}

impl Place<'_> {
    /// Has a session kept.
    pub(super) fn store(&self, session: &KeptSession) -> Option<Order> {
        match streams::encode_session(session) {
            Ok(value) => Some(Order::Store {
                key: format!("{}{}", self.prefix, session.pid),
                value,
                keep: self.keep,
            }),
            Err(_why) => {
                warn!(namespace = self.namespace, why = %_why, "session not kept");
                None
            }
        }
    }

    fn read(&self, number: u64, restore: &Restore) -> Order {
        Order::Range {
            ticket: Ticket(Of::Session(self.of, number)),
            stream: self.stream.to_owned(),
            from: restore.from(),
            most: Restore::page(),
        }
    }
}

impl Sessions {
    /// A client claims to be who it was: what is to be done for it. However often a session is claimed, what it has
    /// missed is held once.
    pub(super) fn claim(
        &mut self,
        place: &Place<'_>,
        claim: SessionClaim,
        waits: Claimant,
    ) -> Option<Order> {
        // What cannot be a place in a stream is not worth a session.
        let offset = claim.claim.offset();
        if claim.here.is_none() && offset.is_some_and(|it| it.parse::<EntryId>().is_err()) {
            return None;
        }
        let pid = claim.claim.pid().as_str().to_owned();
        // Whoever has claimed it before is gone, or is told that it is not its own any more.
        let number = self.claimed.get(&pid).copied();
        let before = number.and_then(|number| Some((number, self.take(number)?.stage)));
        match before {
            // Nobody else finds it where it was.
            Some((number, Stage::Claimed(_))) if claim.here.is_none() => {
                let stage = Stage::Claimed(claim);
                self.put(number, Claimed { pid, stage, waits });
                return None;
            }
            Some((_, Stage::Reads(restore, true))) if claim.here.is_none() => {
                let session = restore.end().session;
                return self.read(place, (session, true), &claim, pid, waits);
            }
            Some(_) | None => {}
        }
        if self.coming.len() >= place.most {
            self.forget_forsaken();
        }
        if self.coming.len() >= place.most {
            warn!(
                namespace = place.namespace,
                "not restored: max_returning_sessions"
            );
            return None;
        }
        if let Some(session) = claim.here.clone() {
            return self.read(place, (session, false), &claim, pid, waits);
        }
        self.number = self.number.wrapping_add(1);
        let order = Order::Take {
            ticket: Ticket(Of::Session(place.of, self.number)),
            key: format!("{}{pid}", place.prefix),
        };
        let stage = Stage::Claimed(claim);
        self.put(self.number, Claimed { pid, stage, waits });
        Some(order)
    }

    /// Reads what it has missed, from its beginning.
    fn read(
        &mut self,
        place: &Place<'_>,
        (session, taken): (KeptSession, bool),
        claim: &SessionClaim,
        pid: String,
        waits: Claimant,
    ) -> Option<Order> {
        match begin(session, claim) {
            Ok(restore) => {
                self.number = self.number.wrapping_add(1);
                let number = self.number;
                let order = place.read(number, &restore);
                let stage = Stage::Reads(restore, taken);
                self.put(number, Claimed { pid, stage, waits });
                Some(order)
            }
            // Whoever has got further may come.
            Err(session) => taken.then(|| place.store(&session)).flatten(),
        }
    }

    /// Those that nobody waits for any more, and of whose session nothing is here, make room: the broker may answer
    /// late.
    fn forget_forsaken(&mut self) {
        let (coming, claimed) = (&mut self.coming, &mut self.claimed);
        coming.retain(|_, its| {
            let taken = matches!(its.stage, Stage::Reads(_, true));
            let kept = taken || its.waits.is_awaited();
            if !kept {
                claimed.remove(&its.pid);
            }
            kept
        });
    }

    fn put(&mut self, number: u64, its: Claimed) {
        self.claimed.insert(its.pid.clone(), number);
        self.coming.insert(number, its);
    }

    fn take(&mut self, number: u64) -> Option<Claimed> {
        let its = self.coming.remove(&number)?;
        self.claimed.remove(&its.pid);
        Some(its)
    }

    /// What was kept of a session, if anything was.
    pub(super) fn taken(
        &mut self,
        place: &Place<'_>,
        number: u64,
        value: Option<&Bytes>,
    ) -> Option<Order> {
        let its = self.take(number);
        let session = streams::decode_session(value?, place.limits).ok()?;
        let Some(Claimed {
            pid,
            stage: Stage::Claimed(claim),
            waits,
        }) = its
        else {
            // Nobody knows any more who it was for.
            return place.store(&session);
        };
        if session.pid != pid {
            return None;
        }
        // Of another namespace, whose middlewares it would pass by; or it is gone again, and may come back.
        let elsewhere = |its: &String| its != place.namespace;
        if session.namespace.as_ref().is_some_and(elsewhere) || !waits.is_awaited() {
            return place.store(&session);
        }
        self.read(place, (session, true), &claim, pid, waits)
    }

    /// What was said.
    pub(super) fn ranged(
        &mut self,
        place: &Place<'_>,
        number: u64,
        found: &[(EntryId, Entry)],
    ) -> Option<Order> {
        let Claimed {
            pid,
            stage: Stage::Reads(mut restore, taken),
            waits,
        } = self.take(number)?
        else {
            return None;
        };
        if taken && !waits.is_awaited() {
            return place.store(&restore.end().session);
        }
        match restore.handle_page(place.namespace, place.limits, found) {
            Step::Lost => None,
            Step::More => {
                let order = place.read(number, &restore);
                let stage = Stage::Reads(restore, taken);
                self.put(number, Claimed { pid, stage, waits });
                Some(order)
            }
            Step::Done => {
                waits.give(restored(place.namespace, restore));
                None
            }
        }
    }

    /// The broker has gone: nobody comes back.
    pub(super) fn clear(&mut self) {
        self.coming.clear();
        self.claimed.clear();
    }
}

fn begin(session: KeptSession, claim: &SessionClaim) -> Result<Restore, Box<KeptSession>> {
    let most = Most {
        packets: claim.max_packets,
        bytes: claim.max_bytes,
    };
    Restore::begin(session, claim.claim.offset(), most)
}

fn restored(namespace: &str, restore: Restore) -> Option<RestoredSession> {
    let found = restore.end();
    let missed = found.missed.into_iter().map(|missed| {
        let call = missed.call;
        let message = Broadcast::new(namespace, call.name.as_str(), call.args);
        message.ok().map(|message| (missed.at, message))
    });
    Some(RestoredSession {
        session: found.session,
        place: found.place,
        end: found.end,
        missed: missed.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use sio_core::recovery::{Claim, Pid};

    use super::*;
    use crate::sync::one_shot::answer;

    /// What becomes of a session of `/admin` that is claimed in this namespace.
    fn taken(namespace: &str, is_awaited: bool) -> Option<Order> {
        let limits = Limits::default();
        let place = Place {
            of: 1,
            namespace,
            stream: "s",
            prefix: "k:",
            keep: Duration::from_secs(1),
            most: 1,
            limits: &limits,
        };
        let mut session = KeptSession::new("id", "pid");
        session.namespace = Some("/admin".to_owned());
        session.since = Some(EntryId::FIRST);
        let value = streams::encode_session(&session).expect("it can be");
        let claim = Claim::new(&Pid::told("pid"), None);
        let (give, wait) = answer();
        let mut sessions = Sessions::default();
        let asked = sessions.claim(&place, SessionClaim::new(claim, None, (9, 99)), give);
        assert!(matches!(asked, Some(Order::Take { key, .. }) if key == "k:pid"));
        let wait = is_awaited.then_some(wait);
        let order = sessions.taken(&place, 1, Some(&value));
        drop(wait);
        order
    }

    #[test]
    fn a_session_is_not_found_in_another_namespace_and_stays() {
        assert!(matches!(taken("/admin", true), Some(Order::Range { .. })));
        assert!(matches!(taken("/", true), Some(Order::Store { key, .. }) if key == "k:pid"));
    }

    #[test]
    fn as_many_may_be_coming_back_as_the_limit_says_and_the_next_one_hears_that_it_is_not() {
        let limits = Limits::default();
        let place = Place {
            of: 1,
            namespace: "/",
            stream: "s",
            prefix: "k:",
            keep: Duration::from_secs(1),
            most: 2,
            limits: &limits,
        };
        let mut sessions = Sessions::default();
        let mut claim = |pid: &str| {
            let (give, wait) = answer();
            let claim = Claim::new(&Pid::told(pid), None);
            let asked = sessions.claim(&place, SessionClaim::new(claim, None, (9, 99)), give);
            (asked.is_some(), wait)
        };
        let (first, _waits) = claim("a");
        let (second, _also) = claim("b");
        let (third, refused) = claim("c");
        assert_eq!((first, second, third), (true, true, false));
        let mut cx = Context::from_waker(Waker::noop());
        let told = pin!(refused).poll(&mut cx);
        assert!(matches!(told, Poll::Ready(None)), "it does not wait");
        // One has ended: there is room.
        sessions.taken(&place, 1, None);
        let (give, _wait) = answer();
        let claim = Claim::new(&Pid::told("d"), None);
        let asked = sessions.claim(&place, SessionClaim::new(claim, None, (9, 99)), give);
        assert!(asked.is_some());
    }

    const LIMITS: Limits = Limits {
        message: 10_000,
        depth: 9,
        rooms: 9,
        room_name: 99,
        sockets: 9,
        members: 9,
        id: 99,
        name: 99,
        arguments: 9,
    };

    const fn place(most: usize) -> Place<'static> {
        Place {
            of: 1,
            namespace: "/",
            stream: "s",
            prefix: "k:",
            keep: Duration::from_secs(1),
            most,
            limits: &LIMITS,
        }
    }

    fn kept(pid: &str) -> KeptSession {
        let mut session = KeptSession::new("id", pid);
        session.namespace = Some("/".to_owned());
        session.since = Some(EntryId::FIRST);
        session
    }

    fn told(wait: impl Future<Output = Option<Option<RestoredSession>>>) -> Poll<bool> {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(wait)
            .poll(&mut cx)
            .map(|told| told.flatten().is_some())
    }

    fn claims(
        sessions: &mut Sessions,
        place: &Place<'_>,
        pid: &str,
        here: bool,
    ) -> (
        Option<Order>,
        crate::sync::one_shot::Waiting<Option<RestoredSession>>,
    ) {
        let (give, wait) = answer();
        let claim = Claim::new(&Pid::told(pid), None);
        let claim = SessionClaim::new(claim, here.then(|| kept(pid)), (9, 99));
        (sessions.claim(place, claim, give), wait)
    }

    #[test]
    fn a_session_that_hangs_is_read_once_however_often_it_is_claimed() {
        let place = place(2);
        let mut sessions = Sessions::default();
        let (_, mut last) = claims(&mut sessions, &place, "a", true);
        for _ in 0..1000 {
            let (order, wait) = claims(&mut sessions, &place, "a", true);
            assert!(matches!(order, Some(Order::Range { .. })));
            assert_eq!((sessions.coming.len(), sessions.claimed.len()), (1, 1));
            // Who claimed it before is told that it comes anew.
            assert_eq!(told(std::mem::replace(&mut last, wait)), Poll::Ready(false));
        }
        // There is room for another's, and the answer to an earlier claim is nobody's.
        assert!(claims(&mut sessions, &place, "b", true).0.is_some());
        let first = Entry::default();
        let found = [(EntryId::FIRST, first)];
        assert!(sessions.ranged(&place, 1, &found).is_none());
        assert!(told(&mut last).is_pending());
        let number = sessions.claimed["a"];
        sessions.ranged(&place, number, &found);
        assert_eq!(told(last), Poll::Ready(true));
        assert_eq!(sessions.coming.len(), 1);
    }

    /// Its session is on its way out of the broker, where a second claim would not find it.
    #[test]
    fn a_client_that_comes_again_before_the_broker_has_answered_gets_its_session() {
        let place = place(1);
        let mut sessions = Sessions::default();
        let (order, gone) = claims(&mut sessions, &place, "a", false);
        assert!(matches!(order, Some(Order::Take { .. })));
        drop(gone);
        let (order, wait) = claims(&mut sessions, &place, "a", false);
        assert!(order.is_none(), "it was asked for");
        let value = streams::encode_session(&kept("a")).unwrap();
        let order = sessions.taken(&place, 1, Some(&value));
        let Some(Order::Range { ticket, .. }) = order else {
            panic!("it is not read");
        };
        let Of::Session(_, number) = ticket.0 else {
            panic!("another's ticket");
        };
        // Once more, while it is read: nothing of it is lost.
        let (order, again) = claims(&mut sessions, &place, "a", false);
        assert!(matches!(order, Some(Order::Range { .. })));
        assert_eq!(told(wait), Poll::Ready(false));
        let found = [(EntryId::FIRST, Entry::default())];
        assert!(sessions.ranged(&place, number, &found).is_none());
        let number = sessions.claimed["a"];
        sessions.ranged(&place, number, &found);
        assert_eq!(told(again), Poll::Ready(true));
        assert!(sessions.coming.is_empty() && sessions.claimed.is_empty());
    }

    #[test]
    fn those_whom_nobody_waits_for_leave_room_and_their_sessions_are_kept() {
        let place = place(1);
        let mut sessions = Sessions::default();
        let (order, wait) = claims(&mut sessions, &place, "a", false);
        assert!(order.is_some());
        assert!(
            claims(&mut sessions, &place, "b", false).0.is_none(),
            "full"
        );
        drop(wait);
        let (order, _waits) = claims(&mut sessions, &place, "b", false);
        assert!(order.is_some());
        let value = streams::encode_session(&kept("a")).unwrap();
        let order = sessions.taken(&place, 1, Some(&value));
        assert!(matches!(order, Some(Order::Store { key, .. }) if key == "k:a"));
        assert_eq!(sessions.coming.len(), 1);
    }

    #[test]
    fn a_session_is_kept_for_a_client_that_has_gone_again() {
        assert!(matches!(taken("/admin", false), Some(Order::Store { .. })));
    }
}
