//! What waits for clients that do not read as fast as they are written to (§20).

use std::sync::atomic::Ordering;

use sio_core::config::BacklogPolicy;
use sio_core::engine::{Backlog, Flags};

use super::inner::{Io, Namespace, NamespaceInner, ParentNamespace};

/// What waits for the clients of a server: [`Io::backlogs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlogs {
    /// What waits for all of them together.
    pub all: Backlog,
    /// What waits for the one for whom most bytes wait.
    pub most: Backlog,
    /// For how many clients anything waits.
    pub clients: usize,
    /// How many wait for room ([`Socket::ready`](crate::app::Socket::ready), `emit_when_ready`), or until something has
    /// left ([`Socket::flushed`](crate::app::Socket::flushed)): `max_ready_waits` counts both.
    pub waits: usize,
}

impl Io {
    /// What waits for its clients now, on this node. Looks at each of its connections: for a page of figures once in a
    /// while. Of one client: [`Conn::waiting`](crate::app::Conn::waiting).
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io};
    /// let io = Io::new(Config::v4());
    /// assert_eq!((io.backlogs().clients, io.backlogs().all.bytes), (0, 0));
    /// ```
    pub fn backlogs(&self) -> Backlogs {
        let mut found = Backlogs::default();
        for task in self.tasks() {
            let its = task.waiting();
            found.all = found.all.and(its);
            if its.bytes > found.most.bytes {
                found.most = its;
            }
            found.clients += usize::from(its != Backlog::default());
            found.waits = found.waits.saturating_add(task.waits());
        }
        found
    }

    /// The same of `/`: [`Namespace::set_backlog_policy`].
    pub fn set_backlog_policy(&self, policy: BacklogPolicy) {
        self.sockets().set_backlog_policy(policy);
    }
}

impl Namespace {
    /// From now on, what happens when an event for one of its sockets does not fit into what may wait for its client, in
    /// place of [`Config::backlog_policy`](crate::app::Config::backlog_policy). An emit may say otherwise
    /// ([`Direct::backlog_policy`](crate::app::Direct::backlog_policy), [`To::backlog_policy`](crate::app::To::backlog_policy)).
    ///
    /// ```
    /// # use sio_driver::app::{BacklogPolicy, Config, Io};
    /// let io = Io::new(Config::v4());
    /// // Whoever does not follow the chat comes again; a cursor that is not shown is nothing to be closed for.
    /// io.of("/cursors").set_backlog_policy(BacklogPolicy::Refuse);
    /// ```
    pub fn set_backlog_policy(&self, policy: BacklogPolicy) {
        self.inner.set_policy(Some(policy));
    }
}

impl ParentNamespace {
    /// The same for all its children, those too that are there already: [`Namespace::set_backlog_policy`].
    pub fn set_backlog_policy(&self, policy: BacklogPolicy) {
        for child in self.set_policy(policy) {
            child.set_backlog_policy(policy);
        }
    }
}

impl NamespaceInner {
    pub(super) fn set_policy(&self, policy: Option<BacklogPolicy>) {
        self.policy.store(written(policy), Ordering::Relaxed);
    }

    /// Flags of a packet for one of its sockets.
    #[inline]
    pub(super) fn flags(&self, flags: Flags) -> Flags {
        let policy = flags
            .policy
            .or_else(|| read(self.policy.load(Ordering::Relaxed)));
        Flags { policy, ..flags }
    }
}

const fn written(policy: Option<BacklogPolicy>) -> u8 {
    match policy {
        Some(BacklogPolicy::Close) => 1,
        Some(BacklogPolicy::Refuse) => 2,
        Some(BacklogPolicy::DropVolatile) => 3,
        // Servers that know more policies write them, too.
        Some(_) | None => 0,
    }
}

const fn read(policy: u8) -> Option<BacklogPolicy> {
    match policy {
        1 => Some(BacklogPolicy::Close),
        2 => Some(BacklogPolicy::Refuse),
        3 => Some(BacklogPolicy::DropVolatile),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_was_written() {
        let all = [
            BacklogPolicy::Close,
            BacklogPolicy::Refuse,
            BacklogPolicy::DropVolatile,
        ];
        for policy in all.map(Some).into_iter().chain([None]) {
            assert_eq!(read(written(policy)), policy);
        }
    }
}
