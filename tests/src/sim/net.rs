//! A network in memory.
//!
//! A connection is two pipes. What is written goes into a pipe as a segment with the time of its
//! arrival; a reader gets what has arrived, at most one segment at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::io::{AsyncRead, AsyncWrite};
use sio_driver::binding::Runtime as _;

use super::clock::Alarm;
use super::history::Deed;
use super::trace::{End, Moved, Step};
use super::{Rng, Sim, State, Wait, World};

/// How the network is. What is drawn is drawn from the seed.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Microseconds that bytes take to the other end; half of all writes arrive at once if 0 is among
    /// them.
    pub delay: RangeInclusive<usize>,
    /// Bytes that may be under way in one direction of a connection, unread: drawn for each when it is
    /// made. A writer waits for the reader beyond it.
    pub window: RangeInclusive<usize>,
    /// One of so many writes takes only a part of what it could, and a few bytes as likely as many.
    pub short_writes: usize,
}

impl Default for Weather {
    /// Up to 2 ms, 4 to 128 KiB, every fourth write.
    fn default() -> Self {
        Self {
            delay: 0..=2000,
            window: 4 << 10..=128 << 10,
            short_writes: 4,
        }
    }
}

/// All connections there were, and who listens.
#[derive(Debug)]
pub(super) struct Net {
    pub(super) weather: Weather,
    rng: Rng,
    /// Two for each connection: to the end that was accepted, and back.
    pipes: Vec<Pipe>,
    listening: BTreeMap<SocketAddr, Backlog>,
}

#[derive(Debug, Default)]
struct Backlog {
    waiting: VecDeque<(Stream, SocketAddr)>,
    acceptor: Option<Waker>,
}

/// One direction of a connection.
#[derive(Debug)]
struct Pipe {
    segments: VecDeque<Segment>,
    /// Bytes in them.
    held: usize,
    /// How many there may be.
    window: usize,
    /// When the latest of them arrives: nothing overtakes it.
    latest: Duration,
    ending: Option<(Duration, Ending)>,
    /// Nobody will read any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Segment {
    arrives: Duration,
    bytes: Bytes,
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Closed,
    Reset,
}

impl Net {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            weather: Weather::default(),
            rng,
            pipes: Vec::new(),
            listening: BTreeMap::new(),
        }
    }

    /// Something has arrived in this pipe: who waits for it.
    pub(super) fn arrived(&mut self, pipe: usize) -> Option<Waker> {
        self.pipes[pipe].reader.take()
    }

    fn pipe(&mut self) -> Pipe {
        Pipe {
            segments: VecDeque::new(),
            held: 0,
            window: self.rng.within(&self.weather.window),
            latest: Duration::ZERO,
            ending: None,
            deaf: false,
            reader: None,
            writer: None,
        }
    }

    fn delay(&mut self) -> Duration {
        if self.weather.delay.contains(&0) && self.rng.one_in(2) {
            return Duration::ZERO;
        }
        Duration::from_micros(self.rng.within(&self.weather.delay) as u64)
    }

    /// How much of `room` bytes a write takes.
    fn portion(&mut self, room: usize) -> usize {
        if room == 0 || !self.rng.one_in(self.weather.short_writes) {
            return room;
        }
        let most = if self.rng.one_in(2) {
            room.min(16)
        } else {
            room
        };
        self.rng.within(&(1..=most))
    }
}

impl State {
    /// When something that is sent now arrives at the other end of a pipe, which will be noticed.
    fn arrival(&mut self, pipe: usize) -> Duration {
        let delay = self.net.delay();
        let its = &mut self.net.pipes[pipe];
        let at = its.latest.max(self.now + delay);
        its.latest = at;
        if at > self.now {
            self.timers.set(at, Alarm::Arrival(pipe));
        } else {
            self.wake.extend(its.reader.take());
        }
        at
    }

    /// Ends a direction, unless it has ended.
    fn finish(&mut self, pipe: usize, ending: Ending) {
        if self.net.pipes[pipe].ending.is_none() {
            let at = self.arrival(pipe);
            self.net.pipes[pipe].ending = Some((at, ending));
        }
    }
}

