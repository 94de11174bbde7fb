use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use futures_util::FutureExt;
use sio_core::config::BacklogPolicy;
use sio_core::engine::{Body, Close, Eio, Message, Opened, Post, Query, TransportKind};
use sio_core::id::RequestId;
use sio_core::packet::{Args, Part as Bytes};

use super::super::shape::Nowhere;
use super::super::{Application, OpenRequest, Task};
use super::*;
use crate::endpoint::handshake::Handshake;
use crate::endpoint::request::Remote;
use crate::handle::{Io, Socket};
use crate::mailbox::command::Posted;
use crate::mailbox::reply::Said;
use crate::sync::one_shot::answer;
use crate::websocket::{Received, Transport};

/// What one message of these tests takes at most where it waits.
const MESSAGE: usize = 1_500;

const LIMIT: usize = 10_000;

fn config() -> Config {
    Config::v4()
        .max_backlog_bytes(LIMIT)
        .max_running_bytes(LIMIT)
        .max_http_buffer_size(4 * LIMIT)
        .backlog_policy(BacklogPolicy::Refuse)
}

/// A client that says this, and takes nothing.
struct Deaf(Vec<String>);

impl Transport for Deaf {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Received> {
        match self.0.pop() {
            Some(text) => Poll::Ready(Received::Frame(Message::Text(text.into()))),
            None => Poll::Pending,
        }
    }

    fn has_room(&self) -> bool {
        false
    }

