//! Histories of clients, an application and a clock, played to socket.io 4.8 in Node and to ours: everybody sees the
//! same, but for what stands in a table with its reason.
//!
//! Neither has sockets, nor time but that of the histories. Some hundred from seed 1. `SIO_HISTORIES=100000 SIO_SEED=2`
//! plays others.

#[path = "differential/differences.rs"]
mod differences;
#[path = "differential/history.rs"]
mod history;
#[path = "differential/ours.rs"]
mod ours;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use sio_sim::choices::Choices;
use sio_tests::install::{interop, node_packages};

use differences::DIFFERENCES;
use history::Step;
use ours::Notes;

/// How many histories, unless `SIO_HISTORIES` says.
const HISTORIES: u64 = 300;

/// Seeds of histories that meet the rows of the table, among them rare ones.
const KEPT: &[u64] = &[
    529, 251, 650, 11, 16_718, 10_645, 13, 732, 1_262, 19, 39, 16, 172, 4_007, 144_911, 166_639,
    8_257,
];

/// Where both differ first: a step, and what it led to.
pub(crate) struct Place<'a> {
    pub(crate) history: &'a [Step],
    pub(crate) step: usize,
    pub(crate) theirs: &'a Notes,
    pub(crate) ours: &'a Notes,
}

impl<'a> Place<'a> {
    fn of(history: &'a [Step], theirs: &'a [Notes], ours: &'a [Notes]) -> Option<Self> {
        assert_eq!(
            (theirs.len(), ours.len()),
            (history.len() + 1, history.len() + 1)
        );
        let step = theirs
            .iter()
            .zip(ours)
            .position(|(theirs, ours)| theirs != ours)?;
        Some(Self {
            history,
            step,
            theirs: &theirs[step],
            ours: &ours[step],
        })
    }

    /// The steps until there, and what differs.
    fn tell(&self) -> String {
        let until = self.step.min(self.history.len() - 1);
        let steps: Vec<_> = self.history[..=until]
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut text = format!("[{}]\n", steps.join(","));
        let mut channels: Vec<_> = self.theirs.keys().chain(self.ours.keys()).collect();
        channels.sort();
        channels.dedup();
        for channel in channels {
            let (theirs, ours) = (self.theirs.get(channel), self.ours.get(channel));
            if theirs != ours {
                let none = Vec::new();
                let (theirs, ours) = (theirs.unwrap_or(&none), ours.unwrap_or(&none));
                text += &format!("  {channel}\n    theirs {theirs:?}\n    ours   {ours:?}\n");
            }
        }
        text
    }
}

/// Plays them to Node, each as soon as it has the one before, and gives what came of it to `see`, in order.
fn theirs(histories: &[Vec<Step>], mut see: impl FnMut(usize, Vec<Notes>)) {
    let mut node = Command::new("node")
        .arg(interop().join("differential.js"))
        .env("SIO_NODE_PACKAGES", node_packages())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let (mut input, output) = (node.stdin.take().unwrap(), node.stdout.take().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for history in histories {
                let line = serde_json::to_string(history).unwrap();
                writeln!(input, "{line}").expect("it reads");
            }
        });
        let mut count = 0;
        for line in BufReader::new(output).lines() {
            see(count, serde_json::from_str(&line.unwrap()).unwrap());
            count += 1;
        }
        assert_eq!(count, histories.len(), "something comes of each");
    });
    assert!(node.wait().unwrap().success());
}

#[test]
fn everybody_sees_the_same() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first: u64 = number("SIO_SEED").unwrap_or(1);
    let count = number("SIO_HISTORIES");
    let mut seeds: Vec<u64> = (first..first + count.unwrap_or(HISTORIES)).collect();
    if count.is_none() {
        seeds.extend(KEPT);
    }
    let of = |seed: &u64| history::of(&mut Choices::from_seed(*seed));
    let histories: Vec<_> = seeds.iter().map(of).collect();
    let mut met = BTreeMap::<_, Vec<u64>>::new();
    let (mut steps, mut same, mut unexplained) = (0, 0, Vec::new());
    theirs(&histories, |at, theirs| {
        let (history, ours) = (&histories[at], ours::play(&histories[at]));
        let Some(place) = Place::of(history, &theirs, &ours) else {
            (steps, same) = (steps + history.len(), same + 1);
            return;
        };
        steps += place.step;
        match DIFFERENCES.iter().find(|it| (it.holds)(&place)) {
            Some(it) => met.entry(it.what).or_default().push(seeds[at]),
            None => unexplained.push(format!("seed {}: {}", seeds[at], place.tell())),
        }
    });
    println!(
        "{} histories, {same} the same to the end, {steps} steps compared; different on purpose:",
        seeds.len()
    );
    for (what, seeds) in &met {
        println!("{} (seed {}, ..): {what}", seeds.len(), seeds[0]);
    }
    assert!(
        unexplained.is_empty(),
        "{} differ:\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(40)].join("\n")
    );
    if count.is_none() {
        // A row that nothing meets is of no use any more; and else little of what is played would be compared.
        let unmet = DIFFERENCES.iter().filter(|it| !met.contains_key(it.what));
        let unmet: Vec<_> = unmet.map(|it| it.what).collect();
        assert_eq!(unmet, Vec::<&str>::new(), "never met");
        assert!(same * 2 > seeds.len(), "{same} of {}", seeds.len());
    }
}
