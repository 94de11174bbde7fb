//! The `cluster` servers that outside suites start (`tests/servers/cluster.rs`): one on each binding, on one Redis.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sio_tests::example::{Binding, example};

use crate::client::{Client, exchange};
use crate::here::{sleep, within};
use crate::server::{Meeting, RedisServer, free_port};
use crate::shards::RedisCluster;
use crate::world::run;

/// One of them, which is killed when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    child: Child,
}

impl Server {
    pub(crate) async fn start(binding: Binding, adapter: &str, redis: &impl Meeting) -> Self {
        let urls = redis.ports();
        let urls = urls
            .split(',')
            .map(|port| format!("redis://127.0.0.1:{port}"));
        let urls = urls.collect::<Vec<_>>().join(",");
        for _ in 0..10 {
            let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
            let mut child = Command::new(example(binding, "cluster"))
                .env("PORT", address.port().to_string())
                .env("ADAPTER", adapter)
                .env("REDIS_URL", &urls)
                .env("KEY", "contract")
                .env("NODE_NAME", format!("{binding:?}"))
                .env("PING_INTERVAL", "25000")
                .env("PING_TIMEOUT", "20000")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            let told = BufReader::new(child.stdout.take().unwrap()).read_line(&mut line);
            if told.is_ok() && !line.is_empty() {
                return Self { address, child };
            }
            // Somebody else has the port by now.
            child.wait().unwrap();
        }
        panic!("no server starts");
    }

    pub(crate) async fn client(&self) -> (Client, String) {
        let mut client = Client::open(self.address, "").await;
        let id = client.enter("").await;
        (client, id)
    }

    async fn get(&self, path: &str) -> String {
        let text = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(self.address, text.as_bytes()).await;
        answer.body
    }

    async fn is_connected(&self) -> bool {
        let told: Value = serde_json::from_str(&self.get("/cluster").await).unwrap();
        told["connected"].as_bool().unwrap()
    }

