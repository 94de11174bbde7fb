//! The server of `SUITE=socket.io-client`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::sio::{
    Ack, Args, Bytes, Config, ConnectionStateRecovery, Data, EmitError, Io, Refusal, RequestHead,
    Server, Socket, Value,
};

/// How long a handshake waits: clients whose connect timeout is nothing at all must see it expire.
const DELAY: Duration = Duration::from_millis(10);

pub(crate) fn server() -> Server {
    let config = Config::v4()
        .ping_interval(Duration::from_secs(2))
        .connection_state_recovery(ConnectionStateRecovery::default());
    let io = Io::new(config);

    let root = io.of("/");
    root.use_(
        |socket: Socket| match socket.handshake().query.get("fail") {
            Some(_) => Err(Refusal::new("Auth failed (main namespace)")),
            None => Ok(()),
        },
    );
    words(&io);
    dates(&io);
    binary(&io);

    io.of("/foo")
        .on("getId", |socket: Socket, ack: Ack| ack.send(socket.id()));
    for quiet in ["/timeout_socket", "/valid", "/asd"] {
        io.of(quiet);
    }
    io.of("/no")
        .use_(|_: Socket| Err::<(), _>(Refusal::new("Auth failed (custom namespace)")));
    io.of("/abc")
        .on_connect(|socket: Socket| socket.emit("handshake", &handshake(&socket)));
    io.allow_request(async |_: Arc<RequestHead>| {
        crate::support::sleep(DELAY).await;
        Ok::<(), String>(())
    });
    Server::new(io)
}

fn words(io: &Io) {
    let root = io.of("/");
    root.on("hi", |socket: Socket| socket.emit("hi", &()));
    root.on("echo", |Data((value,)): Data<(Value,)>, ack: Ack| {
        ack.send(&(value,))
    });
    root.on("ack", async |socket: Socket| -> Result<(), EmitError> {
        let Ok((five, test)) = socket.emit_with_ack::<(u64, Value)>("ack", &()).await else {
            return Ok(());
        };
        if five == 5 && test["test"].as_bool() == Some(true) {
            socket.emit("got it", &())?;
        }
        Ok(())
    });
    root.on("getUtf8", |socket: Socket| -> Result<(), EmitError> {
        let texts = [
            "てすと",
            "Я Б Г Д Ж Й",
            "Ä ä Ü ü ß",
            "utf8 — string",
            "utf8 — string",
        ];
        for text in texts {
            socket.emit("takeUtf8", text)?;
        }
        Ok(())
    });
    root.on("false", |socket: Socket| socket.emit("false", &false));
    root.on("getId", |socket: Socket, ack: Ack| ack.send(socket.id()));
    root.on("getHandshake", |socket: Socket, ack: Ack| {
        ack.send(&handshake(&socket))
    });
}

fn dates(io: &Io) {
    let root = io.of("/");
    root.on("getAckDate", |ack: Ack| ack.send(&super::date::iso()));
    root.on("getDate", |socket: Socket| {
        socket.emit("takeDate", &super::date::iso())
    });
    root.on("getDateObj", |socket: Socket| {
        let object: Value = [("date", super::date::iso())].into_iter().collect();
        socket.emit("takeDateObj", &object)
    });
}

fn binary(io: &Io) {
    let root = io.of("/");
    let eight = Bytes::from_static(b"asdfasdf");
    for (event, answer) in [("doge", "doge"), ("getbin", "takebin")] {
        let eight = eight.clone();
        root.on(event, move |socket: Socket| socket.emit(answer, &eight));
    }
    root.on("buffa", |socket: Socket, Data(_): Data<Bytes>| {
        socket.emit("buffack", &())
    });
    for (event, answer) in [("jsonbuff", "jsonbuff-ack"), ("jsonblob", "jsonblob-ack")] {
        root.on(
            event,
            move |socket: Socket, Data(mixed): Data<Value>| -> Result<(), EmitError> {
                let is_whole = mixed["hello"].as_str() == Some("lol")
                    && mixed["message"].as_binary().is_some()
                    && mixed["goodbye"].as_str() == Some("gotcha");
                if is_whole {
                    socket.emit(answer, &())?;
                }
                Ok(())
            },
        );
    }
    root.on("blob", |socket: Socket, Data(blob): Data<Bytes>| {
        socket.emit("back", &blob)
    });

    // Attachments must not be overtaken: what comes last is answered if the others came before.
    root.on_connect(|socket: Socket| {
        in_order(&socket, &["abuff1", "abuff2"], "abuff2-ack");
        in_order(&socket, &["blob1", "blob2", "blob3"], "blob3-ack");
    });
}

/// Answers the last of these events if each was preceded by the one before it.
fn in_order(socket: &Socket, events: &'static [&'static str], answer: &'static str) {
    let seen: Arc<[AtomicBool]> = events.iter().map(|_| AtomicBool::new(false)).collect();
    for (at, &event) in events.iter().enumerate() {
        let seen = Arc::clone(&seen);
        socket.on(
            event,
            move |socket: Socket, _: Args| -> Result<(), EmitError> {
                let in_order = at == 0 || seen[at - 1].load(Ordering::Relaxed);
                seen[at].store(in_order, Ordering::Relaxed);
                if in_order && at + 1 == seen.len() {
                    socket.emit(answer, &())?;
                }
                Ok(())
            },
        );
    }
}

fn handshake(socket: &Socket) -> Value {
    let handshake = socket.handshake();
    let query: Value = handshake.query.iter().collect();
    let headers: Value = handshake.headers.iter().collect();
    [
        ("headers", headers),
        ("time", handshake.time.as_str().into()),
        ("issued", handshake.issued.into()),
        ("query", query),
        ("auth", handshake.auth.value()),
        ("address", handshake.address.map(|a| a.to_string()).into()),
        ("url", (&*handshake.url).into()),
        ("secure", handshake.secure.into()),
        ("xdomain", handshake.xdomain.into()),
    ]
    .into_iter()
    .collect()
}
