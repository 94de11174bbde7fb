//! Namespaces that clients bring into being, of which 2.x had the beginnings and 4.x has the rest.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tests::wire::WebSocket;
use sio_tokio::{DisconnectReason, Handshake, Io, Namespace, Params, Refusal, Socket};

use crate::rows::covers;
use crate::world::{World, calm, enter};

fn heard(client: &mut WebSocket, text: &str) {
    assert_eq!(client.text(), text);
}

#[test]
fn names_are_asked_for_by_pattern_expression_and_predicate() {
    covers(&[
        "dynamic-pattern",
        "dynamic-regex",
        "dynamic-predicate",
        "accept-all",
        "new-namespace",
    ]);
    let io = Io::new(calm());
    let born = Arc::new(Mutex::new(Vec::new()));
    let told = born.clone();
    io.on_new_namespace(move |namespace: &Namespace| {
        told.lock().unwrap().push(namespace.name().to_owned());
    });
    io.of("/static");
    let rooms = io.of_pattern("/room/{id}").unwrap();
    rooms.on_connect(|socket: Socket, Params(id): Params<u32>| socket.emit("room", &id));
    let numbered = io.of_regex(r"^/dyn-(\d+)$").unwrap();
    numbered.on_connect(|socket: Socket, Params(at): Params<u64>| socket.emit("number", &at));
    let tenants = io.of_where(async |name: String, handshake: Arc<Handshake>| {
        let token = handshake.auth.value()["token"].clone();
        name.starts_with("/tenant/") && token.as_str() == Some("good")
    });
    let anything = io.of_pattern("/any/{*rest}").unwrap();
    anything.on_connect(|socket: Socket, Params(rest): Params<String>| socket.emit("rest", &rest));
    let world = World::new(io);
    let (mut client, _) = world.join();
    for (name, first) in [
        ("/room/7", r#"["room",7]"#),
        ("/dyn-42", r#"["number",42]"#),
        ("/any/a/b", r#"["rest","a/b"]"#),
    ] {
        enter(&mut client, &format!("{name},"));
        heard(&mut client, &format!("42{name},{first}"));
    }
    client.send(r#"40/tenant/1,{"token":"good"}"#);
    assert!(client.text().starts_with(r#"40/tenant/1,{"sid""#));
    for name in ["/room/7/x", "/dyn-x", "/tenant/2", "/any"] {
        client.send(&format!("40{name},"));
        heard(
            &mut client,
            &format!(r#"44{name},{{"message":"Invalid namespace"}}"#),
        );
    }
    assert_eq!(tenants.children()[0].name(), "/tenant/1");
    let names = ["/static", "/room/7", "/dyn-42", "/any/a/b", "/tenant/1"];
    assert_eq!(*born.lock().unwrap(), names);
    drop(client);
    world.end();
}

#[test]
fn a_parent_stands_for_its_children_which_come_and_go() {
    covers(&[
        "parent-broadcast",
        "parent-listeners",
        "cleanup-children",
        "delete-namespace",
    ]);
    let io = Io::new(calm());
    let rooms = io.of_pattern("/room/{id}").unwrap();
    let world = World::new(io);
    let (mut client, _) = world.join();
    enter(&mut client, "/room/1,");
    // It is there already.
    let told = Arc::new(Mutex::new(Vec::new()));
    let its = told.clone();
    rooms.use_(|Params(id): Params<u32>| match id {
        13 => Err(Refusal::new("no such room")),
        _ => Ok(()),
    });
    rooms.on("say", |socket: Socket| socket.emit("said", &()));
    rooms.on_disconnect(move |reason: DisconnectReason| {
        its.lock().unwrap().push(reason.as_str());
    });
    enter(&mut client, "/room/2,");
    client.send("40/room/13,");
    heard(&mut client, r#"44/room/13,{"message":"no such room"}"#);
    for name in ["/room/1", "/room/2"] {
        client.send(&format!(r#"42{name},["say"]"#));
        heard(&mut client, &format!(r#"42{name},["said"]"#));
    }
    rooms.emit("all", &1).unwrap();
    heard(&mut client, r#"42/room/1,["all",1]"#);
    heard(&mut client, r#"42/room/2,["all",1]"#);

    client.send("41/room/1,");
    while rooms.len() > 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(world.io.namespace("/room/1").is_none(), "nobody is in it");
    assert!(world.io.remove_namespace("/room/2"));
    heard(&mut client, "41/room/2,");
    while told.lock().unwrap().len() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let reasons = ["client namespace disconnect", "namespace removed"];
    assert_eq!(*told.lock().unwrap(), reasons);
    assert_eq!(world.io.namespaces(), [world.io.of("/")]);
    drop(client);
    world.end();
}
