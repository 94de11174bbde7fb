//! A Redis that goes and comes back.

use std::time::Duration;

use futures_util::future::join_all;
use sio_redis::{Dialect, Subscriptions};
use sio_tokio::ClusterEvent;

use crate::here::{until, within};
use crate::node::{Binding, Node, hears, options};
use crate::server::RedisServer;
use crate::world::run;

/// Killed and started again, again and again: who is here hears all of it in its order; who is there hears what is
/// said once all are there again.
async fn killed(binding: Binding, dialect: Dialect) {
    let mut redis = RedisServer::start();
    let options = options(dialect, "away");
    let mut here = Node::new(binding, redis.redis(), options.clone()).await;
    let mut there = Node::new(binding, redis.redis(), options).await;
    here.counts(2).await;
    let io = here.io().clone();
    for round in 0..10 {
        redis.kill();
        until("the outage", || !io.adapter().status().up).await;
        for number in 0..20 {
            io.to("x").emit("n", &(round, number)).unwrap();
        }
        for number in 0..20 {
            let expected = format!(r#"42["n",{round},{number}]"#);
            here.first.expect(&expected).await;
        }
        // Nobody waits for what is not there.
        let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
        assert_eq!((x.len(), x.silent_nodes), (1, 1));
        redis.restart();
        until("Redis", || io.adapter().status().up).await;
        until("Redis", || there.io().adapter().status().up).await;
        here.counts(2).await;
        io.to("x").emit("back", &round).unwrap();
        here.first.expect(&format!(r#"42["back",{round}]"#)).await;
        // What waited was published when this one was back; the other may not have listened yet. In its order, and
        // once, is what came.
        let mut last = None;
        loop {
            let text = there.first.text().await;
            if text == format!(r#"42["back",{round}]"#) {
                break;
            }
            let number = text.strip_prefix(&format!(r#"42["n",{round},"#));
            let number = number.and_then(|it| it.strip_suffix(']'));
            let number: u32 = number.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
            assert!(last < Some(number), "{last:?} before {number}");
            last = Some(number);
        }
        let events = here.events();
        let count = |up: bool| {
            let its = |event: &&ClusterEvent| match event {
                ClusterEvent::Up => up,
                ClusterEvent::Down { .. } => !up,
                ClusterEvent::Lost { .. }
                | ClusterEvent::NodeGone { .. }
                | ClusterEvent::Foreign { .. }
                | ClusterEvent::Overflow { .. }
                | _ => false,
            };
            events.iter().filter(its).count()
        };
        let ups = if round == 0 { 2 } else { 1 };
        assert_eq!((count(false), count(true)), (1, ups), "{events:?}");
    }
    here.ends().await;
    there.ends().await;
}

#[test]
fn on_tokio_it_is_waited_for() {
    run(killed(Binding::Tokio, Dialect::Classic));
}

#[test]
fn on_smol_it_is_waited_for() {
    run(killed(Binding::Smol, Dialect::Classic));
}

#[test]
fn in_the_sharded_dialect_it_is_waited_for() {
    run(killed(Binding::Tokio, Dialect::Sharded));
}

/// Its connections stay, and nothing comes of them.
async fn stalled(binding: Binding) {
    let redis = RedisServer::start();
    let options = options(Dialect::Classic, "away");
    let ours = || {
        let redis = redis.redis().ping_interval(Duration::from_millis(500));
        redis.ping_timeout(Duration::from_secs(2))
    };
    let mut here = Node::new(binding, ours(), options.clone()).await;
    let mut there = Node::new(binding, ours(), options).await;
    here.counts(2).await;
    let io = here.io().clone();
    redis.stall();
    io.to("x").emit("stalled", &()).unwrap();
    hears(&mut here.first, &["stalled"]).await;
    until("the outage", || !io.adapter().status().up).await;
    // Whether that event has arrived nobody knows, which is told.
    let unsure = ClusterEvent::Overflow { dropped: 1 };
    until("that to be told", || here.events().contains(&unsure)).await;
    until("the outage", || !there.io().adapter().status().up).await;
    redis.go_on();
    until("Redis", || io.adapter().status().up).await;
    until("Redis", || there.io().adapter().status().up).await;
    here.counts(2).await;
    io.to("x").emit("back", &()).unwrap();
    hears(&mut here.first, &["back"]).await;
    hears(&mut there.first, &["back"]).await;
    here.ends().await;
    there.ends().await;
}

#[test]
fn a_redis_that_stands_still_is_given_up() {
    run(async {
        let both = [Binding::Tokio, Binding::Smol].map(|it| Box::pin(stalled(it)));
        join_all(both).await;
    });
}

/// As many rooms as take more to be said than may wait, and a message that does.
#[test]
fn what_there_is_may_be_more_than_may_wait() {
    run(async {
        let mut redis = RedisServer::start();
        let options = options(Dialect::Classic, "away").subscriptions(Subscriptions::Rooms);
        let ours = || redis.redis().max_unsent_bytes(10_000);
        let here = Node::new(Binding::Tokio, ours(), options.clone()).await;
        let mut there = Node::new(Binding::Smol, ours(), options).await;
        let rooms = (0..500).map(|number| format!("room {number}"));
        there.socket().join(rooms.collect::<Vec<_>>()).unwrap();
        redis.kill();
        until("the outage", || !there.io().adapter().status().up).await;
        redis.restart();
        here.counts(2).await;
        there.counts(2).await;
        let long = "x".repeat(20_000);
        here.io().to("room 499").emit("long", &long).unwrap();
        there.first.expect(&format!(r#"42["long","{long}"]"#)).await;
        here.ends().await;
        there.ends().await;
    });
}

/// In one go more is added than a stream holds: the first of it is gone before anybody reads.
#[test]
fn what_a_burst_has_pushed_out_of_a_stream_is_said_to_be_lost() {
    run(async {
        let redis = RedisServer::start();
        let options = options(Dialect::Streams, "burst");
        let nodes =
            [Binding::Tokio, Binding::Smol].map(|it| Node::new(it, redis.redis(), options.clone()));
        let mut nodes = join_all(nodes).await;
        for node in &nodes {
            node.counts(2).await;
            node.events();
        }
        let add = |count: usize, event: &str| {
            let said = |room: &str| {
                format!(
                    r#"{{"packet":{{"type":2,"data":["{event}"]}},"opts":{{"rooms":["{room}"],"except":[],"flags":{{}}}}}}"#
                )
            };
            let entry = |room: &str| {
                format!(
                    "redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'uid', 'other', 'nsp', '/', 'type', '3', 'data', '{}')",
                    said(room)
                )
            };
            let script = format!(
                "for _ = 2, {count} do {} end {} return 1",
                entry("nobody"),
                entry("x")
            );
            let script = script.replace('"', r#"\""#);
            let answer = redis.say(&format!(r#"EVAL "{script}" 1 burst"#));
            assert!(answer.starts_with(":1"), "{answer}");
        };
        let is_lost = |event: &ClusterEvent| matches!(event, ClusterEvent::Lost { .. });
        // All of what comes first can be read, in several steps.
        for (count, event, lost) in [(5_000, "all", 0), (25_000, "some", 1), (5_000, "again", 0)] {
            add(count, event);
            for node in &mut nodes {
                hears(&mut node.first, &[event]).await;
                let events = node.events();
                let told = events.iter().filter(|it| is_lost(it)).count();
                assert_eq!(told, lost, "{event}: {events:?}");
            }
        }
        for node in nodes {
            node.ends().await;
        }
    });
}
