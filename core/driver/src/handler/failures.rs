//! Handlers that fail: who hears of them, and what the server itself does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Failure, HandlerError, Reaction};
use crate::handle::Io;
use crate::log::{LogName, debug, error as log_error, trace};

impl Io {
    /// Hears of handlers that failed, panicked, or could not take their arguments, and of events without
    /// a handler. A client can cause some of these as often as it likes.
    ///
    /// Without it, the first failure of its kind in an event is told on stderr, of each kind for 16 events at
    /// most, unless the log (the feature `tracing`) is heard at `debug` and has it.
    pub fn on_error(&self, hook: impl Fn(&HandlerError) + Send + Sync + 'static) {
        self.failures().set(Arc::new(hook));
    }

    /// What the server itself does with an event that a handler could not take, or a packet
    /// middleware refused. [`Reaction::Log`] by default.
    pub fn on_mistyped(&self, reaction: Reaction) {
        self.reaction_code()
            .store(reaction as u8, Ordering::Relaxed);
    }

    pub(crate) fn reaction(&self) -> Reaction {
        let code = self.reaction_code().load(Ordering::Relaxed);
        [Reaction::Ignore, Reaction::Log, Reaction::RefuseAck]
            .into_iter()
            .find(|reaction| *reaction as u8 == code)
            .unwrap_or_default()
    }

    /// Tells the application and the log. No lock is held. `is_gone`: the client has left meanwhile, so that
    /// an error which the handler returned is most likely about that.
    pub(crate) fn report(&self, error: &HandlerError, _socket: LogName<'_>, is_gone: bool) {
        let reaction = self.reaction();
        match (&error.why, reaction) {
            (Failure::Mistyped(_) | Failure::Params(_) | Failure::Refused(_), Reaction::Ignore) => {
            }
            (Failure::Mistyped(_why), Reaction::Log | Reaction::RefuseAck) => {
                // What is wrong with it says what is in it.
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), argument = _why.index, "event refused");
                trace!(socket = %_socket, why = %error.why, "event refused");
            }
            (Failure::Refused(_) | Failure::Params(_), Reaction::Log | Reaction::RefuseAck) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "event refused");
            }
            (Failure::Panicked(_), _) => {
                log_error!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "handler panicked");
            }
            // A client can cause it, as often as it likes: by what it sends, or by having left.
            (Failure::Failed(_) | Failure::NoState(_) | Failure::Absent(_), _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), why = %crate::log::Brief(&error.why), "handler failed");
            }
            (Failure::Dropped(_why), _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), limit = _why, "handler dropped");
            }
            (Failure::Unhandled, _) => {
                debug!(socket = %_socket, namespace = %error.namespace, event = %crate::log::Brief(&error.event), "no handler");
            }
        }
        let quiet = match &error.why {
            Failure::Mistyped(_) | Failure::Params(_) => reaction == Reaction::Ignore,
            // Where they reach the client, these words have done what they are for.
            Failure::Refused(_) => is_gone || reaction != Reaction::Log,
            Failure::Failed(_) => is_gone,
            Failure::NoState(_)
            | Failure::Absent(_)
            | Failure::Panicked(_)
            | Failure::Dropped(_)
            | Failure::Unhandled => false,
        };
        if let Some(hook) = self.failures().get() {
            hook(error);
        } else if !quiet {
            let notices = &self.setup().hooks.notices;
            notices.tell(&error.namespace, &error.event, &error.why);
        }
    }

    /// Whether anybody would hear of an event without a handler: a client can send many.
    pub(crate) fn hears_of_unhandled(&self) -> bool {
        self.failures().get().is_some()
            || self.setup().hooks.notices.hears_of_unhandled()
            || crate::log::hears_debug!()
    }
}
