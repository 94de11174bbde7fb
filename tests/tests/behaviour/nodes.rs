//! Two servers of one process, joined by an adapter: what is for many reaches those of both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tokio::adapter::{Answers, ClusterStatus};
use sio_tokio::{
    Ack, AckError, Adapter, AdapterError, Args, Broadcast, Bytes, ClusterEvent, Data, Gathered,
    InMemory, Io, Later, Recipients, RemoteSocket, Replies, ServerAck, ServerAnswer, Socket,
    SocketId,
};

use crate::client::{Client, calm};
use crate::here::{PATIENCE, until, within};
use crate::world::{On, World};

/// What joins them: the nodes, and what becomes of what they tell each other.
#[derive(Clone, Default)]
struct Bus {
    nodes: Arc<Mutex<Vec<InMemory>>>,
    /// Nobody hears of anything: the others are silent.
    cut: Arc<AtomicBool>,
    /// Answers do not say whose they are.
    nameless: Arc<AtomicBool>,
    /// What sockets have joined and left.
    told: Arc<Mutex<Vec<String>>>,
}

struct Joined {
    local: InMemory,
    bus: Bus,
}

type Asked<T> = Later<Result<Gathered<T>, AdapterError>>;

impl Bus {
    fn server(&self) -> Io {
        let (io, bus) = (Io::new(calm()), self.clone());
        io.set_adapter(move |local| Joined {
            local,
            bus: bus.clone(),
        })
        .unwrap();
        let main = io.of("/");
        main.on("sync", |ack: Ack| ack.send(&()));
        main.on("join", |socket: Socket, Data(room): Data<String>| {
            socket.join(room)
        });
        io
    }

    fn tell(&self, what: String) -> Later<()> {
        self.told.lock().unwrap().push(what);
        Later::ready(())
    }
}

impl Joined {
    /// The other nodes that hear of something, and how many do not.
    fn others(&self) -> (Vec<InMemory>, usize) {
        let nodes = self.bus.nodes.lock().unwrap();
        let same = |it: &&InMemory| it.namespace() == self.local.namespace();
        let others = nodes.iter().filter(same).filter(|it| !it.is(&self.local));
        let others: Vec<_> = others.cloned().collect();
        match self.bus.cut.load(Ordering::Relaxed) {
            true => (Vec::new(), others.len()),
            false => (others, 0),
        }
    }

    /// What all of them say together.
    fn all<T: Send + 'static>(
        &self,
        ask: impl Fn(&InMemory) -> T,
        add: impl Fn(T, T) -> T,
    ) -> Asked<T> {
        let (others, silent) = self.others();
        let all = others.iter().map(&ask).fold(ask(&self.local), add);
        Later::ready(Ok(Gathered::new(all, silent)))
    }

    fn each(&self, act: impl Fn(&InMemory)) -> Later<Result<(), AdapterError>> {
        act(&self.local);
        self.others().0.iter().for_each(act);
        Later::ready(Ok(()))
    }
}

fn both<T>(mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
    one.extend(other);
    one
}

impl Adapter for Joined {
    fn local(&self) -> &InMemory {
        &self.local
    }

    fn init(&self) {
        self.bus.nodes.lock().unwrap().push(self.local.clone());
    }

    fn close(&self) -> Later<()> {
        let mut nodes = self.bus.nodes.lock().unwrap();
        nodes.retain(|node| !node.is(&self.local));
        Later::ready(())
    }

    fn status(&self) -> ClusterStatus {
        let (others, silent) = self.others();
        ClusterStatus::new(silent == 0, others.len() + silent + 1, None)
    }

    fn joined(&self, id: &SocketId, rooms: &[&str]) -> Later<()> {
        let rooms = rooms.iter().filter(|room| **room != id.as_str());
        let rooms: Vec<&str> = rooms.copied().collect();
        self.bus.tell(format!("+{}", rooms.join("+")))
    }

