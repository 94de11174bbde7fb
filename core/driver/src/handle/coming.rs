//! Sockets whose clients come back at any node: what is said to them has a place in what all nodes read, and their
//! sessions are kept where all nodes find them.

use std::future::Future;
use std::sync::Arc;

use sio_core::engine::Flags;
use sio_core::packet::{Args, Encoded, IntoArgs, Map, Value};
use sio_core::recovery::{Claim, KeptSession, Pid};
use sio_core::socket::DisconnectReason;

use super::afar::{Afar, Coming, Recent, Seat, Told, hears};
use super::inner::{Namespace, NamespaceInner, Socket};
use super::keeper::Kept;
use crate::adapter::{Broadcast, Recipients, RestoredSession, SessionClaim, Values};
use crate::error::EmitError;
use crate::log::{error, warn};
use crate::mailbox::Wakers;
use crate::mailbox::command::Command;
use crate::mailbox::fan_out::spread;
use crate::mailbox::weight::Weight;
use crate::sync::guard::guarded;

/// Who has come back: a socket that is in its place.
pub(crate) struct Return {
    pub(super) pid: Pid,
    pub(super) rooms: Vec<Box<str>>,
    /// To be sent before anything else.
    pub(super) missed: Vec<Encoded>,
    /// What was kept with it. Its middlewares may have taken it away, and this may be the last of it: it is the
    /// application's, and dropped outside the locks.
    pub(super) kept: Option<Values>,
    /// Who was there.
    pub(super) old: Option<Socket>,
}

impl NamespaceInner {
    /// A broadcast at its place.
    pub(super) fn broadcast_afar(
        &self,
        afar: &Afar,
        message: &Broadcast,
        to: &Recipients,
        told: Told,
    ) {
        let codec = self.setup().common_codec();
        let flags = self.flags(to.flags());
        let wakers = self.look(|rooms| {
            let target = to.target(rooms);
            let mut inner = afar.lock();
            let offset = match told {
                Told::At(at) => at.to_string(),
                Told::Untracked | Told::Nowhere => inner.offset(),
            };
            let mut packet = message.packet_at(&codec, self.name(), &offset)?;
            if flags.latest {
                packet = packet.named(self.name(), message.event());
            }
            match told {
                Told::At(at) => {
                    inner.last = inner.last.max(Some(at));
                    inner.ahead.retain(|_, place| at <= *place);
                    let (to, packet) = (to.clone(), packet.clone());
                    inner.remember(Recent { at, to, packet }, &afar.limits);
                }
                Told::Nowhere => inner.spoils = inner.spoils.saturating_add(1),
                Told::Untracked => {}
            }
            // The place is told to nobody before the event is.
            let members = || rooms.select(&target);
            if !matches!(told, Told::At(_)) || inner.ahead.is_empty() {
                let all = || members().map(|socket| (&**socket.task(), socket.key()));
                return Ok::<_, EmitError>(spread(self.opened(), &target, flags, &packet, all));
            }
            let mut wakers = Wakers::default();
            for socket in members().filter(|socket| !inner.ahead.contains_key(socket.id())) {
                let command = Command::Deliver {
                    socket: socket.key(),
                    packet: packet.clone(),
                    flags,
                };
                // One that is full or gone holds up nobody.
                let task = socket.task();
                let (waker, _) = task.hold_packet(command, Weight::of(&packet), flags);
                wakers.add(waker);
            }
            Ok(wakers)
        });
        match wakers {
            Ok(wakers) => wakers.wake(),
            Err(_why) => {
                warn!(namespace = self.name(), event = %message.event(), why = %_why, "not written");
            }
        }
    }
}

impl Namespace {
    fn afar(&self) -> Option<&Arc<Afar>> {
        match self.inner.keeper.get()? {
            Kept::Afar(afar) => Some(afar),
            Kept::Here(_) => None,
        }
    }

    /// Finds out whether a client can have the session that it claims, if other nodes may have it. `None`: that is
    /// known here.
    pub(crate) fn bring_back(
        &self,
        claim: &Claim,
    ) -> Option<impl Future<Output = Option<Box<Coming>>> + Send + use<>> {
        let afar = self.afar()?.clone();
        let adapter = self.adapter();
        let (id, spoils) = {
            let mut inner = afar.lock();
            inner.coming = inner.coming.saturating_add(1);
            (inner.here.get(claim.pid().as_str()).cloned(), inner.spoils)
        };
        let socket = id.and_then(|id| self.get(&id));
        let here = socket.as_ref().map(|socket| socket.seat_of(spoils));
        let is_here = here.is_some();
        let mut coming = Box::new(Coming {
            afar: afar.clone(),
            adapter: adapter.clone(),
            found: None,
            spoils,
            is_here,
        });
        let asked = match here {
            // It was told what has no place.
            Some(None) => None,
            here => {
                let claim = SessionClaim::new(claim.clone(), here.flatten(), afar.most());
                Some(adapter.restore(claim))
            }
        };
        Some(async move {
            coming.found = match asked {
                Some(asked) => asked.await,
                None => None,
            };
            if coming.found.is_none() {
                let mut inner = afar.lock();
                inner.refused = inner.refused.saturating_add(1);
                return None;
            }
            Some(coming)
        })
    }
}

