//! What a client does, on each runtime that there is, against our own server on the same one: tokio, smol, and the
//! simulation, in which no time passes and a seed decides what comes first.
//!
//! A test is an `async fn` that is told what to run its server [`On`](world::On), and what its client runs on.

#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/client.rs"]
mod client;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/here.rs"]
mod here;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/wire.rs"]
mod wire;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/world.rs"]
mod world;

/// One test for each runtime of each of these functions.
macro_rules! on_each_runtime {
    ($($name:ident,)*) => {
        on_each_runtime!(@ tokio_runtime, crate::world::Tokio { workers: 2 }, sio_tokio::Tokio, $($name,)*);
        on_each_runtime!(@ smol_runtime, crate::world::Smol, sio_smol::Smol::new(), $($name,)*);
        mod simulated {$(
            #[test]
            fn $name() {
                crate::world::simulate(|| async {
                    let sim = sio_sim::Sim::current().unwrap();
                    super::$name(&crate::world::Simulated, sim).await;
                });
            }
        )*}
    };
    (@ $runtime:ident, $host:expr, $client:expr, $($name:ident,)*) => {
        mod $runtime {$(
            #[test]
            fn $name() {
                crate::world::run(super::$name(&$host, $client));
            }
        )*}
    };
}

mod conversation;
mod on_the_way;
mod server;
