//! All histories of a session that are short: whatever happens first, second and so on, against a list of what its
//! client was sent.
//!
//! Built with `SIO_SCOPE=7`, the tests look at longer ones.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Inputs of each history, unless the variable says otherwise.
const SCOPE: usize = 5;

/// Something that happens. There are two in the namespace: the client that it is about, and another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Input {
    /// Something is said to all.
    All,
    /// To a room.
    Room,
    /// To all who are not in it.
    Except,
    /// To the client alone.
    Own,
    /// By the client, to all others.
    Others,
    Join,
    LeaveRoom,
    /// The client has got all that it was sent.
    Receive,
    /// Its connection is lost.
    Lost,
    /// It goes for good.
    Left,
    /// It comes back with the last offset that it has.
    Back,
    /// The other one loses its connection.
    OtherLost,
    /// What is due next comes due.
    Due,
}

const INPUTS: [Input; 13] = [
    Input::All,
    Input::Room,
    Input::Except,
    Input::Own,
    Input::Others,
    Input::Join,
    Input::LeaveRoom,
    Input::Receive,
    Input::Lost,
    Input::Left,
    Input::Back,
    Input::OtherLost,
    Input::Due,
];

/// What a session is in the middle of: of each dimension, where it stands.
type Cell = [&'static str; 5];

/// How often each cell has met each input.
type Matrix = BTreeMap<(Cell, Input), usize>;

const AWAY: Duration = Duration::from_secs(120);
/// How long a packet may be needed: a loss is noticed as late as a ping is not answered.
const KEEP: Duration = Duration::from_secs(120 + 45);

#[derive(Clone)]
struct History {
    world: World,
    limited: bool,
    client: Holder,
    /// `None`: it is away, or over.
    other: Option<Holder>,
    here: bool,
    over: bool,
    in_room: bool,
    /// All that it was sent: an offset each, which is the packet's only argument.
    sent: Vec<String>,
    /// How much of that has arrived.
    got: usize,
    /// From where it was brought back, as long as that lives; and after it, if it was told something then.
    used: Option<usize>,
    repeated: bool,
    restored: u64,
}

impl History {
    fn new(limited: bool) -> Self {
        let options = ConnectionStateRecovery::default().max_disconnection_duration(AWAY);
        let mut world = world(match limited {
            true => options.max_kept_packets(2).max_kept_sessions(1),
            false => options,
        });
        Self {
            client: world.enter(1),
            other: Some(world.enter(2)),
            world,
            limited,
            here: true,
            over: false,
            in_room: false,
            sent: Vec::new(),
            got: 0,
            used: None,
            repeated: false,
            restored: 0,
        }
    }

    fn step(&mut self, input: Input) {
        match input {
            Input::All => self.emit(&Target::default(), true, true, None),
            Input::Room => self.emit(&Target::from(["x"]), self.in_room, false, None),
            Input::Except => {
                let but = Target {
                    except: ["x".into()].into_iter().collect(),
                    ..Target::default()
                };
                self.emit(&but, !self.in_room, true, None);
            }
            Input::Others => self.emit(&Target::default(), false, true, Some(&id(1))),
            Input::Own => {
                let offset = self.world.tell(self.client, "own");
                if self.here {
                    self.sent.push(offset);
                }
            }
            Input::Join => {
                self.world.recovery.join(self.client, "x");
                self.in_room |= self.here;
            }
            Input::LeaveRoom => {
                self.world.recovery.leave_room(self.client, "x");
                self.in_room &= !self.here;
            }
            // What was sent while it is away has gone nowhere.
            Input::Receive if self.here => self.got = self.sent.len(),
            Input::Receive => {}
            Input::Lost => self.leave(LOST),
            Input::Left => self.leave(DisconnectReason::ClientNamespaceDisconnect),
            Input::Back => self.come_back(),
            Input::OtherLost => {
                if let Some(other) = self.other.take() {
                    let now = self.world.now;
                    self.world.recovery.leave(now, other, LOST, 2);
                }
            }
            Input::Due => self.due(),
        }
        self.hear();
    }

    /// `meant`: it is for the client; `others`: for the other one.
    fn emit(&mut self, target: &Target, meant: bool, others: bool, sender: Option<&SocketId>) {
        let (packet, offset) = self.world.packet("e");
        let heard = meant && self.here || others && self.other.is_some();
        let World { recovery, now } = &mut self.world;
        recovery.keep(*now, target, sender, heard, &packet);
        if meant && !self.over {
            self.sent.push(offset);
        }
    }

    fn leave(&mut self, reason: DisconnectReason) {
        let World { recovery, now } = &mut self.world;
        let kept = recovery.leave(*now, self.client, reason, 1);
        let may_return = self.here && reason == LOST;
        if self.here {
            self.here = false;
            self.over = !may_return;
            if !self.repeated {
                self.used = None;
            }
        }
        self.hear();
        assert_eq!(kept, may_return && !self.over);
    }

    fn come_back(&mut self) {
        let last = self.got.checked_sub(1);
        let claim = Claim::new(&pid(1), last.map(|last| &*self.sent[last]));
        let used = self.used == Some(self.got) && (self.here || self.repeated);
        let restored = match self.world.recovery.restore(self.world.now, &claim) {
            Ok(restored) => restored,
            Err(Unrestored::Unknown) => return assert!(self.over, "it is there"),
            Err(Unrestored::Used) => return assert!(used, "it was not used"),
            Err(Unrestored::Lost) => {
                let old = self.world.now >= Instant::ORIGIN + KEEP;
                assert!(self.limited || old, "nothing is thrown away");
                self.here = false;
                self.over = true;
                return;
            }
        };
        assert!(!self.over && !used);
        assert_eq!(restored.data, (!self.here).then_some(1));
        let offsets: Vec<_> = restored.missed.iter().map(offset).collect();
        assert_eq!(offsets, self.sent[self.got..], "each once, in order");
        let is_in = restored.rooms.iter().any(|room| room == "x");
        assert_eq!(is_in, self.in_room);
        self.client = restored.holder;
        self.here = true;
        self.used = Some(self.got);
        self.repeated = !offsets.is_empty();
        self.restored += 1;
    }

    fn due(&mut self) {
        let World { recovery, now } = &mut self.world;
        if let Some(due) = recovery.poll_timeout() {
            *now = due.at;
            recovery.handle_timeout(due.at);
            let next = recovery.poll_timeout();
            assert!(next.is_none_or(|next| next.at > *now), "it was acted on");
        }
    }

    /// Takes what has become of those who are away, and looks at the figures.
    fn hear(&mut self) {
        while let Some(Event::Expired { data, .. }) = self.world.recovery.poll_event() {
            if data == 1 {
                assert!(!self.here, "it was away");
                self.over = true;
            }
        }
        let figures = self.world.recovery.figures();
        assert_eq!(figures.recovered, self.restored);
        let here = usize::from(self.here) + usize::from(self.other.is_some());
        assert_eq!(figures.here, here);
        if !self.here && !self.over {
            assert!(figures.away > 0, "its session is kept");
        }
        if self.limited {
            assert!(figures.packets <= 2 && figures.away <= 1);
        }
        if figures.here + figures.away == 0 {
            assert_eq!((figures.packets, figures.bytes), (0, 0));
        }
    }

    /// Nobody acts any more: all go, and nothing is left.
    fn rest(mut self) {
        // Nobody comes back by what was never said.
        let forged = Claim::new(&pid(1), Some("AAAAA"));
        assert!(self.world.recovery.find(&forged).is_none());
        self.step(Input::Lost);
        self.step(Input::OtherLost);
        for _ in 0..20 {
            self.step(Input::Due);
        }
        let figures = self.world.recovery.figures();
        assert_eq!((figures.here, figures.away, figures.packets), (0, 0, 0));
        assert_eq!(self.world.recovery.poll_timeout(), None);
    }

    fn cell(&self) -> Cell {
        let stay = match (self.here, self.over) {
            (true, _) => "here",
            (false, true) => "over",
            (false, false) => "away",
        };
        let room = if self.in_room { "in" } else { "out" };
        let owed = if self.got < self.sent.len() {
            "missed"
        } else {
            "got"
        };
        let before = match self.used {
            Some(at) if at == self.got => "used",
            Some(_) => "came back",
            None => "fresh",
        };
        let log = match self.world.recovery.figures().packets {
            0 => "nothing",
            _ => "packets",
        };
        [stay, room, owed, before, log]
    }
}

/// The last argument of a packet.
fn offset(packet: &Encoded) -> String {
    let Some(Part::Text(text)) = packet.part(0) else {
        panic!("{packet:?}")
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.split('"').nth(3).unwrap().to_owned()
}

/// Every way to go on from here, so many inputs far. What was reached two inputs before the last is left alone: all go.
fn explore(history: &History, left: usize, matrix: &mut Matrix) {
    if left == 0 {
        return;
    }
    if left == 2 {
        history.clone().rest();
    }
    let cell = history.cell();
    for input in INPUTS {
        *matrix.entry((cell, input)).or_default() += 1;
        let mut next = history.clone();
        next.step(input);
        explore(&next, left - 1, matrix);
    }
}

fn scope() -> usize {
    let said = option_env!("SIO_SCOPE");
    said.map_or(SCOPE, |said| said.parse().expect("SIO_SCOPE is a number"))
}

#[test]
fn whatever_happens_to_one_that_may_come_back_is_told_once_and_in_order() {
    let mut matrix = Matrix::new();
    explore(&History::new(false), scope(), &mut matrix);
    let histories: usize = matrix.values().sum();
    let expected: usize = (1..=scope())
        .map(|inputs| 13_usize.pow(inputs as u32))
        .sum();
    assert_eq!(histories, expected);
    for (dimension, all) in DIMENSIONS.iter().enumerate() {
        let seen: BTreeSet<_> = matrix.keys().map(|(cell, _)| cell[dimension]).collect();
        assert_eq!(seen, all.iter().copied().collect());
    }
}

#[test]
fn where_little_is_kept_it_is_told_once_and_in_order_or_not_at_all() {
    explore(&History::new(true), scope() - 1, &mut Matrix::new());
}

/// All that a session can be in the middle of.
const DIMENSIONS: [&[&str]; 5] = [
    &["here", "away", "over"],
    &["in", "out"],
    &["missed", "got"],
    &["used", "came back", "fresh"],
    &["nothing", "packets"],
];
