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
///
/// It knows by which parser it was written. A connection that has another one makes its own form of it, once for all
/// who have that parser ([`Connection::deliver`](crate::connection::Connection::deliver)).
#[derive(Clone, Debug, Hash)]
pub struct Encoded(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A text frame, or a binary one of a raw Engine.IO message or a parser that is not the built-in one.
    first: Bytes,
    /// What follows, as binary frames.
    rest: Box<[Attachment]>,
    /// What few packets have.
    extras: OnceLock<Box<Extras>>,
    /// The bytes of all frames: each recipient asks several times.
    size: usize,
    /// Whether the first frame is text.
    is_text: bool,
    way: Way,
}

/// How a packet was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Not by a parser: it is for whoever it is given to.
    Given,
    BuiltIn,
    #[cfg(feature = "msgpack")]
    Msgpack,
    /// By a parser of the application's own, whose mark is among the extras.
    Own,
}

/// What tells a parser of the application's own from all others. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark(Arc<()>);

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The parser that a packet is written by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writer<'a> {
    /// The protocol's own way.
    BuiltIn,
    /// The ready one.
    #[cfg(feature = "msgpack")]
    Msgpack,
    /// One of the application's own.
    Own(&'a Mark),
}

/// What few packets have. One pointer where there is none.
#[derive(Debug, Default)]
struct Extras {
    /// For each frame but the first, whether it is text after all; none unless a parser of the application's own
    /// wrote them.
    texts: Vec<bool>,
    /// What it is known by among those of which the newest alone waits.
    name: Option<LatestName>,
    /// The parser of the application's own that has written it.
    own: Option<Mark>,
    /// The same for clients of other parsers.
    forms: OnceLock<Box<Form>>,
}

/// A packet as another parser writes it, made for the first such recipient and kept as long as the packet.
#[derive(Debug)]
struct Form {
    way: Way,
    own: Option<Mark>,
    /// None: that one does not write it.
    packet: Option<Encoded>,
    next: OnceLock<Box<Form>>,
}

