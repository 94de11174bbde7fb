//! Namespaces that clients bring into being: by patterns, expressions and predicates; what their parents give
//! them, and how they go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use sio_tokio::{
    Ack, Args, Config, Data, DisconnectReason, EventName, Handshake, InMemory, Io, Namespace,
    Params, Refusal, Socket,
};
use tokio::sync::oneshot;

use crate::client::{Client, calm};
use crate::here::{pause, until};
use crate::world::{On, World};

/// What was told, in the order in which it was.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn invalid(name: &str) -> String {
    format!(r#"44{name},"Invalid namespace""#)
}

/// As servers of 4.x say it, whoever asks.
fn modern() -> Config {
    calm().invalid_namespace_as_object(true)
}

async fn turned_away(client: &mut Client, name: &str) {
    client.send(&format!("40{name},")).await;
    turned_away_later(client, name).await;
}

async fn names_look_like_patterns_and_have_parameters(on: On) {
    #[derive(serde::Deserialize)]
    struct Place {
        tenant: String,
        room: u32,
    }
    let io = Io::new(modern());
    let rooms = io.of_pattern("/{tenant}/room-{room}").unwrap();
    rooms.on("where", |Params(place): Params<Place>, ack: Ack| {
        ack.send(&(place.tenant, place.room))
    });
    rooms.on(
        "pair",
        |Params(pair): Params<(String, String)>, ack: Ack| ack.send(&pair),
    );
    rooms.use_(|Params(place): Params<Place>| match place.room {
        0 => Err(Refusal::new("no room")),
        _ => Ok(()),
    });
    io.of_regex(r"^/dyn-(\d+)(?<kind>[a-z])?$").unwrap().on(
        "which",
        |namespace: Namespace, ack: Ack| {
            let all = namespace.parameters().iter();
            let all: Vec<_> = all.map(|(name, value)| format!("{name}={value}")).collect();
            ack.send(&(all,))
        },
    );
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.enter("/acme/room-7,").await;
    client.send(r#"42/acme/room-7,1["where"]"#).await;
    client.expect(r#"43/acme/room-7,1["acme",7]"#).await;
    client.send(r#"42/acme/room-7,2["pair"]"#).await;
    client.expect(r#"43/acme/room-7,2["acme","7"]"#).await;
    client.send("40/acme/room-0,").await;
    client
        .expect(r#"44/acme/room-0,{"message":"no room"}"#)
        .await;
    // What the parameters are not, its middleware refuses.
    client.send("40/acme/room-x,").await;
    let refusal = r#"44/acme/room-x,{"message":"invalid arguments"}"#;
    client.expect(refusal).await;
    client.enter("/dyn-42,").await;
    client.enter("/dyn-42x,").await;
    client.send(r#"42/dyn-42x,1["which"]"#).await;
    client.expect(r#"43/dyn-42x,1[["1=42","kind=x"]]"#).await;
    for name in [
        "/acme",
        "/acme/room-",
        "/acme/room-7/x",
        "/dyn-x",
        "/dyn-1?x=1",
    ] {
        turned_away(&mut client, name).await;
    }
    assert!(world.io.of_pattern("room").is_err());
    assert!(world.io.of_regex("(").is_err());
    drop(client);
    world.ends().await;
}

async fn a_predicate_sees_who_asks_and_may_wait(on: On) {
    let io = Io::new(modern());
    let asked = Told::default();
    let told = asked.clone();
    let tenants = io.of_where(move |name: String, handshake: Arc<Handshake>| {
        told.tell(name.clone());
        async move {
            pause(Duration::from_millis(5)).await;
            let token = handshake.auth.value()["token"].clone();
            name.starts_with("/tenant-") && token.as_str() == Some("good")
        }
    });
    let behind = io.of_pattern("/tenant-{id}-open").unwrap();
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    turned_away(&mut client, "/tenant-1").await;
    client.send(r#"40/tenant-1,{"token":"good"}"#).await;
    assert!(client.text().await.starts_with(r#"40/tenant-1,{"sid""#));
    assert_eq!(tenants.children(), [world.io.of("/tenant-1")]);
    // One that would not have it leaves it to the next.
    client.enter("/tenant-1-open,").await;
    assert_eq!(behind.len(), 1);
    // What is there is asked of nobody.
    let mut other = world.open().await;
    other.enter("/tenant-1,").await;
    let names = ["/tenant-1", "/tenant-1", "/tenant-1-open"];
    assert_eq!(asked.take(), names);
    // A client that has gone is not waited for.
    let mut gone = world.open().await;
    gone.send(r#"40/tenant-9,{"token":"good"}"#).await;
    drop(gone);
    until("nobody else to be there", || {
        world.io.engine_sessions() == 2 && world.io.namespace("/tenant-9").is_none()
    })
    .await;
    drop((client, other));
    world.ends().await;
}

async fn many_that_ask_at_once_meet_in_one_namespace(on: On) {
    let io = Io::new(modern());
    let born = Told::default();
    let told = born.clone();
    io.on_new_namespace(move |namespace: &Namespace| told.tell(namespace.name()));
    let parent = io.of_where(async |name: String, _: Arc<Handshake>| {
        pause(Duration::from_millis(10)).await;
        name == "/same"
    });
    let world = World::new(on, io).await;
    let mut clients = join_all((0..8).map(|_| world.open())).await;
    join_all(clients.iter_mut().map(|client| client.enter("/same,"))).await;
    assert_eq!(born.take(), ["/same"]);
    assert_eq!(
        (parent.len(), world.io.namespace("same").unwrap().len()),
        (1, 8)
    );
    parent.emit("hello", &1).unwrap();
    for client in &mut clients {
        client.expect(r#"42/same,["hello",1]"#).await;
    }
    drop(clients);
    until("the namespace to be gone", || parent.is_empty()).await;
    world.ends().await;
}

async fn children_have_what_their_parent_has_even_later(on: On) {
    let io = Io::new(modern());
    let rooms = io.of_pattern("/room/{id}").unwrap();
    let told = Told::default();
    let its = told.clone();
    rooms.on_connect(move |namespace: Namespace| its.tell(namespace.name()));
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.enter("/room/1,").await;
    // By now one is there.
    let its = told.clone();
    rooms.use_(move |namespace: Namespace| its.tell(format!("asked in {}", namespace.name())));
    rooms.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
    let its = told.clone();
    let any = rooms.on_any(move |name: EventName| its.tell(&*name));
    let its = told.clone();
    rooms.on_any_outgoing(move |name: &str, _: &Args| its.tell(format!("out: {name}")));
    let once = Arc::new(AtomicUsize::new(0));
    let counted = once.clone();
    rooms.once("once", move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(rooms.event_names(), ["connection", "echo", "once"]);
    client.enter("/room/2,").await;
    assert_eq!(told.take(), ["/room/1", "asked in /room/2", "/room/2"]);
    for name in ["/room/1", "/room/2"] {
        client.send(&format!(r#"42{name},["once"]"#)).await;
        client.send(&format!(r#"42{name},1["echo","a"]"#)).await;
        client.expect(&format!(r#"43{name},1["a"]"#)).await;
    }
    assert_eq!(once.load(Ordering::Relaxed), 1, "of all children");
    assert_eq!(told.take(), ["once", "echo", "once", "echo"]);
    rooms.to("nobody").emit("never", &()).unwrap();
    rooms.everybody().emit("news", &(1, "two")).unwrap();
    client.expect(r#"42/room/1,["news",1,"two"]"#).await;
    client.expect(r#"42/room/2,["news",1,"two"]"#).await;
    assert_eq!(
        told.take(),
        ["out: never", "out: never", "out: news", "out: news"]
    );
    // In rooms, and without some.
    rooms.everybody().join("x");
    world.io.of("/room/1").everybody_leaves("x");
    rooms
        .to("x")
        .volatile()
        .compress(false)
        .emit("x", &())
        .unwrap();
    rooms.except("x").local().emit("not x", &()).unwrap();
    let (first, second) = (client.text().await, client.text().await);
    assert_eq!(
        [&*first, &second],
        [r#"42/room/2,["x"]"#, r#"42/room/1,["not x"]"#]
    );
    assert_eq!(
        (
            rooms.to("x").sockets().len(),
            rooms.everybody().sockets().len()
        ),
        (1, 2)
    );
    told.take();
    // What is taken away is so from all, and what a child has of its own stays.
    assert!(rooms.off(any) && !rooms.off(any));
    let its = told.clone();
    world.io.of("/room/1").on("echo", move || its.tell("own"));
    let its = told.clone();
    let first = world.io.of("/room/1");
    first.on_any_outgoing(move |name: &str, _: &Args| its.tell(format!("own out: {name}")));
    rooms.off_any_outgoing();
    rooms.everybody().emit("heard by its own", &()).unwrap();
    client.expect(r#"42/room/1,["heard by its own"]"#).await;
    client.expect(r#"42/room/2,["heard by its own"]"#).await;
    assert_eq!(told.take(), ["own out: heard by its own"]);
    rooms.off_all(Some("echo"));
    client.send(r#"42/room/1,["echo","b"]"#).await;
    client.send(r#"42/room/2,["echo","b"]"#).await;
    client.enter("/room/3,").await;
    assert_eq!(told.take(), ["own", "asked in /room/3", "/room/3"]);
    rooms.everybody().disconnect(false);
    for name in ["/room/1,", "/room/2,", "/room/3,"] {
        client.expect(&format!("41{name}")).await;
    }
    until("the ones that nobody opened to be gone", || {
        rooms.len() == 1
    })
    .await;
    drop(client);
    world.ends().await;
}

trait Everybody {
    fn everybody_leaves(&self, room: &str);
}

impl Everybody for Namespace {
    fn everybody_leaves(&self, room: &str) {
        self.leave(room);
    }
}

async fn a_child_that_nobody_is_in_is_gone_with_all_it_had(on: On) {
    let io = Io::new(modern());
    let mark = Arc::new(());
    let rooms = io.of_pattern("/room/{id}").unwrap();
    rooms.use_(|Params(id): Params<String>| match &*id {
        "closed" => Err(Refusal::new("closed")),
        _ => Ok(()),
    });
    let (its, left) = (mark.clone(), Told::default());
    let told = left.clone();
    io.on_new_namespace(move |namespace: &Namespace| {
        // It holds itself.
        let (me, its, told) = (namespace.clone(), its.clone(), told.clone());
        namespace.on_disconnect(move |reason: DisconnectReason| {
            let _ = (&me, &its);
            told.tell(reason.as_str());
        });
    });
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.enter("/room/1,").await;
    let first = world.io.namespace("/room/1").unwrap();
    assert_eq!(Arc::strong_count(&mark), 3);
    client.send("41/room/1,").await;
    until("it to be gone", || first.is_removed()).await;
    let is_told = || !left.0.lock().unwrap().is_empty();
    until("its last client's end to be told", is_told).await;
    assert_eq!(left.take(), ["client namespace disconnect"]);
    until("its handlers to be gone", || Arc::strong_count(&mark) == 2).await;
    assert!(world.io.namespace("/room/1").is_none() && rooms.is_empty());
    // Who was refused leaves nothing either, and the next one of the name is another.
    client.send("40/room/closed,").await;
    client
        .expect(r#"44/room/closed,{"message":"closed"}"#)
        .await;
    assert!(world.io.namespace("/room/closed").is_none());
    client.enter("/room/1,").await;
    assert_ne!(world.io.namespace("/room/1").unwrap(), first);
    // What the application asks for stays.
    let kept = world.io.of("/room/1");
    client.send("41/room/1,").await;
    until("nobody to be there", || kept.is_empty()).await;
    assert!(!kept.is_removed() && rooms.children() == [kept.clone()]);
    assert_eq!(world.io.of("/room/opened").parent(), Some(rooms.clone()));
    drop(client);
    world.ends().await;
    assert_eq!(
        Arc::strong_count(&mark),
        1,
        "all of it went with the server"
    );
}

async fn empty_children_stay_if_they_are_to(on: On) {
    let io = Io::new(modern().cleanup_empty_child_namespaces(false));
    let rooms = io.of_pattern("/room/{id}").unwrap();
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.enter("/room/1,").await;
    let child = world.io.namespace("/room/1").unwrap();
    client.send("41/room/1,").await;
    until("nobody to be there", || child.is_empty()).await;
    client.enter("/room/1,").await;
    assert_eq!(rooms.children(), [child]);
    drop(client);
    world.ends().await;
}

async fn those_inside_hear_that_their_namespace_is_removed(on: On) {
    let io = Io::new(modern());
    let told = Told::default();
    let its = told.clone();
    io.of("/news")
        .on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
            its.tell(format!("{reason}, in {} rooms", socket.rooms().len()));
        });
    io.set_adapter(|local: InMemory| local).unwrap();
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.enter("/news,").await;
    let news = world.io.of("/news");
    assert!(world.io.remove_namespace("news"));
    assert!(!world.io.remove_namespace("/news") && !world.io.remove_namespace("/"));
    client.expect("41/news,").await;
    until("it to be told", || !told.0.lock().unwrap().is_empty()).await;
    assert_eq!(told.take(), ["namespace removed, in 1 rooms"]);
    turned_away(&mut client, "/news").await;
    news.emit("nobody", &()).unwrap();
    // Opened anew it is another, without what the first one had.
    assert_ne!(world.io.of("/news"), news);
    client.enter("/news,").await;
    client.send("41/news,").await;
    until("nobody to be there", || world.io.of("/news").is_empty()).await;
    drop(client);
    world.ends().await;
}

async fn who_is_on_the_way_into_what_is_removed_does_not_get_there(on: On) {
    let io = Io::new(modern());
    let told = Told::default();
    let its = told.clone();
    let slow = io.of("/slow");
    slow.on_connect(move || its.tell("in"));
    let (decide, decided) = oneshot::channel::<()>();
    let decided = Mutex::new(Some(decided));
    slow.use_(move |_: Socket| {
        let decided = decided.lock().unwrap().take();
        async move {
            let _ = decided.expect("one asks").await;
        }
    });
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.send("40/slow,").await;
    client.enter("").await;
    assert!(world.io.remove_namespace("/slow"));
    decide.send(()).unwrap();
    turned_away_later(&mut client, "/slow").await;
    drop(client);
    world.ends().await;
    assert!(told.take().is_empty());
}

async fn turned_away_later(client: &mut Client, name: &str) {
    let refusal = format!(r#"44{name},{{"message":"Invalid namespace"}}"#);
    client.expect(&refusal).await;
}

async fn clients_of_the_old_line_bring_namespaces_into_being_too(on: On) {
    let io = Io::new(calm());
    let rooms = io.of_pattern("/room/{id}").unwrap();
    rooms.on_connect(|socket: Socket, Params(id): Params<u8>| {
        socket.emit("id", &(id, socket.handshake().query.get("x")))
    });
    let world = World::new(on, io).await;
    let mut client = Client::open(world.address, "&EIO=3").await;
    client.expect("40").await;
    client.send("40/room/7?x=1,").await;
    client.expect("40/room/7,").await;
    client.expect(r#"42/room/7,["id",7,"1"]"#).await;
    client.send("40/rooms,").await;
    client.expect(&invalid("/rooms")).await;
    drop(client);
    until("it to be gone", || rooms.is_empty()).await;
    world.ends().await;
}

on_each_runtime! {
    names_look_like_patterns_and_have_parameters,
    a_predicate_sees_who_asks_and_may_wait,
    many_that_ask_at_once_meet_in_one_namespace,
    children_have_what_their_parent_has_even_later,
    a_child_that_nobody_is_in_is_gone_with_all_it_had,
    empty_children_stay_if_they_are_to,
    those_inside_hear_that_their_namespace_is_removed,
    clients_of_the_old_line_bring_namespaces_into_being_too,
}

// The core's own server, which the simulation's is compared with, does not know when a namespace goes.
mod removed {
    use super::who_is_on_the_way_into_what_is_removed_does_not_get_there;

    on_each_real_runtime! {
        who_is_on_the_way_into_what_is_removed_does_not_get_there,
    }
}
