//! Where worlds have been: `cargo run -p sio-worlds --example matrix -- <worlds>` prints which inputs came in which
//! states of a session, which packets for which namespaces, and what was never seen although it can be.

use sio_sim::choices::Choices;
use sio_worlds::{Cells, outcome};

fn main() {
    let worlds = std::env::args().nth(1).and_then(|it| it.parse().ok());
    let mut cells = Cells::default();
    for seed in 1..=worlds.unwrap_or(2000) {
        cells = cells.and(outcome(Choices::from_seed(seed), false).cells);
    }
    println!("{}", cells.table());
    println!("never seen: {:#?}", cells.missing());
}
