//! Worlds by their seeds, as many as are asked for, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::kinds::Kind;
use crate::tally::Tally;

/// A first seed that nobody has had: of the time.
pub fn fresh() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(1, |time| time.as_secs() % 1_000_000 * 1_000_000)
}

/// How many runs it may take to make a world smaller that fails in a test.
const RUNS: usize = 1000;

/// Plays worlds of this kind: so many as the variable of this name says, or else `worlds`; every hundredth twice. The
/// first seed is fresh, unless `SIO_SEED` says; which they are is printed. What has come of them.
///
/// # Panics
///
/// With the first that fails, made smaller and told.
pub fn each(kind: Kind, variable: &str, worlds: u64) -> Tally {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first = number("SIO_SEED").unwrap_or_else(fresh);
    let worlds = number(variable).unwrap_or(worlds);
    println!("seeds {first} to {}", first + worlds - 1);
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
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
                    let world = kind.play(seed);
                    if world.failure.is_some() {
                        next.store(worlds, Ordering::Relaxed);
                        panic!("{}", world.smaller(RUNS).told);
                    }
                    if world.is_played_twice() {
                        let again = world.again();
                        again.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
                    }
                    tally.lock().expect("nobody panics with it").add(&world);
                }
            });
        }
    });
    tally.into_inner().expect("nobody panics with it")
}
