//! What nodes are to each other.

use std::fmt;
use std::time::SystemTime;

use sio_core::packet::{Args, IntoArgs};

use crate::error::EmitError;
use crate::sync::hook::Hook;

/// What an adapter knows of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// Whether the other nodes can be reached.
    pub up: bool,
    /// How many nodes there were when that was last known, this one included.
    pub nodes: usize,
    /// Since when it is up or not, if that has ever changed.
    pub since: Option<SystemTime>,
    /// The id that the others know this node of this namespace by, once it has one: what they name in
    /// [`Namespace::to_node`](crate::app::Namespace::to_node). It is another when the server starts again.
    pub node: Option<String>,
}

impl ClusterStatus {
    /// So many nodes, reached or not.
    pub const fn new(up: bool, nodes: usize, since: Option<SystemTime>) -> Self {
        Self {
            up,
            nodes,
            since,
            node: None,
        }
    }

    /// This node alone, for which nothing has to be reached.
    pub const fn alone() -> Self {
        Self::new(true, 1, None)
    }
}

/// What becomes of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClusterEvent {
    /// The other nodes can be reached, and hear of everything from now on.
    Up,
    /// They cannot be reached, for this reason. What is done on this node is done all the same.
    Down {
        /// Why.
        why: String,
    },
    /// What was emitted by others between these two has not come, and will not.
    Lost {
        /// The last that came before, as the broker names it.
        from: String,
        /// The first that came again.
        to: String,
    },
    /// A node has not been heard of for too long.
    NodeGone {
        /// Its id among the nodes.
        node: String,
    },
    /// Somebody speaks another dialect on the same channels. What it says is not acted on.
    Foreign {
        /// Which: `classic` (or `v2`, whose events are the same), `v2`, `streams`.
        dialect: String,
    },
    /// More was to be told to others than may wait: the oldest of it is dropped. Or it was on its way as the broker went,
    /// and nobody knows whether it has arrived.
    Overflow {
        /// How many messages.
        dropped: usize,
    },
}

/// What the server of another node has answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerAnswer {
    /// The node's id among the others, where nodes say theirs.
    pub node: Option<String>,
    /// Its answer.
    pub args: Args,
}

impl ServerAnswer {
    /// What a node has answered.
    pub const fn new(node: Option<String>, args: Args) -> Self {
        Self { node, args }
    }
}

/// The wish of another node's server for an answer. It may be kept; dropped, it answers nothing.
pub struct ServerAck(Box<dyn FnOnce(Args) + Send>);

impl ServerAck {
    pub(super) fn new(answer: impl FnOnce(Args) + Send + 'static) -> Self {
        Self(Box::new(answer))
    }

    /// Answers.
    ///
    /// # Errors
    /// The arguments cannot be written. There is no answer then.
    pub fn send(self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        (self.0)(Args::from_arguments(args)?);
        Ok(())
    }
}

impl fmt::Debug for ServerAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerAck")
    }
}

/// What the application wants to hear of other nodes.
#[derive(Default)]
pub(crate) struct NodeHooks {
    pub(crate) server_side: Hook<Heard>,
    pub(crate) asked: Hook<QuestionHook>,
    pub(crate) cluster: Hook<Told>,
}

pub(crate) type Heard = dyn Fn(&str, &Args) + Send + Sync;

pub(crate) type QuestionHook = dyn Fn(&str, &Args, ServerAck) + Send + Sync;

pub(crate) type Told = dyn Fn(&ClusterEvent) + Send + Sync;

impl NodeHooks {
    /// Lets go of them, and of those to come.
    pub(crate) fn close(&self) {
        self.server_side.close();
        self.asked.close();
        self.cluster.close();
    }
}
