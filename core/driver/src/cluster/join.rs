//! Joining a cluster.

use std::sync::Arc;

use super::broker::Broker;
use super::desk::Desk;
use super::handle::Handle;
use super::link::Link;
use super::node::ClusterAdapter;
use super::options::Options;
use crate::adapter::InMemory;
use crate::runtime::Runtime;

/// A server's place in its cluster.
///
/// It may be dropped once its [`adapter`](Self::adapter) is the server's: what it has begun ends when the server is
/// closed.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Handle>);

impl Cluster {
    /// Joins the cluster that this broker carries the messages of. It is for one server: others of the same process
    /// join by brokers of their own, for nodes are counted by their connections.
    pub fn join(runtime: &impl Runtime, broker: impl Broker + Unpin, options: Options) -> Self {
        let desk = Arc::new(Desk::new(options.max_waiting_bytes));
        let handle = Handle {
            desk: desk.clone(),
            dialect: options.node.dialect,
            subscriptions: options.node.subscriptions,
        };
        runtime.spawn(Link::new(runtime.clone(), broker, desk, options));
        Self(Arc::new(handle))
    }

    /// What makes the adapters of a server's namespaces: for
    /// [`Io::set_adapter`](crate::app::Io::set_adapter).
    pub fn adapter(&self) -> impl Fn(InMemory) -> ClusterAdapter + Send + Sync + use<> {
        let handle = self.0.clone();
        move |local| ClusterAdapter::new(local, handle.clone())
    }
}
