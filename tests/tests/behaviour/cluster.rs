//! Servers that are one by a broker in memory, in each dialect.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_driver::cluster::{Dialect, Line, Memory, Options, Subscriptions};
use sio_tokio::{
    Ack, AckError, AdapterError, Args, Bytes, ClusterEvent, Data, EmitError, EncodeError, Io,
    ServerAck, Socket, Value,
};

use crate::client::{Client, calm};
use crate::here::{until, within};
use crate::nodes::{answer, half_answer};
use crate::world::{On, World};

/// One server, with two clients in `/`, the first of which is in `x`.
pub(crate) struct Node {
    pub(crate) world: World,
    first: Client,
    second: Client,
    ids: [String; 2],
    /// Between it and the broker.
    line: Line,
    /// What became of the cluster.
    events: Arc<Mutex<Vec<ClusterEvent>>>,
}

/// What the nodes have in common.
pub(crate) struct House {
    pub(crate) memory: Memory,
    options: Options,
}

impl House {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let mut options = Options::new(dialect);
        // Nobody is counted late here.
        options.node.settle = Duration::ZERO;
        Self {
            memory: Memory::new(),
            options,
        }
    }

    pub(crate) async fn node(&self, on: On) -> Node {
        let io = Io::new(calm());
        let broker = self.memory.broker();
        let line = broker.line();
        let cluster = on.join(broker, self.options.clone());
        io.set_adapter(cluster.adapter()).unwrap();
        let main = io.of("/");
        main.on("sync", |ack: Ack| ack.send(&()));
        main.on(
            "join",
            async |socket: Socket, Data(room): Data<String>, ack: Ack| {
                socket.joined(&room).await.map_err(|why| why.to_string())?;
                ack.send(&()).map_err(|why| why.to_string())
            },
        );
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = events.clone();
        main.on_cluster(move |event| told.lock().unwrap().push(event.clone()));
        let world = World::new(on, io).await;
        let io = world.io.clone();
        until("the cluster", || io.adapter().status().up).await;
        let ((mut first, a), (second, b)) = (world.join().await, world.join().await);
        first.send(r#"421["join","x"]"#).await;
        first.expect("431[]").await;
        Node {
            world,
            first,
            second,
            ids: [a, b],
            line,
            events,
        }
    }

    async fn two(&self, on: On) -> (Node, Node) {
        let (here, there) = (self.node(on).await, self.node(on).await);
        here.forget();
        there.forget();
        (here, there)
    }

    /// All have left: nothing is left of them.
    pub(crate) async fn ends<const N: usize>(self, nodes: [Node; N]) {
        for node in nodes {
            node.world.ends().await;
        }
        let memory = self.memory;
        until("all links to end", || {
            format!("{memory:?}") == "Memory(0 servers)"
        })
        .await;
    }
}

impl Node {
    pub(crate) fn io(&self) -> &Io {
        &self.world.io
    }

    fn socket(&self) -> Socket {
        self.io().of("/").get(&self.ids[0]).unwrap()
    }

    fn forget(&self) {
        self.events.lock().unwrap().clear();
    }

