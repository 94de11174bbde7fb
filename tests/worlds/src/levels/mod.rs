//! One history, played to a server of the core and to the driver's tasks: each client hears the same, message for
//! message, and each handler is told the same.
//!
//! Histories are those of the differential suite: clients of both revisions by each transport, upgrades, events, bytes,
//! answers both ways, rooms, and time that passes.
//!
//! ```
//! use sio_sim::choices::Choices;
//!
//! assert_eq!(sio_worlds::levels::outcome(Choices::from_seed(7)).failure, None);
//! ```

mod book;
mod bursts;
mod compare;
#[path = "../../../tests/differential/history.rs"]
mod history;
mod marks;
#[path = "../../../tests/differential/ours.rs"]
mod ours;
mod tasks;
mod wire;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sio_sim::choices::{Choices, List, shrink};

use crate::failure::{Failure, Property};
use compare::Difference;
use history::Step;
use ours::{Notes, Numbers};

pub use marks::MARKS;

/// What has become of a history.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// What was drawn: the schedule of the tasks, then the history.
    pub choices: Choices,
    /// Steps of the history, and of the trace of the tasks.
    pub steps: u64,
    /// What clients and handlers heard of the tasks.
    pub events: u64,
    /// What has happened, as a number: of the same choices the same.
    pub hash: u64,
    /// What it has reached, of [`MARKS`].
    pub marks: BTreeSet<&'static str>,
    /// Of one that differs, what does: what a client hears, the answer to a request, the end of a WebSocket, what a
    /// handler is told. Of one that panics, with what.
    what: Option<String>,
}

/// Of so many schedules one is drawn, with which all that happens in the tasks follows.
const SCHEDULES: u64 = 1 << 32;

/// Plays a history to both.
pub fn outcome(mut choices: Choices) -> Outcome {
    let schedule = choices.below(SCHEDULES);
    let history = bursts::lengthened(history::of(&mut choices));
    let mut outcome = Outcome {
        failure: None,
        choices,
        steps: history.len() as u64,
        events: 0,
        hash: 0,
        marks: BTreeSet::new(),
        what: None,
    };
    let played = catch_unwind(AssertUnwindSafe(|| {
        outcome.play(&history, schedule);
    }));
    if let Err(panic) = played {
        let failure = crate::failure(panic);
        outcome.what = Some(failure.seen.clone());
        outcome.failure = Some(failure);
    }
    outcome
}

impl Outcome {
    fn play(&mut self, history: &[Step], schedule: u64) {
        let core = ours::play_by(history, Numbers::Sockets, |at| {
            !bursts::is_burst(history, at)
        });
        let tasks = match tasks::play(history, schedule) {
            Ok(tasks) => tasks,
            Err(why) => return self.differs("world".to_owned(), why),
        };
        self.steps += tasks.steps;
        self.marks = marks::of(history, &tasks.notes);
        let said = |notes: &Notes| notes.values().map(|said| said.len() as u64).sum::<u64>();
        self.events = tasks.notes.iter().map(said).sum();
        let mut hasher = DefaultHasher::new();
        (tasks.hash, &core, &tasks.notes).hash(&mut hasher);
        self.hash = hasher.finish();
        if let Some(Difference { what, told }) = compare::difference(history, core, tasks.notes) {
            self.differs(what, told);
        }
    }

    fn differs(&mut self, what: String, told: String) {
        self.failure = Some(Failure {
            property: Property::Levels,
            seen: format!("{what}: {told}"),
        });
        self.what = Some(what);
    }

    /// What does not hold in it, and where.
    fn broken(&self) -> (Option<Property>, Option<&str>) {
        let property = self.failure.as_ref().map(|it| it.property);
        (property, self.what.as_deref())
    }
}

/// The smallest that was found in which the same differs.
pub fn smaller(outcome: &Outcome, runs: usize) -> Outcome {
    let list = shrink(outcome.choices.list(), runs, |list| {
        let again = self::outcome(Choices::from_list(list));
        (again.broken() == outcome.broken()).then_some(again.choices)
    });
    self::outcome(Choices::from_list(&list))
}

/// What is said of one that fails: what does, and how it is played again.
pub fn report(name: &str, small: &Outcome) -> String {
    let failure = small.failure.as_ref().map(ToString::to_string);
    let list = small.choices.list().trimmed();
    format!(
        "{name}\n{}\n{} choices; to play it again:\n{}\n",
        failure.unwrap_or_default(),
        list.choices(),
        command(&list),
    )
}

/// What plays the history of a list again.
pub(crate) fn command(list: &List) -> String {
    format!("SIO_LEVELS='{list}' cargo test -p sio-worlds --test levels one_history")
}
