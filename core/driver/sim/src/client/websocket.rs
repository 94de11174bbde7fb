//! A WebSocket of a client's.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use sio_driver::app::core::client::{Failure, WsOut};
use sio_driver::app::core::engine::WsClosed;
use sio_driver::app::core::id::RequestId;
use sio_driver::app::core::message::Part;
use sio_driver::app::core::websocket::write::MessageType;
use sio_driver::app::core::websocket::{Asked, Connection, Event, Limits, Masks, Phase, Unopened};
use sio_driver::binding::Runtime;
use sio_driver::binding::http::Request;

use super::http::{answer, ask};
use super::shared::Shared;
use crate::clock::Sleep;
use crate::stream::Stream;

/// How long a server may take to close, once it was told goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a WebSocket and carries it to its end.
pub(super) async fn carry(shared: &Shared, to: SocketAddr, id: RequestId, request: Request<()>) {
    let opening = open(shared, to, request);
    let mut opening = pin!(opening);
    let opened = poll_fn(|cx| {
        let aborted = shared.poll(cx, |inner| inner.is_aborted(id).then_some(()));
        match opening.as_mut().poll(cx) {
            Poll::Ready(opened) => Poll::Ready(Some(opened)),
            Poll::Pending => aborted.map(|()| None),
        }
    });
    match opened.await {
        Some(Ok((stream, websocket))) => {
            shared.tell(|inner, now| inner.machine.handle_ws_open(now, id, Ok(())));
            let mut line = Line {
                shared,
                id,
                stream,
                websocket,
                unflushed: false,
                leaving: None,
                told: false,
            };
            poll_fn(|cx| line.poll(cx)).await;
        }
        Some(Err(failure)) => {
            shared.tell(|inner, now| inner.machine.handle_ws_open(now, id, Err(failure)));
        }
        None => {}
    }
}

async fn open(
    shared: &Shared,
    to: SocketAddr,
    mut request: Request<()>,
) -> Result<(Stream, Connection<()>), Failure> {
    let mut random = [0; 32];
    shared.sim.random(&mut random);
    let [nonce, masks] = [0, 16].map(|at| {
        let mut half = [0; 16];
        half.copy_from_slice(&random[at..at + 16]);
        half
    });
    let asked = Asked::by(&mut request, nonce);
    let mut stream = shared.sim.connect(to).await.map_err(|_| Failure::Tcp)?;
    let (response, rest) = ask(&mut stream, &request, b"").await?;
    match asked.check(&response) {
        Ok(_) => {
            let limits = Limits {
                message: 16 << 20,
                ..Limits::default()
            };
            let mut websocket = Connection::client(limits, Masks::from_random(masks), ());
            websocket.handle_bytes(&rest);
            Ok((stream, websocket))
        }
        Err(Unopened::Status(status)) => {
            let response = answer(&mut stream, response, rest).await?;
            Err(Failure::refused(status, response.body()))
        }
        Err(_) => Err(Failure::WebSocket),
    }
}

struct Line<'a> {
    shared: &'a Shared,
    id: RequestId,
    stream: Stream,
    websocket: Connection<()>,
    /// Whether something was queued since all was written.
    unflushed: bool,
    /// When it is given up, once it was told goodbye.
    leaving: Option<Sleep>,
    /// Whether the machine knows of its end.
    told: bool,
}

impl Line<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (shared, id) = (self.shared, self.id);
            let aborted = shared.look(|inner, _| {
                inner.wait(cx);
                inner.is_aborted(id)
            });
            if aborted && self.leaving.is_none() {
                return Poll::Ready(());
            }
            if let Some(sleep) = &mut self.leaving
                && Pin::new(sleep).poll(cx).is_ready()
            {
                return Poll::Ready(());
            }
            self.hear();
            self.speak();
            let wrote = self.write(cx);
            if self.is_over(cx) {
                return Poll::Ready(());
            }
            let read = self.read(cx);
            if !wrote && !read {
                return Poll::Pending;
            }
        }
    }

    /// What the machine wants said.
    fn speak(&mut self) {
        while self.leaving.is_none() && self.websocket.has_room() {
            let id = self.id;
            match self.shared.look(|inner, _| inner.machine.poll_ws(id)) {
                Some(WsOut::Frame { head, part, .. }) => {
                    let (kind, payload) = match &part {
                        Part::Text(payload) => (MessageType::Text, payload),
                        Part::Binary(payload) => (MessageType::Binary, payload),
                    };
                    self.websocket.send(kind, head, payload, false);
                }
                Some(WsOut::Ping) => self.websocket.ping(b""),
                Some(WsOut::Close(code)) => {
                    self.websocket.close(code);
                    self.leave();
                }
                None => break,
            }
            self.unflushed = true;
        }
    }

    fn leave(&mut self) {
        if self.leaving.is_none() {
            let sim = &self.shared.sim;
            self.leaving = Some(sim.sleep(PATIENCE));
        }
    }

    /// Tells the machine what has come.
    fn hear(&mut self) {
        let id = self.id;
        while let Some(event) = self.websocket.poll_event() {
            match event {
                Event::Message(message) => {
                    (self.shared).tell(|inner, now| inner.machine.handle_ws(now, id, message));
                }
                Event::Pong(_) => {
                    (self.shared).tell(|inner, now| inner.machine.handle_ws_pong(now, id));
                }
                Event::Closed(end) => {
                    self.websocket.close(None);
                    self.leave();
                    self.tell_end(end.into());
                }
                Event::Ping | Event::Ignored => {}
            }
        }
    }

    fn tell_end(&mut self, cause: WsClosed) {
        if !std::mem::replace(&mut self.told, true) {
            let id = self.id;
            (self.shared).tell(|inner, now| inner.machine.handle_ws_closed(now, id, cause));
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let (id, mut wrote) = (self.id, false);
        loop {
            let output = self.websocket.poll_output();
            if output.is_empty() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(cx, output) {
                Poll::Ready(Ok(count)) => {
                    wrote = true;
                    self.websocket.handle_written(count);
                    (self.shared).tell(|inner, now| inner.machine.handle_ws_progress(now, id));
                }
                Poll::Ready(Err(_)) => {
                    self.websocket.handle_broken();
                    self.tell_end(WsClosed::Lost);
                    return true;
                }
                Poll::Pending => return wrote,
            }
        }
        if std::mem::take(&mut self.unflushed) {
            (self.shared).tell(|inner, now| inner.machine.handle_ws_flushed(now, id));
            return true;
        }
        wrote
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let mut buffer = [0; 16 * 1024];
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(count)) if count > 0 => self.websocket.handle_bytes(&buffer[..count]),
            Poll::Ready(_) => self.websocket.handle_end(),
            Poll::Pending => return false,
        }
        true
    }

    /// Whether nothing is left to be said or heard.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let written = self.websocket.poll_output().is_empty();
        match self.websocket.phase() {
            Phase::Over => true,
            Phase::Answered | Phase::Deaf if written => {
                // The stream is memory: it is closed at once.
                let _ = Pin::new(&mut self.stream).poll_close(cx);
                self.websocket.phase() == Phase::Answered
            }
            Phase::Open | Phase::Failed(_) | Phase::Closing | Phase::Answered | Phase::Deaf => {
                false
            }
        }
    }
}
