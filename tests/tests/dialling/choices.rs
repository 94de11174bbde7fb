//! What an application chooses: credentials, what a refusal means, repeating, the order of handlers; and what becomes
//! of its mistakes.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sio_driver::client::{
    Attempt, Backoff, BoxStream, Client, Config, ConnectError, Connected, Connector, Decision,
    Dial, Dialer, Disconnected, Handlers, Retry,
};
use sio_tokio::{Ack, AckError, Data, Refusal, Socket, State, TransportKind, Value};

use crate::here::{pause, until, within};
use crate::server::{Heard, WAYS, builder, served};
use crate::world::On;

/// Credentials are asked for each time, and a refusal can be answered by asking again.
async fn who_is_refused_may_ask_again<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let told = Heard::default();
    let notes = told.clone();
    world.io.of("/picky").use_(move |socket: Socket| {
        let auth = socket.handshake().auth.value();
        let token = auth.get("token").and_then(Value::as_u64);
        notes.note(format!("{token:?}"));
        (token == Some(2))
            .then_some(())
            .ok_or_else(|| Refusal::new("too young").data("E_YOUNG"))
    });
    let client = builder(&world, runtime)
        .auth_fn(|attempt: Attempt| async move {
            Ok::<_, String>(Value::from_iter([("token", attempt.refusals)]))
        })
        .on_refused(|refusal, times| {
            assert!(refusal.data_is("E_YOUNG") && !refusal.data_is("too young"));
            match times < 5 {
                true => Decision::Again(Duration::from_millis(1)),
                false => Decision::Stay,
            }
        });
    let client = client.build().unwrap();
    let socket = client.socket("/picky");
    within("the namespace", socket.connect()).await.unwrap();
    assert_eq!(told.all(), ["Some(0)", "Some(1)", "Some(2)"]);

    // Who has none stays out.
    let other = client.socket("/chat");
    other.set_auth_fn(async |_| Err::<(), _>("none to be had"));
    let outcome = within("an end", other.connect()).await;
    assert_eq!(outcome, Err(ConnectError::Stopped));
    other.set_auth(&Value::from_iter([("any", true)])).unwrap();
    within("the namespace", other.connect()).await.unwrap();
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Whoever is asked and never answers is asked again by the next attempt, and what he was asked before is let go.
async fn who_never_answers_is_asked_by_one_attempt_at_a_time<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let asked = Arc::new(AtomicU32::new(0));
    let (times, waits) = (asked.clone(), Arc::new(()));
    let waiting = waits.clone();
    let quick = Backoff::new(Duration::from_millis(10), Duration::from_millis(20));
    let config = Config::v4().reconnection(quick);
    let client = builder(&world, runtime)
        .config(config.connect_timeout(Duration::from_millis(300)))
        .auth_fn(move |_| {
            times.fetch_add(1, Ordering::Relaxed);
            let waits = waiting.clone();
            async move {
                std::future::pending::<()>().await;
                drop(waits);
                Ok::<_, String>(Value::from_iter([("token", "none")]))
            }
        });
    let client = client.build().unwrap();
    let socket = client.socket("/chat");
    let connecting = socket.connect();
    until("some attempts", || asked.load(Ordering::Relaxed) > 4).await;
    // One here, one in what asks, the last that was asked, and the one before that may not be let go yet.
    assert!(Arc::strong_count(&waits) <= 4);
    drop(connecting);
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// It is asked where to dial before each attempt, and may say nowhere.
async fn it_is_told_where_to_dial<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).on_dial(|dial: Dial, attempt: Attempt| async move {
        match attempt.number {
            // A path that is nobody's.
            0 => {
                let mut dial = dial;
                dial.path = "/elsewhere/".to_owned();
                Ok(dial)
            }
            1 => Ok(dial.transports([TransportKind::Polling])),
            _ => Err("enough"),
        }
    });
    let client = client.build().unwrap();
    let socket = client.socket("/");
    let told = Heard::default();
    let notes = told.clone();
    socket.on_connect_error(move |error: ConnectError| notes.note(error.to_string()));
    within("the namespace", socket.connect()).await.unwrap();
    assert_eq!(told.len(), 1, "{:?}", told.all());
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// What is repeated until it is answered arrives, whatever becomes of the connection.
async fn what_is_repeated_arrives<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    world.io.of("/").on("pay", move |socket: Socket, ack: Ack| {
        // The first time it is lost with its connection.
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => socket.conn().close(),
            _ => ack.send(&"paid").unwrap(),
        }
    });
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket("/");
    within("the namespace", socket.connect()).await.unwrap();
    let ever = socket.retry(Retry::forever());
    let paid: String = within("an answer", ever.emit_with_ack("pay", &1))
        .await
        .unwrap();
    assert_eq!((&*paid, asked.load(Ordering::Relaxed)), ("paid", 2));
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// One after the other if that is wanted, and else in the order in which they began.
async fn handlers_run_in_order<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let handlers = Handlers::new();
    let told = Heard::default();
    let notes = told.clone();
    handlers.on("back", move |Data(n): Data<u64>| {
        let notes = notes.clone();
        async move {
            notes.note(format!("begin {n}"));
            pause(Duration::from_millis(5)).await;
            notes.note(format!("end {n}"));
        }
    });
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket_with("/", &handlers);
    socket.sequential();
    within("the namespace", socket.connect()).await.unwrap();
    for n in 0..3_u64 {
        socket.emit("back", &n).unwrap();
    }
    until("all have ended", || told.len() == 6).await;
    let wanted = ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"];
    assert_eq!(told.all(), wanted);
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// A handler that panics ends its connection, of which the application hears, and no other; it is dialled again.
async fn a_panic_ends_the_connection<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).build().unwrap();
    let (told, failed) = (Heard::default(), Heard::default());
    let notes = failed.clone();
    client.on_error(move |error| notes.note(error.why.to_string()));
    let socket = client.socket("/");
    let notes = told.clone();
    socket.on_connect(move |_: Connected| notes.note("in"));
    let notes = told.clone();
    socket.on_disconnect(move |why: Disconnected| notes.note(format!("out {}", why.active)));
    socket.once("back", |Data(n): Data<u64>| assert_eq!(n, 0, "a mistake"));
    within("the namespace", socket.connect()).await.unwrap();
    socket.emit("back", &1).unwrap();
    until("it is back", || told.len() == 3).await;
    assert_eq!(told.all(), ["in", "out true", "in"]);
    let failed = failed.all();
    assert!(
        failed.len() == 1 && failed[0].contains("a mistake"),
        "{failed:?}"
    );
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Waits have ends: for an answer, and for a namespace.
async fn waits_end<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let silent = world.io.of("/silent");
    silent.use_(async || {
        std::future::pending::<()>().await;
        Ok::<(), Refusal>(())
    });
    world.io.of("/").on("nobody answers", |_: Ack| ());
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket("/");
    within("the namespace", socket.connect()).await.unwrap();
    let short = socket.timeout(Duration::from_millis(20));
    let answer = within("an end", short.emit_with_ack::<()>("nobody answers", &())).await;
    assert_eq!(answer, Err(AckError::Timeout));
    let other = client.socket("/silent");
    let outcome = other.connect().within(Duration::from_millis(20));
    assert_eq!(within("an end", outcome).await, Err(ConnectError::Timeout));
    assert!(!other.active() && socket.connected());
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// State that sets other state where it is cloned and dropped.
struct Busy<R: Dialer>(Client<R>);

