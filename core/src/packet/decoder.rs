//! Frames put together into packets: a header, then its attachments (§15).

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::content::{Content, Limits, Packet};
use super::{Fault, PacketType, decode};
use crate::protocol::Protocol;

/// Reads the messages of one connection, in order, into packets.
///
/// Keeps what has arrived of a packet with attachments; nothing of it is seen before it is whole.
/// After a [`Fault`] the connection is to be closed, and the decoder is back at its beginning.
#[derive(Clone, Debug, Hash)]
pub struct Decoder {
    protocol: Protocol,
    /// Boxed, since few connections are in the middle of a packet at any time.
    pending: Option<Box<Pending>>,
}

#[derive(Clone, Debug, Hash)]
struct Pending {
    packet: Packet,
    parts: SmallVec<[Bytes; 1]>,
    missing: usize,
    bytes: usize,
}

impl Default for Decoder {
    /// For revision 5.
    fn default() -> Self {
        Self::new(Protocol::V5)
    }
}

impl Decoder {
    /// For this revision of Socket.IO.
    pub const fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            pending: None,
        }
    }

    /// Forgets what has arrived of a packet.
    pub(crate) fn reset(&mut self) {
        self.pending = None;
    }

    /// A text message has arrived. `None`: its attachments are still to come.
    ///
    /// # Errors
    /// What is wrong with it; see [`Fault`].
    pub fn text(&mut self, text: ByteString, limits: &Limits) -> Result<Option<Packet>, Fault> {
        if self.pending.take().is_some() {
            return Err(Fault::UnexpectedText);
        }
        let mut missing = 0;
        if !text.starts_with(PacketType::announces) {
            // As it is, since a packet is large to copy.
            return decode::text(text, self.protocol, limits, &mut missing);
        }
        let packet = decode::text(text, self.protocol, limits, &mut missing)?;
        self.pending = packet.map(|packet| {
            Box::new(Pending {
                // What may wait long must not keep a read buffer alive.
                packet: packet.detached(),
                parts: SmallVec::new(),
                missing,
                bytes: 0,
            })
        });
        Ok(None)
    }

    /// A binary message has arrived. `None`: more attachments are still to come.
    ///
    /// # Errors
    /// What is wrong with it; see [`Fault`].
    pub fn binary(&mut self, part: Bytes, limits: &Limits) -> Result<Option<Packet>, Fault> {
        let mut pending = self.pending.take().ok_or(Fault::UnexpectedBinary)?;
        pending.bytes = pending.bytes.saturating_add(part.len());
        if pending.bytes > limits.binary {
            return Err(Fault::TooManyAttachments);
        }
        pending.missing = pending.missing.saturating_sub(1);
        if pending.missing > 0 {
            pending.parts.push(Bytes::copy_from_slice(&part));
            self.pending = Some(pending);
            return Ok(None);
        }
        pending.parts.push(part);
        let Pending {
            mut packet, parts, ..
        } = *pending;
        match &mut packet.content {
            Content::Event {
                call: Some(call), ..
            } => {
                call.args.attach(parts, limits.binary)?;
            }
            Content::Ack { args, .. } => {
                args.attach(parts, limits.binary)?;
            }
            Content::Event { call: None, .. }
            | Content::Connect { .. }
            | Content::Disconnect
            | Content::ConnectError { .. } => {}
        }
        Ok(Some(packet))
    }

    /// How many attachments are still to come, 0 between packets.
    pub fn missing(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Args;

    #[test]
    fn arguments_are_the_same_wherever_they_lie() {
        let read = |text: &'static str| {
            let packet = Decoder::default().text(text.into(), &Limits::default());
            match packet.unwrap().unwrap().content {
                Content::Event { call, .. } => call.unwrap().args,
                Content::Ack { args, .. } => args,
                Content::Connect { .. } | Content::Disconnect | Content::ConnectError { .. } => {
                    panic!("no arguments")
                }
            }
        };
        let args = Args::from_json(r#"[1 ,{"a":"ä"}]"#, vec![]).unwrap();
        for text in [
            r#"2["x",1 ,{"a":"ä"}]"#,
            r#"2/named,12[ "x" ,  1 ,{"a":"ä"} ] "#,
            r#"3/named,12[1 ,{"a":"ä"}]"#,
            r#"37[  1 ,{"a":"ä"}   ]"#,
        ] {
            let read = read(text);
            assert_eq!(read.elements(), r#"1 ,{"a":"ä"}"#);
            assert_eq!((&read, read.len()), (&args, 2));
            assert_eq!(read.detached(), args);
        }
        for text in [r#"2["x"]"#, r#"2[ "x" ]"#, "37[]", "37[ ]", "37"] {
            assert_eq!((read(text).elements(), read(text).len()), ("", 0), "{text}");
        }
    }

    #[test]
    fn one_attachment_named_often_counts_as_often() {
        let read = |times: usize| {
            let named = vec![r#"{"_placeholder":true,"num":0}"#; times].join(",");
            let limits = Limits {
                binary: 1000,
                ..Limits::default()
            };
            let mut decoder = Decoder::default();
            let text = format!(r#"51-["x",[{named}]]"#);
            assert_eq!(decoder.text(text.into(), &limits), Ok(None));
            decoder.binary(Bytes::from(vec![7; 100]), &limits)
        };
        assert!(matches!(read(10), Ok(Some(_))));
        assert_eq!(read(11), Err(Fault::TooManyAttachments));
    }
}
