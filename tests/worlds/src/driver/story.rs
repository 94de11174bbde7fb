//! What happens in a world.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::cluster::Cluster;
use sio_sim::{Error, Io, Lookup, Recording, Served, Sim, TransportKind, secs};

use super::application::{self, TO_ALL, VOLATILE};
use super::broker::{BROKER, Hub};
use super::guest::Guest;
use super::model::{Book, Life, Model, lock};
use super::options::{self, Fault, Options, PING_INTERVAL, PING_TIMEOUT};
use super::rude;

/// What is left of a world when it is over.
#[derive(Default)]
pub(super) struct World {
    book: Book,
    options: Mutex<Option<Options>>,
    /// Of its connections and clients that are over, if they are recorded.
    logs: Option<Logs>,
}

/// Acts before nothing goes wrong any more.
const ACTS: u64 = 100;

/// Within which both sides agree, once nothing goes wrong: a silence is noticed, and what was dialled meanwhile has failed
/// and was dialled again.
const HEALED: Duration = Duration::from_secs(PING_INTERVAL.as_secs() + PING_TIMEOUT.as_secs() + 16);

/// How often clients come back that what they had still to say takes out again.
const ROUNDS: usize = 10;

/// By when clients by hand have ended.
const ENDED: Duration = Duration::from_secs(60);

/// What lies between two last words. No number of these, with the second behind each round of them, comes to where the
/// heartbeat is again: of what one is told at most one meets its ping.
const APART: Duration = Duration::from_millis(1100);

impl World {
    /// One whose connections and clients are recorded.
    pub(super) fn recorded() -> Self {
        Self {
            logs: Some(Arc::default()),
            ..Self::default()
        }
    }

    pub(super) fn logs(&self) -> Vec<Vec<u8>> {
        let logs = self.logs.as_ref();
        let logs = logs.map(|logs| logs.lock().unwrap_or_else(PoisonError::into_inner).clone());
        logs.unwrap_or_default()
    }

    /// What was drawn before it began; nothing, if it did not come to that.
    pub(super) fn options(&self) -> Option<Options> {
        let options = self.options.lock();
        options.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of it.
    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.book)
    }
}

pub(super) async fn live(sim: Sim, world: &World) -> Result<(), Error> {
    let options = sim.choose(Options::draw);
    *world.options.lock().unwrap_or_else(PoisonError::into_inner) = Some(options.clone());
    let hub = options
        .together
        .as_ref()
        .map(|it| Hub::new(&sim, it.manners()));
    lock(&world.book).nodes.together = options.together.clone();
    let mut servers = Vec::new();
    for number in 0..options.servers() {
        servers.push(Process::serve(&sim, number, &options, world, hub.as_ref())?);
    }
    sim.weather(options.weather());
    let mut guests = Vec::new();
    let by_name = options.has(Fault::Names);
    for (number, party) in options.guests.iter().enumerate() {
        let home = options.home(number);
        let recorded = (by_name, recording(world.logs.as_ref()));
        let guest = Guest::new(&sim, &servers[home].served, number, party, recorded)?;
        let home = options::server(home);
        lock(&world.book).excuses.lives(&guest.name, home);
        guests.push(guest);
        lock(&world.book).marks.insert(match party.old {
            true => "revision 4",
            false => "revision 5",
        });
    }
    let mut party = Party {
        sim,
        servers,
        hub,
        options,
        guests,
        book: world.book.clone(),
    };
    party.acts().await?;
    party.heals().await?;
    party.last_words().await?;
    party.leaves().await
}

/// The logs of connections, if they are kept.
type Logs = Arc<Mutex<Vec<Vec<u8>>>>;

fn recording(logs: Option<&Logs>) -> Option<Recording> {
    let logs = logs?.clone();
    let keep = move |log| {
        logs.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(log)
    };
    Some(Recording::new(keep))
}

/// A server on its host, in whichever process.
struct Process {
    name: String,
    served: Served,
    /// What runs there now.
    io: Arc<Mutex<Io>>,
    /// It is away.
    crashed: bool,
}

impl Process {
    fn serve(
        sim: &Sim,
        number: usize,
        options: &Options,
        world: &World,
        hub: Option<&Hub>,
    ) -> Result<Self, Error> {
        let name = options::server(number);
        let host = sim.host(&name);
        let (book, logs, its) = (world.book.clone(), world.logs.clone(), options.clone());
        let begins = {
            let (name, host, hub) = (name.clone(), host.sim().clone(), hub.cloned());
            move || -> Io {
                let node = lock(&book).nodes.begin(&name);
                let io = application::io(&its, &book, node);
                if let (Some(hub), Some(together)) = (&hub, &its.together) {
                    let cluster = Cluster::join(&host, hub.line(number), together.cluster());
                    let adapter = io.set_adapter(cluster.adapter());
                    adapter.expect("nobody is served yet");
                }
                application::serve_all(&io, &book, node);
                if let Some(recording) = recording(logs.as_ref()) {
                    io.record(recording);
                }
                io
            }
        };
        let io = Arc::new(Mutex::new(begins()));
        let first = io.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let served = match hub {
            // What the application keeps outlives its process, as if it kept it somewhere else.
            None => host.serve(&first)?,
            Some(_) => {
                let (next, now) = (Mutex::new(Some(first)), io.clone());
                host.serve_with(move || {
                    let first = next.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let io = first.unwrap_or_else(&begins);
                    *now.lock().unwrap_or_else(PoisonError::into_inner) = io.clone();
                    io.into()
                })?
            }
        };
        Ok(Self {
            name,
            served,
            io,
            crashed: false,
        })
    }

