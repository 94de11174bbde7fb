//! Handlers of whatever comes, and hooks of whatever leaves.

use std::sync::{Arc, Mutex};

use crate::client::calm;
use crate::world::{On, World};
use sio_tokio::{Ack, Args, EventName, Failure, Io, ListenerId, Socket};

/// What hooks have heard, each by its name.
type Heard = Arc<Mutex<Vec<String>>>;

fn hears(heard: &Heard, who: &'static str) -> impl Fn(&str, &Args) + Send + Sync + 'static {
    let heard = heard.clone();
    move |event, args| {
        let text = format!("{who} {event} {}", args.len());
        heard.lock().unwrap().push(text);
    }
}

fn taken(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().unwrap())
}

async fn what_leaves_is_heard_of_in_the_order_of_hooks(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    let (main, heard) = (io.of("/"), Heard::default());
    let socket = main.get(&id).unwrap();
    assert_eq!(socket.listeners_any_outgoing(), [] as [ListenerId; 0]);
    let second = socket.on_any_outgoing(hears(&heard, "second"));
    let first = socket.prepend_any_outgoing(hears(&heard, "first"));
    let shared = main.on_any_outgoing(hears(&heard, "all"));
    let before = main.prepend_any_outgoing(hears(&heard, "before all"));
    assert_eq!(socket.listeners_any_outgoing(), [first, second]);
    assert_eq!(main.listeners_any_outgoing(), [before, shared]);
    socket.emit("one", &(1, 2)).unwrap();
    assert_eq!(
        taken(&heard),
        [
            "before all one 2",
            "all one 2",
            "first one 2",
            "second one 2"
        ]
    );
    // A broadcast is the namespace's, once.
    main.emit("two", &()).unwrap();
    assert_eq!(taken(&heard), ["before all two 0", "all two 0"]);
    assert!(socket.off_outgoing(first) && !socket.off_outgoing(first));
    assert!(main.off_outgoing(before) && !main.off_outgoing(second));
    drop(socket.emit_with_ack::<()>("three", &1));
    assert_eq!(taken(&heard), ["all three 1", "second three 1"]);
    socket.off_any_outgoing();
    main.off_any_outgoing();
    socket.emit("four", &()).unwrap();
    main.emit("five", &()).unwrap();
    assert_eq!(taken(&heard), [] as [&str; 0]);
    for event in [r#"42["one",1,2]"#, r#"42["two"]"#, r#"421["three",1]"#] {
        client.expect(event).await;
    }
    client.expect(r#"42["four"]"#).await;
    client.expect(r#"42["five"]"#).await;
    drop(client);
    drop(socket);
    world.ends().await;
}

async fn what_nobody_handles_is_answered_by_who_takes_the_rest(on: On) {
    let io = Io::new(calm());
    let (failures, main) = (Heard::default(), io.of("/"));
    let kept = failures.clone();
    io.on_error(move |error| {
        assert_eq!(error.why, Failure::Unhandled);
        kept.lock().unwrap().push(error.event.clone());
    });
    main.on("known", |ack: Ack| ack.send(&"known"));
    let rest = main.on_unhandled(|name: EventName, args: Args, ack: Ack| {
        ack.send(&format!("no {name} of {}", args.len()))
    });
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    client.send(r#"421["known"]"#).await;
    client.expect(r#"431["known"]"#).await;
    client.send(r#"422["other",1,2]"#).await;
    client.expect(r#"432["no other of 2"]"#).await;
    // A socket may have its own, behind its namespace's; the first one to answer wins.
    let socket = main.get(&id).unwrap();
    let own = socket.on_unhandled(|socket: Socket, ack: Ack| {
        socket.emit("own", &())?;
        ack.send(&"own")
    });
    client.send(r#"423["other"]"#).await;
    client.expect(r#"433["no other of 0"]"#).await;
    client.expect(r#"42["own"]"#).await;
    assert!(main.off(rest));
    client.send(r#"424["other"]"#).await;
    client.expect(r#"42["own"]"#).await;
    client.expect(r#"434["own"]"#).await;
    // Whoever takes every event takes this one.
    let any = socket.on_any(|ack: Ack| ack.send(&"any"));
    client.send(r#"425["other"]"#).await;
    client.expect(r#"435["any"]"#).await;
    assert_eq!(taken(&failures), [] as [&str; 0]);
    assert!(socket.off(any) && socket.off(own));
    client.send(r#"426["other"]"#).await;
    client.send(r#"427["known"]"#).await;
    client.expect(r#"437["known"]"#).await;
    assert_eq!(taken(&failures), ["other"]);
    drop(client);
    drop(socket);
    world.ends().await;
}

on_each_runtime! {
    what_leaves_is_heard_of_in_the_order_of_hooks,
    what_nobody_handles_is_answered_by_who_takes_the_rest,
}
