//! Programmes that are no server, ours and Node's, and servers of ours and Node's that hear them.

use std::future::IntoFuture;

use serde_json::{Value, json};
use sio_redis::{Dialect, Emission, Emitter, EmitterError, Options};
use sio_tokio::Bytes;

use crate::client::Client;
use crate::here::within;
use crate::mixed::House;
use crate::node::{Binding, Node, heard_at_last, hears, options};
use crate::server::{RedisServer, node_emits};
use crate::world::run;

/// What waits for Redis.
#[derive(Clone, Copy, Debug)]
enum By {
    Tokio,
    Smol,
    Thread,
}

const WAYS: [By; 3] = [By::Tokio, By::Smol, By::Thread];

impl By {
    async fn try_say(self, emission: Emission) -> Result<(), EmitterError> {
        let said = async {
            match self {
                Self::Tokio => emission.await,
                Self::Smol => elsewhere(|| smol::block_on(emission.into_future())).await,
                Self::Thread => elsewhere(|| emission.wait()).await,
            }
        };
        within("an emission", said).await
    }

    async fn say(self, emission: Emission) {
        self.try_say(emission).await.unwrap();
    }
}

/// On a thread that is not tokio's.
async fn elsewhere<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || tell.send(act()).ok());
    told.await.unwrap()
}

