//! Files and functions that a reader can hold in mind.

use std::collections::BTreeSet;

use sio_tests::install::workspace;

use crate::sources;

/// Lines of a file.
const FILE: usize = 600;

/// Lines of a function, the first and the last among them.
const FUNCTION: usize = 99;

/// Where our own sources are.
const HOUSES: [&str; 6] = [
    "benches",
    "bindings-smol",
    "bindings-tokio",
    "core",
    "fuzz",
    "tests",
];

#[test]
fn no_file_and_no_function_is_too_long() {
    let (mut seen, mut long) = (BTreeSet::new(), Vec::new());
    for house in HOUSES {
        for (path, text) in sources(&workspace().join(house)) {
            let lines = text.lines().count();
            if lines > FILE {
                long.push(format!("{}: {lines} lines", path.display()));
            }
            let functions = functions(&text).filter(|its| its.lines > FUNCTION);
            long.extend(functions.map(|its| {
                let Function { at, name, lines } = its;
                format!("{}:{at} {name}: {lines} lines", path.display())
            }));
            seen.insert(path);
        }
    }
    assert!(seen.len() > 500, "the sources were read: {}", seen.len());
    assert!(long.is_empty(), "too long: {long:#?}");
}

/// A function in a source.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    /// The line on which it begins, from one on.
    at: usize,
    name: &'a str,
    lines: usize,
}

/// The functions of a formatted source that are longer than a line: each ends with a brace that stands as far in as
/// it begins.
fn functions(text: &str) -> impl Iterator<Item = Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let heads = lines.clone().into_iter().enumerate();
    heads.filter_map(move |(at, line)| {
        let (indent, name) = head(line)?;
        let rest = lines.get(at..)?;
        let is_end = |line: &&str| {
            line.strip_prefix(indent)
                .is_some_and(|rest| rest == "}" || rest.ends_with(';') && !rest.starts_with(' '))
        };
        let end = rest.iter().skip(1).position(is_end)? + 2;
        let lines = if line.ends_with([';', '}']) { 1 } else { end };
        let at = at + 1;
        (lines > 1).then_some(Function { at, name, lines })
    })
}

/// How far in a function begins on this line, and its name.
fn head(line: &str) -> Option<(&str, &str)> {
    let code = line.trim_start();
    let indent = line.strip_suffix(code)?;
    let (before, rest) = code.split_once("fn ")?;
    let mut words = before.split_whitespace();
    let is_head = words.all(|word| {
        matches!(word, "const" | "async" | "default" | "crate)" | "super)")
            || word.starts_with("pub")
    });
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    is_head.then(|| (indent, &rest[..end]))
}

#[test]
fn functions_are_measured_from_their_names_to_their_ends() {
    let text = "\
impl A {
    pub(crate) async fn first(
        &self,
    ) {
        loop {
        }
    }

    fn short() {}
    fn declared(&self);
    const fn second() -> u8 {
        1
    }
}
// fn none() {
fn third() {
}
";
    let found: Vec<_> = functions(text).collect();
    let function = |at, name, lines| Function { at, name, lines };
    let all = [
        function(2, "first", 6),
        function(11, "second", 3),
        function(16, "third", 2),
    ];
    assert_eq!(found, all);
}
