//! All histories of a session that are short: whatever happens first, second and so on.
//!
//! Built with `SIO_SCOPE=7`, the tests look at longer ones.

use std::collections::{BTreeMap, BTreeSet};

use super::owed::Owed;
use super::sound::is_sound;
use super::*;
use crate::engine::session::state::{Beside, Incoming, State};

/// Inputs of each history, unless the variable says otherwise.
const SCOPE: usize = 5;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Input {
    Poll,
    Post,
    PostBegins,
    PostEnds,
    /// The client drops its latest request.
    Abort,
    Open,
    Probe,
    /// `5`: the WebSocket takes over.
    Upgrade,
    /// The WebSocket is gone.
    Gone,
    Send,
    /// What is due next comes due.
    Due,
    /// The application has enough to do, or no more.
    Pause,
    Close,
}

const INPUTS: [Input; 13] = [
    Input::Poll,
    Input::Post,
    Input::PostBegins,
    Input::PostEnds,
    Input::Abort,
    Input::Open,
    Input::Probe,
    Input::Upgrade,
    Input::Gone,
    Input::Send,
    Input::Due,
    Input::Pause,
    Input::Close,
];

/// What a session is in the middle of: of each dimension, where it stands.
type Cell = [&'static str; 7];

/// How often each cell has met each input.
type Matrix = BTreeMap<(Cell, Input), usize>;

#[derive(Clone)]
struct World {
    session: Session,
    revision: Eio,
    now: Instant,
    owed: Owed,
    paused: bool,
}

impl World {
    fn new(opened: Opened) -> Self {
        let mut config = Config::v4();
        config.max_backlog_packets = 3;
        let (now, sid) = (Instant::ORIGIN, Sid::from_random([7; 15]));
        let mut world = Self {
            session: Session::new(now, sid, opened, Arc::new(config)),
            revision: opened.revision,
            now,
            owed: Owed::new(opened.transport == TransportKind::WebSocket),
            paused: false,
        };
        world.drain(true);
        world
    }

    fn step(&mut self, input: Input) {
        let (now, revision) = (self.now, self.revision);
        let body = || Ok(Body::text(revision, "4a".into()));
        match input {
            Input::Poll => {
                let id = self.owed.request();
                self.session.handle_poll(now, id, revision);
            }
            Input::Post => {
                let id = self.owed.request();
                self.session
                    .handle_post(now, id, revision, Post::Whole(body()));
            }
            Input::PostBegins => {
                let id = self.owed.request();
                self.session.handle_post(now, id, revision, Post::Begun);
            }
            Input::PostEnds => {
                if let Some(id) = self.owed.latest(0) {
                    self.session
                        .handle_post(now, id, revision, Post::End(body()));
                }
            }
            Input::Abort => {
                if let Some(id) = self.owed.latest(0) {
                    self.session.handle_aborted(now, id);
                }
            }
            Input::Open => self.owed.open |= self.session.handle_ws_open(now, revision, false),
            Input::Probe => self.session.handle_ws(now, frame("2probe")),
            Input::Upgrade => self.session.handle_ws(now, frame("5")),
            Input::Gone => {
                self.session.handle_ws_closed(now, WsClosed::Lost);
                self.owed.open = false;
            }
            Input::Send => drop(self.session.send(now, text("x"), Flags::default())),
            Input::Due => {
                if let Some(due) = self.session.poll_timeout() {
                    self.now = due.at;
                    self.session.handle_timeout(due.at);
                }
            }
            Input::Pause => {
                self.paused = !self.paused;
                self.session.pause(now, self.paused);
            }
            Input::Close => self.session.close(now, Close::Flush),
        }
        // What is sent lies in the socket until something else happens.
        self.drain(input != Input::Send);
        is_sound(&mut self.session, 3 + 1);
    }

    /// Takes all that is to be done. `flushed`: it has left, too.
    fn drain(&mut self, flushed: bool) {
        self.owed.take(&mut self.session);
        if flushed {
            self.session.handle_ws_flushed(self.now);
            self.owed.take(&mut self.session);
        }
        assert_eq!(self.owed.ended, self.session.is_closed(), "the end is told");
        if self.owed.ended {
            self.owed.is_nothing();
        }
    }

    /// Nobody acts any more: it ends by itself, whatever it was in the middle of.
    fn rest(mut self) {
        if std::mem::take(&mut self.paused) {
            self.session.pause(self.now, false);
            self.drain(true);
        }
        for _ in 0..20 {
            if self.owed.ended {
                return;
            }
            self.step(Input::Due);
        }
        panic!("it lasts: {:?}", self.session.states());
    }

    fn cell(&self) -> Cell {
        let stage = match (self.session.is_closed(), self.session.is_closing()) {
            (true, _) => "closed",
            (false, true) => "closing",
            (false, false) => "open",
        };
        let paused = if self.paused { "paused" } else { "read" };
        let [mut get, mut post, mut beside] = ["no GET", "no POST", "alone"];
        let (transport, writes) = match &self.session.state {
            State::Closed(_) => ("none", "nothing"),
            State::Polling(polling) => {
                if polling.parked.is_some() {
                    get = "GET";
                }
                post = match &polling.post {
                    Incoming::Nothing => post,
                    Incoming::Body(_) => "body",
                    Incoming::Packets(_) => "packets",
                };
                beside = match &polling.beside {
                    Beside::Nothing => beside,
                    Beside::Candidate(it) if it.noop_at.is_some() => "probed",
                    Beside::Candidate(_) => "candidate",
                    Beside::Dismissed(_) => "dismissed",
                };
                ("polling", "nothing")
            }
            State::WebSocket(websocket) => {
                // It is given up if it stays so.
                assert_eq!(websocket.busy, websocket.stalled_at.is_some());
                let writes = if websocket.busy { "busy" } else { "nothing" };
                ("websocket", writes)
            }
        };
        [stage, transport, get, post, beside, writes, paused]
    }
}

/// Every way to go on from here, so many inputs far. What was reached two inputs before the last is left alone: it
/// ends by itself.
fn explore(world: &World, left: usize, matrix: &mut Matrix) {
    if left == 0 {
        return;
    }
    if left == 2 {
        world.clone().rest();
    }
    let cell = world.cell();
    for input in INPUTS {
        *matrix.entry((cell, input)).or_default() += 1;
        let mut next = world.clone();
        next.step(input);
        explore(&next, left - 1, matrix);
    }
}

/// All histories from here: what each cell met.
fn all(opened: Opened, scope: usize) -> Matrix {
    let mut matrix = Matrix::new();
    let world = World::new(opened);
    explore(&world, scope, &mut matrix);
    matrix
}

fn scope() -> usize {
    let said = option_env!("SIO_SCOPE");
    said.map_or(SCOPE, |said| said.parse().expect("SIO_SCOPE is a number"))
}

/// Cells by the place of a dimension, and what was seen there.
fn seen(matrix: &Matrix, dimension: usize) -> BTreeSet<&'static str> {
    matrix.keys().map(|(cell, _)| cell[dimension]).collect()
}