    fn sessions(&self) -> usize {
        let io = self.io.lock().unwrap_or_else(PoisonError::into_inner);
        io.engine_sessions()
    }
}

/// All who take part, and what they take part in.
struct Party {
    sim: Sim,
    servers: Vec<Process>,
    /// What joins them, if there are several.
    hub: Option<Hub>,
    options: Options,
    guests: Vec<Guest>,
    book: Book,
}

impl Party {
    /// They do something, and now and then something goes wrong.
    async fn acts(&mut self) -> Result<(), Error> {
        let faults = self.options.by_hand();
        let mut hands = 0;
        for _ in 0..ACTS {
            let (what, wait) = self.sim.choose(|it| {
                it.part();
                (it.below(20), it.below(600))
            });
            match what {
                18 => self.fault(&faults),
                19 if hands < self.options.hands => {
                    let script = self.sim.choose(|it| it.below(rude::SCRIPTS));
                    let name = format!("hand{hands}");
                    let address = self.servers[0].served.address();
                    rude::send(&self.sim, &name, address, &self.book, script);
                    hands += 1;
                }
                _ => {
                    let at = self.sim.choose(|it| it.index(self.guests.len()));
                    self.guests[at].act(&self.sim, &self.options)?;
                }
            }
            // Half of what happens, happens at once.
            self.step(Duration::from_millis(wait.saturating_sub(300)))
                .await?;
        }
        Ok(())
    }

    /// Something goes wrong, by hand.
    fn fault(&mut self, faults: &[Fault]) {
        let (sim, guests) = (&self.sim, &self.guests);
        let Some(fault) = sim.choose(|it| it.pick(faults).copied()) else {
            return;
        };
        let (at, long, which) = sim.choose(|it: &mut Choices| {
            let at = it.index(guests.len());
            (at, Duration::from_millis(it.below(12_000)), it.index(3))
        });
        let home = self.options.home(at);
        let process = &mut self.servers[home];
        let (guest, server) = (&*guests[at].name, &*process.name);
        let host = if which == 2 { server } else { guest };
        // The other half of two of them is that they end.
        let lasts = matches!(fault, Fault::Hold | Fault::Partition);
        if !(lasts && which == 2 || fault == Fault::Crash && process.crashed) {
            lock(&self.book).faults.push(fault);
        }
        match fault {
            Fault::Stall => sim.stall(host, long),
            Fault::Jump => sim.jump(host, long),
            Fault::Hold if which == 0 => sim.hold(guest, server),
            Fault::Hold if which == 1 => sim.hold(server, guest),
            Fault::Partition if which < 2 => sim.partition(guest, server),
            Fault::Hold | Fault::Partition => sim.heal(),
            Fault::Crash if process.crashed => {
                sim.restart(server);
                process.crashed = false;
            }
            Fault::Crash => {
                lock(&self.book).crash(server);
                sim.crash(server);
                process.crashed = true;
            }
            Fault::Names => {
                let lookup = [Lookup::Fail, Lookup::Wait, Lookup::Hang][which];
                sim.lookups(guest, lookup, long);
                // It has to look one up before that shows.
                if sim.choose(|it| it.one_in(2)) {
                    sim.cut(guest, server);
                }
            }
            Fault::Suspend => sim.suspend(guest, long * 2),
            Fault::Line | Fault::Broker => {
                let whose = (fault == Fault::Line).then_some(home);
                let cut = self.hub.iter().flat_map(|hub| hub.cut(whose, long));
                let cut: Vec<usize> = cut.collect();
                let mut model = lock(&self.book);
                for at in cut {
                    model.nodes.cut(&self.servers[at].name);
                }
                model.marks.insert("a line to the broker was cut");
            }
            Fault::Wait => {
                sim.stall(BROKER, long);
                lock(&self.book).nodes.waits(sim.elapsed() + long);
            }
            Fault::Delay
            | Fault::Narrow
            | Fault::Short
            | Fault::Cut
            | Fault::Outage
            | Fault::Stop => {}
        }
    }

    /// A while passes, and everybody looks what has come.
    async fn step(&mut self, time: Duration) -> Result<(), Error> {
        self.sim.advance(time).await;
        let faults = self.sim.faults();
        lock(&self.book).excuses.look(&faults);
        for guest in &mut self.guests {
            guest.hear(&self.sim, &self.book).await?;
        }
        if self.hub.is_some() {
            lock(&self.book).look_afar(false);
        }
        let most = self.options.sessions;
        let sessions = self.servers.iter().map(Process::sessions).max();
        if let Some(sessions) = sessions.filter(|it| *it > most) {
            return Err(format!("bounds: {sessions} sessions where {most} may be").into());
        }
        self.holds()
    }

