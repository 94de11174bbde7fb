//! One measurement: start the server, open the clients, load it, count.

use crate::client::{Client, Heard};
use crate::histogram::Histogram;
use crate::measurement::{Measurement, Memory};
use crate::process::{Cpu, Server};
use crate::scenario::{Answer, Scenario, Script};
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many clients are between connect and ready at any moment.
const OPENING: usize = 64;

/// A server that counts nothing for so long has failed.
const STALLED: Duration = Duration::from_secs(10);

/// How long the generator sleeps at most.
const WAIT: Duration = Duration::from_millis(50);

/// How long idle connections are left alone before the memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// What the clients do.
    pub scenario: Scenario,
    /// How many they are.
    pub connections: usize,
    /// How long is measured.
    pub window: Duration,
    /// How long they do it before.
    pub warm_up: Duration,
    /// The server's program and its arguments.
    pub server: Vec<String>,
    /// The core that the server has to stay on.
    pub server_core: Option<usize>,
    /// Whether the generator keeps looking for events instead of sleeping until there is one. The
    /// `send` that wakes a sleeper is on the server's bill, and costs most where the generator is
    /// fast and the machine busy.
    pub spin: bool,
}

impl Plan {
    /// Measures. An error is one sentence for the person at the terminal.
    pub fn measure(&self) -> Result<Measurement, String> {
        let failed = |error| format!("{}: {error}", self.server.join(" "));
        let server = Server::start(&self.server, self.server_core)
            .map_err(|error| failed(error.to_string()))?;
        let mut run =
            Run::new(self.scenario, self.spin).map_err(|error| failed(error.to_string()))?;
        run.measure(self, &server).map_err(failed)
    }
}

#[derive(Debug)]
struct Run {
    poll: Poll,
    scratch: Vec<u8>,
    script: Script,
    clients: Vec<Client>,
    tally: Tally,
    /// How long an empty look for events lasts.
    wait: Duration,
    /// Time spent on looks that found none, if they do not wait.
    wasted: Duration,
}

/// What the clients have done together.
#[derive(Debug)]
struct Tally {
    ready: usize,
    units: u64,
    latencies: Histogram,
    /// When each client sent what is in flight: by id for acks, in order for the rest.
    sent: Vec<VecDeque<Instant>>,
    /// When the last `blast` was sent, and how many of its ticks have not arrived.
    blast: Instant,
    awaited: usize,
}

