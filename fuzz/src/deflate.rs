//! Compressed messages to a whole server in memory, whose echo is read by zlib's own rules.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use futures_io::{AsyncRead, AsyncWrite};
use sio_core::config::{Config, PerMessageDeflate};
use sio_core::time::Instant;
use sio_core::websocket::{Incoming, Limits, Reader, Role, write};
use sio_driver::binding::{Remote, Runtime, Server, Sleep, serve_stream};

/// Bytes of a message that the server takes.
const LIMIT: usize = 4096;

/// What ends a flushed block, and is left out on the wire (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// How an input is to be read: the bits of its first byte.
struct Story {
    client_takeover: bool,
    server_takeover: bool,
    /// The messages are what stands on the wire, not what is to be compressed.
    raw: bool,
    text: bool,
    cut: bool,
    /// How often each message says the same again.
    times: usize,
}

/// What a compressed message must come to.
#[derive(Debug, PartialEq)]
enum Expected {
    Message(Vec<u8>),
    Close,
    /// It has a final block, behind which readers may differ.
    Either,
}

pub(crate) fn run(input: &[u8]) {
    let Some((flags, messages)) = input.split_first() else {
        return;
    };
    let bit = |at: u8| flags & (1 << at) != 0;
    let story = Story {
        client_takeover: bit(0),
        server_takeover: bit(1),
        raw: bit(2),
        text: bit(3),
        cut: bit(4),
        times: usize::from(flags >> 5) + 1,
    };
    let mut world = World::new(&story);
    let mut compress = Compress::new(Compression::default(), false);
    let mut decompress = Decompress::new(false);
    for message in messages.split(|byte| *byte == 0x1f) {
        let message = message.repeat(story.times);
        let payload = if story.raw {
            message
        } else {
            let payload = deflated(&mut compress, &message);
            if !story.client_takeover {
                compress.reset();
            }
            payload
        };
        let mut expected = inflated(&mut decompress, &payload);
        if !story.client_takeover {
            decompress.reset(false);
        }
        if let Expected::Message(message) = &expected
            && story.text
            && std::str::from_utf8(message).is_err()
        {
            expected = Expected::Close;
        }
        let answer = world.say(&story, &payload);
        match (answer, expected) {
            (Some(answer), Expected::Message(message)) => assert_eq!(answer, message),
            (Some(answer), Expected::Either) => assert!(answer.len() <= LIMIT),
            (Some(answer), Expected::Close) => panic!("taken for a message: {answer:?}"),
            (None, Expected::Message(message)) => panic!("not taken: {message:?}"),
            (None, Expected::Close | Expected::Either) => return,
        }
        if story.raw && world.has_ended_a_stream(&payload) {
            // Whose window is what now is not said anywhere.
            return;
        }
    }
}

fn deflated(compress: &mut Compress, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() * 2 + 64);
    let before = compress.total_in();
    compress
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .expect("zlib compresses anything");
    assert_eq!(compress.total_in() - before, message.len() as u64);
    if out.is_empty() {
        // An empty message behind a flush (§7.2.3.6).
        return vec![0];
    }
    let end = out.len() - TAIL.len();
    assert_eq!(out[end..], TAIL);
    out.truncate(end);
    out
}

fn inflated(decompress: &mut Decompress, payload: &[u8]) -> Expected {
    if payload.is_empty() {
        // No block at all, not even the beginning of the one that was left out: nothing was said.
        return Expected::Message(Vec::new());
    }
    let mut out = Vec::with_capacity(LIMIT + 1);
    for part in [payload, &TAIL] {
        let before = decompress.total_in();
        match decompress.decompress_vec(part, &mut out, FlushDecompress::Sync) {
            Ok(Status::StreamEnd) => return Expected::Either,
            Ok(Status::Ok | Status::BufError) if out.len() > LIMIT => return Expected::Close,
            Ok(Status::Ok | Status::BufError)
                if decompress.total_in() - before == part.len() as u64 => {}
            Ok(Status::Ok | Status::BufError) | Err(_) => return Expected::Close,
        }
    }
    Expected::Message(out)
}

/// A server, the client's end of a stream to it, and all tasks.
struct World {
    wire: Arc<Mutex<Wire>>,
    runtime: Still,
    decompress: Decompress,
    server_takeover: bool,
}

/// Bytes on their way.
#[derive(Default)]
struct Wire {
    to_server: VecDeque<u8>,
    to_client: Vec<u8>,
    /// Whether anything has moved since somebody looked.
    moved: bool,
}

