//! What is counted of a cluster.

use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use sio_cluster::Dialect;
use sio_cluster::codec::Odd;
use sio_cluster::message::MessageKind;
use sio_cluster::node::{Answers, Counts, End, Overflow, Status};
use sio_core::time::Instant;

/// Those of one dialect: looked up once, since to look one up costs more than to count.
pub(super) struct Instruments {
    dialect: &'static str,
    kinds: Vec<(MessageKind, Counter, Counter)>,
    bytes_received: Counter,
    bytes_sent: Counter,
    own: Counter,
    elsewhere: Counter,
    foreign: Counter,
    late: Counter,
    no_room: Counter,
    dropped: Counter,
    silent: Counter,
    gaps: Counter,
    connections: Counter,
    question_time: Histogram,
    outage: Histogram,
    round_trip: Histogram,
    lag: Histogram,
    up: Gauge,
    questions: Gauge,
    subscriptions: Gauge,
    buffered: Gauge,
}

impl Instruments {
    pub(super) fn new(dialect: Dialect) -> Self {
        describe();
        let dialect = dialect.name();
        let ignored = |reason: &'static str| counter!("sio_cluster_ignored_total", "dialect" => dialect, "reason" => reason);
        let kinds = MessageKind::ALL.map(|kind| {
            let name = kind.name();
            (
                kind,
                counter!("sio_cluster_messages_received_total", "dialect" => dialect, "type" => name),
                counter!("sio_cluster_messages_sent_total", "dialect" => dialect, "type" => name),
            )
        });
        Self {
            dialect,
            kinds: kinds.into(),
            bytes_received: counter!("sio_cluster_bytes_received_total", "dialect" => dialect),
            bytes_sent: counter!("sio_cluster_bytes_sent_total", "dialect" => dialect),
            own: ignored("own"),
            elsewhere: ignored("namespace"),
            foreign: ignored("foreign"),
            late: ignored("late"),
            no_room: ignored("room"),
            dropped: counter!("sio_cluster_dropped_total", "dialect" => dialect),
            silent: counter!("sio_cluster_silent_nodes_total", "dialect" => dialect),
            gaps: counter!("sio_cluster_gaps_total", "dialect" => dialect),
            connections: counter!("sio_cluster_connections_total", "dialect" => dialect),
            question_time: histogram!("sio_cluster_question_seconds", "dialect" => dialect),
            outage: histogram!("sio_cluster_outage_seconds", "dialect" => dialect),
            round_trip: histogram!("sio_cluster_round_trip_seconds", "dialect" => dialect),
            lag: histogram!("sio_cluster_lag_seconds", "dialect" => dialect),
            up: gauge!("sio_cluster_up", "dialect" => dialect),
            questions: gauge!("sio_cluster_questions", "dialect" => dialect),
            subscriptions: gauge!("sio_cluster_subscriptions", "dialect" => dialect),
            buffered: gauge!("sio_cluster_buffered_bytes", "dialect" => dialect),
        }
    }
}

fn describe() {
    let (count, bytes, seconds) = (Unit::Count, Unit::Bytes, Unit::Seconds);
    describe_counter!(
        "sio_cluster_messages_received_total",
        count,
        "Messages of other nodes, by what they say"
    );
    describe_counter!(
        "sio_cluster_messages_sent_total",
        count,
        "Messages for other nodes, by what they say"
    );
    describe_counter!(
        "sio_cluster_bytes_received_total",
        bytes,
        "Bytes of all that was read, whoever it was for"
    );
    describe_counter!(
        "sio_cluster_bytes_sent_total",
        bytes,
        "Bytes of what was published"
    );
    describe_counter!(
        "sio_cluster_ignored_total",
        count,
        "Messages that were not acted on, by reason"
    );
    describe_counter!(
        "sio_cluster_limits_total",
        count,
        "How often a limit was met, by limit"
    );
    describe_counter!(
        "sio_cluster_dropped_total",
        count,
        "Messages for others that had to go"
    );
    describe_counter!(
        "sio_cluster_questions_total",
        count,
        "Questions that are over, by what came of them"
    );
    describe_counter!(
        "sio_cluster_silent_nodes_total",
        count,
        "Nodes that have not answered, of all questions"
    );
    describe_counter!("sio_cluster_gaps_total", count, "Gaps in streams");
    describe_counter!(
        "sio_cluster_connections_total",
        count,
        "How often the broker was reached"
    );
    describe_gauge!("sio_cluster_up", count, "Servers that reach their broker");
    describe_gauge!(
        "sio_cluster_questions",
        count,
        "Questions that wait for answers"
    );
    describe_gauge!(
        "sio_cluster_subscriptions",
        count,
        "Channels that are listened to"
    );
    describe_gauge!(
        "sio_cluster_buffered_bytes",
        bytes,
        "What waits for the broker"
    );
    describe_histogram!(
        "sio_cluster_question_seconds",
        seconds,
        "From a question to its end"
    );
    describe_histogram!(
        "sio_cluster_outage_seconds",
        seconds,
        "How long the broker was away"
    );
    describe_histogram!(
        "sio_cluster_round_trip_seconds",
        seconds,
        "From a question to the broker to its answer"
    );
    describe_histogram!(
        "sio_cluster_lag_seconds",
        seconds,
        "How old an entry of a stream is when it is read"
    );
}

/// What a namespace has counted, as far as it was handed on.
pub(super) struct Counted {
    instruments: Arc<Instruments>,
    counts: Counts,
    questions: usize,
    subscriptions: usize,
    buffered: usize,
}

