//! Two servers on one Redis: a room with members at each, and what it costs both to tell all of them.

use crate::client::{Client, Heard, Purpose};
use crate::clients::shown;
use crate::look::{Load, Look, STALLED};
use crate::process::{Cpu, Server};
use crate::samples::Spread;
use crate::scenario::{Answer, Scenario, Script};
use mio::Token;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How many clients are between connect and ready at any moment.
const OPENING: usize = 32;

/// How long a first message may be on its way before it is taken for one that nobody was listening to yet.
const FIRST: Duration = Duration::from_millis(500);

/// How long what is late may take, and connections that have come are left alone before memory is read.
const SETTLE: Duration = Duration::from_millis(700);

/// How long servers may take until they hear each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis of the measurement's own, which keeps nothing. It ends when this is dropped.
#[derive(Debug)]
pub struct Redis(Server);

impl Redis {
    /// Starts it on a free port, and waits until it answers.
    ///
    /// # Errors
    /// One sentence for the person at the terminal, where there is no `redis-server`.
    pub fn start() -> Result<Self, String> {
        let command =
            "exec redis-server --port \"$PORT\" --bind 127.0.0.1 --save '' --appendonly no";
        let command = ["sh", "-c", command].map(str::to_owned);
        let server = Server::start(&command, None)
            .map_err(|error| format!("redis-server, which Debian has a package of: {error}"))?;
        let redis = Self(server);
        let end = Instant::now() + PATIENCE;
        while redis.say("PING").is_none_or(|it| !it.starts_with("+PONG")) {
            if Instant::now() > end {
                return Err("redis-server does not answer".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.0.address())
    }

    /// Forgets what the last ones have left.
    pub fn clear(&self) {
        self.say("FLUSHALL");
    }

    fn say(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.0.address()).ok()?;
        write!(stream, "{command}\r\nQUIT\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many members of the room are at each server.
    pub members: usize,
    /// How many broadcasts there are in a row, and again when everybody has them all. Measured one after the other.
    pub bursts: Vec<usize>,
    /// How long each is measured.
    pub window: Duration,
    /// How long it is done before.
    pub warm_up: Duration,
}

/// What it has cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// For each of the plan's bursts.
    pub casts: Vec<Cast>,
    /// Resident bytes of each server, all together divided by how many they are: before anybody came,
    pub alone: f64,
    /// with its members,
    pub crowded: f64,
    /// and after the last broadcast.
    pub told: f64,
}

/// Broadcasts for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cast {
    /// Deliveries: broadcasts times members.
    pub units: f64,
    /// CPU seconds of all servers together.
    pub servers: f64,
    /// Those of Redis.
    pub redis: f64,
}

impl Plan {
    /// Measures servers that are one application, started by this command each. Who asks for the broadcasts is at the
    /// first one, and no member.
    ///
    /// # Errors
    /// One sentence for the person at the terminal.
    pub fn measure(&self, command: &[String], nodes: usize, redis: &Redis) -> Result<Run, String> {
        let start = |_| Server::start(command, None).map_err(|error| error.to_string());
        let servers = (0..nodes).map(start).collect::<Result<Vec<_>, _>>()?;
        std::thread::sleep(SETTLE);
        let mut run = Run {
            alone: resident(&servers)?,
            ..Run::default()
        };
        let mut crowd = Crowd::new(self.members * nodes)?;
        let addresses: Vec<_> = servers.iter().map(Server::address).collect();
        crowd.open(&addresses)?;
        crowd.pump_for(SETTLE, false)?;
        run.crowded = resident(&servers)?;
        crowd.hear_each_other()?;
        for burst in &self.bursts {
            crowd.burst = *burst;
            crowd.blast()?;
            crowd.pump_for(self.warm_up, true)?;
            let (units, spent) = (crowd.units, spent(&servers, redis)?);
            crowd.pump_for(self.window, true)?;
            let after = self::spent(&servers, redis)?;
            run.casts.push(Cast {
                units: (crowd.units - units) as f64,
                servers: after.0.iter().zip(&spent.0).map(since).sum(),
                redis: since((&after.1, &spent.1)),
            });
            crowd.finish()?;
        }
        run.told = resident(&servers)?;
        Ok(run)
    }
}

fn since((after, before): (&Cpu, &Cpu)) -> f64 {
    let (user, system) = after.since(*before);
    user + system
}

fn spent(servers: &[Server], redis: &Redis) -> Result<(Vec<Cpu>, Cpu), String> {
    let cpu = |server: &Server| server.cpu().map_err(|error| error.to_string());
    let of_servers = servers.iter().map(cpu).collect::<Result<_, _>>()?;
    Ok((of_servers, cpu(&redis.0)?))
}

fn resident(servers: &[Server]) -> Result<f64, String> {
    let mut sum = 0;
    for server in servers {
        sum += server.resident_bytes().map_err(|error| error.to_string())?;
    }
    Ok(sum as f64 / servers.len() as f64)
}

/// The members of the room, and behind them the one who asks.
#[derive(Debug)]
struct Crowd {
    look: Look,
    scratch: Vec<u8>,
    script: Script,
    members: usize,
    clients: Vec<Client>,
    ready: usize,
    burst: usize,
    /// Deliveries that the last blast asks for and that have not come.
    awaited: usize,
    /// Whether more than that may come.
    is_lenient: bool,
    /// Whether nothing is asked for any more.
    is_over: bool,
    units: u64,
}

impl Load for Crowd {
    fn pump(&mut self) -> Result<(), String> {
        for (index, readable) in self.look.ready()? {
            let Some(client) = self.clients.get_mut(index) else {
                continue;
            };
            if readable {
                let (script, ready) = (&self.script, &mut self.ready);
                let (awaited, units, is_lenient) =
                    (&mut self.awaited, &mut self.units, self.is_lenient);
                client.read(&mut self.scratch, script, |_, heard| match heard {
                    Heard::Ready => {
                        *ready += 1;
                        Ok(())
                    }
                    Heard::Ping | Heard::Gone => Ok(()),
                    Heard::Message(opcode, payload) => match script.answer(opcode, payload) {
                        Answer::Unit if *awaited > 0 || is_lenient => {
                            *awaited = awaited.saturating_sub(1);
                            *units += 1;
                            Ok(())
                        }
                        Answer::Unit => Err("somebody was told twice".to_owned()),
                        Answer::Ack(_) | Answer::Part | Answer::Wrong => {
                            let start = &payload[..payload.len().min(200)];
                            Err(format!("not what was said: {}", start.escape_ascii()))
                        }
                    },
                })?;
            }
            client.flush()?;
        }
        if self.awaited == 0 && self.units > 0 && !self.is_lenient && !self.is_over {
            self.blast()?;
        }
        Ok(())
    }

