//! Clients that ask and wait, and may lose their connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::Token;

use super::said;
use crate::client::{Client, Heard, Purpose};
use crate::look::Look;
use crate::scenario::{Answer, Scenario, Script};

/// How long something may take that has to come. A machine that does other things, too, is no failure.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How many may be between knocking and being in.
const OPENING: usize = 64;

/// Clients, each in a place of its own.
pub(super) struct Crowd {
    look: Look,
    scratch: Vec<u8>,
    script: Script,
    places: Vec<Place>,
    /// How many of them are in.
    inside: usize,
    /// Of the next question.
    next: u64,
    /// Who has what it asked for, since somebody last looked.
    pub(super) answered: Vec<usize>,
    /// Who has left.
    pub(super) left: Vec<usize>,
    /// Who was cut off.
    pub(super) lost: Vec<usize>,
    /// All answers.
    pub(super) answers: u64,
}

#[derive(Default)]
struct Place {
    client: Option<Client>,
    is_in: bool,
    /// The question that has no answer yet, and since when.
    asked: Option<(u64, Instant)>,
}

impl Crowd {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self {
            look: Look::new()?,
            scratch: vec![0; 256 * 1024],
            script: Script::new(Scenario::Ack { in_flight: 1 }),
            places: Vec::new(),
            inside: 0,
            next: 0,
            answered: Vec::new(),
            left: Vec::new(),
            lost: Vec::new(),
            answers: 0,
        })
    }

    /// Knocks. What its place asked before and had no answer to is asked again once it is in.
    pub(super) fn knock(&mut self, at: SocketAddr, index: usize) -> Result<(), String> {
        let registry = self.look.registry();
        let client = Client::open(at, registry, Token(index), Purpose::Stay).map_err(said)?;
        while self.places.len() <= index {
            self.places.push(Place::default());
        }
        self.goes_out(index);
        self.places[index].client = Some(client);
        Ok(())
    }

    /// Has so many more come in, each as soon as there are few at the door.
    pub(super) fn enter(&mut self, at: SocketAddr, count: usize) -> Result<(), String> {
        let first = self.places.len();
        for index in first..first + count {
            self.knock(at, index)?;
            if index + 1 - self.inside() >= OPENING {
                self.until("room at the door", |crowd| {
                    Ok(index + 1 - crowd.inside() < OPENING)
                })?;
            }
        }
        self.until("all of them", |crowd| {
            Ok(crowd.inside() == crowd.places.len())
        })
    }

    /// How many are in.
    pub(super) fn inside(&self) -> usize {
        self.inside
    }

    /// Whether this one is.
    pub(super) fn is_in(&self, index: usize) -> bool {
        self.places[index].is_in
    }

    /// How many have asked and have no answer.
    pub(super) fn asking(&self) -> usize {
        let asks = |place: &&Place| place.asked.is_some();
        self.places.iter().filter(asks).count()
    }

    /// One asks, unless it waits for an answer.
    pub(super) fn ask(&mut self, index: usize) -> Result<(), String> {
        let place = &mut self.places[index];
        if let (None, Some(client)) = (place.asked, &mut place.client) {
            place.asked = Some((self.next, Instant::now()));
            self.script.echo(client.outbox(), self.next);
            self.next += 1;
            self.flush(index)?;
        }
        Ok(())
    }

    /// One says goodbye.
    pub(super) fn leave(&mut self, index: usize) -> Result<(), String> {
        if let Some(client) = &mut self.places[index].client {
            client.leave(&self.script);
        }
        self.goes_out(index);
        self.flush(index)
    }

    /// One goes without a word, and has no question any more.
    pub(super) fn drop(&mut self, index: usize) {
        self.goes_out(index);
        self.places[index] = Place::default();
    }

    /// Everybody does.
    pub(super) fn drop_all(&mut self) {
        self.places.clear();
        self.inside = 0;
    }

    fn goes_out(&mut self, index: usize) {
        let was_in = std::mem::take(&mut self.places[index].is_in);
        self.inside -= usize::from(was_in);
    }

    fn flush(&mut self, index: usize) -> Result<(), String> {
        if let Some(client) = &mut self.places[index].client
            && client.flush().is_err()
        {
            self.cut_off(index);
        }
        Ok(())
    }

    fn cut_off(&mut self, index: usize) {
        self.goes_out(index);
        self.places[index].client = None;
        self.lost.push(index);
    }

    /// Deals with what there is; sleeps for a moment if there is nothing.
    pub(super) fn pump(&mut self) -> Result<(), String> {
        for (index, readable) in self.look.ready()? {
            if readable {
                self.read(index)?;
            }
            if index < self.places.len() {
                self.flush(index)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> Result<(), String> {
        let Some(place) = self.places.get_mut(index) else {
            return Ok(());
        };
        let Place {
            client: Some(client),
            is_in,
            asked,
        } = place
        else {
            return Ok(());
        };
        let (script, mut wrong, mut has_left) = (&self.script, None, false);
        let mut hear = |outbox: &mut Vec<u8>, heard: Heard<'_>| {
            match heard {
                Heard::Ready => {
                    *is_in = true;
                    self.inside += 1;
                    if let Some((id, _)) = asked {
                        script.echo(outbox, *id);
                    }
                }
                Heard::Ping => {}
                Heard::Gone => has_left = true,
                Heard::Message(opcode, payload) => match script.answer(opcode, payload) {
                    Answer::Ack(id) if asked.is_some_and(|(its, _)| its == id) => {
                        *asked = None;
                        self.answers += 1;
                        self.answered.push(index);
                    }
                    Answer::Ack(_) | Answer::Unit | Answer::Part | Answer::Wrong => {
                        wrong = Some(payload.escape_ascii().to_string())
                    }
                },
            }
            Ok(())
        };
        // Twice: an end that has come with what was said before it is no event of its own.
        let read = client.read(&mut self.scratch, script, &mut hear);
        let read = read.and_then(|()| client.read(&mut self.scratch, script, &mut hear));
        if let Some(wrong) = wrong {
            return Err(format!("nobody asked for that: {wrong}"));
        }
        if has_left {
            self.drop(index);
            self.left.push(index);
        } else if read.is_err() {
            self.cut_off(index);
        }
        Ok(())
    }

    /// Goes on until something is so.
    pub(super) fn until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> Result<bool, String>,
    ) -> Result<(), String> {
        let begun = Instant::now();
        while !is_so(self)? {
            self.pump()?;
            if begun.elapsed() > PATIENCE {
                let (inside, asking) = (self.inside, self.asking());
                return Err(format!(
                    "waited too long for {what}: {inside} are in, {asking} ask, {} are cut off",
                    self.lost.len()
                ));
            }
        }
        Ok(())
    }

    /// Whether nobody was cut off, and nobody waits for an answer that does not come.
    pub(super) fn all_well(&self) -> Result<(), String> {
        if let Some(index) = self.lost.first() {
            return Err(format!("client {index} was cut off"));
        }
        let asked = self.places.iter().filter_map(|place| place.asked);
        match asked.map(|(_, since)| since.elapsed()).max() {
            Some(waits) if waits > PATIENCE => Err(format!("no answer for {waits:?}")),
            _ => Ok(()),
        }
    }
}
