//! Worlds with fresh seeds, and those that are kept.

use sio_sim::choices::{Choices, List};
use sio_worlds::kinds::Kind;
use sio_worlds::outcome;
use sio_worlds::seeds::each;

/// How many worlds are run, unless `SIO_WORLDS` says: `.ci/run` asks for 5 000, built for speed.
const WORLDS: u64 = 200;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice, once recorded.
#[test]
fn hold_what_they_promise() {
    let played = each(Kind::Core, "SIO_WORLDS", WORLDS);
    let missing = played.unreached(Kind::Core);
    println!("cells never seen: {:?}", played.cells.missing());
    println!("{}, not reached: {missing:?}", played.sum());
    // Fewer may miss some by chance.
    assert!(
        played.worlds < Kind::Core.enough() || missing.is_empty(),
        "{missing:?}"
    );
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
