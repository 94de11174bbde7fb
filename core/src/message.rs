//! Messages: what they hold, and how they are written once for all who get them.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use bytestring::ByteString;

/// A message: what one packet of Engine.IO holds (§4), or what passes a WebSocket as one (§7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The same without its hold on what it was read from.
    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text((&**text).into()),
            Self::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(bytes)),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// A message ready for the wire, the engine's type digit included (`42["tick",1]`), cheap to clone.
///
/// One encoding serves every recipient of a broadcast: a clone counts references, it copies nothing.
/// It is one pointer wide, since a burst of broadcasts writes it into every recipient's mailbox and
/// queue. A packet with attachments is one value, so that the frames of two packets never interleave
/// (§15).
#[derive(Clone, Debug, Hash)]
pub struct Encoded(Arc<Inner>);

#[derive(Debug, Hash)]
struct Inner {
    /// A text frame, or a binary one of a raw Engine.IO message or a parser of the application's own.
    first: Part,
    /// What follows, as binary frames.
    rest: Box<[Attachment]>,
    /// What few packets have.
    extras: Option<Box<Extras>>,
    /// The bytes of all frames.
    size: usize,
}

/// What few packets have. One pointer where there is none.
#[derive(Debug, Default, Hash)]
struct Extras {
    /// For each frame but the first, whether it is text after all; none unless a parser of the application's own
    /// wrote them.
    texts: Vec<bool>,
    /// What it is known by among those of which the newest alone waits.
    name: Option<LatestName>,
}

/// What a packet is known by among those of which the newest alone waits: its namespace and its event.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LatestName {
    namespace: Box<str>,
    event: Box<str>,
}

#[derive(Debug)]
struct Attachment {
    bytes: Bytes,
    /// The same as text, for clients that take no bytes: written when the first such recipient of a packet
    /// with several needs it, and kept as long as the packet.
    text: OnceLock<Bytes>,
}

/// Without the text, which is written from the bytes when somebody needs it.
impl Hash for Attachment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// One frame of an [`Encoded`] packet, for WebSocket as it is, for polling to be joined into a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// UTF-8 text that begins with the engine's packet type.
    Text(Bytes),
    /// The bytes of a binary message, without any prefix.
    Binary(Bytes),
}

impl Encoded {
    /// A packet whose text is written, engine digit included, with its attachments in order.
    pub(crate) fn text(text: Bytes, attachments: Vec<Bytes>) -> Self {
        debug_assert!(std::str::from_utf8(&text).is_ok());
        // Most have none: to find that out item by item took 15 instructions.
        if attachments.is_empty() {
            return Self::new(Part::Text(text), Box::default());
        }
        let attachment = |bytes| Attachment {
            bytes,
            text: OnceLock::new(),
        };
        Self::new(
            Part::Text(text),
            attachments.into_iter().map(attachment).collect(),
        )
    }

    /// A binary Engine.IO message of its own.
    pub(crate) fn binary(data: Bytes) -> Self {
        Self::new(Part::Binary(data), Box::default())
    }

    /// Messages that make one packet together; `None` if there is none.
    pub(crate) fn messages(messages: Vec<Message>) -> Option<Self> {
        let mut messages = messages.into_iter();
        let first = match messages.next()? {
            Message::Text(text) => Part::Text(message_text(&text)),
            Message::Binary(bytes) => Part::Binary(bytes),
        };
        let (rest, texts): (Vec<_>, Vec<_>) = messages
            .map(|message| match message {
                Message::Text(text) => (message_text(&text), true),
                Message::Binary(bytes) => (bytes, false),
            })
            .unzip();
        let mut packet = Self::text(Bytes::new(), rest);
        // Nobody shares it yet. Not by way of a constructor for both: that would cost the usual one.
        let inner = Arc::get_mut(&mut packet.0)?;
        inner.size = inner.size.saturating_add(first.bytes().len());
        inner.first = first;
        inner.extras = texts.contains(&true).then(|| {
            let name = None;
            Box::new(Extras { texts, name })
        });
        Some(packet)
    }

