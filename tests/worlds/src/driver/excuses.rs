//! Who may be cut off, and until when, for what the world has done to it.

use std::collections::BTreeMap;
use std::time::Duration;

/// Who may be cut off.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    until: BTreeMap<String, Duration>,
    /// Which server somebody is at, if it is not the first.
    homes: BTreeMap<String, String>,
    /// How many faults were looked at.
    seen: usize,
}

/// How long what goes wrong may be felt: a silence is noticed when pings are missed, and then dialling takes its time.
pub(super) const AFTERMATH: Duration = Duration::from_secs(40);

/// Whom everything befalls that befalls this.
pub(super) const SERVER: &str = "server";

impl Excuses {
    /// Takes note of what has gone wrong.
    pub(super) fn look(&mut self, faults: &[(Duration, String)]) {
        for (at, fault) in faults.iter().skip(self.seen) {
            let lasts = matches!(fault.split(' ').next(), Some("partition" | "hold"));
            if fault == "heal" || fault.starts_with("release") {
                self.end(*at);
            }
            let until = match lasts && !fault.contains(" for ") {
                true => Duration::MAX,
                false => *at + spell(fault) + AFTERMATH,
            };
            let words = fault.split(|it: char| !it.is_ascii_alphanumeric());
            for word in words.filter(|it| !it.is_empty()) {
                // A connection has two ends, and the server is one of each.
                if !word.starts_with(SERVER) || !fault.contains(['|', '>']) {
                    self.excuse(word, until);
                }
            }
        }
        self.seen = faults.len();
    }

    pub(super) fn excuse(&mut self, name: &str, until: Duration) {
        let its = self.until.entry(name.to_owned()).or_default();
        *its = (*its).max(until);
    }

    /// What had no end has ended.
    fn end(&mut self, at: Duration) {
        let open = self.until.values_mut().filter(|it| **it == Duration::MAX);
        open.for_each(|until| *until = at + AFTERMATH);
    }

    /// Somebody is at this server.
    pub(super) fn lives(&mut self, name: &str, server: String) {
        self.homes.insert(name.to_owned(), server);
    }

    pub(super) fn has(&self, name: &str, now: Duration) -> bool {
        let home = self.homes.get(name).map_or(SERVER, String::as_str);
        self.has_only(name, now) || self.has_only(home, now)
    }

    /// The same, of what has befallen nobody else.
    pub(super) fn has_only(&self, name: &str, now: Duration) -> bool {
        self.until.get(name).is_some_and(|until| *until >= now)
    }
}

/// How long a fault says that it lasts.
fn spell(fault: &str) -> Duration {
    let lasts = [" for ", " by "].iter().find_map(|it| fault.split_once(it));
    let said = lasts.map_or("", |(_, said)| said);
    let (number, unit) = said.split_at(
        said.find(|it: char| it.is_alphabetic() || it == 'µ')
            .unwrap_or(said.len()),
    );
    let number: f64 = number.parse().unwrap_or_default();
    match unit {
        "s" => Duration::from_secs_f64(number),
        "ms" => Duration::from_secs_f64(number / 1000.0),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_is_named_is_excused_for_a_while() {
        let mut excuses = Excuses::default();
        let faults = [
            (SECOND, "cut ann | server, #3".to_owned()),
            (SECOND, "stall bob for 2.5s".to_owned()),
        ];
        excuses.look(&faults);
        for (name, last) in [("ann", 1.0), ("bob", 3.5)] {
            let last = Duration::from_secs_f64(last) + AFTERMATH;
            assert!(excuses.has(name, last), "{name}");
            assert!(!excuses.has(name, last + SECOND), "{name}");
        }
        assert!(!excuses.has("eve", SECOND));
        excuses.lives("eve", "server1".to_owned());
        excuses.look(
            &[
                faults.as_slice(),
                &[(SECOND, "stall server1 for 1s".to_owned())],
            ]
            .concat(),
        );
        assert!(excuses.has("eve", SECOND) && !excuses.has("sue", SECOND));
    }

    #[test]
    fn what_befalls_the_server_befalls_all_and_what_lasts_has_an_end() {
        let mut excuses = Excuses::default();
        let mut faults = vec![(SECOND, "hold ann -> server".to_owned())];
        excuses.look(&faults);
        assert!(excuses.has("ann", 3600 * SECOND) && !excuses.has("bob", SECOND));
        faults.push((9 * SECOND, "heal".to_owned()));
        faults.push((60 * SECOND, "crash server".to_owned()));
        excuses.look(&faults);
        assert!(!excuses.has("ann", 3600 * SECOND));
        assert!(excuses.has("bob", 60 * SECOND));
    }
}
