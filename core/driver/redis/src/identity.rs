//! What Redis knows a connection by.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value, cmd};

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
        if let Some(Self { number, address }) = before {
            let mut end = cmd("CLIENT");
            end.arg("KILL").arg("ID").arg(number);
            end.arg("ADDR").arg(address);
            pipeline.add_command(end);
        }
        let mut ask = cmd("CLIENT");
        ask.arg("INFO");
        pipeline.add_command(ask);
        let count = usize::from(before.is_some()).saturating_add(1);
        // Where the one or the other is refused, it is an answer.
        let replies = connection.send_packed_commands(&pipeline, 0, count).await?;
        Ok(replies.last().and_then(Self::told))
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
}
