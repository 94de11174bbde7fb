//! What the link of a cluster tells the recorder.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sio_driver::cluster::codec::classic::{self, Place};
use sio_driver::cluster::codec::{Context, Odd};
use sio_driver::cluster::machine::Publication;
use sio_driver::cluster::message::MessageKind;
use sio_driver::cluster::{Broker, Dialect, Limits, Line, Memory, Options, Order};
use sio_tokio::{ClusterEvent, Io};

use crate::client::calm;
use crate::here::{sleep, until, within};
use crate::recorder::Recorder;
use crate::world::{On, World};

struct Node {
    world: World,
    line: Line,
}

impl Node {
    async fn new(on: On, memory: &Memory, dialect: Dialect) -> Self {
        let io = Io::new(calm());
        let mut options = Options::new(dialect);
        options.node.settle = Duration::ZERO;
        options.node.outage_buffer = 1000;
        let broker = memory.broker();
        let line = broker.line();
        let cluster = on.join(broker, options);
        io.set_adapter(cluster.adapter()).unwrap();
        let world = World::new(on, io).await;
        let io = world.io.clone();
        until("the cluster", || io.adapter().status().up).await;
        Self { world, line }
    }

    fn io(&self) -> &Io {
        &self.world.io
    }
}

fn name(figure: &str, label: &str) -> String {
    format!("sio_cluster_{figure}{{dialect=classic{label}}}")
}

pub(crate) async fn a_cluster_is_counted(on: On) {
    let figures = Recorder::alone();
    let memory = Memory::new();
    let here = Node::new(on, &memory, Dialect::Classic).await;
    let there = Node::new(on, &memory, Dialect::Classic).await;
    let counter = |figure: &str, label: &str| figures.counter(&name(figure, label));
    let gauge = |figure: &str| figures.gauge(&name(figure, ""));
    assert_eq!(gauge("up"), 2.0);
    assert_eq!(counter("connections_total", ""), 2);
    // The pattern, and three channels, of each.
    until("the channels", || gauge("subscriptions") == 8.0).await;

    here.io().emit("all", &()).unwrap();
    let received = |kind: &str| counter("messages_received_total", &format!(",type={kind}"));
    let sent = |kind: &str| counter("messages_sent_total", &format!(",type={kind}"));
    until("the event", || {
        received("broadcast") == 1 && sent("broadcast") == 1
    })
    .await;
    until("its own", || counter("ignored_total", ",reason=own") == 1).await;
    // It is read by both.
    until("its bytes", || {
        let bytes = counter("bytes_sent_total", "");
        bytes > 0 && counter("bytes_received_total", "") == 2 * bytes
    })
    .await;
    here.io().to("nowhere").emit("some", &()).unwrap();
    until("what is for nobody", || {
        counter("ignored_total", ",reason=room") == 2
    })
    .await;

    let all = within("sockets", here.io().fetch_sockets()).await.unwrap();
    assert!(all.is_complete());
    until("the question", || {
        counter("questions_total", ",result=complete") == 1
    })
    .await;
    until("what was said for it", || {
        (sent("ask"), sent("answer")) == (1, 1)
            && figures.histogram(&name("question_seconds", "")) == 1
    })
    .await;
    until("its end", || gauge("questions") == 0.0).await;

    here.line.cut();
    until("the outage", || gauge("up") == 1.0).await;
    let some = within("sockets", here.io().fetch_sockets()).await.unwrap();
    assert!(!some.is_complete());
    assert_eq!(counter("questions_total", ",result=unreachable"), 1);
    here.io().emit("waits", &()).unwrap();
    until("what waits", || gauge("buffered_bytes") > 0.0).await;
    here.io().emit("long", &"x".repeat(950)).unwrap();
    until("what had to go", || counter("dropped_total", "") >= 1).await;
    assert!(counter("limits_total", ",limit=outage_buffer") >= 1);
    here.line.heal();
    until("the end of it", || gauge("up") == 2.0).await;
    assert_eq!(counter("connections_total", ""), 3);
    assert_eq!(figures.histogram(&name("outage_seconds", "")), 1);
    until("what waited", || gauge("buffered_bytes") == 0.0).await;
    within("a flush", here.io().adapter().flush())
        .await
        .unwrap();
    here.world.ends().await;
    there.world.ends().await;
    is_over(&figures, &memory).await;
}

