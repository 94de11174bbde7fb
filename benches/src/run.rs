//! One measurement: start the server, open the clients, load it, count.

use crate::client::{Client, Heard, Purpose};
use crate::histogram::Histogram;
use crate::look::{Load, Look, Mark, STALLED};
use crate::measurement::{Measurement, Memory};
use crate::plan::Plan;
use crate::polling;
use crate::process::Server;
use crate::scenario::{Answer, Scenario, Script};
use mio::Token;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many clients are between connect and ready at any moment.
const OPENING: usize = 64;

/// How long connections that have come or gone are left alone before the memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// How long the last answers to pings may take to be read.
const LAST_PONGS: Duration = Duration::from_millis(300);

/// How often everybody comes and leaves in [`Scenario::Return`].
const VISITS: usize = 2;

impl Plan {
    /// Measures. An error is one sentence for the person at the terminal.
    pub fn measure(&self) -> Result<Measurement, String> {
        let failed = |error| format!("{}: {error}", self.server.join(" "));
        let server = Server::start(&self.server, self.server_cores.as_deref())
            .map_err(|error| failed(error.to_string()))?;
        match self.scenario {
            Scenario::Polling => polling::measure(self, &server),
            Scenario::Ack { .. }
            | Scenario::Binary { .. }
            | Scenario::Cast { .. }
            | Scenario::Churn
            | Scenario::Heartbeat
            | Scenario::Idle
            | Scenario::Return => {
                Run::new(self.scenario).and_then(|mut run| run.measure(self, &server))
            }
        }
        .map_err(failed)
    }
}

#[derive(Debug)]
struct Run {
    look: Look,
    scratch: Vec<u8>,
    script: Script,
    /// Those that do something first, then the bystanders.
    clients: Vec<Client>,
    tally: Tally,
}

/// What the clients have done together.
#[derive(Debug)]
struct Tally {
    ready: usize,
    pings: usize,
    units: u64,
    latencies: Histogram,
    /// When each client sent what is in flight: by id for acks, in order for the rest. In a churn,
    /// when it began.
    sent: Vec<VecDeque<Instant>>,
    /// When the last `blast` was sent, and how many of its ticks have not arrived.
    blast: Instant,
    awaited: usize,
    /// The member who asks for the next one.
    blaster: usize,
    /// Clients whose connection is over.
    gone: Vec<usize>,
}

impl Load for Run {
    fn pump(&mut self) -> Result<(), String> {
        for (index, readable) in self.look.ready()? {
            let Some(client) = self.clients.get_mut(index) else {
                continue;
            };
            if readable {
                // One look at the clock for everything that one read brings.
                let now = Instant::now();
                let (script, tally) = (&self.script, &mut self.tally);
                client.read(&mut self.scratch, script, |outbox, heard| {
                    tally.hear(script, index, now, outbox, heard)
                })?;
            }
            client.flush()?;
        }
        if self.tally.awaited == 0 && self.tally.units > 0 {
            self.blast()?;
        }
        Ok(())
    }

    fn units(&self) -> u64 {
        self.tally.units
    }
}

impl Run {
    fn new(scenario: Scenario) -> Result<Self, String> {
        Ok(Self {
            look: Look::new()?,
            scratch: vec![0; 256 * 1024],
            script: Script::new(scenario),
            clients: Vec::new(),
            tally: Tally {
                ready: 0,
                pings: 0,
                units: 0,
                latencies: Histogram::new(),
                sent: Vec::new(),
                blast: Instant::now(),
                awaited: 0,
                blaster: 0,
                gone: Vec::new(),
            },
        })
    }

    fn measure(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        match plan.scenario {
            Scenario::Ack { .. }
            | Scenario::Binary { .. }
            | Scenario::Cast { .. }
            | Scenario::Polling => self.open(plan, server)?,
            Scenario::Churn => return self.churn(plan, server),
            Scenario::Heartbeat => return self.heartbeat(plan, server),
            Scenario::Idle => return self.idle(plan, server),
            Scenario::Return => return self.come_and_leave(plan, server),
        }
        self.look.spin(plan.spin);
        self.start(plan.connections)?;
        self.pump_for(plan.warm_up, true)?;
        self.window(plan, server)
    }

    /// Measures what has begun.
    fn window(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        self.tally.units = 0;
        self.tally.latencies.clear();
        let started = Mark::now(server, &self.look)?;
        self.pump_for(plan.window, true)?;
        self.measured(&started, plan, server)
    }

