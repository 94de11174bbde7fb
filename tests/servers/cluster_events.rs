//! The events of `cluster` that `interop` does not have.

use std::time::Duration;

use serde::Deserialize;

use super::Node;
use super::application::events::Spread;
use super::application::rooms::{Names, Wanted, answers, fetched, first_of};
use crate::sio::{
    Ack, AdapterError, Args, Bytes, Data, EmitError, Namespace, RemoteSocket, ServerAck, Socket,
    To, Value,
};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How long servers are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn register(namespace: &Namespace, node: &Node) {
    about(namespace, node);
    emits(namespace);
    sockets(namespace);
    servers(namespace);
    heard(namespace, node);
    names(namespace);
    of_one(namespace);
    custom(namespace, node);
}

fn error(why: impl ToString) -> Value {
    Value::from_iter([("error", why.to_string())])
}

fn about(namespace: &Namespace, node: &Node) {
    let its = node.clone();
    namespace.on("node", move |ack: Ack| {
        let members = [("name", &its.name), ("adapter", &its.adapter)];
        let told: Value = members
            .into_iter()
            .map(|(name, text)| (name, Value::from(text.as_str())))
            .collect();
        ack.send(&(told,))
    });
    namespace.on(
        "server_count",
        async |namespace: Namespace, ack: Ack| match namespace.adapter().server_count().await {
            Ok(count) => ack.send(&count),
            Err(why) => ack.send(&(error(why),)),
        },
    );
}

/// `send`, many times.
#[derive(Deserialize)]
struct Many {
    n: u64,
    size: usize,
    #[serde(flatten)]
    spec: Wanted,
}

/// One step of a `batch`.
#[derive(Deserialize)]
struct Step {
    op: String,
    #[serde(flatten)]
    spec: Wanted,
}

fn emits(namespace: &Namespace) {
    namespace.on(
        "count_up",
        |socket: Socket, Data(mut many): Data<Many>, ack: Ack| -> Result<(), EmitError> {
            let (to, payload) = (many.spec.to(&socket), "p".repeat(many.size));
            for i in 0..many.n {
                to.emit(&many.spec.event, &(i, &payload))?;
            }
            ack.send(&many.n)
        },
    );
    namespace.on(
        "batch",
        |socket: Socket, Data((steps,)): Data<(Vec<Step>,)>, ack: Ack| -> Result<(), EmitError> {
            for step in steps {
                step.take(&socket)?;
            }
            ack.send(&true)
        },
    );
}

impl Step {
    fn take(mut self, socket: &Socket) -> Result<(), EmitError> {
        let spec = &mut self.spec;
        match &*self.op {
            "send" => {
                let args = Spread(take(spec));
                spec.to(socket).emit(&spec.event, &args)?;
            }
            "self" => {
                let args = Spread(take(spec));
                socket.emit(&spec.event, &args)?;
            }
            "join" => {
                let rooms = Names::list(spec.join.take());
                spec.targets(socket.namespace()).join(rooms);
            }
            "leave" => {
                let rooms = Names::list(spec.leave.take());
                spec.targets(socket.namespace()).leave(rooms);
            }
            "ask" => {
                let to = spec.targets(socket.namespace());
                let to = to.timeout(Duration::from_millis(spec.timeout));
                // The question is on its way; nobody wants the answers.
                drop(to.emit_with_ack::<Args>("ask", &Spread(take(spec))));
            }
            _ => {}
        }
        Ok(())
    }
}

fn take(spec: &mut Wanted) -> Vec<Value> {
    std::mem::take(&mut spec.args)
}

/// What is to be done with one socket, wherever it is.
#[derive(Deserialize)]
struct OfOne {
    id: String,
    op: String,
    #[serde(default)]
    args: Vec<Value>,
}

