//! The planted bugs, which `tests/mutants.toml` lists.

use std::fs;
use std::path::Path;

/// A bug: a place in the sources, and what is to stand there.
#[derive(Clone, Debug)]
pub struct Bug {
    /// What goes wrong.
    pub name: String,
    /// The file, from the root of the workspace.
    pub file: String,
    /// What stands there, once.
    pub text: String,
    /// What stands there where it is planted.
    pub with: String,
    /// Where it is looked for, if not in worlds of its own level: `levels`, which plays histories to both.
    pub by: Option<String>,
    /// Why no world can find it.
    pub why: Option<String>,
}

/// All of them, in their order.
///
/// # Panics
///
/// Where the list is not there, or a row of it has no name, file, text or replacement.
pub fn all(root: &Path) -> Vec<Bug> {
    let text = fs::read_to_string(root.join("tests/mutants.toml")).expect("the list");
    let rows = text.split("[[mutant]]").skip(1);
    // Strings are written as JSON's.
    let asked = |row: &str, name: &str| -> Option<String> {
        let mut lines = row.lines();
        let line = lines.find_map(|line| line.strip_prefix(&format!("{name} = ")))?;
        Some(serde_json::from_str(line).expect("a string"))
    };
    let field = |row: &str, name: &str| asked(row, name).expect("each field is there");
    rows.map(|row| Bug {
        name: field(row, "name"),
        file: field(row, "file"),
        text: field(row, "text"),
        with: field(row, "with"),
        by: asked(row, "by"),
        why: asked(row, "why"),
    })
    .collect()
}
