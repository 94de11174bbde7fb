//! A server that is emptied: nobody new comes in, and those who are there go bit by bit.

use std::future::ready;

use sio_tokio::{Bytes, EngineServer, Io, Server, http};

use crate::client::{calm, exchange, request};
use crate::here::until;
use crate::world::{On, World};

async fn nobody_new_is_let_in_and_those_who_are_there_go_bit_by_bit(on: On) {
    let io = Io::new(calm());
    io.on("sync", |ack: sio_tokio::Ack| ack.send(&()));
    let health = io.clone();
    let server =
        Server::new(io.clone()).fallback(move |_: http::Request<Bytes>| ready(health.health()));
    let world = World::serving(on, io.clone(), server).await;
    let healthy = || {
        exchange(
            world.address,
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
    };
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(world.join().await.0);
    }
    let answer = healthy().await;
    assert_eq!((answer.status, &*answer.body), (200, "ok"));
    assert!(!io.is_draining());

    io.drain();
    let answer = healthy().await;
    assert_eq!((answer.status, &*answer.body), (503, "draining"));
    let refused = request(world.address, "GET", "", "").await;
    for answer in [answer, refused] {
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    // Those that are there stay.
    for client in &mut clients {
        client.sync().await;
    }
    assert!(io.is_draining());
    assert_eq!((io.engine_sessions(), io.send_away(0)), (5, 5));
    assert_eq!(io.send_away(2), 3);
    until("two to be gone", || io.engine_sessions() == 3).await;
    assert_eq!(io.send_away(2), 1);
    assert_eq!((io.send_away(2), io.send_away(2)), (0, 0));
    for client in clients {
        // Its end is not what keeps a client from dialling again.
        let (said, code) = client.rest().await;
        assert_eq!((&*said, code), (&[][..], Some(1001)));
    }
    until("all to be gone", || io.engine_sessions() == 0).await;
    world.ends().await;
}

async fn engines_that_are_attached_or_bound_later_let_nobody_in(on: On) {
    let io = Io::new(calm());
    let [bound, later] = ["/bound", "/later"].map(|path| EngineServer::new(calm().path(path)));
    io.bind(&bound);
    io.drain();
    io.bind(&later);
    let server = Server::new(io.clone()).engine(bound).engine(later);
    let world = World::serving(on, io, server).await;
    for path in ["/socket.io", "/bound", "/later"] {
        let head = format!(
            "GET {path}/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        );
        let refused = exchange(world.address, head.as_bytes()).await;
        assert_eq!(refused.status, 503, "{path}: {}", refused.head);
        assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    }
    world.ends().await;
}

// The core's own server, which the simulation's is compared with, does not know that it is to let nobody in.
on_each_real_runtime! {
    nobody_new_is_let_in_and_those_who_are_there_go_bit_by_bit,
    engines_that_are_attached_or_bound_later_let_nobody_in,
}

mod simulated {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use sio_sim::Sim;
    use sio_tokio::{Io, Waves};

    use crate::client::{Client, calm};
    use crate::here::{sleep, spawn, within};
    use crate::world::{Simulated, World};

    /// How many clients there are, if not a few: `tests/tests/README.md`.
    fn crowd() -> usize {
        let count = std::env::var("SIO_DRAIN_CLIENTS").ok();
        count.map_or(100, |count| count.parse().expect("a number"))
    }

    /// Answers pings, however long it takes.
    async fn until_sent_away(client: &mut Client) {
        while let Some((first, payload)) = client.wire.frame().await {
            match first {
                0x81 if payload == "2" => client.send("3").await,
                0x88 => return,
                other => panic!("an unexpected frame: {other:#x}"),
            }
        }
    }

    /// Each dials another server as soon as it is sent away, and says when it has come in there.
    async fn move_over(count: usize) {
        let old = World::new(&Simulated, Io::new(calm())).await;
        let new = World::new(&Simulated, Io::new(calm())).await;
        let now = || Sim::current().expect("it runs in one").elapsed();
        let mut moving = Vec::new();
        for _ in 0..count {
            let (mut client, _) = old.join().await;
            let there = new.address;
            moving.push(spawn(async move {
                until_sent_away(&mut client).await;
                let mut client = Client::open(there, "").await;
                client.enter("").await;
                (now(), client)
            }));
        }
        assert_eq!(old.io.engine_sessions(), count);
        let began = now();
        old.io.drain();
        let mut waves = Waves::over(Duration::from_secs(25));
        while let Some(wait) = old.io.send_wave(&mut waves) {
            sleep(wait).await;
        }
        let mut seconds = BTreeMap::<u64, usize>::new();
        let mut clients = Vec::new();
        for task in moving {
            let (at, client) = within("a client to move", task.end()).await.unwrap();
            let second = at.saturating_sub(began).as_secs();
            *seconds.entry(second).or_default() += 1;
            clients.push(client);
        }
        println!("{count} clients, by second: {seconds:?}");
        assert_eq!(new.io.engine_sessions(), count);
        let most = seconds.values().max().unwrap();
        assert!(most * 20 <= count, "{most} of {count}: {seconds:?}");
        drop(clients);
        old.ends().await;
        new.ends().await;
    }

    #[test]
    fn no_second_has_more_than_its_share_of_those_who_come_again() {
        Sim::new(1).run(move_over(crowd()));
    }
}
