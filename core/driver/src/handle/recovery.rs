//! Sockets whose clients come back as who they were (§21).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sio_core::engine::{Eio, Flags};
use sio_core::id::SocketId;
use sio_core::packet::{Encoded, IntoArgs};
use sio_core::recovery::{Claim, Figures, Holder, Pid, Restored};
use sio_core::socket::DisconnectReason;
use sio_core::time::Instant;

use super::afar::Afar;
use super::coming::Return;
use super::inner::{Namespace, NamespaceInner, Socket};
use super::keeper::{ExpiredSession, Keeper, Kept};
use crate::adapter::{Broadcast, Recipients, Values, as_strs};
use crate::error::EmitError;
use crate::log::{error, warn};
use crate::mailbox::command::Command;
use crate::mailbox::fan_out::spread;
use crate::mailbox::weight::Weight;
use crate::runtime::Runtime;
use crate::sync::guard::let_go;

/// Where the session of a socket is kept.
pub(super) enum SessionOf<'a> {
    Here(&'a Arc<Keeper>, Holder),
    Afar(&'a Arc<Afar>),
}

impl NamespaceInner {
    /// What is kept for those that may come back, if that is on.
    #[inline]
    pub(super) fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.keeper.here()
    }

    /// A broadcast that those get who come back, too. It has one place for all, so that the order in which each
    /// hears of two is the one in which they are kept.
    pub(super) fn broadcast_kept(
        &self,
        keeper: &Arc<Keeper>,
        message: &Broadcast,
        to: &Recipients,
    ) {
        let codec = self.setup().common_codec();
        let (volatile, flags) = (to.is_volatile(), self.flags(to.flags()));
        let now = keeper.now();
        let wakers = self.look(|rooms| {
            let target = to.target(rooms);
            let mut recovery = keeper.lock();
            let offset = match volatile {
                true => recovery.offset(),
                false => recovery.next_offset(),
            };
            let mut packet = message.packet_at(&codec, self.name(), offset.as_str())?;
            if flags.latest {
                packet = packet.named(self.name(), message.event());
            }
            let recipients = || {
                let members = rooms.select(&target);
                members.map(|socket| (&**socket.task(), socket.key()))
            };
            if !volatile {
                let heard = recipients().any(|(task, _)| task.revision() == Eio::V4);
                recovery.keep(now, &target, to.sender(), heard, &packet);
            }
            Ok::<_, EmitError>(spread(self.opened(), &target, flags, &packet, recipients))
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
    #[inline]
    pub(super) fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.inner.keeper()
    }

    /// The same, for the first client of revision 5 that asks for it.
    pub(crate) fn open_keeper(&self, runtime: &impl Runtime) -> bool {
        if self.inner.keeper.get().is_some() {
            return true;
        }
        let config = self.inner.setup().config();
        if config.connection_state_recovery.is_none() {
            return false;
        }
        if self.road().recovers() {
            let afar = Afar::new(&config);
            self.inner.keeper.set(Kept::Afar(Arc::new(afar)));
            return true;
        }
        let mut random = [[0; 8]; 2];
        runtime.random(random.as_flattened_mut());
        let key = sio_core::id::HashKey(random.map(u64::from_ne_bytes));
        let hook = self.inner.expired.clone();
        let Some(keeper) = Keeper::new(&config, key, runtime.clone(), hook) else {
            return false;
        };
        // Whoever is first makes it.
        self.inner.keeper.set(Kept::Here(keeper));
        true
    }

    /// Nobody comes back any more, and nothing is known that was handled.
    pub(super) async fn end_recovery(&self) {
        if let Some(keeper) = self.keeper() {
            keeper.end().await;
        }
        if let Some(repeats) = self.repeats() {
            repeats.end().await;
        }
    }

    /// Whether middlewares are asked about clients that come back.
    pub(crate) fn asks_again(&self) -> bool {
        let config = self.inner.setup().config();
        config
            .connection_state_recovery
            .is_some_and(|recovery| !recovery.skip_middlewares)
    }

    /// Whose session a client claims, if it can have it: the id of its socket, and what the application has kept
    /// with it.
    pub(crate) fn find_session(&self, now: Instant, claim: &Claim) -> Option<(SocketId, Values)> {
        let keeper = self.keeper()?;
        let found = {
            let mut recovery = keeper.lock();
            let found = recovery.find(claim);
            let found = found.map(|(id, values)| (id.clone(), values.cloned()));
            if found.is_none() {
                // It is counted, and what it cannot have any more is let go of.
                let _ = recovery.restore(now, claim);
            }
            found
        };
        if found.is_none() {
            keeper.attend();
        }
        let (id, values) = found?;
        let values = values.or_else(|| self.get(&id).map(|socket| socket.values()));
        Some((id, values.unwrap_or_default()))
    }

    /// What it keeps for clients that were cut off, and how many have come back. `None`: that is off
    /// ([`connection_state_recovery`](crate::app::Config::connection_state_recovery)), or nobody has ever come.
    pub fn recovery(&self) -> Option<Figures> {
        match self.inner.keeper.get()? {
            Kept::Here(keeper) => Some(keeper.lock().figures()),
            Kept::Afar(afar) => Some(afar.figures()),
        }
    }

    /// Hears of sockets that were cut off and will not come back. With no lock held; it must not take long.
    ///
    /// ```
    /// # use sio_driver::app::{ExpiredSession, Namespace};
    /// # fn example(namespace: &Namespace) {
    /// namespace.on_expired(|session: &ExpiredSession| println!("{} is gone: {:?}", session.id, session.why));
    /// # }
    /// ```
    pub fn on_expired(&self, hook: impl Fn(&ExpiredSession) + Send + Sync + 'static) {
        self.inner.expired.set(Arc::new(hook));
    }
}

impl Socket {
    /// Whether its client has come back as this socket, with its id, rooms and data, and was sent what it had
    /// missed. `false`: it is a new one.
    pub fn recovered(&self) -> bool {
        self.inner.recovered.load(Ordering::Relaxed)
    }

    /// Its session, if its client may come back as this socket.
    pub(super) fn session(&self) -> Option<SessionOf<'_>> {
        let kept = self.namespace().inner.keeper.get()?;
        let extras = self.extras();
        let extras = extras.as_ref()?;
        match kept {
            Kept::Here(keeper) => Some(SessionOf::Here(keeper, extras.session?)),
            Kept::Afar(afar) => extras.seat.is_some().then_some(SessionOf::Afar(afar)),
        }
    }

    pub(super) fn values(&self) -> Values {
        let extras = self.extras();
        extras
            .as_ref()
            .map(|it| it.data.clone())
            .unwrap_or_default()
    }

    pub(super) fn set_recovered(&self) {
        self.inner.recovered.store(true, Ordering::Relaxed);
    }

    /// As whom its client comes back, if middlewares let it.
    pub(crate) fn set_claim(&self, claim: Claim, values: Values) {
        self.set_recovered();
        let before = {
            let mut extras = self.extras();
            let extras = extras.get_or_insert_default();
            extras.claim = Some(Box::new(claim));
            std::mem::replace(&mut extras.data, values)
        };
        // Dropped outside the lock.
        drop(before);
    }

    pub(crate) fn take_claim(&self) -> Option<Box<Claim>> {
        self.extras().as_mut()?.claim.take()
    }

    /// An emit to it that is kept until its client has read it.
    #[cold]
    pub(super) fn emit_kept(
        &self,
        keeper: &Arc<Keeper>,
        holder: Holder,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
        tell: impl FnOnce(&Self) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let namespace = self.namespace();
        let (codec, name) = (namespace.common_codec(), namespace.name());
        // What is the application's is asked with no lock held, but for its parser.
        let message = Broadcast::written(&codec, name, None, event, args)?;
        tell(self)?;
        let now = keeper.now();
        let (waker, result) = {
            let mut recovery = keeper.lock();
            let offset = match flags.volatile {
                true => recovery.offset(),
                false => recovery.next_offset(),
            };
            let packet = message.packet_at(&codec, name, offset.as_str())?;
            let packet = match flags.latest {
                true => packet.named(name, event),
                false => packet,
            };
            let weight = Weight::of(&packet);
            let command = Command::Deliver {
                socket: self.key(),
                packet: packet.clone(),
                flags,
            };
            let (waker, result) = self.task().hold_packet(command, weight, flags);
            // One that is refused is not told later.
            if !flags.volatile && result.is_ok() {
                recovery.keep_for(now, holder, &packet);
            }
            (waker, result)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// It enters its namespace with this private id: from now on what is said to it is kept. With the rooms
    /// locked.
    pub(super) fn begin_session(&self, pid: &Pid, rooms: &[Box<str>]) {
        let keeper = match self.namespace().inner.keeper.get() {
            Some(Kept::Here(keeper)) => keeper,
            Some(Kept::Afar(afar)) => return self.sit_down(afar, pid, rooms),
            None => return,
        };
        let session = {
            let mut recovery = keeper.lock();
            let session = recovery.enter(self.id(), pid);
            if let Some(session) = session {
                for room in rooms {
                    recovery.join(session, room);
                }
            }
            session
        };
        self.extras().get_or_insert_default().session = session;
    }

    /// Its client could not be told what it had missed: what it claims is good once more when this one has left.
    pub(crate) fn give_back_claim(&self) {
        if let Some(SessionOf::Here(keeper, session)) = self.session() {
            keeper.lock().untold(session);
        }
    }

    /// It has joined rooms, or left them. With the rooms locked.
    pub(super) fn note_rooms(&self, rooms: &[Box<str>], joined: bool) {
        let (keeper, session) = match self.session() {
            Some(SessionOf::Here(keeper, session)) => (keeper, session),
            Some(SessionOf::Afar(afar)) => return self.note_seat(afar, rooms, joined),
            None => return,
        };
        let mut recovery = keeper.lock();
        for room in rooms {
            match joined {
                true => recovery.join(session, room),
                false => recovery.leave_room(session, room),
            }
        }
    }

    /// It leaves, and is in its rooms still, which are locked. `None`: nobody comes back from this.
    pub(super) fn end_session(&self, reason: Option<DisconnectReason>) {
        let reason = reason.unwrap_or(DisconnectReason::ServerNamespaceDisconnect);
        let (keeper, session) = match self.session() {
            Some(SessionOf::Here(keeper, session)) => (keeper, session),
            Some(SessionOf::Afar(afar)) => return self.stand_up_afar(afar, reason),
            None => return,
        };
        let (values, now) = (self.values(), keeper.now());
        let own = values.clone();
        keeper.lock().leave(now, session, reason, values);
        // Whoever takes a value away meanwhile must not leave the last of it to whoever holds these locks.
        self.extras().get_or_insert_default().left = own;
    }

    /// What has become of sessions is told, and what is kept is looked after. With no lock held.
    pub(crate) fn attend_session(&self) {
        let left = self
            .extras()
            .as_mut()
            .map(|it| std::mem::take(&mut it.left));
        self.drop_values(left);
        match self.namespace().inner.keeper.get() {
            Some(Kept::Here(keeper)) => keeper.attend(),
            Some(Kept::Afar(_)) => self.persist(),
            None => {}
        }
    }

    /// Its client comes back as the socket that it claims to be: this one is in its namespace and its rooms
    /// instead, and whoever was there is told to give way. Its private id, and what is to be sent before anything
    /// else. `None`: it comes as a new one, and this one is nobody.
    pub(crate) fn restore(&self, now: Instant, claim: &Claim) -> Option<(Pid, Vec<Encoded>)> {
        let keeper = self.namespace().keeper()?;
        let restored = self.take_place(|all| {
            let restored = keeper.lock().restore(now, claim).ok()?;
            let id = self.id().as_str();
            let old = all.key(id).and_then(|key| all.remove(key));
            self.extras().get_or_insert_default().session = Some(restored.holder);
            let Restored {
                pid,
                rooms,
                missed,
                data,
                ..
            } = restored;
            Some(Return {
                pid,
                kept: data,
                rooms: rooms.iter().map(|room| room.as_str().into()).collect(),
                missed,
                old,
            })
        });
        let Some(restored) = restored else {
            keeper.attend();
            return None;
        };
        let back = self.be_back(restored);
        keeper.attend();
        Some(back)
    }

    /// Lets go of what the application has kept with it: a destructor that panics keeps it neither from coming nor from
    /// going.
    fn drop_values(&self, values: Option<Values>) {
        if let Err(_panic) = let_go(values) {
            error!(socket = %self.log_name(), why = %_panic.0, "data panicked");
        }
    }

    /// It is in its place: whoever was there gives way, and it is announced.
    pub(super) fn be_back(&self, back: Return) -> (Pid, Vec<Encoded>) {
        let Return {
            pid,
            rooms,
            missed,
            kept,
            old,
        } = back;
        self.drop_values(kept);
        if let Some(old) = old {
            old.give_way(rooms.clone());
            old.task().tell(Command::Supersede(old.key()));
        }
        self.announce(&as_strs(&rooms));
        (pid, missed)
    }
}
