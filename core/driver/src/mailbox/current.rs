//! Whose task runs on this thread.

use std::cell::Cell;

use crate::mailbox::Mailbox;

thread_local! {
    /// The address of the mailbox of the task that runs; 0 if none does. It outlives whatever else there is for the
    /// thread where that ends, and tasks with it.
    static WHOSE: Cell<usize> = const { Cell::new(0) };
}

/// The task that runs on this thread, if one does, to be asked for many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Current(usize);

impl Current {
    /// Where no task runs.
    pub(super) const NOBODY: Self = Self(0);

    pub(crate) fn now() -> Self {
        Self(WHOSE.get())
    }

    /// The task with this mailbox, wherever that runs.
    pub(super) fn with<C>(mailbox: &Mailbox<C>) -> Self {
        Self(mailbox.address())
    }

    /// From now on that is the one that runs here. Says which one was.
    pub(super) fn set(self) -> Self {
        Self(WHOSE.replace(self.0))
    }

    pub(crate) fn is<C>(self, mailbox: &Mailbox<C>) -> bool {
        self.0 == mailbox.address()
    }

    /// The address of its mailbox. `None`: no task runs here.
    pub(crate) fn address(self) -> Option<usize> {
        Some(self.0).filter(|whose| *whose != 0)
    }
}
