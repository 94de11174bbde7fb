//! How often each target runs in a second of processor time, on mutations of what stands in the folder of its name:
//! `cargo run --release --no-default-features --example pace -- corpus [names]` in `fuzz/`. One that misses its bar is marked.

use std::fs;
use std::path::{Path, PathBuf};

use sio_fuzz::{TARGETS, Target};

/// Seconds of processor time for each target.
const TIME: f64 = 3.0;

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().expect("a folder"));
    let names: Vec<String> = words.collect();
    println!(
        "| target | inputs kept | bytes | runs a second | at least | |\n|---|---|---|---|---|---|"
    );
    for target in TARGETS {
        let meant = names.is_empty() || names.iter().any(|name| name == target.name);
        if meant && folder.join(target.name).is_dir() {
            row(target, &folder);
        }
    }
}

fn row(target: &Target, folder: &Path) {
    let kept = kept(&folder.join(target.name));
    let mut noise = Noise(1);
    // The first few fill what is filled once.
    for input in kept.iter().take(20) {
        (target.run)(input);
    }
    let (begin, mut runs, mut time) = (spent(), 0.0, 0.0);
    while time < TIME {
        // The clock is not asked for every one.
        for _ in 0..64 {
            let input = noise.mutation(&kept);
            (target.run)(&input);
            runs += 1.0;
            if target.least < 1000 {
                break;
            }
        }
        time = spent() - begin;
    }
    let a_second = runs / time;
    let missed = if a_second < f64::from(target.least) {
        "missed"
    } else {
        ""
    };
    println!(
        "| `{}` | {} | {} | {a_second:.0} | {} | {missed} |",
        target.name,
        kept.len(),
        kept.iter().map(Vec::len).sum::<usize>(),
        target.least,
    );
}

fn kept(folder: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder).expect("a corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let read = |path: &_| fs::read(path).expect("it can be read");
    paths.iter().map(read).collect()
}

/// Seconds of processor time that this thread has had.
fn spent() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|it| it.parse::<f64>().ok());
    first.expect("a number") / 1e9
}

struct Noise(u64);

impl Noise {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word >> 33) as usize % end.max(1)
    }

    /// One of them, with up to three bytes put in the place of up to three others, or as it is.
    fn mutation(&mut self, of: &[Vec<u8>]) -> Vec<u8> {
        let mut input = of[self.below(of.len())].clone();
        let at = self.below(input.len());
        let end = (at + self.below(4)).min(input.len());
        let with: Vec<u8> = (0..self.below(4)).map(|_| self.below(256) as u8).collect();
        if self.below(2) == 0 {
            input.splice(at..end, with);
        }
        input
    }
}