    /// The same, known by its event's name: where it is sent as the [latest](crate::engine::Flags::latest), it takes
    /// the place of the one of this name that waits for the same client. To be named before it is cloned: one that
    /// others have already stays as it is.
    #[must_use]
    pub fn named(mut self, namespace: &str, event: &str) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.extras.get_or_insert_default().name = Some(LatestName {
                namespace: namespace.into(),
                event: event.into(),
            });
        }
        self
    }

    /// What its frames are put together to again, as [`parts`](Self::parts) gives them; `None` if there is none.
    pub(crate) fn of_parts(parts: Vec<Part>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        let (rest, texts): (Vec<_>, Vec<_>) = parts
            .map(|part| match part {
                Part::Text(text) => (text, true),
                Part::Binary(bytes) => (bytes, false),
            })
            .unzip();
        let attachment = |bytes| Attachment {
            bytes,
            text: OnceLock::new(),
        };
        let mut packet = Self::new(first, rest.into_iter().map(attachment).collect());
        if texts.contains(&true) {
            let extras = Extras { texts, name: None };
            Arc::get_mut(&mut packet.0)?.extras = Some(Box::new(extras));
        }
        Some(packet)
    }

    /// Its [name](Self::named): the namespace and the event.
    pub(crate) fn latest_name(&self) -> Option<(&str, &str)> {
        self.name().map(|name| (&*name.namespace, &*name.event))
    }

    /// Whether it has a name, and `other` the same.
    pub fn is_namesake(&self, other: &Self) -> bool {
        self.name().is_some_and(|name| other.name() == Some(name))
    }

    fn name(&self) -> Option<&LatestName> {
        self.0.extras.as_ref()?.name.as_ref()
    }

    fn new(first: Part, rest: Box<[Attachment]>) -> Self {
        let sizes = rest.iter().map(|it| it.bytes.len());
        let size = sizes.fold(first.bytes().len(), usize::saturating_add);
        Self(Arc::new(Inner {
            first,
            rest,
            extras: None,
            size,
        }))
    }

    /// Its frames, in the order in which they must be sent.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        (0..self.packets()).filter_map(|index| self.part(index))
    }

    /// Goes over what its frames hold, and whether each is text, without a reference more to any.
    #[inline]
    pub(crate) fn each_frame(&self, mut each: impl FnMut(bool, &Bytes)) {
        match &self.0.first {
            Part::Text(bytes) => each(true, bytes),
            Part::Binary(bytes) => each(false, bytes),
        }
        for (it, index) in self.0.rest.iter().zip(0..) {
            each(self.is_text(index), &it.bytes);
        }
    }

    /// One of its frames.
    pub fn part(&self, index: usize) -> Option<Part> {
        match index.checked_sub(1) {
            None => Some(self.0.first.clone()),
            Some(index) => {
                let bytes = self.0.rest.get(index)?.bytes.clone();
                Some(match self.is_text(index) {
                    true => Part::Text(bytes),
                    false => Part::Binary(bytes),
                })
            }
        }
    }

    /// Whether a frame behind the first is text.
    fn is_text(&self, index: usize) -> bool {
        let extras = self.0.extras.as_ref();
        extras.is_some_and(|extras| extras.texts.get(index) == Some(&true))
    }

    /// An attachment as the text that `write` makes of it, written once for all recipients. `None` if there
    /// is no other recipient, for whom it would be kept: then it is best written where it is needed.
    ///
    /// What is written depends on the attachment alone, so that it does not matter who comes first.
    pub(crate) fn shared_text(
        &self,
        index: usize,
        write: impl Fn(&Bytes) -> Bytes,
    ) -> Option<&Bytes> {
        let index = index.checked_sub(1).filter(|index| !self.is_text(*index))?;
        let Attachment { bytes, text } = self.0.rest.get(index)?;
        if text.get().is_none() && Arc::strong_count(&self.0) > 1 {
            // Written before it is set: nobody waits for another's writing, and the first one holds.
            let _ = text.set(write(bytes));
        }
        text.get()
    }

    /// Its first frame, which is the only one of a packet without attachments.
    pub(crate) fn into_part(self) -> Part {
        // Moved out of a packet for one client: its bytes are never counted by reference.
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.first,
            Err(shared) => shared.first.clone(),
        }
    }

    /// How many frames it has.
    pub fn packets(&self) -> usize {
        self.0.rest.len().saturating_add(1)
    }

    /// Whether any of its frames is binary.
    pub(crate) fn has_bytes(&self) -> bool {
        let rest = || match &self.0.extras {
            Some(extras) if !extras.texts.is_empty() => extras.texts.contains(&false),
            Some(_) | None => !self.0.rest.is_empty(),
        };
        match self.0.first {
            Part::Text(_) => rest(),
            Part::Binary(_) => true,
        }
    }

    /// The bytes of all its frames, before any base64.
    pub fn size(&self) -> usize {
        self.0.size
    }
}

impl Part {
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }

    fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// A plain Engine.IO message, as it is.
impl From<&Message> for Encoded {
    fn from(message: &Message) -> Self {
        match message {
            Message::Text(text) => Self::text(message_text(text), Vec::new()),
            Message::Binary(bytes) => Self::binary(bytes.clone()),
        }
    }
}

/// A text message with the engine's digit.
fn message_text(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len().saturating_add(1));
    out.push(b'4');
    out.extend_from_slice(text.as_bytes());
    out.into()
}

#[cfg(test)]
mod shape {
    use super::*;

    #[test]
    fn a_text_is_written_once_for_all() {
        let attachments = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        let packet = Encoded::text("452-[]".into(), attachments);
        let write = |bytes: &Bytes| Bytes::from(bytes.repeat(2));
        assert_eq!(packet.shared_text(1, write), None, "nobody else needs it");
        let other = packet.clone();
        let text = packet.shared_text(2, write).unwrap();
        assert_eq!(text, "bb");
        let never = |_: &Bytes| panic!("it is written already");
        assert_eq!(other.shared_text(2, never).unwrap().as_ptr(), text.as_ptr());
        assert_eq!(other.shared_text(1, write).unwrap(), "aa");
        assert_eq!(other.shared_text(0, never), None);
        assert_eq!(other.shared_text(3, never), None);
        drop(packet);
        assert_eq!(other.shared_text(1, never).unwrap(), "aa");
    }

    #[test]
    fn a_packet_is_one_pointer() {
        assert_eq!(size_of::<Encoded>(), size_of::<usize>());
    }
}
