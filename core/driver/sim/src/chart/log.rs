//! What a log of a connection, or of a client, says, as a chart.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use sio_driver::app::core::client::{self, Work};
use sio_driver::app::core::connection::Event;
use sio_driver::app::core::engine::{Body, Message, Post, WsOut};
use sio_driver::app::core::message::{Encoded, Part};
use sio_driver::app::core::record::{Input, Log, LogError, Output, Played, Replay, Step};
use sio_driver::app::core::socket;

use super::{Chart, Line, SHOWN, What};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const APPLICATION: usize = 2;

/// The same of a client's log: its application is first.
const OWNER: usize = 0;
const ITSELF: usize = 1;
const PEER: usize = 2;

impl Chart {
    /// What passed between a client, its connection and the application, by playing a [`Log`] of it: each step a line,
    /// with its number, and each output one.
    ///
    /// ```
    /// use sio_sim::core::record::Log;
    /// use sio_sim::{Chart, Config, Io, Recording, secs};
    ///
    /// let (give, logs) = std::sync::mpsc::channel();
    /// sio_sim::check(async |sim| {
    ///     let io = Io::new(Config::v4());
    ///     let give = give.clone();
    ///     io.record(Recording::new(move |log| drop(give.send(log))));
    ///     let server = sim.host("server").serve(&io)?;
    ///     let ann = sim.host("ann").client(&server).connect("/").await?;
    ///     ann.emit("say", &"hello")?;
    ///     sim.advance(secs(1)).await;
    ///     Ok(())
    /// });
    /// let chart = Chart::of_log(Log::read(logs.recv().unwrap()).unwrap()).unwrap();
    /// assert!(chart.tail(1000).contains(r#"42["say","hello"]"#));
    /// assert!(chart.page("one client").contains("application"));
    /// ```
    ///
    /// # Errors
    /// Its parser is not known here. (What goes another way than it was recorded is a line.)
    pub fn of_log(log: impl Into<Arc<Log>>) -> Result<Self, LogError> {
        let mut replay = Replay::new(log)?;
        let mut chart = Self {
            hosts: ["client", "server", "application"]
                .map(str::to_owned)
                .into(),
            lines: Vec::new(),
        };
        let began = replay.log().began();
        loop {
            let step = replay.log().steps.get(replay.position()).cloned();
            let (Some(step), Some(played)) = (step, replay.forward()) else {
                return Ok(chart);
            };
            let at = step.at.saturating_duration_since(began);
            chart.step(at, &step, &played);
        }
    }

    /// The same of a client's [`Log`](client::record::Log): what passed between the application, its client and the
    /// server.
    ///
    /// ```
    /// use sio_sim::core::client::record::Log;
    /// use sio_sim::{Chart, Config, Io, Recording, secs};
    ///
    /// let (give, logs) = std::sync::mpsc::channel();
    /// sio_sim::check(async |sim| {
    ///     let server = sim.host("server").serve(&Io::new(Config::v4()))?;
    ///     let give = give.clone();
    ///     let recording = Recording::new(move |log| drop(give.send(log)));
    ///     let ann = sim.host("ann").client(&server).record(recording).connect("/").await?;
    ///     ann.emit("say", &"hello")?;
    ///     sim.advance(secs(1)).await;
    ///     Ok(())
    /// });
    /// let chart = Chart::of_client_log(Log::read(logs.recv().unwrap()).unwrap()).unwrap();
    /// assert!(chart.tail(1000).contains(r#"42["say","hello"]"#));
    /// ```
    ///
    /// # Errors
    /// Its parser is not known here. (What goes another way than it was recorded is a line.)
    pub fn of_client_log(log: impl Into<Arc<client::record::Log>>) -> Result<Self, LogError> {
        let mut replay = client::record::Replay::new(log)?;
        let mut chart = Self {
            hosts: ["application", "client", "server"]
                .map(str::to_owned)
                .into(),
            lines: Vec::new(),
        };
        let began = replay.log().began();
        loop {
            let step = replay.log().steps.get(replay.position()).cloned();
            let (Some(step), Some(played)) = (step, replay.forward()) else {
                return Ok(chart);
            };
            let at = step.at.saturating_duration_since(began);
            let number = played.number;
            let told = client_input(number, &step.input);
            let said = client_output(&played.output);
            let said = said.map(|(to, said)| What::Said(ITSELF, to, shown(number, &said)));
            chart.lines(at, number, [told, said], played.same);
        }
    }

    fn step(&mut self, at: Duration, step: &Step, played: &Played) {
        let number = played.number;
        let told = input(number, &step.input);
        let said = output(&played.output);
        let said = said.map(|(to, said)| What::Said(SERVER, to, shown(number, &said)));
        self.lines(at, number, [told, said], played.same);
    }

    fn lines(&mut self, at: Duration, number: usize, all: [Option<What>; 2], same: bool) {
        let mut line = |what| self.lines.push(Line { at, what });
        all.into_iter().flatten().for_each(&mut line);
        if !same {
            let why = "something else came out when it was recorded";
            line(What::Fault(shown(number, why)));
        }
    }
}

