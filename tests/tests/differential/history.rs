//! What is played to both: clients, an application and a clock.

use serde_json::{Value, json};
use sio_sim::choices::Choices;

/// Where draws come from: a seed, a fuzzer's bytes, or a list.
struct Random<'a>(&'a mut Choices);

impl Random<'_> {
    fn below(&mut self, end: usize) -> usize {
        // One of one is drawn all the same: what a seed means does not hang on how many there are.
        let drawn = self.0.below(end.max(2) as u64);
        if end < 2 {
            return 0;
        }
        usize::try_from(drawn).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Something that happens: as Node is told it, and as `ours` reads it. Clients and sockets are numbers, in the order
/// in which they came.
pub(crate) type Step = Value;

/// Steps of the longest history, without the last wait.
const LONGEST: usize = 30;

/// What clients say, lawful for the most part.
const MESSAGES: [&str; 27] = [
    "40",
    "40",
    "40/a,",
    "40/a,",
    r#"40/a,{"token":"x"}"#,
    "40/no,",
    "40/nowhere,",
    "41",
    "41/a,",
    r#"42["hi"]"#,
    r#"42["hi",1,"x",{"a":[null,true]}]"#,
    r#"42/a,["hi"]"#,
    r#"420["ask",1]"#,
    r#"42/a,17["ask"]"#,
    "430[7]",
    r#"431["x",{}]"#,
    "43/a,0[]",
    r#"44{"message":"x"}"#,
    "3",
    "2",
    "1",
    "6",
    "2probe",
    "42",
    r#"42{"a":1}"#,
    "4x",
    "x",
];

/// The messages that break nothing, in `MESSAGES`.
const LAWFUL: std::ops::Range<usize> = 0..18;

const WAITS: [u64; 10] = [
    1, 99, 100, 1_000, 9_999, 15_000, 20_000, 25_000, 30_000, 45_000,
];

/// What the generator knows of a client.
#[derive(Clone, Copy, Default)]
struct Client {
    old: bool,
    by_websocket: bool,
    /// Of one that wants to go over.
    has_candidate: bool,
}

/// A history, each step of it a part of its own: that of a list ends where the list does.
pub(crate) fn of(choices: &mut Choices) -> Vec<Step> {
    let mut random = Random(choices);
    let (mut clients, mut steps) = (Vec::new(), Vec::new());
    opens(&mut random, &mut clients, &mut steps);
    let length = 4 + random.below(LONGEST - 4);
    while steps.len() < length && !random.0.is_over() {
        random.0.part();
        step(&mut random, &mut clients, &mut steps);
    }
    // All that waits comes to its end.
    steps.push(json!(["wait", 200_000]));
    steps
}

fn opens(random: &mut Random<'_>, clients: &mut Vec<Client>, steps: &mut Vec<Step>) {
    let (old, by_websocket) = (random.one_in(4), random.one_in(3));
    let transport = if by_websocket { "websocket" } else { "polling" };
    let (eio, pongs) = (if old { 3 } else { 4 }, !random.one_in(4));
    steps.push(json!(["open", eio, transport, pongs]));
    let client = clients.len();
    clients.push(Client {
        old,
        by_websocket,
        ..Client::default()
    });
    if !old && !random.one_in(6) {
        says(random, &clients[client], client, &["40"], steps);
    }
}

fn says(
    random: &mut Random<'_>,
    its: &Client,
    client: usize,
    texts: &[&str],
    steps: &mut Vec<Step>,
) {
    // Now and then by a way that is not its own.
    if its.by_websocket != random.one_in(60) {
        steps.extend(texts.iter().map(|text| json!(["frame", client, text])));
    } else {
        steps.push(json!(["post", client, texts]));
    }
}

fn step(random: &mut Random<'_>, clients: &mut Vec<Client>, steps: &mut Vec<Step>) {
    let client = random.below(clients.len());
    let its = clients[client];
    let socket = random.below(2 * clients.len());
    match random.below(40) {
        0..=2 if clients.len() < 4 => opens(random, clients, steps),
        0..=10 => {
            let count = 1 + random.below(2) * random.below(2);
            let all = random.one_in(12);
            let end = if all { MESSAGES.len() } else { LAWFUL.end };
            let texts: Vec<_> = (0..count).map(|_| MESSAGES[random.below(end)]).collect();
            says(random, &its, client, &texts, steps);
        }
        11 if its.by_websocket => {
            let event = r#"451-["bytes",{"_placeholder":true,"num":0}]"#;
            says(random, &its, client, &[event], steps);
            let bytes = if its.old { "040102" } else { "0102" };
            steps.push(json!(["bytes", client, bytes]));
        }
        12..=15 if !its.by_websocket && !its.has_candidate => {
            clients[client].has_candidate = true;
            steps.push(json!(["upgrade", client]));
            if !random.one_in(8) {
                steps.push(json!(["frame", client, "2probe"]));
            }
        }
        12..=15 if its.has_candidate => goes_over(random, &mut clients[client], client, steps),
        16..=18 => {
            let how = random.pick(&["text", "bytes", "volatile", "ask"]);
            steps.push(json!(["emit", socket, how]));
        }
        19..=22 => {
            let rooms = [None, None, Some("r1"), Some("r2")];
            let (room, except) = (random.pick(&rooms), random.pick(&rooms));
            steps.push(json!(["tell", random.pick(&["/", "/a"]), room, except]));
        }
        23..=26 => steps.push(json!(["join", socket, random.pick(&["r1", "r2"])])),
        27 => steps.push(json!(["leave", socket, random.pick(&["r1", "r2"])])),
        28 => steps.push(json!(["out", socket, random.one_in(2)])),
        29 if random.one_in(2) => steps.push(json!(["gone", client])),
        30 if random.one_in(3) => steps.push(json!(["abort", client])),
        31 if random.one_in(3) => steps.push(json!(["get", client])),
        32 if random.one_in(3) => steps.push(json!(["upgrade", client])),
        33 => steps.push(json!(["polls", client, random.one_in(2)])),
        _ => steps.push(json!(["wait", random.pick(&WAITS)])),
    }
}

/// A client with a candidate waits until its GET has come back, and goes over.
fn goes_over(random: &mut Random<'_>, its: &mut Client, client: usize, steps: &mut Vec<Step>) {
    steps.push(json!(["polls", client, false]));
    if !random.one_in(8) {
        steps.push(json!(["wait", 100]));
    }
    steps.push(json!(["frame", client, "5"]));
    (its.has_candidate, its.by_websocket) = (false, true);
}
