//! What an adapter cannot do.

use std::fmt;

use crate::error::EmitError;

/// Why an adapter could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdapterError {
    /// This adapter knows no other nodes.
    Alone,
    /// Not all nodes have answered in time.
    Timeout,
    /// The other nodes cannot be reached, for this reason.
    Unreachable(String),
    /// What the nodes speak with each other has no words for it.
    Unsaid,
    /// There is no other node of that id, as far as can be seen.
    NoNode,
    /// No node has that socket, or none that has it has said so in time.
    Nowhere,
    /// The arguments cannot be written.
    Emit(EmitError),
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("this adapter knows no other nodes"),
            Self::Timeout => f.write_str("not all nodes have answered in time"),
            Self::Unreachable(why) => write!(f, "the other nodes cannot be reached: {why}"),
            Self::Unsaid => f.write_str("the nodes' wire has no words for it"),
            Self::NoNode => f.write_str("there is no other node of that id"),
            Self::Nowhere => f.write_str("no node has that socket"),
            Self::Emit(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for AdapterError {}
