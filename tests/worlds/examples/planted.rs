//! Plants the bugs of `tests/mutants.toml` into a copy of the sources, and says which worlds find them:
//! `cargo run -p sio-worlds --example planted` writes the table of `tests/worlds/README.md`. Names, or parts of them, say which
//! bugs are looked for; then nothing is written.

use std::path::Path;

use sio_worlds::bugs::{Bug, all};
use sio_worlds::planted::{publish, search};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |bug: &Bug| only.is_empty() || only.iter().any(|part| bug.name.contains(part));
    let found = search(&root, &all(&root), wanted, |it| println!("{}", it.row()));
    if only.is_empty() {
        publish(&root, &found);
    }
}
