//! Texts that are packets or bodies, or nearly so.

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// What is inserted somewhere.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E",
    "\\",
    "/",
    "u",
    " ",
    "\n",
    "null",
    "true",
    "b",
    "é",
    "😀",
    "\u{2028}",
    "\u{1e}",
    "\u{0}",
    "\\u",
    "\\ud83d",
    "__proto__",
];

/// Names of events and members.
pub(crate) const NAMES: &[&str] = &[
    "a",
    "say",
    "",
    "connect",
    "disconnect",
    "newListener",
    "é😀",
    "\\u0061",
    "\\ud83d\\ude00",
    "toString",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "0.5",
    "1e3",
    "1E-2",
    "1.50",
    "9007199254740991",
    "9007199254740993",
    "1e400",
    "-1e-400",
    "123456789012345678901234567890",
];

/// Somewhat wrong, half the time.
fn blur(random: &mut Random, text: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    if random.one_in(2) {
        return text.to_owned();
    }
    for _ in 0..=random.below(3) {
        let at = random.below(all.len() + 1);
        match random.below(4) {
            0 if at < all.len() => drop(all.remove(at)),
            1 => all.truncate(at),
            2 if at < all.len() => {
                let other = random.below(all.len());
                all.swap(at, other);
            }
            _ => drop(all.splice(at..at, random.pick(PIECES).chars())),
        }
    }
    all.into_iter().collect()
}

fn value(random: &mut Random, deep: usize) -> String {
    match random.below(if deep > 3 { 6 } else { 9 }) {
        0 => random.pick(&["null", "true", "false"]).to_owned(),
        1 | 2 => random.pick(NUMBERS).to_owned(),
        3 | 4 => format!("\"{}\"", random.pick(NAMES)),
        5 => {
            let number = random.pick(&["0", "1", "2", "7", "-1", "0.5", "\"0\"", "null"]);
            format!("{{\"_placeholder\":true,\"num\":{number}}}")
        }
        6 | 7 => list(random, deep),
        _ => {
            let count = random.below(3);
            let member = |random: &mut Random| {
                let name = random.pick(NAMES);
                format!("\"{name}\":{}", value(random, deep + 1))
            };
            let members: Vec<_> = (0..count).map(|_| member(random)).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn list(random: &mut Random, deep: usize) -> String {
    let count = random.below(4);
    let elements: Vec<_> = (0..count).map(|_| value(random, deep + 1)).collect();
    format!("[{}]", elements.join(random.pick(&[",", ",", " , "])))
}

/// A packet of Socket.IO, the text of it.
pub(crate) fn packet(random: &mut Random) -> String {
    let kind = random.below(7);
    let mut text = kind.to_string();
    if kind >= 5 || random.one_in(20) {
        text += random.pick(&[
            "1-", "1-", "2-", "3-", "0-", "10-", "11-", "01-", "-", "1.0-", "",
        ]);
    }
    if random.one_in(3) {
        text += random.pick(&["/a,", "/", "/a?b=c,", "/é,", "/,"]);
    }
    if random.one_in(2) {
        text += random.pick(&[
            "0",
            "1",
            "12",
            "007",
            "9007199254740993",
            "99999999999999999999",
            " ",
            "-1",
        ]);
    }
    text += &match (kind, random.below(8)) {
        (_, 0) => value(random, 0),
        (1, _) | (_, 1) => String::new(),
        (0 | 4, _) => format!("{{\"token\":{}}}", value(random, 1)),
        (3 | 6, _) => list(random, 0),
        _ => {
            let rest = list(random, 0);
            let name = random.pick(NAMES);
            match rest.as_str() {
                "[]" => format!("[\"{name}\"]"),
                rest => format!("[\"{name}\",{}", &rest[1..]),
            }
        }
    };
    blur(random, &text)
}

/// A body of Engine.IO, revision 4.
pub(crate) fn payload(random: &mut Random) -> String {
    let count = 1 + random.below(4);
    let packet = |random: &mut Random| {
        let kind = random.pick(&[
            "0", "1", "2", "3", "4", "4", "4", "5", "6", "7", "b", "b", "x",
        ]);
        let data = match kind {
            "b" => random.pick(&[
                "", "AQID", "AQI=", "AQI", "AQ==", "AQ", "A", "-_-_", "+/+/", "A Q I D", "AQ=ID",
                "é",
            ]),
            _ => random.pick(&["", "hello", "probe", "2[\"a\"]", "é😀", "{}", "\n"]),
        };
        format!("{kind}{data}")
    };
    let packets: Vec<_> = (0..count).map(|_| packet(random)).collect();
    blur(random, &packets.join("\u{1e}"))
}
