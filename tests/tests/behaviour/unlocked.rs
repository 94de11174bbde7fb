//! The application's code is called with no lock held, whatever other threads do meanwhile.

use sio_tokio::Io;
use tokio::sync::oneshot;

use crate::client::calm;
use crate::here::within;
use crate::world::{On, World};

/// What is called with the sockets holds no lock: it may ask and change what it likes.
async fn a_visitor_may_do_anything(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    let main = io.of("/");
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        main.visit(|socket| {
            let other = socket.clone();
            let joins = std::thread::spawn(move || other.join("x").unwrap());
            joins.join().unwrap();
            socket.leave("y");
            socket.join("z").unwrap();
            socket.emit("seen", &socket.rooms()).unwrap();
        });
        let _ = tell.send(());
    });
    within("the visit", told).await.unwrap();
    client
        .expect(&format!(r#"42["seen",["{id}","x","z"]]"#))
        .await;
    drop(client);
    world.ends().await;
}

on_each_real_runtime! {
    a_visitor_may_do_anything,
}
