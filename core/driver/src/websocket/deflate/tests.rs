//! Compressed messages over a stream in memory, however it is cut.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytestring::ByteString;
use futures_io::{AsyncRead, AsyncWrite};
use proptest::prelude::*;
use sio_core::engine::{Message, WsClosed};
use sio_core::packet::Part;
use sio_core::websocket::{switch_protocols, write};

use super::*;
use crate::websocket::{Received, Transport, WebSocket};

/// A stream that has been read to the end of what came, some bytes at a time.
struct Line {
    came: VecDeque<u8>,
    piece: usize,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = self.came.len().min(self.piece).min(buffer.len());
        if count == 0 {
            return Poll::Pending;
        }
        for (place, byte) in buffer.iter_mut().zip(self.came.drain(..count)) {
            *place = byte;
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// RSV1 in a frame's first byte: the message is compressed.
const COMPRESSED: u8 = 0x40;

/// The limit of a message in these tests.
const LIMIT: usize = 100_000;

const TAKEOVER: PerMessageDeflate = PerMessageDeflate {
    threshold: 1,
    level: 6,
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

const ALONE: PerMessageDeflate = PerMessageDeflate {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    ..TAKEOVER
};

fn config(options: PerMessageDeflate) -> Config {
    Config::default()
        .max_http_buffer_size(LIMIT)
        .per_message_deflate(Some(options))
}

/// What a client that offers this agrees on with a server that has these options.
fn agreed(options: PerMessageDeflate, offer: &str) -> Option<Deflate> {
    let request = http::Request::builder()
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-extensions", offer)
        .body(())
        .unwrap();
    let config = config(options);
    let mut response = switch_protocols(&request.into_parts().0, &config).unwrap();
    Deflate::agreed(&mut response, &config)
}

struct Talk {
    socket: WebSocket<Line>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Talk {
    fn new(options: PerMessageDeflate, came: Vec<u8>, piece: usize) -> Self {
        let sent = Arc::default();
        let line = Line {
            came: came.into(),
            piece,
            sent: Arc::clone(&sent),
        };
        let deflate = agreed(options, "permessage-deflate; client_max_window_bits");
        assert!(deflate.is_some());
        let socket = WebSocket::new(line, &[], &config(options), deflate);
        Self { socket, sent }
    }

    /// All that is received, in as many turns as that takes, and how it ended if it did.
    fn received(&mut self) -> (Vec<Message>, Option<WsClosed>) {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut frames = Vec::new();
        loop {
            match self.socket.poll_receive(&mut cx) {
                Poll::Ready(Received::Frame(frame)) => frames.push(frame),
                Poll::Ready(Received::Closed(cause)) => return (frames, Some(cause)),
                Poll::Pending if woken.0.swap(false, Ordering::Relaxed) => {}
                Poll::Pending => return (frames, None),
            }
        }
    }

    /// What has been written, once.
    fn sent(&mut self) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(self.socket.poll_flush(&mut cx).1.is_ready());
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, at the end of the connection.
    fn last_sent(&mut self) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(self.socket.poll_finish(&mut cx).is_pending());
        self.sent()
    }
}

/// Whether a task wants to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write::frame(&mut frame, first, Some([7, 77, 177, 17]), &[], payload);
    frame
}

/// A server's frames: first byte and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match (length, rest) {
            (126, [a, b, rest @ ..]) => (u16::from_be_bytes([*a, *b]).into(), rest),
            (127, [_, _, _, _, a, b, c, d, rest @ ..]) => {
                (u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest)
            }
            (length, rest) => (usize::from(*length), rest),
        };
        frames.push((*first, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    frames
}

/// The close code of what was written last.
fn close_code(bytes: &[u8]) -> u16 {
    let (first, payload) = frames(bytes).pop().expect("a frame");
    assert_eq!(first, 0x88);
    u16::from_be_bytes([payload[0], payload[1]])
}

/// A client that has a context of its own, or none.
struct Client {
    compress: Compress,
    decompress: Decompress,
    alone: bool,
}

impl Client {
    fn new(alone: bool) -> Self {
        Self {
            compress: Compress::new(Compression::default(), false),
            decompress: Decompress::new(false),
            alone,
        }
    }

    fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        let compressed = deflate(&mut self.compress, b"", message).unwrap_or_else(|| vec![0]);
        if self.alone {
            self.compress.reset();
        }
        compressed
    }

    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        let message = inflate(&mut self.decompress, payload, usize::MAX / 2).unwrap();
        if self.alone {
            self.decompress.reset(false);
        }
        message
    }
}

