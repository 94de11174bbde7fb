//! A turn: what is due, what has come, what is to be told, what is to be done.

use std::sync::Arc;
use std::task::Context;

use sio_core::client::{Event, Status as Phase};
use sio_core::id::RequestId;
use sio_core::time::Instant;
use sio_core::websocket::Limits;

use super::Task;
use super::known::Known;
use crate::client::dialer::Dialer;
use crate::client::error::ConnectError;
use crate::client::http::Done;
use crate::client::status::Status;
use crate::websocket::Said;

impl<R: Dialer> Task<R> {
    /// One turn. `false`: nothing has happened.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        let mut any = self.expire(now);
        any |= self.receive(cx, now);
        any |= self.tell(cx);
        any |= self.carry_out();
        any |= self.transmit(cx, now);
        any |= self.finish(cx);
        any
    }

    /// Acts on what is due.
    fn expire(&mut self, now: Instant) -> bool {
        let gap = self.clocks.suspended(&self.runtime, now);
        self.http.expire(now);
        let mut again = Vec::new();
        for (key, _, at) in &mut self.refused {
            if at.is_some_and(|at| at <= now) {
                *at = None;
                again.push(*key);
            }
        }
        // Who has left meanwhile does not want to be asked for.
        again.retain(|key| {
            self.find(*key)
                .is_some_and(|it| std::mem::take(&mut it.rest().again))
        });
        let mut any = !again.is_empty();
        {
            let mut state = self.shared.lock();
            any |= std::mem::take(&mut state.touched);
            // Whoever touches it from now on is seen without being woken.
            state.sleeper = None;
            let machine = &mut state.machine;
            if let Some(gap) = gap {
                machine.handle_suspended(now, gap);
                any = true;
            }
            if machine.poll_timeout().is_some_and(|due| due.at <= now) {
                machine.handle_timeout(now);
                any = true;
            }
            for key in again {
                machine.open(now, key);
            }
        }
        if self.closed.is_some_and(|by| by <= now) {
            // Neither handlers that do not end keep it nor servers that do not read.
            self.jobs.clear();
            self.wires.clear();
            self.events.clear();
            self.closed = Some(Instant::LAST);
        }
        any
    }

    /// Whether nothing more is to be read for now.
    fn is_full(&self) -> bool {
        self.jobs.handlers() >= self.plan.max_running || self.holds()
    }

    /// Takes in what has come. What was sent is seen to also while nothing more is to be read.
    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut any = false;
        let full = self.is_full();
        while let Some((id, done)) = self.http.poll(cx, full) {
            any = true;
            match done {
                Done::Answered(answer) => {
                    let wall = self.runtime.wall_clock();
                    let wall = wall.duration_since(std::time::UNIX_EPOCH).ok();
                    let mut state = self.shared.lock();
                    state.machine.handle_response(now, id, answer, wall);
                }
                Done::Opened(Ok(opened)) => {
                    self.wires.push(id, opened, self.limits());
                    self.shared.lock().machine.handle_ws_open(now, id, Ok(()));
                }
                Done::Opened(Err(failure)) => {
                    let mut state = self.shared.lock();
                    state.machine.handle_ws_open(now, id, Err(failure));
                }
            }
        }
        if full {
            return any;
        }
        let shared = &self.shared;
        any |= self.wires.receive(cx, |id: RequestId, said| {
            let machine = &mut shared.lock().machine;
            match said {
                Said::Message(message) => machine.handle_ws(now, id, message),
                Said::Pong => machine.handle_ws_pong(now, id),
                Said::Closed(cause) => machine.handle_ws_closed(now, id, cause),
            }
        });
        any
    }

    fn limits(&self) -> Limits {
        Limits {
            message: self.shared.config.max_message_bytes,
            ..Limits::default()
        }
    }

    /// Tells the application what has happened.
    fn tell(&mut self, cx: &mut Context<'_>) -> bool {
        let (phase, room) = {
            let mut state = self.shared.lock();
            while let Some(event) = state.machine.poll_event() {
                self.events.push_back(event);
            }
            let phase = state.machine.status();
            // Not all that changes it is an event.
            if self.events.is_empty() && phase == self.phase {
                return false;
            }
            // There are only ever more of them.
            let new = state.sockets.get(self.sockets.len()..).unwrap_or_default();
            self.sockets.extend(new.iter().cloned().map(Known::new));
            let relieves = self.events.iter().any(|event| {
                matches!(
                    event,
                    Event::Writable | Event::Connected { .. } | Event::Closed
                )
            });
            let room = relieves.then(|| {
                state.full = false;
                std::mem::take(&mut state.room)
            });
            (phase, room)
        };
        for event in &self.events {
            if let Event::Failed { error, .. } = event {
                self.error = Some(Box::new(ConnectError::Transport(error.clone())));
            } else if let Event::ConnectError { error, .. } = event {
                self.error = Some(Box::new(error.clone().into()));
            } else if let Event::Connected { .. } = event {
                self.error = None;
            }
        }
        for answer in room.into_iter().flatten() {
            answer.give(());
        }
        let changed = std::mem::replace(&mut self.phase, phase) != phase;
        if changed {
            self.shared.board.post(self.status(phase));
        }
        if phase == Phase::Closed && self.closing.is_none() {
            self.closing = Some(self.runtime.now() + self.shared.config.close_timeout);
        }
        while let Some(event) = self.events.pop_front() {
            self.dispatch(cx, event);
        }
        if changed {
            self.settle();
        }
        true
    }

    fn status(&self, phase: Phase) -> Status {
        match phase {
            Phase::Connecting { attempt } => Status::Connecting { attempt },
            Phase::Connected { transport } => Status::Connected { transport },
            Phase::Waiting { attempt, until } => Status::Waiting {
                attempt,
                wait: until.saturating_duration_since(self.runtime.now()),
                error: self.error.as_deref().cloned(),
            },
            Phase::GaveUp => Status::GaveUp {
                error: self.error.as_deref().cloned(),
            },
            Phase::Suspended => Status::Suspended,
            // Whoever sees that it is closed may rely on it: that is said when nothing is left.
            Phase::Closed => self.shared.board.current(),
            Phase::Idle | _ => Status::Idle,
        }
    }

    /// Does what the machine wants done about HTTP.
    fn carry_out(&mut self) -> bool {
        let shared = &self.shared;
        self.wires
            .carry_out(&mut self.http, || shared.lock().machine.poll_work())
    }

    fn transmit(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let shared = Arc::clone(&self.shared);
        let patience = shared.config.close_timeout;
        self.wires.transmit(cx, now, patience, |act| {
            act(&mut shared.lock().machine);
        })
    }
}