#[test]
fn whatever_happens_to_one_that_polls_is_sound() {
    let scope = scope();
    let matrix = all(POLLING, scope);
    let histories: usize = matrix.values().sum();
    let expected: usize = (1..=scope).map(|inputs| 13_usize.pow(inputs as u32)).sum();
    assert_eq!(histories, expected);
    // Each cell meets each input.
    let cells: BTreeSet<Cell> = matrix.keys().map(|(cell, _)| *cell).collect();
    assert_eq!(matrix.len(), cells.len() * INPUTS.len());
    assert!(cells.len() >= CELLS, "{cells:#?}");
    for (dimension, all) in DIMENSIONS.iter().enumerate() {
        assert_eq!(seen(&matrix, dimension), all.iter().copied().collect());
    }
    // Worlds hardly meet it: who has probed goes over, and asks for nothing by requests meanwhile.
    for input in [Input::Poll, Input::Open] {
        let met = matrix.get(&(ENDS_PROBED, input));
        assert!(met.is_some_and(|histories| *histories > 0), "{input:?}");
    }
}

#[test]
fn whatever_happens_to_one_of_revision_3_is_sound() {
    all(POLLING_3, scope() - 1);
}

#[test]
fn whatever_happens_to_one_by_websocket_is_sound() {
    for opened in [WEBSOCKET, WEBSOCKET_3] {
        all(opened, scope() - 1);
    }
}

/// All that a session by requests can be in the middle of within [`SCOPE`] inputs.
const DIMENSIONS: [&[&str]; 7] = [
    &["open", "closing", "closed"],
    &["polling", "websocket", "none"],
    &["no GET", "GET"],
    &["no POST", "body", "packets"],
    &["alone", "candidate", "probed"],
    &["nothing", "busy"],
    &["read", "paused"],
];

/// It ends by polling, with a candidate that was probed.
const ENDS_PROBED: Cell = [
    "closing", "polling", "no GET", "no POST", "probed", "nothing", "read",
];

/// Cells that are reached within [`SCOPE`] inputs, at least.
const CELLS: usize = 43;
