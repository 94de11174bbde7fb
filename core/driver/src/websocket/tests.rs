use async_tungstenite::tungstenite::Error as WsError;
use async_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use async_tungstenite::tungstenite::protocol::{Message, Role, WebSocketContext};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// A peer that has said something and takes a number of bytes, and what was done to its stream.
#[derive(Default)]
struct Counted {
    came: Vec<u8>,
    takes: Option<usize>,
    writes: Vec<Vec<u8>>,
    closes: usize,
}

impl futures_io::AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = self.came.len().min(buffer.len());
        if count == 0 {
            return Poll::Pending;
        }
        buffer[..count].copy_from_slice(&self.came[..count]);
        self.came.drain(..count);
        Poll::Ready(Ok(count))
    }
}

impl futures_io::AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = self
            .takes
            .map_or(bytes.len(), |takes| takes.min(bytes.len()));
        if count == 0 {
            return Poll::Pending;
        }
        self.takes = self.takes.map(|takes| takes - count);
        self.writes.push(bytes[..count].to_vec());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closes += 1;
        Poll::Ready(Ok(()))
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(std::task::Waker::noop())
}

fn socket(came: &[u8]) -> WebSocket<Counted> {
    let stream = Counted {
        came: came.to_vec(),
        ..Counted::default()
    };
    WebSocket::new(stream, &[], &Config::default(), None)
}

/// Bytes queued before there is room for no more.
const ROOM: usize = 64 * 1024;

/// A frame as tungstenite's client writes it.
fn masked(mut frame: RawFrame) -> Vec<u8> {
    frame.header_mut().mask = Some([1, 2, 3, 4]);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

fn text(text: &'static str) -> Part {
    Part::Text(Bytes::from_static(text.as_bytes()))
}

#[test]
fn a_message_is_the_frame_that_tungstenite_writes() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let payload = vec![b'x'; length];
        for head in [&b""[..], &[4]] {
            let mut socket = socket(&[]);
            socket.send(head, Part::Binary(payload.clone().into()), false);
            let whole = [head, &payload].concat();
            let frame = RawFrame::message(whole, OpCode::Data(Data::Binary), true);
            let mut expected = Vec::new();
            frame.format(&mut expected).unwrap();
            assert_eq!(socket.connection.poll_output(), expected, "{length}");
        }
    }
}

#[test]
fn a_held_response_leaves_with_the_first_frame_and_the_end_is_said_once() {
    let mut socket = socket(&[]).after(b"101".to_vec());
    socket.send(b"", text("0{}"), true);
    assert!(socket.poll_flush(&mut cx()).1.is_ready());
    assert_eq!(socket.stream.writes, [b"101\x81\x030{}".to_vec()]);
    // It breaks a rule, and has not closed.
    socket.stream.came = b"\x83\x80".to_vec();
    assert!(socket.poll_receive(&mut cx()).is_ready());
    for _ in 0..3 {
        assert!(socket.poll_finish(&mut cx()).is_pending());
    }
    assert_eq!(socket.stream.closes, 1);
}

#[test]
fn a_peer_that_said_goodbye_is_answered_and_not_waited_for_unless_it_talks_on() {
    let goodbye = masked(RawFrame::close(None));
    for talks in [false, true] {
        let mut socket = socket(&goodbye);
        let received = socket.poll_receive(&mut cx());
        assert!(matches!(received, Poll::Ready(Received::Closed(_))));
        if talks {
            socket.stream.came = b"more".to_vec();
        }
        for _ in 0..2 {
            assert_eq!(socket.poll_finish(&mut cx()).is_pending(), talks);
            assert!(socket.stream.came.is_empty());
        }
        assert_eq!(socket.stream.writes, [[0x88, 0]]);
        assert_eq!(socket.stream.closes, 1);
    }
}

#[test]
fn what_was_answered_before_a_violation_leaves_before_it_is_told() {
    let unmasked = [0x81, 0x00];
    let message = masked(RawFrame::message("2", OpCode::Data(Data::Text), true));
    let mut socket = socket(&[&message[..], &unmasked].concat());
    assert!(matches!(
        socket.poll_receive(&mut cx()),
        Poll::Ready(Received::Frame(_))
    ));
    assert!(matches!(
        socket.poll_receive(&mut cx()),
        Poll::Ready(Received::Closed(WsClosed::Violation))
    ));
    assert!(socket.has_room());
    socket.send(b"", text("3"), true);
    assert!(socket.poll_finish(&mut cx()).is_pending());
    assert_eq!(socket.stream.writes.concat(), b"\x81\x013\x88\x02\x03\xea");
    assert!(!socket.has_room());
}

