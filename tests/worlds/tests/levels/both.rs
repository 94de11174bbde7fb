//! One history, played to a server of the core and to the driver's tasks.

#[path = "../../../tests/differential/history.rs"]
mod history;
#[path = "../../../tests/differential/ours.rs"]
mod ours;
#[path = "tasks.rs"]
mod tasks;
#[path = "wire.rs"]
mod wire;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sio_sim::choices::{Choices, shrink};

use history::Step;
use ours::{Notes, Numbers};

/// What has become of a history.
pub(crate) struct Played {
    /// What was drawn: the schedule of the tasks, then the history.
    pub(crate) choices: Choices,
    pub(crate) difference: Option<Difference>,
}

/// Where both differ first.
pub(crate) struct Difference {
    /// What differs: what a client hears, the answer to a request, the end of a WebSocket, what a handler is told.
    pub(crate) what: String,
    pub(crate) told: String,
}

/// Plays a history to both.
pub(crate) fn play(mut choices: Choices) -> Played {
    let schedule = choices.below(SCHEDULES);
    let history = lengthened(history::of(&mut choices));
    Played {
        difference: difference(&history, schedule),
        choices,
    }
}

/// The smallest that was found in which the same differs.
pub(crate) fn smaller(played: &Played, runs: usize) -> Played {
    let what = |played: &Played| played.difference.as_ref().map(|it| it.what.clone());
    let list = shrink(played.choices.list(), runs, |list| {
        // A smaller one may ask for what is not there.
        let again = catch_unwind(AssertUnwindSafe(|| play(Choices::from_list(list)))).ok()?;
        (what(&again) == what(played)).then_some(again.choices)
    });
    play(Choices::from_list(&list))
}

/// What is said of one in which both differ: what does, and how it is played again.
pub(crate) fn report(name: &str, small: &Played) -> String {
    let told = small.difference.as_ref().map(|it| it.told.as_str());
    let list = small.choices.list().trimmed();
    format!(
        "{name}\n{}{} choices; to play it again:\nSIO_LEVELS='{list}' cargo test -p sio-worlds --test levels one_history\n",
        told.unwrap_or_default(),
        list.choices(),
    )
}

/// Of so many schedules one is drawn, with which all that happens in the tasks follows.
const SCHEDULES: u64 = 1 << 32;

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

/// What is compared. Who has probed is answered again and again, so that it stops polling: whether the end meets one of
/// its polls, or is told to the next, is a matter of milliseconds.
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
    // Who waits for an answer goes on when its task has its turn, behind handlers of what came with it.
    let mut answers = Notes::new();
    for (channel, said) in &mut notes {
        let heard = said
            .extract_if(.., |it| it.starts_with("answer "))
            .collect();
        answers.insert(format!("{channel} answers"), heard);
    }
    notes.extend(answers);
    notes.retain(|_, said| !said.is_empty());
    notes
}

/// Where both differ first, if they do, with the tasks under a schedule of this number.
fn difference(history: &[Step], schedule: u64) -> Option<Difference> {
    let one = ours::play_by(history, Numbers::Sockets, |at| !is_burst(history, at));
    let one: Vec<_> = joined(history, one).into_iter().map(alike).collect();
    let other = match tasks::play(history, schedule) {
        Ok(other) => other.into_iter().map(alike).collect::<Vec<_>>(),
        Err(why) => {
            return Some(Difference {
                what: "world".to_owned(),
                told: format!("{why}\n"),
            });
        }
    };
    let step = other
        .iter()
        .zip(&one)
        .position(|(other, one)| other != one)?;
    let until: Vec<_> = history[..=step].iter().map(ToString::to_string).collect();
    let mut told = format!("[{}]\n", until.join(","));
    let mut what = String::new();
    let none = Vec::new();
    let of = |notes: &Notes, channel: &str| notes.get(channel).unwrap_or(&none).clone();
    let channels = one[step].keys().chain(other[step].keys());
    for channel in channels.collect::<BTreeSet<_>>() {
        let (core, tasks) = (of(&one[step], channel), of(&other[step], channel));
        if core != tasks {
            told += &format!("  {channel}\n    core  {core:?}\n    tasks {tasks:?}\n");
            if what.is_empty() {
                let words = channel.split(' ');
                let named = words.filter(|word| word.parse::<usize>().is_err());
                what = named.collect();
            }
        }
    }
    Some(Difference { what, told })
}