    /// Whether all has held until now.
    fn holds(&self) -> Result<(), Error> {
        match lock(&self.book).broken() {
            Some(broken) => Err(broken.into()),
            None => Ok(()),
        }
    }

    /// Nothing goes wrong any more: all come together.
    async fn heals(&mut self) -> Result<(), Error> {
        self.sim.calm();
        for process in &mut self.servers {
            if std::mem::take(&mut process.crashed) {
                self.sim.restart(&process.name);
            }
        }
        if let Some(hub) = &self.hub {
            hub.calm();
            lock(&self.book).marks.insert("several servers");
        }
        self.options.late = false;
        for _ in 0..ROUNDS {
            for guest in &self.guests {
                guest.seats.iter().for_each(|seat| seat.socket.open());
            }
            self.step(HEALED).await?;
            if !self.is_anybody_out() {
                break;
            }
        }
        let narrow = self.options.sessions < 10;
        for guest in &self.guests {
            let name = &guest.name;
            if !guest.is_in() && !narrow {
                return Err(format!("heal: {name} is away still").into());
            }
            if guest.waits() > 0 {
                return Err(format!("ack: {name} waits still").into());
            }
        }
        self.agree()
    }

    /// Whether somebody was taken out, and has not come back.
    fn is_anybody_out(&self) -> bool {
        let mut seats = self.guests.iter().flat_map(|guest| &guest.seats);
        seats.any(|seat| seat.out && !seat.socket.is_connected())
    }

    /// Both sides say the same of who is in.
    fn agree(&self) -> Result<(), Error> {
        let seats = self.guests.iter().flat_map(|guest| &guest.seats);
        let there = seats.filter(|seat| seat.socket.is_connected());
        let there: BTreeSet<_> = there.filter_map(|seat| seat.id.clone()).collect();
        let mut model = lock(&self.book);
        if !model.nodes.are_whole() {
            return Err("heal: a server is not in its cluster".into());
        }
        model.look_afar(true);
        if let Some(broken) = model.broken() {
            return Err(broken.into());
        }
        let alive = model
            .sockets()
            .filter(|(_, known)| known.life == Life::Connected);
        let here = alive.filter(|(_, known)| !known.guest.is_empty());
        let here: BTreeSet<_> = here.map(|(id, _)| id.clone()).collect();
        if here != there {
            return Err(format!("dead: {here:?} are in, and {there:?} think so").into());
        }
        for id in &there {
            let unheard = model.unheard(id);
            if !unheard.is_empty() {
                return Err(format!("heal: {id} has not heard {unheard:?}").into());
            }
        }
        Ok(())
    }

    /// What is said now is heard by all.
    async fn last_words(&mut self) -> Result<(), Error> {
        for way in [TO_ALL, VOLATILE, VOLATILE] {
            for guest in &mut self.guests {
                for at in 0..guest.seats.len() {
                    if guest.seats[at].socket.is_connected() {
                        guest.say(at, way)?;
                        // One after the other: nobody is busy when it is said.
                        self.sim.advance(APART).await;
                    }
                }
            }
            self.step(secs(1)).await?;
            self.agree()?;
        }
        let mut model = lock(&self.book);
        for seat in self.guests.iter().flat_map(|guest| &guest.seats) {
            let transport = seat.socket.client().transport();
            model.marks.extend(transport.map(|it| match it {
                TransportKind::Polling => "by polling",
                TransportKind::WebSocket => "by websocket",
            }));
            let id = seat.id.as_deref().unwrap_or_default();
            // One may meet a ping that is being written, and is dropped for it; the next comes a second later.
            if transport == Some(TransportKind::WebSocket) && model.missed(id) > 1 {
                return Err(format!("volatile: {id} was ready and has not heard all").into());
            }
        }
        Ok(())
    }

    /// All go, and nothing is left of them.
    async fn leaves(mut self) -> Result<(), Error> {
        for (number, guest) in std::mem::take(&mut self.guests).into_iter().enumerate() {
            guest.leave(number == 0);
        }
        self.step(ENDED).await?;
        self.hub.iter().for_each(Hub::end);
        let model = lock(&self.book);
        let sessions: usize = self.servers.iter().map(Process::sessions).sum();
        if sessions > 0 {
            return Err(format!("dead: {sessions} sessions are left").into());
        }
        if model.asked != model.ended {
            let (asked, ended) = (model.asked, model.ended);
            return Err(format!("ack: {asked} were asked, and {ended} have ended").into());
        }
        for (id, known) in model.sockets() {
            if !matches!(known.life, Life::Over | Life::Crashed) {
                return Err(format!("life: {id} is {:?} still", known.life).into());
            }
        }
        drop(model);
        let faults = self.sim.faults();
        let mut model = lock(&self.book);
        let kinds = [
            "crash",
            "cut",
            "hold",
            "jump",
            "lookups",
            "partition",
            "stall",
            "suspend",
        ];
        for (_, fault) in faults {
            let kind = kinds.iter().filter(|kind| fault.starts_with(**kind));
            model.marks.extend(kind);
        }
        Ok(())
    }
}
