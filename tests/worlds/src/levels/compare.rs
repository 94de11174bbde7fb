//! What is compared of a history that was played to both.

use std::collections::BTreeSet;

use super::bursts::joined;
use super::history::Step;
use super::ours::Notes;

/// Where both differ first.
pub(crate) struct Difference {
    /// What differs.
    pub(crate) what: String,
    pub(crate) told: String,
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

/// Where both differ first, if they do: what each step of this history has led to in the core, and in the tasks.
pub(crate) fn difference(
    history: &[Step],
    core: Vec<Notes>,
    tasks: Vec<Notes>,
) -> Option<Difference> {
    let one: Vec<_> = joined(history, core).into_iter().map(alike).collect();
    let other: Vec<_> = tasks.into_iter().map(alike).collect();
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