    fn events(&self) -> Vec<ClusterEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// What its clients hear, in order, up to `end`.
    async fn hear(&mut self, first: &[&str], second: &[&str]) {
        for (client, heard) in [(&mut self.first, first), (&mut self.second, second)] {
            for event in heard.iter().chain(&["end"]) {
                client.expect(&format!(r#"42["{event}"]"#)).await;
            }
        }
    }
}

const ALL: [Dialect; 4] = [
    Dialect::Classic,
    Dialect::V2,
    Dialect::Sharded,
    Dialect::Streams,
];

async fn what_is_emitted_reaches_the_members_on_all_servers(on: On) {
    for dialect in ALL {
        let house = House::new(dialect);
        let (mut here, mut there) = house.two(on).await;
        let io = here.io().clone();
        io.to("x").emit("x", &()).unwrap();
        // In 2.x only sockets can be left out.
        if dialect != Dialect::V2 {
            io.except("x").emit("not x", &()).unwrap();
        }
        io.to(["x", &*there.ids[1]]).emit("two", &()).unwrap();
        io.local().emit("here", &()).unwrap();
        here.socket().broadcast().emit("others", &()).unwrap();
        here.socket().to("x").emit("others in x", &()).unwrap();
        io.to(Vec::<String>::new()).emit("nobody", &()).unwrap();
        io.to(&*there.ids[1]).emit("one", &()).unwrap();
        io.emit("end", &()).unwrap();
        let not_x: &[&str] = match dialect {
            Dialect::V2 => &[],
            Dialect::Classic | Dialect::Sharded | Dialect::Streams => &["not x"],
        };
        let second = [not_x, &["here", "others"]].concat();
        here.hear(&["x", "two", "here"], &second).await;
        let second = [not_x, &["two", "others", "one"]].concat();
        there
            .hear(&["x", "two", "others", "others in x"], &second)
            .await;
        // Back, and with bytes.
        there
            .socket()
            .compress(false)
            .broadcast()
            .emit("bytes", &(7, Bytes::from_static(b"ab")))
            .unwrap();
        for client in [&mut here.first, &mut here.second, &mut there.second] {
            client
                .expect(r#"451-["bytes",7,{"_placeholder":true,"num":0}]"#)
                .await;
            assert_eq!(client.next().await.unwrap().into_data(), "ab");
        }
        // Other namespaces are others'.
        io.of("/x#y").emit("nobody", &()).unwrap();
        io.of("/named").emit("nobody", &()).unwrap();
        io.emit("end", &()).unwrap();
        here.hear(&[], &[]).await;
        there.hear(&[], &[]).await;
        house.ends([here, there]).await;
    }
}

async fn clients_of_all_servers_answer_as_far_as_they_do(on: On) {
    for dialect in [Dialect::Classic, Dialect::Sharded, Dialect::Streams] {
        let house = House::new(dialect);
        let (mut here, mut there) = house.two(on).await;
        let replies = here.io().to("x").emit_with_ack::<(String, u8)>("all", &());
        answer(&mut there.first, "all", "b").await;
        answer(&mut here.first, "all", "a").await;
        let replies = within("answers", replies).await.unwrap();
        let answers = replies.answers.iter();
        let answers: Vec<_> = answers
            .map(|(id, it)| (id.to_string(), it.clone()))
            .collect();
        let of = |node: &Node, word: &str| (node.ids[0].clone(), Ok((word.to_owned(), 1)));
        assert_eq!(answers, [of(&here, "a"), of(&there, "b")], "{dialect:?}");
        assert!(!replies.timed_out() && replies.others.is_empty());

        // Half of them are silent.
        let (io, time) = (here.io().clone(), Duration::from_millis(300));
        let speaking = [&mut here.first, &mut there.second];
        let silent = [&mut here.second, &mut there.first];
        let replies = half_answer(&io, time, speaking, silent).await;
        let of = |id: &str| replies.answers.iter().find(|(its, _)| its.as_str() == id);
        let of = |id: &str| of(id).map(|(_, answer)| answer.clone());
        assert_eq!(of(&here.ids[0]), Some(Ok("here".to_owned())));
        assert_eq!(of(&here.ids[1]), Some(Err(AckError::Timeout)));
        assert_eq!(of(&there.ids[1]), Some(Ok("there".to_owned())));
        assert_eq!((replies.missing, replies.silent_nodes), (1, 0));

        // The broker is away: what is known here is not lost.
        house.memory.cut();
        until("the outage", || !here.io().adapter().status().up).await;
        let replies = here.io().to("x").emit_with_ack::<String>("cut", &());
        answer(&mut here.first, "cut", "here").await;
        let replies = within("answers", replies).await.unwrap();
        assert_eq!((replies.missing, replies.silent_nodes), (0, 1));
        assert_eq!(replies.ok(), ["here"]);
        house.ends([here, there]).await;
    }
}

async fn what_the_wire_cannot_say_leaves_the_others_silent(on: On) {
    let house = House::new(Dialect::Classic);
    let (mut here, there) = house.two(on).await;
    // Half a character: beside bytes it would have to be MessagePack's, whose texts are whole.
    let json = r#"["\ud800",{"_placeholder":true,"num":0}]"#;
    let args = Args::from_json(json, vec![Bytes::from_static(b"ab")]).unwrap();
    let replies = here.io().to("x").emit_with_ack::<String>("half", &args);
    let question = here.first.text().await;
    let id = question.strip_prefix("451-").unwrap();
    let id = id.split_once('[').unwrap().0;
    assert_eq!(here.first.next().await.unwrap().into_data(), "ab");
    here.first.send(&format!(r#"43{id}["here"]"#)).await;
    let replies = within("answers", replies).await.unwrap();
    assert_eq!(replies.silent_nodes, 1);
    assert_eq!(replies.ok(), ["here"]);
    house.ends([here, there]).await;
}

async fn data_that_panics_is_none_and_ends_no_link(on: On) {
    /// What an application may get wrong.
    struct Broken;

    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("as applications do");
        }
    }

    let house = House::new(Dialect::Classic);
    let (here, there) = house.two(on).await;
    there.socket().set_data(Broken);
    for _ in 0..2 {
        let x = here.io().to("x");
        let x = within("sockets", x.fetch_sockets()).await.unwrap();
        assert_eq!((x.len(), x.silent_nodes), (2, 0));
        assert_eq!(x[1].data.value().unwrap(), Value::Null);
    }
    assert_eq!(there.events(), []);
    house.ends([here, there]).await;
}

async fn sets_of_sockets_are_those_of_all_servers(on: On) {
    for dialect in [Dialect::Classic, Dialect::Sharded, Dialect::Streams] {
        let house = House::new(dialect);
        let (mut here, mut there) = house.two(on).await;
        let io = here.io().clone();
        there.socket().set_data("ann");
        let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
        let ids: Vec<&str> = x.iter().map(|socket| socket.id.as_str()).collect();
        assert_eq!(ids, [&*here.ids[0], &*there.ids[0]], "{dialect:?}");
        assert_eq!(x[1].rooms, [&*there.ids[0], "x"]);
        assert_eq!(x[1].data.decode::<String>().unwrap(), "ann");
        let (ours, theirs) = (&x[0].handshake, &x[1].handshake);
        assert_eq!(theirs.headers.get("host").unwrap(), "x");
        // Nobody learns by what a client proves who it is.
        assert!(ours.headers.get("sec-websocket-key").is_some());
        assert!(theirs.headers.get("sec-websocket-key").is_none());
        assert_eq!(theirs.query, ours.query);
        assert_eq!((&theirs.url, theirs.revision), (&ours.url, ours.revision));
        assert_eq!(
            theirs.address.unwrap().ip(),
            there.socket().handshake().address.unwrap().ip()
        );
        let clients = within("ids", io.except("x").clients()).await.unwrap();
        let clients: Vec<_> = clients.iter().map(ToString::to_string).collect();
        assert_eq!(clients, [here.ids[1].clone(), there.ids[1].clone()]);
        assert_eq!(*within("a number", io.count()).await.unwrap(), 4);
        assert_eq!(*within("a number", io.to("x").count()).await.unwrap(), 2);
        assert_eq!(*within("a number", io.local().count()).await.unwrap(), 2);
        assert_eq!(
            within("a number", io.adapter().server_count())
                .await
                .unwrap(),
            2
        );

        // What is done here is done at once, there in its order.
        io.except("x").join(["y", "z"]);
        io.to(&*there.ids[1]).leave("z");
        io.to("z").emit("z", &()).unwrap();
        io.to("y").emit("y", &()).unwrap();
        for (client, heard) in [
            (&mut here.second, &["z", "y"][..]),
            (&mut there.second, &["y"]),
        ] {
            for event in heard {
                client.expect(&format!(r#"42["{event}"]"#)).await;
            }
        }
        let mut rooms: Vec<String> = [&here, &there]
            .iter()
            .flat_map(|it| it.ids.clone())
            .collect();
        rooms.extend(["x", "y", "z"].map(str::to_owned));
        rooms.sort();
        let all = within("rooms", io.of("/").rooms()).await.unwrap();
        assert_eq!(*all, rooms);
        assert!(all.is_complete());

        io.to("y").disconnect(false);
        for client in [&mut here.second, &mut there.second] {
            client.expect("41").await;
        }
        let left = || [&here, &there].map(|node| node.io().of("/").len());
        until("them to leave", || left() == [1, 1]).await;

        // Alone, one knows of the others that they are silent.
        house.memory.cut();
        until("the outage", || !io.adapter().status().up).await;
        let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
        assert_eq!((x.len(), x.silent_nodes), (1, 1));
        let count = within("a number", io.adapter().server_count()).await;
        assert!(
            matches!(count, Err(AdapterError::Unreachable(_))),
            "{count:?}"
        );
        house.ends([here, there]).await;
    }
}

async fn servers_hear_of_each_other(on: On) {
    for dialect in [Dialect::Classic, Dialect::Sharded, Dialect::Streams] {
        let house = House::new(dialect);
        let (here, there) = house.two(on).await;
        let (ours, theirs) = (here.io().of("/"), there.io().of("/"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        for (namespace, name) in [(&ours, "ours"), (&theirs, "theirs")] {
            let see = seen.clone();
            namespace.on_server_side(move |event, args| {
                see.lock().unwrap().push(format!("{name} {event} {args:?}"));
                assert_ne!(event, "panic", "as applications do");
            });
            namespace.on_server_side_ask(move |event, args, ack: ServerAck| {
                if event == "load" {
                    ack.send(&(name, args.len())).unwrap();
                }
            });
        }
        ours.server_side_emit("panic", &()).unwrap();
        ours.server_side_emit("hello", &(1, "x")).unwrap();
        let load = within("answers", ours.server_side_ask("load", &(1, 2), None));
        let load = load.await.unwrap();
        // Of several arguments of an answer the wire has one.
        let answers: Vec<String> = load.iter().map(|it| it.args.get(0).unwrap()).collect();
        assert_eq!(answers, ["theirs"], "{dialect:?}");
        assert!(load.is_complete());
        // Whoever does not answer has nothing to say, and need not be waited for.
        let dropped = within("answers", theirs.server_side_ask("dropped", &(), None));
        let dropped = dropped.await.unwrap();
        assert_eq!((dropped.len(), dropped.silent_nodes), (1, 0));
        assert!(dropped[0].args.is_empty());
        let reserved = ours.server_side_emit("connection", &());
        let why = EmitError::Encode(EncodeError::Reserved("connection".into()));
        assert_eq!(reserved, Err(AdapterError::Emit(why)));
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.retain(|it| !it.contains("load"));
        assert_eq!(
            seen,
            [
                "theirs panic []",
                r#"theirs hello [1,"x"]"#,
                "ours dropped []"
            ]
        );
        house.memory.cut();
        until("the outage", || !here.io().adapter().status().up).await;
        let asked = within("the end", ours.server_side_ask("load", &(), None)).await;
        assert!(
            matches!(asked, Err(AdapterError::Unreachable(_))),
            "{asked:?}"
        );
        house.ends([here, there]).await;
    }
}

async fn an_outage_holds_up_nobody_here_and_loses_nothing_in_silence(on: On) {
    for dialect in ALL {
        let mut house = House::new(dialect);
        house.options.node.outage_buffer = 2000;
        let (mut here, mut there) = house.two(on).await;
        let io = here.io().clone();
        here.line.cut();
        until("the outage", || !io.adapter().status().up).await;
        io.emit("one", &()).unwrap();
        here.first.expect(r#"42["one"]"#).await;
        io.volatile().emit("volatile", &()).unwrap();
        here.first.expect(r#"42["volatile"]"#).await;
        io.emit("two", &()).unwrap();
        here.first.expect(r#"42["two"]"#).await;
        // Asked behind them: the link has heard of all while the others were away.
        assert!(io.adapter().flush().await.is_err());
        here.line.heal();
        // What waited comes in its order; what may be lost was.
        there.first.expect(r#"42["one"]"#).await;
        there.first.expect(r#"42["two"]"#).await;
        io.emit("three", &()).unwrap();
        there.first.expect(r#"42["three"]"#).await;
        let [down, up] = &here.events()[..] else {
            panic!("down and up")
        };
        assert!(matches!(down, ClusterEvent::Down { .. }), "{down:?}");
        assert_eq!(*up, ClusterEvent::Up);

        // More than may wait: the oldest go, and that is told.
        here.line.cut();
        until("the outage", || !io.adapter().status().up).await;
        for number in 0..5 {
            io.emit("long", &(number, "x".repeat(500))).unwrap();
        }
        io.emit("last", &()).unwrap();
        let dropped = || {
            let events = here.events.lock().unwrap();
            let mut dropped = 0;
            for event in &*events {
                if let ClusterEvent::Overflow { dropped: count } = event {
                    dropped += count;
                }
            }
            dropped
        };
        until("the overflow", || dropped() > 0).await;
        here.line.heal();
        let mut came = 0;
        loop {
            let event = there.first.text().await;
            if event == r#"42["last"]"# {
                break;
            }
            assert!(event.starts_with(r#"42["long""#), "{event}");
            came += 1;
        }
        // Some may have been dropped, and told, since the first of them was.
        until("all to have come or been told of", || came + dropped() == 5).await;
        house.ends([here, there]).await;
    }
}

async fn what_one_server_says_comes_in_its_order_and_once(on: On) {
    for dialect in ALL {
        let house = House::new(dialect);
        let (mut here, mut there) = house.two(on).await;
        let mut third = house.node(on).await;
        for number in 0..200 {
            // All of these mean the same two and go by different channels.
            match number % 3 {
                0 => here.io().to("x").emit("n", &number).unwrap(),
                1 => here.io().to(["x", "nowhere"]).emit("n", &number).unwrap(),
                _ => here.io().emit("n", &number).unwrap(),
            }
        }
        here.io().emit("end", &()).unwrap();
        for client in [&mut here.first, &mut there.first, &mut third.first] {
            for number in 0..200 {
                client.expect(&format!(r#"42["n",{number}]"#)).await;
            }
            client.expect(r#"42["end"]"#).await;
        }
        within("a flush", here.io().adapter().flush())
            .await
            .unwrap();
        house.ends([here, there, third]).await;
    }
}

async fn rooms_that_are_here_are_listened_to_and_no_others(on: On) {
    for (dialect, subscriptions) in [
        (Dialect::Classic, Subscriptions::Rooms),
        (Dialect::Sharded, Subscriptions::Rooms),
        (Dialect::Sharded, Subscriptions::RoomsAndIds),
    ] {
        let mut house = House::new(dialect);
        house.options = house.options.subscriptions(subscriptions);
        let (here, mut there) = house.two(on).await;
        let io = here.io().clone();
        // A room that is joined, left and joined again within a round trip.
        let socket = there.socket();
        for _ in 0..3 {
            socket.join("y").unwrap();
            socket.leave("y");
        }
        within("a join", socket.joined("y")).await.unwrap();
        io.to("y").emit("y", &()).unwrap();
        io.to("x").emit("x", &()).unwrap();
        io.to(&*there.ids[0]).emit("id", &()).unwrap();
        io.to("nobody").emit("nobody", &()).unwrap();
        for event in ["y", "x", "id"] {
            there.first.expect(&format!(r#"42["{event}"]"#)).await;
        }
        socket.leave("y");
        // What others' sockets were put into is heard of at once.
        io.to(&*there.ids[0]).join("w");
        io.to("w").emit("w", &()).unwrap();
        there.first.expect(r#"42["w"]"#).await;
        io.to("y").emit("y", &()).unwrap();
        io.to("x").emit("end", &()).unwrap();
        there.first.expect(r#"42["end"]"#).await;
        house.ends([here, there]).await;
    }
}

/// A namespace that comes later, and one whose name is another's with a room.
async fn namespaces_have_channels_of_their_own(on: On) {
    let house = House::new(Dialect::Classic);
    let (mut here, mut there) = house.two(on).await;
    let names = ["/a", "/a#b", "/a[b]*"];
    for node in [&here, &there] {
        for name in names {
            let namespace = node.io().of(name);
            until("the cluster", || namespace.adapter().status().up).await;
        }
    }
    for name in names {
        there.first.enter(&format!("{name},")).await;
    }
    for name in names {
        here.io().of(name).emit("all", &name).unwrap();
        here.io().of(name).to("b#").emit("nobody", &name).unwrap();
    }
    here.io().emit("end", &()).unwrap();
    for name in names {
        let expected = format!(r#"42{name},["all","{name}"]"#);
        there.first.expect(&expected).await;
    }
    there.hear(&[], &[]).await;
    here.hear(&[], &[]).await;
    house.ends([here, there]).await;
}

/// A server that was dropped without being closed leaves, too.
async fn a_link_ends_with_its_server(on: On) {
    let house = House::new(Dialect::Classic);
    let servers: Vec<Io> = (0..4).map(|_| Io::new(calm())).collect();
    for io in &servers {
        let cluster = on.join(house.memory.broker(), house.options.clone());
        io.set_adapter(cluster.adapter()).unwrap();
        until("the cluster", || io.adapter().status().up).await;
    }
    for io in &servers {
        let count = within("a number", io.adapter().server_count()).await;
        assert_eq!(count, Ok(4));
    }
    drop(servers);
    house.ends([]).await;
}

on_each_runtime! {
    what_is_emitted_reaches_the_members_on_all_servers,
    clients_of_all_servers_answer_as_far_as_they_do,
    what_the_wire_cannot_say_leaves_the_others_silent,
    data_that_panics_is_none_and_ends_no_link,
    sets_of_sockets_are_those_of_all_servers,
    servers_hear_of_each_other,
    an_outage_holds_up_nobody_here_and_loses_nothing_in_silence,
    what_one_server_says_comes_in_its_order_and_once,
    rooms_that_are_here_are_listened_to_and_no_others,
    namespaces_have_channels_of_their_own,
    a_link_ends_with_its_server,
}
