//! A world: machines on a network of data, under a clock that is nobody's.

use std::collections::BTreeMap;
use std::time::Duration;

use sio_core::deadline::Why;
use sio_core::engine::Session;
use sio_core::id::HashKey;
use sio_core::namespaces::Pattern;
use sio_core::protocol::TransportKind;
use sio_core::server::Server;
use sio_core::time::Instant;
use sio_sim::choices::Choices;

use crate::application::Application;
use crate::failure::hold;
use crate::hand::Hand;
use crate::knocks::Knocks;
use crate::machine::Machine;
use crate::marks::{Mark, Marks};
use crate::matrix::{Cells, Input, Standings};
use crate::network::{Delivery, Network, Party, Side, Taken};
use crate::options::{Child, Fault, Options, PING_INTERVAL, PING_TIMEOUT};
use crate::properties::Ledger;
use crate::slow::Readers;
use crate::trace::Trace;

pub(crate) struct World {
    pub(crate) choices: Choices,
    pub(crate) options: Options,
    pub(crate) now: Instant,
    pub(crate) server: Server<u64>,
    /// Of the server's connections that are over, if they are recorded.
    pub(crate) logs: Option<Vec<Vec<u8>>>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) hands: BTreeMap<Party, Hand>,
    pub(crate) network: Network,
    pub(crate) application: Application,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    pub(crate) marks: Marks,
    pub(crate) readers: Readers,
    pub(crate) cells: Cells,
    pub(crate) standings: Standings,
    pub(crate) knocks: Knocks,
    /// Inputs to machines, and what was done by an application.
    pub(crate) steps: u64,
    /// Messages that an application was told, of either side.
    pub(crate) events: u64,
    /// The server's process stands still until then, and what has come for it lies there.
    stands_still: Option<Instant>,
    pub(crate) lies_there: Vec<Delivery>,
    /// Until then machines forgive others what they themselves were held up by.
    pub(crate) excused: Instant,
    /// It does not stand still again before that.
    rests_until: Instant,
    /// It stands still for so long when the next ping waits that nobody has fetched.
    pub(crate) stops_at_ping: Option<Duration>,
    /// Machines whose outputs are to be looked at.
    touched: Vec<Party>,
    drawn: u64,
}

pub(crate) const NAMESPACES: [&str; 2] = ["/", "/b"];

/// So many things happen by themselves between two that somebody does.
const PASSES: [u32; 8] = [1, 1, 1, 2, 2, 5, 12, 30];

/// A client by requests hears and answers within this, on the slowest of networks.
const COMES_AND_GOES: Duration = Duration::from_secs(2);

/// What takes no time to speak of.
const SOON: Duration = Duration::from_millis(5);
/// Timers are this late at most where they are.
const LATE: u64 = 200;
/// Between two times that the server stands still.
const RESTS: Duration = Duration::from_secs(20);
/// As much longer as machines give others because they were held up themselves.
const EXCUSED: Duration = Duration::from_secs(10);

impl World {
    pub(crate) fn new(mut choices: Choices, told: bool) -> Self {
        let options = Options::draw(&mut choices);
        let mut machines: Vec<_> = options
            .clients
            .iter()
            .enumerate()
            .map(|party| Machine::new(party, false))
            .collect();
        let mut trace = Trace::new(told);
        trace.note(Instant::ORIGIN, 0, || options.to_string());
        for machine in &mut machines {
            machine.open_all(Instant::ORIGIN);
        }
        Self {
            server: server(&options),
            logs: None,
            touched: (0..machines.len()).collect(),
            machines,
            hands: BTreeMap::new(),
            choices,
            options,
            trace,
            now: Instant::ORIGIN,
            network: Network::default(),
            application: Application::default(),
            ledger: Ledger::default(),
            marks: Marks::default(),
            readers: Readers::default(),
            cells: Cells::default(),
            standings: Standings::new(NAMESPACES),
            knocks: Knocks::default(),
            steps: 0,
            events: 0,
            stands_still: None,
            lies_there: Vec::new(),
            excused: Instant::ORIGIN,
            rests_until: Instant::ORIGIN,
            stops_at_ping: None,
            drawn: 0,
        }
    }

    pub(crate) fn parties(&self) -> Party {
        self.machines.len()
    }

    pub(crate) fn touch(&mut self, party: Party) {
        if party < self.machines.len() && !self.touched.contains(&party) {
            self.touched.push(party);
        }
    }

    /// Something is noted: as a number for comparison, and as text if anybody reads it.
    pub(crate) fn note(&mut self, number: u64, line: impl FnOnce() -> String) {
        self.trace.note(self.now, number, line);
    }