#[test]
fn of_pings_that_nobody_reads_the_answers_to_the_last_is_kept() {
    // faults: C12
    let ping = |payload: u8| {
        let payload = vec![payload; 125];
        masked(RawFrame::ping(payload))
    };
    let all: Vec<u8> = (0..=255).cycle().take(2_000).flat_map(ping).collect();
    let mut socket = socket(&all);
    socket.stream.takes = Some(0);
    for _ in 0..=2_000 / CONTROLS {
        assert!(socket.poll_receive(&mut cx()).is_pending());
    }
    assert!(socket.poll_flush(&mut cx()).1.is_pending());
    assert!(socket.connection.poll_output().len() < ROOM + 127);
    socket.stream.takes = None;
    assert!(socket.poll_flush(&mut cx()).1.is_ready());
    let sent = socket.stream.writes.concat();
    let last = u8::try_from(1_999 % 256).unwrap();
    assert_eq!(
        sent[sent.len() - 127..],
        [&[0x8a, 125][..], &[last; 125]].concat()
    );
}

#[test]
fn what_waits_keeps_no_more_than_itself_and_the_thread_no_more_than_it_may() {
    let mut socket = socket(&[]);
    socket.stream.takes = Some(999_000);
    socket.send(b"", Part::Binary(vec![7; 1_000_000].into()), false);
    assert!(socket.poll_flush(&mut cx()).1.is_pending());
    assert_eq!(socket.connection.poll_output(), [7; 1_010]);
    socket.stream.takes = None;
    assert!(socket.poll_flush(&mut cx()).1.is_ready());
    assert!(scratch::outgoing().capacity() <= 256 * 1024);
}

#[test]
fn of_two_pongs_the_later_one_is_the_last() {
    let mut socket = socket(&masked(RawFrame::ping("1")));
    socket.stream.takes = Some(0);
    socket.send(&[], Part::Binary(vec![0; ROOM].into()), false);
    assert!(socket.poll_receive(&mut cx()).is_pending());
    socket.stream.takes = Some(1000);
    assert!(socket.poll_flush(&mut cx()).1.is_pending());
    socket.stream.came = masked(RawFrame::ping("2"));
    assert!(socket.poll_receive(&mut cx()).is_pending());
    socket.stream.takes = None;
    assert!(socket.poll_flush(&mut cx()).1.is_ready());
    let sent = socket.stream.writes.concat();
    assert_eq!(sent[sent.len() - 5..], *b"\0\0\x8a\x012");
}

#[test]
fn pings_and_pongs_do_not_keep_everybody_else_waiting() {
    let message = masked(RawFrame::message("2", OpCode::Data(Data::Text), true));
    for control in [RawFrame::ping("x"), RawFrame::pong("x")] {
        let mut came = masked(control).repeat(CONTROLS + 1);
        came.extend(&message);
        let mut socket = socket(&came);
        assert!(socket.poll_receive(&mut cx()).is_pending());
        assert!(matches!(
            socket.poll_receive(&mut cx()),
            Poll::Ready(Received::Frame(_))
        ));
    }
}

/// A client's frame, as the property below makes it.
fn frame() -> impl Strategy<Value = RawFrame> {
    let payload = prop_oneof![
        "[a-zé€]{0,8}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    (0..8_u8, any::<bool>(), payload).prop_map(|(what, last, payload)| match what {
        0..=2 => RawFrame::message(payload, OpCode::Data(Data::Text), last),
        3..=4 => RawFrame::message(payload, OpCode::Data(Data::Binary), last),
        5 => RawFrame::message(payload, OpCode::Data(Data::Continue), last),
        6 => RawFrame::ping(payload),
        _ => RawFrame::pong(payload),
    })
}

/// The messages that tungstenite reads, and whether it refuses what comes then.
fn by_tungstenite(bytes: Vec<u8>) -> (Vec<sio_core::engine::Message>, bool) {
    let mut context = WebSocketContext::from_partially_read(bytes, Role::Server, None);
    let mut all = Vec::new();
    loop {
        match context.read(&mut Silent) {
            Ok(Message::Text(text)) => {
                all.push(sio_core::engine::Message::Text(text.as_str().into()))
            }
            Ok(Message::Binary(data)) => all.push(sio_core::engine::Message::Binary(data)),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (all, false);
            }
            other => {
                assert!(other.is_err(), "{other:?}");
                return (all, true);
            }
        }
    }
}

/// A stream with nothing to read that takes all.
struct Silent;

impl io::Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl io::Write for Silent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    /// Whatever frames a client sends, in order or not: what we read is what tungstenite reads, and what
    /// one refuses the other does.
    #[test]
    fn messages_are_those_that_tungstenite_reads(frames in prop::collection::vec(frame(), 0..12)) {
        let bytes: Vec<u8> = frames.into_iter().flat_map(masked).collect();
        let expected = by_tungstenite(bytes.clone());
        let mut socket = socket(&bytes);
        let mut all = Vec::new();
        let refused = loop {
            match socket.poll_receive(&mut cx()) {
                Poll::Ready(Received::Frame(frame)) => all.push(frame),
                Poll::Ready(Received::Closed(_)) => break true,
                Poll::Pending => break false,
            }
        };
        prop_assert_eq!((all, refused), expected);
    }
}