/// What becomes of a message, as far as it is counted: a kind, or why it is not acted on.
fn fate(read: Result<Option<MessageKind>, Odd>) -> String {
    match read {
        Ok(Some(kind)) => kind.name().to_owned(),
        Ok(None) => "namespace".to_owned(),
        Err(Odd::Foreign(_)) => "foreign".to_owned(),
        Err(Odd::Syntax) => "syntax".to_owned(),
        Err(Odd::Member(_)) => "member".to_owned(),
        Err(Odd::Type(_)) => "type".to_owned(),
        Err(Odd::PacketType(_)) => "packet type".to_owned(),
        Err(Odd::Reserved(_)) => "reserved".to_owned(),
        Err(why) => panic!("{why}"),
    }
}

/// All that servers of Node's and emitters of the classic dialect were recorded to write, and all that is odd there.
pub(crate) async fn every_vector_is_counted(on: On) {
    let figures = Recorder::alone();
    let memory = Memory::new();
    let here = Node::new(on, &memory, Dialect::Classic).await;
    let foreign = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = foreign.clone();
    here.io().of("/").on_cluster(move |event| {
        if let ClusterEvent::Foreign { dialect } = event {
            told.lock().unwrap().push(dialect.clone());
        }
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/cluster_redis.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut by = memory.broker();
    let (mut expected, mut bytes) = (BTreeMap::<String, u64>::new(), 0);
    for vector in file["vectors"].as_array().unwrap() {
        let family = vector["id"].as_str().unwrap().split('/').next().unwrap();
        let classic = ["emitter5", "redis6", "redis7", "redis8", "redis8-specific"];
        let channel = vector["out"]["channel"].as_str().unwrap();
        let (Some(_), Some(payload)) = (
            classic.iter().find(|its| **its == family),
            vector["out"]["bytes"].as_str(),
        ) else {
            continue;
        };
        let payload = Bytes::from(STANDARD.decode(payload).unwrap());
        let place = match channel {
            "socket.io#/#" => Place::Broadcasts,
            "socket.io-request#/#" => Place::Requests,
            "socket.io-response#/#" => Place::Answers,
            // Nobody is in that room; what else there is, is not listened to.
            _ => {
                if channel.starts_with("socket.io#/#") {
                    *expected.entry("room".to_owned()).or_default() += 1;
                    let channel = channel.to_owned();
                    by.order(publish(channel, payload));
                }
                continue;
            }
        };
        let limits = Limits::default();
        let of = Context {
            namespace: "/",
            limits: &limits,
        };
        let read = classic::decode(place, &payload, of);
        let read = read.map(|it| it.map(|it| it.message.kind()));
        *expected.entry(fate(read)).or_default() += 1;
        bytes += payload.len() as u64;
        by.order(publish(channel.to_owned(), payload));
    }
    assert!(expected.len() > 12, "{expected:?}");
    let received =
        |kind: &str| figures.counter(&name("messages_received_total", &format!(",type={kind}")));
    let ignored =
        |reason: &str| figures.counter(&name("ignored_total", &format!(",reason={reason}")));
    let counted = || {
        let count = |its: &str| match MessageKind::ALL.iter().find(|kind| kind.name() == its) {
            // What this node has answered comes back, signed or not.
            Some(MessageKind::Answer) => (received(its) + ignored("own"))
                .saturating_sub(figures.counter(&name("messages_sent_total", ",type=answer"))),
            Some(_) => received(its),
            None => ignored(its),
        };
        let names = expected.keys().map(|its| (its.clone(), count(its)));
        names.collect::<BTreeMap<_, _>>()
    };
    for _ in 0..500 {
        if counted() == expected {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(counted(), expected);
    let own = figures.counter(&name("bytes_sent_total", ""));
    until("all bytes", || {
        figures.counter(&name("bytes_received_total", "")) == bytes + own
    })
    .await;
    assert_eq!(*foreign.lock().unwrap(), ["streams"]);
    here.world.ends().await;
    drop(by);
    is_over(&figures, &memory).await;
}

/// Nobody counts any more.
async fn is_over(figures: &Recorder, memory: &Memory) {
    until("all links to end", || {
        let all = ["up", "questions", "subscriptions", "buffered_bytes"];
        format!("{memory:?}") == "Memory(0 servers)"
            && all.iter().all(|its| figures.gauge(&name(its, "")) == 0.0)
    })
    .await;
}

fn publish(channel: String, payload: Bytes) -> Order {
    Order::Publish(Publication {
        channel,
        sharded: false,
        payload,
    })
}