impl Socket {
    /// Its session, unless it was told what has no place.
    fn seat_of(&self, spoils: u64) -> Option<KeptSession> {
        let extras = self.extras();
        let seat = extras.as_ref()?.seat.as_ref()?;
        (seat.spoils == Some(spoils)).then(|| seat.session.clone())
    }

    /// Nobody comes back in its place any more.
    fn spoil(&self) {
        let mut extras = self.extras();
        if let Some(seat) = extras.as_mut().and_then(|it| it.seat.as_mut()) {
            seat.spoils = None;
        }
    }

    /// As whom its client comes back, if middlewares let it.
    pub(crate) fn set_coming(&self, coming: Box<Coming>) {
        let values = match self.namespace().get(self.id()).filter(|_| coming.is_here) {
            Some(old) => old.values(),
            None => coming.values(),
        };
        self.set_recovered();
        let before = {
            let mut extras = self.extras();
            let extras = extras.get_or_insert_default();
            extras.coming = Some(coming);
            std::mem::replace(&mut extras.data, values)
        };
        // Dropped outside the lock.
        drop(before);
    }

    pub(crate) fn take_coming(&self) -> Option<Box<Coming>> {
        self.extras().as_mut()?.coming.take()
    }

    /// Its client comes back as the socket that was found: its private id, and what is to be sent before anything
    /// else. `None`: it comes as a new one.
    pub(crate) fn come_back(&self, mut coming: Box<Coming>) -> Option<(Pid, Vec<Encoded>)> {
        let afar = coming.afar.clone();
        // It is used up, whatever comes of it.
        let found = coming.found.take()?;
        let Some(missed) = self.written(&found) else {
            if let Some(old) = self.namespace().get(self.id()) {
                old.spoil();
            }
            return None;
        };
        let back = self.take_place(|all| {
            let mut inner = afar.lock();
            let old = all.key(self.id().as_str());
            let was = old.and_then(|key| all.get(self.id().as_str()).cloned().map(|it| (key, it)));
            let same = |old: &Self| {
                let seat = old.seat_of(coming.spoils);
                seat.is_some_and(|its| its == found.session)
            };
            let kept = match &was {
                Some((_, old)) => coming.is_here && same(old),
                None => !coming.is_here,
            };
            if !kept || inner.spoils != coming.spoils || inner.cut > Some(found.end) {
                inner.lost = inner.lost.saturating_add(1);
                return None;
            }
            let mut missed = missed;
            let later = inner.recent.iter().filter(|it| it.at > found.end);
            let later = later.filter(|it| hears(&found.session, &it.to, it.at));
            missed.extend(later.map(|it| it.packet.clone()));
            let (packets, bytes) = missed
                .iter()
                .fold((0usize, 0usize), |(packets, bytes), it| {
                    (
                        packets.saturating_add(it.packets()),
                        bytes.saturating_add(it.size()),
                    )
                });
            if packets > afar.limits.packets || bytes > afar.limits.bytes {
                inner.lost = inner.lost.saturating_add(1);
                // It would be found again, and be too much again.
                if let Some((_, old)) = &was {
                    old.spoil();
                }
                return None;
            }
            inner.recovered = inner.recovered.saturating_add(1);
            if inner.last < Some(found.end) {
                inner.ahead.insert(self.id().clone(), found.end);
            }
            let pid = Pid::told(&found.session.pid);
            inner.here.insert(pid.as_str().into(), self.id().clone());
            let mut session = found.session;
            session.namespace = Some(self.namespace().name().to_owned());
            session.since = Some(found.place);
            // Clients keep what comes before CONNECT over the end of a connection, and would tell it twice.
            session.least = Some(match missed.is_empty() {
                true => found.place,
                false => found.place.next(),
            });
            session
                .stays
                .retain(|stay| stay.to.is_none_or(|to| to > found.place));
            let rooms = session.rooms.iter().map(|room| room.as_str().into());
            let rooms = rooms.collect();
            session.data = Args::default();
            let spoils = Some(coming.spoils);
            self.extras().get_or_insert_default().seat = Some(Box::new(Seat { session, spoils }));
            let old = was.and_then(|(key, _)| all.remove(key));
            if let Some(old) = &old {
                old.extras().get_or_insert_default().seat = None;
            }
            Some(Return {
                pid,
                rooms,
                missed,
                kept: None,
                old,
            })
        })?;
        Some(self.be_back(back))
    }

