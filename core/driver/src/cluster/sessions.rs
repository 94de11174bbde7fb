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
    coming: BTreeMap<u64, (Stage, Claimant)>,
    number: u64,
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
    /// A client claims to be who it was: what is to be done for it.
    pub(super) fn claim(
        &mut self,
        place: &Place<'_>,
        claim: SessionClaim,
        waits: Claimant,
    ) -> Option<Order> {
        if self.coming.len() >= place.most {
            warn!(
                namespace = place.namespace,
                "not restored: max_returning_sessions"
            );
            return None;
        }
        self.number = self.number.wrapping_add(1);
        let number = self.number;
        if let Some(session) = claim.here.clone() {
            let restore = begin(session, &claim).ok()?;
            let order = place.read(number, &restore);
            let stage = Stage::Reads(restore, false);
            self.coming.insert(number, (stage, waits));
            return Some(order);
        }
        // What cannot be a place in a stream is not worth a session.
        let offset = claim.claim.offset();
        if offset.is_some_and(|offset| offset.parse::<EntryId>().is_err()) {
            return None;
        }
        let order = Order::Take {
            ticket: Ticket(Of::Session(place.of, number)),
            key: format!("{}{}", place.prefix, claim.claim.pid().as_str()),
        };
        self.coming.insert(number, (Stage::Claimed(claim), waits));
        Some(order)
    }

    /// What was kept of a session, if anything was.
    pub(super) fn taken(
        &mut self,
        place: &Place<'_>,
        number: u64,
        value: Option<&Bytes>,
    ) -> Option<Order> {
        let (Stage::Claimed(claim), waits) = self.coming.remove(&number)? else {
            return None;
        };
        let session = streams::decode_session(value?, place.limits).ok()?;
        if session.pid != claim.claim.pid().as_str() {
            return None;
        }
        // Of another namespace, whose middlewares it would pass by; or it is gone again, and may come back.
        let elsewhere = |its: &String| its != place.namespace;
        if session.namespace.as_ref().is_some_and(elsewhere) || !waits.is_awaited() {
            return place.store(&session);
        }
        match begin(session, &claim) {
            Ok(restore) => {
                let order = place.read(number, &restore);
                let stage = Stage::Reads(restore, true);
                self.coming.insert(number, (stage, waits));
                Some(order)
            }
            // Whoever has got further may come.
            Err(session) => place.store(&session),
        }
    }

    /// What was said.
    pub(super) fn ranged(
        &mut self,
        place: &Place<'_>,
        number: u64,
        found: &[(EntryId, Entry)],
    ) -> Option<Order> {
        let (Stage::Reads(mut restore, taken), waits) = self.coming.remove(&number)? else {
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
                self.coming.insert(number, (stage, waits));
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

    #[test]
    fn a_session_is_kept_for_a_client_that_has_gone_again() {
        assert!(matches!(taken("/admin", false), Some(Order::Store { .. })));
    }
}
