//! Worlds with fresh seeds, and those that are kept.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sio_sim::choices::{Choices, List};
use sio_worlds::seeds::each;
use sio_worlds::{Cells, Marks, Outcome, again, outcome, recorded, report, smaller};

/// How many worlds are run, unless `SIO_WORLDS` says: `.ci/run` asks for 5 000, built for speed.
const WORLDS: u64 = 200;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice, once recorded.
#[test]
fn hold_what_they_promise() {
    let steps = AtomicU64::new(0);
    let seen = Mutex::new((Marks::default(), Cells::default()));
    let play = |seed: u64| {
        let world = outcome(Choices::from_seed(seed), false);
        if world.failure.is_some() {
            return Err(Box::new(world));
        }
        again(seed, &world, recorded, |it| (it.hash, it.choices.list()));
        steps.fetch_add(world.steps, Ordering::Relaxed);
        let mut seen = seen.lock().unwrap();
        *seen = (seen.0.and(world.marks), seen.1.and(world.cells));
        drop(seen);
        Ok(())
    };
    let tell =
        |seed: u64, world: Box<Outcome>| report(&format!("seed {seed}"), &smaller(&world, 2000));
    let worlds = each("SIO_WORLDS", WORLDS, play, tell);
    let (marks, cells) = seen.into_inner().unwrap();
    let missing = marks.missing();
    println!("cells never seen: {:?}", cells.missing());
    println!(
        "{worlds} worlds, {} steps, not reached: {missing:?}",
        steps.into_inner()
    );
    // Fewer may miss some by chance.
    assert!(worlds < 2000 || missing.is_empty(), "{missing:?}");
}

/// What failed once is run for ever.
#[test]
fn that_are_kept_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/kept");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let list: List = text.parse().unwrap();
        let world = outcome(Choices::from_list(&list), true);
        if let Some(failure) = &world.failure {
            panic!("{}: {failure}\n{}", path.display(), world.lines.join("\n"));
        }
    }
}

/// The world of `SIO_WORLD`, told.
#[test]
fn one_world() {
    let text = std::env::var("SIO_WORLD").unwrap_or_default();
    let list: List = text.parse().unwrap();
    let world = outcome(Choices::from_list(&list), true);
    println!("{}", world.lines.join("\n"));
    if let Some(failure) = world.failure {
        panic!("{failure}");
    }
}