fn sockets(namespace: &Namespace) {
    namespace.on(
        "fetch_more",
        async |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| match fetched(
            wanted.targets(&namespace),
        )
        .await
        {
            Ok(sockets) => ack.send(&(sockets.iter().map(handshake).collect::<Vec<_>>(),)),
            Err(why) => ack.send(&(why,)),
        },
    );
    namespace.on(
        "remote",
        async |namespace: Namespace, Data(of): Data<OfOne>, ack: Ack| -> Result<(), Fault> {
            let found = fetched(namespace.to(&of.id)).await;
            let done = match found.as_deref() {
                Ok([socket]) => done(namespace.to(&socket.id), of).await?,
                Ok(_) => Value::Null,
                Err(why) => why.clone(),
            };
            ack.send(&(done,))?;
            Ok(())
        },
    );
}

async fn done(to: To, of: OfOne) -> Result<Value, EmitError> {
    let mut args = of.args.into_iter();
    let first = args.next().unwrap_or_default();
    let rest = Spread(args.collect());
    let text = first.as_str().unwrap_or_default();
    match &*of.op {
        "emit" => to.emit(text, &rest)?,
        "join" => to.join(text),
        "leave" => to.leave(text),
        "disconnect" => to.disconnect(first.as_bool().unwrap_or_default()),
        "ask" => {
            let timeout = Duration::from_millis(first.as_u64().unwrap_or_default());
            let replies = to.timeout(timeout).emit_with_ack::<Args>("ask", &rest);
            let replies = replies.await?.ok();
            return Ok(match replies.first() {
                Some(args) => [("ok", true.into()), ("reply", first_of(args))]
                    .into_iter()
                    .collect(),
                None => Value::from_iter([("ok", false)]),
            });
        }
        other => return Ok(error(format!("{other} is no op"))),
    }
    Ok(Value::from_iter([("ok", true)]))
}

fn handshake(socket: &RemoteSocket) -> Value {
    let its = &socket.handshake;
    let transports = ["EIO", "transport", "t", "sid", "b64"];
    let query = its.query.iter();
    let query = query.filter(|(name, _)| !transports.contains(name));
    let test = its.headers.get("x-test");
    let address = its.address.map(|address| address.ip().to_string());
    let members = [
        ("id", socket.id.as_str().into()),
        ("auth", its.auth.value()),
        ("query", query.collect()),
        ("test_header", test.map_or(Value::Null, Value::from)),
        ("address", address.unwrap_or_default().into()),
        ("secure", its.secure.into()),
        ("xdomain", its.xdomain.into()),
        ("url", Value::from(&*its.url)),
        ("issued", its.issued.into()),
        ("time", its.time.as_str().into()),
    ];
    members.into_iter().collect()
}

/// A name, and whatever follows.
fn named(args: &Args) -> Option<(String, Spread)> {
    let mut values = args.values().ok()?.into_iter();
    let name = values.next()?.as_str()?.to_owned();
    Some((name, Spread(values.collect())))
}

fn servers(namespace: &Namespace) {
    namespace.on(
        "sse",
        |namespace: Namespace, args: Args, ack: Ack| -> Result<(), Fault> {
            let (name, args) = named(&args).ok_or("no name")?;
            // Where there are no others, nobody hears it.
            let _ = namespace.server_side_emit(&name, &args);
            ack.send(&true)?;
            Ok(())
        },
    );
    namespace.on(
        "sse_ask",
        async |namespace: Namespace, args: Args, ack: Ack| -> Result<(), Fault> {
            let (name, args) = named(&args).ok_or("no name")?;
            let answered = namespace.server_side_ask(&name, &args, Some(PATIENCE));
            let told = match answered.await {
                Ok(told) => {
                    let replies = told.iter().map(|answer| first_of(&answer.args));
                    answers(!told.is_complete(), replies.collect())
                }
                Err(AdapterError::Alone) => answers(false, Vec::new()),
                Err(_) => answers(true, Vec::new()),
            };
            ack.send(&(told,))?;
            Ok(())
        },
    );
}

