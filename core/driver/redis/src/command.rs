//! Orders as Redis' commands, and what it says as events.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, PushInfo, PushKind, ServerError, Value, cmd};
use sio_driver::cluster::codec::streams::Entry;
use sio_driver::cluster::entry::EntryId;
use sio_driver::cluster::id::Uid;
use sio_driver::cluster::machine::Publication;
use sio_driver::cluster::{Event, Order, Subscription, Ticket};

/// A command that was written, and whose reply is awaited.
#[derive(Debug)]
pub(crate) enum Sent {
    Publish,
    /// The confirmation comes by itself, among the messages.
    Listen,
    Count(Ticket),
    Append(Ticket),
    /// Whose entries, behind which.
    Recall(Ticket, Uid, Option<EntryId>),
    Store,
    Take(Ticket),
    Range(Ticket),
    /// How it stands with this stream.
    Look(String),
    Flush(Ticket),
    Ping,
}

/// What Redis has refused, in its words.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

/// Entries that a stream keeps, about: as many as the JavaScript adapter's.
const MAX_LEN: usize = 10_000;

/// The command for an order; `None` for what is not done by one.
pub(crate) fn command(order: Order) -> Option<(Cmd, Sent)> {
    let listen = |name: &str, channel: &str| {
        let mut it = cmd(name);
        it.arg(channel);
        (it, Sent::Listen)
    };
    Some(match order {
        Order::Publish(it) => (publish(&it), Sent::Publish),
        Order::Subscribe(Subscription::Channel(name)) => listen("SUBSCRIBE", &name),
        Order::Subscribe(Subscription::Pattern(name)) => listen("PSUBSCRIBE", &name),
        Order::Subscribe(Subscription::Sharded(name)) => listen("SSUBSCRIBE", &name),
        Order::Unsubscribe(Subscription::Channel(name)) => listen("UNSUBSCRIBE", &name),
        Order::Unsubscribe(Subscription::Pattern(name)) => listen("PUNSUBSCRIBE", &name),
        Order::Unsubscribe(Subscription::Sharded(name)) => listen("SUNSUBSCRIBE", &name),
        Order::Count {
            ticket,
            channel,
            sharded,
        } => {
            let mut count = cmd("PUBSUB");
            count.arg(if sharded { "SHARDNUMSUB" } else { "NUMSUB" });
            count.arg(channel);
            (count, Sent::Count(ticket))
        }
        Order::Append {
            ticket,
            stream,
            entry,
        } => (append(&stream, &entry), Sent::Append(ticket)),
        Order::Recall {
            ticket,
            stream,
            uid,
            behind,
        } => {
            let found = match behind {
                Some(at) => {
                    let mut range = cmd("XRANGE");
                    range.arg(stream).arg(at.to_string()).arg("+");
                    range
                }
                None => {
                    let mut whole = look(&stream);
                    whole.arg("FULL").arg("COUNT").arg(0);
                    whole
                }
            };
            (found, Sent::Recall(ticket, uid, behind))
        }
        Order::Store { key, value, keep } => {
            let mut set = cmd("SET");
            set.arg(key).arg(&*value).arg("PX").arg(millis(keep));
            (set, Sent::Store)
        }
        Order::Take { ticket, key } => {
            let mut take = cmd("GETDEL");
            take.arg(key);
            (take, Sent::Take(ticket))
        }
        Order::Range {
            ticket,
            stream,
            from,
            most,
        } => {
            let mut range = cmd("XRANGE");
            range.arg(stream).arg(from.to_string()).arg("+");
            range.arg("COUNT").arg(most);
            (range, Sent::Range(ticket))
        }
        Order::Read { stream } => (look(&stream), Sent::Look(stream)),
        Order::Flush { ticket } => (cmd("PING"), Sent::Flush(ticket)),
        _ => return None,
    })
}

/// As many milliseconds as Redis takes: it counts the moment at which they are over in 63 bits.
pub(crate) fn millis(time: Duration) -> u64 {
    const MOST: u64 = u64::MAX / 4;
    u64::try_from(time.as_millis()).map_or(MOST, |millis| millis.clamp(1, MOST))
}

pub(crate) fn publish(it: &Publication) -> Cmd {
    let mut publish = cmd(if it.sharded { "SPUBLISH" } else { "PUBLISH" });
    publish.arg(&it.channel).arg(&*it.payload);
    publish
}

/// Adds an entry to a stream.
pub(crate) fn append(stream: &str, entry: &Entry) -> Cmd {
    let mut add = cmd("XADD");
    add.arg(stream).arg("MAXLEN").arg("~").arg(MAX_LEN).arg("*");
    for (name, value) in entry.fields() {
        add.arg(name).arg(&**value);
    }
    add
}

/// Asks how it stands with a stream.
pub(crate) fn look(name: &str) -> Cmd {
    let mut command = cmd("XINFO");
    command.arg("STREAM").arg(name);
    command
}

/// What has come of a command.
#[derive(Debug)]
pub(crate) enum Said {
    Event(Event),
    /// So it stands with that stream, or there is none.
    Stream(String, Value),
}