    fn left(&self, _: &SocketId, rooms: &[&str]) -> Later<()> {
        self.bus.tell(format!("-{}", rooms.join("-")))
    }

    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        drop(self.each(|node| node.broadcast(message, to)));
    }

    fn broadcast_with_ack(&self, message: &Broadcast, to: &Recipients, answers: Answers) {
        self.local.broadcast_with_ack(message, to, &answers);
        let (others, silent) = self.others();
        answers.silent(silent);
        for node in others {
            let (relay, nameless) = (answers.clone(), self.bus.nameless.clone());
            let hear = move |id, answer: Result<Args, AckError>| {
                // As on the wire of others: who does not answer says nothing.
                if answer.is_ok() {
                    let id = (!nameless.load(Ordering::Relaxed)).then_some(id);
                    relay.answer(id, answer);
                }
            };
            node.ask(message, to, |clients| answers.expect(clients), hear);
        }
    }

    fn sockets(&self, of: &Recipients) -> Asked<Vec<SocketId>> {
        self.all(|node| node.sockets(of), both)
    }

    fn count(&self, of: &Recipients) -> Asked<usize> {
        self.all(|node| node.count(of), |one, other| one + other)
    }

    fn fetch_sockets(&self, of: &Recipients) -> Asked<Vec<RemoteSocket>> {
        self.all(|node| node.fetch_sockets(of), both)
    }

    fn rooms(&self) -> Asked<Vec<String>> {
        self.all(InMemory::rooms, |one, other| {
            let mut all = both(one, other);
            all.sort();
            all.dedup();
            all
        })
    }

    fn add_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.each(|node| node.add_sockets(of, rooms))
    }

    fn del_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.each(|node| node.del_sockets(of, rooms))
    }

    fn disconnect_sockets(&self, of: &Recipients, close: bool) -> Later<Result<(), AdapterError>> {
        self.each(|node| node.disconnect_sockets(of, close))
    }

    fn server_side_emit(&self, event: &str, args: &Args) -> Result<(), AdapterError> {
        for node in self.others().0 {
            node.hear_server_side(event, args);
        }
        Ok(())
    }

    /// Nobody waits here: who has not answered at once is silent.
    fn server_side_ask(
        &self,
        event: &str,
        args: &Args,
        _: Option<Duration>,
    ) -> Asked<Vec<ServerAnswer>> {
        let came = Arc::new(Mutex::new(Vec::new()));
        let (others, silent) = self.others();
        for node in &others {
            let come = came.clone();
            node.hear_server_side_ask(event, args, move |args| {
                come.lock().unwrap().push(ServerAnswer::new(None, args));
            });
        }
        let came = std::mem::take(&mut *came.lock().unwrap());
        let silent = silent + others.len() - came.len();
        Later::ready(Ok(Gathered::new(came, silent)))
    }
}

/// One of them, with two clients in `/`, the first of which is in `x`.
struct Node {
    world: World,
    first: Client,
    second: Client,
    ids: [String; 2],
}

