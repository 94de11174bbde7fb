//! A client's log without what was said.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};

use super::input::Input;
use super::log::Log;
use super::replay::Replay;
use crate::client::dial::Dial;
use crate::client::namespaces::Auth;
use crate::client::reason::Failure;
use crate::message::Message;
use crate::packet::{Args, Value};
use crate::protocol::Eio;
use crate::record::{LogError, ParserKind, redact_packet, words, zeros};

impl Log {
    /// The same client without what was said: each string of arguments, credentials, queries, headers and cookies has
    /// others of its length in its place, each number other digits, each attachment zeros; ids of sessions and sockets
    /// are gone, and so is where it dials, but for the path. Names stay: of events, namespaces, queries, headers, cookies, and
    /// of the members of credentials. The seed stays, of which waits are drawn. It
    /// takes the same way: the same steps, and what comes out is as large and of the same kind.
    ///
    /// # Errors
    /// The log does not play to what was recorded, its parser is not the protocol's own, or what is left would take
    /// another way ([`Differs`](LogError::Differs)).
    pub fn redact(&self) -> Result<Self, LogError> {
        if self.parser() != ParserKind::Text {
            return Err(LogError::Opaque(self.parser()));
        }
        Replay::new(self.clone())?.finish()?;
        let mut redacted = self.clone();
        redact_dial(Arc::make_mut(&mut redacted.head.dial));
        let mut redactor = Redactor {
            revision: self.config().revision,
            pids: Vec::new(),
        };
        for step in &mut redacted.steps {
            redactor.input(&mut step.input);
        }
        // What came out then, for those who play it; and whether it is like what came out before.
        let mut before = Replay::new(self.clone())?;
        let mut after = Replay::new(redacted.clone())?;
        for (number, step) in redacted.steps.iter_mut().enumerate() {
            let (Some(before), Some(after)) = (before.forward(), after.forward()) else {
                return Err(LogError::Differs(number));
            };
            if before.output.shape() != after.output.shape() {
                return Err(LogError::Differs(number));
            }
            step.sum = after.output.sum();
        }
        Ok(redacted)
    }
}

struct Redactor {
    revision: Eio,
    /// Private ids of sockets: one that comes again has to be told from another.
    pids: Vec<String>,
}

impl Redactor {
    fn input(&mut self, input: &mut Input) {
        match input {
            Input::Socket { auth, .. } | Input::SetAuth { auth, .. } => {
                if let Auth::Value(value) = auth {
                    redact_value(value);
                }
            }
            Input::AnswerAuth { auth, .. } => {
                if let Ok(Some(value)) = auth {
                    redact_value(value);
                }
            }
            Input::AnswerDial { dial, .. } => {
                if let Some(dial) = dial {
                    redact_dial(dial);
                }
            }
            Input::Response { response, .. } => match response {
                Ok(response) => self.response(response),
                Err(why) => redact_failure(why),
            },
            Input::WsOpen { opened, .. } => {
                if let Err(why) = opened {
                    redact_failure(why);
                }
            }
            Input::Ws { frame, .. } => match frame {
                Message::Text(text) => *text = self.packet(text).into(),
                Message::Binary(bytes) => *bytes = words::attachment(bytes, self.revision),
            },
            Input::Emit { packet, .. }
            | Input::Request { packet, .. }
            | Input::Respond { packet, .. }
            | Input::EmitFirst { packet, .. }
            | Input::RequestFirst { packet, .. } => redact_packet(packet),
            Input::Retry { args, .. } => *args = redacted(args, words::json),
            Input::WsProgress { .. }
            | Input::WsFlushed { .. }
            | Input::WsPong { .. }
            | Input::WsClosed { .. }
            | Input::Suspended { .. }
            | Input::Timeout {}
            | Input::Open { .. }
            | Input::Leave { .. }
            | Input::Close {}
            | Input::Suspend {}
            | Input::Resume {}
            | Input::ReconnectNow {}
            | Input::Network { .. }
            | Input::EndSession {}
            | Input::Check {}
            | Input::DrawAckId { .. }
            | Input::ClearOffline { .. }
            | Input::ClearRetries { .. }
            | Input::AskFirst { .. }
            | Input::Entered { .. }
            | Input::Flush { .. }
            | Input::TakeForsaken { .. }
            | Input::PollEvent {}
            | Input::PollWork {}
            | Input::PollWs { .. } => {}
        }
    }