/// A message: its bytes, whether it is text, whether it is compressed, where it is cut.
#[derive(Clone, Debug)]
struct Said {
    payload: Vec<u8>,
    text: bool,
    compressed: bool,
    cuts: Vec<prop::sample::Index>,
}

fn said() -> impl Strategy<Value = Said> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        "[a-c]{0,4000}".prop_map(String::into_bytes),
        ".{0,40}".prop_map(String::into_bytes),
    ];
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (payload, any::<bool>(), cuts).prop_map(|(payload, compressed, cuts)| Said {
        text: std::str::from_utf8(&payload).is_ok(),
        payload,
        compressed,
        cuts,
    })
}

impl Said {
    /// As frames, with a ping between any two of them.
    fn frames(&self, client: &mut Client) -> Vec<u8> {
        let (payload, bit) = match self.compressed {
            true => (client.deflate(&self.payload), COMPRESSED),
            false => (self.payload.clone(), 0),
        };
        let mut cuts: Vec<usize> = self
            .cuts
            .iter()
            .map(|at| at.index(payload.len() + 1))
            .collect();
        cuts.sort_unstable();
        cuts.push(payload.len());
        let (mut bytes, mut from) = (Vec::new(), 0);
        for (at, to) in cuts.iter().enumerate() {
            let opcode = if at == 0 {
                bit | if self.text { 1 } else { 2 }
            } else {
                0
            };
            let last = if at + 1 == cuts.len() { 0x80 } else { 0 };
            bytes.extend(frame(last | opcode, &payload[from..*to]));
            if last == 0 {
                bytes.extend(frame(0x89, b"?"));
            }
            from = *to;
        }
        bytes
    }

    fn frame(&self) -> Message {
        let bytes = Bytes::from(self.payload.clone());
        match self.text {
            true => Message::Text(ByteString::try_from(bytes).unwrap()),
            false => Message::Binary(bytes),
        }
    }
}

proptest! {
    #[test]
    fn what_clients_compress_is_received_however_it_is_cut(
        said in prop::collection::vec(said(), 1..6),
        alone: bool,
        piece in prop_oneof![Just(1usize), 2usize..50, Just(100_000)],
    ) {
        let mut client = Client::new(alone);
        let bytes = said.iter().flat_map(|said| said.frames(&mut client)).collect();
        let mut talk = Talk::new(if alone { ALONE } else { TAKEOVER }, bytes, piece);
        let expected: Vec<Message> = said.iter().map(Said::frame).collect();
        prop_assert_eq!(talk.received(), (expected, None));
    }

    #[test]
    fn what_we_compress_is_what_was_sent(
        said in prop::collection::vec(said(), 1..6),
        alone: bool,
        bits in 9u8..=15,
        level in 0u8..=9,
    ) {
        let options = PerMessageDeflate {
            server_max_window_bits: bits,
            level,
            ..if alone { ALONE } else { TAKEOVER }
        };
        let mut talk = Talk::new(options, Vec::new(), 1);
        let mut client = Client::new(alone);
        for said in said {
            let bytes = Bytes::from(said.payload.clone());
            let part = if said.text { Part::Text(bytes) } else { Part::Binary(bytes) };
            let head: &[u8] = if said.text { b"" } else { &[4] };
            talk.socket.send(head, part, said.compressed);
            let sent = frames(&talk.sent());
            prop_assert_eq!(sent.len(), 1);
            let (first, payload) = &sent[0];
            prop_assert_eq!(first & 0x8f, 0x80 | if said.text { 1 } else { 2 });
            prop_assert!(said.compressed || first & COMPRESSED == 0);
            let payload = match first & COMPRESSED {
                0 => payload.clone(),
                _ => client.inflate(payload),
            };
            prop_assert_eq!(payload, [head, &said.payload].concat());
        }
    }

    #[test]
    fn nothing_that_comes_ends_in_more_than_the_limit_or_a_panic(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        mut limit in 0usize..500,
    ) {
        for options in [ALONE, TAKEOVER] {
            let mut deflate = agreed(options, "permessage-deflate").unwrap();
            for _ in 0..2 {
                if let Ok(message) = deflate.inflate(&payload, limit) {
                    prop_assert!(message.len() <= limit);
                }
                limit += 1;
            }
        }
    }
}

