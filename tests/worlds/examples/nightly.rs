//! Plays worlds of each kind until the time is over, and says what has come of it:
//!
//! ```sh
//! cargo run --profile worlds -p sio-worlds --example nightly -- --minutes 30 [--seed 1] [--cores 2] [--planted [--table]]
//! ```
//!
//! Seeds are fresh, unless the first is named; every hundredth world is played twice. Each kind has its share of the
//! time. It ends with 1 if a world failed, and where enough were played, also if something was reached by none: a mark, a
//! fault that does something, a cell of the matrix that does not say why. With `--planted` it then looks for the planted
//! bugs, for as long as that takes, tells of each, and names those that survive; with `--table` it writes the table of
//! `tests/worlds/README.md`, as the example `planted` does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::exit;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sio_worlds::kinds::{Kind, LONGEST, Played, Small};
use sio_worlds::{Cells, Failure, Property, Tally, bugs, grouped, planted, seeds};

/// Shares of the time.
const fn share(kind: Kind) -> u32 {
    match kind {
        Kind::Core | Kind::Driver => 4,
        Kind::Levels => 2,
        Kind::Nodes | Kind::Lives => 1,
    }
}

/// Steps in a second of a core's time: fewer are said to be few.
const BAR: u64 = 300_000;

/// Runs that it may take to make a world smaller.
const fn runs(kind: Kind) -> usize {
    match kind {
        Kind::Core => 2000,
        Kind::Driver | Kind::Nodes | Kind::Lives | Kind::Levels => 500,
    }
}

/// Of the time this is left for what is under way, and at most so much.
const LEFT: (u32, Duration) = (20, Duration::from_secs(30));
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// What was asked for.
struct Asked {
    time: Duration,
    first: u64,
    cores: usize,
    planted: bool,
    table: bool,
}

fn main() {
    let asked = asked();
    let begun = Instant::now();
    println!(
        "seeds of each kind from {} on, on {} cores, for {:?}",
        asked.first, asked.cores, asked.time
    );
    // What fails is told below.
    std::panic::set_hook(Box::new(|_| {}));
    let left = (asked.time / LEFT.0).min(LEFT.1);
    let plays_until = begun + (asked.time - left);
    let night = Arc::new(Mutex::new(Night::new(plays_until)));
    watch(&night, &asked, begun + asked.time);
    let mut good = lock(&night).report();
    if asked.planted {
        // What goes wrong from here on is told.
        drop(std::panic::take_hook());
        good &= survivors(asked.table);
    }
    // Who spins does so still.
    exit(i32::from(!good));
}

fn asked() -> Asked {
    let mut asked = Asked {
        time: 30 * MINUTE,
        first: seeds::fresh(),
        cores: thread::available_parallelism().map_or(1, usize::from),
        planted: false,
        table: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let number = words.next().and_then(|it| it.parse::<u64>().ok());
            number.unwrap_or_else(|| panic!("{word} has a number"))
        };
        match &*word {
            "--minutes" => asked.time = MINUTE * u32::try_from(number()).expect("minutes"),
            "--seed" => asked.first = number(),
            "--cores" => asked.cores = usize::try_from(number()).expect("cores").max(1),
            "--planted" => asked.planted = true,
            "--table" => asked.table = true,
            word => panic!("what is {word}?"),
        }
    }
    asked
}

/// What has come of it so far.
struct Night {
    plays_until: Instant,
    courses: BTreeMap<Kind, Course>,
    found: Vec<Found>,
    /// Which world each worker plays, by its number, and since when.
    at_work: BTreeMap<usize, (Kind, u64, Instant)>,
    /// Workers whose world spins.
    lost: BTreeSet<usize>,
}

/// What has come of worlds of one kind.
#[derive(Default)]
struct Course {
    /// How many were begun.
    begun: u64,
    /// Time of a core.
    spent: Duration,
    tally: Tally,
    /// How many had been played when a cell of the matrix was seen that was new.
    new_cell: u64,
}