    /// All that goes wrong goes wrong here: until nothing more is drawn.
    pub(crate) fn live(&mut self) {
        self.settle();
        loop {
            let before = self.now;
            self.choices.part();
            if !self.step() {
                return self.settle();
            }
            self.steps += 1;
            // Several things may come at once, but nobody looks away while time passes.
            let together = self.options.has(Fault::Together) && self.now == before;
            match together && self.choices.one_in(3) {
                true => self.options.does(Fault::Together),
                false => self.settle(),
            }
        }
    }

    /// Something that happens. `false`: the end.
    fn step(&mut self) -> bool {
        match self.choices.weighted(&[1, 60, 100, 60, 40, 60]) {
            0 => return false,
            1 => {
                // Time passes, for a while at times: a list that needs much of it is short all the same.
                for _ in 0..PASSES[self.choices.index(PASSES.len())] {
                    self.next_thing();
                }
            }
            2 => self.client_acts(),
            3 => self.server_acts(),
            4 => self.fault(),
            _ => self.hand_acts(),
        }
        true
    }

    /// Nothing goes wrong any more; a timer that is late by now rings all the same.
    pub(crate) fn calms(&mut self) {
        if self.options.has(Fault::Late) {
            let late = Duration::from_millis(LATE) * 2;
            self.excused = self.excused.max(self.now + late);
        }
        self.options.calm();
        self.stops_at_ping = None;
        self.wake(true);
    }

    pub(crate) fn stands_still(&self) -> bool {
        self.stands_still.is_some()
    }

    pub(crate) fn rests(&mut self) {
        self.rests_until = self.now + RESTS;
    }

    /// Whether the server may stand still now: not again at once, for that is forgiven once.
    pub(crate) fn may_stop(&self) -> bool {
        self.stands_still.is_none() && self.now >= self.rests_until
    }

    /// Time passes until the next thing arrives or is due. `false`: there is none.
    pub(crate) fn next_thing(&mut self) -> bool {
        self.settle();
        let late = match self.options.has(Fault::Late) {
            true => Duration::from_millis(LATE),
            false => Duration::ZERO,
        };
        let machines = self.machines.iter();
        let mut timer = machines.filter_map(|it| it.due(late)).min();
        if self.stands_still.is_none() {
            let due = self.server.poll_timeout().map(|due| due.at + late);
            timer = timer.into_iter().chain(due).min();
        }
        timer = timer.into_iter().chain(self.stands_still).min();
        let arrives = self.network.next_at();
        let Some(at) = timer.into_iter().chain(arrives).min() else {
            return false;
        };
        self.now = self.now.max(at);
        if arrives.is_some_and(|arrives| timer.is_none_or(|timer| arrives <= timer)) {
            if let Some(delivery) = self.network.arrived(self.now) {
                self.deliver(delivery);
            }
            self.more_arrives();
        } else {
            self.timers(late);
        }
        self.in_time();
        true
    }

    fn timers(&mut self, late: Duration) {
        if self.stands_still.is_some_and(|until| until <= self.now) {
            return self.goes_on();
        }
        self.wake(false);
        let now = self.now;
        if !late.is_zero() {
            self.options.does(Fault::Late);
        }
        for party in 0..self.machines.len() {
            let machine = &mut self.machines[party];
            if machine.due(late).is_some_and(|due| due <= now) {
                machine.client.handle_timeout(machine.clock(now));
                let due = machine.deadline();
                hold!(
                    Pace,
                    due.is_none_or(|due| due.at > now),
                    "client {party}: {due:?} is over at {now:?}"
                );
                self.steps += 1;
                self.touch(party);
            }
        }
        let due = self.server.poll_timeout();
        if self.stands_still.is_none() && due.is_some_and(|due| due.at + late <= now) {
            self.server_is_due();
        }
    }

    fn server_is_due(&mut self) {
        let now = self.now;
        self.steps += 1;
        self.meet_timeouts();
        self.server.handle_timeout(now);
        let due = self.server.poll_timeout();
        hold!(
            Pace,
            due.is_none_or(|due| due.at > now),
            "the server: {due:?} is over at {now:?}"
        );
        self.may_stop_at_ping();
    }

