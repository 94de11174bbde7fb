//! The events of `interop` that concern rooms and other sockets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::events::Spread;
use crate::sio::{
    Ack, Args, Data, DisconnectReason, EmitError, Namespace, RemoteSocket, Socket, To, Value,
};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How many sockets that went away are remembered.
const REMEMBERED: usize = 4096;

/// One room, several, or none named.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    pub(crate) fn list(names: Option<Self>) -> Vec<String> {
        match names {
            None => Vec::new(),
            Some(Self::One(name)) => vec![name],
            Some(Self::Many(names)) => names,
        }
    }
}

/// The members of a request, each of which may be missing.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Wanted {
    rooms: Option<Names>,
    except: Option<Names>,
    pub(crate) join: Option<Names>,
    pub(crate) leave: Option<Names>,
    via: Option<String>,
    pub(crate) event: String,
    pub(crate) args: Vec<Value>,
    volatile: bool,
    local: bool,
    compress: Option<bool>,
    pub(crate) timeout: u64,
    close: bool,
}

impl Wanted {
    /// Whom `send` is for, and how.
    pub(crate) fn to(&mut self, socket: &Socket) -> To {
        let mut to = if self.via.as_deref() == Some("socket") {
            let others = socket.broadcast();
            let others = others.except(Names::list(self.except.take()));
            self.rooms(others)
        } else {
            self.targets(socket.namespace())
        };
        if self.volatile {
            to = to.volatile();
        }
        if self.local {
            to = to.local();
        }
        match self.compress {
            Some(compress) => to.compress(compress),
            None => to,
        }
    }

    /// The sockets that are meant: everyone in the namespace if no room is named.
    pub(crate) fn targets(&mut self, namespace: &Namespace) -> To {
        let all = namespace.except(Names::list(self.except.take()));
        self.rooms(all)
    }

    /// Those of them in the rooms that are named, or all if none is.
    fn rooms(&mut self, all: To) -> To {
        match Names::list(self.rooms.take()) {
            rooms if rooms.is_empty() => all,
            rooms => all.to(rooms),
        }
    }
}

/// The rooms of a socket, sorted, without the one that is its own.
pub(crate) fn of(socket: &Socket) -> Vec<String> {
    let mut rooms = socket.rooms();
    rooms.retain(|room| room != socket.id().as_str());
    rooms.sort();
    rooms
}

pub(crate) fn register(namespace: &Namespace, gone: &Gone) {
    own(namespace);
    emits(namespace);
    others(namespace);
    departures(namespace, gone);
}

fn own(namespace: &Namespace) {
    namespace.on(
        "join",
        |socket: Socket, Data(rooms): Data<Option<Names>>, ack: Ack| -> Result<(), Fault> {
            socket.join(Names::list(rooms))?;
            ack.send(&(of(&socket),))?;
            Ok(())
        },
    );
    namespace.on(
        "leave",
        |socket: Socket, Data(rooms): Data<Option<Names>>, ack: Ack| {
            socket.leave(Names::list(rooms));
            ack.send(&(of(&socket),))
        },
    );
}

fn emits(namespace: &Namespace) {
    namespace.on(
        "send",
        |socket: Socket, Data(mut wanted): Data<Wanted>, ack: Ack| -> Result<(), EmitError> {
            let to = wanted.to(&socket);
            to.emit(&wanted.event, &Spread(wanted.args))?;
            ack.send(&true)
        },
    );
    namespace.on(
        "ask_all",
        async |namespace: Namespace,
               Data(mut wanted): Data<Wanted>,
               ack: Ack|
               -> Result<(), EmitError> {
            let asked = wanted
                .targets(&namespace)
                .timeout(Duration::from_millis(wanted.timeout));
            let replies = asked
                .emit_with_ack::<Args>("ask", &Spread(wanted.args))
                .await?;
            let timed_out = replies.timed_out();
            let first = replies.ok().into_iter();
            let mut first: Vec<Value> = first.map(|args| first_of(&args)).collect();
            first.sort_by_cached_key(|value| match value.as_str() {
                Some(text) => text.to_owned(),
                None => value.to_string(),
            });
            ack.send(&(answers(timed_out, first),))
        },
    );
    namespace.on(
        "shout",
        |namespace: Namespace, Data((value,)): Data<(Value,)>| namespace.emit("shouted", &(value,)),
    );
}

