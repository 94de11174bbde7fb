//! The first word of a socket, before what it has kept.

use super::*;
use crate::client::event::EntryTicket;

/// With one socket that has a first word, and has been asked for.
fn asking() -> (World, SocketKey) {
    let mut world = World::new(|_| ());
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.ask_first(socket, true);
    world.client.open(world.now, socket);
    world.accept();
    assert_eq!(world.said(), ["40"]);
    (world, socket)
}

/// The ticket, and the words of what else was told.
fn entering(world: &mut World) -> (EntryTicket, Vec<String>) {
    let mut found = None;
    let mut told = Vec::new();
    for event in world.events() {
        told.push(word(&event));
        if let Event::Entering { ticket, .. } = event {
            found = Some(ticket);
        }
    }
    (found.expect("it is asked"), told)
}

#[test]
fn it_leaves_before_what_was_kept() {
    let (mut world, socket) = asking();
    let _ = world.emit(socket, "kept");
    let args = Args::from_json("[]", Vec::new()).unwrap();
    let repeated = world
        .client
        .retry(world.now, socket, "again".into(), &args, 1, 1);
    repeated.unwrap();
    world.hear(r#"40{"sid":"a"}"#);
    world.hear(r#"42["hello"]"#);
    let (ticket, told) = entering(&mut world);
    assert_eq!(
        told,
        ["opened 0", "entering false", "connected a", "hello()"]
    );
    assert_eq!(ticket.socket(), socket);
    // What is emitted meanwhile waits, too; what is volatile does not.
    let _ = world.emit(socket, "meanwhile");
    let volatile = world.client.emit(world.now, socket, event("v"), VOLATILE);
    assert_eq!(volatile, Sent::Dropped);
    assert_eq!(world.said(), [""; 0]);
    let now = world.now;
    let sent = world
        .client
        .emit_first(now, &ticket, event("first"), Flags::default());
    assert_eq!(sent, Sent::Queued);
    let id = world.client.draw_ack_id(socket).unwrap();
    let packet = packet::event("/", Some(id), "asked", &()).unwrap();
    world
        .client
        .request_first(now, &ticket, id, packet, Flags::default(), 7, None)
        .unwrap();
    assert_eq!(world.said(), [r#"42["first"]"#, r#"420["asked"]"#]);
    world.client.entered(now, ticket);
    assert_eq!(
        world.said(),
        [r#"42["kept"]"#, r#"42["meanwhile"]"#, r#"421["again"]"#]
    );
    world.hear("430[1]");
    assert_eq!(world.told(), ["7: 1"]);
    world.client.ask_first(socket, false);
    world.cut();
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert!(!world.told().contains(&"entering false".to_owned()));
    world.end();
}

#[test]
fn it_is_said_on_its_connection_or_not_at_all() {
    let (mut world, socket) = asking();
    world.hear(r#"40{"sid":"a"}"#);
    let (ticket, _) = entering(&mut world);
    let now = world.now;
    let flags = Flags::default();
    let _ = world.client.emit_first(now, &ticket, event("1"), flags);
    let id = world.client.draw_ack_id(socket).unwrap();
    let packet = || packet::event("/", Some(id), "q", &()).unwrap();
    world
        .client
        .request_first(now, &ticket, id, packet(), flags, 7, None)
        .unwrap();
    let _ = world.emit(socket, "kept");
    world.cut();
    let told = world.told();
    assert_eq!(told[..2], ["transport close true", "7: Disconnected"]);
    // Its ticket is none any more, neither before the next connection nor on it.
    let sent = world.client.emit_first(now, &ticket, event("1"), flags);
    assert_eq!(sent, Sent::Closed);
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    let asked = world
        .client
        .request_first(world.now, &ticket, id, packet(), flags, 8, None);
    assert_eq!(asked, Err((AckError::Disconnected, 8)));
    world.client.entered(world.now, ticket);
    assert_eq!(world.said(), ["40"], "the next first word is awaited");
    let (ticket, _) = entering(&mut world);
    world.client.entered(world.now, ticket);
    assert_eq!(world.said(), [r#"42["kept"]"#]);
    world.end();
}

#[test]
fn it_is_not_waited_for_longer_than_for_a_namespace() {
    let (mut world, socket) = asking();
    let _ = world.emit(socket, "kept");
    world.hear(r#"40{"sid":"a"}"#);
    let (ticket, _) = entering(&mut world);
    let due = world.client.poll_timeout().unwrap();
    assert_eq!((due.at, due.why), (world.now + secs(20), Why::Connect));
    world.pass(secs(20) - Duration::from_nanos(1));
    assert_eq!(world.said(), [""; 0]);
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.said(), [r#"42["kept"]"#]);
    let late = world
        .client
        .emit_first(world.now, &ticket, event("1"), Flags::default());
    assert_eq!(late, Sent::Closed);
    world.end();
}

#[test]
fn who_leaves_says_none() {
    let (mut world, socket) = asking();
    world.hear(r#"40{"sid":"a"}"#);
    let (ticket, _) = entering(&mut world);
    world.client.leave(world.now, socket);
    let late = world
        .client
        .emit_first(world.now, &ticket, event("1"), Flags::default());
    assert_eq!(late, Sent::Closed);
    world.client.entered(world.now, ticket);
    world.end();
}
