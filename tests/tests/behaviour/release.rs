//! Handlers that capture their own socket: nothing of them remains when the client has left.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tokio::{
    Args, Data, DisconnectReason, EngineServer, EngineSocket, Incoming, Io, Message, Refusal,
    Server, Socket,
};

use crate::client::{calm, exchange};
use crate::here::{pause, until};
use crate::world::{On, World};

/// Gives a socket everything it can be given, with itself and `mark` in each.
fn entangle(socket: &Socket, mark: &Arc<()>) {
    let (me, its) = (socket.clone(), mark.clone());
    socket.on("echo", move |Data(text): Data<String>| {
        let _ = &its;
        me.emit("echoed", &text)
    });
    let (me, its) = (socket.clone(), mark.clone());
    socket.use_(move |_: &mut Incoming| {
        let _ = (&me, &its);
        Ok::<(), Refusal>(())
    });
    let (me, its) = (socket.clone(), mark.clone());
    socket.on_any_outgoing(move |_: &str, _: &Args| {
        let _ = (&me, &its);
    });
    socket.set_local_data((socket.clone(), mark.clone()));
}

async fn a_socket_that_its_handlers_capture_goes_with_its_client(on: On) {
    let io = Io::new(calm());
    let mark = Arc::new(());
    let left = Arc::new(AtomicUsize::new(0));
    let (of_handler, counted) = (mark.clone(), left.clone());
    io.of("/").on_connect(move |socket: Socket| {
        entangle(&socket, &of_handler);
        let (me, its, counted) = (socket.clone(), of_handler.clone(), counted.clone());
        socket.on_disconnect(move |_: DisconnectReason| {
            let (me, its, counted) = (me.clone(), its.clone(), counted.clone());
            async move {
                pause(Duration::from_millis(20)).await;
                // What was kept with the socket is there until its handlers have ended.
                if me
                    .data::<(Socket, Arc<()>)>()
                    .is_some_and(|data| Arc::ptr_eq(&data.1, &its))
                {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    });
    let world = World::new(on, io.clone()).await;
    // One leaves its namespace and stays connected, one closes.
    let (mut stays, _) = world.join().await;
    let (mut goes, _) = world.join().await;
    for client in [&mut stays, &mut goes] {
        client.send(r#"42["echo","a"]"#).await;
        client.expect(r#"42["echoed","a"]"#).await;
    }
    stays.send("41").await;
    drop(goes);
    until("both to have left", || left.load(Ordering::Relaxed) == 2).await;
    // Here, and in the closure of the namespace.
    until("everything to be dropped", || Arc::strong_count(&mark) == 2).await;
    world.ends().await;
}

async fn nothing_is_kept_for_a_socket_that_was_refused_or_has_left(on: On) {
    let io = Io::new(calm());
    let mark = Arc::new(());
    let its = mark.clone();
    io.of("/closed").use_(move |socket: Socket| {
        entangle(&socket, &its);
        Err(Refusal::new("no"))
    });
    let kept: Arc<Mutex<Option<Socket>>> = Arc::default();
    let keep = kept.clone();
    io.of("/").on_connect(move |socket: Socket| {
        socket.on("probe", || {});
        *keep.lock().unwrap() = Some(socket);
    });
    let world = World::new(on, io.clone()).await;
    let (mut client, _) = world.join().await;
    client.send("40/closed,").await;
    client.expect(r#"44/closed,{"message":"no"}"#).await;
    until("the refused one to be dropped", || {
        Arc::strong_count(&mark) == 2
    })
    .await;

    let socket = kept.lock().unwrap().take().unwrap();
    assert_eq!(socket.event_names(), ["probe"]);
    drop(client);
    until("its handlers to go", || socket.event_names().is_empty()).await;
    socket.on("late", {
        let (me, its) = (socket.clone(), mark.clone());
        move || {
            let _ = &its;
            me.emit("late", &())
        }
    });
    assert!(socket.event_names().is_empty());
    assert_eq!(Arc::strong_count(&mark), 2);
    world.ends().await;
}

async fn an_engine_socket_that_its_handlers_capture_goes_with_its_client(on: On) {
    let engine = EngineServer::new(calm().path("/engine.io"));
    let mark = Arc::new(());
    let its = mark.clone();
    engine.on_connect(move |socket: EngineSocket| {
        let (me, kept) = (socket.clone(), its.clone());
        socket.on_message(move |_: EngineSocket, message: Message| {
            let _ = &kept;
            me.send(message)
        });
        let (me, kept) = (socket.clone(), its.clone());
        socket.on_close(move |_: EngineSocket, _| {
            let _ = (&me, &kept);
        });
    });
    let io = Io::new(calm());
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(on, io, server).await;
    let open = exchange(
        world.address,
        b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(open.status, 200);
    until("the handlers to be there", || Arc::strong_count(&mark) == 4).await;
    engine.close().await;
    until("everything to be dropped", || Arc::strong_count(&mark) == 1).await;
    world.ends().await;
}

on_each_runtime! {
    a_socket_that_its_handlers_capture_goes_with_its_client,
    nothing_is_kept_for_a_socket_that_was_refused_or_has_left,
    an_engine_socket_that_its_handlers_capture_goes_with_its_client,
}
