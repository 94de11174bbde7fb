//! Worlds: the server of `sio-core` and its clients on a network of data, in virtual time, where things go wrong.
//!
//! A world is made of [`Choices`]: what goes wrong in it at all, who takes part, what they do, what is cut and how
//! long things take. While it lives, and once nothing goes wrong any more, a model that is much simpler than the
//! machines says what has to hold ([`Property`]).
//!
//! ```
//! use sio_sim::choices::Choices;
//!
//! let world = sio_worlds::outcome(Choices::from_seed(7), false);
//! assert_eq!(world.failure, None);
//! ```

mod application;
mod arrivals;
pub mod bugs;
mod calm;
pub mod driver;
mod failure;
mod faults;
mod hand;
mod hosts;
pub mod kinds;
mod knocks;
pub mod levels;
pub mod lives;
mod machine;
mod marks;
mod matrix;
mod naming;
mod network;
pub mod nodes;
mod options;
pub mod planted;
mod properties;
mod recovering;
mod rude;
pub mod seeds;
mod slow;
mod tally;
mod tickets;
mod trace;
mod words;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sio_core::client;
use sio_core::record::{Log, LogError, ParserKind, Replay};
use sio_sim::choices::{Choices, List, shrink};

pub use failure::{Failure, Property};
pub use marks::Marks;
pub use matrix::{Cells, Standing, Standings};
pub use tally::{Tally, grouped};

use world::World;

/// What has become of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// What was drawn.
    pub choices: Choices,
    /// Inputs to machines, and what was done by an application.
    pub steps: u64,
    /// Messages that an application was told, of either side.
    pub events: u64,
    /// What could go wrong, and whether it did.
    pub faults: Vec<(String, bool)>,
    /// What has happened, as a number: of the same choices the same.
    pub hash: u64,
    /// What it has reached.
    pub marks: Marks,
    /// Where it has been.
    pub cells: Cells,
    /// What has happened, for people, if that was asked for.
    pub lines: Vec<String>,
}

/// Runs a world. `told`: what happens is written down.
pub fn outcome(choices: Choices, told: bool) -> Outcome {
    run(World::new(choices, told)).0
}

/// Runs a world whose server records its connections, and whose clients are recorded: the logs of the connections that
/// the server has lived to see the end of, and of the clients.
pub fn recorded(choices: Choices) -> (Outcome, Vec<Vec<u8>>) {
    let mut world = World::new(choices, false);
    world.record();
    run(world)
}

/// The core's machine says what the connection of this log, or the client, has said, and so it does without what was
/// said to it, where that can be taken out. If not, what differs.
fn plays_again(log: Vec<u8>) -> Result<(), String> {
    let log = match Log::read(log.clone()) {
        Err(LogError::NotALog) => return client_plays_again(log),
        log => log.map_err(|why| why.to_string())?,
    };
    let played = Replay::new(log.clone()).and_then(|mut it| it.finish());
    played.map_err(|why| why.to_string())?;
    if log.parser() == ParserKind::Text {
        log.redact().map_err(|why| format!("redacted: {why}"))?;
    }
    Ok(())
}

fn client_plays_again(log: Vec<u8>) -> Result<(), String> {
    let log = client::record::Log::read(log).map_err(|why| format!("client: {why}"))?;
    let played = client::record::Replay::new(log.clone()).and_then(|mut it| it.finish());
    played.map_err(|why| format!("client: {why}"))?;
    if log.parser() == ParserKind::Text {
        let redacted = log.redact();
        redacted.map_err(|why| format!("client, redacted: {why}"))?;
    }
    Ok(())
}

fn run(mut world: World) -> (Outcome, Vec<Vec<u8>>) {
    let run = catch_unwind(AssertUnwindSafe(|| {
        world.live();
        world.heal();
        world.rest();
    }));
    let logs = world.take_logs();
    let outcome = Outcome {
        failure: run.err().map(failure),
        choices: world.choices,
        steps: world.steps,
        events: world.events,
        faults: world.options.faults(),
        hash: world.trace.hash(),
        marks: world.marks,
        cells: world.cells,
        lines: world.trace.lines(),
    };
    (outcome, logs)
}

fn failure(panic: Box<dyn Any + Send>) -> Failure {
    let panic = match panic.downcast::<Failure>() {
        Ok(failure) => return *failure,
        Err(panic) => panic,
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Failure {
        property: Property::Total,
        seen: text.unwrap_or_default(),
    }
}

/// The smallest list of choices that was found to break the same property, with what is seen there.
pub fn smaller(outcome: &Outcome, runs: usize) -> Outcome {
    let property = outcome.failure.as_ref().map(|it| it.property);
    let list = shrink(outcome.choices.list(), runs, |list| {
        let again = self::outcome(Choices::from_list(list), false);
        let same = again.failure.as_ref().map(|it| it.property) == property;
        same.then_some(again.choices)
    });
    self::outcome(Choices::from_list(&list), true)
}

/// What is said of a world that failed: what did not hold, how it is run again, and what happened in it.
pub fn report(name: &str, small: &Outcome) -> String {
    let failure = small.failure.as_ref().map(ToString::to_string);
    let list = small.choices.list().trimmed();
    let lines = small.lines.join("\n");
    format!(
        "{name}\n{lines}\n\n{}\n{} choices; to run it again:\n{}\n\
         to keep it, so that it is run with each test:\necho '{list}' > tests/worlds/kept/NAME.txt\n",
        failure.unwrap_or_default(),
        list.choices(),
        command(&list),
    )
}

/// What runs the world of a list again.
pub(crate) fn command(list: &List) -> String {
    format!("SIO_WORLD='{list}' cargo test -p sio-worlds --test worlds one_world -- --nocapture")
}