    /// The server's process runs again: it looks at what lies there before what is due.
    fn goes_on(&mut self) {
        self.stands_still = None;
        self.note(2, || "the server goes on".to_owned());
        self.rests();
        // Who speaks by requests could not be sent its ping meanwhile, and has less time for its pong, which is not
        // over yet: what is over is looked at once more.
        for (connection, _) in self.ledger.blame.connections().collect::<Vec<_>>() {
            let Some(its) = self.server.connection(connection) else {
                continue;
            };
            let due = its.session().poll_timeout();
            let excused = due.is_some_and(|due| {
                // It has as much time again as was lost, and needs to come and go.
                let over = due.at + COMES_AND_GOES <= self.now;
                due.at <= self.now && due.why == Why::Ping || over && due.why == Why::PingTimeout
            });
            if its.session().transport() == TransportKind::Polling && !excused {
                self.ledger
                    .blame
                    .cause_one(connection, "the server stood still");
            }
        }
        self.server.handle_late(self.now);
        if !self.lies_there.is_empty() {
            self.marks.reach(Mark::LayThere);
        }
        for delivery in std::mem::take(&mut self.lies_there) {
            self.deliver(delivery);
        }
        self.settle();
        if self
            .server
            .poll_timeout()
            .is_some_and(|due| due.at <= self.now)
        {
            self.server_is_due();
        }
    }

    /// What should have happened by now.
    fn in_time(&mut self) {
        if self.stands_still.is_some() {
            return;
        }
        self.ledger.acks.overdue(self.now);
        let lives = |connection| {
            let session = self.server.connection(connection).map(|it| it.session());
            session.is_some_and(Session::is_open)
        };
        self.ledger.answers.overdue(self.now, lives);
        self.ledger.dead.overdue(self.now);
        self.readers_in_time();
        self.knocks.in_time(self.now);
        if let Some((party, since)) = self.network.oldest() {
            let waits = self.now.saturating_duration_since(since);
            hold!(
                Answer,
                waits <= PING_INTERVAL + PING_TIMEOUT + EXCUSED * 2,
                "a request of {party} waits for {waits:?}"
            );
        }
    }

    /// How long something is on its way.
    pub(crate) fn delay(&mut self) -> Duration {
        let late = match self.options.has(Fault::Delay) {
            true => self.choices.below(20),
            false => 0,
        };
        if late > 0 {
            self.options.does(Fault::Delay);
        }
        SOON + Duration::from_millis(late * 25)
    }

