//! One test becomes one for each runtime.

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
