//! Waiting for sockets, and what that costs the generator.

use crate::histogram::Histogram;
use crate::measurement::Measurement;
use crate::process::{Cpu, Server};
use crate::scenario::Scenario;
use mio::{Events, Poll, Registry};
use std::time::{Duration, Instant};

/// A server that counts nothing for so long has failed.
pub const STALLED: Duration = Duration::from_secs(10);

/// How long the generator sleeps at most.
const WAIT: Duration = Duration::from_millis(50);

/// Looks for sockets that have something to say.
#[derive(Debug)]
pub struct Look {
    poll: Poll,
    events: Events,
    /// Whether it keeps looking instead of sleeping.
    spins: bool,
    /// Time spent on looks that found nothing.
    wasted: Duration,
}

impl Look {
    /// One that sleeps until there is something.
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            poll: Poll::new().map_err(|error| format!("epoll: {error}"))?,
            events: Events::with_capacity(1024),
            spins: false,
            wasted: Duration::ZERO,
        })
    }

    /// Sleeps no more, or again.
    pub fn spin(&mut self, spins: bool) {
        self.spins = spins;
    }

    /// Where sockets are registered.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// The sockets that are ready, by their tokens, and whether each can be read. After [`WAIT`]
    /// there may be none.
    pub fn ready(&mut self) -> Result<impl Iterator<Item = (usize, bool)> + use<>, String> {
        let wait = if self.spins { Duration::ZERO } else { WAIT };
        let looked = Instant::now();
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) if self.events.is_empty() && self.spins => self.wasted += looked.elapsed(),
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.events.clear(),
            Err(error) => return Err(format!("epoll: {error}")),
        }
        let ready = self
            .events
            .iter()
            .map(|event| (event.token().0, event.is_readable()));
        Ok(ready.collect::<Vec<_>>().into_iter())
    }
}

/// Clients of one kind, as far as all scenarios drive them alike.
pub trait Load {
    /// Deals with what the sockets are ready for.
    fn pump(&mut self) -> Result<(), String>;

    /// What was counted so far.
    fn units(&self) -> u64;

    /// Does that for a while.
    ///
    /// # Errors
    /// If nothing is counted for [`STALLED`] that should be.
    fn pump_for(&mut self, time: Duration, counts: bool) -> Result<(), String> {
        let begun = Instant::now();
        let (mut units, mut counted) = (self.units(), begun);
        while begun.elapsed() < time {
            self.pump()?;
            if self.units() != units || !counts {
                (units, counted) = (self.units(), Instant::now());
            } else if counted.elapsed() > STALLED {
                return Err("the server stopped answering".to_owned());
            }
        }
        Ok(())
    }
}

/// A moment, and the CPU times at it.
#[derive(Debug)]
pub struct Mark {
    at: Instant,
    server: Cpu,
    client: Cpu,
    wasted: Duration,
}

impl Mark {
    /// This moment.
    pub fn now(server: &Server, look: &Look) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        Ok(Self {
            at: Instant::now(),
            server: server.cpu().map_err(text)?,
            client: Cpu::of_this_process().map_err(text)?,
            wasted: look.wasted,
        })
    }

    /// What happened since: so many units, with these latencies.
    pub fn measurement(
        &self,
        server: &Server,
        look: &Look,
        scenario: Scenario,
        units: u64,
        latencies: &Histogram,
    ) -> Result<Measurement, String> {
        let now = Self::now(server, look)?;
        let (server_user, server_system) = now.server.since(self.server);
        let (client_user, client_system) = now.client.since(self.client);
        let wasted = now.wasted.saturating_sub(self.wasted).as_secs_f64();
        let micros = |quantile| latencies.quantile(quantile).as_secs_f64() * 1e6;
        Ok(Measurement {
            scenario: scenario.to_string(),
            seconds: (now.at - self.at).as_secs_f64(),
            units,
            server_user,
            server_system,
            client_cpu: (client_user + client_system - wasted).max(0.0),
            p50: micros(0.5),
            p99: micros(0.99),
            p999: micros(0.999),
            memory: None,
        })
    }
}
