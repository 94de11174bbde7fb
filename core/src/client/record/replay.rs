//! A client's log, played again.

use std::cell::Cell;
use std::sync::Arc;

use super::input::Input;
use super::log::Log;
use super::sum;
use crate::client::connection::Connection;
use crate::client::event::{AckTicket, AuthTicket, DialTicket, EntryTicket, Event, Work, WsOut};
use crate::message::Part;
use crate::packet::Codec;
use crate::record::{LogError, Plays, Step, Track};
use crate::time::Instant;

/// A client that is told again what a [`Log`] holds, step by step, forwards and backwards.
///
/// What the application waited for is known by the number of its ack, or else of the step.
#[derive(Clone, Debug)]
pub struct Replay {
    log: Arc<Log>,
    track: Track<Connection<u64>>,
}

/// What came of a step.
pub type Played = crate::record::Played<Output>;

/// What a client has to say.
#[derive(Debug)]
pub enum Output {
    /// Nothing, or nothing was asked.
    Nothing,
    /// Something has happened.
    Event(Event<u64>),
    /// Something is to be done about HTTP.
    Work(Work),
    /// Something goes to the WebSocket that was asked for.
    Ws(WsOut),
}

impl Replay {
    /// The beginning of a log.
    ///
    /// # Errors
    /// Its parser is not known here.
    pub fn new(log: impl Into<Arc<Log>>) -> Result<Self, LogError> {
        let log = log.into();
        let codec = log.parser().codec();
        let codec = codec.ok_or(LogError::Parser(log.parser()))?;
        Self::with_codec(log, &codec)
    }

