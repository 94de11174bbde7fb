//! Keeps what is worth it for a target of `fuzz/` whose runs say what they have reached (`session`, `server`, `world`,
//! `driver`): `cargo run -p sio-tests --all-features --example keep -- <target> <histories>` draws so many beside those that are in
//! its folder of `fuzz/corpus`, and leaves there the shortest that were found which together reach all the same.
//!
//! What it goes by is coarse: a fuzzer sees each branch (`cargo fuzz cmin <target>`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sio_fuzz::{TARGETS, Target};

/// Bytes of the longest history that is drawn.
const LONGEST: usize = 2000;

fn main() {
    let mut words = std::env::args().skip(1);
    let name = words.next().expect("a target");
    let count = words.next().and_then(|it| it.parse().ok());
    let target = TARGETS.iter().find(|it| it.name == name).expect("a target");
    // Of the others nothing would be kept: none of them says what it has reached.
    let says = ["session", "server", "world", "driver"].contains(&target.name);
    assert!(says, "{name} does not say what it has reached");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let folder = folder.join(target.name);
    fs::create_dir_all(&folder).expect("a folder");
    let mut inputs = of(&folder);
    inputs.extend((1..=count.unwrap_or(0)).map(drawn));
    let kept = least(target, inputs);
    for file in fs::read_dir(&folder).expect("a folder") {
        fs::remove_file(file.expect("a file").path()).expect("it goes");
    }
    for (number, input) in kept.iter().enumerate() {
        fs::write(folder.join(format!("{number:03}")), input).expect("it is written");
    }
    let bytes: usize = kept.iter().map(Vec::len).sum();
    println!("{name}: {} are kept, of {bytes} bytes", kept.len());
}

fn of(folder: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let read = |path: &_| fs::read(path).expect("it is read");
    paths.iter().map(read).collect()
}

/// The histories that reach all that these do: each time the one that adds most, cut to what it takes for that.
fn least(target: &Target, inputs: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let reached = inputs.iter().map(|input| target.reached(input));
    let mut left: Vec<_> = reached.zip(&inputs).collect();
    let (mut all, mut kept) = (BTreeSet::new(), Vec::new());
    loop {
        let news = |reached: &BTreeSet<String>| reached.difference(&all).count();
        let best = left
            .iter()
            .max_by_key(|it| (news(&it.0), usize::MAX - it.1.len()));
        let Some((reached, input)) = best.filter(|it| news(&it.0) > 0) else {
            break;
        };
        let new: BTreeSet<String> = reached.difference(&all).cloned().collect();
        kept.push(shorter(target, input, &new));
        all.extend(new);
        left.retain(|it| !it.0.is_subset(&all));
    }
    println!("{all:#?}");
    kept
}

/// A beginning of a history that reaches the same.
fn shorter(target: &Target, input: &[u8], what: &BTreeSet<String>) -> Vec<u8> {
    let (mut least, mut most) = (0, input.len());
    while least < most {
        let length = usize::midpoint(least, most);
        if target.reached(&input[..length]).is_superset(what) {
            most = length;
        } else {
            least = length + 1;
        }
    }
    // What is reached later need not be by what is longer.
    let same = target.reached(&input[..most]).is_superset(what);
    input[..if same { most } else { input.len() }].to_vec()
}

fn drawn(seed: u64) -> Vec<u8> {
    let mut choices = sio_fuzz::Choices::from_seed(seed);
    let length = choices.index(LONGEST);
    let mut byte = || u8::try_from(choices.below(256)).unwrap_or_default();
    (0..length).map(|_| byte()).collect()
}
