//! What is logged, and what must not be.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sio_tokio::parser::{Decoder, EncodeError, Fault, Limits, Packet, PacketType, Parser};
use sio_tokio::{
    Data, EngineServer, EngineSocket, Failure, Incoming, Io, Message, Refusal, RequestHead, Server,
    Socket,
};
use tokio::sync::Semaphore;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::alone::alone_on_each_runtime;
use crate::client::{Client, calm, exchange};
use crate::here::until;
use crate::wire::{Wire, opening_at};
use crate::world::{On, World};

/// Everything that is logged up to `debug`, the fields of spans too.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// Those above `debug`.
    loud: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Log {
    fn add(&self, record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("sio")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.add(|line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.add(|line| values.record(line));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add(|line| event.record(line));
        if *event.metadata().level() < Level::DEBUG {
            let last = self.lines.lock().unwrap().last().cloned();
            self.loud.lock().unwrap().extend(last);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The ids of revision 4's sockets have the session's in them.
async fn no_session_id_is_logged_whole(on: On) {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        socket.use_(|packet: &mut Incoming| match &*packet.name {
            "refused" => Err("no"),
            _ => Ok(()),
        });
    });
    io.of("/").on("number", |_: Data<u64>| ());
    io.of("/").on("fails", || Err::<(), _>("why"));
    io.of("/").on("panics", || {
        if true {
            panic!("on purpose")
        }
    });
    io.of("/chat");
    io.of("/closed")
        .use_(|_: Socket| Err::<(), Refusal>("shut".into()));
    let world = World::new(on, io.clone()).await;
    let mut client = Client::raw(world.address, "&EIO=3").await;
    let open = client.text().await;
    let (_, rest) = open.split_once(r#""sid":""#).unwrap();
    let sid = rest.split_once('"').unwrap().0.to_owned();
    client.expect("40").await;
    let shown = io
        .of("/")
        .sockets()
        .iter()
        .map(|it| format!("{it:?}"))
        .collect::<String>();
    for packet in [
        "40/chat,",
        "40/closed,",
        r#"42["refused"]"#,
        r#"42["number","none"]"#,
        r#"42["fails"]"#,
        "41/chat,",
        r#"42["panics"]"#,
    ] {
        client.send(packet).await;
    }
    client.rest().await;
    until("its end", || io.engine_sessions() == 0).await;
    world.ends().await;

    let lines = log.lines.lock().unwrap().clone();
    let said = |words: &str| lines.iter().any(|line| line.contains(words));
    let expected = BTreeSet::from([
        "socket connected",
        "socket disconnected",
        "namespace refused",
        "packet refused",
        "event refused",
        "handler failed",
        "handler panicked",
        "session opened",
    ]);
    for words in expected {
        assert!(said(words), "{words}: {lines:#?}");
    }
    for line in lines.iter().chain([&shown]) {
        assert!(!line.contains(&sid), "{line}");
    }
    // It is known by its beginning.
    assert!(said(&format!("socket={}… ", &sid[..4])), "{lines:#?}");
    assert!(said(&format!("socket=/chat#{}… ", &sid[..4])), "{lines:#?}");
}

/// A client may cause what it likes: nothing of what it says is logged, and nothing louder than `debug`.
async fn no_client_fills_the_log(on: On) {
    // faults: H12
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let io = Io::new(calm());
    let gate = Arc::new(Semaphore::new(0));
    let (waits, failed) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    let main = io.of("/");
    main.on("number", |_: Data<u64>| ());
    main.on("late", move |socket: Socket| {
        let waits = waits.clone();
        async move {
            waits.acquire().await.unwrap().forget();
            socket.emit("answer", &())
        }
    });
    let counts = failed.clone();
    io.on_error(move |error| {
        // `sync` is nobody's.
        if !matches!(error.why, Failure::Unhandled) {
            counts.fetch_add(1, Ordering::Relaxed);
        }
    });
    let engine = EngineServer::new(calm().path("/engine.io"));
    engine.on_message(|_: EngineSocket, message: Message| Err::<(), _>(format!("{message:?}")));
    engine.generate_id(async |head: Arc<RequestHead>| match head.query("not") {
        Some(said) => Err(said.repeat(1_000)),
        None => Ok("of-one".to_owned()),
    });
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(on, io.clone(), server).await;
    let refused = opening_at("/engine.io", "&not=s3cret");
    let refused = exchange(world.address, refused.as_bytes()).await;
    assert_eq!(refused.status, 400);
    let secret = "s3cret".repeat(8_000);

    let (mut client, _) = world.join().await;
    client.send(&format!(r#"42["number","{secret}"]"#)).await;
    for _ in 0..5 {
        client.send(r#"42["late"]"#).await;
    }
    client.send(&format!(r#"42["sync","{secret}"]"#)).await;
    until("the first has failed", || {
        failed.load(Ordering::Relaxed) == 1
    })
    .await;
    // Not even a packet.
    client.send(&format!("4x{secret}")).await;
    drop(client);
    until("its end", || io.of("/").is_empty()).await;
    gate.add_permits(5);
    until("all have failed", || failed.load(Ordering::Relaxed) == 6).await;

    let mut plain = Client::on(Wire::opened(world.address, opening_at("/engine.io", "")).await);
    plain.text().await;
    plain.send(&format!("4{secret}")).await;
    plain.send("1").await;
    plain.rest().await;
    until("its end", || engine.sessions() == 0).await;
    engine.close().await;
    world.ends().await;

    let lines = log.lines.lock().unwrap().clone();
    assert!(
        lines.iter().any(|line| line.contains("event refused")),
        "{lines:#?}"
    );
    let longest = lines.iter().map(String::len).max();
    assert!(longest < Some(1_000), "{longest:?}");
    assert_eq!(*log.loud.lock().unwrap(), [""; 0]);
    let refused = lines.iter().find(|line| line.contains("event refused"));
    assert!(
        refused.is_some_and(|line| !line.contains("s3cret")),
        "{refused:?}"
    );
}

/// Packets as JSON, but for the answer to one namespace.
struct Odd;

impl Parser for Odd {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        if packet.namespace == "/odd" && packet.kind == PacketType::Connect {
            return Err(EncodeError::refused("odd"));
        }
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Limits| match message {
            Message::Text(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_| Fault::Payload),
            Message::Binary(_) => Err(Fault::UnexpectedBinary),
        })
    }
}

/// Clients may come as often as they like.
async fn a_parser_that_does_not_write_is_warned_of_once(on: On) {
    // faults: H12
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let io = Io::new(calm().parser(Odd));
    io.of("/odd");
    let world = World::new(on, io.clone()).await;
    for _ in 0..3 {
        let mut client = Client::open(world.address, "&EIO=4").await;
        client.send(r#"4{"type":0,"nsp":"/odd"}"#).await;
        client.rest().await;
    }
    world.ends().await;
    let said = |lines: &Mutex<Vec<String>>| {
        let lines = lines.lock().unwrap();
        lines.iter().filter(|it| it.contains("not written")).count()
    };
    assert_eq!(said(&log.loud), 1);
}

alone_on_each_runtime! {
    a_parser_that_does_not_write_is_warned_of_once,
    no_session_id_is_logged_whole,
    no_client_fills_the_log,
}
