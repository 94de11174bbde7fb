//! What befalls Redis, and the way to it, while servers speak.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use sio_redis::{Dialect, Redis};
use sio_tests::example;
use sio_tests::line::{Break, Line, Towards};
use sio_tokio::{ClusterEvent, Config, ConnectionStateRecovery, Io};

use crate::client::calm;
use crate::contract::Server;
use crate::here::{spawn, until, within};
use crate::load::{Load, patient};
use crate::node::{Binding, Node};
use crate::server::RedisServer;
use crate::world::run;

/// How often each thing happens: as often as is asked for by `SIO_REDIS_FAULTS`.
fn rounds(few: usize) -> usize {
    let told = std::env::var("SIO_REDIS_FAULTS");
    told.map_or(few, |it| it.parse().expect("a number"))
}

/// By which wire, and whether clients come back.
#[derive(Clone, Copy)]
struct Way {
    dialect: Dialect,
    recovers: bool,
}

impl Way {
    const fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            recovers: false,
        }
    }

    fn config(self) -> Config {
        match self.recovers {
            true => calm().connection_state_recovery(ConnectionStateRecovery::default()),
            false => calm(),
        }
    }

    /// What it is called where servers are told by which to speak; where clients come back, events have more arguments.
    fn adapter(self) -> Option<&'static str> {
        Some(match self.dialect {
            _ if self.recovers => return None,
            Dialect::Classic => "redis",
            Dialect::V2 => "redis-v2",
            Dialect::Sharded => "redis-sharded",
            Dialect::Streams => "redis-streams",
        })
    }

    /// One that loses no more of a stream than a machine does whose process is killed.
    fn redis(self) -> RedisServer {
        match self.dialect {
            Dialect::Streams => {
                RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
            }
            Dialect::Classic | Dialect::V2 | Dialect::Sharded => RedisServer::start(),
        }
    }
}

const WAYS: [Way; 5] = [
    Way::of(Dialect::Classic),
    Way::of(Dialect::V2),
    Way::of(Dialect::Sharded),
    Way::of(Dialect::Streams),
    Way {
        dialect: Dialect::Streams,
        recovers: true,
    },
];

/// By all of them at the same time: mostly it is waited.
fn each<F: Future<Output = ()>>(befalls: impl Fn(usize, Way) -> F) {
    let all = WAYS.iter().enumerate();
    let all: Vec<_> = all.map(|(at, way)| Box::pin(befalls(at, *way))).collect();
    run(async {
        join_all(all).await;
    });
}

/// It is killed while all speak and ask, and started again.
async fn killed(way: Way) {
    let mut redis = way.redis();
    let options = patient(way.dialect, "faults");
    let both = [redis.redis(), redis.redis()];
    let mut load = Load::new(both, &options, way.config()).await;
    load.is_whole().await;
    for _ in 0..rounds(3) {
        load.asks();
        redis.kill();
        load.asks();
        for of in 0..2 {
            load.is_away(of).await;
            load.is_heard_here(of).await;
        }
        load.asks();
        load.is_answered().await;
        redis.restart();
        load.asks();
        load.is_whole().await;
        load.is_answered().await;
    }
    load.ends().await;
}

/// A Redis that is soon taken for gone.
fn quick(redis: Redis) -> Redis {
    redis
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_secs(1))
        .connect_timeout(Duration::from_secs(1))
}

/// It stands still until it is given up, and goes on: what it was told before comes from the old connections, too.
async fn stalled(way: Way) {
    let redis = way.redis();
    let options = patient(way.dialect, "faults");
    let both = [quick(redis.redis()), quick(redis.redis())];
    let mut load = Load::new(both, &options, way.config()).await;
    load.is_whole().await;
    for _ in 0..rounds(1) {
        load.asks();
        redis.stall();
        for of in 0..2 {
            load.is_away(of).await;
            load.is_heard_here(of).await;
        }
        load.asks();
        load.is_answered().await;
        redis.go_on();
        load.is_whole().await;
    }
    load.ends().await;
}

