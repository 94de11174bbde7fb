//! What waits to be written to one client.

use std::collections::VecDeque;

use bytes::Bytes;

use super::packet::base64_digits;
use super::{Flags, Framing, Writer};
use crate::digest::Apart;
use crate::message::{Encoded, Part};
use crate::protocol::Eio;

/// Packets in the order in which they leave. A packet and its attachments are one element, so that the
/// frames of two packets never interleave.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Queue<M = Number> {
    waiting: VecDeque<Waiting<M>>,
    /// Of what waits, the frames of the first that were handed out already included.
    bytes: usize,
    packets: usize,
    /// How many frames of the first were handed out.
    begun: u32,
    /// Bytes that were taken out as payloads and are not written yet.
    unwritten: u32,
    /// How many answers were made since none was unwritten.
    answers: u32,
    /// How many of those that came as the newest of their name may wait still.
    latest: u32,
}

/// By what whoever sends a packet knows it again where it leaves; 0 if by nothing. It makes no difference to what is done.
pub(crate) type Number = Apart<u32>;

#[derive(Clone, Debug, Hash)]
struct Waiting<M> {
    packet: Encoded,
    flags: Flags,
    /// What it is to whoever sends it.
    mark: M,
}

/// A frame that leaves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Popped {
    pub(crate) part: Part,
    /// Whether it is bytes in base64, without what goes before them.
    pub(crate) digits: bool,
    pub(crate) compress: bool,
}

impl Queue {
    pub(super) fn push(&mut self, packet: Encoded, flags: Flags) {
        self.push_marked(packet, flags, Number::default());
    }

    /// The packet that was pushed last is known by this number.
    #[inline]
    pub(crate) fn number_last(&mut self, number: u32) {
        if let Some(last) = self.waiting.back_mut() {
            last.mark = Apart(number);
        }
    }

    /// The number of the first, and whether it may be compressed.
    #[inline]
    pub(crate) fn first_number(&self) -> Option<(u32, bool)> {
        let first = self.waiting.front()?;
        Some((first.mark.0, first.flags.compress))
    }
}

impl<M: Default> Queue<M> {
    pub(crate) fn push_marked(&mut self, packet: Encoded, flags: Flags, mark: M) {
        self.bytes = self.bytes.saturating_add(packet.size());
        self.packets = self.packets.saturating_add(packet.packets());
        self.waiting.push_back(Waiting {
            packet,
            flags,
            mark,
        });
    }

    /// The mark of the first, if nothing of it was handed out.
    pub(crate) fn first_mark(&self) -> Option<&M> {
        let first = self.waiting.front().filter(|_| self.begun == 0)?;
        Some(&first.mark)
    }

    /// Whether nothing was handed out of a packet that is not whole yet.
    pub(crate) const fn is_between_packets(&self) -> bool {
        self.begun == 0
    }

    /// As much of it as fits into a body of `most` bytes, one packet at least, for a peer that takes bytes. `parts`
    /// says which may not come behind others in one body.
    pub(crate) fn take_body(
        &mut self,
        revision: Eio,
        most: usize,
        parts: impl Fn(&M) -> bool,
    ) -> (Framing, Bytes) {
        let binary = self.waiting.iter().any(|it| it.packet.has_bytes());
        let framing = Framing::of(revision, binary);
        let mut body = Writer::new(framing, self.bytes.saturating_add(self.packets).min(most));
        while let Some(first) = self.waiting.front() {
            let Some(part) = first.packet.part(self.begun as usize) else {
                break;
            };
            let apart = self.begun == 0 && parts(&first.mark);
            let (alone, before) = (body.is_empty(), body.len());
            if apart && !alone {
                break;
            }
            // How long it is there depends on the framing.
            body.push(&part);
            if !alone && body.len() > most {
                body.truncate(before);
                break;
            }
            drop(part);
            if self.pop(false).is_none() {
                break;
            }
        }
        (framing, body.finish())
    }

    /// Takes out all of which nothing was handed out, and forgets the rest.
    pub(crate) fn take_unbegun(&mut self) -> Vec<(Encoded, Flags, M)> {
        let begun = usize::from(self.begun > 0);
        let waiting = std::mem::take(&mut self.waiting).into_iter().skip(begun);
        let all = waiting.map(|it| (it.packet, it.flags, it.mark)).collect();
        self.clear();
        all
    }

