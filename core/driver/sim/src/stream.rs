//! The ends of connections, and who listens for them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use sio_driver::binding::Bytes;

use crate::history::Deed;
use crate::net::{Ending, Segment};
use crate::tasks::Wait;
use crate::trace::{End, Moved, Step};
use crate::world::World;

/// Somebody who listens. Its address is free when it is dropped.
#[derive(Debug)]
pub struct Listener {
    world: Arc<World>,
    address: SocketAddr,
}

impl Listener {
    pub(crate) fn new(world: Arc<World>, address: SocketAddr) -> Self {
        Self { world, address }
    }

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
            if let Some((end, from)) = backlog.waiting.pop_front() {
                return Poll::Ready(Ok((Stream::new(self.world.clone(), end), from)));
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
        for (end, _) in backlog.into_iter().flat_map(|it| it.waiting) {
            drop(Stream::new(self.world.clone(), end));
        }
    }
}

/// One end of a connection.
pub struct Stream {
    world: Arc<World>,
    end: End,
}

impl Stream {
    pub(crate) fn new(world: Arc<World>, end: End) -> Self {
        Self { world, end }
    }

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
                buffer[..count].copy_from_slice(&segment.bytes.split_to(count));
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
            let count = state.net.portion(&mut state.choices, room);
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
            state.weather(to);
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
            state.leave(self.end);
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
    use std::time::Duration;

    use futures_util::future::join;
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{Sim, Weather};

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
