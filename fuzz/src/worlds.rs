//! Worlds that are drawn from bytes.

use sio_sim::choices::Choices;
use sio_worlds::driver;

/// So often a world that fails is run again, to make it smaller.
const RUNS: usize = 500;

pub(crate) fn of_machines(input: &[u8]) {
    let world = sio_worlds::outcome(Choices::from_bytes(input), false);
    if world.failure.is_some() {
        let small = sio_worlds::smaller(&world, RUNS);
        panic!("{}", sio_worlds::report("of bytes", &small));
    }
}

pub(crate) fn of_tasks(input: &[u8]) {
    let world = driver::outcome(Choices::from_bytes(input));
    if world.failure.is_some() {
        let small = driver::smaller(&world, RUNS);
        panic!("{}", driver::report("of bytes", &small));
    }
}
