//! Kinds of worlds, all played in one way.

use std::fmt;
use std::time::Duration;

use sio_sim::choices::Choices;

use crate::failure::{Failure, Property};
use crate::matrix::Cells;
use crate::{driver, levels, lives, marks, nodes, options, plays_again};

/// A kind of worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The core's server and its clients.
    Core,
    /// The driver's tasks.
    Driver,
    /// Nodes of a cluster, and a broker.
    Nodes,
    /// Clients that are cut off and come back.
    Lives,
    /// Histories that are played to the core's server and to the driver's tasks.
    Levels,
}

/// No world takes so long, however busy the machine is: one that does spins.
pub const LONGEST: Duration = Duration::from_secs(60);

/// A world that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// Of which kind.
    pub kind: Kind,
    /// Its seed.
    pub seed: u64,
    /// What did not hold.
    pub failure: Option<Failure>,
    /// What was drawn, where that can be made smaller as a list.
    pub choices: Option<Choices>,
    /// Inputs to machines, and what was done.
    pub steps: u64,
    /// Messages that came to where they were meant to.
    pub events: u64,
    /// What has happened, as a number: of the same seed the same.
    pub hash: u64,
    /// What it has reached.
    pub marks: Vec<&'static str>,
    /// What could go wrong, and whether it did.
    pub faults: Vec<(String, bool)>,
    /// Where it has been.
    pub cells: Cells,
}

/// A world that fails, made smaller.
#[derive(Clone, Debug)]
pub struct Small {
    /// What does not hold in it.
    pub failure: Failure,
    /// Choices that are left, or bytes.
    pub left: usize,
    /// What plays it again.
    pub command: String,
    /// What happens in it, and what plays it again.
    pub told: String,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Core,
        Self::Driver,
        Self::Nodes,
        Self::Lives,
        Self::Levels,
    ];

    /// Plays the world of a seed.
    pub fn play(self, seed: u64) -> Played {
        match self {
            Self::Core => of_core(seed, crate::outcome(Choices::from_seed(seed), false)),
            Self::Driver => of_driver(seed, driver::outcome(Choices::from_seed(seed))),
            Self::Nodes => {
                let world = nodes::outcome(seed);
                Played {
                    kind: self,
                    seed,
                    failure: world.failure,
                    choices: None,
                    steps: world.steps,
                    events: world.events,
                    hash: world.hash,
                    marks: world.marks.into_iter().collect(),
                    faults: world.faults,
                    cells: Cells::default(),
                }
            }
            Self::Levels => of_levels(seed, levels::outcome(Choices::from_seed(seed))),
            Self::Lives => {
                let world = lives::outcome(&lives::history(seed));
                Played {
                    kind: self,
                    seed,
                    failure: world.failure,
                    choices: None,
                    steps: world.steps,
                    events: world.events,
                    hash: world.back,
                    marks: world.marks.into_iter().collect(),
                    faults: Vec::new(),
                    cells: Cells::default(),
                }
            }
        }
    }

    /// Of so many worlds each mark is reached by one, and each fault does something in one. Fewer may miss some by chance.
    pub const fn enough(self) -> u64 {
        match self {
            Self::Core | Self::Driver | Self::Nodes | Self::Lives => 2000,
            // A client answers what it was asked in 1 of 490.
            Self::Levels => 10_000,
        }
    }

    /// The names of all that has to be reached.
    pub const fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Core => marks::NAMES,
            Self::Driver => driver::MARKS,
            Self::Nodes => nodes::MARKS,
            Self::Lives => lives::MARKS,
            Self::Levels => levels::MARKS,
        }
    }

    /// The names of all that may go wrong.
    pub fn faults(self) -> Vec<String> {
        match self {
            Self::Core => options::all_faults(),
            Self::Driver => driver::all_faults(),
            Self::Nodes => nodes::all_faults(),
            // Each is of some clients that are cut off.
            Self::Lives => Vec::new(),
            // What is heard is the same where nothing goes wrong but what clients do.
            Self::Levels => Vec::new(),
        }
    }

    /// What plays the world of a seed again.
    pub fn command(self, seed: u64) -> String {
        let (variable, test) = match self {
            Self::Core => ("SIO_WORLDS", "worlds"),
            Self::Driver => ("SIO_DRIVER_WORLDS", "driver"),
            Self::Nodes => ("SIO_NODE_WORLDS", "nodes"),
            Self::Levels => ("SIO_HISTORIES", "levels"),
            Self::Lives => {
                return format!(
                    "cargo run --profile worlds -p sio-worlds --example find -- lives {seed} 1"
                );
            }
        };
        format!(
            "SIO_SEED={seed} {variable}=1 cargo test -p sio-worlds --profile worlds --test {test} hold -- --nocapture"
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Driver => "driver",
            Self::Nodes => "nodes",
            Self::Lives => "lives",
            Self::Levels => "levels",
        })
    }
}