    /// The packets of what was missed.
    fn written(&self, found: &RestoredSession) -> Option<Vec<Encoded>> {
        let codec = self.namespace().common_codec();
        let name = self.namespace().name();
        let packets = found.missed.iter().map(|(at, message)| {
            let packet = message.packet_at(&codec, name, &at.to_string());
            packet.ok()
        });
        packets.collect()
    }

    /// It enters its namespace with this private id. With the rooms locked.
    pub(super) fn sit_down(&self, afar: &Afar, pid: &Pid, rooms: &[Box<str>]) {
        let mut inner = afar.lock();
        let mut session = KeptSession::new(self.id().as_str(), pid.as_str());
        session.namespace = Some(self.namespace().name().to_owned());
        session.since = inner.last;
        session
            .rooms
            .extend(rooms.iter().map(|room| (**room).to_owned()));
        inner.here.insert(pid.as_str().into(), self.id().clone());
        let spoils = Some(inner.spoils);
        self.extras().get_or_insert_default().seat = Some(Box::new(Seat { session, spoils }));
    }

    /// It has joined rooms, or left them. With the rooms locked.
    pub(super) fn note_seat(&self, afar: &Afar, rooms: &[Box<str>], joined: bool) {
        let last = afar.lock().last;
        let mut extras = self.extras();
        let Some(seat) = extras.as_mut().and_then(|extras| extras.seat.as_mut()) else {
            return;
        };
        for room in rooms {
            match joined {
                true => seat.join(room, last),
                false => seat.leave(room, last, afar.limits.rooms),
            }
        }
    }

    /// It leaves. With the rooms locked.
    pub(super) fn stand_up_afar(&self, afar: &Afar, reason: DisconnectReason) {
        let mut inner = afar.lock();
        let mut extras = self.extras();
        let extras = extras.get_or_insert_default();
        let Some(seat) = extras.seat.take() else {
            return;
        };
        inner.here.remove(&*seat.session.pid);
        inner.ahead.remove(self.id());
        if reason.is_recoverable() && seat.spoils == Some(inner.spoils) {
            extras.parting = Some(Box::new(seat.session));
        }
    }

    /// If it has left, its session is kept where all nodes find it. With no lock held.
    pub(super) fn persist(&self) {
        let parting = self.extras().as_mut().and_then(|it| it.parting.take());
        let Some(mut session) = parting else {
            return;
        };
        let data = guarded(|| self.values().shared().value());
        match data {
            // Node's have an object where there is nothing.
            Ok(Ok(Value::Null)) => {
                let nothing = Value::Object(Map::default());
                session.data = Args::from_values(&[nothing]).unwrap_or_default();
            }
            Ok(Ok(value)) => session.data = Args::from_values(&[value]).unwrap_or_default(),
            Ok(Err(_why)) => error!(socket = %self.log_name(), why = %_why, "data not written"),
            Err(_panic) => error!(socket = %self.log_name(), why = %_panic.0, "data panicked"),
        }
        self.namespace().road().persist(*session);
    }

    /// An emit to it, which has its place in what is said to all, and comes when that does.
    #[cold]
    pub(super) fn emit_afar(
        &self,
        afar: &Afar,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
        tell: impl FnOnce(&Self) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let namespace = self.namespace();
        let (codec, name) = (namespace.common_codec(), namespace.name());
        let message = Broadcast::written(&codec, name, None, event, args)?;
        tell(self)?;
        if !flags.volatile {
            let mut to = Recipients::default().to(self.id().as_str());
            *to.flags_mut() = flags;
            namespace.road().broadcast(&message, &to);
            return Ok(());
        }
        let (waker, result) = {
            let inner = afar.lock();
            let packet = message.packet_at(&codec, name, &inner.offset())?;
            let packet = match flags.latest {
                true => packet.named(name, event),
                false => packet,
            };
            let weight = Weight::of(&packet);
            let command = Command::Deliver {
                socket: self.key(),
                packet,
                flags,
            };
            self.task().hold_packet(command, weight, flags)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}
