//! A client of the driver's, and what it does and hears.

use std::time::Duration;

use futures_util::FutureExt;
use sio_sim::choices::Choices;
use sio_sim::client::{AckFuture, Event, Socket};
use sio_sim::{AckError, Bytes, Error, Recording, Served, Sim};

use super::application::{self, NAMESPACES, WAYS};
use super::model::{Book, lock};
use super::options::{ACK, Options, Party};
use super::questions::QUESTIONS;

/// One of those who take part.
pub(super) struct Guest {
    pub(super) name: String,
    pub(super) seats: Vec<Seat>,
    /// The number of what it has told last.
    told: u64,
    asked: Vec<Asked>,
    /// Whether its server has it in the first namespace as long as it has it at all (revision 4).
    stays: bool,
}

/// Its socket in a namespace.
pub(super) struct Seat {
    pub(super) socket: Socket,
    /// Who it is there, as the server has said first.
    pub(super) id: Option<String>,
    /// How often it has left by itself, and was not told yet that it has.
    left: u32,
    /// How often it came.
    came: u32,
    /// Whether its server has taken it out the last time.
    pub(super) out: bool,
}

struct Asked {
    number: u64,
    until: Duration,
    answer: AckFuture<u64>,
}

/// How much later than its time an ack may end, where nobody stands still.
const SLACK: Duration = Duration::from_secs(1);

impl Guest {
    pub(super) fn new(
        sim: &Sim,
        server: &Served,
        number: usize,
        party: &Party,
        (by_name, recording): (bool, Option<Recording>),
    ) -> Result<Self, Error> {
        let name = ["ann", "bob", "eve"][number].to_owned();
        let client = sim.host(&name).client(server);
        let client = if by_name { client.by_name() } else { client };
        let client = match recording {
            Some(recording) => client.record(recording),
            None => client,
        };
        let client = client
            .config(party.config())
            .transports(party.transports.clone())
            .query("name", &name)
            .build()?;
        let spaces = if party.both { 2 } else { 1 };
        let mut seats = Vec::new();
        for namespace in &NAMESPACES[..spaces] {
            seats.push(Seat {
                socket: client.socket(namespace)?,
                id: None,
                left: 0,
                came: 0,
                out: false,
            });
        }
        seats.iter().for_each(|seat| seat.socket.open());
        Ok(Self {
            name,
            seats,
            told: 0,
            asked: Vec::new(),
            stays: party.old && party.both,
        })
    }

    /// Does something or other.
    pub(super) fn act(&mut self, sim: &Sim, options: &Options) -> Result<(), Error> {
        let (at, act, way, room) = sim.choose(|it| {
            let at = it.index(self.seats.len());
            let act = match options.servers() {
                1 => it.weighted(&[12, 5, 6, 3, 2, 2, 1, 1]),
                _ => it.weighted(&[12, 5, 6, 3, 2, 2, 1, 1, 2, 4]),
            };
            (at, act, it.below(WAYS), it.below(3))
        });
        self.told += 1;
        let (number, now) = (self.told, sim.elapsed());
        let socket = &self.seats[at].socket;
        match act {
            0 => socket.emit("say", &(number, way, room))?,
            1 => socket.emit("move", &(number, room))?,
            2 => {
                let wait = sim.choose(|it: &mut Choices| application::wait(it, options.late));
                let answer = socket.emit_with_ack("count", &(number, wait));
                let until = now + ACK;
                self.asked.push(Asked {
                    number,
                    until,
                    answer,
                });
            }
            3 => socket.emit("ask me", &number)?,
            4 if at == 0 && self.stays => {}
            4 => {
                // Where it is not in, there is nothing to leave.
                self.seats[at].left += u32::from(socket.is_connected());
                self.seats[at].socket.disconnect();
            }
            5 => self.seats.iter().for_each(|seat| seat.socket.open()),
            6 if at == 0 && self.stays => {}
            6 => {
                // Nor does its connection end while it keeps it.
                let all = sim.choose(|it| it.one_in(3)) && !self.stays;
                socket.emit("take me out", &(number, all))?;
            }
            8 => socket.emit("tell servers", &number)?,
            9 => {
                let what = sim.choose(|it| it.below(QUESTIONS));
                socket.emit("survey", &(number, what))?;
            }
            _ => socket.volatile().emit("panic", &())?,
        }
        Ok(())
    }