impl World {
    fn new(story: &Story) -> Self {
        let options = PerMessageDeflate {
            threshold: 0,
            client_no_context_takeover: !story.client_takeover,
            server_no_context_takeover: !story.server_takeover,
            ..PerMessageDeflate::default()
        };
        let config = Config::default()
            .per_message_deflate(options)
            .max_http_buffer_size(LIMIT);
        let runtime = Still(Arc::default());
        let wire = Arc::new(Mutex::new(Wire::default()));
        let server = Server::default().websocket_echo(config);
        let line = Line(wire.clone());
        runtime.spawn(serve_stream(
            runtime.clone(),
            server,
            line,
            Remote::default(),
        ));
        let mut world = Self {
            wire,
            runtime,
            decompress: Decompress::new(false),
            server_takeover: story.server_takeover,
        };
        world.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
        );
        let head = std::mem::take(&mut lock(&world.wire).to_client);
        let head = String::from_utf8(head).expect("a head");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("permessage-deflate"), "{head}");
        world
    }

    /// Writes, and lets everything run until nothing moves any more.
    fn write(&mut self, bytes: &[u8]) {
        lock(&self.wire).to_server.extend(bytes);
        let mut still = 0;
        while still < 3 {
            self.runtime.run();
            still = match std::mem::take(&mut lock(&self.wire).moved) {
                true => 0,
                false => still + 1,
            };
        }
    }

    /// Says something compressed. What comes back; `None`: the server closes.
    fn say(&mut self, story: &Story, payload: &[u8]) -> Option<Vec<u8>> {
        let opcode = if story.text { 1 } else { 2 };
        let bytes = if story.cut {
            let (one, other) = payload.split_at(payload.len() / 2);
            [frame(0x40 | opcode, one), frame(0x80, other)].concat()
        } else {
            frame(0xc0 | opcode, payload)
        };
        self.write(&bytes);
        let answer = std::mem::take(&mut lock(&self.wire).to_client);
        let mut reader = Reader::new(Role::Client, Limits::default().deflate(true));
        reader.feed(&answer);
        let incoming = reader.poll().expect("a server keeps to the rules");
        let (text, payload) = match incoming.expect("an answer") {
            Incoming::Close(code) => {
                assert!(
                    matches!(code, Some(1002 | 1007 | 1009)),
                    "closed with {code:?}"
                );
                return None;
            }
            Incoming::Compressed { text, payload } => (text, Ok(payload)),
            Incoming::Text(payload) => (true, Err(payload.into_bytes())),
            Incoming::Binary(payload) => (false, Err(payload)),
            other @ (Incoming::Ping(_) | Incoming::Pong(_)) => panic!("{other:?} instead"),
        };
        assert_eq!((reader.poll(), reader.is_at_rest()), (Ok(None), true));
        assert_eq!(text, story.text);
        let payload = match payload {
            Ok(compressed) => compressed,
            Err(plain) => return Some(plain.to_vec()),
        };
        let message = match inflated(&mut self.decompress, &payload) {
            Expected::Message(message) => message,
            other => panic!("the server has compressed to {other:?}"),
        };
        if !self.server_takeover {
            self.decompress.reset(false);
        }
        Some(message)
    }

    /// Whether a reader has come to the end of a stream in it.
    fn has_ended_a_stream(&self, payload: &[u8]) -> bool {
        inflated(&mut Decompress::new(false), payload) == Expected::Either
    }
}

impl Drop for World {
    /// Tasks hold the runtime that holds them.
    fn drop(&mut self) {
        let tasks = std::mem::take(&mut *lock(&self.runtime.0.tasks));
        drop(tasks);
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    // A mask of zeros changes nothing.
    write::frame(&mut frame, first, Some([0; 4]), &[], payload);
    frame
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server's end of the stream.
struct Line(Arc<Mutex<Wire>>);

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = lock(&self.0);
        let count = wire.to_server.len().min(buffer.len());
        if count == 0 {
            return Poll::Pending;
        }
        for (place, byte) in buffer.iter_mut().zip(wire.to_server.drain(..count)) {
            *place = byte;
        }
        wire.moved = true;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = lock(&self.0);
        wire.to_client.extend(bytes);
        wire.moved = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A runtime in which no time passes.
#[derive(Clone)]
struct Still(Arc<Shared>);

struct Shared {
    start: Instant,
    tasks: Mutex<Vec<Task>>,
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Default for Shared {
    fn default() -> Self {
        Self {
            start: Instant::ORIGIN,
            tasks: Mutex::default(),
        }
    }
}

impl Still {
    /// Polls each task once.
    fn run(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut tasks = std::mem::take(&mut *lock(&self.0.tasks));
        tasks.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
        lock(&self.0.tasks).append(&mut tasks);
    }
}

impl Runtime for Still {
    type Sleep = Never;

    fn now(&self) -> Instant {
        self.0.start
    }

    fn wall_clock(&self) -> SystemTime {
        UNIX_EPOCH
    }

    fn sleep_until(&self, _: Instant) -> Never {
        Never
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0.tasks).push(Box::pin(task));
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}