    /// All that follows at once.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1000 {
            let mut idle = true;
            while let Some(party) = self.touched.pop() {
                idle = false;
                self.drain_client(party);
            }
            if self.stands_still.is_none() {
                idle &= !self.drain_server();
            }
            if idle {
                if self.stands_still.is_none() {
                    self.keeps_no_more();
                    self.holds_no_place();
                }
                self.watch();
                return;
            }
        }
        hold!(Pace, false, "it never comes to rest");
    }

    /// Carries out what the server wants. Whether there was anything.
    fn drain_server(&mut self) -> bool {
        let mut busy = false;
        while let Some(event) = self.server.poll_event(self.now) {
            busy = true;
            self.server_hears(event);
        }
        while let Some((served, response)) = self.server.poll_http() {
            busy = true;
            let answered = self.network.answered(served);
            hold!(
                Answer,
                answered.is_some(),
                "{served:?} has two answers: {response:?}"
            );
            if let Some((to, id)) = answered
                && self.network.is_wanted(to, id)
            {
                let at = self.now + self.delay();
                let response = Ok(response.http);
                self.network
                    .push(at, Delivery::Response { to, id, response });
            }
        }
        busy |= self.knocks_are_answered();
        if let Some(logs) = &mut self.logs {
            logs.extend(std::iter::from_fn(|| self.server.poll_log()));
        }
        while let Some(connection) = self.server.poll_writable() {
            busy |= self.pull(connection);
        }
        busy
    }

    /// Takes from a connection what its WebSocket has room for.
    pub(crate) fn pull(&mut self, connection: sio_core::server::ConnectionKey) -> bool {
        let mut busy = false;
        let wire = self.network.wire_of(connection);
        // While it takes nothing, nothing is given to it; once its session is over nobody waits for it.
        let lives = self.ledger.blame.party(connection).is_some();
        let full = |network: &Network| {
            lives && wire.is_some_and(|wire| network.is_full(wire, Side::Server))
        };
        while !full(&self.network)
            && let Some(out) = self.server.poll_ws(connection)
        {
            busy = true;
            if let Some(wire) = wire {
                self.network.say(wire, Side::Server, out.into());
            }
        }
        if let Some(wire) = wire {
            self.flush(wire, Side::Server);
        }
        busy
    }

    /// Takes what an end of a WebSocket has to say, all of it or a part.
    pub(crate) fn flush(&mut self, wire: usize, side: Side) {
        loop {
            if self.network.is_idle(wire, side) || self.network.is_stalled(wire, side) {
                break;
            }
            let most = match self.options.has(Fault::Short) {
                true => 1 + self.choices.index(3),
                false => usize::MAX,
            };
            let at = self.now + self.delay();
            let taken = self.network.take(at, wire, side, most);
            let id = self.network.wire(wire).id;
            let party = self.network.wire(wire).party;
            let connection = self.network.wire(wire).connection;
            match (side, taken) {
                (_, Taken::Nothing) => break,
                (Side::Server, Taken::Some) => {
                    if most < usize::MAX {
                        self.options.does(Fault::Short);
                    }
                    self.meets(connection, Input::Progress);
                    self.server.handle_ws_progress(self.now, connection);
                }
                (Side::Server, Taken::All) => {
                    self.meets(connection, Input::Flushed);
                    self.server.handle_ws_flushed(self.now, connection);
                    self.readers.flushed(connection);
                }
                (Side::Client, _) if party >= self.machines.len() => {}
                (Side::Client, taken) => {
                    let machine = &mut self.machines[party];
                    let now = machine.clock(self.now);
                    match taken {
                        Taken::All => machine.client.handle_ws_flushed(now, id),
                        Taken::Nothing | Taken::Some => machine.client.handle_ws_progress(now, id),
                    }
                }
            }
        }
        if side == Side::Client {
            let party = self.network.wire(wire).party;
            self.touch(party);
        }
    }

    pub(crate) fn random(&mut self) -> [u8; 15] {
        self.drawn += 1;
        let mut random = [7; 15];
        random[..8].copy_from_slice(&self.drawn.to_be_bytes());
        random
    }

    /// Whether the clock has jumped, or timers were late, and not all that was due meanwhile has been looked at.
    pub(crate) fn is_excused(&self) -> bool {
        self.now < self.excused
    }

    /// How much later than it is due something is found to be over: timers may be late, and machines give others
    /// as much again.
    pub(crate) fn slack(&self) -> Duration {
        let clocks = [Fault::Late, Fault::Stop, Fault::Jump, Fault::Suspend];
        let late = match clocks.into_iter().any(|fault| self.options.has(fault)) {
            true => EXCUSED * 3,
            false => Duration::from_millis(1),
        };
        late + self.excused.saturating_duration_since(self.now)
    }

    /// The clock has jumped, or a process did not run.
    pub(crate) fn excuse(&mut self, longer: Duration) {
        self.excused = self.excused.max(self.now + longer);
        let longer = longer + EXCUSED;
        self.ledger.dead.excuse(longer);
        self.ledger.acks.excuse(longer);
        self.ledger.answers.excuse(longer);
        self.knocks.excuse(longer);
        self.readers.excuse(longer);
    }

    /// The number of something that has none yet.
    pub(crate) fn number(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    pub(crate) fn stop(&mut self, wait: Duration) {
        let until = self.now + wait;
        self.note(10, || format!("the server stands still for {wait:?}"));
        self.stands_still = Some(until);
        self.ledger
            .blame
            .stood_still(until + PING_TIMEOUT + EXCUSED);
        self.ledger.blame.unheard(until, self.machines.len());
        self.is_late_for_some(wait);
        self.excuse(wait * 2);
    }

    /// Something was done to everybody.
    pub(crate) fn blame_all(&mut self, cause: &'static str) {
        let hands = self.hands.keys().copied();
        for party in (0..self.machines.len()).chain(hands) {
            self.ledger.blame.cause(self.now, party, cause);
        }
    }

    /// The server dies, and another one takes its place.
    pub(crate) fn restart(&mut self) {
        self.note(11, || "the server dies".to_owned());
        if self.server.connections() > 0 {
            self.marks.reach(Mark::ServerDied);
        }
        self.blame_all("the server died");
        self.server = server(&self.options);
        if self.logs.is_some() {
            self.server.record(Some(usize::MAX));
        }
        self.application = Application::default();
        self.stands_still = None;
        self.stops_at_ping = None;
        self.lies_there.clear();
        self.ledger.acks.server_died();
        self.ledger.reach.server_died();
        self.ledger.lives.server_died();
        self.ledger.blame.server_died();
        self.ledger.dead.server_died();
        self.ledger.answers.server_died();
        self.ledger.secrets.server_died();
        self.ledger.recoveries.server_died();
        self.readers = Readers::default();
        self.standings = Standings::new(NAMESPACES);
        self.knocks = Knocks::default();
        self.network
            .server_died(self.now + Duration::from_millis(1));
    }
}

fn server(options: &Options) -> Server<u64> {
    let mut server =
        Server::new(options.server.clone(), HashKey([1, 2])).expect("what is drawn is sound");
    let [main, other] = NAMESPACES;
    server.open_namespace(main);
    match options.child {
        Child::Opened => {
            server.open_namespace(other);
        }
        Child::Like => {
            let like: Pattern = other.parse().expect("it is one");
            server.open_parent(Some(like));
        }
        Child::Asked => {
            server.open_parent(None);
        }
    }
    server.decide_over_handshakes(options.knocks);
    server
}
