//! Looks for a world that fails: `find <first seed> <worlds>` says which property, in which world, and how many
//! choices are left of it; a world that does not end is one that spins, which is a matter of *pace*. Then among clients that come back, of which worlds have none: which list of bytes fails, and how
//! short it is. `find lives <first seed> <lives>` looks among those alone, until so many have come back, and
//! `find driver <first seed> <worlds>` among worlds of the driver's tasks alone.

use std::panic::catch_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use sio_sim::choices::Choices;
use sio_worlds::{Property, driver};

#[path = "../../../fuzz/src/recovery.rs"]
mod recovery;

/// No world takes so long, however busy the machine is.
const LONGEST: Duration = Duration::from_secs(60);
/// Of so many worlds that break a property the smallest is made smaller.
const TRIED: usize = 5;
/// Lists of bytes that are tried.
const LISTS: u64 = 4000;

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    let lives = words.next_if(|word| word == "lives").is_some();
    let level = match words.next_if(|word| word == "driver") {
        Some(_) => &DRIVER,
        None => &CORE,
    };
    let mut numbers = words.map(|it| it.parse::<u64>());
    let mut number = || numbers.next().and_then(Result::ok).expect("a number");
    let (first, count) = (number(), number());
    if lives {
        live(first, count);
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
    search(level, first, count);
}

/// Worlds of a level.
struct Level {
    play: fn(Choices) -> World,
    /// A smaller one that breaks the same.
    smaller: fn(&World) -> World,
    /// Where nothing is found, clients that come back are tried.
    lives: bool,
}

/// A world that was played.
struct World {
    broken: Option<Property>,
    choices: Choices,
    told: String,
}

const CORE: Level = Level {
    play: |choices| {
        let world = sio_worlds::outcome(choices, false);
        World {
            broken: world.failure.map(|it| it.property),
            choices: world.choices,
            told: String::new(),
        }
    },
    smaller: |world| {
        let again = Choices::from_list(&world.choices.list());
        let small = sio_worlds::smaller(&sio_worlds::outcome(again, false), 4000);
        World {
            told: sio_worlds::report("", &small),
            broken: small.failure.map(|it| it.property),
            choices: small.choices,
        }
    },
    lives: true,
};

const DRIVER: Level = Level {
    play: |choices| {
        let world = driver::outcome(choices);
        World {
            broken: world.failure.map(|it| it.property),
            choices: world.choices,
            told: String::new(),
        }
    },
    smaller: |world| {
        let again = Choices::from_list(&world.choices.list());
        let small = driver::smaller(&driver::outcome(again), 1000);
        World {
            told: driver::report("", &small),
            broken: small.failure.map(|it| it.property),
            choices: small.choices,
        }
    },
    lives: false,
};

/// So many come back, and all that has to hold does.
fn live(first: u64, lives: u64) {
    let (mut back, mut lists) = (0, 0);
    while back < lives {
        back += recovery::run(&bytes(first.wrapping_add(lists)));
        lists += 1;
    }
    println!("{back} clients came back, in {lists} histories");
}

/// A history of clients that come, go and come back.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    });
    words.take(125).flatten().collect()
}

/// How short a history is that fails, where rows of its bytes are left out as long as it does.
fn shortest(history: &[u8]) -> usize {
    let mut best = history.to_vec();
    let mut size = best.len();
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut fewer = best.clone();
            fewer.drain(at..best.len().min(at + size));
            if catch_unwind(|| recovery::run(&fewer)).is_err() {
                best = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    best.len()
}

fn search(level: &'static Level, first: u64, worlds: u64) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for at in 0..worlds {
            let world = (level.play)(Choices::from_seed(first + at));
            if tell.send((at, world)).is_err() {
                return;
            }
        }
    });
    let mut found: Vec<(u64, World)> = Vec::new();
    let mut at = 0;
    loop {
        match told.recv_timeout(LONGEST) {
            Ok((number, world)) if world.broken.is_some() => found.push((number + 1, world)),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                println!("pace {} -", at + 1);
                return;
            }
        }
        at += 1;
        if found.len() == TRIED || found.first().is_some_and(|it| at > it.0 * 4 + 50) {
            break;
        }
    }
    drop(told);
    if let Some((number, world)) = found.first() {
        return show(level, *number, world, &found);
    }
    for at in (0..LISTS).filter(|_| level.lives) {
        let history = bytes(first + at);
        if catch_unwind(|| recovery::run(&history)).is_err() {
            println!("lives {} {}", at + 1, shortest(&history));
            return;
        }
    }
    println!("none");
}

/// Says how small a world is that breaks what the first has broken.
fn show(level: &Level, number: u64, first: &World, found: &[(u64, World)]) {
    let same = found.iter().filter(|it| it.1.broken == first.broken);
    let smallest = same.min_by_key(|it| it.1.choices.list().choices());
    let small = (level.smaller)(smallest.map_or(first, |it| &it.1));
    let broken = small.broken.expect("it fails all the same");
    let left = small.choices.list().trimmed();
    println!("{broken} {number} {}", left.choices());
    if std::env::var_os("SIO_TOLD").is_some() {
        println!("{}", small.told);
    }
}
