//! A Redis Cluster: three masters, started here, among whom the slots are divided.
//!
//! With `SIO_SHARDS` set there is more of it: every dialect, both libraries of Node's, a replica that takes the place of its
//! master, and slots that move again and again.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use sio_redis::{Dialect, EmitterError, Options, Redis, Subscriptions};
use sio_tokio::ClusterEvent;

use crate::here::{in_time, sleep, until, within};
use crate::mixed::all_at;
use crate::node::{Binding, Node, hears, options};
use crate::ours::two_at;
use crate::server::{Meeting, RedisServer, free_port, say_to};
use crate::world::run;

/// How long a cluster may take to agree on something, on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether there is time for all of it.
fn is_long() -> bool {
    std::env::var_os("SIO_SHARDS").is_some()
}

pub(crate) struct RedisCluster {
    masters: Vec<RedisServer>,
}

/// The last slot of each master.
const LAST: [u16; 3] = [5460, 10_922, 16_383];

impl RedisCluster {
    pub(crate) async fn start() -> Self {
        // One that is slow has not failed.
        Self::with_timeout(60_000).await
    }

    /// With masters that have failed once nothing was heard of them for so many milliseconds.
    async fn with_timeout(millis: u32) -> Self {
        let masters = LAST.map(|_| node(millis));
        let mut first = 0;
        for (master, last) in masters.iter().zip(LAST) {
            let told = master.say(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            assert!(told.starts_with("+OK"), "{told}");
            master.say(&format!("CLUSTER SET-CONFIG-EPOCH {last}"));
            first = last.saturating_add(1);
        }
        let cluster = Self {
            masters: masters.into(),
        };
        for other in &cluster.masters[1..] {
            cluster.meet(other);
        }
        cluster.is_whole(3).await;
        cluster
    }

    fn meet(&self, other: &RedisServer) {
        let bus = member(&other.say("CONFIG GET cluster-port"), 4).to_owned();
        let told = self.masters[0].say(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port));
        assert!(told.starts_with("+OK"), "{told}");
    }