impl Run {
    fn new(scenario: Scenario, spin: bool) -> std::io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            scratch: vec![0; 256 * 1024],
            script: Script::new(scenario),
            clients: Vec::new(),
            wait: if spin && scenario != Scenario::Idle {
                Duration::ZERO
            } else {
                WAIT
            },
            wasted: Duration::ZERO,
            tally: Tally {
                ready: 0,
                units: 0,
                latencies: Histogram::new(),
                sent: Vec::new(),
                blast: Instant::now(),
                awaited: 0,
            },
        })
    }

    fn measure(&mut self, plan: &Plan, server: &Server) -> Result<Measurement, String> {
        let text = |error: std::io::Error| error.to_string();
        let before = server.resident_bytes().map_err(text)?;
        let opened = Mark::now(server)?;
        self.open(plan, server)?;
        if plan.scenario == Scenario::Idle {
            let mut measurement = opened.measurement(server, self)?;
            measurement.units = self.clients.len() as u64;
            self.pump_for(SETTLE)?;
            measurement.memory = Some(Memory {
                before,
                after: server.resident_bytes().map_err(text)?,
            });
            return Ok(measurement);
        }
        self.start()?;
        self.pump_for(plan.warm_up)?;
        self.tally.units = 0;
        self.tally.latencies.clear();
        self.wasted = Duration::ZERO;
        let started = Mark::now(server)?;
        self.pump_for(plan.window)?;
        started.measurement(server, self)
    }

    /// Connects everyone. In a `cast` there is one more than asked for, who is not in the room: the
    /// last one, so that everybody else is in it when it begins.
    fn open(&mut self, plan: &Plan, server: &Server) -> Result<(), String> {
        let cast = matches!(plan.scenario, Scenario::Cast { .. });
        let total = plan.connections + usize::from(cast);
        let begun = Instant::now();
        while self.tally.ready < total {
            while self.clients.len() < total && self.clients.len() - self.tally.ready < OPENING {
                let index = self.clients.len();
                let joins = cast && index < plan.connections;
                let client =
                    Client::open(server.address(), self.poll.registry(), Token(index), joins)
                        .map_err(|error| format!("connection {index}: {error}"))?;
                self.clients.push(client);
                self.tally.sent.push(VecDeque::new());
            }
            self.pump()?;
            if begun.elapsed() > STALLED * 6 {
                return Err(format!("{} of {total} are ready", self.tally.ready));
            }
        }
        Ok(())
    }

    /// Sends what is in flight from here on.
    fn start(&mut self) -> Result<(), String> {
        let now = Instant::now();
        for (client, sent) in self.clients.iter_mut().zip(&mut self.tally.sent) {
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
                Scenario::Cast { .. } | Scenario::Idle => {}
            }
            client
                .flush()
                .map_err(|error| format!("writing: {error}"))?;
        }
        self.blast()
    }

    fn pump_for(&mut self, time: Duration) -> Result<(), String> {
        let begun = Instant::now();
        let (mut units, mut counted) = (self.tally.units, begun);
        let idle = self.script.scenario == Scenario::Idle;
        while begun.elapsed() < time {
            self.pump()?;
            if self.tally.units != units || idle {
                (units, counted) = (self.tally.units, Instant::now());
            } else if counted.elapsed() > STALLED {
                return Err("the server stopped answering".to_owned());
            }
        }
        Ok(())
    }

    /// Deals with what the sockets are ready for.
    fn pump(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(1024);
        let looked = Instant::now();
        match self.poll.poll(&mut events, Some(self.wait)) {
            Ok(()) if events.is_empty() && self.wait.is_zero() => {
                self.wasted += looked.elapsed();
                return Ok(());
            }
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(format!("epoll: {error}")),
        }
        for event in &events {
            let Token(index) = event.token();
            let Some(client) = self.clients.get_mut(index) else {
                continue;
            };
            if event.is_readable() {
                // One look at the clock for everything that one read brings.
                let now = Instant::now();
                let (script, tally) = (&self.script, &mut self.tally);
                client.read(&mut self.scratch, script, |outbox, heard| {
                    tally.hear(script, index, now, outbox, heard)
                })?;
            }
            client
                .flush()
                .map_err(|error| format!("writing: {error}"))?;
        }
        if self.tally.awaited == 0 && self.tally.units > 0 {
            self.blast()?;
        }
        Ok(())
    }

    /// In a `cast`: asks for the next ticks.
    fn blast(&mut self) -> Result<(), String> {
        let Scenario::Cast { burst } = self.script.scenario else {
            return Ok(());
        };
        let members = self.clients.len() - 1;
        let Some(client) = self.clients.last_mut() else {
            return Ok(());
        };
        self.script.blast(client.outbox(), burst);
        self.tally.blast = Instant::now();
        self.tally.awaited = members * burst;
        client.flush().map_err(|error| format!("writing: {error}"))
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

/// A moment, and the CPU times at it.
#[derive(Debug)]
struct Mark {
    at: Instant,
    server: Cpu,
    client: Cpu,
}

impl Mark {
    fn now(server: &Server) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        Ok(Self {
            at: Instant::now(),
            server: server.cpu().map_err(text)?,
            client: Cpu::of_this_process().map_err(text)?,
        })
    }

    /// What happened since.
    fn measurement(&self, server: &Server, run: &Run) -> Result<Measurement, String> {
        let now = Self::now(server)?;
        let used = now.server.since(self.server);
        let micros = |quantile| run.tally.latencies.quantile(quantile).as_secs_f64() * 1e6;
        Ok(Measurement {
            scenario: run.script.scenario.to_string(),
            seconds: (now.at - self.at).as_secs_f64(),
            units: run.tally.units,
            server_user: used.user,
            server_system: used.system,
            client_cpu: (now.client.since(self.client).total() - run.wasted.as_secs_f64()).max(0.0),
            p50: micros(0.5),
            p99: micros(0.99),
            p999: micros(0.999),
            memory: None,
        })
    }
}