#[test]
fn a_bomb_goes_off_at_the_limit_of_a_message() {
    for options in [ALONE, TAKEOVER] {
        let whole = Client::new(true).deflate(&vec![0; LIMIT]);
        let bomb = Client::new(true).deflate(&vec![0; 50 * LIMIT]);
        assert!(bomb.len() < LIMIT);
        let bytes = [frame(0xc2, &whole), frame(0xc2, &bomb)].concat();
        let mut talk = Talk::new(options, bytes, 4096);
        let (received, closed) = talk.received();
        assert_eq!(received, [Message::Binary(vec![0; LIMIT].into())]);
        assert_eq!(closed, Some(WsClosed::TooLarge));
        assert_eq!(close_code(&talk.last_sent()), 1009);
    }
}

#[test]
fn the_limit_holds_for_messages_that_are_not_compressed_too() {
    let bytes = [frame(0x82, &[1; LIMIT]), frame(0x82, &[1; LIMIT + 1])].concat();
    let mut talk = Talk::new(ALONE, bytes, 4096);
    let (received, closed) = talk.received();
    assert_eq!((received.len(), closed), (1, Some(WsClosed::TooLarge)));
    assert_eq!(close_code(&talk.last_sent()), 1009);
}

#[test]
fn what_does_not_shrink_may_be_as_large_as_what_does() {
    let mut state = 1u32;
    let noise: Vec<u8> = (0..LIMIT)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let compressed = Client::new(true).deflate(&noise);
    assert!(compressed.len() > LIMIT);
    let mut talk = Talk::new(ALONE, frame(0xc2, &compressed), 4096);
    assert_eq!(
        talk.received(),
        (vec![Message::Binary(noise.clone().into())], None)
    );
    // Ours goes as it is.
    talk.socket
        .send(&[], Part::Binary(noise.clone().into()), true);
    assert_eq!(frames(&talk.sent()), [(0x82, noise)]);
}

#[test]
fn violations_close_with_the_code_that_they_have() {
    let text = Client::new(true).deflate(b"hello");
    let no_text = Client::new(true).deflate(&[0xff, 0xfe]);
    for (what, bytes, code) in [
        ("invalid deflate data", frame(0xc1, &[0xff; 20]), 1007),
        ("text that is no UTF-8", frame(0xc1, &no_text), 1007),
        ("RSV2", frame(0xa1, b"hello"), 1002),
        ("RSV3 beside RSV1", frame(0xd1, &text), 1002),
        ("RSV1 on a ping", frame(0xc9, b""), 1002),
        (
            "RSV1 on a continuation",
            [frame(0x41, &text), frame(0xc0, b"")].concat(),
            1002,
        ),
        (
            "a message within a message",
            [frame(0x41, &text), frame(0xc1, &text)].concat(),
            1002,
        ),
    ] {
        for piece in [1, 1000] {
            let mut talk = Talk::new(ALONE, bytes.clone(), piece);
            let (received, closed) = talk.received();
            assert!(received.is_empty(), "{what}");
            assert_eq!(closed, Some(WsClosed::Violation), "{what}");
            assert_eq!(close_code(&talk.last_sent()), code, "{what}");
        }
    }
}

