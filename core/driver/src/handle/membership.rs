//! What a socket is in its namespace.

use sio_core::rooms::MemberKey;

/// What a socket is in its namespace.
#[derive(Debug)]
pub(super) enum Membership {
    /// A middleware has it; these rooms are joined if it is accepted.
    Waiting(Vec<Box<str>>),
    In(MemberKey),
    /// Out of its namespace, while handlers of its leaving wait for their turn: what they will see.
    Leaving(Vec<Box<str>>),
    Gone,
}

impl Membership {
    pub(super) const fn new() -> Self {
        Self::Waiting(Vec::new())
    }
}
