//! A connection: to one Redis, or to all that a Redis Cluster is made of.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{
    MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, Slot, SlotAddr,
};
use redis::{
    AsyncConnectionConfig, Cmd, Connection, ErrorKind, PushInfo, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};

/// A connection.
#[derive(Clone)]
pub(crate) enum Way {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What a connection is to be like.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// How long each step of making it may take.
    pub(crate) patience: Duration,
    /// How long an answer may take. Without it, whoever asks has to look.
    pub(crate) answers: Option<Duration>,
    /// Who is told what Redis says by itself.
    pub(crate) pushes: Option<Pushes>,
}

pub(crate) type Pushes = Arc<dyn Fn(PushInfo) + Send + Sync>;

impl Wanted {
    pub(crate) fn config(&self) -> AsyncConnectionConfig {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(self.answers);
        match self.pushes.clone() {
            Some(pushes) => config.set_push_sender(move |push| {
                pushes(push);
                Ok::<(), ()>(())
            }),
            None => config,
        }
    }
}

impl Way {
    /// What is answered to a command; what is refused is an answer, too.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection) => connection.send_packed_command(command).await,
            Self::Cluster(connection) => match plain(command) {
                Some(routing) => connection.route_command(command.clone(), routing).await,
                None => connection.req_packed_command(command).await,
            },
        }
    }

    /// Fails unless all are there of whom a Redis Cluster is made: what was said to the others would not be heard, and
    /// whoever listens there not be counted.
    /// Tells how many masters there are.
    pub(crate) async fn is_whole(&mut self) -> RedisResult<usize> {
        let Self::Cluster(connection) = self else {
            return Ok(1);
        };
        let mut ask = cmd("CLUSTER");
        ask.arg("INFO");
        let anywhere = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        let told = connection.route_command(ask, anywhere).await?;
        let told = told.extract_error()?;
        let masters = masters(&told)?;
        let answers = connection.route_command(cmd("PING"), all_masters()).await?;
        match answers {
            Value::Map(all) if all.len() >= masters => Ok(masters),
            _ => Err(partial("not all of its masters can be reached")),
        }
    }
}

/// A connection that blocks.
pub(crate) enum BlockingWay {
    One(Connection),
    Cluster(Box<cluster::ClusterConnection>),
}

impl BlockingWay {
    /// What is answered to a command; fails where it is refused.
    pub(crate) fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection) => command.query(connection),
            Self::Cluster(connection) => match plain(command) {
                Some(routing) => connection.route_command(command, routing)?.extract_error(),
                None => command.query(connection.as_mut()),
            },
        }
    }
}

/// To all masters, who each answer.
pub(crate) const fn all_masters() -> RoutingInfo {
    RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None))
}

/// To those that copy them, too.
pub(crate) const fn all_nodes() -> RoutingInfo {
    RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None))
}

/// To whoever has this slot.
pub(crate) fn to_slot(slot: Slot) -> RoutingInfo {
    RoutingInfo::SingleNode(one_node(slot))
}

pub(crate) fn one_node(slot: Slot) -> SingleNodeRoutingInfo {
    SingleNodeRoutingInfo::SpecificNode(Route::with_slot(slot, SlotAddr::Master))
}

/// Where all goes that a Redis Cluster tells each of its own: through one of them it keeps its order.
pub(crate) const PLAIN: Slot = match Slot::new(0) {
    Some(slot) => slot,
    None => panic!("there is a first slot"),
};

fn plain(command: &Cmd) -> Option<RoutingInfo> {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(b"PUBLISH")) => Some(to_slot(PLAIN)),
        _ => None,
    }
}

/// How many masters a cluster has, by its own word, if it has all of its slots.
fn masters(told: &Value) -> RedisResult<usize> {
    let text = match told {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        Value::VerbatimString { text, .. } => text,
        Value::SimpleString(text) => text,
        _ => "",
    };
    let member = |wanted: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))
    };
    if member("cluster_state") != Some("ok") {
        return Err(partial("its state is not ok"));
    }
    let size = member("cluster_size").and_then(|size| size.parse().ok());
    size.ok_or_else(|| partial("it does not tell its size"))
}

fn partial(why: &str) -> RedisError {
    let all = "the Redis Cluster is not whole";
    (ErrorKind::Io, all, why.to_owned()).into()
}

/// Whether nothing was done, since the slot is another's by now, or on its way to one.
pub(crate) fn is_elsewhere(why: &RedisError) -> bool {
    let errors = why.clone().into_server_errors();
    errors.is_some_and(|all| {
        all.iter().any(|(_, why)| {
            matches!(
                why.kind(),
                Some(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain)
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_cluster_is_whole_if_it_says_so() {
        let info = "cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_size:3\r\n";
        assert_eq!(masters(&told(info)).unwrap(), 3);
        let why = masters(&told(&info.replace(":ok", ":fail"))).unwrap_err();
        assert!(why.is_io_error(), "{why}");
        assert!(masters(&told("cluster_state:ok\r\n")).is_err());
        assert!(masters(&Value::Nil).is_err());
    }

    #[test]
    fn what_all_are_told_goes_by_one_of_them() {
        let mut publish = cmd("PUBLISH");
        publish.arg("a").arg("b");
        assert_eq!(plain(&publish), Some(to_slot(PLAIN)));
        let mut sharded = cmd("SPUBLISH");
        sharded.arg("a").arg("b");
        assert_eq!(plain(&sharded), None);
    }
}