    /// The next frame, for a client that takes bytes or wants base64 in their place.
    pub(crate) fn pop(&mut self, base64: bool) -> Option<Popped> {
        let first = self.waiting.front()?;
        let compress = first.flags.compress;
        if first.packet.packets() == 1 {
            // Handed over, not shared: a packet for one client is never counted by reference.
            let Waiting { packet, .. } = self.waiting.pop_front()?;
            self.bytes = self.bytes.saturating_sub(packet.size());
            self.packets = self.packets.saturating_sub(1);
            self.shrink();
            return Some(Popped {
                part: packet.into_part(),
                digits: false,
                compress,
            });
        }
        let digits = base64.then(|| first.packet.shared_text(self.begun as usize, base64_digits));
        let popped = match digits.flatten() {
            Some(digits) => Popped {
                part: Part::Text(digits.clone()),
                digits: true,
                compress,
            },
            None => Popped {
                part: first.packet.part(self.begun as usize)?,
                digits: false,
                compress,
            },
        };
        self.begun = self.begun.saturating_add(1);
        if self.begun as usize >= first.packet.packets() {
            self.begun = 0;
            self.bytes = self.bytes.saturating_sub(first.packet.size());
            self.packets = self.packets.saturating_sub(first.packet.packets());
            self.waiting.pop_front();
            self.shrink();
        }
        Some(popped)
    }

    /// Keeps nothing for those to come.
    pub(crate) fn give_back(&mut self) {
        self.waiting.shrink_to_fit();
    }

    /// A burst is over: what held it is given back, what holds a few packets is kept.
    fn shrink(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = VecDeque::new();
        }
    }

    /// All of it as one polling body, for a client that takes bytes as they are or does not, and whether
    /// that may be compressed.
    pub(super) fn take_payload(
        &mut self,
        revision: Eio,
        takes_bytes: bool,
    ) -> (Framing, Bytes, bool) {
        let binary = takes_bytes && self.waiting.iter().any(|it| it.packet.has_bytes());
        let framing = Framing::of(revision, binary);
        let mut body = Writer::new(framing, self.bytes.saturating_add(self.packets));
        let mut compress = false;
        for waiting in &self.waiting {
            compress |= waiting.flags.compress;
            for (index, part) in waiting.packet.parts().enumerate() {
                let text = match framing {
                    Framing::Binary => None,
                    Framing::Separated | Framing::Counted => {
                        waiting.packet.shared_text(index, base64_digits)
                    }
                };
                match text {
                    Some(text) => body.push_base64(text),
                    None => body.push(&part),
                }
            }
        }
        self.answers = self.answers.saturating_add(1);
        self.clear();
        (framing, body.finish(), compress)
    }

    /// Whether what is unwritten counts: one answer may be as large as it is, and who asks for another one
    /// before it was written does not read.
    pub(super) const fn counts_unwritten(&self) -> bool {
        self.answers > 1
    }

    /// Whether a packet would be over the limits. One packet may always wait, however large it is, unless
    /// more than the limit is unwritten.
    pub(super) fn is_full_for(&self, packet: &Encoded, bytes: usize, packets: usize) -> bool {
        self.is_full(packet.size(), packet.packets(), bytes, packets)
    }

    /// The same of a packet of this `size` and so many frames.
    pub(super) fn is_full(&self, size: usize, frames: usize, bytes: usize, packets: usize) -> bool {
        let unread = match self.counts_unwritten() {
            true => self.unwritten(),
            false => 0,
        };
        let held = self.bytes.saturating_add(unread);
        match self.is_empty() {
            true => held > bytes,
            false => {
                held.saturating_add(size) > bytes || self.packets.saturating_add(frames) > packets
            }
        }
    }

    /// Drops volatile packets, the oldest first, until there is room for `packet` or none is left. One
    /// whose frames are partly out stays. Of each it is said where it was.
    pub(super) fn make_room(
        &mut self,
        packet: &Encoded,
        bytes: usize,
        packets: usize,
        mut removed: impl FnMut(usize),
    ) {
        let mut at = usize::from(self.begun > 0);
        while self.is_full_for(packet, bytes, packets) {
            match self.waiting.get(at).map(|waiting| waiting.flags.volatile) {
                None => return,
                Some(false) => at = at.saturating_add(1),
                Some(true) => {
                    if let Some(Waiting { packet, .. }) = self.waiting.remove(at) {
                        self.bytes = self.bytes.saturating_sub(packet.size());
                        self.packets = self.packets.saturating_sub(packet.packets());
                        removed(at);
                    }
                }
            }
        }
    }

    /// The next that is pushed is the newest of its name.
    pub(super) const fn expect_latest(&mut self) {
        self.latest = self.latest.saturating_add(1);
    }

    /// Takes out what waits under the name of `packet`, of which nothing was handed out: one at most. What waits is
    /// looked through only as long as there may be such a one: a client that does not read makes it long. Says where it
    /// was.
    pub(super) fn supersede(&mut self, packet: &Encoded) -> Option<usize> {
        if self.is_empty() {
            self.latest = 0;
        }
        if self.latest == 0 {
            return None;
        }
        let unbegun = self.waiting.iter().skip(usize::from(self.begun > 0));
        let at = unbegun
            .rev()
            .position(|waiting| waiting.flags.latest && waiting.packet.is_namesake(packet));
        let place = self.waiting.len().checked_sub(at?.saturating_add(1))?;
        let Waiting { packet, .. } = self.waiting.remove(place)?;
        self.bytes = self.bytes.saturating_sub(packet.size());
        self.packets = self.packets.saturating_sub(packet.packets());
        self.latest = self.latest.saturating_sub(1);
        Some(place)
    }

    pub(super) fn clear(&mut self) {
        let (unwritten, answers) = (self.unwritten, self.answers);
        *self = Self {
            unwritten,
            answers,
            ..Self::default()
        };
    }

    pub(super) fn set_unwritten(&mut self, bytes: usize) {
        // No more may ever wait for one client.
        self.unwritten = u32::try_from(bytes).unwrap_or(u32::MAX);
        if bytes == 0 {
            self.answers = 0;
        }
    }

    /// Whether to set it to so much changes nothing.
    pub(super) fn is_unwritten(&self, bytes: usize) -> bool {
        match bytes {
            0 => self.unwritten | self.answers == 0,
            bytes => self.unwritten() == bytes,
        }
    }

    pub(super) const fn unwritten(&self) -> usize {
        self.unwritten as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many packets wait, each with its attachments; one that was begun is one of them.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn packets(&self) -> usize {
        self.packets
    }
}

