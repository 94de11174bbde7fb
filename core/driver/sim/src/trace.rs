//! What happened in a simulation, step by step.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

/// Everything that happened, in order. Two runs of one seed have equal traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    steps: Vec<Step>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A task began: its number and its name.
    Spawned(usize, String),
    /// A task was polled.
    Polled(usize),
    /// A task has ended.
    Ended(usize),
    /// Time has passed, up to this moment after the start.
    Clock(Duration),
    /// A connection was made: its number, from where, to where.
    Connected(usize, SocketAddr, SocketAddr),
    /// Bytes were written to a stream.
    Wrote(End, Moved),
    /// Bytes were read from a stream.
    Read(End, Moved),
    /// A stream's writing half was closed.
    Closed(End),
    /// A stream was given up with bytes in it that nobody had read, which resets the connection.
    Reset(End),
    /// So many random bytes were drawn.
    Random(usize),
    /// Something goes wrong, or right again.
    Fault(String),
}

/// One of the two ends of a connection: its number, and whether it is the one that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub(crate) connection: usize,
    pub(crate) accepted: bool,
}

/// Bytes that went over a stream: how many, and a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    count: usize,
    sum: u64,
}

impl Moved {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // With the keys that this hasher always has: it is only compared.
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self {
            count: bytes.len(),
            sum: hasher.finish(),
        }
    }
}

impl Trace {
    pub(crate) fn note(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// All steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Which task was polled, each time one was.
    pub fn schedule(&self) -> Vec<usize> {
        let polled = |step: &Step| match step {
            Step::Polled(task) => Some(*task),
            Step::Spawned(..)
            | Step::Ended(_)
            | Step::Clock(_)
            | Step::Connected(..)
            | Step::Wrote(..)
            | Step::Read(..)
            | Step::Closed(_)
            | Step::Reset(_)
            | Step::Random(_)
            | Step::Fault(_) => None,
        };
        self.steps.iter().filter_map(polled).collect()
    }

    /// # Panics
    /// If the other trace is not the same, with the first step that differs and what led to it.
    pub fn assert_same(&self, other: &Self) {
        let common = self.steps.iter().zip(&other.steps);
        let same = common.take_while(|(ours, theirs)| ours == theirs).count();
        let (ours, theirs) = (self.steps.get(same), other.steps.get(same));
        if ours.is_none() && theirs.is_none() {
            return;
        }
        let before = Self {
            steps: self.steps[..same].to_vec(),
        };
        panic!(
            "not deterministic: step {same} was {ours:?} and is {theirs:?}, after\n{}",
            before.tail(20)
        );
    }

    /// The last steps, one a line.
    pub fn tail(&self, count: usize) -> String {
        let from = self.steps.len().saturating_sub(count);
        let lines = self.steps[from..].iter().enumerate();
        lines
            .map(|(at, step)| format!("{:7}  {step}\n", from + at))
            .collect()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned(task, name) => write!(f, "task {task} begins: {name}"),
            Self::Polled(task) => write!(f, "task {task}"),
            Self::Ended(task) => write!(f, "task {task} ends"),
            Self::Clock(now) => write!(f, "-- {now:?}"),
            Self::Connected(number, from, to) => write!(f, "  #{number} from {from} to {to}"),
            Self::Wrote(end, moved) => write!(f, "  {end} wrote {}", moved.count),
            Self::Read(end, moved) => write!(f, "  {end} read {}", moved.count),
            Self::Closed(end) => write!(f, "  {end} closed"),
            Self::Reset(end) => write!(f, "  {end} reset"),
            Self::Random(count) => write!(f, "  drew {count} random bytes"),
            Self::Fault(what) => write!(f, "** {what}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.accepted { "server" } else { "client" };
        write!(f, "#{} {whose}", self.connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(
        expected = "step 1 was Some(Polled(1)) and is Some(Polled(2)), after\n      0  task 0"
    )]
    fn the_first_difference_is_shown() {
        let of = |tasks: &[usize]| Trace {
            steps: tasks.iter().map(|task| Step::Polled(*task)).collect(),
        };
        of(&[0, 1, 2]).assert_same(&of(&[0, 1, 2]));
        of(&[0, 1, 2]).assert_same(&of(&[0, 2, 1]));
    }
}
