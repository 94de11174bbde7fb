//! What a parser of the application's own has read, checked as if it had come the built-in way.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::codec::{Codec, guarded};
use super::{Decoder, Parser};
use crate::json::Binary;
use crate::message::Message;
use crate::packet::{self, Content, Fault, Limits, Packet, PacketType, Value};
use crate::protocol::Protocol;

/// The application's parser, on one connection.
pub(crate) struct CustomDecoder {
    codec: Codec,
    parser: Arc<dyn Parser>,
    /// None before the first message, after a fault, and in a clone.
    decoder: Option<Box<dyn Decoder>>,
    /// The messages that have come since the last packet was whole. What the decoder keeps of them cannot be
    /// seen from here, nor cloned: that of a clone is given them again.
    pending: Vec<Message>,
    /// The bytes of all but the first.
    bytes: usize,
}

impl fmt::Debug for CustomDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomDecoder")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl Clone for CustomDecoder {
    fn clone(&self) -> Self {
        Self {
            codec: self.codec.clone(),
            parser: self.parser.clone(),
            decoder: None,
            pending: self.pending.clone(),
            bytes: self.bytes,
        }
    }
}

impl Hash for CustomDecoder {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pending.hash(state);
    }
}

impl CustomDecoder {
    /// None if the codec is the built-in one.
    pub(crate) fn new(codec: &Codec) -> Option<Self> {
        Some(Self {
            parser: codec.parser()?.clone(),
            codec: codec.clone(),
            decoder: None,
            pending: Vec::new(),
            bytes: 0,
        })
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// A message has arrived. `None`: more of them make a packet.
    pub(crate) fn add(
        &mut self,
        message: Message,
        protocol: Protocol,
        limits: &Limits,
    ) -> Result<Option<Packet>, Fault> {
        if !self.pending.is_empty() {
            self.bytes = self.bytes.saturating_add(message.len());
            if self.pending.len() > limits.attachments || self.bytes > limits.binary {
                return Err(Fault::TooManyAttachments);
            }
        }
        let shared = message.clone();
        let (parser, decoder, pending) = (&self.parser, &mut self.decoder, &self.pending);
        let read = guarded(|| {
            let decoder = decoder.get_or_insert_with(|| refilled(&**parser, pending, limits));
            decoder.add(message, limits)
        });
        let Some(packet) = read.map_err(|_panicked| Fault::Panicked)?? else {
            // It may wait long, and must not keep a read buffer alive.
            self.pending.push(shared.detached());
            return Ok(None);
        };
        self.forget();
        checked(packet, protocol, limits).map(Some)
    }

    /// Forgets what has arrived of a packet.
    pub(crate) fn reset(&mut self) {
        self.forget();
        let decoder = self.decoder.take();
        // Its destructor is the application's code, too.
        let _ = guarded(|| drop(decoder));
    }

    /// Nothing has arrived of the next packet.
    fn forget(&mut self) {
        self.pending = Vec::new();
        self.bytes = 0;
    }
}

impl Drop for CustomDecoder {
    fn drop(&mut self) {
        self.reset();
    }
}

/// A decoder that has come as far as one that was given these messages, none of which made a packet whole.
fn refilled(parser: &dyn Parser, pending: &[Message], limits: &Limits) -> Box<dyn Decoder> {
    let mut decoder = parser.decoder();
    for message in pending {
        let _ = decoder.add(message.clone(), limits);
    }
    decoder
}

/// A parser's packet, held to what holds for every packet: it is written as text, without its namespace, and
/// read like any other.
fn checked(packet: super::Packet, protocol: Protocol, limits: &Limits) -> Result<Packet, Fault> {
    let super::Packet {
        kind,
        namespace,
        id,
        data,
    } = packet;
    // Attachments are in their places already.
    let kind = match kind {
        PacketType::BinaryEvent => PacketType::Event,
        PacketType::BinaryAck => PacketType::Ack,
        PacketType::Connect
        | PacketType::Disconnect
        | PacketType::Event
        | PacketType::Ack
        | PacketType::ConnectError => kind,
    };
    let mut json = Json::new(kind, id);
    // First of all: only then is it known that it can be dropped.
    if let Some(data) = data {
        // Digits would be an ack id there.
        if matches!(data, Value::Number(_)) {
            return Err(Fault::Payload);
        }
        if let Err(fault) = json.write(&data, limits.depth.saturating_add(1)) {
            dismantle(data);
            return Err(fault);
        }
    }
    let (name, has_query) = match namespace.split_once('?') {
        Some((name, _)) => (
            name,
            kind == PacketType::Connect && protocol == Protocol::V4,
        ),
        None => (&*namespace, false),
    };
    if namespace.len() > limits.namespace && !(has_query && name.len() <= limits.namespace) {
        return Err(Fault::Namespace);
    }
    let text = ByteString::from(json.text);
    let length = text.len();
    // Nothing is to come: no binary kind was written.
    let Some(mut packet) = packet::Decoder::new(protocol).text(text, limits)? else {
        return Err(Fault::Payload);
    };
    if !matches!(&*namespace, "" | "/") {
        packet.namespace = namespace.into();
    }
    if json.attachments.is_empty() {
        return Ok(packet);
    }
    let args = match &mut packet.content {
        Content::Event {
            call: Some(call), ..
        } => &mut call.args,
        Content::Ack { args, .. } => args,
        Content::Event { call: None, .. }
        | Content::Connect { .. }
        | Content::Disconnect
        | Content::ConnectError { .. } => return Err(Fault::Payload),
    };
    // The elements end where the array does: nothing is blank in what was written here.
    let begin = length
        .saturating_sub(args.elements().len())
        .saturating_sub(1);
    let placeholders = json
        .placeholders
        .into_iter()
        .enumerate()
        .map(|(num, at)| (at.saturating_sub(begin), num))
        .collect();
    args.place(Binary {
        attachments: json.attachments,
        placeholders,
    });
    Ok(packet)
}

/// A packet as text, its data compact, with an object in the place of each attachment. Where these stand is kept: data
/// that looks like one of them stays what it is.
struct Json {
    text: String,
    attachments: SmallVec<[Bytes; 1]>,
    placeholders: Vec<usize>,
}

/// What is being written, from the outside inwards.
enum Open<'a> {
    Array(slice::Iter<'a, Value>),
    Object(slice::Iter<'a, (String, Value)>),
}

impl Json {
    /// What stands before the data.
    fn new(kind: PacketType, id: Option<u64>) -> Self {
        let mut text = String::from(char::from(kind.digit()));
        if let Some(id) = id {
            text.push_str(itoa::Buffer::new().format(id));
        }
        Self {
            text,
            attachments: SmallVec::new(),
            placeholders: Vec::new(),
        }
    }

    /// # Errors
    /// [`Fault::Depth`]: it has more than so many levels.
    fn write(&mut self, value: &Value, levels: usize) -> Result<(), Fault> {
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut next = Some(value);
        loop {
            if let Some(inner) = next.take().and_then(|value| self.begin(value)) {
                if open.len() >= levels {
                    return Err(Fault::Depth);
                }
                open.push(inner);
            }
            let Some(innermost) = open.last_mut() else {
                return Ok(());
            };
            let more = match innermost {
                Open::Array(elements) => elements.next().map(|value| (None, value)),
                Open::Object(members) => members.next().map(|(name, value)| (Some(name), value)),
            };
            match more {
                Some((name, value)) => {
                    if !self.text.ends_with(['[', '{']) {
                        self.text.push(',');
                    }
                    if let Some(name) = name {
                        self.string(name);
                        self.text.push(':');
                    }
                    next = Some(value);
                }
                None => {
                    self.text.push(match innermost {
                        Open::Array(_) => ']',
                        Open::Object(_) => '}',
                    });
                    open.pop();
                }
            }
        }
    }

    /// Writes a value, of one that holds others its beginning.
    fn begin<'a>(&mut self, value: &'a Value) -> Option<Open<'a>> {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(true) => self.text.push_str("true"),
            Value::Bool(false) => self.text.push_str("false"),
            Value::Number(number) => self.text.push_str(&number.to_string()),
            Value::String(text) => self.string(text),
            Value::Binary(bytes) => {
                let num = self.attachments.len();
                self.placeholders.push(self.text.len());
                self.text.push_str("{\"_placeholder\":true,\"num\":");
                self.text.push_str(itoa::Buffer::new().format(num));
                self.text.push('}');
                self.attachments.push(bytes.clone());
            }
            Value::Array(elements) => {
                self.text.push('[');
                return Some(Open::Array(elements.iter()));
            }
            Value::Object(members) => {
                self.text.push('{');
                return Some(Open::Object(members.members()));
            }
        }
        None
    }

    fn string(&mut self, text: &str) {
        // Writing a string fails nowhere.
        let quoted = serde_json::to_string(text).unwrap_or_default();
        self.text.push_str(&quoted);
    }
}

/// Drops a value that is too deep to be dropped by one call for each level.
fn dismantle(value: Value) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(elements) => left.extend(elements),
            Value::Object(members) => left.extend(members.into_values()),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Binary(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
