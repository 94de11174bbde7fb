//! Counts the fragments of WebSocket messages, empty ones too.
//!
//! tungstenite limits the bytes of a message; a message of a million empty fragments has none. The
//! headers are followed here as the bytes pass by, before tungstenite sees them. So it is known, too, when
//! tungstenite has given out all that it was given, and need not be asked again.

use crate::websocket::Marks;

/// Where in the stream of frames we are.
#[derive(Debug)]
pub(crate) struct Fragments {
    limit: usize,
    /// Fragments of the message under way; 0 between messages.
    count: usize,
    state: State,
    too_many: bool,
    /// Messages that have passed whole and were not taken out again.
    whole: usize,
    /// Whether the frame under way ends a message.
    last: bool,
    /// Whether there was a control frame: tungstenite answers those when it is asked for the next message.
    control: bool,
    /// Which of the messages under way came compressed.
    pub(crate) marks: Marks,
}

#[derive(Debug)]
enum State {
    /// Some bytes of a header, as many as `have`.
    Header { bytes: [u8; 14], have: usize },
    /// This much payload is still to come.
    Payload(u64),
}

const START: State = State::Header {
    bytes: [0; 14],
    have: 0,
};

impl Fragments {
    pub(crate) const fn new(limit: usize, marks: Marks) -> Self {
        Self {
            limit,
            count: 0,
            state: START,
            too_many: false,
            whole: 0,
            last: false,
            control: false,
            marks,
        }
    }

    /// tungstenite has given out a message.
    pub(crate) fn take(&mut self) {
        self.whole = self.whole.saturating_sub(1);
    }

    /// Whether tungstenite has nothing more to give out, and nothing to say.
    pub(crate) const fn is_spent(&self) -> bool {
        self.at_rest() && self.whole == 0 && !self.control
    }

    /// Whether no frame and no message is under way.
    pub(crate) const fn at_rest(&self) -> bool {
        self.count == 0 && matches!(self.state, State::Header { have: 0, .. })
    }

    pub(crate) const fn too_many(&self) -> bool {
        self.too_many
    }

    /// Follows these bytes, and takes the marks of compression from them. `false`: a message has too many
    /// fragments.
    pub(crate) fn pass(&mut self, mut bytes: &mut [u8]) -> bool {
        while !self.too_many {
            match &mut self.state {
                State::Payload(0) => {
                    self.state = START;
                    if self.last {
                        self.whole = self.whole.saturating_add(1);
                    }
                }
                State::Payload(left) => {
                    let skip = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    *left = left.saturating_sub(skip as u64);
                    bytes = bytes.get_mut(skip..).unwrap_or_default();
                    if *left > 0 {
                        return true;
                    }
                }
                State::Header {
                    bytes: header,
                    have,
                } => {
                    if let (0, 0, [first, ..]) = (*have, self.count, &mut *bytes) {
                        self.marks.begin(first);
                    }
                    // The usual case, whole at once: byte by byte a header was 150 instructions.
                    if let (0, Some(whole)) = (*have, bytes.first_chunk().copied()) {
                        let (size, length) = sizes(&whole);
                        bytes = bytes.get_mut(size..).unwrap_or_default();
                        self.state = State::Payload(length);
                        self.frame(whole[0]);
                        continue;
                    }
                    let [next, rest @ ..] = bytes else {
                        return true;
                    };
                    bytes = rest;
                    if let Some(place) = header.get_mut(*have) {
                        *place = *next;
                    }
                    *have = have.saturating_add(1);
                    let header = *header;
                    // Its second byte says how long it is: before that has come nothing is long enough.
                    let (size, length) = sizes(&header);
                    if *have >= 2 && *have == size {
                        self.state = State::Payload(length);
                        self.frame(header[0]);
                    }
                }
            }
        }
        false
    }

    /// A frame with this first byte has begun. Control frames stand between fragments and count for
    /// none.
    fn frame(&mut self, first: u8) {
        const FINAL: u8 = 0x80;
        const CONTROL: u8 = 0x08;
        self.last = first & FINAL != 0;
        if first & CONTROL != 0 {
            self.control = true;
            return;
        }
        self.count = self.count.saturating_add(1);
        self.too_many = self.count > self.limit;
        if self.last {
            self.count = 0;
        }
    }
}

/// The length of the header, which its second byte says, and of the payload, once all of the header is
/// there.
fn sizes(header: &[u8; 14]) -> (usize, u64) {
    const MASKED: u8 = 0x80;
    let [_, second, long @ ..] = header;
    let [a, b, c, d, e, f, g, h, ..] = *long;
    let (extended, length) = match second & !MASKED {
        126 => (2, u64::from(u16::from_be_bytes([a, b]))),
        127 => (8, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        short => (0, u64::from(short)),
    };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    (2 + extended + mask, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match payload {
            0..=125 => frame.push(0x80 | payload as u8),
            126..=65_535 => {
                frame.push(0x80 | 126);
                frame.extend((payload as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.resize(frame.len() + payload, 0xff);
        frame
    }

    #[test]
    fn every_length_is_followed_however_the_bytes_are_cut() {
        for payload in [0, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = [frame(0x81, payload), frame(0x82, payload)].concat();
            for cut in [1, 2, 3, 7, bytes.len()] {
                let mut fragments = Fragments::new(1, Marks::new(None));
                let pieces = bytes.len().div_ceil(cut);
                for (at, piece) in bytes.chunks_mut(cut).enumerate() {
                    assert!(fragments.pass(piece));
                    if at + 1 < pieces && at == 0 && cut < frame(0x81, payload).len() {
                        assert!(!fragments.at_rest());
                    }
                }
                assert!(fragments.at_rest(), "{payload} in pieces of {cut}");
            }
        }
    }

    #[test]
    fn it_is_spent_when_all_that_passed_whole_was_taken() {
        let mut fragments = Fragments::new(9, Marks::new(None));
        assert!(fragments.is_spent());
        fragments.pass(&mut [frame(0x81, 3), frame(0x82, 200), frame(0x01, 5)].concat());
        fragments.take();
        assert!(!fragments.is_spent());
        fragments.take();
        assert!(!fragments.is_spent(), "a fragment is there");
        let [head @ .., tail] = &mut frame(0x80, 5)[..] else {
            unreachable!()
        };
        fragments.pass(head);
        fragments.pass(&mut [*tail]);
        assert!(!fragments.is_spent());
        fragments.take();
        assert!(fragments.is_spent());
        // A ping is answered when tungstenite is asked again.
        fragments.pass(&mut frame(0x89, 1));
        fragments.take();
        assert!(fragments.at_rest() && !fragments.is_spent());
    }

    #[test]
    fn the_limit_counts_empty_fragments_and_leaves_control_frames_out() {
        let mut fragments = Fragments::new(3, Marks::new(None));
        assert!(fragments.pass(&mut frame(0x01, 0)));
        assert!(fragments.pass(&mut frame(0x00, 5)));
        assert!(fragments.pass(&mut frame(0x89, 3)));
        assert!(!fragments.at_rest());
        assert!(fragments.pass(&mut frame(0x80, 0)));
        assert!(fragments.at_rest());

        assert!(fragments.pass(&mut frame(0x02, 0)));
        assert!(fragments.pass(&mut frame(0x00, 0)));
        assert!(fragments.pass(&mut frame(0x00, 0)));
        assert!(!fragments.pass(&mut frame(0x00, 0)));
        assert!(fragments.too_many());
    }
}