/// Elements whose room is kept when all have left.
const KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(text: &'static str, attachments: &[&'static [u8]]) -> Encoded {
        let attachments = attachments
            .iter()
            .map(|bytes| Bytes::from_static(bytes))
            .collect();
        Encoded::text(text.into(), attachments)
    }

    fn pop(queue: &mut Queue) -> Option<(Part, bool)> {
        queue.pop(false).map(|it| (it.part, it.compress))
    }

    const VOLATILE: Flags = Flags {
        volatile: true,
        compress: false,
        latest: false,
        policy: None,
    };

    #[test]
    fn what_was_begun_is_not_given_back() {
        let lasting = Flags::default();
        let unbegun = |pops: usize| {
            let mut queue = Queue::default();
            queue.push_marked(packet("451-[0]", &[b"a"]), lasting, 1);
            queue.push_marked(packet("42[2]", &[]), VOLATILE, 2);
            for _ in 0..pops {
                assert!(queue.pop(false).is_some());
            }
            let left = queue.take_unbegun();
            assert!(queue.is_empty() && queue.bytes() == 0 && queue.packets() == 0);
            // What comes after it begins anew.
            queue.push_marked(packet("42[3]", &[]), lasting, 3);
            assert_eq!(
                queue.pop(false).map(|it| it.part),
                packet("42[3]", &[]).part(0)
            );
            left.into_iter()
                .map(|(_, flags, mark)| (flags.volatile, mark))
                .collect::<Vec<_>>()
        };
        assert_eq!(unbegun(0), [(false, 1), (true, 2)]);
        // An attachment of it is still to come, but its head has gone.
        assert_eq!(unbegun(1), [(true, 2)]);
        assert_eq!(unbegun(2), [(true, 2)]);
        assert_eq!(unbegun(3), []);
    }

    #[test]
    fn a_body_is_no_longer_than_it_may_be_in_any_framing() {
        for (revision, bytes) in [(Eio::V3, true), (Eio::V3, false), (Eio::V4, true)] {
            for most in 10..60 {
                let mut queue = Queue::default();
                for _ in 0..20 {
                    let attachments: &[&[u8]] = if bytes { &[b"ab", b"c"] } else { &[] };
                    queue.push(packet("42[1]", attachments), Flags::default());
                }
                let frames = queue.packets();
                let mut bodies = 0;
                while !queue.is_empty() {
                    let (_, body) = queue.take_body(revision, most, |_| false);
                    assert!(body.len() <= most, "{revision:?} {most}: {body:?}");
                    bodies += 1;
                }
                assert!((1..=frames).contains(&bodies));
            }
        }
    }

    #[test]
    fn frames_of_one_packet_stay_together() {
        let mut queue = Queue::default();
        queue.push(packet("451-[\"x\"]", &[b"a"]), Flags::default());
        queue.push(packet("42[1]", &[]), VOLATILE);
        assert_eq!((queue.bytes(), queue.packets()), (15, 3));
        assert_eq!(
            pop(&mut queue),
            Some((Part::Text("451-[\"x\"]".into()), true))
        );
        assert_eq!(queue.packets(), 3);
        assert_eq!(pop(&mut queue), Some((Part::Binary("a".into()), true)));
        assert_eq!(pop(&mut queue), Some((Part::Text("42[1]".into()), false)));
        assert_eq!(pop(&mut queue), None);
        assert_eq!((queue.bytes(), queue.packets()), (0, 0));
    }

    #[test]
    fn a_payload_takes_everything() {
        let mut queue = Queue::default();
        queue.push(packet("451-[\"x\"]", &[b"abc"]), VOLATILE);
        queue.push(packet("2", &[]), VOLATILE);
        let (_, body, compress) = queue.take_payload(Eio::V4, false);
        assert_eq!(body, "451-[\"x\"]\u{1e}bYWJj\u{1e}2");
        assert!(!compress);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_others_get_too_is_the_same_for_all() {
        let shared = packet("451-[\"x\"]", &[b"abcd"]);
        for (revision, body) in [
            (Eio::V4, "451-[\"x\"]\u{1e}bYWJjZA=="),
            (Eio::V3, "9:451-[\"x\"]10:b4YWJjZA=="),
        ] {
            for packet in [shared.clone(), packet("451-[\"x\"]", &[b"abcd"])] {
                let mut queue = Queue::default();
                queue.push(packet, VOLATILE);
                assert_eq!(queue.take_payload(revision, false).1, body);
            }
        }
        // On a WebSocket the same digits, and no others, go to everybody.
        let mut pointers = [true, true, false].map(|base64| {
            let mut queue = Queue::default();
            queue.push(shared.clone(), VOLATILE);
            queue.pop(base64);
            let Popped { part, digits, .. } = queue.pop(base64).unwrap();
            assert_eq!(digits, base64);
            match part {
                Part::Text(text) if base64 => (text == "YWJjZA==").then_some(text.as_ptr()),
                Part::Binary(bytes) if !base64 => (bytes == "abcd").then_some(bytes.as_ptr()),
                other @ (Part::Text(_) | Part::Binary(_)) => panic!("{other:?}"),
            }
        });
        pointers.sort_unstable();
        assert!(
            pointers[0].is_some() && (pointers[0] == pointers[1]) != (pointers[1] == pointers[2])
        );
    }

    #[test]
    fn one_packet_always_fits() {
        let mut queue = Queue::default();
        let large = packet("4aaaaaaaaa", &[]);
        assert!(!queue.is_full_for(&large, 4, 1));
        queue.push(large.clone(), Flags::default());
        assert!(queue.is_full_for(&packet("4", &[]), 10, 9));
        assert!(!queue.is_full_for(&packet("4", &[]), 11, 2));
        assert!(queue.is_full_for(&packet("4", &[]), 11, 1));
    }

    #[test]
    fn the_oldest_volatile_gives_way() {
        let mut queue = Queue::default();
        queue.push(packet("4one", &[]), VOLATILE);
        queue.push(packet("4two", &[]), Flags::default());
        queue.push(packet("4three", &[]), VOLATILE);
        queue.push(packet("4four", &[]), VOLATILE);
        queue.make_room(&packet("4five", &[]), 15, 9, |_| ());
        let (_, body, _) = queue.take_payload(Eio::V4, false);
        assert_eq!(body, "4two\u{1e}4four");
    }

    #[test]
    fn a_packet_that_is_partly_out_stays() {
        let mut queue = Queue::default();
        queue.push(packet("451-[]", &[b"attachment"]), VOLATILE);
        pop(&mut queue);
        queue.make_room(&packet("4", &[]), 1, 1, |_| ());
        assert_eq!(
            pop(&mut queue),
            Some((Part::Binary("attachment".into()), false))
        );
    }
}