/// The first argument of an answer.
pub(crate) fn first_of(args: &Args) -> Value {
    args.get(0).unwrap_or_default()
}

pub(crate) fn answers(timed_out: bool, replies: Vec<Value>) -> Value {
    let members = [
        ("timedOut", Value::from(timed_out)),
        ("replies", replies.into()),
    ];
    members.into_iter().collect()
}

/// These sockets of all nodes, sorted by their ids, or why not.
pub(crate) async fn fetched(of: To) -> Result<Vec<RemoteSocket>, Value> {
    let error = |why: String| Value::from_iter([("error", why)]);
    let fetched = of.fetch_sockets().await;
    let fetched = fetched.map_err(|why| error(why.to_string()))?;
    if !fetched.is_complete() {
        let silent = fetched.silent_nodes;
        return Err(error(format!("{silent} nodes have not answered")));
    }
    let mut sockets: Vec<_> = fetched.into_iter().collect();
    sockets.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    Ok(sockets)
}

fn seen(socket: &RemoteSocket) -> Value {
    let mut rooms = socket.rooms.clone();
    rooms.retain(|room| room != socket.id.as_str());
    rooms.sort();
    let data = socket.data.value().ok().filter(|data| !data.is_null());
    let data = data.unwrap_or_else(|| Value::Object(Default::default()));
    let members = [
        ("id", socket.id.as_str().into()),
        ("rooms", rooms.into()),
        ("data", data),
    ];
    members.into_iter().collect()
}

fn others(namespace: &Namespace) {
    namespace.on(
        "fetch",
        async |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| match fetched(
            wanted.targets(&namespace),
        )
        .await
        {
            Ok(sockets) => ack.send(&(sockets.iter().map(seen).collect::<Vec<_>>(),)),
            Err(why) => ack.send(&(why,)),
        },
    );
    namespace.on(
        "sockets_join",
        |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| {
            let joined = Names::list(wanted.join.take());
            wanted.targets(&namespace).join(joined);
            ack.send(&true)
        },
    );
    namespace.on(
        "sockets_leave",
        |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| {
            let left = Names::list(wanted.leave.take());
            wanted.targets(&namespace).leave(left);
            ack.send(&true)
        },
    );
    namespace.on(
        "sockets_disconnect",
        |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| -> Result<(), EmitError> {
            // The answer first: the one who asks may be among those who go.
            ack.send(&true)?;
            wanted.targets(&namespace).disconnect(wanted.close);
            Ok(())
        },
    );
}

/// The sockets that went away lately, with their reasons and rooms.
#[derive(Clone, Default)]
pub(crate) struct Gone(Arc<Mutex<Departures>>);

#[derive(Default)]
struct Departures {
    by_id: HashMap<String, Value>,
    in_order: VecDeque<String>,
}

impl Gone {
    fn add(&self, socket: &Socket, reason: DisconnectReason) {
        let end: Value = [
            ("reason", Value::from(reason.as_str())),
            ("rooms", of(socket).into()),
        ]
        .into_iter()
        .collect();
        let id = socket.id().as_str().to_owned();
        let mut departures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if departures.in_order.len() == REMEMBERED
            && let Some(oldest) = departures.in_order.pop_front()
        {
            departures.by_id.remove(&oldest);
        }
        departures.in_order.push_back(id.clone());
        departures.by_id.insert(id, end);
    }

    fn get(&self, id: &str) -> Value {
        let departures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        departures.by_id.get(id).cloned().unwrap_or(Value::Null)
    }
}

fn departures(namespace: &Namespace, gone: &Gone) {
    let ends = gone.clone();
    namespace.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
        ends.add(&socket, reason);
    });
    let ends = gone.clone();
    namespace.on(
        "last_disconnect",
        move |Data(id): Data<String>, ack: Ack| ack.send(&(ends.get(&id),)),
    );
}
