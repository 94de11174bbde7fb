//! Servers, namespaces, adapters, middlewares.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tests::port::free_address;
use sio_tests::wire::{WebSocket, Wire};
use sio_tokio::{
    Ack, Adapter, AdapterError, Args, Broadcast, Data, EmitError, ErrorSource, InMemory, Incoming,
    Io, Recipients, Refusal, RoomEvent, Server, SetupError, Socket, SocketId,
};

use crate::rows::covers;
use crate::world::{World, calm, enter};

#[test]
fn the_server_stands_for_its_main_namespace() {
    covers(&[
        "server-sockets",
        "server-emits",
        "server-use",
        "on-connection-event",
        "of",
    ]);
    let io = Io::new(calm());
    io.use_(|socket: Socket| socket.join("used").map_err(|why| why.to_string()));
    io.on_connect(|socket: Socket| socket.join("met"));
    let main = io.sockets();
    assert_eq!((main.name(), &main), ("/", &io.of("/")));
    assert_eq!(io.of("news"), io.of("/news"));
    assert_eq!(io.of("news").name(), "/news");
    let world = World::new(io);
    let (mut client, id) = world.join();
    let io = &world.io;
    io.emit("all", &1).unwrap();
    io.send(&"text").unwrap();
    io.to("used").emit("to", &()).unwrap();
    io.r#in("met").emit("in", &()).unwrap();
    io.within(&id).except("nobody").emit("within", &()).unwrap();
    io.except(&id).emit("never", &()).unwrap();
    io.local().emit("local", &()).unwrap();
    io.compress(false).emit("plain", &()).unwrap();
    for heard in [
        r#"42["all",1]"#,
        r#"42["message","text"]"#,
        r#"42["to"]"#,
        r#"42["in"]"#,
        r#"42["within"]"#,
        r#"42["local"]"#,
        r#"42["plain"]"#,
    ] {
        assert_eq!(client.text(), heard);
    }
    assert_eq!(*world.wait(io.clients()).unwrap(), main.wait_ids());
    drop(client);
    world.end();
}

trait Ids {
    fn wait_ids(&self) -> Vec<SocketId>;
}

impl Ids for sio_tokio::Namespace {
    fn wait_ids(&self) -> Vec<SocketId> {
        self.sockets().iter().map(|it| it.id().clone()).collect()
    }
}

