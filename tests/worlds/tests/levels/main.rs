//! One history, played to a server of the core and to the driver's tasks: each client gets the same, message for message.
//!
//! Histories are those of the differential suite: clients of both revisions by each transport, upgrades, events, bytes,
//! answers both ways, rooms, and time that passes. `SIO_HISTORIES=10000 SIO_SEED=2` plays others.

#[path = "../../../tests/differential/history.rs"]
mod history;
#[path = "../../../tests/differential/ours.rs"]
mod ours;
mod tasks;
mod wire;

use history::Step;
use ours::{Notes, Numbers};

/// How many histories, unless `SIO_HISTORIES` says.
const HISTORIES: u64 = 300;

/// Waits are a little longer: the tasks give who speaks by requests a tenth of a second more, where what has come may
/// not have been read.
fn lengthened(mut history: Vec<Step>) -> Vec<Step> {
    for step in &mut history {
        if let Some(wait) = step[1]
            .as_u64()
            .filter(|wait| step[0] == "wait" && *wait >= 1000)
        {
            step[1] = (wait + 200).into();
        }
    }
    history
}

/// Whether the application says more before anybody looks what came of this: it waits for one turn then.
pub(crate) fn is_burst(history: &[Step], at: usize) -> bool {
    let says = |step: &Step| step[0] == "tell" || step[0] == "emit" && step[2] != "volatile";
    says(&history[at]) && history.get(at + 1).is_some_and(says)
}

/// What a burst led to is noted with its last step.
fn joined(history: &[Step], mut all: Vec<Notes>) -> Vec<Notes> {
    for at in 0..history.len() {
        if is_burst(history, at) {
            for (channel, mut said) in std::mem::take(&mut all[at]) {
                let later = all[at + 1].entry(channel).or_default();
                said.append(later);
                *later = said;
            }
        }
    }
    all
}

/// Who has probed is answered again and again, so that it stops polling: whether the end meets one of its polls, or is
/// told to the next, is a matter of milliseconds.
fn alike(mut notes: Notes) -> Notes {
    const OVER: &str = r#"400 {"code":1,"message":"Session ID unknown"}"#;
    let gets = notes
        .iter_mut()
        .filter(|(channel, _)| channel.ends_with(" get"));
    let mut told = Vec::new();
    for (channel, answers) in gets {
        let before = answers.len();
        answers.retain(|answer| answer != OVER);
        told.push((channel.replace(" get", " hears"), before - answers.len()));
    }
    for (channel, count) in told {
        let heard = notes.entry(channel).or_default();
        heard.extend(std::iter::repeat_n("p 1".to_owned(), count));
    }
    notes.retain(|_, said| !said.is_empty());
    notes
}

/// Where both differ first, if they do.
fn difference(seed: u64) -> Option<String> {
    let history = lengthened(history::of(seed));
    let one = ours::play_by(&history, Numbers::Sockets);
    let one: Vec<_> = joined(&history, one).into_iter().map(alike).collect();
    let other = match tasks::play(&history, seed) {
        Ok(other) => other.into_iter().map(alike).collect::<Vec<_>>(),
        Err(why) => return Some(format!("seed {seed}: {why}")),
    };
    let step = other
        .iter()
        .zip(&one)
        .position(|(other, one)| other != one)?;
    let until: Vec<_> = history[..=step].iter().map(ToString::to_string).collect();
    let mut told = format!("seed {seed}: [{}]\n", until.join(","));
    let none = Vec::new();
    let of = |notes: &Notes, channel: &str| notes.get(channel).unwrap_or(&none).clone();
    let channels = one[step].keys().chain(other[step].keys());
    for channel in channels.collect::<std::collections::BTreeSet<_>>() {
        let (core, tasks) = (of(&one[step], channel), of(&other[step], channel));
        if core != tasks {
            told += &format!("  {channel}\n    core  {core:?}\n    tasks {tasks:?}\n");
        }
    }
    Some(told)
}

#[test]
fn hear_the_same_of_both() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first: u64 = number("SIO_SEED").unwrap_or(1);
    let count = number("SIO_HISTORIES").unwrap_or(HISTORIES);
    let different: Vec<_> = (first..first + count).filter_map(difference).collect();
    println!("{count} histories, {} different", different.len());
    assert!(
        different.is_empty(),
        "{}",
        different[..different.len().min(20)].join("\n")
    );
}
