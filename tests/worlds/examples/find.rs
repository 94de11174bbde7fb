//! Looks for a world that fails: `find <first seed> <worlds>` says which property, in which world, and how many
//! choices are left of it.

use sio_sim::choices::Choices;
use sio_worlds::{outcome, smaller};

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut numbers = std::env::args().skip(1).map(|it| it.parse::<u64>());
    let mut number = || numbers.next().and_then(Result::ok).expect("a number");
    let (first, worlds) = (number(), number());
    for at in 0..worlds {
        let world = outcome(Choices::from_seed(first + at), false);
        if let Some(failure) = &world.failure {
            let small = smaller(&world, 1000).choices.list().trimmed();
            println!("{} {} {}", failure.property, at + 1, small.choices());
            return;
        }
    }
    println!("none");
}