impl Counted {
    pub(super) fn new(instruments: Arc<Instruments>) -> Self {
        Self {
            instruments,
            counts: Counts::default(),
            questions: 0,
            subscriptions: 0,
            buffered: 0,
        }
    }

    /// Hands on what has changed.
    pub(super) fn measure(&mut self, counts: Counts, status: Status) {
        let instruments = &self.instruments;
        turn(
            &instruments.questions,
            &mut self.questions,
            status.questions,
        );
        turn(
            &instruments.subscriptions,
            &mut self.subscriptions,
            status.subscriptions,
        );
        turn(&instruments.buffered, &mut self.buffered, status.buffered);
        let before = std::mem::replace(&mut self.counts, counts);
        if before == counts {
            return;
        }
        for (kind, received, sent) in &instruments.kinds {
            add(received, before.heard.of(*kind), counts.heard.of(*kind));
            add(sent, before.said.of(*kind), counts.said.of(*kind));
        }
        let bytes = &instruments.bytes_received;
        add(bytes, before.received_bytes, counts.received_bytes);
        add(
            &instruments.bytes_sent,
            before.sent_bytes,
            counts.sent_bytes,
        );
        add(&instruments.own, before.own, counts.own);
        add(&instruments.elsewhere, before.elsewhere, counts.elsewhere);
        add(&instruments.foreign, before.foreign, counts.foreign);
        add(&instruments.late, before.late, counts.late);
        add(&instruments.dropped, before.dropped, counts.dropped);
    }

    pub(super) fn no_room(&self) {
        self.instruments.no_room.increment(1);
    }

    pub(super) fn odd(&self, why: &Odd) {
        let reason = match why {
            Odd::TooLarge(_) => "too large",
            Odd::Syntax => "syntax",
            Odd::TooDeep => "too deep",
            Odd::Member(_) => "member",
            Odd::TooLong(_) => "too long",
            Odd::Type(_) => "type",
            Odd::PacketType(_) => "packet type",
            Odd::Reserved(_) => "reserved",
            // That is counted by itself.
            Odd::Foreign(_) => return,
            _ => "other",
        };
        let dialect = self.instruments.dialect;
        counter!("sio_cluster_ignored_total", "dialect" => dialect, "reason" => reason)
            .increment(1);
    }

    pub(super) fn over(&self, which: &Overflow) {
        let limit = match which {
            Overflow::Outage(_) => "outage_buffer",
            Overflow::Questions => "max_open_questions",
            Overflow::Answers => "max_answers",
            Overflow::Pending => "max_pending_answers",
            Overflow::Subscriptions(_) => "dynamic_subscriptions",
            Overflow::Unsure(_) => "stream",
            _ => "other",
        };
        let dialect = self.instruments.dialect;
        counter!("sio_cluster_limits_total", "dialect" => dialect, "limit" => limit).increment(1);
    }

    pub(super) fn answered(&self, answers: &Answers) {
        let result = match answers.end {
            End::Down | End::Refused | End::Closed => "unreachable",
            End::Timeout => "timeout",
            End::Counted | _ if answers.is_complete() => "complete",
            End::Counted | _ => "partial",
        };
        let dialect = self.instruments.dialect;
        counter!("sio_cluster_questions_total", "dialect" => dialect, "result" => result)
            .increment(1);
        self.instruments
            .silent
            .increment(answers.silent_nodes.unwrap_or(0));
        self.instruments.question_time.record(answers.took);
    }

    pub(super) fn gap(&self) {
        self.instruments.gaps.increment(1);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let status = [
            (&self.instruments.questions, &mut self.questions),
            (&self.instruments.subscriptions, &mut self.subscriptions),
            (&self.instruments.buffered, &mut self.buffered),
        ];
        for (gauge, value) in status {
            turn(gauge, value, 0);
        }
    }
}

/// What a server's link has counted.
pub(super) struct LinkCounted {
    pub(super) instruments: Arc<Instruments>,
    up: bool,
    away_since: Option<Instant>,
}

impl LinkCounted {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            instruments: Arc::new(Instruments::new(dialect)),
            up: false,
            away_since: None,
        }
    }

    pub(super) fn up(&mut self, now: Instant) {
        self.instruments.connections.increment(1);
        if let Some(since) = self.away_since.take() {
            let away = now.saturating_duration_since(since);
            self.instruments.outage.record(away);
        }
        if !std::mem::replace(&mut self.up, true) {
            self.instruments.up.increment(1);
        }
    }

    pub(super) fn down(&mut self, now: Instant, unsure: usize) {
        self.away_since = Some(now);
        self.dropped(unsure);
        self.not_up();
    }

    fn not_up(&mut self) {
        if std::mem::replace(&mut self.up, false) {
            self.instruments.up.decrement(1);
        }
    }

    pub(super) fn dropped(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.instruments.dropped.increment(count);
    }

    pub(super) fn round_trip(&self, took: Duration) {
        self.instruments.round_trip.record(took);
    }

    pub(super) fn read(&self, old: Duration) {
        self.instruments.lag.record(old);
    }
}

impl Drop for LinkCounted {
    fn drop(&mut self) {
        self.not_up();
    }
}

fn add(to: &Counter, before: u64, now: u64) {
    if now > before {
        to.increment(now.saturating_sub(before));
    }
}

/// All namespaces of all servers are one figure.
fn turn(of: &Gauge, known: &mut usize, now: usize) {
    let before = std::mem::replace(known, now);
    if now > before {
        of.increment(float(now.saturating_sub(before)));
    } else if before > now {
        of.decrement(float(before.saturating_sub(now)));
    }
}

#[allow(clippy::cast_precision_loss, reason = "nobody counts so far")]
fn float(count: usize) -> f64 {
    count as f64
}