fn heard(namespace: &Namespace, node: &Node) {
    let (its, name) = (namespace.clone(), node.name.clone());
    namespace.on_server_side(move |event, args| {
        if event == "note"
            && let Ok(values) = args.values()
        {
            let noted = [Value::from(name.as_str())].into_iter().chain(values);
            // What came can be written.
            let _ = its.local().emit("noted", &Spread(noted.collect()));
        }
    });
    let name = node.name.clone();
    namespace.on_server_side_ask(move |event, args, ack: ServerAck| {
        let answered = match event {
            "question" => {
                let args: Vec<Value> = args.values().unwrap_or_default();
                let members = [("node", Value::from(name.as_str())), ("args", args.into())];
                ack.send(&(Value::from_iter(members),))
            }
            CUSTOM => ack.send(&(answered(&name, args),)),
            "question_bin" => ack.send(&(Bytes::from_static(&[1, 2, 3]),)),
            "question_never" => {
                // Dropped, it would be answered with nothing.
                std::mem::forget(ack);
                Ok(())
            }
            _ => ack.send(&()),
        };
        // What was answered can be written.
        let _ = answered;
    });
}

/// What the 2.x line's adapter is asked.
fn names(namespace: &Namespace) {
    namespace.on(
        "clients",
        async |namespace: Namespace, Data(mut wanted): Data<Wanted>, ack: Ack| {
            let ids = wanted.targets(&namespace).clients().await;
            let ids = ids.map(|ids| ids.iter().map(ToString::to_string).collect());
            ack.send(&(sorted(ids),))
        },
    );
    namespace.on("all_rooms", async |namespace: Namespace, ack: Ack| {
        let rooms = namespace.rooms().await;
        ack.send(&(sorted(rooms.map(|rooms| rooms.to_vec())),))
    });
}

/// What the 2.x line's adapter does with one socket.
fn of_one(namespace: &Namespace) {
    namespace.on(
        "client_rooms",
        async |namespace: Namespace, Data(id): Data<String>, ack: Ack| {
            ack.send(&(sorted(namespace.client_rooms(&id).await),))
        },
    );
    namespace.on(
        "remote_join",
        async |namespace: Namespace, Data((id, room)): Data<(String, String)>, ack: Ack| {
            ack.send(&(done_or_not(namespace.remote_join(&id, &room).await),))
        },
    );
    namespace.on(
        "remote_leave",
        async |namespace: Namespace, Data((id, room)): Data<(String, String)>, ack: Ack| {
            ack.send(&(done_or_not(namespace.remote_leave(&id, &room).await),))
        },
    );
    namespace.on(
        "remote_disconnect",
        async |namespace: Namespace, Data((id, close)): Data<(String, bool)>, ack: Ack| {
            ack.send(&(done_or_not(namespace.remote_disconnect(&id, close).await),))
        },
    );
}

fn done_or_not(done: Result<(), AdapterError>) -> Value {
    done.map_or_else(error, |()| Value::from(true))
}

/// The one question to servers that the 2.x line has.
const CUSTOM: &str = "customRequest";

fn custom(namespace: &Namespace, node: &Node) {
    let name = node.name.clone();
    namespace.on(
        "custom_request",
        move |namespace: Namespace, args: Args, ack: Ack| {
            let own = answered(&name, &args);
            async move {
                let told = namespace.server_side_ask(CUSTOM, &args, Some(PATIENCE));
                let told = match told.await {
                    Ok(told) => {
                        let others = told.iter().map(|answer| first_of(&answer.args));
                        Value::Array([own].into_iter().chain(others).collect())
                    }
                    Err(why) => error(why),
                };
                ack.send(&(told,))
            }
        },
    );
}

fn answered(name: &str, args: &Args) -> Value {
    let members = [("node", Value::from(name)), ("data", first_of(args))];
    members.into_iter().collect()
}

fn sorted(names: Result<Vec<String>, AdapterError>) -> Value {
    match names {
        Ok(mut names) => {
            names.sort();
            names.into()
        }
        Err(why) => error(why),
    }
}