/// The line of one server carries nothing, or one direction only, and nobody is told.
async fn half_open(first: usize, way: Way) {
    let redis = way.redis();
    let options = patient(way.dialect, "faults");
    let line = Line::to(SocketAddr::from(([127, 0, 0, 1], redis.port)));
    let by_line = Redis::new(&format!("redis://{}/", line.address)).unwrap();
    let both = [quick(by_line), redis.redis()];
    let mut load = Load::new(both, &options, way.config()).await;
    load.is_whole().await;
    for round in first..first + rounds(1) {
        load.asks();
        let held = match round % 3 {
            0 => &[Towards::Server][..],
            1 => &[Towards::Client],
            _ => &[Towards::Server, Towards::Client],
        };
        for towards in held {
            line.hold(*towards, true);
        }
        load.is_away(0).await;
        load.is_heard_here(0).await;
        load.asks();
        for towards in held {
            line.hold(*towards, false);
        }
        load.is_whole().await;
        load.is_answered().await;
        line.cut(Break::Reset);
        load.is_whole().await;
    }
    load.ends().await;
}

#[test]
fn one_that_ends() {
    each(|_, way| killed(way));
}

#[test]
fn one_that_stands_still() {
    each(|_, way| stalled(way));
}

#[test]
fn half_a_line() {
    each(half_open);
}

