//! Events that are handled once, however often their clients send them.

use std::sync::Arc;

use sio_core::once::{Figures, Meeting, Named, Turn};
use sio_core::packet::{Args, IntoArgs};
use sio_core::socket::AckTicket;
use sio_core::time::Instant;

use super::inner::{Invocation, Namespace, Waiter};
use super::repeats::Repeats;
use crate::error::EmitError;
use crate::event::{About, AckSlot};
use crate::log::debug;
use crate::runtime::Runtime;

impl Namespace {
    /// An event is handled once, however often a client sends it, if the client gives it a name: clients of 4.6 and
    /// later that have `retries` send it again until it is answered. A repeat gets the first answer; its handlers are
    /// not called again, nor is anybody else told of it.
    ///
    /// The name is an object before the other arguments, made up for each event, and not among what handlers get. That
    /// is all that the client has to do:
    ///
    /// ```js
    /// const socket = io({ retries: 10, ackTimeout: 5000 });
    /// const named = () => ({ once: crypto.randomUUID() });
    ///
    /// socket.emit("order", named(), "two teas", (error, receipt) => { /* once it is answered */ });
    /// ```
    ///
    /// ```
    /// # use sio_driver::app::{Ack, Config, Data, Io, Socket};
    /// # let io = Io::new(Config::v4());
    /// # fn book(order: &str) -> u64 { 7 }
    /// let shop = io.of("/shop");
    /// shop.exactly_once("order");
    /// shop.on("order", |Data(order): Data<String>, ack: Ack| ack.send(&book(&order)));
    /// ```
    ///
    /// An event without a name is handled as often as it comes. The names are the namespace's: a client that comes
    /// back has its answer, as who it was or as a new one. What is kept is bounded by
    /// [`Config::exactly_once`](crate::app::Config::exactly_once): an event for which there is no room is not handled,
    /// and comes again. A handler that ends without an answer has handled it all the same, and the client goes on
    /// asking until it gives up. Each node knows its own: behind a balancer it must be sticky.
    ///
    /// It holds for sockets that enter from now on; for the children of a parent, give it to each in
    /// [`Io::on_new_namespace`](crate::app::Io::on_new_namespace). A child stays as long as
    /// something is known there, though nobody is in it.
    pub fn exactly_once(&self, event: impl Into<String>) {
        let repeats = self.open_repeats();
        if let Some(names) = &mut *repeats.events() {
            names.insert(event.into());
        }
    }

    /// The same for all events of its clients that have names.
    pub fn exactly_once_all(&self) {
        *self.open_repeats().events() = None;
    }

    /// How many events are known that are handled once, and how many came again. `None`: there are no such events.
    pub fn once_figures(&self) -> Option<Figures> {
        Some(self.repeats()?.lock().figures())
    }

    pub(super) fn repeats(&self) -> Option<&Arc<Repeats<Waiter>>> {
        self.inner.repeats.get()
    }

    fn open_repeats(&self) -> &Arc<Repeats<Waiter>> {
        let bounds = || self.inner.setup().config().exactly_once;
        let made = || Arc::new(Repeats::new(bounds()));
        self.inner.repeats.get_or_init(made)
    }
}

impl Waiter {
    fn tell(self, answer: &Args) -> Result<(), EmitError> {
        self.socket.respond(self.ticket, answer)
    }
}

/// A client's wish for an answer.
#[derive(Debug)]
pub enum ReplyTo {
    /// To be told it.
    Told(AckTicket),
    /// To be told it, and whoever asks again.
    Once(First),
}

/// An event that is handled for the first time. Dropped, it has no answer.
#[derive(Debug)]
pub struct First {
    repeats: Arc<Repeats<Waiter>>,
    turn: Option<Turn>,
}

impl First {
    pub(super) fn answer(mut self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        let answer = Args::from_arguments(args)?;
        let Some(turn) = self.turn.take() else {
            return Ok(());
        };
        let now = self.repeats.now();
        let waiter = self.repeats.lock().answer(now, turn, &answer);
        self.repeats.attend();
        waiter.map_or(Ok(()), |waiter| waiter.tell(&answer))
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        let now = self.repeats.now();
        let waiter = self.repeats.lock().end(now, turn);
        self.repeats.attend();
        // Dropped outside the lock: it holds what is the application's.
        drop(waiter);
    }
}

impl Invocation {
    /// The event as it is to be handled. `None`: it was, or there is no room for it; whoever asks for an answer is
    /// told, if there is one.
    pub(crate) fn unless_repeated(mut self, now: Instant, runtime: &impl Runtime) -> Option<Self> {
        let Some(repeats) = self.socket.namespace().repeats().cloned() else {
            return Some(self);
        };
        if !matches!(self.event.about, About::Event) || !repeats.has(&self.event.name) {
            return Some(self);
        }
        let Some(Named { name, args }) = Named::of(&self.event.args) else {
            return Some(self);
        };
        repeats.tell_clock(runtime);
        let waiter = match std::mem::take(self.event.ack.get_mut()) {
            AckSlot::One(ReplyTo::Told(ticket)) => Some(Waiter {
                socket: self.socket.clone(),
                ticket,
            }),
            AckSlot::None
            | AckSlot::One(ReplyTo::Once(_))
            | AckSlot::Shared(_)
            | AckSlot::Lent(_) => None,
        };
        let wants_answer = waiter.is_some();
        let meeting = repeats.lock().meet(now, self.socket.id(), &name, waiter);
        match meeting {
            Meeting::New(turn) => {
                self.event.args = args;
                let turn = Some(turn);
                let first = First { repeats, turn };
                if wants_answer {
                    *self.event.ack.get_mut() = AckSlot::One(ReplyTo::Once(first));
                }
                return Some(self);
            }
            Meeting::Answered(waiter, answer) => {
                debug!(socket = %self.socket.log_name(), event = %crate::log::Brief(&self.event.name), "answered again");
                // One that has gone does not hear of it.
                let _ = waiter.map(|waiter| waiter.tell(&answer));
            }
            Meeting::Known(_) => {
                debug!(socket = %self.socket.log_name(), event = %crate::log::Brief(&self.event.name), "handled before");
            }
            Meeting::Full(_) => {
                debug!(socket = %self.socket.log_name(), event = %crate::log::Brief(&self.event.name), "no room to handle it once");
            }
        }
        None
    }
}
