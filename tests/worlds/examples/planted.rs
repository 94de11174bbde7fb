//! Plants the bugs of `tests/mutants.toml` into a copy of the sources, and says which worlds find them:
//! `cargo run -p sio-worlds --example planted` writes the table of `tests/README.md`. Names, or parts of them, say which
//! bugs are looked for; then nothing is written.

use std::fs;
use std::path::Path;

use sio_worlds::bugs::{Bug, all};
use sio_worlds::planted::search;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |bug: &Bug| only.is_empty() || only.iter().any(|part| bug.name.contains(part));
    let found = search(&root, &all(&root), wanted, |it| println!("{}", it.row()));
    let head = "| planted bug | found by | in world | choices left |\n|---|---|---|---|\n";
    let rows = found.iter().map(|it| it.row() + "\n");
    let table: String = [head.to_owned()].into_iter().chain(rows).collect();
    if only.is_empty() {
        publish(&root.join("tests/README.md"), &table);
    }
}

/// Puts the table where the old one stands.
fn publish(path: &Path, table: &str) {
    let page = fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once("<!-- planted -->\n").expect("its place");
    let (_, after) = rest.split_once("<!-- /planted -->").expect("its end");
    let page = format!("{before}<!-- planted -->\n{table}<!-- /planted -->{after}");
    fs::write(path, page).expect("written");
}
