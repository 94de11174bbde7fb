//! The one sleep of a task, set for whatever is due first.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use sio_core::time::Instant;

use crate::runtime::{Runtime, Sleep};

/// A sleep that is made when it is first needed, and moved only to ring earlier: one that rings too early is set
/// again then.
pub(crate) struct Alarm<R: Runtime> {
    sleep: Option<Pin<Box<R::Sleep>>>,
    at: Option<Instant>,
}

impl<R: Runtime> Alarm<R> {
    pub(crate) const fn new() -> Self {
        Self {
            sleep: None,
            at: None,
        }
    }

    /// When it rings, if it is set.
    #[inline]
    pub(crate) const fn at(&self) -> Option<Instant> {
        self.at
    }

    /// The sleep knows another waker than the one of now: it is to be set, whatever it is set for.
    #[inline]
    pub(crate) const fn forget(&mut self) {
        self.at = None;
    }

    /// Sets it. `true`: it has rung.
    #[inline]
    pub(crate) fn set(&mut self, cx: &mut Context<'_>, runtime: &R, at: Instant) -> bool {
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if self.at.is_none_or(|set| at < set) {
                    sleep.as_mut().reset(at);
                    self.at = Some(at);
                }
                sleep
            }
            none => {
                self.at = Some(at);
                none.insert(Box::pin(runtime.sleep_until(at)))
            }
        };
        if sleep.as_mut().poll(cx).is_ready() {
            self.at = None;
            return true;
        }
        false
    }
}
