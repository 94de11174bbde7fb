//! Worlds of several nodes and a broker, with fresh seeds.
//!
//! `SIO_SEED=7 SIO_NODE_WORLDS=1 cargo test -p sio-worlds --test nodes` plays one of them.

use sio_worlds::kinds::Kind;
use sio_worlds::seeds::each;

/// How many worlds are run, unless `SIO_NODE_WORLDS` says: `.ci/run` asks for 10 000, built for speed.
const WORLDS: u64 = 240;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice.
#[test]
fn hold_what_they_promise() {
    let played = each(Kind::Nodes, "SIO_NODE_WORLDS", WORLDS);
    let missing = played.unreached(Kind::Nodes);
    println!("{}, not reached: {missing:?}", played.sum());
    // Fewer may miss some by chance.
    assert!(
        played.worlds < Kind::Nodes.enough() || missing.is_empty(),
        "{missing:?}"
    );
}
