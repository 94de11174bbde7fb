//! Credentials, of which each namespace has its own.

use sio_tokio::{Config, Io, Refusal, Socket};

use crate::alone::alone_on_each_runtime;
use crate::client::calm;
use crate::here::until;
use crate::world::{On, World};
use crate::{BESIDE, LEFT, held};

async fn of_all_namespaces(on: On) {
    // faults: H1
    let io = Io::new(calm().max_refused_connects(1_000));
    for at in 0..40 {
        io.of(&format!("/{at}"))
            .use_(async |_: Socket| -> Result<(), Refusal> { std::future::pending().await });
    }
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let (mut client, _) = world.join().await;
    let token = "x".repeat(900_000);
    for at in 0..40 {
        client
            .send(&format!(r#"40/{at},{{"token":"{token}"}}"#))
            .await;
        if at > 0 {
            let refused = format!(r#"44/{at},{{"message":"too many credentials"}}"#);
            client.expect(&refused).await;
        }
    }
    drop(token);
    let grown = held().saturating_sub(start);
    let limit = Config::default().max_auth_bytes;
    assert!(grown <= limit + BESIDE / 10, "{grown}");
    drop(client);
    until("its end", || io.engine_sessions() == 0).await;
    until("it is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

alone_on_each_runtime! {
    of_all_namespaces,
}
