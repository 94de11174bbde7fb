//! An event on its way to many.

use std::borrow::Cow;
use std::sync::OnceLock;

use sio_core::packet::{self, Args, Call, Codec, Encoded, IntoArgs};

use crate::error::EmitError;

/// An event on its way to many: written once, and cheap to clone.
///
/// What it says is taken from what was written, when somebody asks. An adapter whose wire is text sends the
/// arguments' text ([`Args::elements`]) as it is.
#[derive(Clone, Debug)]
pub struct Broadcast {
    packet: Encoded,
    /// If an answer is wanted.
    ack: Option<u64>,
    /// What it was written by.
    codec: Codec,
    /// Where the array begins in its text.
    head: u32,
    /// Read when somebody asks, which on one node nobody does.
    call: OnceLock<Box<Call>>,
}

impl Broadcast {
    /// An event for the sockets of a namespace, as another node tells of it.
    ///
    /// # Errors
    /// The event's name is reserved, or the arguments cannot be written.
    pub fn new(namespace: &str, event: &str, args: Args) -> Result<Self, EmitError> {
        Self::written(&Codec::BUILT_IN, namespace, None, event, &args)
    }

    /// The same, by the codec of its namespace; with an id, if answers are wanted.
    #[inline(always)]
    pub(crate) fn written(
        codec: &Codec,
        namespace: &str,
        ack: Option<u64>,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<Self, EmitError> {
        if !codec.is_built_in() {
            return Self::by_parser(codec, namespace, ack, event, Args::from_arguments(args)?);
        }
        let packet = packet::event(namespace, ack, event, args)?;
        let head = packet::head_len(namespace, ack);
        Ok(Self {
            packet,
            ack,
            codec: Codec::BUILT_IN,
            head: u32::try_from(head).unwrap_or(u32::MAX),
            call: OnceLock::new(),
        })
    }

    /// What a parser of the application's own has written is not read again.
    #[cold]
    fn by_parser(
        codec: &Codec,
        namespace: &str,
        ack: Option<u64>,
        event: &str,
        args: Args,
    ) -> Result<Self, EmitError> {
        let packet = codec.event(namespace, ack, event, &args)?;
        let name = event.into();
        Ok(Self {
            packet,
            ack,
            codec: codec.clone(),
            head: 0,
            call: Box::new(Call { name, args }).into(),
        })
    }

    /// The same, by a name of which the newest alone waits.
    #[cold]
    pub(crate) fn named(mut self, namespace: &str, event: &str) -> Self {
        self.packet = self.packet.named(namespace, event);
        self
    }

    /// The event's name.
    pub fn event(&self) -> &str {
        &self.call().name
    }

    /// Its arguments.
    pub fn args(&self) -> &Args {
        &self.call().args
    }

    fn call(&self) -> &Call {
        self.call.get_or_init(|| {
            let call = packet::written_call(&self.packet, self.head as usize);
            debug_assert!(call.is_ok(), "what was written can be read: {call:?}");
            Box::new(call.unwrap_or_default())
        })
    }

    /// The packet for a namespace's sockets: as it is, if it is to be written so and with this id.
    ///
    /// # Errors
    /// The application's parser does not write it.
    #[inline]
    pub(crate) fn packet(
        &self,
        codec: &Codec,
        namespace: &str,
        ack: Option<u64>,
    ) -> Result<Cow<'_, Encoded>, EmitError> {
        if codec.is(&self.codec) && ack == self.ack {
            return Ok(Cow::Borrowed(&self.packet));
        }
        let packet = codec.event(namespace, ack, self.event(), self.args())?;
        Ok(Cow::Owned(packet))
    }

    /// The packet for a namespace's sockets with the offset behind its arguments.
    ///
    /// # Errors
    /// The application's parser does not write it.
    pub(crate) fn packet_at(
        &self,
        codec: &Codec,
        namespace: &str,
        offset: &str,
    ) -> Result<Encoded, EmitError> {
        let same = codec.is_built_in() && self.codec.is_built_in() && self.ack.is_none();
        let ending = same.then(|| packet::event_ending(&self.packet, offset));
        match ending.flatten() {
            Some(packet) => Ok(packet),
            None => Ok(codec.event_at(namespace, self.event(), self.args(), offset)?),
        }
    }

    /// The id under which answers are wanted.
    pub(crate) const fn ack(&self) -> Option<u64> {
        self.ack
    }
}
