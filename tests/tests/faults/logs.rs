//! What is logged, and what must not be.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use sio_tokio::{Data, Incoming, Io, Refusal, Socket};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::alone::alone_on_each_runtime;
use crate::client::{Client, calm};
use crate::here::until;
use crate::world::{On, World};

/// Everything that is logged up to `debug`, the fields of spans too.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
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

alone_on_each_runtime! {
    no_session_id_is_logged_whole,
}
