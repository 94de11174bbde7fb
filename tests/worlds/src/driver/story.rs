//! What happens in a world.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::{Error, Io, Lookup, Recording, Served, Sim, TransportKind, secs};

use super::application::{TO_ALL, VOLATILE, app};
use super::excuses::SERVER;
use super::guest::Guest;
use super::model::{Book, Life, lock};
use super::options::{Fault, Options, PING_INTERVAL, PING_TIMEOUT};
use super::rude;

/// What is left of a world when it is over.
#[derive(Default)]
pub(super) struct World {
    book: Book,
    options: Mutex<String>,
    /// Of its connections and clients that are over, if they are recorded.
    logs: Option<Arc<Mutex<Vec<Vec<u8>>>>>,
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

    pub(super) fn options(&self) -> String {
        let options = self.options.lock();
        options.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn marks(&self) -> BTreeSet<&'static str> {
        lock(&self.book).marks.clone()
    }
}

pub(super) async fn live(sim: Sim, world: &World) -> Result<(), Error> {
    let options = sim.choose(Options::draw);
    *world.options.lock().unwrap_or_else(PoisonError::into_inner) = options.to_string();
    let io = app(&options, &world.book);
    let recording = || {
        let logs = world.logs.clone()?;
        let keep = move |log| {
            logs.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(log)
        };
        Some(Recording::new(keep))
    };
    if let Some(recording) = recording() {
        io.record(recording);
    }
    let server = sim.host(SERVER).serve(&io)?;
    sim.weather(options.weather());
    let mut guests = Vec::new();
    let by_name = options.has(Fault::Names);
    for (number, party) in options.guests.iter().enumerate() {
        guests.push(Guest::new(
            &sim,
            &server,
            number,
            party,
            (by_name, recording()),
        )?);
        lock(&world.book).marks.insert(match party.old {
            true => "revision 4",
            false => "revision 5",
        });
    }
    let mut party = Party {
        sim,
        io,
        server,
        options,
        guests,
        book: world.book.clone(),
        crashed: false,
    };
    party.acts().await?;
    party.heals().await?;
    party.last_words().await?;
    party.leaves().await
}

/// All who take part, and what they take part in.
struct Party {
    sim: Sim,
    io: Io,
    server: Served,
    options: Options,
    guests: Vec<Guest>,
    book: Book,
    /// The server is away.
    crashed: bool,
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
                    rude::send(&self.sim, &name, self.server.address(), &self.book, script);
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
        let (guest, long, which) = sim.choose(|it: &mut Choices| {
            let at = it.index(guests.len());
            (
                &*guests[at].name,
                Duration::from_millis(it.below(12_000)),
                it.index(3),
            )
        });
        let host = if which == 2 { SERVER } else { guest };
        match fault {
            Fault::Stall => sim.stall(host, long),
            Fault::Jump => sim.jump(host, long),
            Fault::Hold if which == 0 => sim.hold(guest, SERVER),
            Fault::Hold if which == 1 => sim.hold(SERVER, guest),
            Fault::Partition if which < 2 => sim.partition(guest, SERVER),
            Fault::Hold | Fault::Partition => sim.heal(),
            Fault::Crash if self.crashed => {
                sim.restart(SERVER);
                self.crashed = false;
            }
            Fault::Crash => {
                lock(&self.book).crash();
                sim.crash(SERVER);
                self.crashed = true;
            }
            Fault::Names => {
                let lookup = [Lookup::Fail, Lookup::Wait, Lookup::Hang][which];
                sim.lookups(guest, lookup, long);
                // It has to look one up before that shows.
                if sim.choose(|it| it.one_in(2)) {
                    sim.cut(guest, SERVER);
                }
            }
            Fault::Suspend => sim.suspend(guest, long * 2),
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
        let (sessions, most) = (self.io.engine_sessions(), self.options.sessions);
        if sessions > most {
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
        if std::mem::take(&mut self.crashed) {
            self.sim.restart(SERVER);
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
        let model = lock(&self.book);
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
                        self.sim.advance(secs(1)).await;
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
        let model = lock(&self.book);
        let sessions = self.io.engine_sessions();
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
