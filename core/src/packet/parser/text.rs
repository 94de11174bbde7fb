//! What came otherwise than the protocol has it, as the text that it would have been.

use std::slice;

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use crate::json::{Binary, Value, string};
use crate::packet::{self, Content, Fault, Limits, Packet, PacketType};
use crate::protocol::Protocol;

/// A parser's packet, held to what holds for every packet: it is written as text and read like any other.
pub(super) fn checked(
    packet: super::Packet,
    protocol: Protocol,
    limits: &Limits,
) -> Result<Packet, Fault> {
    let mut text = Text::new(packet.kind, packet.id);
    // First of all: only then is it known that it can be dropped.
    if let Some(data) = packet.data {
        // Digits would be an ack id there.
        if matches!(data, Value::Number(_)) {
            return Err(Fault::Payload);
        }
        if let Err(fault) = text.value(&data, limits.depth.saturating_add(1)) {
            dismantle(data);
            return Err(fault);
        }
    }
    text.read(packet.namespace.into(), protocol, limits)
}

/// A packet as text without its namespace, its data compact, with an object in the place of each attachment. Where
/// these stand is kept: data that looks like one of them stays what it is.
pub(super) struct Text {
    kind: PacketType,
    text: Vec<u8>,
    attachments: SmallVec<[Bytes; 1]>,
    placeholders: Vec<usize>,
}

/// What is being written, from the outside inwards.
enum Open<'a> {
    Array(slice::Iter<'a, Value>),
    Object(slice::Iter<'a, (String, Value)>),
}

impl Text {
    /// What stands before the data.
    pub(super) fn new(kind: PacketType, id: Option<u64>) -> Self {
        // Attachments will be in their places already.
        let kind = match kind {
            PacketType::BinaryEvent => PacketType::Event,
            PacketType::BinaryAck => PacketType::Ack,
            PacketType::Connect
            | PacketType::Disconnect
            | PacketType::Event
            | PacketType::Ack
            | PacketType::ConnectError => kind,
        };
        let mut text = vec![kind.digit()];
        if let Some(id) = id {
            text.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
        }
        Self {
            kind,
            text,
            attachments: SmallVec::new(),
            placeholders: Vec::new(),
        }
    }

    /// Begins an element or a member, with a comma if it is not the first.
    pub(super) fn next(&mut self, name: Option<&str>) {
        if !matches!(self.text.last(), Some(b'[' | b'{')) {
            self.text.push(b',');
        }
        if let Some(name) = name {
            self.string(name);
            self.text.push(b':');
        }
    }

    /// What needs no escape.
    pub(super) fn plain(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    pub(super) fn string(&mut self, text: &str) {
        string(&mut self.text, text);
    }

    pub(super) fn binary(&mut self, bytes: Bytes) {
        let num = self.attachments.len();
        self.placeholders.push(self.text.len());
        self.plain("{\"_placeholder\":true,\"num\":");
        self.plain(itoa::Buffer::new().format(num));
        self.text.push(b'}');
        self.attachments.push(bytes);
    }

    /// Reads it like any other, so that it is held to what holds for every packet.
    pub(super) fn read(
        self,
        namespace: ByteString,
        protocol: Protocol,
        limits: &Limits,
    ) -> Result<Packet, Fault> {
        let (name, has_query) = match namespace.split_once('?') {
            Some((name, _)) => (
                name,
                self.kind == PacketType::Connect && protocol == Protocol::V4,
            ),
            None => (&*namespace, false),
        };
        if namespace.len() > limits.namespace && !(has_query && name.len() <= limits.namespace) {
            return Err(Fault::Namespace);
        }
        let length = self.text.len();
        let text = ByteString::try_from(self.text).map_err(|_| Fault::Payload)?;
        // Nothing is to come: no binary kind was written.
        let Some(mut packet) = packet::Decoder::new(protocol).text(text, limits)? else {
            return Err(Fault::Payload);
        };
        if !matches!(&*namespace, "" | "/") {
            packet.namespace = namespace;
        }
        if self.attachments.is_empty() {
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
        let placeholders = self.placeholders.into_iter().enumerate();
        args.place(Binary {
            attachments: self.attachments,
            placeholders: placeholders
                .map(|(num, at)| (at.saturating_sub(begin), num))
                .collect(),
        });
        Ok(packet)
    }

    /// # Errors
    /// [`Fault::Depth`]: it has more than so many levels.
    fn value(&mut self, value: &Value, levels: usize) -> Result<(), Fault> {
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
                    self.next(name.map(String::as_str));
                    next = Some(value);
                }
                None => {
                    self.text.push(match innermost {
                        Open::Array(_) => b']',
                        Open::Object(_) => b'}',
                    });
                    open.pop();
                }
            }
        }
    }

    /// Writes a value, of one that holds others its beginning.
    fn begin<'a>(&mut self, value: &'a Value) -> Option<Open<'a>> {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(true) => self.plain("true"),
            Value::Bool(false) => self.plain("false"),
            Value::Number(number) => self.plain(&number.to_string()),
            Value::String(text) => self.string(text),
            Value::Binary(bytes) => self.binary(bytes.clone()),
            Value::Array(elements) => {
                self.text.push(b'[');
                return Some(Open::Array(elements.iter()));
            }
            Value::Object(members) => {
                self.text.push(b'{');
                return Some(Open::Object(members.members()));
            }
        }
        None
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