/// What the reply to a command tells.
pub(crate) fn replied(sent: Sent, reply: Value) -> Result<Option<Said>, Refused> {
    if let Sent::Look(stream) = sent {
        return match &reply {
            Value::ServerError(why) if !is_no_stream(why) => Err(Refused(why.to_string())),
            _ => Ok(Some(Said::Stream(stream, reply))),
        };
    }
    if let Sent::Recall(ticket, uid, behind) = sent {
        let (found, whole) = recalled(&uid, behind, reply)?;
        return Ok(Some(Said::Event(Event::Recalled {
            ticket,
            found,
            whole,
        })));
    }
    if let Value::ServerError(why) = &reply {
        let why = why.to_string();
        return match sent {
            // Nothing will be heard, or nobody will be: others would wait for this node in vain, or it for a reply.
            Sent::Listen | Sent::Publish | Sent::Append(_) | Sent::Count(_) | Sent::Flush(_) => {
                Err(Refused(why))
            }
            // Its client comes as a new one.
            Sent::Take(ticket) => Ok(Some(Said::Event(Event::Taken {
                ticket,
                value: None,
            }))),
            Sent::Range(ticket) => Ok(Some(Said::Event(Event::Ranged {
                ticket,
                found: Vec::new(),
            }))),
            Sent::Store | Sent::Recall(..) | Sent::Look(_) | Sent::Ping => Ok(None),
        };
    }
    let event = match sent {
        Sent::Publish
        | Sent::Listen
        | Sent::Store
        | Sent::Recall(..)
        | Sent::Look(_)
        | Sent::Ping => None,
        Sent::Take(ticket) => {
            let value = match reply {
                Value::BulkString(bytes) => Some(bytes.into()),
                _ => None,
            };
            Some(Event::Taken { ticket, value })
        }
        Sent::Range(ticket) => {
            let found = entries(reply);
            Some(Event::Ranged { ticket, found })
        }
        // Somebody waits for it.
        Sent::Count(ticket) => match count(&reply) {
            Some(nodes) => Some(Event::Counted { ticket, nodes }),
            None => return Err(Refused("a count is no number".to_owned())),
        },
        Sent::Append(ticket) => match text(&reply).and_then(|id| id.parse().ok()) {
            Some(at) => Some(Event::Appended { ticket, at }),
            None => return Err(Refused("the place of an entry is none".to_owned())),
        },
        Sent::Flush(ticket) => Some(Event::Flushed { ticket }),
    };
    Ok(event.map(Said::Event))
}

/// The entries of a node behind one, or in all of the stream; and whether none behind it can have been thrown away.
fn recalled(uid: &Uid, behind: Option<EntryId>, reply: Value) -> Result<Recalled, Refused> {
    let (mut found, whole) = match (reply, behind) {
        // What trims a stream leaves some of it: where there is none, none was thrown away.
        (Value::ServerError(why), None) if is_no_stream(&why) => (Vec::new(), true),
        (Value::ServerError(why), _) => return Err(Refused(why.to_string())),
        (range, Some(at)) => {
            let found = entries(range);
            let whole = found.first().is_some_and(|(first, _)| *first == at);
            (found, whole)
        }
        (told, None) => all_entries(told),
    };
    let its = Some(uid.as_str().as_bytes());
    found.retain(|(at, entry)| entry.uid.as_deref() == its && Some(*at) > behind);
    Ok((found, whole))
}

type Recalled = (Vec<(EntryId, Entry)>, bool);

/// What `XINFO STREAM` tells with `FULL`: the entries, and whether they are as many as were ever added (`entries-added`,
/// Redis 7).
fn all_entries(told: Value) -> Recalled {
    let members: Vec<(Value, Value)> = match told {
        Value::Map(members) => members,
        Value::Array(flat) => {
            let mut flat = flat.into_iter();
            std::iter::from_fn(|| Some((flat.next()?, flat.next()?))).collect()
        }
        _ => Vec::new(),
    };
    let (mut found, mut added) = (Vec::new(), None);
    for (name, value) in members {
        match (text(&name), value) {
            (Some("entries-added"), Value::Int(number)) => added = usize::try_from(number).ok(),
            (Some("entries"), value) => found = entries(value),
            _ => {}
        }
    }
    let whole = added == Some(found.len());
    (found, whole)
}

/// Whether it is refused to tell how it stands with a stream since there is none; if it is for another reason (no
/// permission, Redis is loading), nothing is known of the stream.
pub(crate) fn is_no_stream(why: &ServerError) -> bool {
    let says = |words| why.details().is_some_and(|it| it.contains(words));
    why.code() == "ERR" && says("no such key")
}

