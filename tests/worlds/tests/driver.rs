//! Worlds of the driver's tasks, with fresh seeds, and those that are kept.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sio_sim::choices::{Choices, List};
use sio_worlds::again;
use sio_worlds::driver::{MARKS, Outcome, outcome, recorded, report, smaller};
use sio_worlds::seeds::each;

/// How many worlds are run, unless `SIO_DRIVER_WORLDS` says: `.ci/run` asks for 10 000, built for speed.
const WORLDS: u64 = 50;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice, once recorded.
#[test]
fn hold_what_they_promise() {
    let steps = AtomicUsize::new(0);
    let marks = Mutex::new(BTreeSet::new());
    let play = |seed: u64| {
        let world = outcome(Choices::from_seed(seed));
        if world.failure.is_some() {
            return Err(Box::new(world));
        }
        again(seed, &world, recorded, |it| (it.hash, it.choices.list()));
        steps.fetch_add(world.steps, Ordering::Relaxed);
        marks.lock().unwrap().extend(world.marks);
        Ok(())
    };
    let tell =
        |seed: u64, world: Box<Outcome>| report(&format!("seed {seed}"), &smaller(&world, 500));
    let worlds = each("SIO_DRIVER_WORLDS", WORLDS, play, tell);
    let marks = marks.into_inner().unwrap();
    let missing: Vec<_> = MARKS.iter().filter(|it| !marks.contains(*it)).collect();
    let steps = steps.into_inner();
    println!("{worlds} worlds, {steps} steps, not reached: {missing:?}");
    // Fewer may miss some by chance.
    assert!(worlds < 2000 || missing.is_empty(), "{missing:?}");
}

/// What failed once is run for ever.
#[test]
fn that_are_kept_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/kept_driver");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let list: List = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let world = outcome(Choices::from_list(&list));
        if let Some(failure) = &world.failure {
            panic!("{}: {failure}\n{}", path.display(), world.told);
        }
    }
}

/// The world of `SIO_WORLD`, told if it fails.
#[test]
fn one_world() {
    let text = std::env::var("SIO_WORLD").unwrap_or_default();
    let list: List = text.parse().unwrap();
    let world = outcome(Choices::from_list(&list));
    if let Some(failure) = world.failure {
        panic!("{failure}\n{}", world.told);
    }
}
