//! A stream, read on a connection of its own: whoever waits there for entries can say nothing else.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::{RedisResult, Value, cmd};
use sio_driver::binding::Instant;
use sio_driver::cluster::Event;
use sio_driver::cluster::codec::streams::Entry;
use sio_driver::cluster::entry::EntryId;
use sio_driver::cluster::reader::{Gap, Reader, Stream};

use crate::command::{entries, is_no_stream, look, millis, text};
use crate::place::Place;
use crate::policy::Policy;
use crate::way::{Wanted, Way};

/// Reads a stream from the place on that was its end when it was looked at first.
pub(crate) struct StreamReader {
    name: String,
    place: Place,
    policy: Policy,
    reader: Reader,
    state: State,
    events: VecDeque<Event>,
    /// When what is awaited should have come.
    due: Instant,
}

type Reply<T> = Pin<Box<dyn Future<Output = RedisResult<T>> + Send>>;

enum State {
    /// Where it begins is not known yet.
    Asked,
    Waiting,
    Connecting(Reply<Way>),
    Looking(Way, Reply<Value>),
    Reading(Way, Reply<Value>),
    /// As many were read as are at once: how it stands with the stream.
    Checking(Way, Vec<(EntryId, Entry)>, Reply<Value>),
}

/// Entries that are read at once.
const AT_ONCE: usize = 100;

/// How long it is waited after a connection was lost.
const WAIT: Duration = Duration::from_millis(200);

impl StreamReader {
    pub(crate) fn new(name: String, place: Place, policy: Policy) -> Self {
        Self {
            name,
            place,
            policy,
            reader: Reader::new(),
            state: State::Asked,
            events: VecDeque::new(),
            due: Instant::ORIGIN,
        }
    }

    /// One that is connected to a Redis which does not answer: by then it should have.
    #[cfg(test)]
    pub(crate) fn silent(name: String, place: Place, policy: Policy, due: Instant) -> Self {
        let state = State::Connecting(Box::pin(std::future::pending()));
        Self {
            state,
            due,
            ..Self::new(name, place, policy)
        }
    }

    /// What was told of the stream on the connection on which this node begins to listen: what is added from then on
    /// is for it.
    pub(crate) fn begin(&mut self, told: &Value) {
        if matches!(self.state, State::Asked) {
            self.reader.handle_connected(stream(told));
            self.state = State::Waiting;
        }
    }

