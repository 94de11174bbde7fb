//! A log without what was said.

use bytes::Bytes;
use bytestring::ByteString;

use super::input::Input;
use super::log::{Log, LogError};
use super::options::ParserKind;
use super::replay::Replay;
use super::words;
use crate::engine::{Body, Post};
use crate::id::{Sid, SocketId};
use crate::message::{Encoded, Message, Part};
use crate::packet::Value;
use crate::protocol::Eio;
use crate::recovery::Pid;
use crate::socket::Refusal;

impl Log {
    /// The same session without what was said in it: each string of arguments, credentials and queries has others of
    /// its length in its place, each number other digits, each attachment zeros, and the session's id is gone. Names of
    /// events, namespaces and numbers called `num` stay (attachments are told by them), and so do `true`, `false` and
    /// `null`. It takes the same way: the same steps, and what comes out is as large and of the same kind.
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
        let sid = words::filled(self.sid().as_str());
        redacted.head.sid = Sid::made(sid).unwrap_or_else(|| self.sid().clone());
        redacted.head.config.initial_packet =
            self.head
                .config
                .initial_packet
                .as_ref()
                .map(|first| match first {
                    Message::Text(text) => Message::Text(words::filled(text).into()),
                    Message::Binary(bytes) => Message::Binary(zeros(bytes)),
                });
        let redactor = Redactor {
            sid: self.sid().as_str(),
            revision: self.opened().revision,
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

struct Redactor<'a> {
    sid: &'a str,
    revision: Eio,
}

impl Redactor<'_> {
    fn input(&self, input: &mut Input) {
        match input {
            Input::Post { post, .. } => {
                if let Post::End(Ok(body)) | Post::Whole(Ok(body)) = post {
                    self.body(body);
                }
            }
            Input::Ws { frame } => match frame {
                Message::Text(text) => *text = words::packet(text).into(),
                Message::Binary(bytes) => *bytes = words::attachment(bytes, self.revision),
            },
            Input::Accept { id, .. } => self.id(id),
            Input::AcceptRecoverable {
                id, pid, missed, ..
            } => {
                self.id(id);
                *pid = Pid::told(&words::filled(pid.as_str()));
                for packet in missed {
                    redact_packet(packet);
                }
            }
            // The protocol's own words, which have a form of their own (§16.2).
            Input::Reject { refusal, .. } if *refusal == Refusal::invalid_namespace() => {}
            Input::Reject { refusal, .. } => {
                refusal.message = words::filled(&refusal.message);
                let data = refusal.data.take();
                let text = data.and_then(|data| serde_json::to_string(&data).ok());
                refusal.data = text.and_then(|whole| {
                    // By itself a string or a number is redacted as within a list.
                    let listed = words::json(&format!("[{whole}]"));
                    let text = listed.strip_prefix('[')?.strip_suffix(']')?;
                    let data = serde_json::from_str::<Value>(text).ok();
                    // Names that are the same now would be one.
                    let is_as_long = |it: &Value| {
                        serde_json::to_string(it).is_ok_and(|it| it.len() == whole.len())
                    };
                    let filled = || Value::String("x".repeat(whole.len().saturating_sub(2)));
                    Some(data.filter(is_as_long).unwrap_or_else(filled))
                });
            }
            Input::Deliver { packet, .. }
            | Input::Request { packet, .. }
            | Input::Respond { packet, .. }
            | Input::Passed { packet } => redact_packet(packet),
            Input::Send { data, .. } => match data {
                Message::Text(text) => *text = words::filled(text).into(),
                Message::Binary(bytes) => *bytes = zeros(bytes),
            },
            Input::Poll { .. }
            | Input::Aborted { .. }
            | Input::Unwritten { .. }
            | Input::AnswerLost {}
            | Input::WsOpen { .. }
            | Input::WsProgress {}
            | Input::WsFlushed {}
            | Input::WsClosed { .. }
            | Input::Late {}
            | Input::Timeout {}
            | Input::Supersede { .. }
            | Input::Disconnect { .. }
            | Input::Expel { .. }
            | Input::DisconnectAll {}
            | Input::ShutDown {}
            | Input::Close { .. }
            | Input::Fail { .. }
            | Input::Pause { .. }
            | Input::PollEvent {}
            | Input::PollHttp {}
            | Input::PollWs {}
            | Input::Observe {}
            | Input::PollSeen {}
            | Input::Follow {}
            | Input::Reached {} => {}
        }
    }

    /// Of a client of revision 4 it is computed from the session's.
    fn id(&self, id: &mut SocketId) {
        let text = id.as_str();
        if text.contains(self.sid) {
            *id = SocketId::told(&text.replace(self.sid, &words::filled(self.sid)));
        }
    }

    fn body(&self, body: &mut Body) {
        let revision = self.revision;
        match body {
            Body::Separated(text) => *text = words::separated(text, words::packet).into(),
            Body::Counted(text) => *text = words::counted(text, words::packet).into(),
            Body::Binary(bytes) => *bytes = words::binary(bytes, revision, words::packet),
        }
    }
}

/// A packet without what it says.
pub(crate) fn redact_packet(packet: &mut Encoded) {
    let name = packet
        .latest_name()
        .map(|(namespace, event)| (namespace.to_owned(), event.to_owned()));
    let parts = packet.parts().map(|part| match part {
        Part::Text(bytes) => {
            let text = ByteString::try_from(bytes).unwrap_or_default();
            Part::Text(words::packet(&text).into())
        }
        Part::Binary(bytes) => Part::Binary(zeros(&bytes)),
    });
    if let Some(redacted) = Encoded::of_parts(parts.collect()) {
        *packet = match name {
            Some((namespace, event)) => redacted.named(&namespace, &event),
            None => redacted,
        };
    }
}

/// As many.
pub(crate) fn zeros(bytes: &Bytes) -> Bytes {
    vec![0; bytes.len()].into()
}
