//! Worlds of the driver's tasks, with fresh seeds, and those that are kept.

use sio_sim::choices::{Choices, List};
use sio_worlds::driver::outcome;
use sio_worlds::kinds::Kind;
use sio_worlds::seeds::each;

/// How many worlds are run, unless `SIO_DRIVER_WORLDS` says: `.ci/run` asks for 10 000, built for speed.
const WORLDS: u64 = 50;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice, once recorded.
#[test]
fn hold_what_they_promise() {
    let played = each(Kind::Driver, "SIO_DRIVER_WORLDS", WORLDS);
    let missing = played.unreached(Kind::Driver);
    println!("{}, not reached: {missing:?}", played.sum());
    // Fewer may miss some by chance.
    assert!(
        played.worlds < Kind::Driver.enough() || missing.is_empty(),
        "{missing:?}"
    );
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
