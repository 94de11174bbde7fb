//! What is counted, by its names.

use std::mem;
use std::sync::Arc;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use sio_core::engine::{Session, TransportKind};
use sio_core::time::Instant;

use super::label::{label, place};
use crate::error::AckError;

/// Those that connections count by: looked up once, since to look one up costs more than to count.
pub(crate) struct Instruments {
    by_transport: [Traffic; 2],
    acks_open: Gauge,
    acks_timed_out: Counter,
    ack_time: Histogram,
    heartbeat: Histogram,
    turn: Histogram,
}

struct Traffic {
    packets_received: Counter,
    bytes_received: Counter,
    packets_sent: Counter,
    bytes_sent: Counter,
}

impl Traffic {
    fn by(transport: TransportKind) -> Self {
        let by = label(transport);
        Self {
            packets_received: counter!("sio_packets_received_total", "transport" => by),
            bytes_received: counter!("sio_bytes_received_total", "transport" => by),
            packets_sent: counter!("sio_packets_sent_total", "transport" => by),
            bytes_sent: counter!("sio_bytes_sent_total", "transport" => by),
        }
    }
}

impl Default for Instruments {
    fn default() -> Self {
        describe();
        Self {
            by_transport: [TransportKind::Polling, TransportKind::WebSocket].map(Traffic::by),
            acks_open: gauge!("sio_acks_outstanding"),
            acks_timed_out: counter!("sio_acks_timed_out_total"),
            ack_time: histogram!("sio_ack_seconds"),
            heartbeat: histogram!("sio_heartbeat_seconds"),
            turn: histogram!("sio_turn_seconds"),
        }
    }
}

fn describe() {
    let (count, bytes, seconds) = (Unit::Count, Unit::Bytes, Unit::Seconds);
    describe_counter!("sio_packets_received_total", count, "Packets from clients");
    describe_counter!("sio_bytes_received_total", bytes, "Bytes of those packets");
    describe_counter!("sio_packets_sent_total", count, "Packets to clients");
    describe_counter!("sio_bytes_sent_total", bytes, "Bytes of those packets");
    describe_counter!("sio_refused_total", count, "Requests refused, by reason");
    describe_counter!(
        "sio_acks_timed_out_total",
        count,
        "Emits not answered in time"
    );
    describe_counter!(
        "sio_recoveries_total",
        count,
        "Sessions claimed, by what came of it"
    );
    describe_gauge!(
        "sio_acks_outstanding",
        count,
        "Emits that wait for an answer"
    );
    describe_gauge!("sio_connections", count, "Connections now");
    describe_gauge!("sio_sockets", count, "Sockets now");
    describe_gauge!("sio_rooms", count, "Rooms now");
    describe_gauge!(
        "sio_backlog_bytes",
        bytes,
        "What waits to be written, of all"
    );
    describe_gauge!(
        "sio_backlog_most_bytes",
        bytes,
        "The same, of the slowest client"
    );
    describe_gauge!(
        "sio_ready_waits",
        count,
        "Those that wait for room, or until something has left"
    );
    describe_histogram!("sio_ack_seconds", seconds, "From an emit to its answer");
    describe_histogram!("sio_heartbeat_seconds", seconds, "From a ping to its pong");
    describe_histogram!(
        "sio_turn_seconds",
        seconds,
        "How long a connection's task runs"
    );
}

/// A request was refused, or a client was not let into a namespace.
pub(super) fn refused(reason: &'static str) {
    counter!("sio_refused_total", "reason" => reason).increment(1);
}

/// What one connection has counted since it last said.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) received: Amount,
    pub(super) sent: Amount,
    /// When its client answered a ping last.
    answered_at: Option<Instant>,
    instruments: Option<Arc<Instruments>>,
}

#[derive(Default)]
pub(super) struct Amount {
    packets: u64,
    bytes: u64,
}

impl Amount {
    #[inline]
    pub(super) fn add(&mut self, packets: usize, bytes: usize) {
        self.packets = self.packets.saturating_add(packets as u64);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    fn hand_on(&mut self, packets: &Counter, bytes: &Counter) {
        let amount = mem::take(self);
        if amount.packets > 0 {
            packets.increment(amount.packets);
            bytes.increment(amount.bytes);
        }
    }
}

impl Counted {
    pub(super) fn new(instruments: Arc<Instruments>) -> Self {
        Self {
            instruments: Some(instruments),
            ..Self::default()
        }
    }

    pub(super) fn turned(&mut self, session: &Session, began: Instant, now: Instant) {
        let Some(instruments) = &self.instruments else {
            return;
        };
        if let Some(by) = instruments.by_transport.get(place(session.transport())) {
            self.received
                .hand_on(&by.packets_received, &by.bytes_received);
            self.sent.hand_on(&by.packets_sent, &by.bytes_sent);
        }
        instruments
            .turn
            .record(now.saturating_duration_since(began));
        if let Some((at, time)) = session.round_trip()
            && self.answered_at.replace(at) != Some(at)
        {
            instruments.heartbeat.record(time);
        }
    }

    pub(super) fn ask(&self, now: Instant) -> Open {
        let instruments = self.instruments.clone().unwrap_or_default();
        instruments.acks_open.increment(1);
        Open {
            since: now,
            instruments,
        }
    }
}

/// An emit whose answer is awaited as long as this lives.
pub(super) struct Open {
    since: Instant,
    instruments: Arc<Instruments>,
}

impl Open {
    pub(super) fn end(self, now: Instant, error: Option<&AckError>) {
        match error {
            None => {
                let time = now.saturating_duration_since(self.since);
                self.instruments.ack_time.record(time);
            }
            Some(AckError::Timeout) => self.instruments.acks_timed_out.increment(1),
            // What goes with its client is neither.
            Some(_) => {}
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.instruments.acks_open.decrement(1);
    }
}

/// What a server says of itself when it is asked.
pub(crate) struct Gauges;

impl Gauges {
    pub(crate) fn connections(by: [usize; 2]) {
        for transport in [TransportKind::Polling, TransportKind::WebSocket] {
            let count = by.get(place(transport)).copied().unwrap_or_default();
            gauge!("sio_connections", "transport" => label(transport)).set(shown(count));
        }
    }

    /// Of a namespace, or of all that clients have brought into being together.
    pub(crate) fn namespace(name: &str, sockets: usize, rooms: usize) {
        gauge!("sio_sockets", "namespace" => name.to_owned()).set(shown(sockets));
        gauge!("sio_rooms", "namespace" => name.to_owned()).set(shown(rooms));
    }

    pub(crate) fn backlog(all: usize, most: usize, waits: usize) {
        gauge!("sio_backlog_bytes").set(shown(all));
        gauge!("sio_backlog_most_bytes").set(shown(most));
        gauge!("sio_ready_waits").set(shown(waits));
    }

    pub(crate) fn recoveries(result: &'static str, count: u64) {
        counter!("sio_recoveries_total", "result" => result).absolute(count);
    }
}

/// As recorders take it. Past 2⁵³ to the nearest.
fn shown(count: usize) -> f64 {
    count as f64
}
