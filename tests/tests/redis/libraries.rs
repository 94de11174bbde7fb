//! Servers of Node's by each library for Redis that their adapters take. Where a decoder of theirs throws at what one of
//! ours has said, a server with `redis` 4 or `ioredis` ends, and one with `redis` 5 is deaf from then on while it is
//! still counted.

use serde_json::{Value, json};
use sio_redis::Dialect;
use sio_tokio::{Bytes, Io};

use crate::client::Client;
use crate::here::within;
use crate::mixed::Theirs;
use crate::node::{Binding, Node, answers, heard_at_last, hears, options};
use crate::server::RedisServer;
use crate::world::run;

/// Beside `redis` 5, with which the other tests are.
const LIBRARIES: [&str; 3] = ["redis-4", "redis-6", "ioredis"];

struct Crowd {
    ours: Node,
    theirs: Vec<Theirs>,
    _redis: RedisServer,
}

impl Crowd {
    async fn new(binding: Binding, adapter: &str, dialect: Dialect) -> Self {
        let redis = RedisServer::start();
        let mut theirs = Vec::new();
        for library in LIBRARIES {
            theirs.push(Theirs::new(&format!("{adapter} {library}"), &redis).await);
        }
        let ours = Node::new(binding, redis.redis(), options(dialect, "mixed")).await;
        ours.counts(LIBRARIES.len() + 1).await;
        Self {
            ours,
            theirs,
            _redis: redis,
        }
    }

    fn io(&self) -> Io {
        self.ours.io().clone()
    }

    fn firsts(&mut self) -> impl Iterator<Item = &mut Client> {
        let theirs = self.theirs.iter_mut().map(|it| &mut it.first);
        [&mut self.ours.first].into_iter().chain(theirs)
    }

    fn seconds(&mut self) -> impl Iterator<Item = &mut Client> {
        let theirs = self.theirs.iter_mut().map(|it| &mut it.second);
        [&mut self.ours.second].into_iter().chain(theirs)
    }

    /// None of them has gone deaf.
    async fn all_hear(&mut self, event: &str) {
        self.io().emit(event, &()).unwrap();
        for client in self.firsts() {
            hears(client, &[event]).await;
        }
        for client in self.seconds() {
            hears(client, &[event]).await;
        }
    }

    async fn events(&mut self) {
        let io = self.io();
        io.to("x").emit("x", &()).unwrap();
        io.to("x").compress(false).emit("plain", &()).unwrap();
        io.to("x")
            .emit("bytes", &Bytes::from_static(b"ab"))
            .unwrap();
        let long = "\u{e4}".repeat(70_000);
        io.to("x").emit("long", &long).unwrap();
        for client in self.firsts() {
            hears(client, &["x", "plain"]).await;
            let bytes = r#"451-["bytes",{"_placeholder":true,"num":0}]"#;
            client.expect(bytes).await;
            let bytes = client.next().await.unwrap().into_data();
            assert_eq!(&*bytes, b"ab");
            client.expect(&format!(r#"42["long","{long}"]"#)).await;
        }
        io.except("x").join("y");
        io.to("y").emit("y", &()).unwrap();
        io.to("y").leave("y");
        io.to(["y", "x"]).emit("x or y", &()).unwrap();
        for client in self.seconds() {
            hears(client, &["y"]).await;
        }
        for client in self.firsts() {
            hears(client, &["x or y"]).await;
        }
        self.all_hear("after events").await;
    }

    async fn questions(&mut self) {
        let io = self.io();
        let replies = io.to("x").emit_with_ack::<String>("question", &());
        for client in self.firsts() {
            answers(client, "question", "a").await;
        }
        let replies = within("answers", replies).await.unwrap();
        assert!(!replies.timed_out(), "{replies:?}");
        assert_eq!(replies.ok(), ["a"; 4]);
        let all = within("sockets", io.fetch_sockets()).await.unwrap();
        assert_eq!((all.len(), all.silent_nodes), (8, 0));
        let rooms = within("rooms", io.of("/").rooms()).await.unwrap();
        assert!(rooms.is_complete(), "{rooms:?}");
        io.of("/").server_side_emit("told", &(1, "x")).unwrap();
        for theirs in &mut self.theirs {
            for client in [&mut theirs.first, &mut theirs.second] {
                client.expect(r#"42["server told",[1,"x"]]"#).await;
            }
        }
        let load = within("answers", io.of("/").server_side_ask("load", &"hi", None));
        let load = load.await.unwrap();
        let words: Vec<String> = load.iter().map(|it| it.args.get(0).unwrap()).collect();
        assert_eq!(words, ["node heard hi"; 3]);
        assert!(load.is_complete(), "{load:?}");
        self.all_hear("after questions").await;
    }

    /// What they ask, and make of the answers.
    async fn answers(&mut self) {
        for at in 0..self.theirs.len() {
            let question = json!(["ask", { "rooms": ["x"] }, 20_000, "their question"]);
            self.theirs[at].order(question).await;
            for client in self.firsts() {
                answers(client, "their question", "a").await;
            }
            let theirs = &mut self.theirs[at];
            let told = theirs.first.text().await;
            assert_eq!(told, r#"435[false,["a","a","a","a"]]"#);
            let found = theirs.ask(json!(["fetch", {}])).await;
            assert_eq!(found[0].as_array().map(Vec::len), Some(8), "{found}");
            let load = json!(["ask servers", "load", ["hi"]]);
            let Value::Array(mut load) = theirs.ask(load).await else {
                panic!("an answer")
            };
            let words = load[1].as_array_mut().unwrap();
            words.sort_by_key(ToString::to_string);
            let (node, rust) = ("node heard hi", "rust heard hi");
            assert_eq!(load, [json!(null), json!([node, node, rust])]);
        }
        let io = self.io();
        for theirs in &mut self.theirs {
            io.to(&*theirs.ids[1]).disconnect(false);
            theirs.second.expect("41").await;
        }
    }
}

fn all(binding: Binding, adapter: &str, dialect: Dialect) {
    run(async {
        let mut crowd = Box::pin(Crowd::new(binding, adapter, dialect)).await;
        crowd.events().await;
        crowd.questions().await;
        crowd.answers().await;
        let io = crowd.io();
        let say = async || io.volatile().emit("volatile", &()).unwrap();
        heard_at_last(crowd.firsts(), "volatile", say).await;
        crowd.ours.ends().await;
    });
}

#[test]
fn classic() {
    all(Binding::Tokio, "classic", Dialect::Classic);
}

#[test]
fn sharded() {
    all(Binding::Smol, "sharded", Dialect::Sharded);
}

#[test]
fn streams() {
    all(Binding::Tokio, "streams", Dialect::Streams);
}
