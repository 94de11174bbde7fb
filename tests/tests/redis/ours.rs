//! Two servers of ours, one on each binding.

use sio_redis::{Dialect, Subscriptions};
use sio_tokio::{AdapterError, Bytes};

use crate::here::{until, within};
use crate::node::{Binding, Node, answers, hears, options};
use crate::server::{Meeting, RedisServer};
use crate::world::run;

async fn two(dialect: Dialect, subscriptions: Option<Subscriptions>) {
    two_at(&RedisServer::start(), dialect, subscriptions).await;
}

/// Two that meet there.
pub(crate) async fn two_at(
    redis: &impl Meeting,
    dialect: Dialect,
    subscriptions: Option<Subscriptions>,
) {
    let mut options = options(dialect, &format!("own key {dialect:?}"));
    if let Some(subscriptions) = subscriptions {
        options = options.subscriptions(subscriptions);
    }
    let mut here = Node::new(Binding::Tokio, redis.redis(), options.clone()).await;
    let mut there = Node::new(Binding::Smol, redis.redis(), options).await;
    here.counts(2).await;
    let io = here.io().clone();
    io.to("x").emit("x", &()).unwrap();
    io.to(&*there.ids[1]).emit("one", &()).unwrap();
    here.socket().broadcast().emit("others", &()).unwrap();
    io.emit("end", &()).unwrap();
    hears(&mut here.first, &["x", "end"]).await;
    hears(&mut here.second, &["others", "end"]).await;
    hears(&mut there.first, &["x", "others", "end"]).await;
    hears(&mut there.second, &["one", "others", "end"]).await;
    let bytes = (7, Bytes::from_static(b"ab"));
    there.io().to("x").emit("bytes", &bytes).unwrap();
    for client in [&mut here.first, &mut there.first] {
        client
            .expect(r#"451-["bytes",7,{"_placeholder":true,"num":0}]"#)
            .await;
        assert_eq!(client.next().await.unwrap().into_data(), "ab");
    }
    // In their order, and once.
    for number in 0..300 {
        there.io().to("x").emit("n", &number).unwrap();
    }
    for client in [&mut here.first, &mut there.first] {
        for number in 0..300 {
            client.expect(&format!(r#"42["n",{number}]"#)).await;
        }
    }
    within("a flush", io.adapter().flush()).await.unwrap();
    if dialect != Dialect::V2 {
        questions(&mut here, &mut there).await;
    }
    let ids = within("ids", io.clients()).await.unwrap();
    assert!(ids.is_complete());
    let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let mut expected = [here.ids.clone(), there.ids.clone()].concat();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    here.ends().await;
    there.ends().await;
}

async fn questions(here: &mut Node, there: &mut Node) {
    let io = here.io().clone();
    let replies = io.to("x").emit_with_ack::<String>("all", &());
    answers(&mut here.first, "all", "a").await;
    answers(&mut there.first, "all", "b").await;
    let replies = within("answers", replies).await.unwrap();
    assert!(!replies.timed_out(), "{replies:?}");
    assert_eq!(replies.ok(), ["a", "b"]);

    there.socket().set_data("ann");
    let x = within("sockets", io.to("x").fetch_sockets()).await.unwrap();
    assert_eq!((x.len(), x.silent_nodes), (2, 0));
    assert_eq!(x[1].data.decode::<String>().unwrap(), "ann");

    io.to(&*there.ids[1]).join(["y"]);
    io.to("y").emit("y", &()).unwrap();
    hears(&mut there.second, &["y"]).await;
    io.to("y").leave("y");
    let load = within("answers", io.of("/").server_side_ask("load", &"hi", None));
    let load = load.await.unwrap();
    assert!(load.is_complete());
    let words: Vec<String> = load.iter().map(|it| it.args.get(0).unwrap()).collect();
    assert_eq!(words, ["rust heard hi"]);
    let theirs = there.io().adapter().status().node.unwrap();
    assert_eq!(load[0].node.as_ref(), Some(&theirs));
    let alone = within(
        "an answer",
        io.of("/").to_node(&theirs).ask("load", &"you", None),
    );
    let alone = alone.await.unwrap();
    assert_eq!(alone.get::<String>(0).unwrap(), "rust heard you");
    let nobody = match theirs.len() {
        6 => "RAAAAA",
        _ => "r000000000000000",
    };
    let nobody = io.of("/").to_node(nobody).ask("load", &"?", None);
    let nobody = within("no answer", nobody).await;
    assert_eq!(nobody, Err(AdapterError::NoNode));
    io.of("/").server_side_emit("told", &(1, "x")).unwrap();
    for client in [&mut there.first, &mut there.second] {
        client.expect(r#"42["server told",[1,"x"]]"#).await;
    }
    let rooms = within("rooms", io.of("/").rooms()).await.unwrap();
    assert_eq!(rooms.len(), 5, "{rooms:?}");
    assert!(rooms.is_complete());
}

#[test]
fn classic() {
    run(two(Dialect::Classic, None));
}

#[test]
fn classic_that_listens_to_the_rooms_that_are_here() {
    run(two(Dialect::Classic, Some(Subscriptions::Rooms)));
}

#[test]
fn that_of_the_2_x_line() {
    run(two(Dialect::V2, None));
}

#[test]
fn sharded() {
    for subscriptions in [
        Subscriptions::All,
        Subscriptions::Rooms,
        Subscriptions::RoomsAndIds,
    ] {
        run(two(Dialect::Sharded, Some(subscriptions)));
    }
}

#[test]
fn streams() {
    run(two(Dialect::Streams, None));
}

#[test]
fn a_redis_that_is_not_there_is_told_of() {
    run(async {
        let redis = RedisServer::start();
        let url = format!("redis://127.0.0.1:{}/", redis.port);
        drop(redis);
        let why = sio_redis::connect(&sio_tokio::Tokio, &url)
            .await
            .unwrap_err();
        assert!(!why.is_lasting(), "{why}");
        let why = sio_redis::Redis::new("http://x/").unwrap_err();
        assert!(why.is_lasting(), "{why}");
    });
}

#[test]
fn three_lines_are_enough() {
    run(async {
        let redis = RedisServer::start();
        let url = format!("redis://127.0.0.1:{}/", redis.port);
        let io = sio_tokio::Io::new(sio_tokio::Config::v4());
        let cluster = sio_redis::connect(&sio_tokio::Tokio, &url).await.unwrap();
        io.set_adapter(cluster.adapter()).unwrap();
        until("the cluster", || io.adapter().status().up).await;
        within("the end", io.close()).await;
    });
}