    fn units(&self) -> u64 {
        self.units
    }
}

impl Crowd {
    fn new(members: usize) -> Result<Self, String> {
        Ok(Self {
            look: Look::new()?,
            scratch: vec![0; 256 * 1024],
            script: Script::new(Scenario::Cast { burst: 1 }),
            members,
            clients: Vec::new(),
            ready: 0,
            burst: 1,
            awaited: 0,
            is_lenient: true,
            is_over: false,
            units: 0,
        })
    }

    /// Connects everybody, at the servers in turns.
    fn open(&mut self, servers: &[SocketAddr]) -> Result<(), String> {
        let begun = Instant::now();
        while self.ready <= self.members {
            while self.clients.len() <= self.members && self.clients.len() - self.ready < OPENING {
                let index = self.clients.len();
                let (purpose, server) = if index < self.members {
                    (Purpose::Join, servers[index % servers.len()])
                } else {
                    (Purpose::Stay, servers[0])
                };
                let client = Client::open(server, self.look.registry(), Token(index), purpose)
                    .map_err(|error| format!("connection {index}: {error}"))?;
                self.clients.push(client);
            }
            self.pump()?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} of {} are ready", self.ready, self.members + 1));
            }
        }
        Ok(())
    }

    /// Says something until all members have heard it, wherever they are.
    fn hear_each_other(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        self.is_lenient = true;
        loop {
            self.blast()?;
            let asked = Instant::now();
            while self.awaited > 0 && asked.elapsed() < FIRST {
                self.pump()?;
            }
            // What was late would be taken for what is said next.
            self.pump_for(SETTLE, false)?;
            if self.awaited == 0 {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err("the servers do not hear each other".to_owned());
            }
        }
        self.is_lenient = false;
        Ok(())
    }

    /// Asks for the next ones.
    fn blast(&mut self) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(self.members) else {
            return Ok(());
        };
        self.is_over = false;
        self.script.blast(client.outbox(), self.burst);
        self.awaited = self.members * self.burst;
        client.flush()
    }

    /// Hears the last ones, and asks no more.
    fn finish(&mut self) -> Result<(), String> {
        self.is_over = true;
        let begun = Instant::now();
        while self.awaited > 0 {
            self.pump()?;
            if begun.elapsed() > STALLED {
                return Err(format!("{} were not told", self.awaited));
            }
        }
        self.pump_for(SETTLE, false)
    }
}

