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

/// Those of which what a server says is not compared, and why: with some seed it is another.
const APART: &[(&str, &str)] = &[
    (
        "choices::simulated::connections_are_the_applications_if_it_likes",
        "a probe and the goodbye that is read with it may find its answer on the way or not",
    ),
    (
        "conversation::simulated::it_comes_back",
        "when the application closes a connection stands in no history",
    ),
];

/// Runs a test in the simulation: twice with the same seed, which must be the same to the last byte, and with others.
/// What a server says is compared with what the core's own says to the same.
fn simulate<F: Future<Output = ()>>(test: impl Fn(sio_sim::Sim) -> F) {
    let thread = std::thread::current();
    let is_compared = APART.iter().all(|(name, _)| Some(*name) != thread.name());
    let play = |seed| {
        let sim = sio_sim::Sim::new(seed);
        sim.run(test(sim.clone()));
        assert_eq!(sim.left(), Vec::<String>::new(), "tasks that are left");
        if is_compared && let Err(why) = sio_tests::replay::compare(&sim.history()) {
            panic!("seed {seed}: {why}");
        }
        sim.trace()
    };
    play(1).assert_same(&play(1));
    for seed in 2..6 {
        play(seed);
    }
}

/// One test for each runtime of each of these functions.
macro_rules! on_each_runtime {
    ($($name:ident,)*) => {
        on_each_runtime!(@ tokio_runtime, crate::world::Tokio { workers: 2 }, sio_tokio::Tokio, $($name,)*);
        on_each_runtime!(@ smol_runtime, crate::world::Smol, sio_smol::Smol::new(), $($name,)*);
        mod simulated {$(
            #[test]
            fn $name() {
                crate::simulate(|sim| super::$name(&crate::world::Simulated, sim));
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

mod asleep;
mod blocking;
mod broken;
mod choices;
mod contract;
mod conversation;
mod first;
mod leaving;
mod on_the_way;
mod quiet;
mod recorded;
mod room;
mod rows;
mod server;
mod watching;
