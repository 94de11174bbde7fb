//! What somebody who has set nothing up is told about handlers: lines on stderr, each said once.
//!
//! Two promises meet here. An application must not fail in silence; and a client, which can repeat
//! everything and choose most names, must fill neither memory nor a log. So a line is said for the first
//! failure of its kind in an event of a namespace, and of each kind for [`EVENTS`] events at most, with
//! names and reasons cut. What a client sent is in none of them, unless a handler's own error repeats it. Where the log is heard at `debug`, which is
//! as loud as a client can make it, it has each failure, and nothing is said here; so it is where the
//! application has an [`Io::on_error`](crate::app::Io::on_error) of its own.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Failure;

/// Events that are named for one kind of failure, as long as their server lives.
const EVENTS: usize = 16;
/// Characters that are shown of a name, and of a reason.
const NAME: usize = 64;
const REASON: usize = 400;

/// What has been said already.
#[derive(Default)]
pub(crate) struct Notices {
    said: Mutex<Vec<Said>>,
    /// A bit for each kind of which no more is said.
    full: AtomicU8,
}

#[derive(PartialEq, Eq)]
struct Said {
    kind: Kind,
    /// A namespace, or an engine's path.
    place: String,
    event: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mistyped,
    NoState,
    Absent,
    Failed,
    Panicked,
    Dropped,
    Unhandled,
}

impl Notices {
    /// Says it, if it is the first of its kind in this event and nobody else hears of it.
    #[cold]
    pub(crate) fn tell(&self, namespace: &str, event: &str, why: &Failure) {
        self.say(namespace, Some(event), why);
    }

    /// The same of a handler of an Engine.IO server, of which no hook hears.
    #[cold]
    pub(crate) fn tell_plain(&self, path: &str, why: &Failure) {
        self.say(path, None, why);
    }

