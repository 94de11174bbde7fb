//! What Redis knows a connection by.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value, cmd};

use crate::command::text;
use crate::way::all_masters;

/// A connection, as Redis tells it from others. Numbers begin anew with each process, so that both are named where one
/// is to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    number: String,
    address: String,
}

impl Identity {
    /// Has Redis end the connection before this one, if it still has it: what is on its way by that one is not to come
    /// behind what this one says, nor a second time. What this one is known by, where Redis tells.
    pub(crate) async fn succeed(
        connection: &mut MultiplexedConnection,
        before: Option<&Self>,
    ) -> RedisResult<Option<Self>> {
        let mut pipeline = Pipeline::new();
        if let Some(before) = before {
            pipeline.add_command(before.end());
        }
        pipeline.add_command(ask());
        let count = usize::from(before.is_some()).saturating_add(1);
        // Where the one or the other is refused, it is an answer.
        let replies = connection.send_packed_commands(&pipeline, 0, count).await?;
        Ok(replies.last().and_then(Self::told))
    }

    /// The same in a Redis Cluster, where each master, by its address, knows a connection of its own.
    pub(crate) async fn succeed_all(
        by: &mut ClusterConnection,
        before: &[(String, Self)],
    ) -> RedisResult<Vec<(String, Self)>> {
        for (node, it) in before {
            if let Some(node) = address(node)
                && let Err(why) = by.route_command(it.end(), node).await
                && !is_answer(&why)
            {
                return Err(why);
            }
        }
        let told = by.route_command(ask(), all_masters()).await?;
        let Value::Map(told) = told else {
            return Ok(Vec::new());
        };
        let one =
            |(node, told): (Value, Value)| Some((text(&node)?.to_owned(), Self::told(&told)?));
        Ok(told.into_iter().filter_map(one).collect())
    }

    fn end(&self) -> Cmd {
        let mut end = cmd("CLIENT");
        end.arg("KILL").arg("ID").arg(&self.number);
        end.arg("ADDR").arg(&self.address);
        end
    }

    fn told(reply: &Value) -> Option<Self> {
        let told = match reply {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
            _ => return None,
        };
        let field = |name| {
            let mut fields = told.split_ascii_whitespace();
            fields.find_map(|field| field.strip_prefix(name))
        };
        Some(Self {
            number: field("id=")?.to_owned(),
            address: field("addr=")?.to_owned(),
        })
    }
}

fn ask() -> Cmd {
    let mut ask = cmd("CLIENT");
    ask.arg("INFO");
    ask
}

/// Whom the client of a Redis Cluster calls by this name.
fn address(node: &str) -> Option<RoutingInfo> {
    let (host, port) = node.rsplit_once(':')?;
    Some(RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress {
        host: host.to_owned(),
        port: port.parse().ok()?,
    }))
}

/// Whether it is refused to end a connection, or who had it is none of the Redis Cluster any more.
fn is_answer(why: &RedisError) -> bool {
    why.code().is_some() || why.kind() == ErrorKind::ClusterConnectionNotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_out_of_what_redis_tells() {
        let told = "id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=8 name= age=0\n";
        let expected = Identity {
            number: "7".to_owned(),
            address: "127.0.0.1:5".to_owned(),
        };
        assert_eq!(
            Identity::told(&Value::BulkString(told.into())),
            Some(expected)
        );
        for told in ["", "id=7", "addr=1", "laddr=1 xid=7"] {
            assert_eq!(Identity::told(&Value::SimpleString(told.to_owned())), None);
        }
        assert_eq!(Identity::told(&Value::Nil), None);
    }

    #[test]
    fn a_node_is_found_by_its_name() {
        for (node, host, port) in [("10.0.0.1:7000", "10.0.0.1", 7000), ("::1:7", "::1", 7)] {
            let expected = SingleNodeRoutingInfo::ByAddress {
                host: host.to_owned(),
                port,
            };
            assert_eq!(address(node), Some(RoutingInfo::SingleNode(expected)));
        }
        for node in ["", "host", "host:", "host:70000"] {
            assert_eq!(address(node), None);
        }
    }
}
