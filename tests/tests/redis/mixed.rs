//! Servers of ours beside one of Node's, in each dialect.

use serde_json::{Value, json};
use sio_redis::Dialect;
use sio_tokio::{AdapterError, Bytes};

use crate::client::Client;
use crate::here::within;
use crate::node::{Binding, Node, answers, hears, join, options};
use crate::server::{Meeting, NodeServer, RedisServer};
use crate::world::run;

/// One server of Node's with two clients, the first of which is in `x`.
pub(crate) struct Theirs {
    _server: NodeServer,
    pub(crate) first: Client,
    pub(crate) second: Client,
    pub(crate) ids: [String; 2],
}

impl Theirs {
    pub(crate) async fn new(adapter: &str, redis: &impl Meeting) -> Self {
        let server = NodeServer::start(adapter, redis, "mixed");
        let (mut first, a) = Self::client(&server, adapter).await;
        let (second, b) = Self::client(&server, adapter).await;
        join(&mut first, "x").await;
        Self {
            _server: server,
            first,
            second,
            ids: [a, b],
        }
    }

    async fn client(server: &NodeServer, adapter: &str) -> (Client, String) {
        if adapter != "v2" {
            let mut client = Client::open(server.address, "").await;
            let id = client.enter("").await;
            return (client, id);
        }
        // Clients of that line are in `/` at once, and have their session's id there.
        let mut client = Client::raw(server.address, "&EIO=3").await;
        let open = client.text().await;
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        client.expect("40").await;
        (client, open["sid"].as_str().unwrap().to_owned())
    }

    /// Asks the server, by its first client, to do something.
    pub(crate) async fn ask(&mut self, event: Value) -> Value {
        self.order(event).await;
        let answer = self.first.text().await;
        let answer = answer
            .strip_prefix("435")
            .unwrap_or_else(|| panic!("{answer}"));
        serde_json::from_str(answer).unwrap()
    }

    pub(crate) async fn order(&mut self, event: Value) {
        self.first.send(&format!("425{event}")).await;
    }
}

pub(crate) struct House<M = RedisServer> {
    pub(crate) redis: M,
    pub(crate) ours: Node,
    pub(crate) also: Node,
    pub(crate) theirs: Theirs,
}

impl House {
    pub(crate) async fn new(adapter: &str, dialect: Dialect) -> Self {
        Self::at(RedisServer::start(), adapter, dialect).await
    }
}

impl<M: Meeting> House<M> {
    pub(crate) async fn at(redis: M, adapter: &str, dialect: Dialect) -> Self {
        let theirs = Theirs::new(adapter, &redis).await;
        let options = options(dialect, "mixed");
        let ours = Node::new(Binding::Tokio, redis.redis(), options.clone()).await;
        let also = Node::new(Binding::Smol, redis.redis(), options).await;
        ours.counts(3).await;
        also.counts(3).await;
        Self {
            redis,
            ours,
            also,
            theirs,
        }
    }

    pub(crate) fn firsts(&mut self) -> [&mut Client; 3] {
        [
            &mut self.ours.first,
            &mut self.also.first,
            &mut self.theirs.first,
        ]
    }

    pub(crate) fn seconds(&mut self) -> [&mut Client; 3] {
        [
            &mut self.ours.second,
            &mut self.also.second,
            &mut self.theirs.second,
        ]
    }

    /// Every client hears this next, and nothing before it.
    pub(crate) async fn all_hear(&mut self, event: &str) {
        for client in self.firsts() {
            hears(client, &[event]).await;
        }
        for client in self.seconds() {
            hears(client, &[event]).await;
        }
    }

