//! Time passes.

use sio_core::time::Instant;

use super::machine::Node;
use super::output::{Deadline, End, Why};
use crate::message::Message;

impl<T> Node<T> {
    /// The time of [`poll_timeout`](Self::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        while let Some(open) = self.questions.pop_due(now) {
            self.done(open, End::Timeout);
        }
        while let Some(waiting) = self.pending.pop_due(now) {
            if !waiting.is_counted() {
                self.answer_otherwise(&waiting);
            }
        }
        match self.config.heartbeat {
            Some(heartbeat) => {
                let since = now.saturating_sub(heartbeat.timeout);
                while self.oldest_due().is_some_and(|due| due <= now)
                    && let Some(uid) = self.peers.pop_silent(since)
                {
                    self.gone(uid);
                }
                if self.beat_due().is_some_and(|due| due <= now) {
                    self.tell(&Message::Beat);
                }
            }
            // It is not known whether they are gone.
            None => {
                let since = now.saturating_sub(self.config.heard);
                while self.oldest_due().is_some_and(|due| due <= now)
                    && self.peers.pop_silent(since).is_some()
                {}
            }
        }
    }

    /// When there is something to be done, and why.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let deadline = |at: Option<Instant>, why| at.map(|at| Deadline { at, why });
        let all = [
            deadline(self.pending.next_due(), Why::Answer),
            deadline(self.beat_due(), Why::Beat),
            deadline(self.questions.next_due(), Why::Question),
            deadline(self.oldest_due(), Why::Silence),
        ];
        all.into_iter().flatten().min()
    }

    fn oldest_due(&self) -> Option<Instant> {
        let wait = match self.config.heartbeat {
            Some(heartbeat) => heartbeat.timeout,
            None => self.config.heard,
        };
        self.peers.oldest().map(|heard| heard.saturating_add(wait))
    }

    fn beat_due(&self) -> Option<Instant> {
        let heartbeat = self.config.heartbeat.filter(|_| self.is_up())?;
        let spoke = self.spoke.max(self.up_since);
        Some(spoke.saturating_add(heartbeat.interval))
    }
}