    fn send(&mut self, _: &'static [u8], _: Bytes, _: bool) {}

    fn close(&mut self, _: Option<u16>, _: &str) {}

    fn poll_flush(&mut self, _: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        (0, Poll::Pending)
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A connection, and what is asked of it.
struct Talk {
    task: Task<Nowhere>,
    requests: u64,
}

impl Talk {
    fn new(io: &Io, transport: TransportKind) -> Self {
        let endpoint = io.endpoint();
        let request = http::Request::get("/socket.io/?EIO=4").body(());
        let (parts, ()) = request.unwrap().into_parts();
        let (query, remote) = (Query::parse("EIO=4").unwrap(), Remote::default());
        let asked = OpenRequest {
            sid: None,
            opened: Opened {
                transport,
                revision: Eio::V4,
                base64: false,
            },
            handshake: Handshake::new(&parts, query, Eio::V4, remote, SystemTime::UNIX_EPOCH),
            admitted: endpoint.admission.begin().unwrap().admit().unwrap(),
        };
        let application = Application::SocketIo(io.clone());
        let task = Task::new(Nowhere, endpoint, &application, asked).unwrap();
        Self { task, requests: 0 }
    }

    /// One that says all this on its WebSocket.
    fn saying(io: &Io, says: impl IntoIterator<Item = String>) -> Self {
        let mut talk = Self::new(io, TransportKind::WebSocket);
        let mut says: Vec<_> = says.into_iter().collect();
        says.reverse();
        talk.task.attach(Box::new(Deaf(says)));
        talk
    }

    /// Its task runs until it has nothing to do, and never holds more than it may.
    fn run(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            let polled = self.task.poll_unpin(&mut cx);
            self.keeps_its_limits();
            if polled.is_ready() {
                return;
            }
        }
    }

    fn keeps_its_limits(&self) {
        let account = self.task.account();
        for part in Part::ALL {
            let answer = if part == Part::Unwritten { LIMIT } else { 0 };
            let most = part.limit(account.config) + answer + MESSAGE;
            assert!(account.bytes(part) <= most, "{part:?}: {account:?}");
        }
    }

    fn held(&self, part: Part) -> usize {
        self.task.account().bytes(part)
    }

    fn get(&mut self) -> Option<Said> {
        self.requests += 1;
        let (give, wait) = answer();
        self.task.handle().tell(Command::Poll {
            id: RequestId(self.requests),
            revision: Eio::V4,
            answer: give,
        });
        self.run();
        wait.now_or_never().flatten()
    }

    fn post(&mut self, body: String) -> Option<Said> {
        self.requests += 1;
        let (give, wait) = answer();
        let body = Body::text(Eio::V4, body.into());
        self.task.handle().tell(Command::Post {
            id: RequestId(self.requests),
            revision: Eio::V4,
            posted: Box::new(Posted {
                post: Post::Whole(Ok(body)),
                answer: Some(give),
            }),
        });
        self.run();
        wait.now_or_never().flatten()
    }

    /// The session ends: nothing is held but by handlers that still run, which the endpoint counts.
    fn ends(mut self, io: &Io) {
        self.task.handle().tell(Command::Close(Close::Discard));
        self.run();
        for part in Part::ALL {
            let left = self.held(part);
            match part {
                Part::Running => {
                    assert_eq!(left, io.endpoint().departed.load(Ordering::Relaxed));
                }
                Part::Unread
                | Part::Waiting
                | Part::Answers
                | Part::Told
                | Part::Queued
                | Part::Unwritten => {
                    assert_eq!(left, 0, "{part:?}");
                }
            }
        }
        drop(self);
        assert_eq!(io.endpoint().departed.load(Ordering::Relaxed), 0);
    }
}

/// Handlers that never end hold a kilobyte each.
fn holding() -> Io {
    let io = Io::new(config());
    io.of("/").on("hold", |_: Args| pending::<()>());
    io
}

fn events(count: usize) -> impl Iterator<Item = String> {
    let event = format!(r#"42["hold","{}"]"#, "x".repeat(1_000));
    std::iter::repeat_n(event, count)
}

#[test]
fn what_handlers_hold_and_what_waits_for_them_is_bounded() {
    // faults: H1
    let io = holding();
    let says = std::iter::once("40".to_owned()).chain(events(200));
    let mut talk = Talk::saying(&io, says);
    talk.run();
    assert!(talk.held(Part::Running) >= LIMIT);
    assert!(talk.held(Part::Waiting) > LIMIT);
    talk.ends(&io);
}

#[test]
fn what_handlers_hold_of_answers_is_counted() {
    // faults: H1
    let io = Io::new(config());
    io.of("/").on("ask", async |socket: Socket| {
        let answer = socket.emit_with_ack::<Args>("name", &()).await;
        pending::<()>().await;
        drop(answer);
    });
    let answer = format!(r#"431["{}"]"#, "x".repeat(1_000));
    let says = ["40".to_owned(), r#"42["ask"]"#.to_owned(), answer];
    let mut talk = Talk::saying(&io, says);
    talk.run();
    assert!((1_000..MESSAGE).contains(&talk.held(Part::Answers)));
}

#[test]
fn a_post_is_left_unread_and_is_the_only_one() {
    // faults: H1
    let io = holding();
    let mut talk = Talk::new(&io, TransportKind::Polling);
    drop(talk.get());
    drop(talk.post("40".to_owned()));
    for _ in 0..2 {
        let body: Vec<_> = events(30).collect();
        let answered = talk.post(body.join("\u{1e}")).is_some();
        if talk.task.machine.session().is_closed() {
            // The second, while the first waits.
            assert!(answered);
            return talk.ends(&io);
        }
        assert!(!answered && talk.held(Part::Unread) > 3 * LIMIT);
    }
    panic!("both are kept");
}

#[test]
fn what_is_told_to_who_reads_nothing_is_bounded_wherever_it_is() {
    // faults: H2
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let io = holding();
        let mut unread = Vec::new();
        let polls = transport == TransportKind::Polling;
        let mut talk = if polls {
            let mut talk = Talk::new(&io, transport);
            drop(talk.get());
            drop(talk.post("40".to_owned()));
            talk
        } else {
            Talk::saying(&io, ["40".to_owned()])
        };
        talk.run();
        let socket = io.of("/").sockets().remove(0);
        let text = "x".repeat(1_000);
        let mut refused = 0;
        for at in 0..200 {
            refused += usize::from(socket.emit("news", &text).is_err());
            talk.keeps_its_limits();
            if at % 3 == 0 {
                talk.run();
            }
            if at % 5 == 0 && polls {
                unread.extend(talk.get());
            }
        }
        assert!(refused > 150, "{refused}");
        let sum: usize = [Part::Told, Part::Queued, Part::Unwritten]
            .map(|part| talk.held(part))
            .iter()
            .sum();
        assert!((LIMIT / 2..=2 * LIMIT + MESSAGE).contains(&sum), "{sum}");
        drop(unread);
        talk.ends(&io);
    }
}

/// A server and its endpoint hold each other by nothing that a connection leaves behind.
#[test]
fn an_endpoint_goes_with_its_server_and_its_connections() {
    let io = Io::new(Config::default());
    let mut talk = Talk::new(&io, TransportKind::Polling);
    talk.run();
    let endpoint = Arc::downgrade(io.endpoint());
    // As an answer has it that is still written.
    let handle = talk.task.handle().clone();
    drop(io);
    assert!(endpoint.upgrade().is_some(), "a connection is there");
    drop(talk);
    assert!(endpoint.upgrade().is_none());
    assert!(!handle.is_open());
}
