//! The file `instructions.txt`: instructions of one operation by its name.

use std::collections::BTreeMap;
use std::fmt::Write;

/// As the file has it.
#[must_use]
pub fn written(counts: &BTreeMap<String, f64>) -> String {
    let mut text = String::from("# Instructions of one operation. See tests/instructions.rs.\n");
    for (name, count) in counts {
        // Writing to a string cannot fail.
        writeln!(text, "{count:>8.0}  {name}").ok();
    }
    text
}

/// What the file says. Lines that say nothing are left out.
#[must_use]
pub fn read(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter_map(|line| {
        let (count, name) = line.trim().split_once("  ")?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let counts = BTreeMap::from([("a: b, c".to_owned(), 12.0), ("d".to_owned(), 3456.0)]);
        assert_eq!(read(&written(&counts)), counts);
    }
}
