//! A log, played again.

use std::sync::Arc;

use super::input::Input;
use super::log::{Log, LogError, Step};
use super::sum;
use super::track::{Plays, Track};
use crate::connection::{Connection, Event};
use crate::engine::{Reply, Session, WsOut};
use crate::id::RequestId;
use crate::message::Part;
use crate::packet::Codec;
use crate::socket::{self, AckTicket, ConnectTicket};

/// A connection that is told again what a [`Log`] holds, step by step, forwards and backwards.
#[derive(Clone, Debug)]
pub struct Replay {
    log: Arc<Log>,
    track: Track<Connection<u64>>,
}

/// What came of a step.
#[derive(Debug)]
pub struct Played<O = Output> {
    /// Which it was, from 0 on.
    pub number: usize,
    /// What came out.
    pub output: O,
    /// Whether that is what came out when it was recorded.
    pub same: bool,
}

/// What a connection has to say.
#[derive(Debug)]
pub enum Output {
    /// Nothing, or nothing was asked.
    Nothing,
    /// Something has happened.
    Event(Event<u64>),
    /// A request is answered.
    Http(RequestId, Reply),
    /// Something goes to the WebSocket.
    Ws(WsOut),
}

impl Replay {
    /// The beginning of a log.
    ///
    /// # Errors
    /// Its parser is not known here.
    pub fn new(log: impl Into<Arc<Log>>) -> Result<Self, LogError> {
        let log = log.into();
        let codec = log.head.parser.codec();
        let codec = codec.ok_or(LogError::Parser(log.head.parser))?;
        Ok(Self::with_codec(log, &codec))
    }

    /// The same by the parser of the application that it was recorded of.
    pub fn with_codec(log: impl Into<Arc<Log>>, codec: &Codec) -> Self {
        let log = log.into();
        let head = &log.head;
        let config = Arc::new(head.config.clone());
        let session = Session::new(head.at, head.sid.clone(), head.opened, config.clone());
        let connection = Connection::with_codec(head.at, session, config, codec);
        Self {
            log,
            track: Track::new(connection),
        }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The connection as it is after the last step.
    pub const fn connection(&self) -> &Connection<u64> {
        self.track.machine()
    }

    /// How many steps were played.
    pub const fn position(&self) -> usize {
        self.track.position()
    }

    /// Plays the next step. `None`: there is none.
    pub fn forward(&mut self) -> Option<Played> {
        let number = self.position();
        let (output, same) = self.track.forward(&self.log.steps)?;
        Some(Played {
            number,
            output,
            same,
        })
    }

    /// Takes the last step back. `false`: there is none.
    pub fn back(&mut self) -> bool {
        self.track.back(&self.log.steps)
    }

    /// As it is after so many steps, or after the last if there are fewer.
    pub fn go_to(&mut self, position: usize) {
        self.track.go_to(&self.log.steps, position);
    }

    /// Plays what is left.
    ///
    /// # Errors
    /// The first step at which something else came out than when it was recorded.
    pub fn finish(&mut self) -> Result<(), LogError> {
        self.track.finish(&self.log.steps)
    }
}

impl Plays for Connection<u64> {
    type Input = Input;
    type Output = Output;

    fn play(&mut self, _: usize, step: &Step) -> Output {
        play(self, step)
    }

    fn sum(output: &Output) -> Option<u32> {
        output.sum()
    }
}

impl Output {
    pub(super) fn sum(&self) -> Option<u32> {
        match self {
            Self::Nothing => None,
            Self::Event(event) => Some(sum::of_event(event)),
            Self::Http(id, reply) => Some(sum::of_http(*id, reply)),
            Self::Ws(out) => Some(sum::of_ws(out)),
        }
    }