fn shown(number: usize, said: &str) -> String {
    let said: String = said.chars().take(SHOWN).collect();
    format!("{number}: {said}")
}

/// Who tells whom what.
fn input(number: usize, input: &Input) -> Option<What> {
    let asked = |said: String| Some(What::Said(CLIENT, SERVER, shown(number, &said)));
    let told = |said: String| Some(What::Said(APPLICATION, SERVER, shown(number, &said)));
    // What nobody tells it.
    let happens = |said: &str| Some(What::Fault(shown(number, said)));
    match input {
        Input::Poll { id, .. } => asked(format!("GET #{}", id.0)),
        Input::Post { id, post, .. } => asked(format!("POST #{}  {}", id.0, posted(post))),
        Input::Aborted { id } => asked(format!("drops #{}", id.0)),
        Input::WsOpen { .. } => asked("opens a WebSocket".to_owned()),
        Input::Ws { frame } => asked(message(frame)),
        Input::WsClosed { cause } => asked(format!("WebSocket: {cause:?}")),
        Input::Accept { id, .. } | Input::AcceptRecoverable { id, .. } => {
            told(format!("accepts {id}"))
        }
        Input::Reject { refusal, .. } => told(format!("rejects: {}", refusal.message)),
        Input::Deliver { packet, .. } | Input::Passed { packet } => told(encoded(packet)),
        Input::Request { id, packet, .. } => told(format!("asks {id}: {}", encoded(packet))),
        Input::Respond { packet, .. } => told(format!("answers {}", encoded(packet))),
        Input::Send { data, .. } => told(message(data)),
        Input::Disconnect { .. } => told("disconnects it".to_owned()),
        Input::Expel { .. } => told("removes the namespace".to_owned()),
        Input::Supersede { .. } => told("it has come back elsewhere".to_owned()),
        Input::DisconnectAll {} => told("disconnects all".to_owned()),
        Input::ShutDown {} => told("shuts down".to_owned()),
        Input::Close { how } => told(format!("closes: {how:?}")),
        Input::Fail { reason } => told(format!("fails: {reason}")),
        Input::Pause { paused: true } => told("has enough to do".to_owned()),
        Input::Pause { paused: false } => told("goes on".to_owned()),
        Input::AnswerLost {} => happens("an answer was given up"),
        Input::Late {} => happens("a deadline is looked at"),
        Input::Timeout {} => happens("deadlines are acted on"),
        Input::Unwritten { .. }
        | Input::WsProgress {}
        | Input::WsFlushed {}
        | Input::PollEvent {}
        | Input::PollHttp {}
        | Input::PollWs {}
        | Input::Observe {}
        | Input::PollSeen {}
        | Input::Follow {}
        | Input::Reached {} => None,
    }
}

/// What comes out, and for whom.
fn output(output: &Output) -> Option<(usize, String)> {
    Some(match output {
        Output::Nothing => return None,
        Output::Event(it) => (APPLICATION, event(it)),
        Output::Http(id, reply) => {
            let body = String::from_utf8_lossy(&reply.body);
            (CLIENT, format!("#{} {}  {body}", id.0, reply.status))
        }
        Output::Ws(WsOut::Frame { head, part, .. }) => {
            let head = String::from_utf8_lossy(head);
            (CLIENT, format!("{head}{}", frame(part)))
        }
        Output::Ws(WsOut::Close(code)) => (CLIENT, format!("closes the WebSocket {code:?}")),
    })
}

fn event(event: &Event<u64>) -> String {
    match event {
        Event::Upgraded => "upgraded".to_owned(),
        Event::Closed { reason, .. } => format!("closed: {reason}"),
        Event::Socket(event) => match event {
            socket::Event::Connecting { namespace, .. } => format!("asks for {namespace}"),
            socket::Event::Undecided { .. } => "was not decided over".to_owned(),
            socket::Event::Message { name, args, .. } => format!("{name:?} {args:?}"),
            socket::Event::Error { payload, .. } => format!("ERROR {payload:?}"),
            socket::Event::Acked { token, answer, .. } => format!("{token}: {}", brief(answer)),
            socket::Event::Disconnecting { reason, .. } => format!("disconnecting: {reason}"),
            socket::Event::Disconnected { reason, .. } => format!("disconnected: {reason}"),
        },
    }
}

fn brief(answer: &impl Debug) -> String {
    format!("{answer:?}")
}

fn posted(post: &Post) -> String {
    let body = match post {
        Post::Begun => return "begins".to_owned(),
        Post::End(body) | Post::Whole(body) => body,
    };
    match body {
        Ok(Body::Separated(text) | Body::Counted(text)) => text.to_string(),
        Ok(Body::Binary(bytes)) => format!("{} bytes", bytes.len()),
        Err(why) => format!("{why:?}"),
    }
}