/// A world that fails.
struct Found {
    kind: Kind,
    seed: u64,
    failure: Failure,
    /// Of the first that breaks this property, if there was time.
    small: Option<Small>,
}

fn lock(night: &Mutex<Night>) -> MutexGuard<'_, Night> {
    night.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts workers, and looks after them until they are done or the time is over.
fn watch(night: &Arc<Mutex<Night>>, asked: &Asked, until: Instant) {
    let (done, all_done) = mpsc::channel();
    let start = |number| {
        let (night, first, done) = (night.clone(), asked.first, done.clone());
        thread::spawn(move || work(&night, number, first, &done));
    };
    (0..asked.cores).for_each(start);
    let (mut workers, mut ended) = (asked.cores, 0);
    let mut told = Instant::now();
    while Instant::now() < until {
        match all_done.recv_timeout(SECOND) {
            Ok(()) => ended += 1,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        let spinning = lock(night).look();
        (workers..workers + spinning).for_each(start);
        workers += spinning;
        if ended + lock(night).lost.len() == workers {
            return;
        }
        if told.elapsed() >= MINUTE {
            told = Instant::now();
            lock(night).progress();
        }
    }
}

/// Plays one world after the other, while there is time.
fn work(night: &Mutex<Night>, number: usize, first: u64, done: &Sender<()>) {
    loop {
        let next = lock(night).next(number, first);
        let Some((kind, seed)) = next else { break };
        let (clock, busy) = (Instant::now(), processor());
        let world = kind.play(seed);
        let failure = match (&world.failure, world.is_played_twice()) {
            (Some(failure), _) => Some(failure.clone()),
            (None, true) => world.again().err(),
            (None, false) => None,
        };
        let busy = processor().zip(busy).map(|(after, before)| after - before);
        let spent = busy.unwrap_or_else(|| clock.elapsed());
        if !lock(night).played(number, &world, spent) {
            return;
        }
        if let Some(failure) = failure {
            // Of nodes there is no list to be made smaller, nor of a world that is another when it is played again.
            let smaller = kind != Kind::Nodes
                && world.failure.is_some()
                && lock(night).is_new(kind, failure.property);
            let at = lock(night).finds(kind, seed, failure);
            if smaller {
                let small = world.smaller(runs(kind));
                lock(night).found[at].small = Some(small);
            }
        }
    }
    // Nobody may listen any more.
    let _ = done.send(());
}

/// How long this thread has had a core, where the system says so.
fn processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

impl Night {
    fn new(plays_until: Instant) -> Self {
        Self {
            plays_until,
            courses: Kind::ALL.map(|kind| (kind, Course::default())).into(),
            found: Vec::new(),
            at_work: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }

    fn course(&mut self, kind: Kind) -> &mut Course {
        self.courses.entry(kind).or_default()
    }

    /// What a worker plays next: of the kind that has had the least of its share.
    fn next(&mut self, number: usize, first: u64) -> Option<(Kind, u64)> {
        let now = Instant::now();
        if now >= self.plays_until {
            return None;
        }
        let had = |kind: &Kind| self.courses[kind].spent / share(*kind);
        let kind = Kind::ALL.into_iter().min_by_key(had)?;
        let course = self.course(kind);
        let seed = first + course.begun;
        course.begun += 1;
        self.at_work.insert(number, (kind, seed, now));
        Some((kind, seed))
    }

    /// A worker has played its world. `false`: it was taken for lost.
    fn played(&mut self, number: usize, world: &Played, spent: Duration) -> bool {
        self.at_work.remove(&number);
        let course = self.course(world.kind);
        let cells = course.tally.cells;
        course.tally.add(world);
        if course.tally.cells != cells {
            course.new_cell = course.tally.worlds;
        }
        course.spent += spent;
        !self.lost.contains(&number)
    }

    /// Whether nothing of a kind has broken a property.
    fn is_new(&self, kind: Kind, property: Property) -> bool {
        let mut found = self.found.iter();
        !found.any(|it| it.kind == kind && it.failure.property == property)
    }

    /// Says so at once, and gives its place.
    fn finds(&mut self, kind: Kind, seed: u64, failure: Failure) -> usize {
        println!("{kind}, seed {seed}: {failure}");
        self.found.push(Found {
            kind,
            seed,
            failure,
            small: None,
        });
        self.found.len() - 1
    }

    /// Finds worlds that do not end. How many.
    fn look(&mut self) -> usize {
        let late = self
            .at_work
            .iter()
            .filter(|(_, it)| it.2.elapsed() > LONGEST);
        let late: Vec<_> = late.map(|(number, it)| (*number, *it)).collect();
        for (number, (kind, seed, _)) in &late {
            self.at_work.remove(number);
            self.lost.insert(*number);
            let failure = Failure {
                property: Property::Pace,
                seen: format!("it does not end within {LONGEST:?}"),
            };
            self.finds(*kind, *seed, failure);
        }
        late.len()
    }

    fn progress(&self) {
        let worlds = self.courses.iter();
        let worlds = worlds.map(|(kind, it)| format!("{kind} {}", grouped(it.tally.worlds)));
        let worlds: Vec<_> = worlds.collect();
        println!("{}; {} failed", worlds.join(", "), self.found.len());
    }

    /// Says all there is to be said. Whether it is good.
    fn report(&self) -> bool {
        let mut good = self.found.is_empty();
        for (kind, course) in &self.courses {
            let tally = &course.tally;
            println!("\n## {kind}\n\n{}", tally.sum());
            let pace = tally.steps as f64 / course.spent.as_secs_f64().max(1e-9);
            let few = if (pace as u64) < BAR { ": few" } else { "" };
            println!(
                "{} steps in a second of a core, and {} may it be{few}",
                grouped(pace as u64),
                grouped(BAR)
            );
            if !kind.faults().is_empty() {
                println!(
                    "faults, in so many worlds of those that had them: {}",
                    tally.faults(*kind)
                );
            }
            println!("reached, in so many worlds: {}", tally.marks(*kind));
            let unreached = tally.unreached(*kind);
            println!("reached by none: {unreached:?}");
            good &= unreached.is_empty() || tally.worlds < kind.enough();
        }
        let Course {
            tally: core,
            new_cell,
            ..
        } = &self.courses[&Kind::Core];
        println!("\n## matrix\n\n{}", core.cells.table());
        println!(
            "the last that was new was seen by world {}",
            grouped(*new_cell)
        );
        let missing = core.cells.missing();
        println!("never seen, and not explained: {missing:#?}");
        good &= missing.is_empty() || core.worlds < Cells::ENOUGH;
        println!("\n## failed: {}\n", self.found.len());
        for found in &self.found {
            let Found { kind, seed, .. } = found;
            println!("{kind}, seed {seed}: {}", found.failure);
            match &found.small {
                Some(small) => println!(
                    "  {} choices are left: {}\n  {}",
                    small.left, small.failure, small.command
                ),
                None => println!("  {}", kind.command(*seed)),
            }
        }
        good
    }
}

/// Looks for the planted bugs, and names those that survive. Whether each of them says why.
fn survivors(table: bool) -> bool {
    println!("\n## planted bugs\n");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tell = |bug: &planted::Search| println!("{}", bug.row());
    let all = planted::search(&root, &bugs::all(&root), |_| true, tell);
    if table {
        planted::publish(&root, &all);
    }
    let survive: Vec<_> = all.iter().filter(|it| it.found.is_none()).collect();
    println!(
        "\n{} were found within {} worlds, and these survive:",
        all.len() - survive.len(),
        grouped(planted::WORLDS)
    );
    for bug in &survive {
        println!(
            "- {}: {}",
            bug.name,
            bug.why.as_deref().unwrap_or("**nobody knows why**")
        );
    }
    survive.iter().all(|it| it.why.is_some())
}
