//! Broadcasts that follow one another, together.
//!
//! A handler that emits 32 times to a room of 1 000 would write 32 000 commands. Instead the first emit
//! lays one command into each recipient's mailbox, which shares a [`Batch`] with all the others, and the
//! next ones are added to that batch without another look at the room. Nothing is held back for it: a
//! packet has its place in every mailbox when its emit returns, as if it had been pushed into each.
//!
//! So a batch grows only while that is the same as a push for each:
//!
//! * the selection and the flags are the same, and nobody has come, gone, joined or left since: the
//!   namespace keeps its last batch beside its rooms, and drops it when they change ([`Opened`]);
//! * it is the last command in each mailbox that it is in: whatever is pushed behind it, by anybody, and
//!   whoever takes commands out, seals it first, under the mailbox's lock;
//! * every recipient has taken the first packet, and has room for all that follow: the walk over them
//!   finds the least room there is. A task that never looks holds up nobody: what does not fit begins
//!   a new batch, with a new walk, in which each mailbox does about it what its policy says;
//! * it is not volatile: what becomes of such a packet is decided one by one.
//!
//! A sealed batch is a [`Run`]: packets that do not change any more. Short ones are laid out as WebSocket
//! frames by the first who wants them, so that each recipient copies one piece of memory.

use std::mem;
use std::sync::{Arc, PoisonError, Weak};

use sio_core::engine::Flags;
use sio_core::packet::{Encoded, Part};
use sio_core::rooms::Target;
use sio_core::websocket::write::{self, MessageType};
use smallvec::SmallVec;

use crate::mailbox::weight::Weight;
use crate::sync::primitives::{Mutex, MutexGuard, OnceLock};

/// Packets for the same recipients, as long as it is open to more.
#[derive(Debug)]
pub(crate) struct Batch {
    open: Mutex<Open>,
    run: OnceLock<Run>,
}

#[derive(Debug)]
struct Open {
    packets: Packets,
    /// By how much it may grow.
    room: Weight,
    growth: Weight,
    sealed: bool,
}

type Packets = SmallVec<[Encoded; 1]>;

/// The packets of a batch that does not grow any more.
#[derive(Debug)]
pub(crate) struct Run {
    packets: Packets,
    /// Of all packets.
    weight: Weight,
    /// Of those behind the first.
    growth: Weight,
    frames: OnceLock<Vec<u8>>,
}

/// Packets from this size on are framed one by one: to copy them once more costs as much as that.
const LARGE: usize = 2048;

/// A batch holds no more bytes than this: it is there twice, and memory goes back when the last has it.
const MOST_BYTES: usize = 16 * 1024;

/// Nor more packets.
const MOST_PACKETS: usize = 256;

