//! A namespace and the servers of other nodes.

use std::time::Duration;

use sio_core::id::SocketId;
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
    /// Servers of the 2.x line are asked one thing: `customRequest`, with one argument. They hear of it by their
    /// `customHook`, and those of this implementation by
    /// [`on_server_side_ask`](Self::on_server_side_ask).
    ///
    /// # Errors
    /// The arguments cannot be written, the adapter knows no other nodes, or none can be reached.
    #[doc(alias = "serverSideEmitWithAck")]
    #[doc(alias = "customRequest")]
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

    /// The server of one other node alone, by its id: what its
    /// [`Adapter::status`](crate::app::Adapter::status) has for `node`, and what is beside its answers in
    /// [`ServerAnswer::node`](crate::app::ServerAnswer::node).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sio_driver::app::{AdapterError, Namespace};
    /// # async fn example(namespace: Namespace) -> Result<(), AdapterError> {
    /// let loads = namespace.server_side_ask("load", &(), None).await?;
    /// let busy = loads.iter().find(|it| it.args.get::<u32>(0).is_ok_and(|load| load > 90));
    /// if let Some(node) = busy.and_then(|it| it.node.as_deref()) {
    ///     namespace.to_node(node).ask("drain", &(), Some(Duration::from_secs(1))).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Servers of Node's can be told something alone on streams only, and no node of the 2.x line can:
    /// [`AdapterError::Unsaid`].
    #[doc(alias = "serverSideEmit")]
    pub fn to_node(&self, id: &str) -> ToNode {
        ToNode {
            namespace: self.clone(),
            id: id.to_owned(),
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

    /// The rooms of one of its sockets, whichever node has it; the socket's own among them.
    ///
    /// ```
    /// # use sio_driver::app::{AdapterError, Namespace};
    /// # async fn example(namespace: Namespace, id: &str) -> Result<(), AdapterError> {
    /// if namespace.client_rooms(id).await?.iter().any(|room| room == "guests") {
    ///     namespace.remote_leave(id, "guests").await?;
    ///     namespace.remote_join(id, "members").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No node has it, or no other node can be asked.
    #[doc(alias = "clientRooms")]
    pub async fn client_rooms(&self, id: &str) -> Result<Vec<String>, AdapterError> {
        let rooms = self.road().client_rooms(&SocketId::told(id));
        rooms.await
    }

    /// One of its sockets joins a room, whichever node has it. It does so whether this is awaited or not.
    ///
    /// Where nodes tell that it is done, as those of the 2.x line do, this ends then; else when it is on its way, and
    /// nobody hears whether there was such a socket.
    ///
    /// # Errors
    /// No node has it, or no other node can be reached.
    #[doc(alias = "remoteJoin")]
    pub fn remote_join(&self, id: &str, room: &str) -> Later<Result<(), AdapterError>> {
        self.road().remote_join(&SocketId::told(id), room)
    }

    /// One of its sockets leaves a room: as [`remote_join`](Self::remote_join).
    ///
    /// # Errors
    /// As for `remote_join`.
    #[doc(alias = "remoteLeave")]
    pub fn remote_leave(&self, id: &str, room: &str) -> Later<Result<(), AdapterError>> {
        self.road().remote_leave(&SocketId::told(id), room)
    }

    /// One of its sockets is disconnected, if `close` with its connection: as [`remote_join`](Self::remote_join).
    ///
    /// # Errors
    /// As for `remote_join`.
    #[doc(alias = "remoteDisconnect")]
    pub fn remote_disconnect(&self, id: &str, close: bool) -> Later<Result<(), AdapterError>> {
        self.road().remote_disconnect(&SocketId::told(id), close)
    }
}

/// The server of one other node, of [`Namespace::to_node`].
#[derive(Clone, Debug)]
pub struct ToNode {
    namespace: Namespace,
    id: String,
}

impl ToNode {
    /// Emits to it. It hears of that by [`Namespace::on_server_side`]; if there is no such node, nobody does.
    ///
    /// # Errors
    /// The arguments cannot be written, the adapter knows no other nodes, or they cannot be told anything alone.
    pub fn emit(&self, event: &str, args: &(impl IntoArgs + ?Sized)) -> Result<(), AdapterError> {
        let args = Args::from_arguments(args).map_err(|why| AdapterError::Emit(why.into()))?;
        let road = self.namespace.road();
        road.server_side_emit_to(&self.id, event, &args)
    }

    /// Asks it, for `timeout` or as long as the adapter says. It hears of that by [`Namespace::on_server_side_ask`], and
    /// its answer is what comes of this: no argument, where nobody there answers.
    ///
    /// # Errors
    /// As for [`emit`](Self::emit), and if there is no such node ([`AdapterError::NoNode`]), it does not answer in time
    /// ([`AdapterError::Timeout`]), or cannot be reached.
    pub fn ask(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        timeout: Option<Duration>,
    ) -> Later<Result<Args, AdapterError>> {
        let road = self.namespace.road();
        match Args::from_arguments(args) {
            Ok(args) => road.server_side_ask_to(&self.id, event, &args, timeout),
            Err(why) => Later::ready(Err(AdapterError::Emit(why.into()))),
        }
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
