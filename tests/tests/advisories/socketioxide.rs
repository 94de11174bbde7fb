//! socketioxide and engineioxide: packets, rooms, acks, handlers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use sio_tests::{
    served::{serve, serve_with},
    wire::{Polling, Said, WebSocket},
};
use sio_tokio::{AckError, Args, Bytes, Config, Data, DisconnectReason, Io, Refusal, Socket};

/// The sockets that have connected.
type Sockets = Arc<Mutex<Vec<Socket>>>;

fn keeping(sockets: &Sockets) -> impl FnOnce(&Io) + use<> {
    let sockets = sockets.clone();
    move |io| {
        io.on_connect(move |socket: Socket| {
            sockets.lock().expect("not poisoned").push(socket);
        });
    }
}

fn first(sockets: &Sockets) -> Socket {
    sockets.lock().expect("not poisoned").remove(0)
}

/// Attachments without bound, and limits of WebSockets that nobody could set.
#[test]
fn adv_ghsa_55mf_67qm_4wpg() {
    serve(Config::default(), |server| {
        let mut member = server.member();
        member.send(r#"4510000-["x"]"#);
        assert_eq!(member.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");
    });
    for limit in [2_000, 2_000_000] {
        let config = Config::default().max_http_buffer_size(limit);
        serve(config, |server| {
            let mut member = server.member();
            let text = "x".repeat(limit - r#"421["echo",""]"#.len());
            member.send(&format!(r#"421["echo","{text}"]"#));
            assert_eq!(member.text().len(), limit - 7);
            member.send(&format!(r#"421["echo","{text}y"]"#));
            assert_eq!(member.end().1, Some(Some(1009)));
            assert_eq!(server.left(), "transport error");
        });
    }
}

/// A packet was cut at its second byte, in the middle of a character.
#[test]
fn adv_socketioxide_794() {
    serve(Config::default(), |server| {
        for text in ["€abc", "éabcd", "4€abc", "42€", "42é[\"x\"]", "b€"] {
            let mut member = server.member();
            member.send(text);
            assert_eq!(member.end().0, [""; 0], "{text}");
            let reason = server.left();
            assert!(
                ["parse error", "forced close"].contains(&reason),
                "{reason}"
            );

            let polling = server.polling_member();
            polling.post(text);
            server.left();
            drop(polling);
        }
        assert_eq!(server.events(), [""; 0]);
    });
}

/// An upgrade that was begun and never finished stopped the heartbeat.
#[test]
fn adv_socketioxide_731() {
    let config = Config::default()
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(200))
        .upgrade_timeout(Duration::from_secs(600));
    serve(config, |server| {
        for probed in [false, true] {
            let polling = server.polling_member();
            let mut candidate = WebSocket::beside(server.address, &polling.sid);
            if probed {
                candidate.send("2probe");
                assert_eq!(candidate.text(), "3probe");
            }
            assert_eq!(server.left(), "ping timeout");
            assert!(polling.is_gone());
            let (said, code) = candidate.end();
            assert_eq!((said, code.is_some()), (vec![], true));
        }
    });
}

/// What one poll is answered with had no separators, or its packets got lost.
#[test]
fn adv_socketioxide_0_17_4() {
    let sockets = Sockets::default();
    serve_with(Config::default(), keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        let bytes = Bytes::from_static(b"\x01\x02\x03");
        let send = || {
            socket.emit("a", &(1, &bytes, &bytes)).expect("connected");
            socket.emit("b", &()).expect("connected");
        };
        let place = r#"{"_placeholder":true,"num":"#;
        let header = format!(r#"452-["a",1,{place}0}},{place}1}}]"#);
        let expected = [&*header, "bAQID", "bAQID", r#"42["b"]"#];
        for parked in [false, true] {
            let mut wire = if parked {
                let wire = polling.park();
                thread::sleep(Duration::from_millis(30));
                send();
                wire
            } else {
                send();
                polling.park()
            };
            let mut packets = Vec::new();
            loop {
                let response = wire.response().expect("a response");
                packets.extend(response.body.split('\x1e').map(str::to_owned));
                if packets.len() >= expected.len() {
                    break;
                }
                wire = polling.park();
            }
            assert_eq!(packets, expected, "parked: {parked}");
        }
    });
}

/// Attachments of two packets got between each other.
#[test]
fn adv_socketioxide_232() {
    const EACH: usize = 300;
    let sockets = Sockets::default();
    serve_with(Config::default(), keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = first(&sockets);
        let threads = [b'a', b'b', b'c'].map(|letter| {
            let socket = socket.clone();
            thread::spawn(move || {
                let bytes = Bytes::from(vec![letter; 3]);
                for _ in 0..EACH {
                    let name = char::from(letter).to_string();
                    socket.emit(name, &(&bytes, &bytes)).expect("connected");
                }
            })
        });
        for _ in 0..3 * EACH {
            let header = member.text();
            let letter = header.as_bytes()[6];
            assert!(header.starts_with("452-["), "{header}");
            for _ in 0..2 {
                assert_eq!(member.hear(), Said::Binary(vec![letter; 3]));
            }
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert!(member.is_alive());
    });
}

/// Everything that can be called, called.
fn call_everything(socket: &Socket) {
    let io = socket.io();
    let main = socket.namespace().clone();
    let _ = io.of("/made-in-a-handler").len();
    let _ = socket.join("room");
    let _ = (socket.rooms(), main.len(), main.sockets().len());
    let _ = main.to("room").except("other").sockets();
    let _ = socket.emit("to itself", &());
    let _ = socket.to("room").emit("to the room", &());
    let _ = main.emit("to all", &());
    drop(main.to("room").emit_with_ack::<u32>("to the room", &()));
    drop(socket.emit_with_ack::<u32>("to itself", &()));
    main.join("joined");
    main.leave("joined");
    let id = main.on("later", || {});
    main.off(id);
    let id = socket.on("later", || {});
    socket.off(id);
    socket.set_data(1_u8);
    let _ = socket.data::<u8>();
    let _ = main.get(socket.id());
    let _ = (socket.conn().backlog(), io.engine_sessions());
    socket.leave("room");
}

/// The server stopped when it was called from a handler of its own.
#[test]
fn adv_socketioxide_311() {
    let (tell, told) = mpsc::channel();
    let handlers = move |io: &Io| {
        let tell = Arc::new(Mutex::new(tell));
        let called = move |from: &str, socket: &Socket| {
            call_everything(socket);
            let _ = tell.lock().expect("not poisoned").send(from.to_owned());
        };
        let main = io.of("/");
        let call = called.clone();
        main.use_(move |socket: Socket| -> Result<(), Refusal> {
            call("middleware", &socket);
            Ok(())
        });
        let call = called.clone();
        main.on_connect(move |socket: Socket| {
            call("connect", &socket);
            let filtering = call.clone();
            socket.use_(
                move |packet: &mut sio_tokio::Incoming| -> Result<(), Refusal> {
                    let _ = packet;
                    filtering("packet middleware", &packet.socket);
                    Ok(())
                },
            );
        });
        let call = called.clone();
        main.on("event", move |socket: Socket| {
            call("event", &socket);
            socket.disconnect(true);
        });
        let call = called.clone();
        main.on_disconnecting(move |socket: Socket| call("disconnecting", &socket));
        let alone = AtomicBool::new(true);
        main.on_disconnect(move |socket: Socket| {
            // Whoever comes afterwards, to see whether the server is well, is not put out by the one before.
            if alone.swap(false, Ordering::Relaxed) {
                socket.namespace().disconnect(true);
                socket.conn().close();
            }
            called("disconnect", &socket);
        });
    };
    serve_with(Config::default(), handlers, |server| {
        let mut member = WebSocket::join(server.address);
        member.send(r#"42["event"]"#);
        member.end();
        for from in [
            "middleware",
            "connect",
            "packet middleware",
            "event",
            "disconnecting",
            "disconnect",
        ] {
            let told = told.recv_timeout(sio_tests::wire::PATIENCE);
            assert_eq!(told.as_deref(), Ok(from));
        }
        assert_eq!(server.left(), "server namespace disconnect");
    });
}

/// A middleware joined a room and refused; the socket stayed in it (also 0.18.8).
#[test]
fn adv_socketioxide_627() {
    let guarded = |io: &Io| {
        let guarded = io.of("/guarded");
        guarded.use_(async |socket: Socket| -> Result<(), Refusal> {
            let _ = socket.join("room");
            socket.namespace().join("all");
            Err("not you".into())
        });
        guarded.on_connect(|_: Socket| -> Result<(), &str> { Err("somebody is in") });
    };
    serve_with(Config::default(), guarded, |server| {
        let mut member = server.member();
        member.send("40/guarded,");
        assert_eq!(member.text(), r#"44/guarded,{"message":"not you"}"#);
        let guarded = server.io.of("/guarded");
        assert_eq!(guarded.to("room").sockets().len(), 0);
        assert_eq!(guarded.to("all").sockets().len(), 0);
        assert!(guarded.is_empty());
        guarded
            .to("room")
            .emit("secret", &())
            .expect("no arguments");
        assert!(member.is_alive());
    });
}

/// A second CONNECT replaced the first socket, whose end nobody heard of.
#[test]
fn adv_socketioxide_801() {
    let slow = |io: &Io| {
        io.of("/slow")
            .use_(async |_: Socket| -> Result<(), Refusal> { std::future::pending().await });
    };
    serve_with(Config::default(), slow, |server| {
        let mut member = server.member();
        member.send("40");
        assert_eq!(member.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");
        assert!(server.nobody_left(), "there was one socket");

        let mut waiting = server.member();
        waiting.send("40/slow,");
        waiting.send("40/slow,");
        assert_eq!(waiting.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");
        assert!(server.io.of("/slow").is_empty());

        let polling = server.polling_member();
        polling.post("40\x1e40");
        assert_eq!(server.left(), "forced server close");
    });
}

/// Who was in two of the rooms got the message twice.
#[test]
fn adv_socketioxide_813() {
    let joining = |io: &Io| {
        io.on_connect(|socket: Socket| socket.join(["a", "b", "c"]).expect("three rooms"));
    };
    serve_with(Config::default(), joining, |server| {
        let mut member = server.member();
        let main = server.io.of("/");
        main.to(["a", "b"])
            .to("c")
            .to("a")
            .emit("once", &())
            .expect("");
        let replies = main.to(["a", "b"]).timeout(Duration::from_millis(50));
        let replies = replies.emit_with_ack::<u32>("asked", &());
        assert_eq!(member.text(), r#"42["once"]"#);
        assert!(member.text().ends_with(r#"["asked"]"#));
        assert_eq!(server.block_on(replies).expect("").answers.len(), 1);
        assert!(member.is_alive());
    });
}

/// An ack that timed out stayed in its table.
#[test]
fn adv_socketioxide_820() {
    let sockets = Sockets::default();
    let config = Config::default().max_pending_acks(1);
    serve_with(config, keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = first(&sockets);
        for _ in 0..20 {
            let asked = socket.timeout(Duration::from_millis(5));
            let answer = server.block_on(asked.emit_with_ack::<u32>("asked", &()));
            assert_eq!(answer, Err(AckError::Timeout), "not `TooMany`");
        }
        assert!(member.is_alive());
    });
}

/// Replies beyond the length of a queue got lost: 300 bad CONNECTs had 150 answers.
#[test]
fn adv_socketioxide_replies_dropped() {
    let config = Config::default().max_refused_connects(1000);
    serve(config, |server| {
        let mut member = server.member();
        let knock = |at: usize| format!("40/nowhere{at},");
        let mut frames = Vec::new();
        for at in 0..300 {
            let text = knock(at);
            frames.extend(sio_tests::wire::frame(0x81, text.as_bytes()));
        }
        member.wire().write(frames);
        for at in 0..300 {
            let answer = format!(r#"44/nowhere{at},{{"message":"Invalid namespace"}}"#);
            assert_eq!(member.text(), answer);
        }
        let polling = Polling::open(server.address);
        let body: Vec<_> = (0..300).map(knock).collect();
        polling.post(&body.join("\x1e"));
        let mut answers = 0;
        while answers < 300 {
            answers += polling.packets().len();
        }
        assert_eq!(answers, 300);
    });
}

/// Handlers of one socket ran at the same time, in any order.
#[test]
fn adv_socketioxide_order() {
    const COUNT: u32 = 2_000;
    let order = Arc::new(Mutex::new(Vec::new()));
    let (started, ended) = (order.clone(), order.clone());
    let handlers = move |io: &Io| {
        io.of("/").on("started", move |Data(at): Data<u32>| {
            let started = started.clone();
            async move {
                started.lock().expect("not poisoned").push(at);
                // Of several that wait the order of going on is theirs; that of beginning is not.
                std::future::ready(()).await;
            }
        });
        let one_by_one = io.of("/one-by-one");
        one_by_one.sequential();
        one_by_one.on("ended", move |Data(at): Data<u32>| {
            let ended = ended.clone();
            async move {
                use sio_driver::binding::Runtime as _;
                let wait = Duration::from_micros(u64::from(500 * (at % 3)));
                let runtime = sio_tokio::Tokio;
                runtime.sleep_until(runtime.now() + wait).await;
                ended.lock().expect("not poisoned").push(at);
            }
        });
    };
    serve_with(Config::default(), handlers, |server| {
        let mut member = server.member();
        let burst = |name: &str, count: u32| {
            let texts = (0..count).map(|at| format!(r#"42{name},{at}]"#));
            let frames = texts.map(|text| sio_tests::wire::frame(0x81, text.as_bytes()));
            frames.collect::<Vec<_>>().concat()
        };
        member.wire().write(burst(r#"["started""#, COUNT));
        assert!(member.is_alive());
        assert_eq!(
            std::mem::take(&mut *order.lock().expect("not poisoned")),
            (0..COUNT).collect::<Vec<_>>()
        );
        member.send("40/one-by-one,");
        member.text();
        member.wire().write(burst(r#"/one-by-one,["ended""#, 100));
        server.wait_until("all have run", |_| {
            order.lock().expect("not poisoned").len() == 100
        });
        let ran = order.lock().expect("not poisoned").clone();
        assert_eq!(ran, (0..100).collect::<Vec<_>>());
        drop(member);
        server.wait_until("it is left", |io| io.of("/one-by-one").is_empty());
    });
}

/// What an event's handler is told of a socket that is gone (#801's other half): exactly one end.
#[test]
fn adv_socketioxide_801_one_end_for_each_socket() {
    let ends = Arc::new(Mutex::new(Vec::<(String, DisconnectReason)>::new()));
    let tell = ends.clone();
    let counting = move |io: &Io| {
        let other = io.of("/other");
        other.on_disconnect(
            move |socket: Socket, reason: DisconnectReason, args: Args| {
                assert!(args.is_empty());
                let mut ends = tell.lock().expect("not poisoned");
                ends.push((socket.id().to_string(), reason));
            },
        );
    };
    serve_with(Config::default(), counting, |server| {
        for round in 1..=3 {
            let mut member = server.member();
            member.send("40/other,");
            let id = member.text();
            member.send("41/other,");
            member.send("41/other,");
            member.send(r#"42/other,["too late"]"#);
            assert!(member.is_alive(), "it had been in there");
            let ends = ends.lock().expect("not poisoned").clone();
            assert_eq!(ends.len(), round);
            let (its, reason) = &ends[round - 1];
            assert!(id.contains(its.as_str()));
            assert_eq!(*reason, DisconnectReason::ClientNamespaceDisconnect);
        }
    });
}
