//! Clients by hand: lawful ones that the machine is never, rude ones, and hostile ones.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use sio_sim::{Runtime, Sim};

use super::model::{Book, lock};
use super::wire::{Answer, Wire, head};

/// One who does one thing, on a host of its own, and goes.
pub(super) struct Hand {
    sim: Sim,
    name: String,
    server: SocketAddr,
    book: Book,
}

/// How many things there are to be done.
pub(super) const SCRIPTS: u64 = 9;

/// By when a server has let go of who is silent: it misses a pong, tells it, and waits no longer.
const SILENCE: Duration = Duration::from_secs(5 + 4 + 4);

/// By when a server answers whatever it is sent, the longest of its waits for the rest of a request included.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a script is over before its end: the connection, or what has come.
enum Stop {
    Lost,
    Wrong(&'static str, String),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// Begins one.
pub(super) fn send(sim: &Sim, name: &str, server: SocketAddr, book: &Book, script: u64) {
    let host = sim.host(name).sim().clone();
    let hand = Hand {
        sim: host.clone(),
        name: name.to_owned(),
        server,
        book: book.clone(),
    };
    host.spawn(play(hand, script));
}

/// A client by hand.
async fn play(hand: Hand, script: u64) {
    let began = hand.sim.elapsed();
    let played = match script {
        0 => hand.two_polls().await,
        1 => hand.silence().await,
        2 => hand.garbage().await,
        3 => hand.pieces().await,
        4 => hand.jsonp().await,
        5 => hand.old().await,
        6 => hand.slow().await,
        7 => hand.stranger().await,
        _ => hand.half().await,
    };
    let now = hand.sim.elapsed();
    let faults = hand.sim.faults();
    let mut model = lock(&hand.book);
    model.excuses.look(&faults);
    let excused = model.excuses.has(&hand.name, now) || model.excuses.has(&hand.name, began);
    let what = format!("{} in script {script}", hand.name);
    match played {
        Ok(()) => {}
        Err(_) if excused => {}
        Err(Stop::Lost) => model.breaks("blame", &format!("{what} lost its connection")),
        Err(Stop::Wrong(property, seen)) => model.breaks(property, &format!("{what}: {seen}")),
    }
}

/// Ends a script, unless something holds.
fn must(holds: bool, property: &'static str, seen: impl FnOnce() -> String) -> Result<(), Stop> {
    match holds {
        true => Ok(()),
        false => Err(Stop::Wrong(property, seen())),
    }
}

impl Hand {
    async fn wire(&self) -> Result<Wire, Stop> {
        Ok(Wire::to(&self.sim, self.server).await?)
    }

    /// What is answered, in time.
    async fn answer(&self, wire: &mut Wire) -> Result<Answer, Stop> {
        let began = self.sim.elapsed();
        let answer = wire.answer().await?;
        let took = self.sim.elapsed() - began;
        must(took <= PATIENCE, "answer", || format!("it took {took:?}"))?;
        Ok(answer)
    }

    /// Opens a session by polling: the query of its next requests. `None`: it is sent away, for want of room.
    async fn open(&self, wire: &mut Wire, query: &str) -> Result<Option<String>, Stop> {
        wire.get(query).await?;
        let Answer { status, body } = self.answer(wire).await?;
        if status == 503 {
            lock(&self.book).marks.insert("somebody was turned away");
            return Ok(None);
        }
        must(status == 200, "answer", || format!("{status} {body}"))?;
        // The first of them: an id may have those letters, too.
        let id = body
            .split_once("sid")
            .map(|(_, id)| id.trim_start_matches(['\\', '"', ':']));
        let id = id.and_then(|it| it.split(['"', '\\']).next());
        let id = id.unwrap_or_default();
        must(!id.is_empty(), "answer", || format!("no id in {body}"))?;
        Ok(Some(format!("{query}&sid={id}")))
    }

    /// Two GETs at a time: the second ends the session.
    async fn two_polls(&self) -> Result<(), Stop> {
        let (mut one, mut two) = (self.wire().await?, self.wire().await?);
        let Some(query) = self.open(&mut one, "EIO=4&transport=polling").await? else {
            return Ok(());
        };
        one.get(&query).await?;
        two.get(&query).await?;
        let answers = [self.answer(&mut one).await?, self.answer(&mut two).await?];
        let refused = answers.iter().any(|it| it.status == 400);
        must(refused, "answer", || format!("{answers:?}"))?;
        two.get(&query).await?;
        let over = self.answer(&mut two).await?.status;
        must(over == 400, "secret", || format!("{over} for who is over"))
    }

    /// A WebSocket that answers no ping.
    async fn silence(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let answer = wire.upgrade("EIO=4&transport=websocket").await?;
        if answer.status == 503 {
            return Ok(());
        }
        must(answer.status == 101, "answer", || format!("{answer:?}"))?;
        wire.say("40").await?;
        let began = self.sim.elapsed();
        wire.end().await;
        let took = self.sim.elapsed() - began;
        lock(&self.book)
            .marks
            .insert("one who was silent was let go");
        must(took <= SILENCE, "dead", || {
            format!("it was kept for {took:?}")
        })
    }

    /// What is no HTTP, or no request for this server.
    async fn garbage(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        // Who refuses at once may not read it all.
        drop(wire.write("HELO x\r\n\r\n").await);
        wire.end().await;
        let mut wire = self.wire().await?;
        for query in ["EIO=9&transport=polling", "EIO=4&transport=smoke", "EIO=4"] {
            wire.get(query).await?;
            let answer = self.answer(&mut wire).await?;
            must(answer.status == 400, "answer", || {
                format!("{answer:?} to {query}")
            })?;
        }
        Ok(())
    }

    /// A POST whose body comes in pieces, and then is answered by all that comes of it.
    async fn pieces(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let Some(query) = self.open(&mut wire, "EIO=4&transport=polling").await? else {
            return Ok(());
        };
        let body = "40\u{1e}42[\"move\",1,0]\u{1e}42[\"say\",2,4,0]";
        wire.write(&head(&query, body.len())).await?;
        for piece in body.as_bytes().chunks(7) {
            self.sim.sleep(Duration::from_millis(300)).await;
            wire.write(&String::from_utf8_lossy(piece)).await?;
        }
        let answer = self.answer(&mut wire).await?;
        must(answer.status == 200, "answer", || format!("{answer:?}"))?;
        let mut heard = String::new();
        while !heard.contains("\"bytes\"") {
            wire.get(&query).await?;
            let answer = self.answer(&mut wire).await?;
            must(answer.status == 200, "answer", || format!("{answer:?}"))?;
            heard.push_str(&answer.body);
        }
        let order = heard.find("40{") < heard.find("\"hello\"");
        must(order, "life", || heard.clone())?;
        wire.post(&query, "1").await?;
        let answer = self.answer(&mut wire).await?;
        must(answer.status == 200, "answer", || format!("{answer:?}"))
    }

    /// JSONP, as of revision 3.
    async fn jsonp(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let Some(query) = self.open(&mut wire, "EIO=3&transport=polling&j=7").await? else {
            return Ok(());
        };
        wire.get(&query).await?;
        let answer = self.answer(&mut wire).await?;
        let wrapped = answer.body.starts_with("___eio[7](");
        must(wrapped, "answer", || format!("{answer:?}"))
    }

    /// Revision 3 with base64.
    async fn old(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let Some(query) = self
            .open(&mut wire, "EIO=3&transport=polling&b64=1")
            .await?
        else {
            return Ok(());
        };
        wire.get(&query).await?;
        let answer = self.answer(&mut wire).await?;
        must(answer.status == 200, "answer", || format!("{answer:?}"))?;
        wire.post(&query, "1:1").await?;
        let answer = self.answer(&mut wire).await?;
        must(answer.status == 200, "answer", || format!("{answer:?}"))
    }

    /// A WebSocket that is read late, and answers its pings.
    async fn slow(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let answer = wire.upgrade("EIO=4&transport=websocket").await?;
        if answer.status == 503 {
            return Ok(());
        }
        wire.say("40").await?;
        for number in 1..20 {
            wire.say(&format!("42[\"say\",{number},4,0]")).await?;
        }
        self.sim.sleep(Duration::from_secs(2)).await;
        let mut heard = 0;
        while heard < 19 {
            let text = wire.hear().await?;
            heard += u32::from(text.contains("\"bytes\""));
            if text == "2" {
                wire.say("3").await?;
            }
        }
        wire.say("41").await?;
        Ok(())
    }

    /// A request by an id that nobody has.
    async fn stranger(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let query = "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA";
        // It is answered before it is read.
        drop(wire.post(query, "42[\"panic\"]").await);
        // Nor does it read while it writes: where little may be under way, the answer may not come through.
        let Ok(answer) = wire.answer().await else {
            return Ok(());
        };
        must(answer.status == 400, "secret", || format!("{answer:?}"))
    }

    /// Half a request: it is answered, or the connection is closed, in time.
    async fn half(&self) -> Result<(), Stop> {
        let mut wire = self.wire().await?;
        let Some(query) = self.open(&mut wire, "EIO=4&transport=polling").await? else {
            return Ok(());
        };
        wire.write(&format!("{}40", head(&query, 100))).await?;
        let began = self.sim.elapsed();
        wire.end().await;
        let took = self.sim.elapsed() - began;
        must(took <= PATIENCE, "answer", || format!("it took {took:?}"))
    }
}
