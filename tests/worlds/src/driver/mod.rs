//! Worlds of level 2: the driver's own tasks and hyper in `sio-sim`, with clients of each kind.
//!
//! What the worlds of the core prove of its machines, these prove of what serves production: tasks, mailboxes, handlers,
//! HTTP. The network is one of streams, and what goes wrong on it is [`Weather`](sio_sim::Weather)'s and what is done
//! by hand.
//!
//! ```
//! use sio_sim::choices::Choices;
//!
//! let world = sio_worlds::driver::outcome(Choices::from_seed(7));
//! assert_eq!(world.failure, None);
//! ```

mod afar;
mod application;
mod broker;
mod excuses;
mod guest;
mod model;
mod options;
mod questions;
mod rude;
mod story;
mod wire;

use std::collections::BTreeSet;

use sio_sim::Check;
use sio_sim::choices::{Choices, List, shrink};

use crate::failure::{Failure, Property};
use story::World;

/// What has become of a world of the driver's tasks.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// What was drawn.
    pub choices: Choices,
    /// Steps of its trace.
    pub steps: usize,
    /// Messages that came to a client or a handler.
    pub events: u64,
    /// What could go wrong, and whether it did.
    pub faults: Vec<(String, bool)>,
    /// What has happened, as a number: of the same choices the same.
    pub hash: u64,
    /// What it has reached, of [`MARKS`].
    pub marks: BTreeSet<&'static str>,
    /// What was drawn before it began, and who said what to whom at the end.
    pub told: String,
}

/// What has to happen in some world: where nothing of it happens, nothing of it is proven.
pub const MARKS: &[&str] = &[
    "a client came back",
    "a client was cut off",
    "a client was taken out",
    "a handler panicked",
    "a line to the broker was cut",
    "a volatile message was dropped",
    "an ack timed out",
    "an answer came late",
    "attachments came",
    "by polling",
    "by websocket",
    "crash",
    "cut",
    "hold",
    "jump",
    "lookups",
    "one who was silent was let go",
    "partition",
    "revision 4",
    "revision 5",
    "rooms were left at the end",
    "several servers",
    "somebody was turned away",
    "something came from another node",
    "stall",
    "suspend",
];

/// The names of all that may go wrong.
pub(crate) fn all_faults() -> Vec<String> {
    options::all_faults()
}

/// Runs a world.
pub fn outcome(choices: Choices) -> Outcome {
    run(&World::default(), choices)
}

/// The same, recorded: the logs of the connections that the server's tasks have lived to see the end of, and of the
/// clients.
pub fn recorded(choices: Choices) -> (Outcome, Vec<Vec<u8>>) {
    let world = World::recorded();
    let outcome = run(&world, choices);
    (outcome, world.logs())
}

fn run(world: &World, choices: Choices) -> Outcome {
    let played = Check::new().play(choices, |sim| story::live(sim, world));
    let sim = played.sim();
    let trace = sim.trace();
    let failure = played.failure().map(failure);
    let options = world.options();
    let told = match (&failure, &options) {
        (Some(_), Some(options)) => format!("{options}\n{}", sim.chart().tail(80)),
        (Some(_), None) => sim.chart().tail(80),
        (None, _) => String::new(),
    };
    let model = world.model();
    let faults = options.map(|it| it.faults(&model.faults, &sim.faults()));
    Outcome {
        failure,
        choices: played.choices(),
        steps: trace.steps().len(),
        hash: crate::trace::sum(&trace),
        events: model.events,
        faults: faults.unwrap_or_default(),
        marks: model.marks.clone(),
        told,
    }
}

/// What a story has failed with, by the name of the property.
fn failure(why: &str) -> Failure {
    let named = why.split_once(": ").and_then(|(name, seen)| {
        let property = Property::ALL.iter().find(|it| it.name() == name)?;
        Some((*property, seen))
    });
    let (property, seen) = named.unwrap_or_else(|| {
        let stuck = ["deadlock", "no time passes"];
        let left = [
            "sockets are left",
            "tasks are left",
            "a server does not",
            "acks have neither",
        ];
        let says = |of: &[&str]| of.iter().any(|it| why.contains(it));
        match () {
            () if says(&stuck) => (Property::Pace, why),
            () if says(&left) => (Property::Rest, why),
            () => (Property::Total, why),
        }
    });
    Failure {
        property,
        seen: seen.to_owned(),
    }
}

/// The smallest list of choices that was found to break the same property, with what is seen there.
pub fn smaller(outcome: &Outcome, runs: usize) -> Outcome {
    let property = outcome.failure.as_ref().map(|it| it.property);
    let list = shrink(outcome.choices.list(), runs, |list| {
        let again = self::outcome(Choices::from_list(list));
        let same = again.failure.as_ref().map(|it| it.property) == property;
        same.then_some(again.choices)
    });
    self::outcome(Choices::from_list(&list))
}

/// What is said of a world that failed: what did not hold, how it is run again, and what happened in it.
pub fn report(name: &str, small: &Outcome) -> String {
    let failure = small.failure.as_ref().map(ToString::to_string);
    let list = small.choices.list().trimmed();
    format!(
        "{name}\n{}\n\n{}\n{} choices; to run it again:\n{}\n\
         to keep it, so that it is run with each test:\necho '{list}' > tests/worlds/kept_driver/NAME.txt\n",
        small.told,
        failure.unwrap_or_default(),
        list.choices(),
        command(&list),
    )
}

/// What runs the world of a list again.
pub(crate) fn command(list: &List) -> String {
    format!("SIO_WORLD='{list}' cargo test -p sio-worlds --test driver one_world -- --nocapture")
}