    /// Waits until all of them know all others, and that they have all slots.
    async fn is_whole(&self, nodes: usize) {
        in_time("the Redis Cluster", PATIENCE, async {
            let known = format!("cluster_known_nodes:{nodes}");
            let whole = |master: &RedisServer| {
                let told = say_to(master.port, "CLUSTER INFO").unwrap_or_default();
                let has = |line: &str| told.lines().any(|its| its == line);
                has("cluster_state:ok") && has("cluster_size:3") && has(&known)
            };
            while !self.masters.iter().all(whole) {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    fn slot(&self, channel: &str) -> u16 {
        let told = self.masters[0].say(&format!("CLUSTER KEYSLOT {channel}"));
        let slot = told.lines().next().and_then(|line| line.strip_prefix(':'));
        slot.and_then(|slot| slot.parse().ok())
            .unwrap_or_else(|| panic!("{told}"))
    }

    /// Whose slot it was when all began.
    fn owner(&self, slot: u16) -> usize {
        LAST.iter().position(|last| slot <= *last).unwrap()
    }

    /// A slot goes to another master, as `redis-cli --cluster reshard` has it go.
    fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let ids = [from, to].map(|at| self.masters[at].say("CLUSTER MYID"));
        let [from_id, to_id] = ids.each_ref().map(|told| member(told, 1));
        let say = |at: usize, what: &str| {
            let told = self.masters[at].say(&format!("CLUSTER SETSLOT {slot} {what}"));
            assert!(told.starts_with("+OK"), "{told}");
        };
        say(to, &format!("IMPORTING {from_id}"));
        say(from, &format!("MIGRATING {to_id}"));
        for at in [to, from] {
            say(at, &format!("NODE {to_id}"));
        }
    }
}

impl Meeting for RedisCluster {
    fn redis(&self) -> Redis {
        let urls: Vec<String> = self.masters.iter().map(url).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        Redis::cluster(&urls).unwrap()
    }

    fn ports(&self) -> String {
        let ports: Vec<String> = self.masters.iter().map(|it| it.port.to_string()).collect();
        ports.join(",")
    }
}

fn node(millis: u32) -> RedisServer {
    let (bus, millis) = (free_port().to_string(), millis.to_string());
    let told = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        &millis,
    ];
    RedisServer::start_at(free_port(), &told)
}

fn url(server: &RedisServer) -> String {
    format!("redis://127.0.0.1:{}/", server.port)
}

/// A line of an answer.
fn member(told: &str, line: usize) -> &str {
    told.lines().nth(line).unwrap_or_else(|| panic!("{told}"))
}

/// All dialects in which what goes to one namespace goes by one channel, or by one node: in its order.
#[test]
fn two_of_ours_in_each_dialect() {
    run(async {
        let cluster = RedisCluster::start().await;
        let all = [
            Dialect::Classic,
            Dialect::Sharded,
            Dialect::V2,
            Dialect::Streams,
        ];
        let some = if is_long() { 4 } else { 1 };
        for dialect in &all[..some] {
            Box::pin(two_at(&cluster, *dialect, Some(Subscriptions::All))).await;
        }
        Box::pin(rooms(&cluster, Subscriptions::Rooms)).await;
        if is_long() {
            Box::pin(rooms(&cluster, Subscriptions::RoomsAndIds)).await;
        }
    });
}

/// With a channel for each room, all over the cluster: each in its order.
async fn rooms(cluster: &RedisCluster, subscriptions: Subscriptions) {
    let key = format!("{subscriptions:?}");
    let options = options(Dialect::Sharded, &key).subscriptions(subscriptions);
    let here = Node::new(Binding::Tokio, cluster.redis(), options.clone()).await;
    let mut there = Node::new(Binding::Smol, cluster.redis(), options).await;
    here.counts(2).await;
    let rooms: Vec<String> = (0..30).map(|number| format!("room {number}")).collect();
    let owners = rooms.iter().map(|room| {
        let slot = cluster.slot(&format!("\"{key}#/#{room}#\""));
        cluster.owner(slot)
    });
    let mut owners: Vec<_> = owners.collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners, [0, 1, 2], "rooms of all masters");
    within("the rooms", there.socket().joined(&rooms[..]))
        .await
        .unwrap();
    for number in 0..20 {
        for room in &rooms {
            let said = (room.as_str(), number);
            here.io().to(room.as_str()).emit("n", &said).unwrap();
        }
    }
    let mut heard = vec![0; rooms.len()];
    for _ in 0..rooms.len() * 20 {
        let text = there.first.text().await;
        let told: (String, String, u32) =
            serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap();
        let at = rooms.iter().position(|room| *room == told.1).unwrap();
        assert_eq!(told.2, heard[at], "of {}", told.1);
        heard[at] += 1;
    }
    // Left, nothing comes of it any more; joined again, all of it.
    there.socket().leave("room 3");
    within("the room", there.socket().joined("room 3"))
        .await
        .unwrap();
    here.io().to("room 3").emit("again", &()).unwrap();
    hears(&mut there.first, &["again"]).await;
    within("a flush", here.io().adapter().flush())
        .await
        .unwrap();
    here.ends().await;
    there.ends().await;
}

#[test]
fn beside_one_of_nodes() {
    run(async {
        let libraries = ["sharded", "sharded ioredis"];
        let some = if is_long() { 2 } else { 1 };
        for adapter in &libraries[..some] {
            let cluster = RedisCluster::start().await;
            Box::pin(all_at(cluster, adapter, Dialect::Sharded)).await;
        }
    });
}

/// Both tell of it, and are back.
async fn are_back([here, there]: [&Node; 2]) {
    in_time("the cluster", PATIENCE, async {
        for node in [here, there] {
            while !node.io().adapter().status().up {
                sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await;
    in_time("all nodes", PATIENCE, async {
        for node in [here, there] {
            while node.io().adapter().server_count().await != Ok(2) {
                sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await;
}

/// What the other has heard until `back`: in its order, and once.
async fn in_order(there: &mut Node) {
    let mut last = None;
    loop {
        let text = there.first.text().await;
        if text == r#"42["back"]"# {
            return;
        }
        let next = text.strip_prefix(r#"42["n","#);
        let next = next.and_then(|it| it.strip_suffix(']'));
        let next: u32 = next.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
        assert!(last < Some(next), "{last:?} before {next}");
        last = Some(next);
    }
}

/// Why it was away, each time.
fn downs(node: &Node) -> Vec<String> {
    let why = |event| {
        if let ClusterEvent::Down { why } = event {
            Some(why)
        } else {
            None
        }
    };
    node.events().into_iter().filter_map(why).collect()
}

#[test]
fn a_slot_that_moves_is_followed() {
    run(async {
        let cluster = RedisCluster::start().await;
        let options = options(Dialect::Sharded, "moved").subscriptions(Subscriptions::All);
        let mut here = Node::new(Binding::Tokio, cluster.redis(), options.clone()).await;
        let mut there = Node::new(Binding::Smol, cluster.redis(), options.clone()).await;
        let emitter = cluster.redis().emitter(options);
        here.counts(2).await;
        emitter.to("x").emit("by an emitter", &()).await.unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["by an emitter"]).await;
        }
        let slot = cluster.slot("moved#/#");
        let (mut at, mut number) = (cluster.owner(slot), 0);
        let io = here.io().clone();
        let moves = if is_long() { 20 } else { 1 };
        for _ in 0..moves {
            let to = (at + 1) % 3;
            // Some are on their way while it moves.
            for step in 0..40 {
                io.to("x").emit("n", &number).unwrap();
                if step == 20 {
                    cluster.move_slot(slot, at, to);
                }
                here.first.expect(&format!(r#"42["n",{number}]"#)).await;
                number += 1;
            }
            in_time("the news", PATIENCE, async {
                let mut told = [false; 2];
                while told != [true; 2] {
                    for (told, node) in told.iter_mut().zip([&here, &there]) {
                        *told |= downs(node).iter().any(|why| why.contains("moved"));
                    }
                    sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
            are_back([&here, &there]).await;
            io.to("x").emit("back", &()).unwrap();
            hears(&mut here.first, &["back"]).await;
            in_order(&mut there).await;
            // An emitter looks for it, too, both ways.
            let said = emitter.clone();
            std::thread::spawn(move || said.to("x").emit("waited for", &()).wait())
                .join()
                .unwrap()
                .unwrap();
            emitter.to("x").emit("awaited", &()).await.unwrap();
            for node in [&mut here, &mut there] {
                hears(&mut node.first, &["waited for", "awaited"]).await;
            }
            at = to;
        }
        here.ends().await;
        there.ends().await;
    });
}

/// The master dies on whose channel they meet: who is here hears all of it meanwhile.
async fn dies(binding: Binding, copied: bool) {
    let mut cluster = RedisCluster::with_timeout(1000).await;
    let options = options(Dialect::Sharded, "dies").subscriptions(Subscriptions::All);
    let at = cluster.owner(cluster.slot("dies#/#"));
    let replica = copied.then(|| node(1000));
    if let Some(replica) = &replica {
        cluster.meet(replica);
        cluster.is_whole(4).await;
        let told = cluster.masters[at].say("CLUSTER MYID");
        let copy = format!("CLUSTER REPLICATE {}", member(&told, 1));
        in_time("a replica", PATIENCE, async {
            // Until it has heard of that master, and until it has all of it.
            while !replica.say(&copy).starts_with("+OK") {
                sleep(Duration::from_millis(50)).await;
            }
            while !replica.say("INFO replication").contains("link_status:up") {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
    let mut here = Node::new(binding, cluster.redis(), options.clone()).await;
    let mut there = Node::new(binding, cluster.redis(), options).await;
    here.counts(2).await;
    let io = here.io().clone();
    cluster.masters[at].kill();
    until("the outage", || !io.adapter().status().up).await;
    let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
    assert_eq!((x.len(), x.silent_nodes), (1, 1));
    let mut number = 0;
    let started = Instant::now();
    in_time("the cluster", PATIENCE, async {
        while !(io.adapter().status().up && there.io().adapter().status().up) {
            io.to("x").emit("n", &number).unwrap();
            here.first.expect(&format!(r#"42["n",{number}]"#)).await;
            number += 1;
            if number == 20 && !copied {
                cluster.masters[at].restart();
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    are_back([&here, &there]).await;
    assert!(
        number >= 20 || copied,
        "{number} in {:?}",
        started.elapsed()
    );
    io.to("x").emit("back", &()).unwrap();
    hears(&mut here.first, &["back"]).await;
    in_order(&mut there).await;
    here.ends().await;
    there.ends().await;
}

#[test]
fn a_master_that_dies_is_waited_for() {
    run(async {
        Box::pin(dies(Binding::Smol, false)).await;
        if is_long() {
            Box::pin(dies(Binding::Tokio, false)).await;
            Box::pin(dies(Binding::Smol, true)).await;
            Box::pin(dies(Binding::Tokio, true)).await;
        }
    });
}

#[test]
fn what_is_no_cluster_is_refused() {
    assert!(Redis::cluster(&[]).unwrap_err().is_lasting());
    assert!(Redis::cluster(&["http://x/"]).unwrap_err().is_lasting());
    let two = ["redis://:a@x/", "redis://:b@y/"];
    assert!(Redis::cluster(&two).unwrap_err().is_lasting());
    let cluster = Redis::cluster(&["redis://x/", "redis://y/"]).unwrap();
    let sentinels = cluster.sentinels(&["redis://z/"]);
    assert!(sentinels.unwrap_err().is_lasting());
    run(async {
        let server = RedisServer::start();
        let alone = Redis::cluster(&[&*url(&server)]).unwrap();
        let why = within("an answer", alone.check()).await.unwrap_err();
        assert!(why.to_string().contains("cluster support"), "{why}");
        // Its slots are nobody's.
        let empty = node(60_000);
        let empty = Redis::cluster(&[&*url(&empty)]).unwrap();
        let why = within("an answer", empty.check()).await.unwrap_err();
        assert!(!why.is_lasting(), "{why}");
        let gone = format!("redis://127.0.0.1:{}/", free_port());
        let gone = Redis::cluster(&[&*gone]).unwrap();
        let why = within("an answer", gone.check()).await.unwrap_err();
        assert!(!why.is_lasting(), "{why}");
        let emitter = gone.emitter(Options::new(Dialect::Sharded));
        let said = within("an end", emitter.emit("x", &()).into_future()).await;
        let why = said.unwrap_err();
        assert!(matches!(why, EmitterError::Unreachable(_)), "{why}");
        let said = std::thread::spawn(move || emitter.emit("x", &()).wait());
        let why = said.join().unwrap().unwrap_err();
        assert!(matches!(why, EmitterError::Unreachable(_)), "{why}");
    });
}
