//! What a server does, on each runtime there is: tokio with threads, tokio without, and smol.
//!
//! A test is an `async fn` that is told what to run its server [`On`](world::On); the list at the end
//! of each file makes one test of it for each runtime.

/// One test for each runtime of each of these functions.
macro_rules! on_each_runtime {
    ($($name:ident,)*) => {
        on_each_runtime!(@ tokio_threads, crate::world::Tokio { workers: 2 }, $($name,)*);
        on_each_runtime!(@ tokio_current_thread, crate::world::Tokio { workers: 0 }, $($name,)*);
        on_each_runtime!(@ smol_executor, crate::world::Smol, $($name,)*);
        on_each_runtime!(@ smol_global, crate::world::SmolGlobal, $($name,)*);
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
mod pipelined;
mod rooms;
mod websocket;
mod world;