impl Sim {
    /// Listens.
    ///
    /// # Errors
    /// If somebody does already.
    pub fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        self.world.with(|state| {
            let listening = &mut state.net.listening;
            if listening.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            listening.insert(address, Backlog::default());
            Ok(Listener {
                world: self.world.clone(),
                address,
            })
        })
    }

    /// Connects from this host.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let delay = self.world.with(|state| state.net.delay());
        self.sleep_until(self.now() + delay).await;
        self.world.with(|state| {
            if !state.net.listening.contains_key(&to) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let connection = state.net.pipes.len() / 2;
            for _ in 0..2 {
                let pipe = state.net.pipe();
                state.net.pipes.push(pipe);
            }
            // A port that no other connection has, as long as there are enough.
            let port = 1024 + u16::try_from(connection % 60_000).unwrap_or_default();
            let from = SocketAddr::new(self.host, port);
            state.trace.note(Step::Connected(connection, from, to));
            let end = |accepted| Stream {
                world: self.world.clone(),
                end: End {
                    connection,
                    accepted,
                },
            };
            if let Some(backlog) = state.net.listening.get_mut(&to) {
                backlog.waiting.push_back((end(true), from));
                state.wake.extend(backlog.acceptor.take());
            }
            Ok(end(false))
        })
    }
}

/// Somebody who listens. Its address is free when it is dropped.
#[derive(Debug)]
pub struct Listener {
    world: Arc<World>,
    address: SocketAddr,
}

