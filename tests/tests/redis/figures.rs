//! What it takes to be there again, and what comes that nobody wants: figures, printed where they are asked for.

use std::time::{Duration, Instant};

use sio_redis::{Dialect, Subscriptions};
use sio_tokio::ClusterEvent;

use crate::client::{Client, calm};
use crate::here::{in_time, sleep, within};
use crate::node::{Binding, Node, options};
use crate::server::RedisServer;
use crate::world::run;

/// How many namespaces there are: `SIO_REDIS_NAMESPACES`. Each has a hundred rooms.
fn namespaces() -> usize {
    let told = std::env::var("SIO_REDIS_NAMESPACES");
    told.map_or(5, |it| it.parse().expect("a number"))
}

const ROOMS: usize = 100;

/// Processor time of this process, all of its threads, in its hundredths of a second.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name of the programme, which may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

const fn is_up(event: &ClusterEvent) -> bool {
    matches!(event, ClusterEvent::Up)
}

/// The channels that somebody listens to.
fn channels(redis: &RedisServer, sharded: bool) -> usize {
    let command = if sharded { "SHARDCHANNELS" } else { "CHANNELS" };
    let told = redis.say(&format!("PUBSUB {command}"));
    let count = told.strip_prefix('*').and_then(|it| it.lines().next());
    count.unwrap().parse().unwrap()
}

/// A server that listens to each room by itself loses its connection: how long until it listens to all again, from the
/// word that it has gone to the last that it is there.
async fn listens_again(binding: Binding, dialect: Dialect) {
    let redis = RedisServer::start();
    let options = options(dialect, "figures").subscriptions(Subscriptions::Rooms);
    let node = Node::with(binding, redis.redis(), options, calm()).await;
    let mut clients = Vec::new();
    let (tell, told) = std::sync::mpsc::channel();
    for number in 0..namespaces() {
        // A connection is in so many at most.
        if number % 50 == 0 {
            clients.push(Client::open(node.world.address, "").await);
        }
        let client = clients.last_mut().unwrap();
        let name = format!("/n{number}");
        let namespace = node.io().of(&name);
        let tell = tell.clone();
        namespace.on_cluster(move |event| {
            let (up, down) = (is_up(event), matches!(event, ClusterEvent::Down { .. }));
            if !up && !down {
                return;
            }
            let _ = tell.send((up, Instant::now(), spent()));
        });
        let id = client.enter(&format!("{name},")).await;
        let rooms: Vec<String> = (0..ROOMS).map(|room| format!("room {room}")).collect();
        let socket = namespace.get(&id).unwrap();
        within("the rooms", socket.joined(rooms)).await.unwrap();
    }
    let sharded = dialect == Dialect::Sharded;
    let before = channels(&redis, sharded);
    assert!(before > namespaces() * ROOMS, "{before}");
    while told.try_recv().is_ok() {}
    redis.say("CLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE normal");
    let mut events: Vec<(bool, Instant, Duration)> = Vec::new();
    in_time("all of them", Duration::from_secs(120), async {
        while events.iter().filter(|(up, ..)| *up).count() < namespaces() {
            events.extend(told.try_iter());
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(channels(&redis, sharded), before);
    let (first, last) = (events.first().unwrap(), events.last().unwrap());
    println!(
        "{binding:?}, {dialect:?}: {before} channels of {} namespaces again in {:?}, {:?} of processor time",
        namespaces(),
        last.1 - first.1,
        last.2 - first.2,
    );
    drop(clients);
    node.ends().await;
}

#[test]
fn all_is_listened_to_again() {
    for binding in [Binding::Tokio, Binding::Smol] {
        run(listens_again(binding, Dialect::Classic));
        run(listens_again(binding, Dialect::Sharded));
    }
}

/// Of a thousand rooms a hundred are here, and something is said to each: what Redis passes on to this server.
async fn passed_on(subscriptions: Subscriptions) -> usize {
    let redis = RedisServer::start();
    let options = options(Dialect::Classic, "figures").subscriptions(subscriptions);
    let node = Node::new(Binding::Tokio, redis.redis(), options).await;
    let here: Vec<String> = (0..100).map(|room| format!("r{}", room * 10)).collect();
    within("the rooms", node.socket().joined(here))
        .await
        .unwrap();
    let said: Vec<String> = (0..1000)
        .map(|room| format!("PUBLISH figures#/#r{room}# x"))
        .collect();
    // Redis answers each with the number of connections that it was passed on to.
    let answers = redis.say(&said.join("\r\n"));
    let passed = answers.lines().filter_map(|it| it.strip_prefix(':'));
    let passed = passed.map(|it| it.parse::<usize>().unwrap()).sum();
    node.ends().await;
    passed
}

#[test]
fn nothing_comes_for_rooms_that_are_not_here() {
    run(async {
        // As with Node's adapter: nine of ten are thrown away here.
        assert_eq!(passed_on(Subscriptions::All).await, 1000);
        assert_eq!(passed_on(Subscriptions::Rooms).await, 100);
    });
}