pub(crate) fn count(reply: &Value) -> Option<u64> {
    let number = |value: &Value| match value {
        Value::Int(count) => u64::try_from(*count).ok(),
        _ => None,
    };
    match reply {
        Value::Array(all) => all.get(1).and_then(number),
        Value::Map(all) => all.first().and_then(|(_, count)| number(count)),
        _ => None,
    }
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// The entries of a stream, as `XRANGE` lists them.
pub(crate) fn entries(reply: Value) -> Vec<(EntryId, Entry)> {
    let Value::Array(all) = reply else {
        return Vec::new();
    };
    let entry = |it: Value| {
        let Value::Array(parts) = it else {
            return None;
        };
        let mut parts = parts.into_iter();
        let at = text(&parts.next()?)?.parse().ok()?;
        let fields = match parts.next()? {
            Value::Array(fields) => fields,
            Value::Map(pairs) => pairs.into_iter().flat_map(|(a, b)| [a, b]).collect(),
            _ => return None,
        };
        let mut fields = fields.into_iter().filter_map(|value| match value {
            Value::BulkString(bytes) => Some(Bytes::from(bytes)),
            _ => None,
        });
        let pairs = std::iter::from_fn(|| Some((fields.next()?, fields.next()?)));
        Some((at, Entry::from_fields(pairs)))
    };
    all.into_iter().filter_map(entry).collect()
}

/// What Redis has said by itself.
pub(crate) fn pushed(push: PushInfo) -> Option<Event> {
    let PushInfo { kind, data } = push;
    let mut data = data.into_iter();
    let mut bytes = || match data.next()? {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    };
    let name = |bytes: Option<Vec<u8>>| String::from_utf8(bytes?).ok();
    Some(match kind {
        PushKind::Message => {
            let channel = name(bytes())?;
            Event::Message {
                by: Subscription::Channel(channel.clone()),
                channel,
                payload: bytes()?.into(),
            }
        }
        PushKind::PMessage => Event::Message {
            by: Subscription::Pattern(name(bytes())?),
            channel: name(bytes())?,
            payload: bytes()?.into(),
        },
        PushKind::SMessage => {
            let channel = name(bytes())?;
            Event::Message {
                by: Subscription::Sharded(channel.clone()),
                channel,
                payload: bytes()?.into(),
            }
        }
        PushKind::Subscribe => Event::Subscribed(Subscription::Channel(name(bytes())?)),
        PushKind::PSubscribe => Event::Subscribed(Subscription::Pattern(name(bytes())?)),
        PushKind::SSubscribe => Event::Subscribed(Subscription::Sharded(name(bytes())?)),
        PushKind::Unsubscribe => Event::Unsubscribed(Subscription::Channel(name(bytes())?)),
        PushKind::PUnsubscribe => Event::Unsubscribed(Subscription::Pattern(name(bytes())?)),
        PushKind::SUnsubscribe => Event::Unsubscribed(Subscription::Sharded(name(bytes())?)),
        PushKind::Disconnection | PushKind::Other(_) | PushKind::Invalidate | _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    const fn at(millis: u64) -> EntryId {
        EntryId {
            millis,
            sequence: 0,
        }
    }

    /// Entries at these places, of these nodes.
    fn stream(all: &[(u64, &str)]) -> Value {
        let entry = |(millis, uid): &(u64, &str)| {
            let fields = [text("uid"), text(uid), text("nsp"), text("/")];
            let fields = Value::Array(fields.to_vec());
            Value::Array(vec![text(&at(*millis).to_string()), fields])
        };
        Value::Array(all.iter().map(entry).collect())
    }

    /// Where the entries of `me` are, and whether none can have been thrown away.
    fn found(behind: Option<u64>, reply: Value) -> Option<(Vec<u64>, bool)> {
        let (found, whole) = recalled(&Uid::from("me"), behind.map(at), reply).ok()?;
        Some((found.iter().map(|(at, _)| at.millis).collect(), whole))
    }

    #[test]
    fn what_is_behind_an_entry_is_whole_while_that_is_there() {
        for (all, expected) in [
            (
                &[(3, "me"), (4, "me"), (5, "you"), (6, "me")][..],
                (vec![4, 6], true),
            ),
            (&[(3, "you")], (vec![], true)),
            (&[(4, "me")], (vec![4], false)),
            (&[], (vec![], false)),
        ] {
            assert_eq!(found(Some(3), stream(all)), Some(expected), "{all:?}");
        }
    }

    #[test]
    fn where_no_entry_is_known_as_many_have_to_be_there_as_were_ever_added() {
        let all = [(3, "me"), (4, "you")];
        let members = |added: Option<i64>| {
            let added = added.map(|added| (text("entries-added"), Value::Int(added)));
            let rest = [
                (text("length"), Value::Int(2)),
                (text("entries"), stream(&all)),
            ];
            added.into_iter().chain(rest).collect::<Vec<_>>()
        };
        for (added, whole) in [(Some(2), true), (Some(3), false), (None, false)] {
            let told = Value::Map(members(added));
            assert_eq!(found(None, told), Some((vec![3], whole)), "{added:?}");
            let flat = members(added)
                .into_iter()
                .flat_map(|(name, value)| [name, value]);
            let told = Value::Array(flat.collect());
            assert_eq!(found(None, told), Some((vec![3], whole)), "{added:?}");
        }
        assert_eq!(found(None, Value::Nil), Some((vec![], false)));
    }
}
