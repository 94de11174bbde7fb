//! Clients that send much at once: what is handled in one go is answered as if each packet had come alone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use sio_tokio::{Ack, AckError, AckFuture, Config, Io, Reaction, Refusal, Server, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, calm};
use crate::here::{spawn, until, within};
use crate::wire::Wire;
use crate::wire::masked;
use crate::world::{On, World};

async fn large_answers_to_many_requests_all_arrive(on: On) {
    let io = Io::new(calm());
    io.of("/")
        .on("get", |ack: Ack| ack.send(&"x".repeat(40_000)));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client
        .send_at_once((0..64).map(|id| format!(r#"42{id}["get"]"#)))
        .await;
    for id in 0..64 {
        let text = client.text().await;
        assert_eq!(text.len(), 40_000 + format!(r#"43{id}[""]"#).len());
        assert!(text.starts_with(&format!(r#"43{id}["xx"#)));
    }
    drop(client);
    world.ends().await;
}

async fn nothing_is_handled_after_a_disconnect(on: On) {
    for close in [false, true] {
        let io = Io::new(calm());
        let handled = Arc::new(AtomicUsize::new(0));
        let count = handled.clone();
        io.of("/").on("go", move |socket: Socket| {
            count.fetch_add(1, Ordering::Relaxed);
            socket.emit("bye", &())?;
            socket.disconnect(close);
            Ok::<_, sio_tokio::EmitError>(())
        });
        let world = World::new(on, io).await;
        let (mut client, _) = world.join().await;
        client.send_at_once((0..20).map(|_| r#"42["go"]"#)).await;
        client.expect(r#"42["bye"]"#).await;
        client.expect("41").await;
        if !close {
            client.enter("").await;
        }
        assert_eq!(handled.load(Ordering::Relaxed), 1, "close: {close}");
        drop(client);
        world.ends().await;
    }
}

async fn what_was_answered_before_a_bad_packet_arrives(on: On) {
    for bad in ["4garbage", "9", ""] {
        let io = Io::new(calm());
        io.of("/").on("get", |ack: Ack| ack.send(&1));
        let world = World::new(on, io).await;
        let (mut client, _) = world.join().await;
        client
            .send_at_once([r#"427["get"]"#, bad, r#"428["get"]"#])
            .await;
        let (texts, _) = client.rest().await;
        assert_eq!(texts, ["437[1]"], "{bad:?}");
        world.ends().await;
    }
}

/// The same where it is the WebSocket itself that cannot go on: what was answered leaves before the close frame.
async fn what_was_answered_before_a_bad_frame_arrives(on: On) {
    let bad: [(&str, Vec<u8>, u16); 5] = [
        ("an unmasked frame", b"\x81\x0142"[..3].to_vec(), 1002),
        ("a reserved bit", masked(0xc1, b"42"), 1002),
        ("a reserved opcode", masked(0x83, b"42"), 1002),
        ("a fragmented control frame", masked(0x09, b""), 1002),
        ("bad UTF-8", masked(0x81, b"4\xff"), 1007),
    ];
    for (what, frame, code) in bad {
        let io = Io::new(calm());
        io.of("/").on("get", |ack: Ack| ack.send(&1));
        let world = World::new(on, io).await;
        let (mut client, _) = world.join().await;
        let events = [r#"427["get"]"#, r#"428["get"]"#].map(|it| masked(0x81, it.as_bytes()));
        client.wire.write(&[events.concat(), frame].concat()).await;
        let (texts, close) = client.rest().await;
        assert_eq!(
            (&texts[..], close),
            (&["437[1]".into(), "438[1]".into()][..], Some(code)),
            "{what}"
        );
        world.ends().await;
    }
}

/// However long it takes the client to read them, as long as it does.
async fn large_answers_before_a_bad_frame_arrive_whole(on: On) {
    let io = Io::new(calm());
    io.of("/")
        .on("get", |ack: Ack| ack.send(&"x".repeat(300_000)));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    let events = [r#"427["get"]"#, r#"428["get"]"#].map(|it| masked(0x81, it.as_bytes()));
    let bad = masked(0xc1, b"42");
    client.wire.write(&[events.concat(), bad].concat()).await;
    let (texts, close) = client.rest().await;
    let sizes: Vec<_> = texts.iter().map(String::len).collect();
    assert_eq!((&sizes[..], close), (&[300_007, 300_007][..], Some(1002)));
    world.ends().await;
}

async fn a_refused_ack_comes_after_what_the_handler_said(on: On) {
    let io = Io::new(calm());
    io.on_mistyped(Reaction::RefuseAck);
    io.of("/").on("fail", |socket: Socket| {
        socket.emit("before", &()).unwrap();
        Err::<(), _>(Refusal::new("no"))
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"425["fail"]"#).await;
    client.expect(r#"42["before"]"#).await;
    client.expect(r#"435[{"error":"no"}]"#).await;
    drop(client);
    world.ends().await;
}

async fn a_sequential_socket_knows_its_rooms_until_its_disconnecting_handlers_have_run(on: On) {
    let io = Io::new(calm());
    let go = Arc::new(Semaphore::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    io.of("/").on_connect(|socket: Socket| {
        socket.sequential();
        socket.join("den").unwrap();
    });
    let wait = go.clone();
    io.of("/").on("slow", move || {
        let wait = wait.clone();
        async move { wait.acquire().await.unwrap().forget() }
    });
    let notes = seen.clone();
    io.of("/").on_disconnecting(move |socket: Socket| {
        notes
            .lock()
            .unwrap()
            .push(("disconnecting", socket.rooms().len()));
    });
    let notes = seen.clone();
    io.of("/").on_disconnect(move |socket: Socket| {
        notes
            .lock()
            .unwrap()
            .push(("disconnect", socket.rooms().len()));
    });
    let world = World::new(on, io.clone()).await;
    let (mut client, _) = world.join().await;
    until("the socket", || io.of("/").len() == 1).await;
    client.send_at_once([r#"42["slow"]"#, "41"]).await;
    // Nobody reaches it any more.
    until("the socket to leave", || io.of("/").is_empty()).await;
    assert_eq!(*seen.lock().unwrap(), []);
    go.add_permits(1);
    until("the handlers", || seen.lock().unwrap().len() == 2).await;
    assert_eq!(
        *seen.lock().unwrap(),
        [("disconnecting", 2), ("disconnect", 0)]
    );
    drop(client);
    world.ends().await;
}

/// Notes, at the moment at which it is woken, whether a socket calls itself connected.
struct Look {
    socket: Socket,
    woken: AtomicBool,
    connected: AtomicBool,
}

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        self.connected
            .store(self.socket.connected(), Ordering::Relaxed);
        self.woken.store(true, Ordering::Release);
    }
}

async fn who_hears_that_no_ack_will_come_sees_the_socket_disconnected(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    for way in 0..3 {
        let (mut client, _) = world.join().await;
        until("the socket", || io.of("/").len() == 1).await;
        let socket = io.of("/").sockets().remove(0);
        let mut answer: AckFuture<()> = socket.emit_with_ack("well?", &());
        let look = Arc::new(Look {
            socket: socket.clone(),
            woken: AtomicBool::new(false),
            connected: AtomicBool::new(true),
        });
        let waker = Waker::from(look.clone());
        let mut cx = Context::from_waker(&waker);
        let mut future = std::pin::pin!(&mut answer);
        assert!(future.as_mut().poll(&mut cx).is_pending());
        client.expect(r#"421["well?"]"#).await;
        match way {
            0 => client.send("41").await,
            1 => socket.disconnect(true),
            _ => drop(client),
        }
        until("an end", || look.woken.load(Ordering::Acquire)).await;
        assert_eq!(answer.await, Err(AckError::Disconnected));
        assert!(!look.connected.load(Ordering::Relaxed), "{way}");
        until("the socket to go", || io.of("/").is_empty()).await;
    }
    world.ends().await;
}

async fn coming_and_going_starts_no_more_connect_handlers_than_may_run(on: On) {
    let io = Io::new(calm().max_running_handlers(2));
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    for name in ["/", "/a", "/b", "/c"] {
        let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
        io.of(name).on_connect(move |socket: Socket| {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                socket.emit("in", &())
            }
        });
    }
    let world = World::new(on, io.clone()).await;
    let mut client = world.open().await;
    // Comes and goes in `/`, then wants all the others.
    client
        .send_at_once(["40", "41", "40", "41", "40/a,", "40/b,", "40/c,"])
        .await;
    until("two to run", || running.load(Ordering::SeqCst) == 2).await;
    // A poller that does the same in one POST.
    let poller = world.poller().await;
    let body = ["40", "41", "40", "40/a,", "40/b,", "40/c,"].join("\x1e");
    assert_eq!(poller.post(&body).await.status, 200);
    until("its own two to run", || running.load(Ordering::SeqCst) == 4).await;
    assert_eq!(most.load(Ordering::SeqCst), 4, "two for each connection");
    gate.add_permits(100);
    // Everybody who waited gets in.
    let mut entered = Vec::new();
    while entered.len() < 3 {
        let text = client.text().await;
        entered.extend(text.strip_suffix(r#",["in"]"#).map(str::to_owned));
    }
    entered.sort();
    assert_eq!(entered, ["42/a", "42/b", "42/c"]);
    assert!(most.load(Ordering::SeqCst) <= 4);
    drop(client);
    world.ends().await;
}

async fn refused_websockets_of_one_session_do_not_pile_up(on: On) {
    let io = Io::new(Config::default().close_timeout(Duration::from_secs(60)));
    let world = World::serving(on, io.clone(), Server::new(io)).await;
    let mut client = Client::raw(world.address, "").await;
    let opened = client.text().await;
    let sid = opened.split('"').nth(3).unwrap();
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(Wire::open(world.address, &format!("&sid={sid}")).await);
    }
    // Of those that never answer their close frame all but four are let go of.
    let ended = Arc::new(AtomicUsize::new(0));
    let reading: Vec<_> = open
        .into_iter()
        .map(|mut wire| {
            let ended = ended.clone();
            spawn(async move {
                while wire.frame().await.is_some() {}
                ended.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    until("the others to go", || ended.load(Ordering::Relaxed) >= 8).await;
    for reading in reading {
        reading.abort();
        let _ = within("an end", reading.end()).await;
    }
    drop(client);
    world.ends().await;
}

on_each_runtime! {
    large_answers_to_many_requests_all_arrive,
    nothing_is_handled_after_a_disconnect,
    what_was_answered_before_a_bad_packet_arrives,
    what_was_answered_before_a_bad_frame_arrives,
    large_answers_before_a_bad_frame_arrive_whole,
    a_refused_ack_comes_after_what_the_handler_said,
    a_sequential_socket_knows_its_rooms_until_its_disconnecting_handlers_have_run,
    who_hears_that_no_ack_will_come_sees_the_socket_disconnected,
    coming_and_going_starts_no_more_connect_handlers_than_may_run,
    refused_websockets_of_one_session_do_not_pile_up,
}