/// Without the other forms, which are made from these frames when somebody needs them, and without the way.
impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_text.hash(state);
        self.first.hash(state);
        self.rest.hash(state);
        let told = self.extras.get().and_then(|it| {
            let told = it.name.is_some() || !it.texts.is_empty();
            told.then_some((&it.texts, &it.name))
        });
        told.hash(state);
    }
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
            return Self::new(text, true, Box::default(), Way::BuiltIn);
        }
        let rest = attachments.into_iter().map(Attachment::from).collect();
        Self::new(text, true, rest, Way::BuiltIn)
    }

    /// A binary message that is a packet as msgpack.
    #[cfg(feature = "msgpack")]
    pub(crate) fn msgpack(data: Bytes) -> Self {
        Self::new(data, false, Box::default(), Way::Msgpack)
    }

    /// Messages that make one packet together, by a parser of the application's own; `None` if there is none.
    pub(crate) fn messages(messages: Vec<Message>, own: Mark) -> Option<Self> {
        let mut messages = messages.into_iter();
        let (first, is_text) = match messages.next()? {
            Message::Text(text) => (message_text(&text), true),
            Message::Binary(bytes) => (bytes, false),
        };
        let (rest, texts): (Vec<_>, Vec<_>) = messages
            .map(|message| match message {
                Message::Text(text) => (message_text(&text), true),
                Message::Binary(bytes) => (bytes, false),
            })
            .unzip();
        let rest = rest.into_iter().map(Attachment::from).collect();
        let packet = Self::new(first, is_text, rest, Way::Own);
        let extras = Extras {
            own: Some(own),
            ..Extras::of(texts)
        };
        let _ = packet.0.extras.set(Box::new(extras));
        Some(packet)
    }

    /// The same, known by its event's name: where it is sent as the [latest](crate::engine::Flags::latest), it takes
    /// the place of the one of this name that waits for the same client. To be named before it is cloned: one that
    /// others have already stays as it is.
    #[must_use]
    pub fn named(mut self, namespace: &str, event: &str) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            let mut extras = inner.extras.take().unwrap_or_default();
            extras.name = Some(LatestName {
                namespace: namespace.into(),
                event: event.into(),
            });
            let _ = inner.extras.set(extras);
        }
        self
    }

    /// What its frames are put together to again, as [`parts`](Self::parts) gives them; `None` if there is none.
    pub(crate) fn of_parts(parts: Vec<Part>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let (first, is_text) = match parts.next()? {
            Part::Text(text) => (text, true),
            Part::Binary(bytes) => (bytes, false),
        };
        let (rest, texts): (Vec<_>, Vec<_>) = parts
            .map(|part| match part {
                Part::Text(text) => (text, true),
                Part::Binary(bytes) => (bytes, false),
            })
            .unzip();
        let rest = rest.into_iter().map(Attachment::from).collect();
        let packet = Self::new(first, is_text, rest, Way::Given);
        if texts.contains(&true) {
            let _ = packet.0.extras.set(Box::new(Extras::of(texts)));
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
        self.0.extras.get()?.name.as_ref()
    }

    fn new(first: Bytes, is_text: bool, rest: Box<[Attachment]>, way: Way) -> Self {
        let sizes = rest.iter().map(|it| it.bytes.len());
        let size = sizes.fold(first.len(), usize::saturating_add);
        Self(Arc::new(Inner {
            first,
            rest,
            extras: OnceLock::new(),
            size,
            is_text,
            way,
        }))
    }

    /// Whether the built-in parser has written it.
    #[inline]
    pub(crate) fn is_built_in(&self) -> bool {
        self.0.way == Way::BuiltIn
    }

    /// Whether it is for clients of this parser as it is.
    pub(crate) fn is_by(&self, writer: Writer<'_>) -> bool {
        match self.0.way {
            Way::Given => true,
            Way::Own => {
                let extras = self.0.extras.get();
                writer.is(Way::Own, extras.and_then(|extras| extras.own.as_ref()))
            }
            Way::BuiltIn => writer.is(Way::BuiltIn, None),
            #[cfg(feature = "msgpack")]
            Way::Msgpack => writer.is(Way::Msgpack, None),
        }
    }

    /// The same for clients of this parser: what `write` makes of it, once for all of them, or by each of the threads
    /// that need it at the same moment. `None`: it makes nothing.
    pub(crate) fn form(
        &self,
        writer: Writer<'_>,
        write: impl Fn(&Self) -> Option<Self>,
    ) -> Option<Self> {
        let written = self.0.extras.get().map(|extras| extras.forms.get());
        if Arc::strong_count(&self.0) == 1 && written.flatten().is_none() {
            // Nobody else needs it, nor has needed it.
            return write(self);
        }
        let mut place = &self.0.extras.get_or_init(Box::default).forms;
        let mut made = None;
        loop {
            if let Some(form) = place.get() {
                if writer.is(form.way, form.own.as_ref()) {
                    return form.packet.clone();
                }
                place = &form.next;
                continue;
            }
            // Written before it is set: nobody waits for another's writing, and the first one holds.
            let form = made
                .take()
                .unwrap_or_else(|| Box::new(Form::new(writer, write(self))));
            made = place.set(form).err();
        }
    }

    /// Its frame, and whether that is text, if that is all there is: it has no other, and no name.
    #[inline]
    pub(crate) fn single(&self) -> Option<(bool, &Bytes)> {
        let inner = &*self.0;
        let single = inner.rest.is_empty()
            && (inner.extras.get()).is_none_or(|extras| extras.name.is_none());
        single.then_some((inner.is_text, &inner.first))
    }

    /// Its frames, in the order in which they must be sent.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        (0..self.packets()).filter_map(|index| self.part(index))
    }

    /// Goes over what its frames hold, and whether each is text, without a reference more to any.
    #[inline]
    pub(crate) fn each_frame(&self, mut each: impl FnMut(bool, &Bytes)) {
        each(self.0.is_text, &self.0.first);
        for (it, index) in self.0.rest.iter().zip(0..) {
            each(self.is_text(index), &it.bytes);
        }
    }

    /// One of its frames.
    pub fn part(&self, index: usize) -> Option<Part> {
        match index.checked_sub(1) {
            None => Some(Part::of(self.0.is_text, self.0.first.clone())),
            Some(index) => {
                let bytes = self.0.rest.get(index)?.bytes.clone();
                Some(Part::of(self.is_text(index), bytes))
            }
        }
    }

    /// Whether a frame behind the first is text.
    fn is_text(&self, index: usize) -> bool {
        let extras = self.0.extras.get();
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
            Ok(inner) => Part::of(inner.is_text, inner.first),
            Err(shared) => Part::of(shared.is_text, shared.first.clone()),
        }
    }

    /// How many frames it has.
    pub fn packets(&self) -> usize {
        self.0.rest.len().saturating_add(1)
    }

    /// Whether any of its frames is binary.
    pub(crate) fn has_bytes(&self) -> bool {
        let rest = || match self.0.extras.get() {
            Some(extras) if !extras.texts.is_empty() => extras.texts.contains(&false),
            Some(_) | None => !self.0.rest.is_empty(),
        };
        !self.0.is_text || rest()
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

    fn of(is_text: bool, bytes: Bytes) -> Self {
        match is_text {
            true => Self::Text(bytes),
            false => Self::Binary(bytes),
        }
    }
}

