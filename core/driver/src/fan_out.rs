//! One packet for many.

use sio_core::engine::Flags;
use sio_core::packet::Encoded;
use sio_core::socket::SocketKey;

use crate::link::{Command, Link};
use crate::mailbox::{Most, NotTaken, Wakers, Weight};
use crate::own::Here;

/// A packet on its way into many mailboxes.
///
/// What a recipient costs is what a broadcast costs: its lock, four words written in place, and its
/// waker if it sleeps. By [`Link::hold_packet`], which does the same, it was 400 instructions for each
/// of 1 000, and is 150.
pub(crate) struct FanOut<'a> {
    packet: &'a Encoded,
    weight: Weight,
    flags: Flags,
    here: Here,
    wakers: Wakers,
}

impl<'a> FanOut<'a> {
    pub(crate) fn new(packet: &'a Encoded, flags: Flags) -> Self {
        Self {
            packet,
            weight: Weight::of(packet),
            flags,
            here: Here::now(),
            wakers: Wakers::default(),
        }
    }

    /// For this one too. One that is full or gone holds up nobody.
    pub(crate) fn push(&mut self, link: &Link, socket: SocketKey) {
        let command = || Command::Deliver {
            socket,
            packet: self.packet.clone(),
            flags: self.flags,
        };
        let most = Most::of(&link.host().config, self.flags.volatile);
        let waker = if self.here.is(link) {
            link.hold_packet(command(), self.weight, self.flags.volatile)
                .0
        } else {
            match link.mailbox().push_shared(self.weight, most, command) {
                Ok(waker) => waker,
                Err(NotTaken::Closed) => None,
                Err(NotTaken::Full) => {
                    link.hold_packet(command(), self.weight, self.flags.volatile)
                        .0
                }
            }
        };
        self.wakers.add(waker);
    }

    /// Call this with no lock held.
    pub(crate) fn wake(self) {
        self.wakers.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use sio_core::config::{BacklogPolicy, Config};
    use sio_core::connection::Connection;
    use sio_core::engine::{Frame, Opened, Revision, Session, TransportKind};
    use sio_core::id::Sid;
    use sio_core::packet;
    use sio_core::socket::Event;

    use super::*;
    use crate::host::Host;

    /// A socket that asks for its namespace.
    fn socket() -> SocketKey {
        let now = std::time::Instant::now();
        let config = Arc::new(Config::default());
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision: Revision::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let mut connection = Connection::<()>::socket_io(now, session, config);
        connection.handle_ws(now, Frame::Text("40".into()));
        match connection.poll_event(now) {
            Some(Event::Connecting { ticket, .. }) => ticket.socket(),
            other => panic!("{other:?}"),
        }
    }

    /// What is in a mailbox after so many packets of this kind, and whether the task hears that some were
    /// dropped: packet by packet, or by the way for many.
    fn after(policy: BacklogPolicy, volatile: &[bool], many: bool) -> (Vec<bool>, bool) {
        let config = Config {
            max_backlog_packets: 3,
            backlog_policy: policy,
            ..Config::default()
        };
        let host = Host::new(config).unwrap();
        let sid = Sid::from_random([7; 15]);
        let link = Link::new(host, sid, Revision::V4, TransportKind::WebSocket);
        let socket = socket();
        let packet = packet::event("/", None, "x", &()).unwrap();
        for &volatile in volatile {
            let flags = Flags {
                volatile,
                ..Flags::default()
            };
            if many {
                let mut all = FanOut::new(&packet, flags);
                all.push(&link, socket);
                all.wake();
            } else {
                let packet = packet.clone();
                let weight = Weight::of(&packet);
                let command = Command::Deliver {
                    socket,
                    packet,
                    flags,
                };
                let _ = link.push_packet(command, weight, volatile);
            }
        }
        let mut batch = VecDeque::new();
        let overflowed = link.mailbox().swap(&mut batch);
        let kept = batch.iter().filter_map(|command| {
            if let Command::Deliver { flags, .. } = command {
                return Some(flags.volatile);
            }
            None
        });
        (kept.collect(), overflowed)
    }

    #[test]
    fn it_does_what_a_push_for_each_does() {
        for policy in [
            BacklogPolicy::Close,
            BacklogPolicy::Refuse,
            BacklogPolicy::DropVolatile,
        ] {
            for bits in 0..64_u8 {
                let volatile: Vec<_> = (0..6).map(|at| bits & (1 << at) != 0).collect();
                assert_eq!(
                    after(policy, &volatile, true),
                    after(policy, &volatile, false),
                    "{policy:?} {volatile:?}"
                );
            }
        }
    }
}
