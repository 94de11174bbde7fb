//! Worlds of the driver's tasks, with fresh seeds, and those that are kept.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sio_sim::choices::{Choices, List};
use sio_worlds::driver::{MARKS, Outcome, outcome, report, smaller};

/// How many worlds are run, unless `SIO_DRIVER_WORLDS` says: `.ci/run` asks for 10 000, built for speed.
const WORLDS: u64 = 50;

fn fails(name: &str, outcome: &Outcome) -> ! {
    panic!("{}", report(name, &smaller(outcome, 500)));
}

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice.
#[test]
fn hold_what_they_promise() {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first = number("SIO_SEED").unwrap_or_else(|| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        time.map_or(1, |time| time.as_secs() % 1_000_000 * 1_000_000)
    });
    let worlds = number("SIO_DRIVER_WORLDS").unwrap_or(WORLDS);
    println!("seeds {first} to {}", first + worlds - 1);
    let (next, steps) = (AtomicU64::new(0), AtomicUsize::new(0));
    let marks = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= worlds {
                        break;
                    }
                    let seed = first + at;
                    let world = outcome(Choices::from_seed(seed));
                    if world.failure.is_some() {
                        next.store(worlds, Ordering::Relaxed);
                        fails(&format!("seed {seed}"), &world);
                    }
                    steps.fetch_add(world.steps, Ordering::Relaxed);
                    marks.lock().unwrap().extend(world.marks);
                    if seed % 100 == 0 {
                        let again = outcome(Choices::from_seed(seed));
                        assert_eq!(again.hash, world.hash, "same: seed {seed}");
                        assert_eq!(again.choices.list(), world.choices.list());
                    }
                }
            });
        }
    });
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