    fn measured(&self, since: &Mark, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        let tally = &self.tally;
        since.measurement(
            server,
            &self.look,
            plan.scenario,
            tally.units,
            &tally.latencies,
        )
    }

    /// Everybody leaves as soon as they are in, and comes again.
    fn churn(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        self.look.spin(plan.spin);
        for index in 0..plan.connections {
            self.enter(server, index, Purpose::Leave)?;
        }
        let begun = Instant::now();
        let mut started = None;
        while begun.elapsed() < plan.warm_up + plan.window {
            self.pump()?;
            for index in std::mem::take(&mut self.tally.gone) {
                self.enter(server, index, Purpose::Leave)?;
            }
            if started.is_none() && begun.elapsed() >= plan.warm_up {
                self.tally.units = 0;
                self.tally.latencies.clear();
                started = Some(Mark::now(server, &self.look)?);
            }
        }
        match started {
            Some(started) if self.tally.units > 0 => self.measured(&started, plan, server),
            _ => Err("nobody could come and leave".to_owned()),
        }
    }

    fn idle(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        let before = resident(server)?;
        let opened = Mark::now(server, &self.look)?;
        self.open(plan, server)?;
        self.tally.units = self.clients.len() as u64;
        let mut measurement = self.measured(&opened, plan, server)?;
        self.pump_for(SETTLE, false)?;
        measurement.memory = Some(Memory {
            before,
            after: resident(server)?,
            left: Vec::new(),
        });
        Ok(measurement)
    }

    /// From when all are connected until the server has asked each of them once and has its answer.
    fn heartbeat(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        let before = resident(server)?;
        self.open(plan, server)?;
        self.pump_for(SETTLE, false)?;
        // Some servers ask first when a client has just come.
        self.tally.pings = 0;
        let started = Mark::now(server, &self.look)?;
        let begun = Instant::now();
        let all = self.clients.len();
        while self.tally.pings < all {
            self.pump()?;
            // The pings come in a burst as long as the connecting took; it sleeps until then.
            self.look.spin(plan.spin && self.tally.pings > 0);
            if begun.elapsed() > plan.window.max(Duration::from_secs(60)) {
                return Err(format!("{} of {all} heard a ping", self.tally.pings));
            }
        }
        self.look.spin(false);
        self.pump_for(LAST_PONGS, false)?;
        self.tally.units = self.tally.pings as u64;
        let mut measurement = self.measured(&started, plan, server)?;
        measurement.memory = Some(Memory {
            before,
            after: resident(server)?,
            left: Vec::new(),
        });
        Ok(measurement)
    }

    fn come_and_leave(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        let mut memory = Memory {
            before: resident(server)?,
            after: 0,
            left: Vec::new(),
        };
        let started = Mark::now(server, &self.look)?;
        for visit in 0..VISITS {
            self.tally.ready = 0;
            self.open(plan, server)?;
            self.pump_for(SETTLE, false)?;
            if visit == 0 {
                memory.after = resident(server)?;
                self.tally.units = self.clients.len() as u64;
            }
            for client in &mut self.clients {
                client.leave(&self.script);
                client.flush()?;
            }
            let begun = Instant::now();
            while self.tally.gone.len() < self.clients.len() {
                self.pump()?;
                if begun.elapsed() > STALLED {
                    return Err("not everybody could leave".to_owned());
                }
            }
            self.clients.clear();
            self.tally.gone.clear();
            self.tally.sent.clear();
            self.pump_for(SETTLE, false)?;
            memory.left.push(resident(server)?);
        }
        self.tally.units = plan.connections as u64;
        let mut measurement = self.measured(&started, plan, server)?;
        measurement.memory = Some(memory);
        Ok(measurement)
    }

    /// Connects everyone. In a `cast` there is one more than asked for, who is not in the room.
    fn open(&mut self, plan: &Plan, server: &Server) -> Result<(), String> {
        let cast = matches!(plan.scenario, Scenario::Cast { .. });
        self.tally.blaster = plan.connections;
        let total = plan.connections + usize::from(cast) + plan.bystanders;
        let begun = Instant::now();
        while self.tally.ready < total {
            while self.clients.len() < total && self.clients.len() - self.tally.ready < OPENING {
                let index = self.clients.len();
                let purpose = if cast && index < plan.connections {
                    Purpose::Join
                } else {
                    Purpose::Stay
                };
                self.enter(server, index, purpose)?;
            }
            self.pump()?;
            if begun.elapsed() > STALLED * 6 {
                return Err(format!("{} of {total} are ready", self.tally.ready));
            }
        }
        Ok(())
    }

