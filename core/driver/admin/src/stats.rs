//! Figures of this server, told every so often.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use serde::Serialize;
use sio_driver::app::{Io, Namespace};
use sio_driver::binding::{Instant, Runtime};

use crate::buffer::{Buffer, Count};
use crate::date;
use crate::options::Options;

/// What is counted between two tellings.
pub(crate) struct Figures {
    server_id: String,
    hostname: String,
    begun: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    buffer: Buffer,
    polling: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    server_id: &'a str,
    hostname: &'a str,
    pid: u32,
    /// In seconds.
    uptime: f64,
    clients_count: usize,
    polling_clients_count: usize,
    aggregated_events: Vec<Count>,
    namespaces: Vec<Space>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Space {
    name: String,
    sockets_count: usize,
}

impl Figures {
    pub(crate) fn new<R: Runtime>(runtime: &R, options: &Options) -> Self {
        let hostname = hostname();
        let usual = || format!("{hostname}#{}", std::process::id());
        Self {
            server_id: options.server_id.clone().unwrap_or_else(usual),
            hostname,
            begun: runtime.now(),
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(
        &self,
        at: SystemTime,
        counts: &[(&'static str, Option<&'static str>, usize)],
    ) {
        let mut inner = self.inner();
        for &(kind, sub_type, count) in counts {
            inner.buffer.push(date::millis(at), kind, sub_type, count);
        }
    }

    pub(crate) fn polls(&self) {
        self.inner().polling += 1;
    }

    pub(crate) fn polls_no_more(&self) {
        let mut inner = self.inner();
        inner.polling = inner.polling.saturating_sub(1);
    }

    fn told(&self, io: &Io, now: Instant) -> Told<'_> {
        let spaces = io.namespaces().into_iter().map(|namespace| Space {
            sockets_count: namespace.len(),
            name: namespace.name().to_owned(),
        });
        let (aggregated_events, polling_clients_count) = {
            let mut inner = self.inner();
            (inner.buffer.take(), inner.polling)
        };
        Told {
            server_id: &self.server_id,
            hostname: &self.hostname,
            pid: std::process::id(),
            uptime: (now - self.begun).as_secs_f64(),
            clients_count: io.engine_sessions(),
            polling_clients_count,
            aggregated_events,
            namespaces: spaces.collect(),
        }
    }
}

/// Tells admins, until what is returned is dropped.
#[must_use = "it ends when this is dropped"]
pub(crate) fn tell<R: Runtime>(
    runtime: &R,
    io: &Io,
    admin: &Namespace,
    figures: Arc<Figures>,
    interval: Duration,
) -> oneshot::Sender<()> {
    let (open, mut over) = oneshot::channel();
    let (runtime, io, admin) = (runtime.clone(), io.clone(), admin.clone());
    let begin = runtime.clone();
    begin.spawn(async move {
        loop {
            let told = figures.told(&io, runtime.now());
            // What cannot be written is nobody's fault here: numbers and names can.
            let _ = admin.emit("server_stats", &(told,));
            let next = runtime.now() + interval;
            match select(&mut over, pin!(runtime.sleep_until(next))).await {
                Either::Left(_) => return,
                Either::Right(_) => {}
            }
        }
    });
    open
}

/// What this machine is called.
fn hostname() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    let told = told.or_else(|| std::env::var("COMPUTERNAME").ok());
    told.map_or_else(|| "server".to_owned(), |name| name.trim().to_owned())
}