fn of_core(seed: u64, world: crate::Outcome) -> Played {
    Played {
        kind: Kind::Core,
        seed,
        failure: world.failure,
        choices: Some(world.choices),
        steps: world.steps,
        events: world.events,
        hash: world.hash,
        marks: world.marks.reached().collect(),
        faults: world.faults,
        cells: world.cells,
    }
}

fn of_driver(seed: u64, world: driver::Outcome) -> Played {
    Played {
        kind: Kind::Driver,
        seed,
        failure: world.failure,
        choices: Some(world.choices),
        steps: world.steps as u64,
        events: world.events,
        hash: world.hash,
        marks: world.marks.into_iter().collect(),
        faults: world.faults,
        cells: Cells::default(),
    }
}

fn of_levels(seed: u64, history: levels::Outcome) -> Played {
    Played {
        kind: Kind::Levels,
        seed,
        failure: history.failure,
        choices: Some(history.choices),
        steps: history.steps,
        events: history.events,
        hash: history.hash,
        marks: history.marks.into_iter().collect(),
        faults: Vec::new(),
        cells: Cells::default(),
    }
}

impl Played {
    /// Whether it is one that is played twice: each hundredth is.
    pub const fn is_played_twice(&self) -> bool {
        self.seed.is_multiple_of(100)
    }

    /// Plays it once more, recorded, where there is something to record.
    ///
    /// # Errors
    ///
    /// If it is not the same, or one of its connections or clients does not play again.
    pub fn again(&self) -> Result<(), Failure> {
        let choices = Choices::from_seed(self.seed);
        let (again, logs) = match self.kind {
            Kind::Core => {
                let (world, logs) = crate::recorded(choices);
                (of_core(self.seed, world), logs)
            }
            Kind::Driver => {
                let (world, logs) = driver::recorded(choices);
                (of_driver(self.seed, world), logs)
            }
            Kind::Nodes | Kind::Lives | Kind::Levels => (self.kind.play(self.seed), Vec::new()),
        };
        let differs = |seen: String| Failure {
            property: Property::Same,
            seen,
        };
        if again.sum() != self.sum() {
            return Err(differs(format!("{:?}, then {:?}", self.sum(), again.sum())));
        }
        let drawn = |it: &Self| it.choices.as_ref().map(Choices::list);
        if drawn(&again) != drawn(self) {
            return Err(differs("something else was drawn".to_owned()));
        }
        for log in logs {
            plays_again(log).map_err(differs)?;
        }
        Ok(())
    }

    /// All that is to be the same, as numbers.
    const fn sum(&self) -> [u64; 3] {
        [self.hash, self.steps, self.events]
    }

    /// Of one that fails, the smallest that was found in so many runs to break the same property.
    ///
    /// # Panics
    ///
    /// If it does not fail.
    pub fn smaller(&self, runs: usize) -> Small {
        let seed = format!("seed {}", self.seed);
        let list = self.choices.as_ref().map(Choices::list).unwrap_or_default();
        let again = Choices::from_list(&list);
        match self.kind {
            Kind::Core => {
                let small = crate::smaller(&crate::outcome(again, false), runs);
                let list = small.choices.list().trimmed();
                Small {
                    told: crate::report(&seed, &small),
                    failure: small.failure.expect(FAILS),
                    left: list.choices(),
                    command: crate::command(&list),
                }
            }
            Kind::Driver => {
                let small = driver::smaller(&driver::outcome(again), runs);
                let list = small.choices.list().trimmed();
                Small {
                    told: driver::report(&seed, &small),
                    failure: small.failure.expect(FAILS),
                    left: list.choices(),
                    command: driver::command(&list),
                }
            }
            Kind::Levels => {
                let small = levels::smaller(&levels::outcome(again), runs);
                let list = small.choices.list().trimmed();
                Small {
                    told: levels::report(&seed, &small),
                    failure: small.failure.expect(FAILS),
                    left: list.choices(),
                    command: levels::command(&list),
                }
            }
            Kind::Nodes => {
                let world = nodes::outcome(self.seed);
                let failure = world.failure.expect(FAILS);
                let command = self.kind.command(self.seed);
                Small {
                    told: format!("{seed}, {}: {failure}\n{command}", world.told),
                    failure,
                    left: 1,
                    command,
                }
            }
            Kind::Lives => {
                let short = lives::shortest(&lives::history(self.seed));
                let failure = lives::outcome(&short).failure.expect(FAILS);
                let bytes: String = short.iter().map(|byte| format!("\\x{byte:02x}")).collect();
                let command = self.kind.command(self.seed);
                Small {
                    told: format!(
                        "{seed}: {failure}\n{command}\n\
                         to keep it, so that it is run with each test:\n\
                         printf '{bytes}' > fuzz/corpus/recovery/NAME\n"
                    ),
                    failure,
                    left: short.len(),
                    command,
                }
            }
        }
    }
}

/// The same world fails for the same reason.
const FAILS: &str = "it fails all the same";
