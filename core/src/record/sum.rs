//! What came out, in four bytes: enough to see where a replay goes another way.

use std::hash::{Hash, Hasher};

use crate::connection::Event;
use crate::engine::{Reply, WsOut};
use crate::id::RequestId;
use crate::message::Part;
use crate::socket::{self, AckTicket, SocketKey};

/// Quick, the same everywhere, and without a key: nobody who could choose what is summed gains by a collision.
#[derive(Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Of a message for a socket: how long its name is, how large it is, and the number of its ack.
    #[inline]
    pub(crate) fn of_message(socket: SocketKey, name: &str, size: usize, ack: Option<u64>) -> Self {
        let mut sum = Self::default();
        sum.mix(u64::from_le_bytes(socket.bytes()));
        // Neither reaches the other's bits, as long as they may be.
        let [size, name] = [size, name.len()].map(|length| length as u64);
        sum.mix(size ^ name.rotate_left(32));
        sum.mix(ack.map_or(0, |id| id.wrapping_add(1)));
        sum
    }

    #[inline]
    const fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Words of eight. The last eight bytes, some of which are summed twice, take fewer steps than the rest by itself.
    fn write_words(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
    }

    pub(crate) fn short(&self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or_default()
    }
}

impl Hasher for Sum {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let last = match (
            bytes.last_chunk::<8>(),
            bytes.first_chunk::<4>(),
            bytes.last_chunk::<4>(),
        ) {
            (Some(last), _, _) => {
                self.write_words(bytes);
                u64::from_le_bytes(*last)
            }
            // Some of these may be in both.
            (None, Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            (None, _, _) => bytes
                .iter()
                .rfold(0, |all, byte| all << 8 | u64::from(*byte)),
        };
        self.mix(last);
        self.mix(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    // Numbers as numbers: the same whatever the machine's order of bytes and its words are.
    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn write_isize(&mut self, number: isize) {
        self.mix(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Of what goes to a WebSocket.
pub(super) fn of_ws(out: &WsOut) -> u32 {
    let mut sum = Sum::default();
    match out {
        WsOut::Frame {
            head,
            part,
            compress,
        } => {
            let (text, bytes) = match part {
                Part::Text(bytes) => (true, bytes),
                Part::Binary(bytes) => (false, bytes),
            };
            if head.is_empty() {
                return of_frame(text, bytes, *compress);
            }
            // Where the head ends depends on who else is sent the same packet.
            sum.write(&[head, &**bytes].concat());
            (text, *compress).hash(&mut sum);
        }
        WsOut::Close(code) => code.hash(&mut sum),
    }
    sum.short()
}

/// Of a message that goes to one.
#[inline]
pub(crate) fn of_frame(is_text: bool, bytes: &[u8], compress: bool) -> u32 {
    let mut sum = Sum::default();
    sum.write(bytes);
    (is_text, compress).hash(&mut sum);
    sum.short()
}

/// Of an answer to a request.
pub(super) fn of_http(id: RequestId, reply: &Reply) -> u32 {
    let mut sum = Sum::default();
    (id, reply.status.as_u16(), reply.content).hash(&mut sum);
    sum.write(&reply.body);
    (reply.packets, reply.compress, reply.close).hash(&mut sum);
    reply.cookie.is_some().hash(&mut sum);
    reply.violation.hash(&mut sum);
    sum.short()
}

/// Of what has happened.
pub(super) fn of_event<T>(event: &Event<T>) -> u32 {
    let mut sum = Sum::default();
    match event {
        Event::Socket(event) => return of_socket_event(event),
        Event::Upgraded => sum.write(b"upgraded"),
        Event::Closed { reason, .. } => sum.write(reason.as_str().as_bytes()),
    }
    sum.short()
}

/// The same on a socket: what it is and to whom, and how large it is.
#[inline(always)]
pub(super) fn of_socket_event<T>(event: &socket::Event<T>) -> u32 {
    if let socket::Event::Message {
        socket,
        name,
        args,
        ack,
    } = event
    {
        let ack = ack.as_ref().map(AckTicket::id);
        return Sum::of_message(*socket, name, args.size(), ack).short();
    }
    of_other(event)
}

/// Of one that is no message, which most are.
#[cold]
fn of_other<T>(event: &socket::Event<T>) -> u32 {
    let mut sum = Sum::default();
    of_socket(event, &mut sum);
    sum.short()
}

fn of_socket<T>(event: &socket::Event<T>, sum: &mut Sum) {
    use socket::Event;
    std::mem::discriminant(event).hash(sum);
    match event {
        Event::Connecting {
            ticket, namespace, ..
        } => {
            ticket.hash(sum);
            sum.write(namespace.as_bytes());
        }
        Event::Undecided { socket } | Event::Error { socket, .. } => socket.hash(sum),
        // Summed by itself.
        Event::Message { .. } => {}
        Event::Acked { socket, answer, .. } => {
            socket.hash(sum);
            answer.as_ref().map(|args| args.size()).hash(sum);
        }
        Event::Disconnecting { socket, reason } | Event::Disconnected { socket, reason } => {
            socket.hash(sum);
            sum.write(reason.as_str().as_bytes());
        }
    }
}
