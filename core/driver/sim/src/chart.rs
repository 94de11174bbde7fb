//! Who said what to whom: a sequence chart, as text and as a page.

mod log;
mod page;
mod said;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use crate::history::Deed;
use crate::sim::Sim;
use said::Talk;

/// What passed between the hosts of a world, as a reader wants it: requests, responses and messages, each a line.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The hosts, from left to right.
    hosts: Vec<String>,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    at: Duration,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// From one host to another, by their places.
    Said(usize, usize, String),
    /// Something went wrong, or right again.
    Fault(String),
}

/// Characters of what is said that are shown.
const SHOWN: usize = 160;

impl Sim {
    /// What passed between hosts and servers so far.
    pub fn chart(&self) -> Chart {
        let history = self.history();
        let ends: Vec<(IpAddr, IpAddr)> = self.world.with(|state| {
            let pipes = state.net.pipes.iter().step_by(2);
            pipes.map(|pipe| (pipe.from, pipe.to)).collect()
        });
        let mut chart = Chart {
            hosts: Vec::new(),
            lines: Vec::new(),
        };
        let mut places = BTreeMap::new();
        let mut talks = BTreeMap::<usize, Talk>::new();
        for act in &history.acts {
            let Some((client, server)) = ends.get(act.connection) else {
                continue;
            };
            let [client, server] = [client, server].map(|host| {
                *places.entry(*host).or_insert_with(|| {
                    let name = self.world.with(|state| state.hosts.name_of(*host));
                    chart.hosts.push(name);
                    chart.hosts.len() - 1
                })
            });
            let talk = talks.entry(act.connection).or_default();
            let (from, to, said) = match &act.deed {
                Deed::Read(bytes) => (client, server, talk.asked(bytes)),
                Deed::Wrote(bytes) => (server, client, talk.answered(bytes)),
                Deed::End | Deed::Left => continue,
            };
            for text in said {
                let text = text.chars().take(SHOWN).collect();
                let what = What::Said(from, to, text);
                chart.lines.push(Line { at: act.at, what });
            }
        }
        for (at, fault) in history.faults {
            let what = What::Fault(fault);
            chart.lines.push(Line { at, what });
        }
        chart.lines.sort_by_key(|line| line.at);
        chart
    }
}

impl Chart {
    /// The last lines, with the names of the hosts above.
    pub fn tail(&self, count: usize) -> String {
        let width = self.hosts.iter().map(String::len).max().unwrap_or(0).max(6) + 2;
        let mut text = format!("{:>12}  ", "");
        for host in &self.hosts {
            // Writing to a String does not fail.
            let _ = write!(text, "{host:<width$}");
        }
        text.push('\n');
        let from = self.lines.len().saturating_sub(count);
        if from > 0 {
            let _ = writeln!(text, "{:>12}  .. {from} lines before", "");
        }
        for line in &self.lines[from..] {
            let _ = write!(text, "{:>11.3}s  ", line.at.as_secs_f64());
            match &line.what {
                What::Said(from, to, said) => {
                    text.push_str(&arrow(self.hosts.len(), width, *from, *to));
                    let _ = writeln!(text, " {said}");
                }
                What::Fault(fault) => {
                    let _ = writeln!(text, "** {fault}");
                }
            }
        }
        text
    }
}

/// An arrow between two of the columns, among the lines of the others.
fn arrow(hosts: usize, width: usize, from: usize, to: usize) -> String {
    let (left, right) = (from.min(to) * width, from.max(to) * width);
    let cell = |at: usize| match at {
        _ if at == from * width => 'o',
        _ if at == to * width && from < to => '>',
        _ if at == to * width => '<',
        _ if left < at && at < right => '-',
        _ if at.is_multiple_of(width) => '|',
        _ => ' ',
    };
    (0..=hosts.saturating_sub(1) * width).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let said = |at, from, to, text: &str| Line {
            at: Duration::from_millis(at),
            what: What::Said(from, to, text.to_owned()),
        };
        Chart {
            hosts: vec!["ann".to_owned(), "server".to_owned(), "bob".to_owned()],
            lines: vec![
                said(1, 0, 1, "42[\"<say>\"]"),
                Line {
                    at: Duration::from_secs(2),
                    what: What::Fault("cut ann | server".to_owned()),
                },
                said(3000, 1, 2, "42[\"said\"]"),
                said(3001, 2, 0, "?"),
            ],
        }
    }

    #[test]
    fn a_chart_shows_who_said_what_to_whom() {
        let text = chart().tail(10);
        let expected = [
            "              ann     server  bob     ",
            "      0.001s  o------->       | 42[\"<say>\"]",
            "      2.000s  ** cut ann | server",
            "      3.000s  |       o-------> 42[\"said\"]",
            "      3.001s  <---------------o ?",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert!(chart().tail(1).contains(".. 3 lines before"));
    }

    #[test]
    fn a_page_shows_the_same_and_nothing_of_it_is_markup() {
        let page = chart().page("a & b");
        for part in ["a &amp; b", "&lt;say&gt;", "cut ann | server", ">bob<"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("<say>"));
    }
}