    /// Connects one, in the place of the one that was there.
    fn enter(&mut self, server: &Server, index: usize, purpose: Purpose) -> Result<(), String> {
        let registry = self.look.registry();
        let client = Client::open(server.address(), registry, Token(index), purpose)
            .map_err(|error| format!("connection {index}: {error}"))?;
        let begun = VecDeque::from_iter((purpose == Purpose::Leave).then(Instant::now));
        match self.clients.get_mut(index) {
            Some(place) => {
                *place = client;
                self.tally.sent[index] = begun;
            }
            None => {
                self.clients.push(client);
                self.tally.sent.push(begun);
            }
        }
        Ok(())
    }

    /// Sends what is in flight from here on.
    fn start(&mut self, active: usize) -> Result<(), String> {
        let now = Instant::now();
        for (client, sent) in self
            .clients
            .iter_mut()
            .zip(&mut self.tally.sent)
            .take(active)
        {
            match self.script.scenario {
                Scenario::Ack { in_flight } => {
                    for id in 0..in_flight as u64 {
                        self.script.echo(client.outbox(), id);
                        sent.push_back(now);
                    }
                }
                Scenario::Binary { in_flight, .. } => {
                    for _ in 0..in_flight {
                        self.script.message(client.outbox());
                        sent.push_back(now);
                    }
                }
                Scenario::Cast { .. }
                | Scenario::Churn
                | Scenario::Heartbeat
                | Scenario::Idle
                | Scenario::Polling
                | Scenario::Return => {}
            }
            client.flush()?;
        }
        self.blast()
    }

    /// In a `cast`: asks for the next ticks.
    fn blast(&mut self) -> Result<(), String> {
        let Scenario::Cast { burst } = self.script.scenario else {
            return Ok(());
        };
        let members = self.tally.blaster;
        let Some(client) = self.clients.get_mut(members) else {
            return Ok(());
        };
        self.script.blast(client.outbox(), burst);
        self.tally.blast = Instant::now();
        self.tally.awaited = members * burst;
        client.flush()
    }
}

impl Tally {
    fn hear(
        &mut self,
        script: &Script,
        client: usize,
        now: Instant,
        outbox: &mut Vec<u8>,
        heard: Heard<'_>,
    ) -> Result<(), String> {
        let (opcode, payload) = match heard {
            Heard::Ready => {
                self.ready += 1;
                return Ok(());
            }
            Heard::Ping => {
                self.pings += 1;
                return Ok(());
            }
            Heard::Gone => {
                if let Some(begun) = self.sent[client].pop_front() {
                    self.latencies.record(now - begun);
                }
                self.units += 1;
                self.gone.push(client);
                return Ok(());
            }
            Heard::Message(opcode, payload) => (opcode, payload),
        };
        match script.answer(opcode, payload) {
            Answer::Ack(id) => {
                // The next id lands in the slot that this ack frees, in whatever order they come.
                let sent = &mut self.sent[client];
                let in_flight = sent.len() as u64;
                let slot = &mut sent[(id % in_flight) as usize];
                self.latencies.record(now - *slot);
                *slot = now;
                script.echo(outbox, id + in_flight);
                self.units += 1;
            }
            Answer::Unit => {
                if let Scenario::Cast { .. } = script.scenario {
                    if self.awaited == 0 {
                        return Err("there are more ticks than were asked for".to_owned());
                    }
                    self.awaited -= 1;
                    self.latencies.record(now - self.blast);
                } else {
                    let sent = &mut self.sent[client];
                    let Some(first) = sent.pop_front() else {
                        return Err("there are more answers than messages".to_owned());
                    };
                    self.latencies.record(now - first);
                    sent.push_back(now);
                    script.message(outbox);
                }
                self.units += 1;
            }
            Answer::Part => {}
            Answer::Wrong => {
                let start = &payload[..payload.len().min(200)];
                return Err(format!("not the answer: {}", start.escape_ascii()));
            }
        }
        Ok(())
    }
}

fn resident(server: &Server) -> Result<u64, String> {
    server.resident_bytes().map_err(|error| error.to_string())
}
