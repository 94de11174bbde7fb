//! What the compiler says to newcomers: our own lines of it, which are part of the interface.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sio_tests::install::workspace;

/// Where the mistakes are.
const MISTAKES: &str = "tests/examples/mistakes.rs";

/// One of them: its name and what is to be said of it, by its lines.
#[derive(Debug)]
struct Mistake {
    name: String,
    lines: std::ops::Range<usize>,
    wanted: Vec<String>,
}

/// The functions of the file that have something to say.
fn mistakes(text: &str) -> Vec<Mistake> {
    let mut all: Vec<Mistake> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if let Some(name) = line.strip_prefix("    fn ") {
            all.push(Mistake {
                name: name.split('(').next().unwrap_or(name).to_owned(),
                lines: number..number,
                wanted: Vec::new(),
            });
        }
        let Some(mistake) = all.last_mut() else {
            continue;
        };
        mistake.lines.end = number + 1;
        if let Some((_, wanted)) = line.split_once("//~ ") {
            mistake.wanted.push(wanted.to_owned());
        }
    }
    all
}

/// What the compiler says about the file, by the line it says it of. Built with the profile and into the
/// directory of this test, so that nothing else is built for it.
fn errors() -> BTreeMap<usize, String> {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(workspace())
        .args(["rustc", "--quiet", "--all-features"])
        .args(["--package", "sio-tests", "--example", "mistakes"])
        .args(["--message-format=json", "--target-dir"])
        .arg(target);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let output = build.args(["--", "--cfg", "mistakes"]).output().unwrap();
    assert!(!output.status.success(), "the mistakes compile");
    let output = String::from_utf8(output.stdout).unwrap();
    let messages = output.lines().filter_map(|line| {
        let message = serde_json::from_str::<Value>(line).ok()?;
        let message = &message["message"];
        (message["level"] == "error").then(|| message.clone())
    });
    let mut said = BTreeMap::<usize, String>::new();
    for message in messages {
        let spans = message["spans"].as_array().into_iter().flatten();
        let ours = |span: &&Value| {
            let file = span["file_name"].as_str().unwrap_or_default();
            span["is_primary"] == true && Path::new(file).ends_with("mistakes.rs")
        };
        let Some(line) = { spans }
            .find(ours)
            .and_then(|it| it["line_start"].as_u64())
        else {
            continue;
        };
        let rendered = message["rendered"].as_str().unwrap_or_default();
        said.entry(usize::try_from(line).unwrap())
            .or_default()
            .push_str(rendered);
    }
    said
}

#[test]
fn the_compiler_says_how_the_usual_mistakes_are_mended() {
    // faults: A6
    let text = std::fs::read_to_string(workspace().join(MISTAKES)).unwrap();
    let (mistakes, errors) = (mistakes(&text), errors());
    assert!(mistakes.len() >= 10, "{mistakes:?}");
    let mut missing = Vec::new();
    for mistake in &mistakes {
        let said: String = errors
            .range(mistake.lines.clone())
            .map(|(_, it)| it.as_str())
            .collect();
        assert!(!mistake.wanted.is_empty(), "{} wants nothing", mistake.name);
        for wanted in &mistake.wanted {
            if !said.contains(&**wanted) {
                missing.push(format!("{}: not said: {wanted}\n{said}", mistake.name));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let strays = |line: &&usize| !mistakes.iter().any(|it| it.lines.contains(line));
    assert_eq!(errors.keys().find(strays), None, "an error of none of them");
}
