//! Looks for a world that fails: `find <first seed> <worlds>` says which property, in which world, and how many
//! choices are left of it; a world that does not end is one that spins, which is a matter of *pace*. Then among clients that come back, of which worlds have none: which list of bytes fails, and how
//! short it is. `find lives <first seed> <lives>` looks among those alone, until so many have come back, and
//! `find driver <first seed> <worlds>` among worlds of the driver's tasks alone, and `find levels <first seed> <histories>`
//! among histories that are played to both levels.

use std::sync::mpsc::{self, RecvTimeoutError};

use sio_worlds::kinds::{Kind, LONGEST, Played};
use sio_worlds::lives;

/// Of so many worlds that break a property the smallest is made smaller.
const TRIED: usize = 5;
/// Lists of bytes that are tried.
const LISTS: u64 = 4000;

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    let kind = match words.peek().map(String::as_str) {
        Some("lives") => Kind::Lives,
        Some("driver") => Kind::Driver,
        Some("levels") => Kind::Levels,
        _ => Kind::Core,
    };
    if kind != Kind::Core {
        words.next();
    }
    let mut numbers = words.map(|it| it.parse::<u64>());
    let mut number = || numbers.next().and_then(Result::ok).expect("a number");
    let (first, count) = (number(), number());
    if kind == Kind::Lives {
        live(first, count);
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
    search(kind, first, count);
}

/// So many come back, and all that has to hold does.
fn live(first: u64, lives: u64) {
    let (mut back, mut lists) = (0, 0);
    while back < lives {
        back += lives::run(&lives::history(first.wrapping_add(lists)));
        lists += 1;
    }
    println!("{back} clients came back, in {lists} histories");
}

fn search(kind: Kind, first: u64, worlds: u64) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for at in 0..worlds {
            let world = kind.play(first + at);
            if tell.send((at, world)).is_err() {
                return;
            }
        }
    });
    let mut found: Vec<(u64, Played)> = Vec::new();
    let mut at = 0;
    loop {
        match told.recv_timeout(LONGEST) {
            Ok((number, world)) if world.failure.is_some() => found.push((number + 1, world)),
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
        return show(*number, world, &found);
    }
    // Of others there are none.
    for at in (0..LISTS).filter(|_| kind == Kind::Core) {
        let history = lives::history(first + at);
        if lives::outcome(&history).failure.is_some() {
            println!("lives {} {}", at + 1, lives::shortest(&history).len());
            return;
        }
    }
    println!("none");
}

/// Says how small a world is that breaks what the first has broken.
fn show(number: u64, first: &Played, found: &[(u64, Played)]) {
    let broken = |world: &Played| world.failure.as_ref().map(|it| it.property);
    let choices = |world: &Played| world.choices.as_ref().map_or(0, |it| it.list().choices());
    let same = found.iter().map(|it| &it.1);
    let same = same.filter(|world| broken(world) == broken(first));
    let smallest = same.min_by_key(|world| choices(world));
    let runs = match first.kind {
        Kind::Driver | Kind::Levels => 1000,
        Kind::Core | Kind::Nodes | Kind::Lives => 4000,
    };
    let small = smallest.unwrap_or(first).smaller(runs);
    println!("{} {number} {}", small.failure.property, small.left);
    if std::env::var_os("SIO_TOLD").is_some() {
        println!("{}", small.told);
    }
}