    /// Says something to all.
    pub(super) fn say(&mut self, at: usize, way: u64) -> Result<(), Error> {
        self.told += 1;
        let socket = &self.seats[at].socket;
        Ok(socket.emit("say", &(self.told, way, 0))?)
    }

    /// Takes all that it was told.
    pub(super) async fn hear(&mut self, sim: &Sim, book: &Book) -> Result<(), Error> {
        for seat in &mut self.seats {
            while !seat.socket.heard().is_empty() {
                let event = seat.socket.next().await?;
                let late = sim.choose(|it| it.below(8));
                seat.take(&self.name, event, book, late)?;
            }
            seat.ends(&self.name, sim, book).await?;
        }
        self.answers(sim.elapsed(), book);
        Ok(())
    }

    /// Takes the answers that have come.
    fn answers(&mut self, now: Duration, book: &Book) {
        let mut open = Vec::new();
        for mut asked in self.asked.drain(..) {
            let mut model = lock(book);
            let Asked { number, until, .. } = asked;
            match (&mut asked.answer).now_or_never() {
                None if now > until + SLACK && !model.excuses.has(&self.name, now) => {
                    let seen = format!("{} waits for {number} since {until:?}", self.name);
                    model.breaks("ack", &seen);
                }
                None => open.push(asked),
                Some(Ok(answered)) if answered == number => {}
                Some(Err(AckError::Timeout)) => {
                    model.marks.insert("an ack timed out");
                }
                Some(Err(AckError::Disconnected | AckError::NotSent)) => {}
                Some(other) => {
                    model.breaks("ack", &format!("{number} is answered by {other:?}"));
                }
            }
        }
        self.asked = open;
    }

    pub(super) fn waits(&self) -> usize {
        self.asked.len()
    }

    pub(super) fn is_in(&self) -> bool {
        self.seats.iter().all(|seat| seat.socket.is_connected())
    }

    /// Goes: with a word, or without.
    pub(super) fn leave(self, politely: bool) {
        if politely {
            self.seats.iter().for_each(|seat| seat.socket.disconnect());
        }
    }
}

impl Seat {
    fn take(&mut self, name: &str, event: Event, book: &Book, late: u64) -> Result<(), Error> {
        if event.name() == "hello" {
            self.id = Some(event.args()?);
            self.came += 1;
            if self.came > 1 {
                lock(book).marks.insert("a client came back");
            }
            return Ok(());
        }
        let number: u64 = event.args()?;
        let Some(id) = &self.id else {
            lock(book).breaks("life", &format!("{name} hears {number} before it is in"));
            return Ok(());
        };
        let mut model = lock(book);
        model.hears(name, id, number);
        if event.name() == "bytes" {
            let whole: Result<(u64, Bytes, Bytes), _> = event.args();
            let sent = number.to_be_bytes();
            if !whole.is_ok_and(|(_, one, two)| one == sent[..] && two == sent[..]) {
                model.breaks("prefix", &format!("the attachments of {number} are others"));
            }
            model.marks.insert("attachments came");
        }
        drop(model);
        // Now and then it does not answer.
        if event.wants_answer() && late < 7 {
            event.answer(&(name, number))?;
        }
        Ok(())
    }

    /// Takes its ends: there is a reason for each.
    async fn ends(&mut self, name: &str, sim: &Sim, book: &Book) -> Result<(), Error> {
        while let Some(reason) = self.socket.ended() {
            let (mut model, now) = (lock(book), sim.elapsed());
            let id = self.id.clone().unwrap_or_default();
            self.out = reason == "io server disconnect";
            match reason {
                "io client disconnect" if self.left > 0 => self.left -= 1,
                "io server disconnect" if model.is_taken_out(&id) => {
                    let unheard = model.unheard(&id);
                    if !unheard.is_empty() {
                        let seen = format!("{name} was taken out and has not heard {unheard:?}");
                        model.breaks("farewell", &seen);
                    }
                }
                _ if model.excuses.has(name, now) => {
                    model.marks.insert("a client was cut off");
                }
                reason => model.breaks("blame", &format!("{name} ends by {reason}")),
            }
        }
        Ok(())
    }
}