    /// What it is and how large, whatever it says.
    pub(super) fn shape(&self) -> (u32, usize, usize) {
        match self {
            Self::Nothing => (0, 0, 0),
            // Its query, if that is taken for a part of the name.
            Self::Event(Event::Socket(socket::Event::Connecting { namespace, .. })) => {
                (4, namespace.len(), 0)
            }
            Self::Event(event) => (sum::of_event(event), 0, 0),
            Self::Http(_, reply) => (
                reply.status.as_u16().into(),
                reply.body.len(),
                reply.packets,
            ),
            Self::Ws(WsOut::Frame { head, part, .. }) => match part {
                Part::Text(text) => (1, head.len().saturating_add(text.len()), 0),
                Part::Binary(bytes) => (2, head.len().saturating_add(bytes.len()), 0),
            },
            Self::Ws(WsOut::Close(code)) => (3, code.unwrap_or(0).into(), 0),
        }
    }
}

fn play(it: &mut Connection<u64>, step: &Step) -> Output {
    let now = step.at;
    match step.input.clone() {
        Input::Poll { id, revision } => it.handle_poll(now, id, revision),
        Input::Post { id, revision, post } => it.handle_post(now, id, revision, post),
        Input::Aborted { id } => it.handle_aborted(now, id),
        Input::Unwritten { bytes } => it.handle_unwritten(now, bytes),
        Input::AnswerLost {} => it.handle_answer_lost(now),
        Input::WsOpen { revision, base64 } => {
            let _ = it.handle_ws_open(now, revision, base64);
        }
        Input::Ws { frame } => it.handle_ws(now, frame),
        Input::WsProgress {} => it.handle_ws_progress(now),
        Input::WsFlushed {} => it.handle_ws_flushed(now),
        Input::WsClosed { cause } => it.handle_ws_closed(now, cause),
        Input::Late {} => it.handle_late(now),
        Input::Timeout {} => it.handle_timeout(now),
        Input::Accept { socket, id } => {
            let _ = it.accept(now, ConnectTicket::of(socket), &id);
        }
        Input::AcceptRecoverable {
            socket,
            id,
            pid,
            missed,
        } => {
            let _ = it.accept_recoverable(now, ConnectTicket::of(socket), &id, &pid, missed);
        }
        Input::Reject { socket, refusal } => it.reject(now, ConnectTicket::of(socket), &refusal),
        Input::Supersede { socket } => it.supersede(now, socket),
        Input::Deliver {
            socket,
            packet,
            flags,
        } => {
            let _ = it.deliver(now, socket, packet, flags);
        }
        Input::Request {
            socket,
            id,
            packet,
            flags,
            timeout,
        } => {
            let _ = it.request(now, socket, id, packet, flags, id, timeout);
        }
        Input::Respond { socket, id, packet } => {
            let _ = it.respond(now, AckTicket::of(socket, id), packet);
        }
        Input::Send { data, flags } => {
            let _ = it.send(now, &data, flags);
        }
        Input::Disconnect { socket } => it.disconnect(now, socket),
        Input::Expel { socket } => it.expel(now, socket),
        Input::DisconnectAll {} => it.disconnect_all(now),
        Input::ShutDown {} => it.shut_down(now),
        Input::Close { how } => it.close(now, how),
        Input::Fail { reason } => it.fail(now, reason),
        Input::Pause { paused } => it.pause(now, paused),
        Input::Observe {} => it.observe(),
        Input::PollSeen {} => {
            let _ = it.poll_seen();
        }
        Input::Follow {} => {
            let _ = it.follow();
        }
        Input::Reached {} => {
            let _ = it.reached();
        }
        Input::Passed { packet: _ } => it.passed(now),
        Input::PollEvent {} => {
            return it.poll_event(now).map_or(Output::Nothing, Output::Event);
        }
        Input::PollHttp {} => {
            let answer = it.poll_http();
            return answer.map_or(Output::Nothing, |(id, reply)| Output::Http(id, reply));
        }
        Input::PollWs {} => return it.poll_ws().map_or(Output::Nothing, Output::Ws),
    }
    Output::Nothing
}