/// One kind of server, and its rounds.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Each round.
    pub runs: Vec<Run>,
}

/// What broadcasts in bursts cost, the one of this place in the plan: the first row is what the others are compared with.
#[must_use]
pub fn casts(rows: &[Row], place: usize) -> String {
    let each = |row: &Row, figure: fn(&Cast) -> f64| -> Vec<f64> {
        let casts = row.runs.iter().filter_map(|run| run.casts.get(place));
        casts.map(|cast| figure(cast) / cast.units * 1e6).collect()
    };
    let mut text =
        "| servers | CPU s per 1M | ratio | Redis' CPU s per 1M |\n|---|---|---|---|\n".to_owned();
    let Some(base) = rows.first() else {
        return text;
    };
    let base = each(base, |cast| cast.servers);
    for row in rows {
        let own = each(row, |cast| cast.servers);
        let ratio = Spread::of(own.iter().zip(&base).map(|(own, base)| own / base));
        let redis = shown(Spread::of(each(row, |cast| cast.redis)));
        let own = shown(Spread::of(own));
        // Writing to a string cannot fail.
        writeln!(
            text,
            "| {} | {own} | {} | {redis} |",
            row.name,
            shown(ratio)
        )
        .ok();
    }
    text
}

/// What is resident of each server: medians of the rounds, in megabytes.
#[must_use]
pub fn memory(rows: &[Row]) -> String {
    let mut text =
        "| servers | MB, nobody there | with its clients | after it | ratio of that |\n|---|---|---|---|---|\n"
            .to_owned();
    let told = |row: &Row| row.runs.iter().map(|run| run.told).collect::<Vec<_>>();
    let Some(base) = rows.first().map(told) else {
        return text;
    };
    for row in rows {
        let median = |figure: fn(&Run) -> f64| {
            let spread = Spread::of(row.runs.iter().map(figure));
            spread.map_or_else(|| "-".to_owned(), |it| format!("{:.1}", it.median / 1e6))
        };
        let ratio = Spread::of(told(row).iter().zip(&base).map(|(own, base)| own / base));
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.name,
            median(|run| run.alone),
            median(|run| run.crowded),
            median(|run| run.told),
            shown(ratio)
        )
        .ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cpu: &[f64], told: f64) -> Row {
        let run = |cpu: &f64| Run {
            casts: vec![Cast {
                units: 2e6,
                servers: *cpu,
                redis: 1.0,
            }],
            alone: 4e6,
            crowded: 5e6,
            told,
        };
        Row {
            name: name.to_owned(),
            runs: cpu.iter().map(run).collect(),
        }
    }

    #[test]
    fn ratios_are_taken_within_each_round() {
        let rows = [row("one", &[4.0, 8.0], 6e6), row("other", &[2.0, 2.0], 3e6)];
        assert_eq!(
            casts(&rows, 0),
            "| servers | CPU s per 1M | ratio | Redis' CPU s per 1M |\n|---|---|---|---|\n\
             | one | 3.00 (2.00–4.00) | 1.00 (1.00–1.00) | 0.50 (0.50–0.50) |\n\
             | other | 1.00 (1.00–1.00) | 0.38 (0.25–0.50) | 0.50 (0.50–0.50) |\n"
        );
        assert_eq!(
            memory(&rows),
            "| servers | MB, nobody there | with its clients | after it | ratio of that |\n|---|---|---|---|---|\n\
             | one | 4.0 | 5.0 | 6.0 | 1.00 (1.00–1.00) |\n\
             | other | 4.0 | 5.0 | 3.0 | 0.50 (0.50–0.50) |\n"
        );
    }
}