    fn say(&self, place: &str, event: Option<&str>, why: &Failure) {
        if crate::log::hears_debug!() {
            return;
        }
        if let Some(line) = self.line(place, event, why) {
            // A closed stderr is nobody's fault here.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    /// Whether an event without a handler may still be something to say.
    pub(crate) fn hears_of_unhandled(&self) -> bool {
        self.full.load(Ordering::Relaxed) & Kind::Unhandled.bit() == 0
    }

    /// What to say, with its line feed.
    fn line(&self, place: &str, event: Option<&str>, why: &Failure) -> Option<String> {
        let kind = Kind::of(why);
        if self.full.load(Ordering::Relaxed) & kind.bit() != 0 {
            return None;
        }
        let said = Said {
            kind,
            place: cut(place),
            event: event.map(cut),
        };
        let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if all.contains(&said) {
            return None;
        }
        let last = all.iter().filter(|it| it.kind == kind).count() + 1 >= EVENTS;
        let why = Cut(why);
        let advice = kind.advice();
        let mut line = match (&said.event, &said.place) {
            (Some(event), namespace) => format!(
                "sio: event {event:?} of {namespace:?}: {why}; {advice} \
                 (said once; Io::on_error hears of each)"
            ),
            (None, path) => format!("sio: engine at {path:?}: {why}; {advice} (said once)"),
        };
        all.push(said);
        drop(all);
        if last {
            self.full.fetch_or(kind.bit(), Ordering::Relaxed);
            line.push_str("\nsio: no more of this kind is said");
        }
        line.push('\n');
        Some(line)
    }
}

impl Kind {
    fn of(why: &Failure) -> Self {
        match why {
            Failure::Mistyped(_) | Failure::Params(_) => Self::Mistyped,
            Failure::NoState(_) => Self::NoState,
            Failure::Absent(_) => Self::Absent,
            Failure::Failed(_) | Failure::Refused(_) => Self::Failed,
            Failure::Panicked(_) => Self::Panicked,
            Failure::Dropped(_) => Self::Dropped,
            Failure::Unhandled => Self::Unhandled,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// What to do.
    fn advice(self) -> &'static str {
        match self {
            Self::Mistyped => {
                "the handler was not called: its Data or Params ask for another type than the client sent"
            }
            Self::NoState => "the handler was not called: give the value to Io::set_state first",
            Self::Absent => "the handler was not called: leave that argument out",
            Self::Failed => "that is the error which its handler returned",
            Self::Panicked => "the connection was closed",
            Self::Dropped => "work that outlives its client belongs on a task of its own",
            Self::Unhandled => {
                "see guide::not_called; on_any takes events of every name, and silences this"
            }
        }
    }
}

fn cut(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// A reason in one line, and not too long a one.
struct Cut<'a>(&'a Failure);

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = OneLine { f, left: REASON };
        // An error only says that the rest was cut off.
        let _ = write!(out, "{}", self.0);
        if out.left == 0 {
            f.write_char('…')?;
        }
        Ok(())
    }
}

struct OneLine<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.left == 0 {
                return Err(fmt::Error);
            }
            self.left -= 1;
            if character.is_control() {
                write!(self.f, "{}", character.escape_default())?;
            } else {
                self.f.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(why: &str) -> Failure {
        Failure::Failed(why.to_owned())
    }

    #[test]
    fn each_kind_is_said_once_for_each_event_of_a_namespace() {
        // faults: A5
        let notices = Notices::default();
        let line = notices.line("/", Some("say"), &failed("no room")).unwrap();
        assert_eq!(
            line,
            "sio: event \"say\" of \"/\": no room; that is the error which its handler returned \
             (said once; Io::on_error hears of each)\n"
        );
        assert_eq!(notices.line("/", Some("say"), &failed("another")), None);
        assert!(
            notices
                .line("/", Some("say"), &Failure::NoState("App"))
                .is_some()
        );
        assert!(notices.line("/", Some("ask"), &failed("no room")).is_some());
        assert!(
            notices
                .line("/chat", Some("say"), &failed("no room"))
                .is_some()
        );
        assert_eq!(
            notices.line("/engine.io", None, &failed("full")).unwrap(),
            "sio: engine at \"/engine.io\": full; that is the error which its handler returned \
             (said once)\n"
        );
    }

    #[test]
    fn a_client_that_invents_names_is_heard_of_sixteen_times() {
        let notices = Notices::default();
        let told = |kind: &Failure| {
            let names = (0..10 * EVENTS).map(|n| format!("{n}{}", "x".repeat(100_000)));
            let lines = names.filter_map(|name| notices.line("/", Some(&name), kind));
            lines.map(|line| line.len()).collect::<Vec<_>>()
        };
        let unhandled = told(&Failure::Unhandled);
        assert_eq!(unhandled.len(), EVENTS);
        assert!(
            unhandled.iter().all(|length| *length < 400),
            "{unhandled:?}"
        );
        // What others say is not drowned by it.
        assert_eq!(told(&failed("why")).len(), EVENTS);
        let said = notices.said.lock().unwrap();
        assert_eq!(said.len(), 2 * EVENTS);
        assert!(
            said.iter()
                .all(|said| said.event.as_ref().unwrap().capacity() < 1_000)
        );
    }

    #[test]
    fn a_reason_is_one_line_of_its_first_characters() {
        let notices = Notices::default();
        let reason = format!("first\nsecond\u{1b}[31m{}", "x".repeat(10_000));
        let line = notices.line("/", Some("a\nb"), &failed(&reason)).unwrap();
        assert!(line.contains(r"first\nsecond\u{1b}[31mxxx"), "{line}");
        assert!(line.contains("x…; that is"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.len() < 700, "{}", line.len());
    }

    #[test]
    fn the_last_of_its_kind_says_so() {
        let notices = Notices::default();
        let lines: Vec<_> = (0..=EVENTS)
            .map(|n| notices.line("/", Some(&n.to_string()), &Failure::Unhandled))
            .collect();
        let last = lines[EVENTS - 1].as_ref().unwrap();
        assert!(
            last.ends_with("\nsio: no more of this kind is said\n"),
            "{last}"
        );
        assert_eq!(lines[EVENTS], None);
    }
}