    /// It is told to end.
    async fn ends(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = within("the end", async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is acked to an event, one value. Whatever else comes first has no place.
pub(crate) async fn ask(client: &mut Client, event: Value) -> Value {
    client.send(&format!("421{event}")).await;
    acked(client).await
}

async fn acked(client: &mut Client) -> Value {
    let answer = client.text().await;
    let answer = answer
        .strip_prefix("431")
        .unwrap_or_else(|| panic!("{answer}"));
    let answer: Value = serde_json::from_str(answer).unwrap();
    let [value] = &answer.as_array().unwrap()[..] else {
        panic!("{answer}")
    };
    value.clone()
}

struct Two {
    servers: [Server; 2],
    here: Client,
    there: Client,
    ids: [String; 2],
}

impl Two {
    async fn new(adapter: &str, redis: &impl Meeting) -> Self {
        let servers = [
            Server::start(Binding::Tokio, adapter, redis).await,
            Server::start(Binding::Smol, adapter, redis).await,
        ];
        let ((mut here, a), (mut there, b)) =
            (servers[0].client().await, servers[1].client().await);
        let told = ask(&mut here, json!(["node"])).await;
        assert_eq!(told, json!({ "name": "Tokio", "adapter": adapter }));
        assert_eq!(ask(&mut here, json!(["join", "x"])).await, json!(["x"]));
        assert_eq!(ask(&mut there, json!(["join", "y"])).await, json!(["y"]));
        // Until each hears the other, and the room that it is in.
        within("the other node", async {
            while ask(&mut here, json!(["server_count"])).await != json!(2) {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Self {
            servers,
            here,
            there,
            ids: [a, b],
        }
    }

    async fn events(&mut self) {
        let Self { here, there, .. } = self;
        for (event, heard) in [
            (
                json!(["send", { "event": "all", "args": [1, { "a": 2 }] }]),
                [true, true],
            ),
            (
                json!(["send", { "event": "all", "args": [1, { "a": 2 }], "local": true }]),
                [true, false],
            ),
            (
                json!(["send", { "event": "all", "args": [1, { "a": 2 }], "via": "socket", "compress": false }]),
                [false, true],
            ),
            (
                json!(["send", { "event": "all", "args": [1, { "a": 2 }], "rooms": ["y", "nowhere"] }]),
                [false, true],
            ),
        ] {
            let expected = r#"42["all",1,{"a":2}]"#;
            here.send(&format!("421{event}")).await;
            if heard[0] {
                here.expect(expected).await;
            }
            here.expect("431[true]").await;
            if heard[1] {
                there.expect(expected).await;
            }
        }
        let many = json!(["count_up", { "n": 50, "size": 3, "event": "n", "rooms": ["y", "z"] }]);
        assert_eq!(ask(here, many).await, json!(50));
        for number in 0..50 {
            there.expect(&format!(r#"42["n",{number},"ppp"]"#)).await;
        }
    }

    /// What the 2.x line cannot say.
    async fn batches(&mut self) {
        let Self { here, there, .. } = self;
        let steps = json!(["batch", [
            { "op": "join", "rooms": ["y"], "join": ["x", "both"] },
            { "op": "send", "event": "batched", "args": [1], "rooms": ["both", "nowhere"] },
            { "op": "leave", "rooms": ["y"], "leave": "both" },
            { "op": "self", "event": "own", "args": [2] },
        ]]);
        here.send(&format!("421{steps}")).await;
        here.expect(r#"42["own",2]"#).await;
        here.expect("431[true]").await;
        there.expect(r#"42["batched",1]"#).await;

        here.send(&format!(
            "421{}",
            json!(["ask_all", { "timeout": 5000, "args": ["q"] }])
        ))
        .await;
        answer(here, r#"["ask","q"]"#, r#"["a"]"#).await;
        answer(there, r#"["ask","q"]"#, "[]").await;
        let told = acked(here).await;
        assert_eq!(told, json!({ "timedOut": false, "replies": ["a", null] }));
    }

    async fn fetches(&mut self) {
        let Self {
            here, there, ids, ..
        } = self;
        assert_eq!(
            ask(there, json!(["set_data", { "name": "ann" }])).await,
            json!(true)
        );
        let fetched = ask(here, json!(["fetch", { "except": ["nowhere"] }])).await;
        let mut expected = vec![
            json!({ "id": ids[0], "rooms": ["x"], "data": {} }),
            json!({ "id": ids[1], "rooms": ["x", "y"], "data": { "name": "ann" } }),
        ];
        expected.sort_by_key(|it| it["id"].to_string());
        assert_eq!(fetched, json!(expected));
        let more = ask(here, json!(["fetch_more", { "rooms": ["y"] }])).await;
        assert_eq!(more[0]["id"], json!(ids[1]));
        assert_eq!(more[0]["address"], json!("127.0.0.1"));
        assert_eq!(more[0]["test_header"], Value::Null);
    }

    async fn remotes(&mut self) {
        let Self {
            here, there, ids, ..
        } = self;
        let other = ids[1].clone();
        let remote =
            |op: &str, args: Value| json!(["remote", { "id": other, "op": op, "args": args }]);
        let done = json!({ "ok": true });
        assert_eq!(ask(here, remote("emit", json!(["told", 1, 2]))).await, done);
        there.expect(r#"42["told",1,2]"#).await;
        assert_eq!(ask(here, remote("join", json!(["r"]))).await, done);
        assert_eq!(ask(here, remote("leave", json!(["x"]))).await, done);
        here.send(&format!("421{}", remote("ask", json!([5000, "really?"]))))
            .await;
        answer(there, r#"["ask","really?"]"#, r#"["yes"]"#).await;
        let reply = acked(here).await;
        assert_eq!(reply, json!({ "ok": true, "reply": "yes" }));
        let rooms = ask(there, json!(["who"])).await["rooms"].clone();
        assert_eq!(rooms, json!(["r", "y"]));
        let nobody = json!(["remote", { "id": "nobody", "op": "join", "args": ["r"] }]);
        assert_eq!(ask(here, nobody).await, Value::Null);
        assert_eq!(ask(here, remote("disconnect", json!([false]))).await, done);
        there.expect("41").await;
    }

    async fn servers(&mut self) {
        let Self { here, there, .. } = self;
        assert_eq!(ask(here, json!(["sse", "note", "a", 1])).await, json!(true));
        there.expect(r#"42["noted","Smol","a",1]"#).await;
        for (question, reply) in [
            ("question", json!({ "node": "Smol", "args": ["b"] })),
            ("question_none", Value::Null),
        ] {
            let told = ask(here, json!(["sse_ask", question, "b"])).await;
            assert_eq!(
                told,
                json!({ "timedOut": false, "replies": [reply] }),
                "{question}"
            );
        }
        let told = ask(here, json!(["sse_ask", "question_never", 1])).await;
        assert_eq!(told, json!({ "timedOut": true, "replies": [] }));
    }

    /// In a namespace that a client has asked for.
    async fn elsewhere(&mut self) {
        let Self { servers, .. } = self;
        let (mut a, mut b) = (servers[0].client().await.0, servers[1].client().await.0);
        for client in [&mut a, &mut b] {
            client.enter("/dyn-7,").await;
        }
        within("the other node", async {
            loop {
                a.send(r#"42/dyn-7,1["server_count"]"#).await;
                if a.text().await == "43/dyn-7,1[2]" {
                    return;
                }
            }
        })
        .await;
        a.send(r#"42/dyn-7,["shout","s"]"#).await;
        for client in [&mut a, &mut b] {
            client.expect(r#"42/dyn-7,["shouted","s"]"#).await;
        }
    }

    async fn names(&mut self) {
        let mut ids = self.ids.clone();
        ids.sort();
        let told = ask(&mut self.here, json!(["clients", {}])).await;
        assert_eq!(told, json!(ids));
        let told = ask(&mut self.here, json!(["all_rooms"])).await;
        let mut rooms = [&ids[..], &["x".to_owned(), "y".to_owned()]].concat();
        rooms.sort();
        assert_eq!(told, json!(rooms));
    }

    /// What the 2.x line says of one socket, by its id, and asks of servers.
    async fn of_one(&mut self) {
        let Self {
            here, there, ids, ..
        } = self;
        let [own, other] = &*ids;
        let done = json!(true);
        for (id, event) in [(other, "there"), (own, "here")] {
            let join = json!(["remote_join", id, event]);
            assert_eq!(ask(here, join).await, done);
            let told = ask(here, json!(["client_rooms", id])).await;
            let room = if id == own { "x" } else { "y" };
            let mut rooms = [id.as_str(), room, event];
            rooms.sort();
            assert_eq!(told, json!(rooms));
            let leave = json!(["remote_leave", id, event]);
            assert_eq!(ask(here, leave).await, done);
        }
        let told = ask(there, json!(["who"])).await;
        assert_eq!(told["rooms"], json!(["y"]));
        let nobody = "0123456789abcdefghij";
        here.send(&format!("421{}", json!(["client_rooms", nobody])))
            .await;
        here.send(&format!("422{}", json!(["remote_join", nobody, "r"])))
            .await;
        for _ in 0..2 {
            let told = here.text().await;
            assert!(told.contains(r#"{"error":"#), "{told}");
        }

        let told = ask(here, json!(["custom_request", { "a": 1 }])).await;
        let data = json!({ "a": 1 });
        let expected = ["Tokio", "Smol"].map(|node| json!({ "node": node, "data": data }));
        assert_eq!(told, json!(expected));
        let told = ask(there, json!(["custom_request"])).await;
        assert_eq!(told.as_array().map(Vec::len), Some(2), "{told}");
        assert_eq!(told[1], json!({ "node": "Tokio", "data": null }));

        let end = json!(["remote_disconnect", other, false]);
        assert_eq!(ask(here, end).await, done);
        there.expect("41").await;
    }

    async fn ends(self, redis: &mut RedisServer) {
        let Self {
            servers, mut here, ..
        } = self;
        redis.kill();
        within("the outage", async {
            while servers[0].is_connected().await {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let told = ask(&mut here, json!(["server_count"])).await;
        assert!(told["error"].is_string(), "{told}");
        here.send(r#"42["shout",1]"#).await;
        here.expect(r#"42["shouted",1]"#).await;
        redis.restart();
        within("Redis", async {
            while !servers[0].is_connected().await {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(servers[1].get("/health").await, "ok");
        for server in servers {
            server.ends().await;
        }
    }
}

/// Answers a question.
async fn answer(client: &mut Client, event: &str, with: &str) {
    let question = client.text().await;
    let id = question
        .strip_prefix("42")
        .and_then(|it| it.strip_suffix(event));
    let id = id.unwrap_or_else(|| panic!("{question}"));
    client.send(&format!("43{id}{with}")).await;
}

fn keeps_it(adapter: &str) {
    run(async {
        let mut redis = RedisServer::start();
        let mut two = Two::new(adapter, &redis).await;
        // Each by itself: together they are more than a test's stack holds.
        Box::pin(two.events()).await;
        match adapter {
            "redis-v2" => {
                Box::pin(two.names()).await;
                Box::pin(two.of_one()).await;
            }
            _ => {
                Box::pin(two.batches()).await;
                Box::pin(two.fetches()).await;
                Box::pin(two.servers()).await;
                Box::pin(two.remotes()).await;
                Box::pin(two.elsewhere()).await;
            }
        }
        Box::pin(two.ends(&mut redis)).await;
    });
}

#[test]
fn classic() {
    keeps_it("redis");
}

#[test]
fn sharded() {
    keeps_it("redis-sharded");
}

#[test]
fn sharded_over_a_redis_cluster() {
    run(async {
        let redis = RedisCluster::start().await;
        let mut two = Two::new("redis-sharded", &redis).await;
        Box::pin(two.events()).await;
        Box::pin(two.batches()).await;
        Box::pin(two.fetches()).await;
        Box::pin(two.remotes()).await;
        for server in two.servers {
            server.ends().await;
        }
    });
}

#[test]
fn streams() {
    keeps_it("redis-streams");
}

#[test]
fn that_of_the_2_x_line() {
    keeps_it("redis-v2");
}

#[test]
fn an_adapter_that_is_not_known_is_refused() {
    for binding in [Binding::Tokio, Binding::Smol] {
        let mut command = Command::new(example(binding, "cluster"));
        let ended = command.env("ADAPTER", "nonsense").output().unwrap();
        assert_eq!(ended.status.code(), Some(2));
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
