//! The task of a plain client: one, with one timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sio_core::client::{Config, Session, SessionEvent};
use sio_core::engine::{CloseReason, Message};
use sio_core::websocket::Limits;

use super::link::{Closed, Link};
use crate::alarm::Alarm;
use crate::client::clocks::Clocks;
use crate::client::dialer::Dialer;
use crate::client::http::{Done, Http, Way};
use crate::client::task::wire::Wires;
use crate::log::error;
use crate::sync::guard::guarded;
use crate::websocket::Said;

pub(in crate::client) struct Task<R: Dialer> {
    runtime: R,
    config: Arc<Config>,
    link: Arc<Link>,
    http: Http<R>,
    wires: Wires,
    alarm: Alarm<R>,
    clocks: Clocks,
}

/// Turns before others get theirs.
const TURNS: usize = 16;

impl<R: Dialer> Task<R> {
    pub(super) fn new(runtime: R, way: Arc<Way<R>>, link: Arc<Link>) -> Self {
        let mut secret = [0; 16];
        runtime.random(&mut secret);
        let config = way.config.clone();
        Self {
            http: Http::new(way),
            wires: Wires::new(secret),
            alarm: Alarm::new(),
            clocks: Clocks::new(&runtime),
            runtime,
            config,
            link,
        }
    }

    /// One turn. `false`: nothing has happened.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = self.expire();
        any |= self.receive(cx);
        any |= self.tell();
        any |= self.carry_out();
        any |= self.transmit(cx);
        any
    }

    /// Acts on what is due.
    fn expire(&mut self) -> bool {
        let now = self.runtime.now();
        let gap = self.clocks.suspended(&self.runtime, now);
        self.http.expire(now);
        let mut state = self.link.lock();
        let mut any = std::mem::take(&mut state.touched);
        // Whoever touches it from now on is seen without being woken.
        state.sleeper = None;
        if let Some(gap) = gap {
            state.session.handle_suspended(now, gap);
            any = true;
        }
        if state
            .session
            .poll_timeout()
            .is_some_and(|due| due.at <= now)
        {
            state.session.handle_timeout(now);
            any = true;
        }
        any
    }

    /// Takes in what has come, while there is room for it.
    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        let full = self.link.messages.holds();
        let mut any = false;
        while let Some((id, done)) = self.http.poll(cx, full) {
            any = true;
            match done {
                Done::Answered(answer) => {
                    let session = &mut self.link.lock().session;
                    session.handle_response(now, id, answer);
                }
                Done::Opened(Ok(opened)) => {
                    let limits = Limits {
                        message: self.config.max_message_bytes,
                        ..Limits::default()
                    };
                    self.wires.push(id, opened, limits);
                    self.link.lock().session.handle_ws_open(now, id, Ok(()));
                }
                Done::Opened(Err(failure)) => {
                    let session = &mut self.link.lock().session;
                    session.handle_ws_open(now, id, Err(failure));
                }
            }
        }
        if full {
            return any;
        }
        let link = &self.link;
        any | self.wires.receive(cx, |id, said| {
            let session = &mut link.lock().session;
            match said {
                Said::Message(message) => session.handle_ws(now, id, message),
                Said::Pong => session.handle_ws_pong(now, id),
                Said::Closed(cause) => session.handle_ws_closed(now, id, cause),
            }
        })
    }

    /// Tells the application what has happened.
    fn tell(&mut self) -> bool {
        let mut any = false;
        loop {
            let (event, opening) = {
                let mut state = self.link.lock();
                let Some(event) = state.session.poll_event() else {
                    return any;
                };
                let opened = event == SessionEvent::Opened;
                if opened && let Some(sid) = state.session.sid() {
                    let _ = self.link.sid.set(sid.clone());
                }
                (event, opened.then(|| state.opening.take()).flatten())
            };
            any = true;
            if let Some(opening) = opening {
                opening.give(Ok(()));
            }
            match event {
                SessionEvent::Message(message) => {
                    let size = match &message {
                        Message::Text(text) => text.len(),
                        Message::Binary(data) => data.len(),
                    };
                    self.link.messages.push(message, size);
                }
                SessionEvent::Closed { reason, error } => self.link.end(Closed { reason, error }),
                SessionEvent::Opened
                | SessionEvent::Upgraded
                | SessionEvent::UpgradeFailed(_)
                | SessionEvent::Pinged
                | _ => {}
            }
        }
    }

    /// Does what the session wants done about HTTP.
    fn carry_out(&mut self) -> bool {
        let link = &self.link;
        self.wires
            .carry_out(&mut self.http, || link.lock().session.poll_work())
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        let link = &self.link;
        let patience = self.config.close_timeout;
        self.wires
            .transmit(cx, now, patience, |act: &mut dyn FnMut(&mut Session)| {
                act(&mut link.lock().session);
            })
    }

    /// Sleeps, unless something has happened meanwhile.
    fn rests(&mut self, cx: &mut Context<'_>) -> bool {
        let session = self.link.lock().session.poll_timeout().map(|it| it.at);
        let due = [session, self.http.deadline(), self.wires.deadline()];
        if let Some(at) = due.into_iter().flatten().min()
            && (at <= self.runtime.now() || self.alarm.set(cx, &self.runtime, at))
        {
            return false;
        }
        let mut state = self.link.lock();
        if std::mem::take(&mut state.touched) {
            return false;
        }
        state.sleeper = Some(cx.waker().clone());
        true
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            let any = self.turn(cx);
            if self.is_over() {
                self.tell();
                return Poll::Ready(());
            }
            if !any && self.rests(cx) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_over(&self) -> bool {
        self.wires.is_empty() && self.link.lock().session.is_done()
    }
}

impl<R: Dialer> Future for Task<R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match guarded(|| this.turns(cx)) {
            Ok(poll) => poll,
            // Streams may be the application's. Nobody knows what was half done: it is over.
            Err(_panic) => {
                error!(why = %_panic.0, "client panicked");
                Poll::Ready(())
            }
        }
    }
}

// What is pinned in it has boxes of its own.
impl<R: Dialer> Unpin for Task<R> {}

impl<R: Dialer> Drop for Task<R> {
    /// It has ended, or its runtime has.
    fn drop(&mut self) {
        let now = self.runtime.now();
        let _ = guarded(|| self.link.lock().session.close(now));
        self.link.end(Closed {
            reason: CloseReason::ForcedClose,
            error: None,
        });
        self.link.gone.raise();
    }
}
