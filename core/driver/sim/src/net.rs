//! A network in memory.
//!
//! A connection is two pipes. What is written goes into a pipe as a segment with the time of its
//! arrival; a reader gets what has arrived, at most one segment at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::Waker;
use std::time::Duration;

use sio_driver::binding::Bytes;

use crate::choices::Choices;
use crate::trace::End;

/// How the network is. What is drawn is drawn from the seed.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Microseconds that bytes take to the other end; half of all writes arrive at once if 0 is among
    /// them.
    pub delay: RangeInclusive<usize>,
    /// Bytes that may be under way in one direction of a connection, unread: drawn for each when it is
    /// made. A writer waits for the reader beyond it.
    pub window: RangeInclusive<usize>,
    /// One of so many writes takes only a part of what it could, and a few bytes as likely as many. 0: none.
    pub short_writes: usize,
    /// One of so many writes is the last of its connection, which breaks off. 0: none.
    pub cuts: usize,
    /// After one of so many writes nothing passes between the two hosts for a while. 0: none.
    pub outages: usize,
    /// One of so many times that a task would run, its host runs nothing for a while. 0: none.
    pub stalls: usize,
    /// How long such a while lasts, in milliseconds.
    pub spell: RangeInclusive<usize>,
}

impl Weather {
    /// Now and then a connection breaks off, a host is not reached for a while, or stands still.
    pub fn rough() -> Self {
        Self {
            cuts: 200,
            outages: 400,
            stalls: 1000,
            ..Self::default()
        }
    }
}

impl Default for Weather {
    /// Up to 2 ms, 4 to 128 KiB, every fourth write; nothing goes wrong.
    fn default() -> Self {
        Self {
            delay: 0..=2000,
            window: 4 << 10..=128 << 10,
            short_writes: 4,
            cuts: 0,
            outages: 0,
            stalls: 0,
            spell: 1..=60_000,
        }
    }
}

/// All connections there were, and who listens.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) weather: Weather,
    /// Two for each connection: to the end that was accepted, and back.
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) listening: BTreeMap<SocketAddr, Backlog>,
    /// From where to where nothing passes.
    pub(crate) shut: BTreeSet<(IpAddr, IpAddr)>,
}

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The ends that wait to be accepted, and where each comes from.
    pub(crate) waiting: VecDeque<(End, SocketAddr)>,
    pub(crate) acceptor: Option<Waker>,
}

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) segments: VecDeque<Segment>,
    /// Bytes in them.
    pub(crate) held: usize,
    /// How many there may be.
    pub(crate) window: usize,
    /// When the latest of them arrives: nothing overtakes it.
    pub(crate) latest: Duration,
    pub(crate) ending: Option<(Duration, Ending)>,
    /// Nobody will read any more.
    pub(crate) deaf: bool,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) arrives: Duration,
    pub(crate) bytes: Bytes,
}

/// When something arrives that does not pass.
pub(crate) const NEVER: Duration = Duration::MAX;

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Closed,
    Reset,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self {
            weather: Weather::default(),
            pipes: Vec::new(),
            listening: BTreeMap::new(),
            shut: BTreeSet::new(),
        }
    }

    /// Something has arrived in this pipe: who waits for it.
    pub(crate) fn arrived(&mut self, pipe: usize) -> Option<Waker> {
        self.pipes[pipe].reader.take()
    }

    pub(crate) fn pipe(&self, choices: &mut Choices, from: IpAddr, to: IpAddr) -> Pipe {
        let window = &self.weather.window;
        Pipe {
            from,
            to,
            segments: VecDeque::new(),
            held: 0,
            window: window.end() - choices.index(window.end() - window.start() + 1),
            latest: Duration::ZERO,
            ending: None,
            deaf: false,
            reader: None,
            writer: None,
        }
    }

    pub(crate) fn delay(&self, choices: &mut Choices) -> Duration {
        let delay = &self.weather.delay;
        if delay.contains(&0) && !choices.one_in(2) {
            return Duration::ZERO;
        }
        let drawn = delay.start() + choices.index(delay.end() - delay.start() + 1);
        Duration::from_micros(drawn as u64)
    }

    /// Whether nobody hears of it when one host calls another.
    pub(crate) fn is_apart(&self, one: IpAddr, other: IpAddr) -> bool {
        self.shut.contains(&(one, other)) || self.shut.contains(&(other, one))
    }

    /// How long a while is.
    pub(crate) fn moment(&self, choices: &mut Choices) -> Duration {
        let range = &self.weather.spell;
        let drawn = range.start() + choices.index(range.end() - range.start() + 1);
        Duration::from_millis(drawn as u64)
    }

    /// How much of `room` bytes a write takes.
    pub(crate) fn portion(&self, choices: &mut Choices, room: usize) -> usize {
        let one_of = self.weather.short_writes as u64;
        if room == 0 || one_of == 0 || !choices.one_in(one_of) {
            return room;
        }
        let most = if choices.one_in(2) {
            room.min(16)
        } else {
            room
        };
        most - choices.index(most)
    }
}
