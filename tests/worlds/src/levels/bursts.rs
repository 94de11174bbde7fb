//! Where an application says several things in a row, and how long histories wait.

use super::history::Step;
use super::ours::Notes;

/// Waits are a little longer: the tasks give who speaks by requests a tenth of a second more, where what has come may
/// not have been read.
pub(crate) fn lengthened(mut history: Vec<Step>) -> Vec<Step> {
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
pub(crate) fn joined(history: &[Step], mut all: Vec<Notes>) -> Vec<Notes> {
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
