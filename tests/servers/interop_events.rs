//! The events of `interop` that concern one socket.

use std::time::{Duration, Instant};

use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::remember;
use crate::sio::{Ack, Args, Bytes, Data, EmitError, EventName, Namespace, Socket, Value};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How long `call_me` waits for its client.
const PATIENCE: Duration = Duration::from_secs(3);

/// Values as separate arguments, however many they are.
pub(crate) struct Spread(pub(crate) Vec<Value>);

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in &self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

pub(crate) fn register(namespace: &Namespace) {
    namespace.on("who", |socket: Socket, ack: Ack| ack.send(&who(&socket)));
    echoes(namespace);
    shapes(namespace);
    sequences(namespace);
    calls(namespace);
    endings(namespace);
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect()
}

fn who(socket: &Socket) -> Value {
    let handshake = socket.handshake();
    let transports = ["EIO", "transport", "t", "sid", "b64"];
    let query = handshake
        .query
        .iter()
        .filter(|(name, _)| !transports.contains(name))
        .collect();
    object([
        ("id", socket.id().as_str().into()),
        ("nsp", socket.namespace().name().into()),
        ("rooms", super::rooms::of(socket).into()),
        ("auth", handshake.auth.value()),
        ("query", query),
        ("transport", socket.conn().transport().as_str().into()),
        ("eio", u64::from(socket.conn().revision().number()).into()),
        ("recovered", socket.recovered().into()),
    ])
}

fn echoes(namespace: &Namespace) {
    namespace.on("echo", |socket: Socket, args: Args, ack: Ack| {
        if ack.is_requested() {
            ack.send(&args)
        } else {
            socket.emit("echo_back", &args)
        }
    });
    namespace.on("ack_none", |ack: Ack| ack.send(&()));
    namespace.on(
        "late_ack",
        async |Data((ms, value)): Data<(u64, Value)>, ack: Ack| {
            crate::support::sleep(Duration::from_millis(ms)).await;
            ack.send(&(value,))
        },
    );
    namespace.on_any(
        |socket: Socket, name: EventName, args: Args| -> Result<(), EmitError> {
            if name.starts_with("any:") {
                socket.emit("any_seen", &(&*name, args.len()))?;
            }
            Ok(())
        },
    );
}

fn shapes(namespace: &Namespace) {
    namespace.on("describe", |args: Args, ack: Ack| -> Result<(), Fault> {
        let values = args.values()?;
        ack.send(&(values.into_iter().map(described).collect::<Vec<_>>(),))?;
        Ok(())
    });
    namespace.on(
        "make_bin",
        |socket: Socket, Data(wanted): Data<Value>, ack: Ack| {
            let number = |name: &str| wanted[name].as_u64().unwrap_or(0);
            let made = made(number("count"), number("size"));
            if ack.is_requested() {
                ack.send(&(made,))
            } else {
                socket.emit("made_bin", &(made,))
            }
        },
    );
    namespace.on("big", |Data(n): Data<usize>, ack: Ack| {
        ack.send(&"x".repeat(n))
    });
}

/// The value with its bytes replaced by their number and their sum.
fn described(value: Value) -> Value {
    match value {
        Value::Binary(bytes) => {
            let sum: u64 = bytes.iter().copied().map(u64::from).sum();
            object([
                ("$bin", (bytes.len() as u64).into()),
                ("$sum", (sum % 65_536).into()),
            ])
        }
        Value::Array(items) => items.into_iter().map(described).collect::<Vec<_>>().into(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name, described(value.clone())))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn made(count: u64, size: u64) -> Value {
    let items = (0..count).map(|i| {
        let data: Bytes = (0..size).map(|j| (i + j).to_le_bytes()[0]).collect();
        object([("i", i.into()), ("data", Value::Binary(data))])
    });
    object([
        ("n", count.into()),
        ("items", items.collect::<Vec<_>>().into()),
    ])
}

fn sequences(namespace: &Namespace) {
    namespace.on(
        "burst",
        |socket: Socket, Data((n, size)): Data<(u64, usize)>, ack: Ack| -> Result<(), EmitError> {
            let payload = "p".repeat(size);
            for i in 0..n {
                socket.emit("burst", &(i, &payload))?;
            }
            ack.send(&n)
        },
    );
    namespace.on("seq", |socket: Socket, Data((i,)): Data<(Value,)>| {
        remember(&socket, |sequence| sequence.push(i));
    });
    namespace.on("seq_get", |socket: Socket, ack: Ack| {
        ack.send(&(remember(&socket, std::mem::take),))
    });
    namespace.on(
        "set_data",
        |socket: Socket, Data((data,)): Data<(Value,)>, ack: Ack| {
            socket.set_data(data);
            ack.send(&true)
        },
    );
    namespace.on("steps", |socket: Socket, ack: Ack| {
        let data: Value = socket.data().unwrap_or_default();
        let steps = data["steps"].clone();
        ack.send(&(if steps.is_null() {
            Value::Array(Vec::new())
        } else {
            steps
        },))
    });
    namespace.on(
        "vol",
        |socket: Socket, Data(n): Data<u64>, ack: Ack| -> Result<(), EmitError> {
            for i in 0..n {
                socket.volatile().emit("vol_item", &i)?;
            }
            ack.send(&n)
        },
    );
}

fn calls(namespace: &Namespace) {
    namespace.on(
        "call_me",
        async |socket: Socket, args: Args, ack: Ack| -> Result<(), Fault> {
            let asked = socket
                .timeout(PATIENCE)
                .emit_with_ack::<Args>("please_ack", &args);
            let answer = match asked.await {
                Ok(reply) => object([("ok", true.into()), ("reply", reply.values()?.into())]),
                Err(_) => object([("ok", false.into())]),
            };
            ack.send(&(answer,))?;
            Ok(())
        },
    );
    namespace.on(
        "call_me_timeout",
        async |socket: Socket, Data(ms): Data<u64>, ack: Ack| {
            let begun = Instant::now();
            let asked = socket
                .timeout(Duration::from_millis(ms))
                .emit_with_ack::<Args>("never_ack", &1);
            let timed_out = asked.await.is_err();
            let after = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let answer = object([("timedOut", timed_out.into()), ("after", after.into())]);
            ack.send(&(answer,))
        },
    );
}

fn endings(namespace: &Namespace) {
    namespace.on("kick", |socket: Socket, Data(close): Data<Value>| {
        socket.disconnect(super::is_truthy(&close));
    });
    namespace.on("kick_engine", |socket: Socket| socket.conn().close());
}
