//! Asking for what is told of a session beside what happens on it.

use super::Session;
use super::state::State;
use crate::engine::Seen;

impl Session {
    /// From now on [`poll_seen`](Self::poll_seen) tells of each packet that comes and of each that is made.
    pub fn observe(&mut self) {
        self.watch.get_or_insert_default().packets = true;
    }

    /// The next packet that came or was made, in order; of one with attachments each part is one. Nothing, before
    /// [`observe`](Self::observe). While nobody asks, no more are kept than `max_backlog_packets`: what comes behind
    /// those is not told.
    pub fn poll_seen(&mut self) -> Option<Seen> {
        self.watch.as_mut()?.seen.pop_front()
    }

    /// Whether packets are told of, or waits are.
    #[inline]
    pub const fn is_observed(&self) -> bool {
        self.watch.is_some()
    }

    /// Asks for when what was sent until now has left: once [`reached`](Self::reached) is this number or a higher one.
    /// That it was handed to HTTP counts where the client polls; on a WebSocket what is sent afterwards is held back
    /// until it was [flushed](Self::handle_ws_flushed). `None`: the session is over, and nothing is known of it.
    pub fn follow(&mut self) -> Option<u64> {
        let busy = match &self.state {
            State::Closed(_) => return None,
            State::WebSocket(websocket) => websocket.busy,
            State::Polling(_) => false,
        };
        let queued = self.queue.len();
        if queued == 0 && !busy {
            return Some(self.watch.as_ref().map_or(0, |watch| watch.reached));
        }
        let watch = self.watch.get_or_insert_default();
        if watch.ahead.back().is_none_or(|(ahead, _)| *ahead != queued) {
            watch.made = watch.made.saturating_add(1);
            watch.ahead.push_back((queued, watch.made));
        }
        Some(watch.made)
    }

    /// Up to which of what is [followed](Self::follow) all has left. Once nothing more is, the numbers begin anew: who
    /// follows asks for this before anything else is done.
    pub fn reached(&mut self) -> u64 {
        let Some(watch) = &mut self.watch else {
            return 0;
        };
        let reached = watch.reached;
        if watch.ahead.is_empty() && !watch.packets {
            self.watch = None;
        }
        reached
    }
}