impl Batch {
    pub(crate) fn new(packet: Encoded) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::new(Open {
                packets: SmallVec::from_buf([packet]),
                room: Weight::default(),
                growth: Weight::default(),
                sealed: false,
            }),
            run: OnceLock::new(),
        })
    }

    /// From now on it may grow by so much.
    pub(crate) fn open(&self, room: Weight) {
        self.lock().room = room;
    }

    /// Adds a packet. `false`: it belongs into a batch of its own.
    fn add(&self, packet: &Encoded) -> bool {
        let weight = Weight::of(packet);
        let mut open = self.lock();
        let Weight { bytes, packets } = open.growth;
        let bytes = bytes.saturating_add(weight.bytes);
        // The last of these as in `Mailbox::has_room`: one with attachments may be beyond.
        if open.sealed
            || bytes > open.room.bytes.min(MOST_BYTES)
            || packets >= open.room.packets.min(MOST_PACKETS)
        {
            return false;
        }
        open.growth.add(weight);
        open.packets.push(packet.clone());
        true
    }

    /// Its packets, which are all there will be.
    pub(crate) fn run(&self) -> &Run {
        self.run.get_or_init(|| {
            let mut open = self.lock();
            open.sealed = true;
            let packets = mem::take(&mut open.packets);
            let mut weight = Weight::default();
            for packet in &packets {
                weight.add(Weight::of(packet));
            }
            Run {
                packets,
                weight,
                growth: open.growth,
                frames: OnceLock::new(),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    pub(crate) fn packets(&self) -> &[Encoded] {
        &self.packets
    }

    pub(crate) const fn weight(&self) -> Weight {
        self.weight
    }

    pub(crate) const fn growth(&self) -> Weight {
        self.growth
    }

    /// All packets as WebSocket frames that are not compressed, one behind the other. `None` where one is
    /// large, which is not worth a copy more, or binary, which is written as the client wants it.
    pub(crate) fn frames(&self) -> Option<&[u8]> {
        let all = self.frames.get_or_init(|| self.lay());
        (!all.is_empty()).then_some(all)
    }

    fn lay(&self) -> Vec<u8> {
        let short = |packet: &Encoded| packet.packets() == 1 && packet.size() < LARGE;
        if !self.packets.iter().all(short) {
            return Vec::new();
        }
        let sizes = self.packets.iter().map(|packet| match packet.size() {
            size @ 0..=125 => size + 2,
            size => size + 4,
        });
        // And what is reserved for the longest head.
        let mut all = Vec::with_capacity(sizes.sum::<usize>() + 10);
        for packet in &self.packets {
            let Some(Part::Text(text)) = packet.part(0) else {
                return Vec::new();
            };
            write::message(&mut all, MessageType::Text, &[], &text);
        }
        all
    }
}

/// The last batch of a namespace, and whom it is for.
#[derive(Debug, Default)]
pub(crate) struct Opened(Option<Last>);

#[derive(Debug)]
struct Last {
    target: Target,
    flags: Flags,
    /// Not to keep: it goes with the last recipient that has it.
    batch: Weak<Batch>,
}

impl Opened {
    /// Adds a packet, if it is for the same ones and would come right behind what is there.
    pub(crate) fn add(&self, target: &Target, flags: Flags, packet: &Encoded) -> bool {
        self.0.as_ref().is_some_and(|last| {
            last.flags == flags
                && last.target == *target
                && last.batch.upgrade().is_some_and(|batch| batch.add(packet))
        })
    }

    pub(crate) fn set(&mut self, target: &Target, flags: Flags, batch: &Arc<Batch>) {
        self.0 = Some(Last {
            target: target.clone(),
            flags,
            batch: Arc::downgrade(batch),
        });
    }

    /// The rooms change.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;
    use sio_core::config::Config;
    use sio_core::packet;

    use super::*;
    use crate::websocket::{Transport, WebSocket};

    fn event(size: usize) -> Encoded {
        packet::event("/", None, "x", &"y".repeat(size)).unwrap()
    }

    fn batch(packets: impl IntoIterator<Item = Encoded>) -> Arc<Batch> {
        let mut packets = packets.into_iter();
        let batch = Batch::new(packets.next().unwrap());
        batch.open(Weight {
            bytes: usize::MAX,
            packets: usize::MAX,
        });
        for packet in packets {
            assert!(batch.add(&packet));
        }
        batch
    }

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl futures_io::AsyncRead for Written {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    impl futures_io::AsyncWrite for Written {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn written(send: impl FnOnce(&mut WebSocket<Written>)) -> Vec<u8> {
        let stream = Written::default();
        let mut socket = WebSocket::new(stream.clone(), &[], &Config::default(), None);
        send(&mut socket);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(socket.poll_flush(&mut cx).1.is_ready());
        mem::take(&mut *stream.0.lock().unwrap())
    }

    /// What a recipient copies is what it would write packet by packet.
    #[test]
    fn frames_are_those_of_the_packets() {
        for sizes in [
            &[1][..],
            &[114, 115, 116, 117],
            &[1000, 1, 300],
            &[0; 200],
            &[LARGE - 100],
        ] {
            let batch = batch(sizes.iter().map(|size| event(*size)));
            let run = batch.run();
            assert_eq!(run.packets().len(), sizes.len());
            let frames = run.frames().unwrap();
            let one_by_one = written(|socket| {
                for packet in run.packets() {
                    socket.send(&[], packet.part(0).unwrap(), true);
                }
            });
            assert_eq!(frames, one_by_one);
            assert!(run.lay().capacity() <= frames.len() + 10);
            let at_once = written(|socket| assert!(socket.send_frames(frames, true)));
            assert_eq!(at_once, one_by_one);
        }
    }

    #[test]
    fn what_is_large_or_binary_has_no_frames() {
        assert_eq!(batch([event(1), event(LARGE)]).run().frames(), None);
        let bytes = packet::event("/", None, "x", &Bytes::from_static(b"abc")).unwrap();
        assert_eq!(bytes.packets(), 2);
        assert_eq!(batch([event(1), bytes]).run().frames(), None);
    }

    #[test]
    fn a_run_never_changes() {
        let batch = batch([event(1), event(2)]);
        let run = batch.run();
        let first = Weight::of(&event(1));
        let second = Weight::of(&event(2));
        assert_eq!(run.growth(), second);
        assert_eq!(run.weight().bytes, first.bytes + second.bytes);
        assert!(!batch.add(&event(3)));
        assert_eq!(batch.run().packets().len(), 2);
    }
}
