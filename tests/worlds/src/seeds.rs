//! Worlds by their seeds, as many as are asked for, on all cores.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Plays a world of each seed: so many as the variable of this name says, or else `worlds`. The first seed is the time,
/// unless `SIO_SEED` says; which they are is printed. `tell` is asked about the first that fails, while no more are
/// begun. How many were played.
///
/// # Panics
///
/// With what is told, where one fails.
pub fn each<F>(
    variable: &str,
    worlds: u64,
    play: impl Fn(u64) -> Result<(), F> + Sync,
    tell: impl Fn(u64, F) -> String + Sync,
) -> u64 {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first = number("SIO_SEED").unwrap_or_else(|| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        time.map_or(1, |time| time.as_secs() % 1_000_000 * 1_000_000)
    });
    let worlds = number(variable).unwrap_or(worlds);
    println!("seeds {first} to {}", first + worlds - 1);
    let next = AtomicU64::new(0);
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
                    if let Err(failure) = play(seed) {
                        next.store(worlds, Ordering::Relaxed);
                        panic!("{}", tell(seed, failure));
                    }
                }
            });
        }
    });
    worlds
}