impl<R: Dialer> Clone for Busy<R> {
    fn clone(&self) -> Self {
        self.0.set_state(1_u8);
        Self(self.0.clone())
    }
}

impl<R: Dialer> Drop for Busy<R> {
    fn drop(&mut self) {
        self.0.set_state(2_u16);
    }
}

/// What the application keeps with a client runs under none of its locks.
async fn state_may_set_state<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).build().unwrap();
    client.set_state(Busy(client.clone()));
    let socket = client.socket("/");
    let told = Heard::default();
    let notes = told.clone();
    socket.on(
        "back",
        move |State(busy): State<Busy<R>>, Data(n): Data<u64>| {
            busy.0.set_state(n);
            notes.note("back");
        },
    );
    within("the namespace", socket.connect()).await.unwrap();
    socket.emit("back", &1_u64).unwrap();
    until("it is back", || told.len() == 1).await;
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Whoever is asked for is here.
struct Here<R>(R, SocketAddr);

impl<R: Dialer> Connector for Here<R> {
    fn connect(
        &self,
        secure: bool,
        host: &str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
        match (secure, host, port) {
            (true, "nowhere.example", 443) => Box::pin(self.0.connect(self.1, None)),
            _ => Box::pin(ready(Err(io::ErrorKind::NotFound.into()))),
        }
    }
}

/// An application may make connections in a way of its own.
async fn connections_are_the_applications_if_it_likes<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    for way in WAYS {
        for (url, there) in [
            ("https://nowhere.example", true),
            ("http://elsewhere", false),
        ] {
            let client = Client::builder_on(runtime.clone(), url).unwrap();
            let client = client.transports(way).reconnection(None);
            let client = client.connector(Here(runtime.clone(), world.address));
            let client = client.build().unwrap();
            let socket = client.socket("/");
            let outcome = within("an end", socket.connect()).await;
            assert_eq!(outcome.is_ok(), there, "{outcome:?}");
            let state = socket.state().unwrap();
            assert_eq!((state.connected, state.recovered), (there, false));
            client.check();
            within("the client to close", client.close()).await;
        }
    }
    world.ends().await;
}

on_each_runtime! {
    connections_are_the_applications_if_it_likes,
    who_is_refused_may_ask_again,
    who_never_answers_is_asked_by_one_attempt_at_a_time,
    it_is_told_where_to_dial,
    what_is_repeated_arrives,
    handlers_run_in_order,
    a_panic_ends_the_connection,
    waits_end,
    state_may_set_state,
}