    fn response(&mut self, response: &mut Response<Bytes>) {
        redact_headers(response.headers_mut());
        let (status, body) = (response.status(), response.body().clone());
        let kind = response.headers().get(CONTENT_TYPE);
        let is_binary = kind.is_some_and(|kind| kind == "application/octet-stream");
        let revision = self.revision;
        *response.body_mut() = match std::str::from_utf8(&body) {
            Ok(text) if status != StatusCode::OK => refusal(text).into(),
            _ if is_binary && revision == Eio::V3 => {
                words::binary(&body, revision, |text| self.packet(text))
            }
            Err(_) => zeros(&body),
            Ok(text) => match revision {
                Eio::V3 => words::counted(text, |text| self.packet(text)).into(),
                Eio::V4 => words::separated(text, |text| self.packet(text)).into(),
            },
        };
    }

    /// A packet that a server has sent.
    fn packet(&mut self, text: &str) -> String {
        match text.as_bytes() {
            [b'0', ..] => {
                let (kind, rest) = text.split_at_checked(1).unwrap_or_default();
                let instead = |name: &str, said: &str| match name {
                    "pingInterval" | "pingTimeout" | "maxPayload" => Some(said.to_owned()),
                    _ if matches!(said, "websocket" | "polling") => Some(said.to_owned()),
                    // As any other number, or string.
                    _ if said.contains('\\') || said.bytes().all(|it| it.is_ascii_digit()) => None,
                    _ => Some(words::letters(said)),
                };
                kind.to_owned() + &words::members(rest, &is_known, instead)
            }
            [b'4', b'0' | b'4', ..] => {
                let head = text.find(['[', '{', '"']).unwrap_or(text.len());
                let (head, rest) = text.split_at_checked(head).unwrap_or((text, ""));
                let pids = &mut self.pids;
                let instead = |name: &str, said: &str| (name == "pid").then(|| alias(pids, said));
                words::header(head) + &words::members(rest, &is_known, instead)
            }
            _ => words::packet(text),
        }
    }
}

/// What stands for a private id: as long, and the same for the same one only.
fn alias(all: &mut Vec<String>, pid: &str) -> String {
    let known = all.iter().position(|it| it == pid);
    let number = known.unwrap_or_else(|| {
        all.push(pid.to_owned());
        all.len().saturating_sub(1)
    });
    let length = pid.len();
    format!("{number:x>length$}")
}

/// Names by which a client goes in what a server says of sessions and sockets.
fn is_known(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "sid",
        "pid",
        "upgrades",
        "pingInterval",
        "pingTimeout",
        "maxPayload",
        "message",
        "data",
        "code",
    ];
    KNOWN.contains(&name)
}

/// What a server says with an error (§9.5).
fn refusal(text: &str) -> String {
    words::members(text, &is_known, |name, said| {
        (name == "code").then(|| said.to_owned())
    })
}

fn redact_failure(failure: &mut Failure) {
    if let Failure::Http {
        message: Some(message),
        ..
    } = failure
    {
        *message = words::filled(message);
    }
}

fn redact_dial(dial: &mut Dial) {
    let authority = dial.authority.as_str();
    let host = dial.authority.host().len();
    let (host, port) = authority.split_at_checked(host).unwrap_or((authority, ""));
    if let Ok(authority) = format!("{}{port}", words::letters(host)).parse() {
        dial.authority = authority;
    }
    for (_, value) in &mut dial.query {
        *value = words::letters(value);
    }
    redact_headers(&mut dial.headers);
}

fn redact_headers(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if name == CONTENT_TYPE {
            continue;
        }
        let redacted = match value.to_str() {
            Ok(text) if name == SET_COOKIE => cookie(text),
            Ok(text) => words::letters(text),
            Err(_) => "x".repeat(value.len()),
        };
        if let Ok(redacted) = HeaderValue::try_from(redacted) {
            *value = redacted;
        }
    }
}

/// A cookie with its name, and with when it is over.
fn cookie(text: &str) -> String {
    let parts = text.split(';').enumerate().map(|(at, part)| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let is_time = |its: &&str| name.trim().eq_ignore_ascii_case(its);
        match part.contains('=') {
            true if at == 0 || !["max-age", "expires"].iter().any(is_time) => {
                format!("{name}={}", words::letters(value))
            }
            true | false => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(";")
}

/// Credentials, whose names stay: as many of them have to be told.
fn redact_value(value: &mut Value) {
    let named = |text: &str| words::members(text, &|_| true, |_, _| None);
    let args = Args::from_arguments(&*value).map(|args| redacted(&args, named));
    *value = args
        .ok()
        .and_then(|args| args.get(0).ok())
        .unwrap_or_default();
}

fn redacted(args: &Args, text: impl Fn(&str) -> String) -> Args {
    let attachments = args.attachments().iter().map(zeros).collect();
    let text = text(&format!("[{}]", args.elements()));
    Args::from_json(&text, attachments).unwrap_or_default()
}
