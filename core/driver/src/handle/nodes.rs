//! A namespace and the servers of other nodes.

use std::time::Duration;

use sio_core::packet::{Args, IntoArgs};

use super::Namespace;
use super::inner::NamespaceInner;
use crate::adapter::{AdapterError, ClusterEvent, Gathered, ServerAck, ServerAnswer};
use crate::sync::later::Later;

impl Namespace {
    /// Emits to the servers of the other nodes, not to any client:
    /// [`Adapter::server_side_emit`](crate::app::Adapter::server_side_emit).
    ///
    /// # Errors
    /// The arguments cannot be written, or the adapter knows no other nodes.
    #[doc(alias = "serverSideEmit")]
    pub fn server_side_emit(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), AdapterError> {
        let args = Args::from_arguments(args).map_err(|why| AdapterError::Emit(why.into()))?;
        self.road().server_side_emit(event, &args)
    }

    /// Asks the servers of the other nodes: as many answers as came in `timeout`, and how many of them were
    /// silent. Without a time, the adapter's own holds.
    ///
    /// # Errors
    /// The arguments cannot be written, the adapter knows no other nodes, or none can be reached.
    #[doc(alias = "serverSideEmitWithAck")]
    pub fn server_side_ask(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        timeout: Option<Duration>,
    ) -> Later<Result<Gathered<Vec<ServerAnswer>>, AdapterError>> {
        match Args::from_arguments(args) {
            Ok(args) => self.road().server_side_ask(event, &args, timeout),
            Err(why) => Later::ready(Err(AdapterError::Emit(why.into()))),
        }
    }

    /// The names of its rooms on all nodes, each once; the sockets' own ones among them.
    ///
    /// # Errors
    /// No other node can be asked.
    #[doc(alias = "allRooms")]
    pub async fn rooms(&self) -> Result<Gathered<Vec<String>>, AdapterError> {
        let rooms = self.road().rooms();
        rooms.await
    }
}

impl NamespaceInner {
    pub(super) fn hear_server_side(&self, event: &str, args: &Args, ack: Option<ServerAck>) {
        if let Some(hook) = self.nodes().server_side.get() {
            hook(event, args);
        }
        if let Some(ack) = ack
            && let Some(hook) = self.nodes().asked.get()
        {
            hook(event, args, ack);
        }
    }

    pub(super) fn hear_cluster(&self, event: &ClusterEvent) {
        if let Some(hook) = self.nodes().cluster.get() {
            hook(event);
        }
    }
}