#[test]
fn who_is_connected_can_be_seen() {
    covers(&["connected", "clients", "inspect", "union", "nsp-to"]);
    let io = Io::new(calm());
    let main = io.of("/");
    let world = World::new(io);
    let (first, a) = world.join();
    let (second, b) = world.join();
    let (third, c) = world.join();
    for (id, rooms) in [(&a, &["x", "y"][..]), (&b, &["y"])] {
        main.get(id).unwrap().join(rooms).unwrap();
    }
    let ids = |sockets: Vec<Socket>| -> Vec<String> {
        sockets.iter().map(|it| it.id().to_string()).collect()
    };
    assert_eq!(ids(main.connected()), [&*a, &b, &c]);
    assert_eq!((main.len(), main.is_empty()), (3, false));
    let mut seen = Vec::new();
    main.visit(|socket| seen.push(socket.id().to_string()));
    assert_eq!(seen, [&*a, &b, &c]);
    let clients = |to: sio_tokio::To| -> Vec<String> {
        let ids = world.wait(to.clients()).unwrap();
        ids.iter().map(SocketId::to_string).collect()
    };
    assert_eq!(clients(main.to("x").to("y")), [&*a, &b], "each once");
    assert_eq!(clients(main.r#in(["y"]).except("x")), [&*b]);
    assert_eq!(world.wait(main.clients()).unwrap().len(), 3);
    let fetched = world.wait(main.to("x").fetch_sockets()).unwrap();
    assert_eq!(fetched.len(), 1);
    assert_eq!(
        (fetched[0].id.as_str(), &fetched[0].rooms[1..]),
        (&*a, &["x".into(), "y".into()][..])
    );
    assert_eq!(
        fetched[0].handshake.url,
        main.get(&a).unwrap().handshake().url
    );
    drop((first, second, third));
    world.end();
}

#[test]
fn rooms_are_seen_as_they_come_and_go() {
    covers(&["inspect", "rooms"]);
    let world = World::new(Io::new(calm()));
    let main = world.io.of("/");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    main.on_room_event(move |event: &RoomEvent| {
        log.lock().unwrap().push(match event {
            RoomEvent::Created(room) => format!("+{room}"),
            RoomEvent::Joined(room, socket) => format!("{socket}>{room}"),
            RoomEvent::Left(room, socket) => format!("{socket}<{room}"),
            RoomEvent::Deleted(room) => format!("-{room}"),
        });
        assert!(!matches!(event, RoomEvent::Deleted(room) if room == "bang"));
    });
    let (first, a) = world.join();
    let (second, b) = world.join();
    main.join(["x", "x"]);
    main.get(&a).unwrap().leave(["x", "never"]);
    let take = || {
        let events = std::mem::take(&mut *seen.lock().unwrap());
        let short = |text: String| text.replace(&a, "A").replace(&b, "B");
        events.into_iter().map(short).collect::<Vec<_>>()
    };
    assert_eq!(
        take(),
        ["+A", "A>A", "+B", "B>B", "+x", "A>x", "B>x", "A<x"]
    );
    // A hook that panics ends nothing, not even where the connection's own task calls it.
    main.get(&b).unwrap().join("bang").unwrap();
    drop((first, second));
    while !main.is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    world.end();
    let mut last = take();
    last.sort_unstable();
    let left = [
        "+bang", "-A", "-B", "-bang", "-x", "A<A", "B<B", "B<bang", "B<x", "B>bang",
    ];
    assert_eq!(last, left);
}

#[test]
fn a_broadcast_may_ask_for_answers() {
    covers(&["broadcast-ack", "nsp-emit"]);
    let world = World::new(Io::new(calm()));
    let (mut a, _) = world.join();
    let (mut b, _) = world.join();
    let main = world.io.of("/");
    let replies = main
        .timeout(Duration::from_secs(5))
        .emit_with_ack::<(u8, String)>("ask", &());
    for (n, client) in [&mut a, &mut b].into_iter().enumerate() {
        let asked = client.text();
        let id = asked
            .trim_start_matches("42")
            .trim_end_matches(r#"["ask"]"#);
        client.send(&format!(r#"43{id}[{n},"y"]"#));
    }
    let replies = world.wait(replies).unwrap();
    assert_eq!(replies.ok(), [(0, "y".into()), (1, "y".into())]);
    drop((a, b));
    world.end();
}

#[test]
fn middlewares_of_a_namespace_run_in_order_and_refuse() {
    covers(&["nsp-use", "nsp-use-error", "nsp-use-sees"]);
    let io = Io::new(calm());
    let guarded = io.of("/guarded");
    guarded.use_(async |socket: Socket| -> Result<(), Refusal> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        socket.set_data(vec![1]);
        socket.join("seen").map_err(|why| why.to_string())?;
        Ok(())
    });
    guarded.use_(|socket: Socket| {
        socket.update_data(|order: &mut Vec<i32>| order.push(2));
        match socket.handshake().query.get("token") {
            Some("good") => Ok(()),
            Some(_) => Err(Refusal::new("not authorized").data(sio_tokio::Value::from("E_TOKEN"))),
            None => Err(Refusal::new("no token")),
        }
    });
    guarded.use_(|socket: Socket| {
        socket.update_data(|order: &mut Vec<i32>| order.push(3));
        Ok::<(), Refusal>(())
    });
    guarded.on_connect(|socket: Socket| {
        let order = socket.data::<Vec<i32>>().unwrap();
        socket.emit("order", &(order, &socket.rooms()[1..]))
    });
    let world = World::new(io);
    let (mut four, _) = world.join_v3();
    four.send("40/guarded,");
    assert_eq!(four.text(), r#"44/guarded,"no token""#);
    four.send("40/guarded?token=bad,");
    assert_eq!(four.text(), r#"44/guarded,"E_TOKEN""#);
    four.send("40/guarded?token=good,");
    assert_eq!(four.text(), "40/guarded,");
    assert_eq!(four.text(), r#"42/guarded,["order",[1,2,3],["seen"]]"#);

    let (mut five, _) = world.join();
    five.send("40/guarded,");
    assert_eq!(five.text(), r#"44/guarded,{"message":"no token"}"#);
    assert_eq!(world.io.of("/guarded").to("seen").sockets().len(), 1);
    drop((four, five));
    world.end();
}

#[test]
fn several_listeners_hear_of_connections() {
    covers(&[
        "connection-listeners",
        "static-namespaces",
        "multiplexing",
        "nsp-name",
    ]);
    let io = Io::new(calm());
    for name in ["/", "/a", "/b"] {
        let namespace = io.of(name);
        namespace.on_connect(|socket: Socket| socket.emit("first", &socket.namespace().name()));
        namespace.on("connection", |socket: Socket| socket.emit("second", &()));
    }
    assert_eq!(io.of("/a").event_names(), ["connection"]);
    assert_eq!(io.of("/a").listeners_of("connect").len(), 2);
    let world = World::new(io);
    let mut client = WebSocket::open(world.address);
    assert!(client.text().starts_with("0{"));
    for (name, wire) in [("/", ""), ("/a", "/a,"), ("/b", "/b,")] {
        enter(&mut client, wire);
        assert_eq!(client.text(), format!(r#"42{wire}["first","{name}"]"#));
        assert_eq!(client.text(), format!(r#"42{wire}["second"]"#));
    }
    assert_eq!(world.io.engine().sessions(), 1);
    drop(client);
    world.end();
}

#[test]
fn packet_middlewares_rewrite_and_refuse() {
    covers(&[
        "socket-use",
        "socket-use-error",
        "socket-use-rewrite",
        "error-event",
    ]);
    let io = Io::new(calm());
    io.configure(|config| config.forward_middleware_errors = Some("refused".into()))
        .unwrap();
    io.on_connect(|socket: Socket| {
        socket.use_async(async |mut packet: Incoming| {
            packet.name.make_ascii_lowercase();
            Ok::<_, Refusal>(packet)
        });
        socket.use_(|packet: &mut Incoming| match &*packet.name {
            "bad" => Err(Refusal::new("not allowed").data(sio_tokio::Value::from("E_BAD"))),
            "rude" => Err(Refusal::new("be nice")),
            _ => {
                let (text,): (String,) = packet.args.decode().unwrap_or_default();
                packet.args = Args::from_arguments(&(text, packet.wants_ack)).unwrap();
                Ok(())
            }
        });
        socket.on("say", |socket: Socket, args: Args| {
            socket.emit("said", &args)
        });
        socket.on_error(|socket: Socket, source: ErrorSource, refusal: Refusal| {
            let source = match source {
                ErrorSource::Client => "heard from the client",
                ErrorSource::Middleware => "heard",
            };
            socket.emit(source, &refusal.message)
        });
    });
    let world = World::new(io);
    let (mut four, _) = world.join_v3();
    four.send(r#"42["SAY","x"]"#);
    assert_eq!(four.text(), r#"42["said","x",false]"#);
    four.send(r#"42["bad"]"#);
    assert_eq!(four.text(), r#"44"E_BAD""#);
    four.send(r#"42["rude"]"#);
    assert_eq!(four.text(), r#"44"be nice""#);
    // A client's word is not taken for the middleware's.
    four.send(r#"44"be nice""#);
    assert_eq!(four.text(), r#"42["heard from the client","be nice"]"#);

    let (mut five, _) = world.join();
    five.send(r#"421["Say","x"]"#);
    assert_eq!(five.text(), r#"42["said","x",true]"#);
    five.send(r#"42["bad"]"#);
    assert_eq!(five.text(), r#"42["refused","not allowed","E_BAD"]"#);
    assert_eq!(five.text(), r#"42["heard","not allowed"]"#);
    drop((four, five));
    world.end();
}

/// Counts what it is asked, and lets the one in memory do it.
struct Counting {
    local: InMemory,
    name: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Counting {
    fn note(&self, what: impl Into<String>) {
        let what = format!("{} {}", self.name, what.into());
        self.seen.lock().unwrap().push(what);
    }
}

impl Adapter for Counting {
    fn local(&self) -> &InMemory {
        &self.local
    }

    fn init(&self) {
        self.note("init");
    }

    fn close(&self) -> sio_tokio::Later<()> {
        self.note("close");
        sio_tokio::Later::ready(())
    }

    fn joined(&self, id: &SocketId, rooms: &[&str]) -> sio_tokio::Later<()> {
        let names = rooms.iter().map(|room| match *room == id.as_str() {
            true => "own",
            false => room,
        });
        self.note(format!("add {}", names.collect::<Vec<_>>().join("+")));
        // It is in them already.
        let inside = self.local.socket_rooms(id).unwrap();
        assert!(
            rooms
                .iter()
                .all(|room| inside.iter().any(|its| its == room))
        );
        sio_tokio::Later::when(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
        })
    }

    fn left(&self, id: &SocketId, rooms: &[&str]) -> sio_tokio::Later<()> {
        self.note(format!("del {}", rooms.join("+")));
        let inside = self.local.socket_rooms(id).unwrap();
        assert!(
            !rooms
                .iter()
                .any(|room| inside.iter().any(|its| its == room))
        );
        sio_tokio::Later::ready(())
    }

    fn gone(&self, id: &SocketId) {
        self.note("del all");
        assert_eq!(self.local.socket_rooms(id), None);
    }

    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        let sender = if to.sender().is_some() { " by one" } else { "" };
        let rooms: Vec<&str> = to.rooms().into_iter().flatten().collect();
        self.note(format!(
            "{} {:?} to {}{sender}",
            message.event(),
            message.args().len(),
            rooms.join("+")
        ));
        self.local.broadcast(message, to);
    }

    fn server_side_emit(&self, event: &str, args: &Args) -> Result<(), AdapterError> {
        self.local.hear_server_side(event, args);
        Ok(())
    }
}

#[test]
fn an_adapter_of_the_applications_own() {
    covers(&[
        "adapter",
        "adapter-setter",
        "adapter-per-namespace",
        "join-callback",
    ]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let io = Io::new(calm());
    let log = seen.clone();
    io.set_adapter(move |local| Counting {
        name: local.namespace().to_owned(),
        local,
        seen: log.clone(),
    })
    .unwrap();
    let take = || std::mem::take(&mut *seen.lock().unwrap());
    io.of("/later");
    assert_eq!(take(), ["/ init", "/later init"]);
    let world = World::new(io.clone());
    let plain = io.set_adapter(|local| local);
    assert_eq!(plain, Err(SetupError::Attached));
    assert_eq!(
        io.of("/").set_adapter(|local| local),
        Err(SetupError::Attached)
    );

    let (mut a, id) = world.join();
    let (mut b, _) = world.join();
    let main = io.of("/");
    let socket = main.get(&id).unwrap();
    world.wait(socket.joined(["x", "y"])).unwrap();
    assert_eq!(socket.rooms(), [&*id, "x", "y"]);
    socket.leave("y");
    assert_eq!(take(), ["/ add own", "/ add own", "/ add x+y", "/ del y"]);
    io.to("x").emit("one", &(1, 2)).unwrap();
    assert_eq!(a.text(), r#"42["one",1,2]"#);
    socket.broadcast().emit("two", &()).unwrap();
    assert_eq!(b.text(), r#"42["two"]"#);
    io.local().emit("here", &()).unwrap();
    assert_eq!(
        (a.text(), b.text()),
        (r#"42["here"]"#.into(), r#"42["here"]"#.into())
    );
    assert_eq!(take(), ["/ one 2 to x", "/ two 0 to  by one"]);

    let adapter = main.adapter();
    assert_eq!(adapter.local().socket_rooms(socket.id()).unwrap().len(), 2);
    let x = Recipients::default().to("x");
    let sockets = world.wait(adapter.sockets(&x)).unwrap();
    assert!(sockets.is_complete());
    assert_eq!(*sockets, [socket.id().clone()]);
    world.wait(adapter.add_sockets(&x, &["z"])).unwrap();
    assert_eq!(socket.rooms(), [&*id, "x", "z"]);
    assert_eq!(world.wait(adapter.server_count()), Ok(1));
    let replies = main.to("x").emit_with_ack::<u8>("ask", &());
    let asked = a.text();
    let ack = asked
        .trim_start_matches("42")
        .trim_end_matches(r#"["ask"]"#);
    a.send(&format!("43{ack}[7]"));
    assert_eq!(world.wait(replies).unwrap().ok(), [7]);
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    main.on_server_side(move |event, args| {
        assert_eq!((event, args.len()), ("hello", 1));
        count.fetch_add(1, Ordering::Relaxed);
    });
    main.server_side_emit("hello", &1).unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    take();
    drop(adapter.disconnect_sockets(&x, true));
    assert_eq!(a.text(), "41");
    drop((a, b));
    while !main.is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(socket);
    world.end();
    let mut last = take();
    last.sort_unstable();
    assert_eq!(last, ["/ close", "/ del all", "/ del all", "/later close"]);
}

#[test]
fn the_adapter_in_memory_is_there_by_default() {
    covers(&["in-memory", "adapter-per-namespace", "local"]);
    let world = World::new(Io::new(calm()));
    let (mut client, id) = world.join();
    let main = world.io.of("/");
    let adapter = main.adapter();
    let socket = main.get(&id).unwrap();
    let own = Recipients::default().to(socket.id());
    world.wait(adapter.add_sockets(&own, &["x"])).unwrap();
    assert_eq!(socket.rooms(), [&*id, "x"]);
    let message = Broadcast::new("/", "said", Args::from_arguments(&1).unwrap()).unwrap();
    let x = Recipients::default().to("x");
    adapter.broadcast(&message, &x);
    assert_eq!(client.text(), r#"42["said",1]"#);
    main.local().to("x").emit("local", &()).unwrap();
    assert_eq!(client.text(), r#"42["local"]"#);
    assert_eq!(main.server_side_emit("x", &()), Err(AdapterError::Alone));
    assert!(Broadcast::new("/", "disconnect", Args::default()).is_err());
    drop((client, socket));
    world.end();
}

#[test]
fn closing_tells_everybody_and_frees_the_port() {
    covers(&["close"]);
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let io = Io::new(calm());
    io.of("/")
        .on_disconnect(move |reason: sio_tokio::DisconnectReason| {
            tell.lock().unwrap().send(reason.to_string()).unwrap();
        });
    let world = World::new(io);
    let (mut client, _) = world.join();
    let (mut other, _) = world.join_v3();
    let address = world.address;
    let listening = std::thread::spawn(move || (client.end(), other.end()));
    world.end();
    listening.join().unwrap();
    for _ in 0..2 {
        assert_eq!(told.recv().unwrap(), "server shutting down");
    }
    // Somebody else may have it now.
    let again = Io::new(calm());
    let server = Server::new(again.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let serving = runtime.spawn(sio_tokio::listen(address, server));
    let mut client = loop {
        if let Ok(stream) = std::net::TcpStream::connect(address) {
            break WebSocket::over(Wire::over(stream), sio_tests::wire::WEBSOCKET);
        }
    };
    assert!(client.text().starts_with("0{"));
    drop(client);
    runtime.block_on(again.close());
    runtime.block_on(serving).unwrap().unwrap();
}

#[test]
fn a_server_listens_on_an_address_by_itself() {
    covers(&["new-server-port", "listen"]);
    let address = free_address();
    let free = std::net::TcpListener::bind(address).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let taken = runtime.block_on(sio_tokio::listen(address, Io::new(calm())));
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    drop(free);
    let io = Io::new(calm());
    io.of("/")
        .on("echo", |args: Args, ack: Ack| ack.send(&args));
    let serving = runtime.spawn(sio_tokio::listen(address, io.clone()));
    while std::net::TcpStream::connect(address).is_err() {}
    let mut client = WebSocket::join(address);
    client.send(r#"421["echo",1]"#);
    assert_eq!(client.text(), "431[1]");
    drop(client);
    runtime.block_on(io.close());
    runtime.block_on(serving).unwrap().unwrap();
}

#[test]
fn reserved_names_are_refused() {
    covers(&["reserved"]);
    let world = World::new(Io::new(calm()));
    let (mut five, id) = world.join();
    let (mut four, sid) = world.join_v3();
    let main = world.io.of("/");
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ] {
        assert!(
            matches!(main.emit(name, &()), Err(EmitError::Encode(_))),
            "{name}"
        );
    }
    // `error` is free in revision 5; a 2.x client would take it for its own.
    main.get(&id).unwrap().emit("error", &()).unwrap();
    assert_eq!(five.text(), r#"42["error"]"#);
    let refused = main.get(&sid).unwrap().emit("error", &());
    assert!(matches!(refused, Err(EmitError::Encode(_))));
    four.send(r#"42["disconnect","x"]"#);
    four.send(r#"42["message","x"]"#);
    five.send(r#"42["disconnect","x"]"#);
    let (_, code) = five.end();
    assert!(code.is_some(), "revision 5 does not tolerate them");
    let _: Data<()> = Data(());
    drop((four, five));
    world.end();
}
