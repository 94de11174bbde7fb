//! What Redis refuses, and what a user may do who may do no more than is needed.

use futures_util::future::join;
use sio_redis::{Dialect, Redis};
use sio_tokio::AdapterError;

use crate::here::{until, within};
use crate::node::{Binding, Node, hears, options};
use crate::server::RedisServer;
use crate::world::run;

/// Somebody was not allowed to ask how it stands with a stream.
async fn refuses_to_look(redis: &RedisServer) {
    until("a refusal", || redis.say("ACL LOG").contains("xinfo")).await;
}

#[test]
fn a_question_that_is_refused_is_answered() {
    run(async {
        let redis = RedisServer::start();
        let options = options(Dialect::Classic, "refused");
        let node = Node::new(Binding::Tokio, redis.redis(), options).await;
        node.counts(1).await;
        redis.say("ACL SETUSER default -pubsub");
        let count = within("an answer", node.io().adapter().server_count()).await;
        let Err(AdapterError::Unreachable(why)) = count else {
            panic!("{count:?}")
        };
        assert!(why.contains("pubsub"), "{why}");
        redis.say("ACL SETUSER default +pubsub");
        node.counts(1).await;
        node.ends().await;
    });
}

#[test]
fn a_stream_that_cannot_be_looked_at_is_not_taken_for_none() {
    run(async {
        let redis = RedisServer::start();
        let options = options(Dialect::Streams, "refused");
        let mut here = Node::new(Binding::Tokio, redis.redis(), options.clone()).await;
        let mut there = Node::new(Binding::Smol, redis.redis(), options).await;
        here.counts(2).await;
        let io = here.io().clone();
        io.to("x").emit("one", &()).unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["one"]).await;
        }
        redis.say("ACL SETUSER default -xinfo");
        for kind in ["normal", "pubsub"] {
            redis.say(&format!("CLIENT KILL TYPE {kind}"));
        }
        refuses_to_look(&redis).await;
        redis.say("ACL SETUSER default +xinfo");
        here.counts(2).await;
        io.to("x").emit("two", &()).unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["two"]).await;
        }
        here.ends().await;
        there.ends().await;
    });
}

#[test]
fn who_has_never_learnt_where_a_stream_begins_asks_again() {
    run(async {
        let redis = RedisServer::start();
        let options = options(Dialect::Streams, "refused");
        let mut here = Node::new(Binding::Tokio, redis.redis(), options.clone()).await;
        let io = here.io().clone();
        io.to("x").emit("old", &()).unwrap();
        hears(&mut here.first, &["old"]).await;
        redis.say("ACL SETUSER default -xinfo");
        let allowed = async {
            refuses_to_look(&redis).await;
            redis.say("ACL SETUSER default +xinfo");
        };
        let new = Node::new(Binding::Smol, redis.redis(), options);
        let (mut there, ()) = join(new, allowed).await;
        there.counts(2).await;
        io.to("x").emit("new", &()).unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["new"]).await;
        }
        here.ends().await;
        there.ends().await;
    });
}

/// What the documentation of `sio-redis` says that a user needs.
async fn allowed(dialect: Dialect, more: &str) {
    let redis = RedisServer::start();
    let answer = redis.say(&format!(
        "ACL SETUSER app on >secret resetchannels &acl* +hello +auth +client|setname +client|info +client|kill \
         +ping +publish +subscribe +unsubscribe +psubscribe +punsubscribe +pubsub {more}"
    ));
    assert!(answer.starts_with("+OK"), "{answer}");
    // Not known before 7.2, and then not missed.
    redis.say("ACL SETUSER app +client|setinfo");
    let url = format!("redis://app:secret@127.0.0.1:{}/", redis.port);
    let ours = || Redis::new(&url).unwrap();
    let options = options(dialect, "acl");
    let mut here = Node::new(Binding::Tokio, ours(), options.clone()).await;
    let mut there = Node::new(Binding::Smol, ours(), options).await;
    here.counts(2).await;
    there.counts(2).await;
    here.io().to("x").emit("x", &()).unwrap();
    for node in [&mut here, &mut there] {
        hears(&mut node.first, &["x"]).await;
    }
    here.ends().await;
    there.ends().await;
    let log = redis.say("ACL LOG");
    assert!(log.starts_with("*0\r\n"), "{dialect:?}: {log}");
}

#[test]
fn a_user_needs_no_more_than_is_told() {
    run(allowed(Dialect::Classic, "&acl#/#*"));
    run(allowed(
        Dialect::Sharded,
        "+spublish +ssubscribe +sunsubscribe",
    ));
    run(allowed(
        Dialect::Streams,
        "~acl* +xadd +xread +xrange +xinfo",
    ));
}
