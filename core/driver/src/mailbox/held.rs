//! Answers of a client that its own handlers hold: counted from their arrival until the handler ends.

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sio_core::packet::Args;

use crate::mailbox::current::Current;

/// Bytes of the answers that the handlers of one connection hold.
#[derive(Debug, Default)]
pub(crate) struct Held(Arc<AtomicUsize>);

/// Counts there as long as it lives.
#[derive(Debug)]
pub(crate) struct Charge {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

/// An answer, counted until somebody has taken it, and on while a handler of its connection may keep it.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) args: Args,
    pub(crate) charge: Option<Charge>,
}

thread_local! {
    /// What the handler has taken that runs on this thread.
    static TAKEN: Cell<Option<Charge>> = const { Cell::new(None) };
}

impl Held {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts an answer. `None`: as many bytes are held already as may be, and this one is not kept.
    pub(crate) fn charge(&self, args: Args, most: usize) -> Option<Answered> {
        if self.bytes() >= most {
            return None;
        }
        let bytes = args.value_size();
        self.0.fetch_add(bytes, Ordering::Relaxed);
        let held = self.0.clone();
        Some(Answered {
            args,
            charge: Some(Charge { held, bytes }),
        })
    }
}

impl Charge {
    /// The handler that runs on this thread, if one does, has taken it.
    pub(crate) fn hand_over(mut self) {
        if Current::now().address().is_none() {
            return;
        }
        let _ = TAKEN.try_with(|taken| {
            if let Some(mut before) = taken.take()
                && Arc::ptr_eq(&before.held, &self.held)
            {
                self.bytes = self.bytes.saturating_add(mem::take(&mut before.bytes));
            }
            taken.set(Some(self));
        });
    }

    /// What the handler has taken that has just run.
    pub(crate) fn taken() -> Option<Self> {
        TAKEN.try_with(Cell::take).ok().flatten()
    }

    /// The larger one of two. A handler that asks again and again is taken to keep one answer: which of them it
    /// does, nobody can see.
    pub(crate) fn keep(kept: &mut Option<Self>, new: Option<Self>) {
        if let Some(new) = new
            && kept.as_ref().is_none_or(|kept| kept.bytes < new.bytes)
        {
            *kept = Some(new);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_again_and_again_is_counted_by_its_largest_answer() {
        let held = Held::default();
        let counted = || held.0.load(Ordering::Relaxed);
        let args = |text: &str| Args::from_json(&format!("[{text:?}]"), Vec::new()).unwrap();
        let mut kept = None;
        for text in ["ab", "abcd", "abc"] {
            let answered = held.charge(args(text), 10).unwrap();
            Charge::keep(&mut kept, answered.charge);
        }
        assert_eq!(counted(), 6);
        // One more may come while there is room, whatever it takes.
        let last = held.charge(args("abcdef"), 7).unwrap();
        assert!(held.charge(args("a"), 7).is_none());
        drop((kept, last));
        assert_eq!(counted(), 0);
    }
}