    async fn events(&mut self, v2: bool) {
        let io = self.ours.io().clone();
        io.to("x").emit("x", &()).unwrap();
        for client in self.firsts() {
            hears(client, &["x"]).await;
        }
        io.to(&*self.theirs.ids[1]).emit("one", &()).unwrap();
        hears(&mut self.theirs.second, &["one"]).await;
        if !v2 {
            io.except("x").emit("not x", &()).unwrap();
            for client in self.seconds() {
                hears(client, &["not x"]).await;
            }
        }
        let binary = (7, Bytes::from_static(b"ab"));
        io.to("x").emit("bytes", &binary).unwrap();
        for client in self.firsts() {
            client
                .expect(r#"451-["bytes",7,{"_placeholder":true,"num":0}]"#)
                .await;
            let bytes = client.next().await.unwrap().into_data();
            // With a client of the 2.x line the first byte is the packet's type.
            assert!(bytes.ends_with(b"ab") && bytes.len() <= 3, "{bytes:?}");
        }
        io.emit("end", &()).unwrap();
        self.all_hear("end").await;

        // From theirs.
        self.theirs
            .order(json!(["emit", { "rooms": ["x"] }, "their x", []]))
            .await;
        // In the sharded dialect it acts on its own clients when Redis has answered.
        let mut heard = [
            self.theirs.first.text().await,
            self.theirs.first.text().await,
        ];
        heard.sort();
        assert_eq!(heard, [r#"42["their x"]"#, "435[]"]);
        for client in [&mut self.ours.first, &mut self.also.first] {
            hears(client, &["their x"]).await;
        }
        for id in [&self.ours.ids[1], &self.also.ids[1]] {
            let to = json!(["emit", { "rooms": [id] }, "their one", []]);
            self.theirs.first.send(&format!("425{to}")).await;
            self.theirs.first.expect("435[]").await;
        }
        for client in [&mut self.ours.second, &mut self.also.second] {
            hears(client, &["their one"]).await;
        }
        // In the order in which a server says it.
        for number in 0..100 {
            io.to("x").emit("n", &number).unwrap();
        }
        for client in self.firsts() {
            for number in 0..100 {
                client.expect(&format!(r#"42["n",{number}]"#)).await;
            }
        }
        io.emit("end", &()).unwrap();
        self.all_hear("end").await;
    }

    async fn sets(&mut self) {
        let io = self.ours.io().clone();
        self.theirs.ask(json!(["data", { "name": "ann" }])).await;
        self.also.socket().set_data(7);
        let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
        assert_eq!((x.len(), x.silent_nodes), (3, 0));
        let theirs = x.iter().find(|it| it.id.as_str() == self.theirs.ids[0]);
        let theirs = theirs.expect("theirs is among them");
        assert_eq!(theirs.data.value().unwrap()["name"].as_str(), Some("ann"));
        assert_eq!(theirs.handshake.headers.get("host").unwrap(), "x");
        assert_eq!(theirs.rooms, [&*self.theirs.ids[0], "x"]);

        let found = self.theirs.ask(json!(["fetch", { "rooms": ["x"] }])).await;
        let found = found[0].as_array().unwrap_or_else(|| panic!("{found}"));
        assert_eq!(found.len(), 3, "{found:?}");
        let also = found.iter().find(|it| it["id"] == *self.also.ids[0]);
        assert_eq!(also.expect("ours is among them")["data"], json!(7));

        let count = within("a number", io.count()).await.unwrap();
        assert_eq!((*count, count.silent_nodes), (6, 0));
        let rooms = within("rooms", io.of("/").rooms()).await.unwrap();
        assert_eq!((rooms.len(), rooms.silent_nodes), (7, 0), "{rooms:?}");

        // Joins, leaves and ends, both ways.
        io.except("x").join("y");
        io.to("y").emit("y", &()).unwrap();
        for client in self.seconds() {
            hears(client, &["y"]).await;
        }
        self.theirs
            .ask(json!(["do", { "rooms": ["y"] }, "socketsLeave", ["y"]]))
            .await;
        self.theirs
            .ask(json!(["do", { "except": ["x"] }, "socketsJoin", ["z"]]))
            .await;
        // To one room alone it would be published where ours may not listen yet.
        let order = json!(["emit", { "rooms": ["z", "nowhere"] }, "z", []]);
        self.theirs.ask(order).await;
        for client in [&mut self.ours.second, &mut self.also.second] {
            hears(client, &["z"]).await;
        }
        self.theirs
            .ask(json!(["do", { "rooms": [self.ours.ids[1]] }, "disconnectSockets", [false]]))
            .await;
        self.ours.second.expect("41").await;
        io.to(&*self.also.ids[1]).disconnect(false);
        self.also.second.expect("41").await;
    }

    async fn questions(&mut self, dialect: Dialect) {
        let io = self.ours.io().clone();
        let replies = io.to("x").emit_with_ack::<String>("our question", &());
        for (client, word) in self.firsts().into_iter().zip(["a", "b", "c"]) {
            answers(client, "our question", word).await;
        }
        let replies = within("answers", replies).await.unwrap();
        assert!(!replies.timed_out(), "{replies:?}");
        let mut words = replies.ok();
        words.sort();
        assert_eq!(words, ["a", "b", "c"]);

        self.theirs
            .order(json!(["ask", { "rooms": ["x"] }, 8000, "their question"]))
            .await;
        for (client, word) in self.firsts().into_iter().zip(["a", "b", "c"]) {
            answers(client, "their question", word).await;
        }
        let answer = self.theirs.first.text().await;
        let answer: Value = serde_json::from_str(answer.strip_prefix("435").unwrap()).unwrap();
        assert_eq!(answer[0], json!(false), "{answer}");
        let mut words: Vec<_> = answer[1].as_array().unwrap().clone();
        words.sort_by_key(ToString::to_string);
        assert_eq!(words, ["a", "b", "c"]);

        // One of each does not answer: what came is told.
        self.theirs
            .order(json!(["ask", { "rooms": ["x"] }, 3000, "half"]))
            .await;
        for (client, word) in self.firsts().into_iter().zip(["a", "b"]) {
            answers(client, "half", word).await;
        }
        self.theirs.first.text().await;
        let answer = self.theirs.first.text().await;
        let answer: Value = serde_json::from_str(answer.strip_prefix("435").unwrap()).unwrap();
        assert_eq!(answer[0], json!(true), "{answer}");
        assert_eq!(answer[1].as_array().map(Vec::len), Some(2), "{answer}");

        let load = self
            .theirs
            .ask(json!(["ask servers", "load", ["hi"]]))
            .await;
        assert_eq!(load, json!([null, ["rust heard hi", "rust heard hi"]]));
        let load = within("answers", io.of("/").server_side_ask("load", &"hi", None));
        let load = load.await.unwrap();
        assert!(load.is_complete(), "{load:?}");
        let mut words: Vec<String> = load.iter().map(|it| it.args.get(0).unwrap()).collect();
        words.sort();
        assert_eq!(words, ["node heard hi", "rust heard hi"]);
        // Who it is stands beside what it has answered, but in the classic dialect.
        let theirs = load
            .iter()
            .find(|it| it.args.get(0).is_ok_and(|it: String| it == "node heard hi"));
        let theirs = theirs.and_then(|it| it.node.as_deref());
        assert_eq!(theirs.is_some(), dialect != Dialect::Classic, "{load:?}");
        if let Some(theirs) = theirs {
            let alone = io.of("/").to_node(theirs).ask("load", &"you", None);
            match within("an answer", alone).await {
                Ok(answer) => {
                    assert_eq!(dialect, Dialect::Streams);
                    assert_eq!(answer.get::<String>(0).unwrap(), "node heard you");
                }
                Err(why) => {
                    assert_eq!(dialect, Dialect::Sharded);
                    assert_eq!(why, AdapterError::Unsaid);
                }
            }
        }
        io.of("/").server_side_emit("told", &(1, "x")).unwrap();
        for client in [
            &mut self.theirs.first,
            &mut self.theirs.second,
            &mut self.also.first,
            &mut self.also.second,
        ] {
            client.expect(r#"42["server told",[1,"x"]]"#).await;
        }
    }
}

impl House {
    /// What the 2.x line says of one socket by its id, and asks of servers.
    async fn one_by_one(&mut self) {
        let Self {
            ours, also, theirs, ..
        } = self;
        let main = ours.io().of("/");
        for (id, other) in [(&theirs.ids[1], false), (&also.ids[1], true)] {
            main.remote_join(id, "one").await.unwrap();
            let mut rooms = main.client_rooms(id).await.unwrap();
            rooms.sort();
            let mut expected = [id.as_str(), "one"];
            expected.sort_unstable();
            assert_eq!(rooms, expected);
            main.to("one").emit("told", &()).unwrap();
            let client = if other {
                &mut also.second
            } else {
                &mut theirs.second
            };
            hears(client, &["told"]).await;
            main.remote_leave(id, "one").await.unwrap();
            assert_eq!(main.client_rooms(id).await.unwrap(), [id.as_str()]);
        }

        let id = ours.ids[1].clone();
        let done = json!([null, null]);
        let join = json!(["adapter", "remoteJoin", [id, "two"]]);
        assert_eq!(theirs.ask(join).await, done);
        let mut expected = [id.as_str(), "two"];
        expected.sort_unstable();
        let told = theirs.ask(json!(["adapter", "clientRooms", [id]])).await;
        let mut rooms: Vec<_> = told[1].as_array().unwrap().clone();
        rooms.sort_by_key(ToString::to_string);
        assert_eq!(json!(rooms), json!(expected));
        let leave = json!(["adapter", "remoteLeave", [id, "two"]]);
        assert_eq!(theirs.ask(leave).await, done);

        let told = theirs.ask(json!(["adapter", "customRequest", ["hi"]]));
        let told = told.await;
        let mut words: Vec<_> = told[1].as_array().unwrap().clone();
        words.sort_by_key(ToString::to_string);
        let rust = "rust heard hi";
        assert_eq!(json!(words), json!(["node heard hi", rust, rust]));
        let load = main.server_side_ask("customRequest", &"hi", None).await;
        let load = load.unwrap();
        assert!(load.is_complete(), "{load:?}");
        let mut words: Vec<String> = load.iter().map(|it| it.args.get(0).unwrap()).collect();
        words.sort();
        assert_eq!(words, ["node heard hi", rust]);

        main.remote_disconnect(&also.ids[1], false).await.unwrap();
        also.second.expect("41").await;
        let end = json!(["adapter", "remoteDisconnect", [id, false]]);
        assert_eq!(theirs.ask(end).await, done);
        ours.second.expect("41").await;
    }
}

/// Everything, in a cluster that meets there.
pub(crate) async fn all_at(meeting: impl Meeting, adapter: &str, dialect: Dialect) {
    let mut house = House::at(meeting, adapter, dialect).await;
    house.events(false).await;
    house.questions(dialect).await;
    house.sets().await;
    house.ours.ends().await;
    house.also.ends().await;
}

fn all(adapter: &str, dialect: Dialect) {
    run(all_at(RedisServer::start(), adapter, dialect));
}

#[test]
fn classic() {
    all("classic", Dialect::Classic);
}

#[test]
fn sharded() {
    all("sharded", Dialect::Sharded);
}

#[test]
fn streams() {
    all("streams", Dialect::Streams);
}

#[test]
fn that_of_the_2_x_line() {
    run(async {
        let mut house = House::new("v2", Dialect::V2).await;
        house.events(true).await;
        let mut expected = [
            house.ours.ids.clone(),
            house.also.ids.clone(),
            house.theirs.ids.clone(),
        ]
        .concat();
        expected.sort();
        let ids = within("ids", house.ours.io().clients()).await.unwrap();
        assert!(ids.is_complete());
        let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        ids.sort();
        assert_eq!(ids, expected);
        let ids = house.theirs.ask(json!(["clients"])).await;
        assert_eq!(ids[0], json!(expected));
        house.one_by_one().await;
        house.ours.ends().await;
        house.also.ends().await;
    });
}
