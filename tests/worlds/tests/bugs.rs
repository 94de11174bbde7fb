//! The list of planted bugs keeps up with the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sio_worlds::bugs::all;

#[test]
fn each_stands_there_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bugs = all(&root);
    let names: BTreeSet<_> = bugs.iter().map(|bug| &bug.name).collect();
    assert_eq!(names.len(), bugs.len(), "each has a name of its own");
    assert!(bugs.len() >= 80, "{}", bugs.len());
    let lost: Vec<_> = bugs
        .iter()
        .filter(|bug| {
            let source = fs::read_to_string(root.join(&bug.file)).unwrap_or_default();
            source.matches(&bug.text).count() != 1 || !bug.with.contains("PLANTED")
        })
        .map(|bug| (&bug.name, &bug.file, &bug.text))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