fn message(message: &Message) -> String {
    match message {
        Message::Text(text) => text.to_string(),
        Message::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn frame(part: &Part) -> String {
    match part {
        Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Part::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn encoded(packet: &Encoded) -> String {
    packet
        .parts()
        .map(|part| frame(&part))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Who tells a client what.
fn client_input(number: usize, input: &client::record::Input) -> Option<What> {
    use client::record::Input;
    let asked = |said: String| Some(What::Said(OWNER, ITSELF, shown(number, &said)));
    let told = |said: String| Some(What::Said(PEER, ITSELF, shown(number, &said)));
    let happens = |said: String| Some(What::Fault(shown(number, &said)));
    match input {
        Input::Response { id, response, .. } => told(match response {
            Ok(response) => {
                let body = String::from_utf8_lossy(response.body());
                format!("#{:x} {}  {body}", id.0, response.status())
            }
            Err(why) => format!("#{:x}: {why}", id.0),
        }),
        Input::WsOpen { id, opened } => told(match opened {
            Ok(()) => format!("WebSocket #{:x} is open", id.0),
            Err(why) => format!("no WebSocket #{:x}: {why}", id.0),
        }),
        Input::Ws { frame, .. } => told(message(frame)),
        Input::WsPong { .. } => told("a pong of the WebSocket's own".to_owned()),
        Input::WsClosed { id, cause } => told(format!("WebSocket #{:x}: {cause:?}", id.0)),
        Input::Suspended { gap } => happens(format!("the machine was suspended for {gap:?}")),
        Input::Timeout {} => happens("deadlines are acted on".to_owned()),
        Input::Network { network } => happens(format!("the network: {network:?}")),
        Input::Socket { namespace, .. } => asked(format!("wants a socket of {namespace}")),
        Input::SetAuth { .. } => asked("sets credentials".to_owned()),
        Input::Open { .. } => asked("connects".to_owned()),
        Input::Leave { .. } => asked("disconnects".to_owned()),
        Input::Close {} => asked("closes".to_owned()),
        Input::Suspend {} => asked("suspends".to_owned()),
        Input::Resume {} => asked("resumes".to_owned()),
        Input::ReconnectNow {} => asked("dials now".to_owned()),
        Input::EndSession {} => asked("ends the connection".to_owned()),
        Input::Check {} => asked("asks for a sign of life".to_owned()),
        Input::AnswerDial { dial, .. } => asked(match dial {
            Some(dial) => format!("dials {}:{}", dial.host(), dial.port()),
            None => "dials nowhere".to_owned(),
        }),
        Input::AnswerAuth { auth, .. } => asked(format!("credentials: {}", brief(auth))),
        Input::Emit { packet, .. } | Input::EmitFirst { packet, .. } => asked(encoded(packet)),
        Input::Request { id, packet, .. } | Input::RequestFirst { id, packet, .. } => {
            asked(format!("asks {id}: {}", encoded(packet)))
        }
        Input::Retry { name, args, .. } => asked(format!("repeats {name:?} {args:?}")),
        Input::Respond { packet, .. } => asked(format!("answers {}", encoded(packet))),
        Input::ClearOffline { .. } | Input::ClearRetries { .. } => {
            asked("forgets what waits".to_owned())
        }
        Input::Entered { .. } => asked("has said its first word".to_owned()),
        Input::Flush { .. } => asked("waits until all has left".to_owned()),
        Input::WsProgress { .. }
        | Input::WsFlushed { .. }
        | Input::DrawAckId { .. }
        | Input::AskFirst { .. }
        | Input::TakeForsaken { .. }
        | Input::PollEvent {}
        | Input::PollWork {}
        | Input::PollWs { .. } => None,
    }
}

/// What comes out of a client, and for whom.
fn client_output(output: &client::record::Output) -> Option<(usize, String)> {
    use client::record::Output;
    Some(match output {
        Output::Nothing => return None,
        Output::Event(event) => (OWNER, brief(event)),
        Output::Work(Work::Request { id, request }) => {
            let body = String::from_utf8_lossy(request.body());
            let (method, uri) = (request.method(), request.uri());
            (PEER, format!("{method} #{:x} {uri}  {body}", id.0))
        }
        Output::Work(Work::OpenWebSocket { id, request }) => {
            (PEER, format!("WebSocket #{:x} {}", id.0, request.uri()))
        }
        Output::Work(Work::Abort(id)) => (PEER, format!("gives up #{:x}", id.0)),
        Output::Work(other) => (PEER, brief(other)),
        Output::Ws(client::WsOut::Frame { head, part, .. }) => {
            let head = String::from_utf8_lossy(head);
            (PEER, format!("{head}{}", frame(part)))
        }
        Output::Ws(client::WsOut::Ping) => (PEER, "a ping of the WebSocket's own".to_owned()),
        Output::Ws(client::WsOut::Close(code)) => (PEER, format!("closes the WebSocket {code:?}")),
    })
}
