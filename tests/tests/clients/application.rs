//! What the clients talked to when they were recorded.

use sio_tokio::{Ack, Args, EventName, Io, Namespace, Socket, Value};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Handlers in `/` and `/chat`. Other namespaces there are none. What comes back says that a client wants
/// the server to end.
pub(crate) fn application(io: &Io) -> UnboundedReceiver<()> {
    let (tell, told) = unbounded_channel();
    for name in ["/", "/chat"] {
        handlers(&io.of(name), tell.clone());
    }
    told
}

fn handlers(namespace: &Namespace, end: UnboundedSender<()>) {
    namespace.on("end", move || end.send(()));
    // Comes back, in an answer if one was asked for.
    namespace.on(
        "echo",
        |socket: Socket, args: Args, name: EventName, ack: Ack| match ack.is_requested() {
            true => ack.send(&args),
            false => socket.emit(name, &args),
        },
    );
    namespace.on("bin", |args: Args, ack: Ack| ack.send(&args));
    // For clients that read no answers with bytes in them.
    namespace.on("size", |args: Args, ack: Ack| {
        let args = (0..args.len()).filter_map(|at| args.get::<Value>(at).ok());
        ack.send(&[args.map(size).collect::<Vec<_>>()])
    });
    namespace.on("ask", async |socket: Socket| {
        let answer = socket.emit_with_ack::<Value>("question", &1).await?;
        socket.emit("answered", &answer)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
}

fn size(value: Value) -> usize {
    match value {
        Value::Binary(bytes) => bytes.len(),
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => 1,
    }
}
