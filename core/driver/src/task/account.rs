//! What a connection holds in bytes, part by part, and the option that bounds each.
//!
//! | part | bounded by | past it |
//! |---|---|---|
//! | [`Unread`](Part::Unread): a POST of whose packets some wait to be read | `max_http_buffer_size` | 413; one POST at a time |
//! | [`Waiting`](Part::Waiting): events and messages that wait for handlers | `max_backlog_bytes` | nothing more is read |
//! | [`Running`](Part::Running): what handlers hold that wait | `max_running_bytes` | nothing more is begun |
//! | [`Answers`](Part::Answers): what those hold of answers that they asked for | `max_running_bytes` | [`AckError::Full`](crate::app::AckError::Full) |
//! | [`Told`](Part::Told): emitted, and not taken by the task | `max_backlog_bytes` | `backlog_policy` |
//! | [`Queued`](Part::Queued): packets in the session | `max_backlog_bytes` | `backlog_policy`; past half of it nothing more is read from a WebSocket |
//! | [`Unwritten`](Part::Unwritten): answers handed to HTTP | `max_backlog_bytes`, where there are several | `backlog_policy` |
//!
//! Each may be exceeded by one message, and what is unwritten by one answer. With the end of the session all
//! of it goes but what handlers hold that still run: that counts on among those of the endpoint
//! (`max_departed_bytes`), and goes with `departed_timeout`. What is bounded by itself is not in the
//! account: a packet that waits for its attachments (`max_binary_packet`), a message that is on its way
//! (`max_http_buffer_size`), credentials (`max_auth_bytes`), and 64 KiB and a message in the buffer of a
//! WebSocket.

use std::fmt;

use sio_core::config::Config;
use sio_core::engine::Session;

use super::jobs::Jobs;
use crate::mailbox::Mailbox;
use crate::mailbox::command::Command;
use crate::mailbox::task_handle::TaskHandle;

/// Where bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Unread,
    Waiting,
    Running,
    Answers,
    Told,
    Queued,
    Unwritten,
}

/// A look at the parts of a connection, each of which is asked when it is wanted.
pub(super) struct Account<'a> {
    config: &'a Config,
    waiting: usize,
    jobs: &'a Jobs,
    session: &'a Session,
    mailbox: &'a Mailbox<Command>,
}

impl Part {
    pub(super) const ALL: [Self; 7] = [
        Self::Unread,
        Self::Waiting,
        Self::Running,
        Self::Answers,
        Self::Told,
        Self::Queued,
        Self::Unwritten,
    ];

    /// What may be there, and one message or answer more.
    #[inline]
    pub(super) const fn limit(self, config: &Config) -> usize {
        match self {
            Self::Unread => config.max_http_buffer_size,
            Self::Waiting | Self::Told | Self::Queued | Self::Unwritten => config.max_backlog_bytes,
            Self::Running | Self::Answers => config.serving.max_running_bytes,
        }
    }
}

impl<'a> Account<'a> {
    /// Of a connection in which so many bytes wait for handlers.
    #[inline]
    pub(super) fn new(
        handle: &'a TaskHandle,
        session: &'a Session,
        waiting: usize,
        jobs: &'a Jobs,
    ) -> Self {
        Self {
            config: handle.config(),
            waiting,
            jobs,
            session,
            mailbox: handle.mailbox(),
        }
    }

    /// What is there. [`Part::Told`] takes the lock of the mailbox; the others are read.
    pub(super) fn bytes(&self, part: Part) -> usize {
        match part {
            Part::Unread => self.session.unread_bytes(),
            Part::Waiting => self.waiting,
            Part::Running => self.jobs.bytes(),
            Part::Answers => self.jobs.answers(),
            Part::Told => self.mailbox.held_bytes(),
            Part::Queued => self.session.queued_bytes(),
            Part::Unwritten => self.mailbox.unwritten(),
        }
    }

    /// Whether handlers that wait hold so much that no more of them are begun.
    #[inline]
    pub(super) fn is_crowded(&self) -> bool {
        self.jobs.bytes() >= Part::Running.limit(self.config)
    }

    /// Whether so much waits, events for handlers or answers for a WebSocket, that nothing more is read: a
    /// client that asks for much in one go gets it as fast as it reads.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.session.is_full(self.waiting)
    }

    /// Whether more than half of what may wait to be written does.
    #[inline]
    pub(super) fn is_backed_up(&self) -> bool {
        self.session.is_backed_up()
    }
}

/// Part by part, with what may be there.
impl fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = Part::ALL.map(|part| (part, (self.bytes(part), part.limit(self.config))));
        f.debug_map().entries(parts).finish()
    }
}

#[cfg(test)]
mod tests;