#[test]
fn rsv1_is_a_violation_where_nothing_was_agreed_on() {
    let sent = Arc::default();
    let line = Line {
        came: frame(0xc1, &Client::new(true).deflate(b"hello")).into(),
        piece: 100,
        sent: Arc::clone(&sent),
    };
    let socket = WebSocket::new(line, &[], &config(ALONE), None);
    let mut talk = Talk { socket, sent };
    assert_eq!(talk.received(), (vec![], Some(WsClosed::Violation)));
    assert_eq!(close_code(&talk.last_sent()), 1002);
}

#[test]
fn final_blocks_are_read_and_not_without_end() {
    // The example of RFC 7692 §7.2.3.5.
    let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    for options in [ALONE, TAKEOVER] {
        let bytes = [frame(0xc1, &hello), frame(0xc1, &hello[..7])].concat();
        let mut talk = Talk::new(options, bytes, 3);
        let frame = Message::Text(ByteString::from("Hello"));
        assert_eq!(talk.received(), (vec![frame.clone(), frame], None));
    }
    let endless = [0x03, 0x00].repeat(1000);
    let mut talk = Talk::new(ALONE, frame(0xc2, &endless), 1000);
    assert_eq!(talk.received().1, Some(WsClosed::Violation));
}

#[test]
fn small_messages_and_those_that_are_not_to_be_are_not_compressed() {
    let options = PerMessageDeflate {
        threshold: 100,
        ..ALONE
    };
    let mut talk = Talk::new(options, Vec::new(), 1);
    for (length, compress, first) in [(99, true, 0x81), (100, true, 0xc1), (100, false, 0x81)] {
        talk.socket
            .send(&[], Part::Text(vec![b'x'; length].into()), compress);
        assert_eq!(frames(&talk.sent())[0].0, first, "{length}");
    }
}

#[test]
fn a_broadcast_is_compressed_once_for_all_that_have_the_same_form() {
    let message = Bytes::from(vec![b'x'; 5000]);
    let mut first = agreed(ALONE, "permessage-deflate").unwrap();
    let mut second = agreed(ALONE, "permessage-deflate").unwrap();
    let narrow = "permessage-deflate; server_max_window_bits=9";
    let mut narrow = agreed(ALONE, narrow).unwrap();
    let _recipient = message.clone();
    let one = first.deflate(&[], &message).unwrap();
    assert_eq!(
        one.as_ptr(),
        second.deflate(&[], &message).unwrap().as_ptr()
    );
    assert_ne!(
        one.as_ptr(),
        first.deflate(&[4], &message).unwrap().as_ptr()
    );
    assert_ne!(
        one.as_ptr(),
        narrow.deflate(&[], &message).unwrap().as_ptr()
    );
    SHARED.with_borrow(|shared| {
        assert_eq!((shared.known.len(), shared.known[0].forms.len()), (1, 3))
    });
    drop((message, _recipient));
    // What reached everybody is let go of; what only one gets is not kept.
    let other = Bytes::from(vec![b'y'; 5000]);
    assert!(first.deflate(&[], &other).is_some());
    SHARED.with_borrow(|shared| assert_eq!((shared.known.len(), shared.size), (0, 0)));
}

#[test]
fn broadcasts_under_way_are_kept_within_limits() {
    let mut deflate = agreed(ALONE, "permessage-deflate").unwrap();
    let all: Vec<Bytes> = (0..200u8).map(|at| vec![at; 50_000].into()).collect();
    let _recipients = all.clone();
    for message in &all {
        assert!(deflate.deflate(&[], message).is_some());
        SHARED.with_borrow(|shared| {
            assert!(shared.known.len() <= KNOWN && shared.size <= KNOWN_BYTES + 100_000);
            assert_eq!(
                shared.size,
                shared.known.iter().map(Known::size).sum::<usize>()
            );
        });
    }
}