impl From<Bytes> for Attachment {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            text: OnceLock::new(),
        }
    }
}

impl Extras {
    /// Those of frames some of which are text.
    fn of(texts: Vec<bool>) -> Self {
        let any = texts.contains(&true);
        Self {
            texts: if any { texts } else { Vec::new() },
            ..Self::default()
        }
    }
}

impl Form {
    fn new(writer: Writer<'_>, packet: Option<Encoded>) -> Self {
        let (way, own) = match writer {
            Writer::BuiltIn => (Way::BuiltIn, None),
            #[cfg(feature = "msgpack")]
            Writer::Msgpack => (Way::Msgpack, None),
            Writer::Own(mark) => (Way::Own, Some(mark.clone())),
        };
        let next = OnceLock::new();
        Self {
            way,
            own,
            packet,
            next,
        }
    }
}

impl Writer<'_> {
    #[inline]
    fn is(self, way: Way, own: Option<&Mark>) -> bool {
        match self {
            Self::BuiltIn => way == Way::BuiltIn,
            #[cfg(feature = "msgpack")]
            Self::Msgpack => way == Way::Msgpack,
            Self::Own(mark) => way == Way::Own && own == Some(mark),
        }
    }
}

/// A plain Engine.IO message, as it is.
impl From<&Message> for Encoded {
    fn from(message: &Message) -> Self {
        let (data, is_text) = match message {
            Message::Text(text) => (message_text(text), true),
            Message::Binary(bytes) => (bytes.clone(), false),
        };
        Self::new(data, is_text, Box::default(), Way::Given)
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
    fn a_form_is_written_once_for_all() {
        let packet = Encoded::text("42[]".into(), Vec::new());
        let write = |_: &Encoded| Some(Encoded::text("42[0]".into(), Vec::new()));
        assert!(packet.form(Writer::BuiltIn, write).is_some());
        assert!(packet.0.extras.get().is_none(), "nobody else needs it");
        let last = packet.clone();
        let form = packet.form(Writer::BuiltIn, write).unwrap();
        drop(packet);
        let never = |_: &Encoded| panic!("it is written already");
        let found = last.form(Writer::BuiltIn, never).unwrap();
        assert!(Arc::ptr_eq(&form.0, &found.0));
    }

    #[test]
    fn a_packet_is_one_pointer() {
        assert_eq!(size_of::<Encoded>(), size_of::<usize>());
    }
}