    /// When it is to be looked at again, if nothing happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!matches!(self.state, State::Asked)).then_some(self.due)
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            let late = now >= self.due;
            match &mut self.state {
                State::Asked => return Poll::Pending,
                State::Waiting if !late => return Poll::Pending,
                State::Waiting => self.connect(now),
                State::Connecting(connecting) => match connecting.as_mut().poll(cx) {
                    Poll::Ready(Ok(connection)) => self.look(connection, now),
                    Poll::Ready(Err(_)) => self.lost(now),
                    Poll::Pending => return self.unless(late, now),
                },
                State::Looking(connection, reply) => match reply.as_mut().poll(cx) {
                    Poll::Ready(Ok(Value::ServerError(why))) if !is_no_stream(&why) => {
                        self.lost(now);
                    }
                    Poll::Ready(Ok(told)) => {
                        let connection = connection.clone();
                        let gap = self.reader.handle_connected(stream(&told));
                        self.tell(gap);
                        self.read(connection, now);
                    }
                    Poll::Ready(Err(_)) => self.lost(now),
                    Poll::Pending => return self.unless(late, now),
                },
                State::Reading(connection, reply) => match reply.as_mut().poll(cx) {
                    Poll::Ready(Ok(Value::ServerError(_)) | Err(_)) => self.lost(now),
                    Poll::Ready(Ok(found)) => {
                        let (connection, found) = (connection.clone(), listed(found));
                        if found.len() < AT_ONCE {
                            self.take(found);
                            self.read(connection, now);
                        } else {
                            self.check(connection, found, now);
                        }
                    }
                    Poll::Pending => return self.unless(late, now),
                },
                State::Checking(connection, found, reply) => match reply.as_mut().poll(cx) {
                    Poll::Ready(Ok(Value::ServerError(why))) if !is_no_stream(&why) => {
                        self.lost(now);
                    }
                    Poll::Ready(Ok(told)) => {
                        let (connection, found) = (connection.clone(), std::mem::take(found));
                        let ids: Vec<_> = found.iter().map(|(at, _)| *at).collect();
                        let stream = stream(&told);
                        if ids.last().is_some_and(|last| *last > stream.last) {
                            // Another Redis has answered, who has not got all.
                            self.lost(now);
                            continue;
                        }
                        let gap = self.reader.handle_full(&ids, stream);
                        self.tell(gap);
                        self.take(found);
                        self.read(connection, now);
                    }
                    // What was read is read again.
                    Poll::Ready(Err(_)) => self.lost(now),
                    Poll::Pending => return self.unless(late, now),
                },
            }
        }
    }

    /// What does not come in time is given up.
    fn unless(&mut self, late: bool, now: Instant) -> Poll<Event> {
        if late {
            self.lost(now);
        }
        Poll::Pending
    }

    fn lost(&mut self, now: Instant) {
        self.state = State::Waiting;
        self.due = now.saturating_add(WAIT);
    }

    fn connect(&mut self, now: Instant) {
        let wanted = Wanted {
            patience: self.policy.connect_timeout,
            answers: None,
            pushes: None,
        };
        let place = self.place.clone();
        self.due = now
            .saturating_add(self.place.longest(self.policy.connect_timeout))
            .saturating_add(self.policy.ping_timeout);
        self.state = State::Connecting(Box::pin(async move {
            let connecting = place.connect(wanted);
            connecting.await
        }));
    }

    fn look(&mut self, connection: Way, now: Instant) {
        let reply = self.ask(&connection, now);
        self.state = State::Looking(connection, reply);
    }

    /// So many at once: more may have been added in one go than the stream holds, and the first of them be gone.
    fn check(&mut self, connection: Way, found: Vec<(EntryId, Entry)>, now: Instant) {
        let reply = self.ask(&connection, now);
        self.state = State::Checking(connection, found, reply);
    }

    /// How it stands with the stream.
    fn ask(&mut self, connection: &Way, now: Instant) -> Reply<Value> {
        let command = look(&self.name);
        self.due = now.saturating_add(self.policy.ping_timeout);
        let mut its = connection.clone();
        // Its error is an answer: there is no stream.
        Box::pin(async move { its.send(&command).await })
    }

    fn read(&mut self, connection: Way, now: Instant) {
        let behind = self.reader.behind().unwrap_or(EntryId::FIRST);
        let wait = self.policy.ping_interval;
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(AT_ONCE);
        command.arg("BLOCK").arg(millis(wait).to_string());
        command
            .arg("STREAMS")
            .arg(&self.name)
            .arg(behind.to_string());
        self.due = now
            .saturating_add(wait)
            .saturating_add(self.policy.ping_timeout);
        let mut its = connection.clone();
        let reply = async move { its.send(&command).await };
        self.state = State::Reading(connection, Box::pin(reply));
    }

    fn take(&mut self, found: Vec<(EntryId, Entry)>) {
        for (at, entry) in found {
            // Before it is looked at: it must not be read again, whatever it is.
            if self.reader.handle_entry(at) {
                let stream = self.name.clone();
                self.events.push_back(Event::Entry { stream, at, entry });
            }
        }
    }

    fn tell(&mut self, gap: Option<Gap>) {
        self.events.extend(gap.map(|Gap { from, to }| Event::Lost {
            stream: self.name.clone(),
            from,
            to,
        }));
    }
}

/// The entries that `XREAD` has found.
fn listed(found: Value) -> Vec<(EntryId, Entry)> {
    let lists = match found {
        Value::Map(streams) => streams.into_iter().map(|(_, list)| list).collect(),
        Value::Array(streams) => {
            let list = |it: Value| match it {
                Value::Array(mut pair) => pair.pop(),
                _ => None,
            };
            streams.into_iter().filter_map(list).collect()
        }
        _ => Vec::new(),
    };
    lists.into_iter().flat_map(entries).collect()
}

/// What is said of it; of one that there is not, that it holds nothing.
fn stream(told: &Value) -> Stream {
    let members: Vec<(&Value, &Value)> = match told {
        Value::Map(members) => members.iter().map(|(name, value)| (name, value)).collect(),
        Value::Array(flat) => {
            let (names, values) = (flat.iter().step_by(2), flat.iter().skip(1).step_by(2));
            names.zip(values).collect()
        }
        _ => {
            return Stream {
                last: EntryId::FIRST,
                first: None,
                length: 0,
                added: Some(0),
                deleted: None,
            };
        }
    };
    let member = |wanted: &str| {
        let found = members.iter().find(|(name, _)| text(name) == Some(wanted));
        found.map(|(_, value)| *value)
    };
    let id = |value: Option<&Value>| value.and_then(text)?.parse().ok();
    let number = |value: Option<&Value>| match value {
        Some(Value::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let first = match member("first-entry") {
        Some(Value::Array(entry)) => id(entry.first()),
        _ => None,
    };
    Stream {
        last: id(member("last-generated-id")).unwrap_or(EntryId::FIRST),
        first,
        length: number(member("length")).unwrap_or_default(),
        added: number(member("entries-added")),
        deleted: id(member("max-deleted-entry-id")),
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StreamReader");
        shown.field("name", &self.name);
        shown.field("reader", &self.reader).finish_non_exhaustive()
    }
}
