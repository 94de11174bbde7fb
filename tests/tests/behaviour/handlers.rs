//! Handlers: their order, their failures, and what they may do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::calm;
use crate::here::{pause, until, within};
use crate::world::{On, World};
use sio_tokio::{
    Ack, Args, Data, EventName, Failure, Incoming, Io, Reaction, Refusal, RoomError, Socket, Value,
};
use tokio::sync::Notify;

fn syncing() -> Io {
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    io
}

/// Errors that the application heard of, as text.
fn heard(io: &Io) -> Arc<Mutex<Vec<String>>> {
    let errors = Arc::<Mutex<Vec<String>>>::default();
    let kept = errors.clone();
    io.on_error(move |error| {
        let text = format!("{}: {}", error.event, error.why);
        kept.lock().unwrap().push(text);
    });
    errors
}

async fn a_panic_closes_that_connection_and_no_other(on: On) {
    let io = syncing();
    let errors = heard(&io);
    let main = io.of("/");
    main.on("sync panic", || {
        if true {
            panic!("at once")
        }
    });
    main.on("async panic", async || {
        tokio::task::yield_now().await;
        if true {
            panic!("later")
        }
    });
    let world = World::new(on, io).await;
    let (mut bystander, _) = world.join().await;
    for event in ["sync panic", "async panic"] {
        let (mut client, id) = world.join().await;
        main.get(&id).unwrap().join("room").unwrap();
        client.send(&format!(r#"42["{event}"]"#)).await;
        client.rest().await;
        until("the socket to leave", || main.get(&id).is_none()).await;
        assert!(main.to("room").sockets().is_empty());
        bystander.sync().await;
    }
    assert_eq!(
        *errors.lock().unwrap(),
        [
            "sync panic: panicked: at once",
            "async panic: panicked: later"
        ]
    );
    world.ends().await;
}

async fn wrong_types_reach_the_application_and_not_the_handler(on: On) {
    let io = syncing();
    let errors = heard(&io);
    io.on_mistyped(Reaction::RefuseAck);
    io.of("/")
        .on("add", |Data((a, b)): Data<(u8, u8)>, ack: Ack| {
            ack.send(&(a + b))
        });
    io.of("/").on("fail", || Err::<(), _>("no luck"));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["add",1,"two"]"#).await;
    client.expect(r#"431[{"error":"invalid arguments"}]"#).await;
    client.send(r#"422["add",1,2]"#).await;
    client.expect("432[3]").await;
    client.send(r#"42["fail"]"#).await;
    client.sync().await;
    let errors = errors.lock().unwrap().clone();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].starts_with("add: argument 1:"), "{errors:?}");
    assert_eq!(errors[1], "fail: no luck");
    world.ends().await;
}

async fn a_client_is_refused_wherever_the_handler_names_its_ack(on: On) {
    let io = syncing();
    io.on_mistyped(Reaction::RefuseAck);
    io.on("sync one", |ack: Ack, Data(n): Data<u8>| ack.send(&n));
    io.on("async one", async |ack: Ack, Data(n): Data<u8>| {
        ack.send(&n)
    });
    // Of one that was called, its own affair.
    io.on("dropped", |ack: Ack| {
        drop(ack);
        Err::<(), _>(Refusal::new("not told"))
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    for event in ["sync one", "async one"] {
        client.send(&format!(r#"421["{event}","x"]"#)).await;
        client.expect(r#"431[{"error":"invalid arguments"}]"#).await;
        client.send(&format!(r#"422["{event}",7]"#)).await;
        client.expect("432[7]").await;
    }
    client.send(r#"423["dropped"]"#).await;
    client.sync().await;
    world.ends().await;
}

async fn handlers_start_in_order_and_interleave_after_their_first_await(on: On) {
    let io = syncing();
    let log = Arc::<Mutex<Vec<String>>>::default();
    let kept = log.clone();
    let go = Arc::new(Notify::new());
    let open = go.clone();
    io.of("/")
        .on("work", move |Data(name): Data<String>, ack: Ack| {
            let (log, go) = (kept.clone(), go.clone());
            async move {
                log.lock().unwrap().push(format!("{name} begins"));
                if name == "slow" {
                    go.notified().await;
                }
                log.lock().unwrap().push(format!("{name} ends"));
                ack.send(&())
            }
        });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["work","slow"]"#).await;
    client.send(r#"422["work","quick"]"#).await;
    client.expect("432[]").await;
    open.notify_one();
    client.expect("431[]").await;
    let order = ["slow begins", "quick begins", "quick ends", "slow ends"];
    assert_eq!(*log.lock().unwrap(), order);

    // One after another, where that is asked for.
    log.lock().unwrap().clear();
    world.io.of("/").sequential();
    client.send(r#"421["work","slow"]"#).await;
    client.send(r#"422["work","quick"]"#).await;
    until("the first to begin", || !log.lock().unwrap().is_empty()).await;
    open.notify_one();
    client.expect("431[]").await;
    client.expect("432[]").await;
    let order = ["slow begins", "slow ends", "quick begins", "quick ends"];
    assert_eq!(*log.lock().unwrap(), order);
    world.ends().await;
}

async fn what_waits_in_a_sequential_socket_ends_before_its_disconnect_is_handled(on: On) {
    let io = syncing();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let open = go.clone();
    io.of("/").on_connect(move |socket: Socket| {
        socket.sequential();
        let (worked, left) = (tell.clone(), tell.clone());
        let go = go.clone();
        socket.on("work", move |Data(n): Data<u8>| {
            let (tell, go) = (worked.clone(), go.clone());
            async move {
                go.notified().await;
                tell.send(n)
            }
        });
        socket.on_disconnect(move || left.send(99));
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["work",1]"#).await;
    client.send(r#"42["work",2]"#).await;
    client.send("41").await;
    until("the socket to leave", || world.io.of("/").is_empty()).await;
    open.notify_one();
    assert_eq!(within("the first", told.recv()).await, Some(1));
    open.notify_one();
    assert_eq!(within("the second", told.recv()).await, Some(2));
    assert_eq!(within("the end", told.recv()).await, Some(99));
    world.ends().await;
}

async fn several_listeners_run_in_order_and_can_be_taken_away(on: On) {
    let io = syncing();
    let log = Arc::<Mutex<Vec<&str>>>::default();
    let note = |word: &'static str| {
        let log = log.clone();
        move || log.lock().unwrap().push(word)
    };
    let main = io.of("/");
    main.on("x", note("namespace"));
    let world = World::new(on, io).await;
    let (mut client, id) = world.join().await;
    let socket = main.get(&id).unwrap();
    let first = socket.on("x", note("first"));
    socket.once("x", note("once"));
    socket.on("x", note("last"));
    let any = log.clone();
    socket.on_any(move |name: EventName, args: Args| {
        if &*name == "x" {
            any.lock()
                .unwrap()
                .push(if args.is_empty() { "any" } else { "any with" });
        }
    });
    client.send(r#"42["x"]"#).await;
    client.sync().await;
    let order = ["any", "namespace", "first", "once", "last"];
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), order);

    assert!(socket.off(first) && !socket.off(first));
    assert_eq!(socket.event_names(), ["x"]);
    client.send(r#"42["x",1]"#).await;
    client.sync().await;
    let order = ["any with", "namespace", "last"];
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), order);

    socket.off_all(None);
    client.send(r#"42["x"]"#).await;
    client.sync().await;
    assert_eq!(*log.lock().unwrap(), ["namespace"]);
    world.ends().await;
}

async fn packet_middlewares_rewrite_and_refuse_and_keep_the_order(on: On) {
    let io = syncing();
    io.of("/").on_connect(|socket: Socket| {
        socket.use_async(async |mut packet: Incoming| {
            if packet.name == "slow" {
                pause(Duration::from_millis(20)).await;
                packet.name = "plain".into();
            }
            Ok::<_, Refusal>(packet)
        });
        socket.use_(|packet: &mut Incoming| match &*packet.name {
            "bad" => Err("not allowed"),
            _ => Ok(()),
        });
        socket.on("plain", |socket: Socket, Data(n): Data<u8>| {
            socket.emit("did", &n)
        });
        socket
            .on_error(|socket: Socket, refusal: Refusal| socket.emit("refused", &refusal.message));
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["slow",1]"#).await;
    client.send(r#"42["plain",2]"#).await;
    client.send(r#"42["bad"]"#).await;
    client.expect(r#"42["did",1]"#).await;
    client.expect(r#"42["did",2]"#).await;
    client.expect(r#"42["refused","not allowed"]"#).await;
    client.sync().await;
    world.ends().await;
}

/// Everything a handle can do, from inside a handler: nothing waits for itself.
async fn handlers_may_use_everything(on: On) {
    let io = syncing();
    let outgoing = Arc::new(AtomicUsize::new(0));
    let count = outgoing.clone();
    io.of("/").on_any_outgoing(move |_: &str, _: &Args| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    io.of("/").on(
        "everything",
        |io: Io, socket: Socket, ack: Ack| -> Result<(), RoomError> {
            let main = io.of("/");
            socket.join(["a", "b"])?;
            socket.leave("b");
            main.join("c");
            main.leave("c");
            assert!(main.sockets().contains(&socket) && main.len() == 1);
            assert_eq!(main.get(socket.id()), Some(socket.clone()));
            io.of("/new").emit("nobody", &()).unwrap();
            socket.on("later", || ());
            socket.once("sooner", || ());
            socket.off_all(Some("sooner"));
            socket.set_data(1u8);
            socket.update_data(|n: &mut u8| *n += 1);
            assert_eq!(socket.data::<u8>(), Some(2));
            assert!(socket.remove_data::<u8>() && socket.data::<u8>().is_none());
            main.to("a").emit("to all", &()).unwrap();
            socket.emit("to me", &(Value::Null, 1)).unwrap();
            socket.broadcast().emit("to nobody", &()).unwrap();
            drop(socket.emit_with_ack::<()>("unanswered", &()));
            ack.send(&socket.rooms()[1..]).unwrap();
            socket.disconnect(false);
            Ok(())
        },
    );
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["everything"]"#).await;
    client.expect(r#"42["to all"]"#).await;
    client.expect(r#"42["to me",null,1]"#).await;
    client.expect(r#"421["unanswered"]"#).await;
    client.expect(r#"431[["a"]]"#).await;
    client.expect("41").await;
    assert_eq!(outgoing.load(Ordering::Relaxed), 4);
    world.ends().await;
}

async fn too_many_waiting_handlers_make_events_wait(on: On) {
    let io = Io::new(calm().max_running_handlers(2));
    let running = Arc::new(AtomicUsize::new(0));
    let go = Arc::new(Notify::new());
    let (count, open) = (running.clone(), go.clone());
    io.of("/").on("wait", move |ack: Ack| {
        let (count, go) = (count.clone(), go.clone());
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            go.notified().await;
            count.fetch_sub(1, Ordering::SeqCst);
            ack.send(&())
        }
    });
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    for ack in 1..=4 {
        client.send(&format!(r#"42{ack}["wait"]"#)).await;
    }
    // Acks still pass: the client's answer comes behind the events that wait.
    let socket = io.of("/").get(&id).unwrap();
    let asked = socket.emit_with_ack::<()>("there?", &());
    client.expect(r#"421["there?"]"#).await;
    client.send("431[]").await;
    assert_eq!(within("the answer", asked).await, Ok(()));
    assert_eq!(running.load(Ordering::SeqCst), 2);
    for ack in 1..=4 {
        open.notify_one();
        client.expect(&format!("43{ack}[]")).await;
        assert!(running.load(Ordering::SeqCst) <= 2);
    }
    world.ends().await;
}

#[test]
fn failures_say_what_happened() {
    assert_eq!(
        Failure::Panicked("x".into()).to_string(),
        "panicked: x".to_owned()
    );
}

on_each_runtime! {
    a_panic_closes_that_connection_and_no_other,
    wrong_types_reach_the_application_and_not_the_handler,
    a_client_is_refused_wherever_the_handler_names_its_ack,
    handlers_start_in_order_and_interleave_after_their_first_await,
    what_waits_in_a_sequential_socket_ends_before_its_disconnect_is_handled,
    several_listeners_run_in_order_and_can_be_taken_away,
    packet_middlewares_rewrite_and_refuse_and_keep_the_order,
    handlers_may_use_everything,
    too_many_waiting_handlers_make_events_wait,
}