impl Listener {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, and where it comes from.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, SocketAddr)>> {
        self.world.with(|state| {
            let Some(backlog) = state.net.listening.get_mut(&self.address) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            if let Some(next) = backlog.waiting.pop_front() {
                return Poll::Ready(Ok(next));
            }
            backlog.acceptor = Some(cx.waker().clone());
            state.tasks.waits(Wait::Accept(self.address));
            Poll::Pending
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let backlog = self
            .world
            .with(|state| state.net.listening.remove(&self.address));
        // Streams lock the state when they are dropped.
        drop(backlog);
    }
}

/// One end of a connection.
pub struct Stream {
    world: Arc<World>,
    end: End,
}

impl Stream {
    /// The pipes that it reads from and writes to.
    fn pipes(&self) -> (usize, usize) {
        let first = 2 * self.end.connection;
        if self.end.accepted {
            (first, first + 1)
        } else {
            (first + 1, first)
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let (from, _) = self.pipes();
        self.world.with(|state| {
            let now = state.now;
            let pipe = &mut state.net.pipes[from];
            if let Some(segment) = pipe.segments.front_mut().filter(|it| it.arrives <= now) {
                let count = segment.bytes.len().min(buffer.len());
                segment.bytes.copy_to_slice(&mut buffer[..count]);
                if segment.bytes.is_empty() {
                    pipe.segments.pop_front();
                }
                pipe.held -= count;
                state.wake.extend(pipe.writer.take());
                let moved = Moved::of(&buffer[..count]);
                state.trace.note(Step::Read(self.end, moved));
                state.record(self.end, || {
                    Deed::Read(Bytes::copy_from_slice(&buffer[..count]))
                });
                return Poll::Ready(Ok(count));
            }
            match pipe.ending {
                Some((at, Ending::Closed)) if at <= now => {
                    state.record(self.end, || Deed::End);
                    Poll::Ready(Ok(0))
                }
                Some((at, Ending::Reset)) if at <= now => {
                    state.record(self.end, || Deed::End);
                    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
                }
                Some(_) | None => {
                    pipe.reader = Some(cx.waker().clone());
                    state.tasks.waits(Wait::Read(self.end));
                    Poll::Pending
                }
            }
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (_, to) = self.pipes();
        self.world.with(|state| {
            let pipe = &mut state.net.pipes[to];
            if pipe.deaf || pipe.ending.is_some() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let room = pipe.window.saturating_sub(pipe.held).min(bytes.len());
            if room == 0 && !bytes.is_empty() {
                pipe.writer = Some(cx.waker().clone());
                state.tasks.waits(Wait::Write(self.end));
                return Poll::Pending;
            }
            let count = state.net.portion(room);
            let taken = &bytes[..count];
            let arrives = state.arrival(to);
            let pipe = &mut state.net.pipes[to];
            pipe.held += count;
            if count > 0 {
                let bytes = Bytes::copy_from_slice(taken);
                pipe.segments.push_back(Segment { arrives, bytes });
            }
            let moved = Moved::of(taken);
            state.trace.note(Step::Wrote(self.end, moved));
            state.record(self.end, || Deed::Wrote(Bytes::copy_from_slice(taken)));
            Poll::Ready(Ok(count))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (_, to) = self.pipes();
        self.world.with(|state| {
            if state.net.pipes[to].ending.is_none() {
                state.trace.note(Step::Closed(self.end));
            }
            state.finish(to, Ending::Closed);
        });
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (from, to) = self.pipes();
        self.world.with(|state| {
            let pipe = &mut state.net.pipes[from];
            pipe.deaf = true;
            pipe.segments.clear();
            let unread = std::mem::take(&mut pipe.held) > 0;
            state.wake.extend(pipe.writer.take());
            let (step, ending) = if unread {
                // Also if our half was closed: what still travels to the other end is lost for it.
                state.net.pipes[to].ending = None;
                (Step::Reset(self.end), Ending::Reset)
            } else {
                (Step::Closed(self.end), Ending::Closed)
            };
            if state.net.pipes[to].ending.is_none() {
                state.trace.note(step);
            }
            state.finish(to, ending);
        });
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.end).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::future::join;
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Runs something between the two ends of a connection: the one that dialled, and the other.
    fn connected<F: Future<Output = ()>>(seed: u64, story: impl FnOnce(Stream, Stream) -> F) {
        let sim = Sim::new(seed);
        let inner = sim.clone();
        sim.run(async move {
            let address = SocketAddr::from(([10, 0, 0, 2], 80));
            let listener = inner.listen(address).unwrap();
            let accepting = poll_fn(|cx| listener.poll_accept(cx));
            let (client, accepted) = join(inner.connect(address), accepting).await;
            let (server, from) = accepted.unwrap();
            assert_eq!(from.ip(), inner.host);
            story(client.unwrap(), server).await;
        });
        assert!(sim.left().is_empty());
    }

    #[test]
    fn bytes_arrive_whole_and_in_order_however_they_are_cut() {
        let sent: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        let mut reads = Vec::new();
        for seed in 0..4 {
            connected(seed, async |mut client, mut server| {
                let mut received = Vec::new();
                let mut count = 0;
                let reading = async {
                    let mut buffer = vec![0; 100_000];
                    loop {
                        let read = server.read(&mut buffer).await.unwrap();
                        if read == 0 {
                            break;
                        }
                        received.extend_from_slice(&buffer[..read]);
                        count += 1;
                    }
                };
                let writing = async {
                    client.write_all(&sent).await.unwrap();
                    client.close().await.unwrap();
                };
                join(reading, writing).await;
                assert!(received == sent, "seed {seed}");
                reads.push(count);
            });
        }
        reads.dedup();
        assert!(
            reads.len() > 1 && reads.iter().all(|count| *count > 2),
            "{reads:?}"
        );
    }

    #[test]
    fn a_closed_half_leaves_the_other_open() {
        connected(1, async |mut client, mut server| {
            client.write_all(b"question").await.unwrap();
            client.close().await.unwrap();
            let refused = client.write(b"more").await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
            let mut text = String::new();
            server.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "question");
            server.write_all(b"answer").await.unwrap();
            drop(server);
            text.clear();
            client.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "answer");
        });
    }

    #[test]
    fn who_drops_unread_bytes_resets_and_what_arrived_before_is_read() {
        connected(1, async |mut client, mut server| {
            client.write_all(b"unread").await.unwrap();
            server.write_all(b"farewell").await.unwrap();
            drop(server);
            let mut text = Vec::new();
            let reset = client.read_to_end(&mut text).await.unwrap_err();
            assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
            assert_eq!(text, b"farewell");
            let refused = client.write(b"more").await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
        });
    }

    #[test]
    fn a_writer_waits_for_a_slow_reader() {
        connected(1, async |mut client, mut server| {
            let sim = Sim::current().unwrap();
            let mut taken = 0;
            let full = poll_fn(|cx| {
                loop {
                    match Pin::new(&mut client).poll_write(cx, &[7; 1000]) {
                        Poll::Ready(count) => taken += count.unwrap(),
                        Poll::Pending => return Poll::Ready(()),
                    }
                }
            });
            full.await;
            assert!(Weather::default().window.contains(&taken), "{taken}");
            sim.sleep(Duration::from_secs(1)).await;
            assert!(futures_util::poll!(client.write(b"x")).is_pending());
            let read = server.read(&mut [0; 1000]).await.unwrap();
            client.write_all(&vec![7; read]).await.unwrap();
        });
    }

    #[test]
    fn addresses_are_taken_refused_and_free_again() {
        let sim = Sim::new(1);
        let inner = sim.clone();
        sim.run(async move {
            let address = SocketAddr::from(([10, 0, 0, 2], 80));
            let refused = inner.connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let listener = inner.listen(address).unwrap();
            let taken = inner.listen(address).unwrap_err();
            assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
            let mut waiting = inner.connect(address).await.unwrap();
            waiting.write_all(b"anybody?").await.unwrap();
            drop(listener);
            let reset = waiting.read(&mut [0]).await.unwrap_err();
            assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
            inner.listen(address).unwrap();
        });
    }
}
