//! Worlds with fresh seeds, and those that are kept.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sio_sim::choices::{Choices, List};
use sio_worlds::{Cells, Marks, Outcome, outcome, report, smaller};

/// How many worlds are run, unless `SIO_WORLDS` says: `.ci/run` asks for 5 000, built for speed.
const WORLDS: u64 = 200;

fn fails(name: &str, outcome: &Outcome) -> ! {
    panic!("{}", report(name, &smaller(outcome, 2000)));
}

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice.
#[test]
fn hold_what_they_promise() {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first = number("SIO_SEED").unwrap_or_else(|| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        time.map_or(1, |time| time.as_secs() % 1_000_000 * 1_000_000)
    });
    let worlds = number("SIO_WORLDS").unwrap_or(WORLDS);
    println!("seeds {first} to {}", first + worlds - 1);
    let (next, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let seen = Mutex::new((Marks::default(), Cells::default()));
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
                    let world = outcome(Choices::from_seed(seed), false);
                    if world.failure.is_some() {
                        next.store(worlds, Ordering::Relaxed);
                        fails(&format!("seed {seed}"), &world);
                    }
                    steps.fetch_add(world.steps, Ordering::Relaxed);
                    let mut seen = seen.lock().unwrap();
                    *seen = (seen.0.and(world.marks), seen.1.and(world.cells));
                    drop(seen);
                    if seed % 100 == 0 {
                        let again = outcome(Choices::from_seed(seed), false);
                        assert_eq!(again.hash, world.hash, "same: seed {seed}");
                        assert_eq!(again.choices.list(), world.choices.list());
                    }
                }
            });
        }
    });
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