    /// The same by the parser of the application that it was recorded of.
    ///
    /// # Errors
    /// No client can have begun so.
    pub fn with_codec(log: impl Into<Arc<Log>>, codec: &Codec) -> Result<Self, LogError> {
        let log = log.into();
        let head = &log.head;
        let mut config = head.config.clone();
        if !config.parser.is(codec) {
            Arc::make_mut(&mut config).parser = codec.clone();
        }
        let client = Connection::new(config, head.dial.clone(), head.seed);
        let client = client.map_err(|_| LogError::Broken(0))?;
        Ok(Self {
            track: Track::new(client),
            log,
        })
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The client as it is after the last step.
    pub const fn client(&self) -> &Connection<u64> {
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

    fn play(&mut self, number: usize, step: &Step<Input>) -> Output {
        play(self, number, step)
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
            Self::Work(work) => Some(sum::of_work(work)),
            Self::Ws(out) => Some(sum::of_ws(out)),
        }
    }

    /// What it is and how large, whatever it says.
    pub(super) fn shape(&self) -> (u32, usize, usize) {
        match self {
            Self::Nothing => (0, 0, 0),
            Self::Event(event) => (sum::of_event(event), 0, 0),
            Self::Work(Work::Request { request, .. }) => {
                let uri = request.uri().to_string().len();
                let size = uri.saturating_add(sum::size(request.headers()));
                (1, size, request.body().len())
            }
            Self::Work(Work::OpenWebSocket { request, .. }) => {
                let uri = request.uri().to_string().len();
                (2, uri.saturating_add(sum::size(request.headers())), 0)
            }
            Self::Work(Work::Abort(_)) => (3, 0, 0),
            Self::Ws(WsOut::Frame { head, part, .. }) => match part {
                Part::Text(text) => (4, head.len(), text.len()),
                Part::Binary(bytes) => (5, head.len(), bytes.len()),
            },
            Self::Ws(WsOut::Ping) => (6, 0, 0),
            Self::Ws(WsOut::Close(code)) => (7, code.unwrap_or(0).into(), 0),
        }
    }
}

fn play(it: &mut Connection<u64>, number: usize, step: &Step<Input>) -> Output {
    let now = step.at;
    match step.input.clone() {
        Input::Response { id, response, wall } => it.handle_response(now, id, response, wall),
        Input::WsOpen { id, opened } => it.handle_ws_open(now, id, opened),
        Input::Ws { id, frame } => it.handle_ws(now, id, frame),
        Input::WsProgress { id } => it.handle_ws_progress(now, id),
        Input::WsFlushed { id } => it.handle_ws_flushed(now, id),
        Input::WsPong { id } => it.handle_ws_pong(now, id),
        Input::WsClosed { id, cause } => it.handle_ws_closed(now, id, cause),
        Input::Suspended { gap } => it.handle_suspended(now, gap),
        Input::Timeout {} => it.handle_timeout(now),
        Input::Network { network } => it.handle_network(now, network),
        Input::PollEvent {} => return it.poll_event().map_or(Output::Nothing, Output::Event),
        Input::PollWork {} => return it.poll_work().map_or(Output::Nothing, Output::Work),
        Input::PollWs { id } => return it.poll_ws(id).map_or(Output::Nothing, Output::Ws),
        input @ (Input::Socket { .. }
        | Input::SetAuth { .. }
        | Input::Open { .. }
        | Input::Leave { .. }
        | Input::Close {}
        | Input::Suspend {}
        | Input::Resume {}
        | Input::ReconnectNow {}
        | Input::EndSession {}
        | Input::Check {}
        | Input::AnswerDial { .. }
        | Input::AnswerAuth { .. }
        | Input::Emit { .. }
        | Input::DrawAckId { .. }
        | Input::Request { .. }
        | Input::Retry { .. }
        | Input::Respond { .. }
        | Input::ClearOffline { .. }
        | Input::ClearRetries { .. }
        | Input::AskFirst { .. }
        | Input::EmitFirst { .. }
        | Input::RequestFirst { .. }
        | Input::Entered { .. }
        | Input::Flush { .. }
        | Input::TakeForsaken { .. }) => ask(it, now, number, input),
    }
    Output::Nothing
}

/// What the application wants.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all of them are named where this is called"
)]
fn ask(it: &mut Connection<u64>, now: Instant, number: usize, input: Input) {
    // Of what has no number of its own.
    let token = u64::try_from(number).unwrap_or(u64::MAX);
    match input {
        Input::Socket { namespace, auth } => drop(it.socket(&namespace, auth)),
        Input::SetAuth { socket, auth } => it.set_auth(socket, auth),
        Input::Open { socket } => it.open(now, socket),
        Input::Leave { socket } => it.leave(now, socket),
        Input::Close {} => it.close(now),
        Input::Suspend {} => it.suspend(now),
        Input::Resume {} => it.resume(now),
        Input::ReconnectNow {} => it.reconnect_now(now),
        Input::EndSession {} => it.end_session(now),
        Input::Check {} => it.check(now),
        Input::AnswerDial { number, dial } => it.answer_dial(now, DialTicket { number }, dial),
        Input::AnswerAuth {
            socket,
            number,
            auth,
        } => it.answer_auth(now, AuthTicket { socket, number }, auth),
        Input::DrawAckId { socket } => drop(it.draw_ack_id(socket)),
        Input::ClearOffline { socket } => it.clear_offline(socket),
        Input::ClearRetries { socket } => it.clear_retries(socket),
        Input::AskFirst { socket, yes } => it.ask_first(socket, yes),
        Input::Entered { socket, stay } => it.entered(now, EntryTicket { socket, stay }),
        Input::Flush { socket } => drop(it.flush(now, socket, token)),
        Input::TakeForsaken { places } => {
            let place = Cell::new(0_usize);
            let _ = it.take_forsaken(|_| {
                let its = place.get();
                place.set(its.saturating_add(1));
                places.contains(&its)
            });
        }
        input => say(it, now, token, input),
    }
}

/// What it says.
fn say(it: &mut Connection<u64>, now: Instant, token: u64, input: Input) {
    if let Input::Emit {
        socket,
        packet,
        flags,
    } = input
    {
        let _ = it.emit(now, socket, packet, flags);
    } else if let Input::Request {
        socket,
        id,
        packet,
        flags,
        timeout,
    } = input
    {
        let _ = it.request(now, socket, id, packet, flags, id, timeout);
    } else if let Input::Retry {
        socket,
        name,
        args,
        retries,
    } = input
    {
        let _ = it.retry(now, socket, name, &args, retries, token);
    } else if let Input::Respond {
        socket,
        id,
        stay,
        packet,
    } = input
    {
        let _ = it.respond(now, &AckTicket { socket, id, stay }, packet);
    } else if let Input::EmitFirst {
        socket,
        stay,
        packet,
        flags,
    } = input
    {
        let _ = it.emit_first(now, &EntryTicket { socket, stay }, packet, flags);
    } else if let Input::RequestFirst {
        socket,
        stay,
        id,
        packet,
        flags,
        timeout,
    } = input
    {
        let ticket = EntryTicket { socket, stay };
        let _ = it.request_first(now, &ticket, id, packet, flags, id, timeout);
    }
}
