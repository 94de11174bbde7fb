//! What a server does, on each runtime there is: tokio with threads, tokio without, smol, and the
//! simulation ([`sio_tests::sim`]), in which no time passes and a seed decides what comes first.
//!
//! A test is an `async fn` that is told what to run its server [`On`](world::On); the list at the end
//! of each file makes one test of it for each runtime. For its own side it uses what [`here`] has.
//! `SIO_SIM_SEED=7 cargo test -p sio-tests --test behaviour simulated` plays the tests with another seed.

/// One test for each runtime of each of these functions.
macro_rules! on_each_runtime {
    ($($name:ident,)*) => {
        on_each_real_runtime!($($name,)*);
        mod simulated {$(
            #[test]
            fn $name() {
                crate::world::simulate(|| super::$name(&crate::world::Simulated));
            }
        )*}
    };
}

/// The same for what is about threads or real sockets.
macro_rules! on_each_real_runtime {
    ($($name:ident,)*) => {
        on_each_real_runtime!(@ tokio_threads, crate::world::Tokio { workers: 2 }, $($name,)*);
        on_each_real_runtime!(@ tokio_current_thread, crate::world::Tokio { workers: 0 }, $($name,)*);
        on_each_real_runtime!(@ smol_executor, crate::world::Smol, $($name,)*);
        on_each_real_runtime!(@ smol_global, crate::world::SmolGlobal, $($name,)*);
    };
    (@ $runtime:ident, $host:expr, $($name:ident,)*) => {
        mod $runtime {$(
            #[test]
            fn $name() {
                crate::world::run(super::$name(&$host));
            }
        )*}
    };
}

mod client;
mod conversation;
mod handlers;
mod here;
mod pipelined;
mod plain;
mod revisions;
mod rooms;
mod threads;
mod virtual_time;
mod websocket;
mod wire;
mod world;