/// A server's process is killed in the middle of what it says: what arrives of it is a beginning, in order, and those
/// who ask it are answered by the others.
async fn server_killed(at: usize, way: Way) {
    let Some(adapter) = way.adapter() else {
        return;
    };
    let redis = way.redis();
    let mut options = patient(way.dialect, "contract");
    options.node.request_timeout = Duration::from_millis(300);
    let mut here = Node::with(Binding::Smol, redis.redis(), options, way.config()).await;
    let io = here.io().clone();
    for round in at..at + rounds(1) {
        let binding = [example::Binding::Tokio, example::Binding::Smol][round % 2];
        let there = Server::start(binding, adapter, &redis).await;
        let (mut client, _) = there.client().await;
        here.counts(2).await;
        let many = json!({ "n": 5000, "size": 3, "event": "n", "rooms": ["x"] });
        client
            .send(&format!("421{}", json!(["count_up", many])))
            .await;
        here.first.expect(r#"42["n",0,"ppp"]"#).await;
        let mut questions = vec![spawn(asks(io.clone(), way.dialect))];
        drop(there);
        for number in 0..100 {
            io.to("x").emit("own", &number).unwrap();
            questions.push(spawn(asks(io.clone(), way.dialect)));
        }
        io.to("x").emit("end", &()).unwrap();
        let (mut heard, mut own) = (1, 0);
        loop {
            let text = here.first.text().await;
            if text == r#"42["end"]"# {
                break;
            }
            let expected = [
                format!(r#"42["n",{heard},"ppp"]"#),
                format!(r#"42["own",{own}]"#),
            ];
            let [its, ours] = expected.map(|it| it == text);
            assert!(its || ours, "{text}: {heard} {own}");
            heard += usize::from(its);
            own += usize::from(ours);
        }
        assert_eq!(own, 100);
        for question in questions {
            assert_eq!(within("an answer", question.end()).await, Some(()));
        }
        // What has come late is not there in the next round.
        here.counts(1).await;
        within("a flush", io.adapter().flush()).await.unwrap();
        io.to("x").emit("rest", &()).unwrap();
        while here.first.text().await != r#"42["rest"]"# {}
    }
    here.ends().await;
}

/// Those of this server are always among the answers.
async fn asks(io: Io, dialect: Dialect) {
    let here = match dialect {
        Dialect::V2 => io.clients().await.unwrap().len(),
        Dialect::Classic | Dialect::Sharded | Dialect::Streams => {
            io.fetch_sockets().await.unwrap().len()
        }
    };
    assert!(here >= 2, "{here}");
}

#[test]
fn a_server_that_is_killed() {
    // They may have to be built, for which no client waits.
    let _ = example::example(example::Binding::Tokio, "cluster");
    each(server_killed);
}

/// A Redis, and two servers on it: one by a line, and one by none.
async fn by_a_line(way: Way) -> (RedisServer, Line, Node, Node) {
    let redis = way.redis();
    let options = patient(way.dialect, "faults");
    let line = Line::to(SocketAddr::from(([127, 0, 0, 1], redis.port)));
    let by_line = Redis::new(&format!("redis://{}/", line.address)).unwrap();
    let here = Node::with(
        Binding::Tokio,
        quick(by_line),
        options.clone(),
        way.config(),
    )
    .await;
    let there = Node::with(Binding::Smol, redis.redis(), options, way.config()).await;
    here.counts(2).await;
    (redis, line, here, there)
}

/// What was said by a connection that nobody is told has broken arrives long after it was given up: nobody hears it
/// behind what was said since, or a second time.
async fn late(way: Way) {
    let (_redis, line, here, mut there) = by_a_line(way).await;
    let (io, mut said) = (here.io().clone(), 0);
    for _ in 0..rounds(1) {
        line.strand();
        until("the strand", || line.stranded() > 0).await;
        let first = said;
        for _ in 0..50 {
            io.to("x").emit("n", &said).unwrap();
            said += 1;
        }
        // It may be there again at once.
        until("the outage", || here.events().iter().any(is_down)).await;
        here.counts(2).await;
        io.to("x").emit("n", &said).unwrap();
        let mut heard = Vec::new();
        while heard.last() != Some(&said) {
            heard.push(number(&there.first.text().await));
        }
        assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
        let all: Vec<i32> = (first..=said).collect();
        assert!(way.dialect != Dialect::Streams || heard == all, "{heard:?}");
        line.recover();
        until("what is late", || line.stranded() == 0).await;
        said += 1;
        io.to("x").emit("n", &said).unwrap();
        assert_eq!(number(&there.first.text().await), said);
        said += 1;
    }
    here.ends().await;
    there.ends().await;
}

/// A stream that loses all, before a server is back that does not know what of its own had arrived: nobody hears it
/// a second time, and it is told.
async fn cut_short(way: Way) {
    let (redis, line, here, mut there) = by_a_line(way).await;
    let (io, mut said) = (here.io().clone(), 0);
    for _ in 0..rounds(1) {
        // What the node has read is thrown away with the rest.
        io.to("x").emit("n", &said).unwrap();
        assert_eq!(number(&there.first.text().await), said);
        within("a flush", io.adapter().flush()).await.unwrap();
        line.strand();
        until("the strand", || line.stranded() > 0).await;
        for _ in 0..50 {
            said += 1;
            io.to("x").emit("n", &said).unwrap();
        }
        redis.say("XTRIM faults MAXLEN 0");
        let unsure = ClusterEvent::Overflow { dropped: 50 };
        until("that to be told", || here.events().contains(&unsure)).await;
        here.counts(2).await;
        said += 1;
        io.to("x").emit("n", &said).unwrap();
        assert_eq!(number(&there.first.text().await), said);
        line.recover();
        until("what is late", || line.stranded() == 0).await;
        said += 1;
        io.to("x").emit("n", &said).unwrap();
        assert_eq!(number(&there.first.text().await), said);
        said += 1;
    }
    here.ends().await;
    there.ends().await;
}

#[test]
fn what_may_have_been_thrown_away_is_not_said_again() {
    let streams = WAYS.iter().filter(|way| way.dialect == Dialect::Streams);
    let all: Vec<_> = streams.map(|way| Box::pin(cut_short(*way))).collect();
    run(async {
        join_all(all).await;
    });
}

const fn is_down(event: &ClusterEvent) -> bool {
    matches!(event, ClusterEvent::Down { .. })
}

/// What an event says, the first of its arguments.
fn number(text: &str) -> i32 {
    let said = text
        .strip_prefix(r#"42["n","#)
        .and_then(|it| it.split([',', ']']).next());
    said.and_then(|it| it.parse().ok())
        .unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn what_comes_late_is_not_heard() {
    each(|_, way| late(way));
}
