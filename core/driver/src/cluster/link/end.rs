//! The end of a link: whoever waits for it hears of it, however it comes.

use super::Link;
use crate::adapter::AdapterError;
use crate::cluster::broker::Broker;
use crate::cluster::desk::{What, Wish};
use crate::log::error;
use crate::runtime::Runtime;
use crate::sync::guard::guarded;

impl<R: Runtime, B: Broker> Link<R, B> {
    /// Whoever waits for the broker hears why it does not answer.
    pub(super) fn refuse_all(&mut self, why: &AdapterError) {
        for (_, (_, answer)) in std::mem::take(&mut self.counts) {
            answer.give(Err(why.clone()));
        }
        for (_, answer) in std::mem::take(&mut self.flushes) {
            answer.give(Err(why.clone()));
        }
        // What they had to say is not to be said any more.
        for (_, answer) in std::mem::take(&mut self.closing) {
            answer.give(());
        }
    }

    /// Nothing is carried out any more, for this reason: whoever waits hears so, and that the others are not reached.
    pub(super) fn end(&mut self, why: &str) {
        self.over = true;
        let why = AdapterError::Unreachable(why.to_owned());
        let mut wishes = std::mem::take(&mut self.wishes);
        wishes.extend(self.desk.close(why.clone()));
        self.refuse_all(&why);
        for Wish { of, what } in wishes {
            match what {
                What::Ask(_, _, waiter) => {
                    let space = self.spaces.get(&of);
                    let others = space.map_or(1, |space| space.known.others());
                    waiter.lost(&why, others);
                }
                What::Nodes(answer) => answer.give(Err(why.clone())),
                What::Flush(answer) => answer.give(Err(why.clone())),
                // Whoever waits hears by its end.
                What::Open(..)
                | What::Close(_)
                | What::Broadcast(..)
                | What::Join(..)
                | What::Leave(..)
                | What::Disconnect(..)
                | What::ServerSide(_)
                | What::ServerSideTo(..)
                | What::Reply(..)
                | What::Ack(..)
                | What::Room { .. }
                | What::Rooms
                | What::Heard(..)
                | What::Persist(_)
                | What::Restore(..) => {}
            }
        }
        let (now, wall) = (self.runtime.now(), self.runtime.wall_clock());
        for (_, mut space) in std::mem::take(&mut self.spaces) {
            if let Err(_panic) = guarded(|| space.end(now, wall, &why)) {
                error!(why = %_panic.0, "cluster link panicked");
            }
        }
        self.tally.down(now, 0);
    }
}

impl<R: Runtime, B: Broker> Drop for Link<R, B> {
    /// It has ended, or its runtime has.
    fn drop(&mut self) {
        if !self.over {
            let _ = guarded(|| self.end("the runtime of the link to the cluster has ended"));
        }
    }
}