impl Node {
    async fn new(on: On, bus: &Bus) -> Self {
        let world = World::new(on, bus.server()).await;
        let ((mut first, a), (second, b)) = (world.join().await, world.join().await);
        first.send(r#"42["join","x"]"#).await;
        first.sync().await;
        Self {
            world,
            first,
            second,
            ids: [a, b],
        }
    }

    fn io(&self) -> &Io {
        &self.world.io
    }

    /// Its first client.
    fn socket(&self) -> Socket {
        self.io().of("/").get(&self.ids[0]).unwrap()
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

async fn two(on: On) -> (Bus, Node, Node) {
    let bus = Bus::default();
    let (here, there) = (Node::new(on, &bus).await, Node::new(on, &bus).await);
    bus.told.lock().unwrap().clear();
    (bus, here, there)
}

async fn what_is_emitted_reaches_the_members_on_all_nodes(on: On) {
    let (bus, mut here, mut there) = two(on).await;
    let io = here.io().clone();
    io.to("x").emit("x", &()).unwrap();
    io.except("x").emit("not x", &()).unwrap();
    io.to(["x", &*there.ids[1]]).emit("two", &()).unwrap();
    io.local().emit("here", &()).unwrap();
    // The sender has a place among the members that somebody else has over there.
    here.socket().broadcast().emit("others", &()).unwrap();
    here.socket().to("x").emit("others in x", &()).unwrap();
    io.to(Vec::<String>::new()).emit("nobody", &()).unwrap();
    there
        .socket()
        .compress(false)
        .broadcast()
        .emit("back", &())
        .unwrap();
    io.emit("end", &()).unwrap();
    here.hear(
        &["x", "two", "here", "back"],
        &["not x", "here", "others", "back"],
    )
    .await;
    there
        .hear(
            &["x", "two", "others", "others in x"],
            &["not x", "two", "others", "back"],
        )
        .await;
    // Written once, for both: what it says is read from what was written.
    io.to("x")
        .emit("bytes", &(7, Bytes::from_static(b"ab")))
        .unwrap();
    for client in [&mut here.first, &mut there.first] {
        client
            .expect(r#"451-["bytes",7,{"_placeholder":true,"num":0}]"#)
            .await;
        let bytes = client.next().await.unwrap().into_data();
        assert_eq!(bytes, "ab");
    }
    // Other namespaces are others' adapters.
    io.of("/named").emit("nobody", &()).unwrap();
    bus.cut.store(true, Ordering::Relaxed);
    io.emit("cut", &()).unwrap();
    here.first.expect(r#"42["cut"]"#).await;
    bus.cut.store(false, Ordering::Relaxed);
    io.emit("whole", &()).unwrap();
    there.first.expect(r#"42["whole"]"#).await;
    here.world.ends().await;
    there.world.ends().await;
}

/// The ack id of a question, which namespaces draw.
pub(crate) async fn asked(client: &mut Client, event: &str) -> u64 {
    let question = client.text().await;
    let id = question.strip_prefix("42").unwrap();
    let id = id.strip_suffix(&format!(r#"["{event}"]"#));
    let id: u64 = id.unwrap_or_else(|| panic!("{question}")).parse().unwrap();
    assert!(id.is_multiple_of(2), "{question}");
    id
}

/// How many have answered.
pub(crate) fn answered<T>(replies: &Replies<T>) -> usize {
    let known = replies.answers.iter().map(|(_, answer)| answer);
    let all = known.chain(&replies.others);
    all.filter(|answer| answer.is_ok()).count()
}

pub(crate) async fn answer(client: &mut Client, event: &str, word: &str) {
    let id = asked(client, event).await;
    client.send(&format!(r#"43{id}["{word}",1]"#)).await;
}

/// What comes of a question that one client here and one there answer, and two others do not. Those who do may be late,
/// too, on a machine that has much to do: they are asked again, with twice the time.
pub(crate) async fn half_answer(
    io: &Io,
    mut time: Duration,
    [here, there]: [&mut Client; 2],
    mut silent: [&mut Client; 2],
) -> Replies<String> {
    loop {
        let replies = io.timeout(time).emit_with_ack::<String>("half", &());
        answer(here, "half", "here").await;
        answer(there, "half", "there").await;
        for client in &mut silent {
            asked(client, "half").await;
        }
        let replies = within("answers", replies).await.unwrap();
        time *= 2;
        if answered(&replies) == 2 || time > PATIENCE {
            return replies;
        }
    }
}

async fn those_of_all_nodes_answer_as_far_as_they_do(on: On) {
    let (bus, mut here, mut there) = two(on).await;
    // Each node asks, and neither's ids are the other's.
    let ours = here.io().to("x").emit_with_ack::<(String, u8)>("ours", &());
    let theirs = there
        .io()
        .to("x")
        .emit_with_ack::<(String, u8)>("theirs", &());
    for (client, word) in [(&mut here.first, "a"), (&mut there.first, "b")] {
        answer(client, "ours", word).await;
        answer(client, "theirs", word).await;
    }
    for (replies, order) in [(ours, [0, 1]), (theirs, [1, 0])] {
        let replies = within("answers", replies).await.unwrap();
        let expected = [(&here, "a"), (&there, "b")];
        let expected = order.map(|at| {
            let (node, word) = expected[at];
            (node.ids[0].clone(), Ok((word.to_owned(), 1)))
        });
        let answers = replies.answers.iter();
        let answers: Vec<_> = answers
            .map(|(id, it)| (id.to_string(), it.clone()))
            .collect();
        assert_eq!(answers, expected);
        assert!(!replies.timed_out() && replies.others.is_empty());
    }

    // Half of them are silent, and one of those that are not here says not who it is.
    bus.nameless.store(true, Ordering::Relaxed);
    let (io, time) = (here.io().clone(), Duration::from_millis(200));
    let speaking = [&mut here.first, &mut there.second];
    let silent = [&mut here.second, &mut there.first];
    let replies = half_answer(&io, time, speaking, silent).await;
    let of = |at: usize| {
        let answer = replies
            .answers
            .iter()
            .find(|(id, _)| id.as_str() == here.ids[at]);
        answer.unwrap().1.clone()
    };
    assert_eq!((of(0), of(1)), (Ok("here".into()), Err(AckError::Timeout)));
    assert_eq!(replies.others, [Ok("there".to_owned())]);
    assert_eq!(
        (replies.answers.len(), replies.missing, replies.silent_nodes),
        (2, 1, 0)
    );
    assert!(replies.timed_out());
    assert_eq!(replies.ok(), ["here", "there"]);

    // A node is silent, and what this one knows is not lost.
    bus.cut.store(true, Ordering::Relaxed);
    let replies = here.io().to("x").emit_with_ack::<String>("cut", &());
    answer(&mut here.first, "cut", "here").await;
    let replies = within("answers", replies).await.unwrap();
    assert_eq!((replies.missing, replies.silent_nodes), (0, 1));
    assert!(replies.timed_out());
    assert_eq!(replies.ok(), ["here"]);
    let nobody: [&str; 0] = [];
    let replies = here.io().to(nobody).emit_with_ack::<String>("nobody", &());
    assert_eq!(within("nothing", replies).await.unwrap().silent_nodes, 0);
    here.world.ends().await;
    there.world.ends().await;
}

async fn sets_of_sockets_are_those_of_all_nodes(on: On) {
    let (bus, mut here, mut there) = two(on).await;
    let io = here.io().clone();
    there.socket().set_data("ann");
    let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
    let ids: Vec<&str> = x.iter().map(|socket| socket.id.as_str()).collect();
    assert_eq!(ids, [&*here.ids[0], &*there.ids[0]]);
    assert_eq!(x[1].rooms, [&*there.ids[0], "x"]);
    assert_eq!(x[1].data.decode::<String>().unwrap(), "ann");
    assert_eq!(x[1].handshake.headers.get("host").unwrap(), "x");
    let clients = within("ids", io.except("x").clients()).await.unwrap();
    let seconds = [&here, &there].map(|node| node.ids[1].clone());
    let clients = clients.iter().map(ToString::to_string);
    assert_eq!(clients.collect::<Vec<_>>(), seconds);
    assert_eq!(*within("a number", io.count()).await.unwrap(), 4);
    assert_eq!(*within("a number", io.local().count()).await.unwrap(), 2);

    // They join and leave, and their own node's adapter hears of it.
    io.except("x").join(["y", "z"]);
    io.to(&*there.ids[1]).leave("z");
    io.of("/").to(["y", "w"]).leave(["z", "w"]);
    let told = std::mem::take(&mut *bus.told.lock().unwrap());
    assert_eq!(told, ["+y+z", "+y+z", "-z", "-z-w", "-z-w"]);
    let mut rooms: Vec<String> = [&here, &there]
        .iter()
        .flat_map(|it| it.ids.clone())
        .collect();
    rooms.extend(["x".to_owned(), "y".to_owned()]);
    rooms.sort();
    let all = within("rooms", io.of("/").rooms()).await.unwrap();
    assert_eq!(*all, rooms);
    assert!(all.is_complete());
    bus.cut.store(true, Ordering::Relaxed);
    let y = within("sockets", io.to("y").fetch_sockets()).await.unwrap();
    assert_eq!((y.len(), y.silent_nodes), (1, 1));
    let status = io.adapter().status();
    assert_eq!((status.up, status.nodes), (false, 2));
    bus.cut.store(false, Ordering::Relaxed);

    io.to("y").disconnect(false);
    for client in [&mut here.second, &mut there.second] {
        client.expect("41").await;
    }
    let left = || [&here, &there].map(|node| node.io().of("/").len());
    until("them to leave", || left() == [1, 1]).await;
    here.world.ends().await;
    there.world.ends().await;
}

async fn servers_hear_of_each_other(on: On) {
    let (bus, here, there) = two(on).await;
    let (ours, theirs) = (here.io().of("/"), there.io().of("/"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    for (namespace, name) in [(&ours, "ours"), (&theirs, "theirs")] {
        let see = seen.clone();
        namespace.on_server_side(move |event, args| {
            see.lock().unwrap().push(format!("{name} {event} {args:?}"));
        });
        namespace.on_server_side_ask(move |event, args, ack: ServerAck| {
            if event == "load" {
                ack.send(&(name, args.len())).unwrap();
            }
        });
        let see = seen.clone();
        namespace.on_cluster(move |event| see.lock().unwrap().push(format!("{name} {event:?}")));
    }
    ours.server_side_emit("hello", &(1, "x")).unwrap();
    let load = within("answers", ours.server_side_ask("load", &(1, 2), None));
    let load = load.await.unwrap();
    let answers: Vec<(String, usize)> = load.iter().map(|it| it.args.decode().unwrap()).collect();
    assert_eq!(answers, [("theirs".to_owned(), 2)]);
    assert!(load.is_complete());
    let dropped = within("answers", theirs.server_side_ask("dropped", &(), None));
    assert_eq!(dropped.await.unwrap().silent_nodes, 1);
    theirs.adapter().local().tell(&ClusterEvent::Up);
    bus.cut.store(true, Ordering::Relaxed);
    ours.server_side_emit("cut", &()).unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(
        seen,
        [
            r#"theirs hello [1,"x"]"#,
            "theirs load [1,2]",
            "ours dropped []",
            "theirs Up",
        ]
    );
    here.world.ends().await;
    there.world.ends().await;
    assert!(bus.nodes.lock().unwrap().is_empty());
}

on_each_runtime! {
    what_is_emitted_reaches_the_members_on_all_nodes,
    those_of_all_nodes_answer_as_far_as_they_do,
    sets_of_sockets_are_those_of_all_nodes,
    servers_hear_of_each_other,
}