async fn bytes_come(client: &mut Client) {
    client
        .expect(r#"451-["bytes",7,{"_placeholder":true,"num":0}]"#)
        .await;
    let bytes = client.next().await.unwrap().into_data();
    // With a client of the 2.x line the first byte is the packet's type.
    assert!(bytes.ends_with(b"ab") && bytes.len() <= 3, "{bytes:?}");
}

/// Events for clients, in each way in turn.
async fn events(house: &mut House, emitter: &Emitter, v2: bool) {
    for by in WAYS {
        by.say(emitter.emit("all", &())).await;
        house.all_hear("all").await;
        by.say(emitter.to("x").emit("x", &())).await;
        by.say(
            emitter
                .to("x")
                .emit("bytes", &(7, Bytes::from_static(b"ab"))),
        )
        .await;
        for client in house.firsts() {
            hears(client, &["x"]).await;
            bytes_come(client).await;
        }
        let ids = [&house.ours.ids[1], &house.also.ids[1], &house.theirs.ids[1]];
        by.say(emitter.to(ids).emit("seconds", &())).await;
        if !v2 {
            by.say(emitter.except("x").emit("not x", &())).await;
        }
        for client in house.seconds() {
            hears(client, &["seconds"]).await;
            if !v2 {
                hears(client, &["not x"]).await;
            }
        }
        // Nobody, and no such namespace.
        let nobody: [&str; 0] = [];
        by.say(emitter.to(nobody).emit("nobody", &())).await;
        by.say(emitter.of("other").emit("other", &())).await;
        for number in 0..20 {
            by.say(emitter.r#in("x").compress(false).emit("n", &number))
                .await;
        }
        for client in house.firsts() {
            for number in 0..20 {
                client.expect(&format!(r#"42["n",{number}]"#)).await;
            }
        }
        by.say(emitter.of("/").emit("end", &())).await;
        house.all_hear("end").await;
    }
}

/// Joins, leaves and ends, and events for the servers.
async fn sets(house: &mut House, emitter: &Emitter) {
    for by in WAYS {
        by.say(emitter.except("x").join(["y", "z"])).await;
        by.say(emitter.to("y").emit("y", &())).await;
        by.say(emitter.to("y").leave("y")).await;
        by.say(emitter.to(["y", "x"]).emit("x alone", &())).await;
        for client in house.seconds() {
            hears(client, &["y"]).await;
        }
        for client in house.firsts() {
            hears(client, &["x alone"]).await;
        }
        by.say(emitter.to("x").server_side_emit("told", &(1, "x")))
            .await;
        for client in house.firsts() {
            client.expect(r#"42["server told",[1,"x"]]"#).await;
        }
        for client in house.seconds() {
            client.expect(r#"42["server told",[1,"x"]]"#).await;
        }
    }
    By::Thread.say(emitter.to("z").disconnect(false)).await;
    for client in house.seconds() {
        client.expect("41").await;
    }
}

fn ours(adapter: &str, dialect: Dialect) {
    run(async {
        let mut house = House::new(adapter, dialect).await;
        let options = Options::new(dialect).key("mixed");
        let emitter = house.redis.redis().emitter(options);
        events(&mut house, &emitter, dialect == Dialect::V2).await;
        match dialect {
            Dialect::V2 => {
                for unsaid in [
                    emitter.to("x").join("y"),
                    emitter.to("x").leave("y"),
                    emitter.to("x").disconnect(true),
                    emitter.server_side_emit("told", &()),
                ] {
                    let said = By::Tokio.try_say(unsaid).await;
                    assert!(matches!(said, Err(EmitterError::Unsaid(_))), "{said:?}");
                }
            }
            Dialect::Classic | Dialect::Sharded | Dialect::Streams => {
                sets(&mut house, &emitter).await;
            }
        }
        for by in WAYS {
            let volatile = || emitter.of("/").volatile().emit("volatile", &());
            let say = async || by.say(volatile()).await;
            heard_at_last(house.firsts(), "volatile", say).await;
        }
        house.ours.ends().await;
        house.also.ends().await;
    });
}

#[test]
fn classic() {
    ours("classic", Dialect::Classic);
}

#[test]
fn that_of_the_2_x_line() {
    ours("v2", Dialect::V2);
}

#[test]
fn sharded() {
    ours("sharded", Dialect::Sharded);
}

#[test]
fn streams() {
    ours("streams", Dialect::Streams);
}

#[test]
fn redis_is_not_there_and_comes() {
    run(async {
        let mut redis = RedisServer::start();
        let mut node = Node::new(
            Binding::Tokio,
            redis.redis(),
            options(Dialect::Classic, "emitter"),
        )
        .await;
        let emitter = redis
            .redis()
            .emitter(Options::new(Dialect::Classic).key("emitter"));
        let to_x = emitter.to("x");
        for by in WAYS {
            by.say(to_x.emit("before", &())).await;
            hears(&mut node.first, &["before"]).await;
        }
        redis.kill();
        crate::here::until("the outage", || !node.io().adapter().status().up).await;
        for by in WAYS {
            // The first may have been written before the loss was seen, which it tells.
            let first = by.try_say(to_x.emit("lost", &())).await;
            assert!(
                matches!(
                    first,
                    Err(EmitterError::Unsure(_) | EmitterError::Unreachable(_))
                ),
                "{by:?}: {first:?}"
            );
            let second = by.try_say(to_x.emit("lost", &())).await;
            assert!(
                matches!(second, Err(EmitterError::Unreachable(_))),
                "{by:?}: {second:?}"
            );
        }
        redis.restart();
        node.counts(1).await;
        for by in WAYS {
            by.say(to_x.emit("back", &())).await;
            hears(&mut node.first, &["back"]).await;
        }
        redis.say("ACL SETUSER default -publish");
        for by in WAYS {
            let refused = by.try_say(to_x.emit("refused", &())).await;
            assert!(
                matches!(refused, Err(EmitterError::Refused(_))),
                "{by:?}: {refused:?}"
            );
        }
        redis.say("ACL SETUSER default +publish");
        node.counts(1).await;
        for by in WAYS {
            by.say(to_x.emit("again", &())).await;
            hears(&mut node.first, &["again"]).await;
            let reserved = by.try_say(to_x.emit("disconnect", &())).await;
            assert!(matches!(reserved, Err(EmitterError::Unsaid(_))));
        }
        node.ends().await;
    });
}

/// Two of ours, and what one of Node's emitters says to them.
async fn theirs(dialect: Dialect, said: impl Fn(&RedisServer, &Value)) {
    let redis = RedisServer::start();
    let options = options(dialect, "emitter");
    let mut here = Node::new(Binding::Tokio, redis.redis(), options.clone()).await;
    let mut there = Node::new(Binding::Smol, redis.redis(), options).await;
    let bytes = json!({ "$bin": "6162" });
    let mut chains = vec![
        json!([["emit", "all", 1, "é"]]),
        json!([["to", "x"], ["emit", "x"]]),
        json!([["to", "x"], ["emit", "bytes", 7, bytes]]),
        json!([
            ["to", here.ids[1]],
            ["to", there.ids[1]],
            ["emit", "seconds"]
        ]),
        json!([["of", "nowhere"], ["emit", "nowhere"]]),
    ];
    if dialect != Dialect::V2 {
        chains.extend([
            json!([["except", "x"], ["emit", "not x"]]),
            json!([["except", "x"], ["socketsJoin", ["y", "z"]]]),
            json!([["to", "y"], ["socketsLeave", "y"]]),
            json!([["to", ["y", "x"]], ["compress", false], ["emit", "x alone"]]),
            json!([["serverSideEmit", "told", 1, "x"]]),
            json!([["to", "z"], ["disconnectSockets"]]),
        ]);
    }
    said(&redis, &Value::Array(chains));
    for node in [&mut here, &mut there] {
        let first = &mut node.first;
        first.expect(r#"42["all",1,"é"]"#).await;
        hears(first, &["x"]).await;
        bytes_come(first).await;
        node.second.expect(r#"42["all",1,"é"]"#).await;
        hears(&mut node.second, &["seconds"]).await;
        if dialect != Dialect::V2 {
            hears(first, &["x alone"]).await;
            hears(&mut node.second, &["not x"]).await;
            for client in [first, &mut node.second] {
                client.expect(r#"42["server told",[1,"x"]]"#).await;
            }
            node.second.expect("41").await;
        }
    }
    here.ends().await;
    there.ends().await;
}

#[test]
fn that_of_node_is_heard() {
    run(theirs(Dialect::Classic, |redis, said| {
        node_emits("classic", redis, "emitter", said);
    }));
}

#[test]
fn that_of_node_s_2_x_line_is_heard() {
    run(theirs(Dialect::V2, |redis, said| {
        node_emits("v2", redis, "emitter", said);
    }));
}

/// `@socket.io/redis-streams-emitter`, which the registry does not have: by its source, a `type 3` entry names the
/// members of `opts` in another order than nodes do, and has the namespace in the packet, too.
#[test]
fn that_of_streams_is_heard() {
    run(async {
        let redis = RedisServer::start();
        let options = options(Dialect::Streams, "emitter");
        let mut node = Node::new(Binding::Tokio, redis.redis(), options).await;
        let add = |kind: u32, data: Value| {
            let added = redis.say(&format!(
                "XADD emitter MAXLEN ~ 10000 * uid emitter nsp / type {kind} data '{data}'"
            ));
            assert!(added.starts_with('$'), "{added}");
        };
        let opts = |rooms: &[&str], except: &[&str]| json!({ "rooms": rooms, "flags": {}, "except": except });
        let packet = |name: &str| json!({ "type": 2, "data": [name], "nsp": "/" });
        add(
            3,
            json!({ "packet": packet("x"), "opts": opts(&["x"], &[]) }),
        );
        add(4, json!({ "opts": opts(&[], &["x"]), "rooms": ["y"] }));
        add(
            3,
            json!({ "packet": packet("y"), "opts": opts(&["y"], &[]) }),
        );
        add(5, json!({ "opts": opts(&["x"], &[]), "rooms": ["x"] }));
        add(
            3,
            json!({ "packet": packet("no x"), "opts": opts(&["x"], &[]) }),
        );
        add(9, json!({ "packet": ["told", 1, "x"] }));
        add(6, json!({ "opts": opts(&["y"], &[]), "close": false }));
        hears(&mut node.first, &["x"]).await;
        hears(&mut node.second, &["y"]).await;
        for client in [&mut node.first, &mut node.second] {
            client.expect(r#"42["server told",[1,"x"]]"#).await;
        }
        node.second.expect("41").await;
        node.ends().await;
    });
}
