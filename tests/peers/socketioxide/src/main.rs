//! The part of the contract of the `interop` example that a client of ours asks for, served by socketioxide.

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use rmpv::Value;
use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;

fn variable<T: std::str::FromStr>(name: &str, fallback: T) -> T {
    let said = std::env::var(name).ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(fallback)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_millis(variable("PING_INTERVAL", 1000)))
        .ping_timeout(Duration::from_millis(variable("PING_TIMEOUT", 800)))
        .build_layer();
    io.ns("/", serve);
    io.ns("/custom", serve);
    let address = ("127.0.0.1", variable("PORT", 3000));
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    println!("listening");
    axum::serve(listener, Router::new().layer(layer)).await
}

/// All arguments, however many there are: what is no tuple stands for one to socketioxide.
struct All(Vec<Value>);

impl<'de> Deserialize<'de> for All {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<Value>, A::Error> {
                let mut args = Vec::new();
                while let Some(arg) = all.next_element()? {
                    args.push(arg);
                }
                Ok(args)
            }
        }
        deserializer.deserialize_tuple(2, Each).map(Self)
    }
}

impl Serialize for All {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for arg in &self.0 {
            tuple.serialize_element(arg)?;
        }
        tuple.end()
    }
}

async fn serve(socket: SocketRef) {
    socket.on("echo", async |Data::<All>(args), ack: AckSender| {
        ack.send(&args).ok();
    });
    socket.on(
        "burst",
        async |socket: SocketRef, Data::<(u64, usize)>((count, size)), ack: AckSender| {
            let text = "p".repeat(size);
            for at in 0..count {
                socket.emit("burst", &(at, &text)).ok();
            }
            ack.send(&count).ok();
        },
    );
    socket.on(
        "call_me",
        async |socket: SocketRef, Data::<All>(args), ack: AckSender| {
            let Ok(answer) = socket.emit_with_ack::<_, All>("please_ack", &args) else {
                return;
            };
            let Ok(reply) = answer.await else { return };
            let answer = vec![
                (Value::from("ok"), Value::from(true)),
                (Value::from("reply"), Value::from(reply.0)),
            ];
            ack.send(&Value::Map(answer)).ok();
        },
    );
    socket.on("kick", async |socket: SocketRef| {
        socket.disconnect().ok();
    });
}
