//! Clients that are cut off at one server and come back at another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sio_driver::cluster::{Dialect, Line, Memory, Options};
use sio_tokio::{Ack, ConnectionStateRecovery, Io, Refusal, Socket};

use crate::client::{Client, calm};
use crate::here::{until, within};
use crate::recovery::{Known, claims, do_, enter, events, later, read, talks};
use crate::world::{On, World};

/// One of the servers.
struct Node {
    world: World,
    line: Line,
    /// Why sockets have left it.
    left: Arc<Mutex<Vec<String>>>,
    /// Whether its middleware refuses.
    refuses: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Node {
    async fn new(on: On, memory: &Memory) -> Self {
        Self::with(on, memory, ConnectionStateRecovery::default()).await
    }

    async fn with(on: On, memory: &Memory, options: ConnectionStateRecovery) -> Self {
        let io = Io::new(calm().connection_state_recovery(options));
        let broker = memory.broker();
        let line = broker.line();
        let cluster = on.join(broker, Options::new(Dialect::Streams));
        io.set_adapter(cluster.adapter()).unwrap();
        let main = io.of("/");
        let (refuses, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (says, count) = (refuses.clone(), asked.clone());
        main.use_(move |_: Socket| {
            let (says, count) = (says.clone(), count.clone());
            async move {
                later().await;
                count.fetch_add(1, Ordering::Relaxed);
                match says.load(Ordering::Relaxed) {
                    true => Err(Refusal::new("not now")),
                    false => Ok(()),
                }
            }
        });
        let left = talks(&main);
        main.on("who", |socket: Socket, ack: Ack| {
            let kept = socket.recovered_data();
            let kept = kept.map(|kept| kept.value().unwrap_or_default());
            ack.send(&(socket.recovered(), kept, socket.rooms()))
        });
        let world = World::new(on, io).await;
        let io = world.io.clone();
        until("the cluster", || io.adapter().status().up).await;
        Self {
            world,
            line,
            left,
            refuses,
            asked,
        }
    }

    fn io(&self) -> &Io {
        &self.world.io
    }

    async fn come(&self, auth: &str) -> (Client, Known, Vec<String>) {
        let mut client = self.world.open().await;
        let (known, before) = enter(&mut client, auth).await;
        (client, known, before)
    }

    /// Waits until so many sockets have left, and what is kept of them is.
    async fn has_left(&self, count: usize) {
        until("it is gone", || self.left.lock().unwrap().len() == count).await;
        self.flushes().await;
    }

    /// Waits until all that it has said is in the stream.
    async fn flushes(&self) {
        within("the broker", self.io().adapter().flush())
            .await
            .unwrap();
    }

    /// An event for everybody, which that client hears: its place.
    async fn place(&self, client: &mut Client, name: &str) -> String {
        self.io().emit(name, &()).unwrap();
        let (event, offset) = read(&client.text().await);
        assert_eq!(event, format!(r#"42["{name}"]"#));
        offset
    }
}

async fn two(on: On) -> (Memory, Node, Node) {
    let memory = Memory::new();
    let (here, there) = (Node::new(on, &memory).await, Node::new(on, &memory).await);
    (memory, here, there)
}

async fn ends<const N: usize>(memory: Memory, nodes: [Node; N]) {
    for node in nodes {
        node.world.ends().await;
    }
    until("all links to end", || {
        format!("{memory:?}") == "Memory(0 servers)"
    })
    .await;
}

async fn who(client: &mut Client) -> String {
    client.send(r#"421["who"]"#).await;
    client.text().await
}

async fn it_hears_what_it_has_missed_of_all_servers(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    do_(&mut ann, "join", "lobby").await;
    do_(&mut ann, "join", "left").await;
    do_(&mut ann, "keep", "word").await;
    let offset = here.place(&mut ann, "first").await;
    let socket = here.io().of("/").get(&known.id).unwrap();
    // Said before it has joined, and before it leaves.
    there.io().to("late").emit("early", &()).unwrap();
    there.io().to("left").emit("1", &()).unwrap();
    there.io().emit("2", &"text").unwrap();
    for _ in 0..2 {
        ann.text().await;
    }
    socket.join("late").unwrap();
    socket.leave("left");
    drop(ann);
    here.has_left(1).await;
    here.io().to("lobby").emit("3", &()).unwrap();
    there.io().to("left").emit("nobody", &()).unwrap();
    there.io().to("late").emit("4", &()).unwrap();
    there.io().except("lobby").emit("others", &()).unwrap();
    there.io().volatile().emit("lost", &()).unwrap();
    there.io().to(&*known.id).emit("5", &1).unwrap();
    // What one server says is in its order; what both say is in any.
    here.flushes().await;
    there.flushes().await;
    here.io().emit("6", &()).unwrap();
    here.flushes().await;
    let (mut ann, again, before) = there.come(&claims(&known, &offset)).await;
    assert_eq!(again, known);
    let expected = ["1", "3", "4", "6"].map(|name| format!(r#"42["{name}"]"#));
    let mut heard = events(&before);
    heard.retain(|event| expected.contains(event));
    heard.sort();
    assert_eq!(heard, expected);
    assert_eq!(before.len(), 6, "{before:?}");
    let rooms = format!(r#"["{}","lobby","late"]"#, known.id);
    let expected = format!(r#"431[true,"word",{rooms}]"#);
    assert_eq!(who(&mut ann).await, expected);
    assert_eq!(there.asked.load(Ordering::Relaxed), 0);
    // What is said from now on it hears once.
    here.io().to("lobby").emit("7", &()).unwrap();
    assert_eq!(read(&ann.text().await).0, r#"42["7"]"#);
    // Others see what it had been given.
    let her = there.io().to(&*known.id);
    let fetched = her.fetch_sockets().await.unwrap();
    assert_eq!(fetched[0].data.decode::<String>().unwrap(), "word");
    let figures = there.io().of("/").recovery().unwrap();
    assert_eq!((figures.recovered, figures.packets), (1, 0));
    ends(memory, [here, there]).await;
}

async fn it_moves_to_and_fro_and_hears_all_of_it_once(on: On) {
    let (memory, here, there) = two(on).await;
    let nodes = [&here, &there];
    let (mut client, known, _) = here.come("").await;
    let mut offset = here.place(&mut client, "begin").await;
    let mut told = 0;
    let mut heard = Vec::new();
    let mut say = |count: usize| {
        for number in told..told + count {
            let io = nodes[number % 2].io();
            match number % 3 {
                0 => io.to(&*known.id).emit("n", &number).unwrap(),
                _ => io.emit("n", &number).unwrap(),
            }
        }
        told += count;
    };
    for round in 1..=12 {
        say(8);
        for _ in 0..round % 5 {
            let (event, at) = read(&client.text().await);
            heard.push(event);
            offset = at;
        }
        let old = nodes[(round - 1) % 2];
        drop(client);
        say(4);
        old.has_left(round.div_ceil(2)).await;
        let next = nodes[round % 2];
        let mut coming = next.world.open().await;
        coming.send(&format!("40{}", claims(&known, &offset))).await;
        // Said while it comes back.
        say(8);
        loop {
            let text = coming.text().await;
            if text.starts_with("40{") {
                assert!(text.contains(&known.pid), "{text}");
                break;
            }
            let (event, at) = read(&text);
            heard.push(event);
            offset = at;
        }
        client = coming;
    }
    while heard.len() < told {
        let (event, _) = read(&client.text().await);
        heard.push(event);
    }
    client.sync().await;
    // Each server's own in its order, and all of them once.
    let number = |event: &String| -> usize {
        let digits = event.strip_prefix(r#"42["n","#).unwrap();
        digits.strip_suffix(']').unwrap().parse().unwrap()
    };
    let numbers: Vec<_> = heard.iter().map(number).collect();
    for side in 0..2 {
        let its = numbers.iter().copied().filter(|it| it % 2 == side);
        let all = (0..told).filter(|it| it % 2 == side);
        assert_eq!(its.collect::<Vec<_>>(), all.collect::<Vec<_>>());
    }
    ends(memory, [here, there]).await;
}

async fn nobody_comes_back_twice_or_from_before(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    let first = here.place(&mut ann, "first").await;
    let second = here.place(&mut ann, "second").await;
    drop(ann);
    here.has_left(1).await;
    for offset in ["", "1", "AAAA", "1-1-1"] {
        let (_, other, before) = there.come(&claims(&known, offset)).await;
        assert!(other.id != known.id && before.is_empty(), "{offset}");
    }
    let (mut ann, again, before) = there.come(&claims(&known, &first)).await;
    assert_eq!((again, before.len()), (known.clone(), 1));
    // It is here, with its socket, and nowhere else.
    for offset in [&first, &second] {
        let (_, other, _) = here.come(&claims(&known, offset)).await;
        assert!(other.id != known.id);
    }
    ann.sync().await;
    // What it was told when it came it may have heard, or not.
    let (_, other, _) = there.come(&claims(&known, &first)).await;
    assert!(other.id != known.id);
    ann.sync().await;
    drop(ann);
    // With four that made up an offset, and one that came from before.
    there.has_left(6).await;
    let (_, other, _) = here.come(&claims(&known, &first)).await;
    assert!(other.id != known.id);
    let (_ann, again, _) = here.come(&claims(&known, &second)).await;
    assert_eq!(again, known);
    ends(memory, [here, there]).await;
}

async fn one_whose_connection_hangs_gives_way_on_its_own_server(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    do_(&mut ann, "keep", "word").await;
    let offset = here.place(&mut ann, "first").await;
    there.place(&mut ann, "second").await;
    // The other server knows nothing of it.
    let (_, other, _) = there.come(&claims(&known, &offset)).await;
    assert!(other.id != known.id);
    let (mut new, again, before) = here.come(&claims(&known, &offset)).await;
    assert_eq!(again, known);
    assert_eq!(events(&before), [r#"42["second"]"#]);
    here.has_left(1).await;
    assert_eq!(here.left.lock().unwrap()[0], "recovered elsewhere");
    here.place(&mut new, "third").await;
    assert_eq!(here.io().of("/").len(), 1);
    drop(ann);
    ends(memory, [here, there]).await;
}

async fn a_server_that_closes_leaves_its_clients_to_the_others(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    let offset = here.place(&mut ann, "first").await;
    for number in 0..10 {
        here.io().emit("n", &number).unwrap();
    }
    here.world.ends().await;
    there.io().emit("last", &()).unwrap();
    there.flushes().await;
    let (_ann, again, before) = there.come(&claims(&known, &offset)).await;
    assert_eq!(again, known);
    let mut expected: Vec<_> = (0..10).map(|it| format!(r#"42["n",{it}]"#)).collect();
    expected.push(r#"42["last"]"#.to_owned());
    assert_eq!(events(&before), expected);
    ends(memory, [there]).await;
}

async fn in_an_outage_those_here_hear_at_once_and_come_back_as_new_ones(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    let (mut bob, other, _) = there.come("").await;
    let offset = here.place(&mut ann, "first").await;
    let bobs = read(&bob.text().await).1;
    here.line.cut();
    let io = here.io().clone();
    until("the outage", || !io.adapter().status().up).await;
    // Said without a place of its own, and yet nothing but a place is taken for one.
    let (event, same) = {
        here.io().emit("second", &"text").unwrap();
        read(&ann.text().await)
    };
    assert_eq!((&*event, &same), (r#"42["second","text"]"#, &offset));
    there.io().emit("meanwhile", &()).unwrap();
    assert_eq!(read(&bob.text().await).0, r#"42["meanwhile"]"#);
    here.line.heal();
    until("the cluster", || io.adapter().status().up).await;
    // It has what the others have said, and they what it has: each once.
    assert_eq!(read(&ann.text().await).0, r#"42["meanwhile"]"#);
    assert_eq!(read(&bob.text().await).0, r#"42["second","text"]"#);
    let last = here.place(&mut ann, "third").await;
    assert_eq!(read(&bob.text().await).0, r#"42["third"]"#);
    drop((ann, bob));
    here.has_left(1).await;
    there.has_left(1).await;
    let (_, new, before) = there.come(&claims(&known, &last)).await;
    assert!(new.id != known.id && before.is_empty());
    let (mut bob, again, before) = here.come(&claims(&other, &bobs)).await;
    assert_eq!(again, other);
    assert_eq!(before.len(), 3, "{before:?}");
    here.place(&mut bob, "end").await;
    ends(memory, [here, there]).await;
}

async fn whom_a_middleware_refuses_may_come_again(on: On) {
    let memory = Memory::new();
    let asking = ConnectionStateRecovery::default().skip_middlewares(false);
    let here = Node::with(on, &memory, asking).await;
    let there = Node::with(on, &memory, asking).await;
    let (mut ann, known, _) = here.come("").await;
    let offset = here.place(&mut ann, "first").await;
    drop(ann);
    here.has_left(1).await;
    there.refuses.store(true, Ordering::Relaxed);
    let mut refused = there.world.open().await;
    refused
        .send(&format!("40{}", claims(&known, &offset)))
        .await;
    refused.expect(r#"44{"message":"not now"}"#).await;
    there.refuses.store(false, Ordering::Relaxed);
    let (_ann, again, _) = there.come(&claims(&known, &offset)).await;
    assert_eq!(again, known);
    assert_eq!(there.asked.load(Ordering::Relaxed), 2);
    ends(memory, [here, there]).await;
}

async fn one_that_is_put_out_does_not_come_back(on: On) {
    let (memory, here, there) = two(on).await;
    let (mut ann, known, _) = here.come("").await;
    let offset = here.place(&mut ann, "first").await;
    here.io().of("/").get(&known.id).unwrap().disconnect(false);
    ann.expect("41").await;
    here.has_left(1).await;
    let (_, other, _) = there.come(&claims(&known, &offset)).await;
    assert!(other.id != known.id);
    ends(memory, [here, there]).await;
}

on_each_runtime! {
    it_hears_what_it_has_missed_of_all_servers,
    it_moves_to_and_fro_and_hears_all_of_it_once,
    nobody_comes_back_twice_or_from_before,
    one_whose_connection_hangs_gives_way_on_its_own_server,
    a_server_that_closes_leaves_its_clients_to_the_others,
    in_an_outage_those_here_hear_at_once_and_come_back_as_new_ones,
    whom_a_middleware_refuses_may_come_again,
    one_that_is_put_out_does_not_come_back,
}
