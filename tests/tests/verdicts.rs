//! Texts that are made here, read by the parsers of npm and by ours: the same verdict, and the same packets, but for
//! what stands in a table with its reason.
//!
//! 20 000 of each kind, from seed 1. `SIO_VERDICTS=1000000 SIO_SEED=2` looks at others.

#[path = "verdicts/differences.rs"]
mod differences;
#[path = "verdicts/ours.rs"]
mod ours;
#[path = "verdicts/texts.rs"]
mod texts;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;
use sio_tests::install::{interop, node_packages};

use differences::Difference;
use texts::Random;

/// How many texts of each kind, unless `SIO_VERDICTS` says.
const TEXTS: u64 = 20_000;

/// What Node's parsers make of texts, in order.
fn theirs(kind: &str, texts: &[String]) -> Vec<Value> {
    let mut node = Command::new("node")
        .arg(interop().join("verdicts.js"))
        .arg(kind)
        .env("SIO_NODE_PACKAGES", node_packages())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let (mut input, output) = (node.stdin.take().unwrap(), node.stdout.take().unwrap());
    let verdicts: Vec<Value> = std::thread::scope(|scope| {
        scope.spawn(move || {
            for text in texts {
                let line = serde_json::to_string(text).unwrap();
                writeln!(input, "{line}").expect("it reads");
            }
        });
        let lines = BufReader::new(output).lines();
        lines
            .map(|line| ours::numbered(serde_json::from_str(&line.unwrap()).unwrap()))
            .collect()
    });
    assert!(node.wait().unwrap().success());
    assert_eq!(verdicts.len(), texts.len(), "a verdict each");
    verdicts
}

/// Compares what both make of texts. Each row of the table has to occur: else it is of no use any more.
fn compare(
    kind: &str,
    text: fn(&mut Random) -> String,
    ours: fn(&str) -> Value,
    differences: &[Difference],
) {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let mut random = Random::new(number("SIO_SEED").unwrap_or(1));
    let count = number("SIO_VERDICTS").unwrap_or(TEXTS);
    let texts: Vec<_> = (0..count).map(|_| text(&mut random)).collect();
    let mut met = BTreeMap::new();
    let (mut read, mut unexplained) = (0_u64, Vec::new());
    for (text, theirs) in texts.iter().zip(theirs(kind, &texts)) {
        let ours = ours(text);
        read += u64::from(theirs["error"] != true);
        if ours == theirs {
            continue;
        }
        match differences
            .iter()
            .find(|it| (it.holds)(text, &theirs, &ours))
        {
            Some(it) => *met.entry(it.what).or_insert(0) += 1,
            None => unexplained.push(format!("{text:?}\n  theirs {theirs}\n  ours   {ours}")),
        }
    }
    println!("{count} texts, {read} of them read by Node's parser; different on purpose: {met:#?}");
    assert!(
        unexplained.is_empty(),
        "{} differ:\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(20)].join("\n")
    );
    let unmet = differences.iter().filter(|it| !met.contains_key(it.what));
    let unmet: Vec<_> = unmet.map(|it| it.what).collect();
    assert!(count < TEXTS || unmet.is_empty(), "never met: {unmet:?}");
    // Most of one verdict would prove little of the other.
    assert!(count < TEXTS || (count / 5..count * 4 / 5).contains(&read));
}

#[test]
fn packets() {
    compare("packet", texts::packet, ours::packet, differences::PACKETS);
}

#[test]
fn payloads() {
    compare(
        "payload",
        texts::payload,
        ours::payload,
        differences::PAYLOADS,
    );
}
