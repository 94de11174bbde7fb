//! How values stand in a log: numbers the lowest byte first, or in groups of seven bits; bytes behind their length in four.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use crate::arena::Key;
use crate::config::BacklogPolicy;
use crate::engine::{Body, Close, CloseReason, Flags, Post, PostFailure, WsClosed};
use crate::id::{RequestId, SocketId};
use crate::message::{Encoded, Message, Part};
use crate::packet::Value;
use crate::protocol::{Eio, TransportKind};
use crate::recovery::Pid;
use crate::socket::{Refusal, SocketKey};

/// What can be written to a log, and read from it.
pub(crate) trait Field: Sized {
    fn put(&self, to: &mut Vec<u8>);

    /// `None`: that is not one.
    fn take(from: &mut Bytes) -> Option<Self>;
}

impl Field for u8 {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(*self);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let first = *from.first()?;
        drop(from.split_to(1));
        Some(first)
    }
}

/// A number in groups of seven bits.
#[inline]
fn put_number(number: u64, to: &mut Vec<u8>) {
    match number {
        few @ ..0x80 => to.push(low(few)),
        more @ ..0x4000 => to.extend_from_slice(&[low(more) | 0x80, low(more >> 7)]),
        many => put_groups(many, to),
    }
}

fn take_number(from: &mut Bytes) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = u8::take(from)?;
        let bits = u64::from(byte & 0x7f);
        let moved = bits.checked_shl(shift)?;
        if moved >> shift != bits {
            return None;
        }
        number |= moved;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// In groups of seven bits, the lowest first, all but the last with the eighth bit.
#[cold]
fn put_groups(number: u64, to: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= 0x80 {
        to.push(low(rest) | 0x80);
        rest >>= 7;
    }
    to.push(low(rest));
}

/// Its lowest seven bits.
const fn low(number: u64) -> u8 {
    let [lowest, ..] = number.to_le_bytes();
    lowest & 0x7f
}

/// Numbers that are small as a rule.
macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Field for $type {
            #[inline]
            fn put(&self, to: &mut Vec<u8>) {
                put_number(u64::try_from(*self).unwrap_or(u64::MAX), to);
            }

            fn take(from: &mut Bytes) -> Option<Self> {
                take_number(from)?.try_into().ok()
            }
        }
    )*};
}

numbers!(u16, usize);

/// Numbers of which each takes as many bytes: those of steps that most are, which are written so the quickest.
macro_rules! words {
    ($($type:ty),*) => {$(
        impl Field for $type {
            #[inline]
            fn put(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut Bytes) -> Option<Self> {
                Some(Self::from_le_bytes(Field::take(from)?))
            }
        }
    )*};
}

words!(u32, u64);

impl Field for bool {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Field for Duration {
    fn put(&self, to: &mut Vec<u8>) {
        self.as_secs().put(to);
        self.subsec_nanos().put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let (secs, nanos) = (u64::take(from)?, u32::take(from)?);
        (nanos < 1_000_000_000).then(|| Self::new(secs, nanos))
    }
}

/// How long bytes are. What is longer than that can say is not written.
#[inline(always)]
pub(crate) const fn length(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = (bytes.len() as u64).to_le_bytes();
    [a, b, c, d]
}

/// Bytes with their length before them.
#[inline]
pub(crate) fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(&length(bytes));
    to.extend_from_slice(bytes);
}

impl Field for Bytes {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self, to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let length = usize::try_from(u32::take(from)?).ok()?;
        (length <= from.len()).then(|| from.split_to(length))
    }
}

impl Field for ByteString {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Self::try_from(Bytes::take(from)?).ok()
    }
}

impl Field for String {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(ByteString::take(from)?.to_string())
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        if let Some(it) = self {
            it.put(to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(match bool::take(from)? {
            true => Some(T::take(from)?),
            false => None,
        })
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.len().put(to);
        for it in self {
            it.put(to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let length = usize::take(from)?;
        // One at a time: what a log says of its length is no reason to hold memory.
        let mut all = Self::new();
        for _ in 0..length {
            all.push(T::take(from)?);
        }
        Some(all)
    }
}

/// Either of two, behind a byte that says which.
impl<T: Field, E: Field> Field for Result<T, E> {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Ok(it) => {
                to.push(0);
                it.put(to);
            }
            Err(it) => {
                to.push(1);
                it.put(to);
            }
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(Ok(T::take(from)?)),
            1 => Some(Err(E::take(from)?)),
            _ => None,
        }
    }
}

impl Field for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut Bytes) -> Option<Self> {
        Some(())
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl<const LENGTH: usize> Field for [u8; LENGTH] {
    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let array = *from.first_chunk()?;
        drop(from.split_to(LENGTH));
        Some(array)
    }
}

/// Enums without data, by numbers.
macro_rules! named {
    ($($type:ty { $($number:literal => $name:ident),* $(,)? })*) => {$(
        impl $crate::record::field::Field for $type {
            fn put(&self, to: &mut Vec<u8>) {
                to.push(match self {
                    $(Self::$name => $number,)*
                });
            }

            fn take(from: &mut ::bytes::Bytes) -> Option<Self> {
                match <u8 as $crate::record::field::Field>::take(from)? {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    )*};
}

pub(crate) use named;

named! {
    Eio { 3 => V3, 4 => V4 }
    TransportKind { 0 => Polling, 1 => WebSocket }
    Close { 0 => Flush, 1 => Discard }
    CloseReason {
        0 => TransportClose,
        1 => TransportError,
        2 => PingTimeout,
        3 => ParseError,
        4 => ForcedClose,
    }
    WsClosed { 0 => Closed, 1 => Lost, 2 => TooLarge, 3 => TooManyFragments, 4 => Violation }
    BacklogPolicy { 0 => Close, 1 => Refuse, 2 => DropVolatile }
    PostFailure { 0 => TooLarge, 1 => NotUtf8, 2 => Binary, 3 => Timeout, 4 => Lost }
}

/// Enums whose variants hold one field each.
macro_rules! holding {
    ($($type:ty { $($number:literal => $name:ident),* $(,)? })*) => {$(
        impl Field for $type {
            fn put(&self, to: &mut Vec<u8>) {
                match self {
                    $(Self::$name(it) => {
                        to.push($number);
                        it.put(to);
                    })*
                }
            }

            fn take(from: &mut Bytes) -> Option<Self> {
                match u8::take(from)? {
                    $($number => Some(Self::$name(Field::take(from)?)),)*
                    _ => None,
                }
            }
        }
    )*};
}

holding! {
    Message { 0 => Text, 1 => Binary }
    Part { 0 => Text, 1 => Binary }
    Body { 0 => Separated, 1 => Counted, 2 => Binary }
}

impl Field for Post {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::Begun => to.push(0),
            Self::End(body) => {
                to.push(1);
                body.put(to);
            }
            Self::Whole(body) => {
                to.push(2);
                body.put(to);
            }
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(Self::Begun),
            1 => Some(Self::End(Field::take(from)?)),
            2 => Some(Self::Whole(Field::take(from)?)),
            _ => None,
        }
    }
}

impl Flags {
    /// All in one byte.
    #[inline]
    pub(crate) fn byte(self) -> u8 {
        let Self {
            volatile,
            compress,
            latest,
            policy,
        } = self;
        let policy = match policy {
            None => 0,
            Some(BacklogPolicy::Close) => 0x08,
            Some(BacklogPolicy::Refuse) => 0x10,
            Some(BacklogPolicy::DropVolatile) => 0x18,
        };
        let bits = u8::from(volatile) | u8::from(compress) << 1 | u8::from(latest) << 2;
        bits | policy
    }
}

impl Field for Flags {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(self.byte());
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let bits = u8::take(from)?;
        let policy = match bits & !7 {
            0 => None,
            0x08 => Some(BacklogPolicy::Close),
            0x10 => Some(BacklogPolicy::Refuse),
            0x18 => Some(BacklogPolicy::DropVolatile),
            _ => return None,
        };
        Some(Self {
            volatile: bits & 1 != 0,
            compress: bits & 2 != 0,
            latest: bits & 4 != 0,
            policy,
        })
    }
}

impl Field for RequestId {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Field::take(from).map(Self)
    }
}

impl SocketKey {
    /// The bytes that it is written as.
    #[inline(always)]
    pub(crate) fn bytes(self) -> [u8; 8] {
        let (slot, generation) = (self.0.slot(), self.0.generation());
        (u64::from(slot) | u64::from(generation) << 32).to_le_bytes()
    }
}

impl Field for SocketKey {
    fn put(&self, to: &mut Vec<u8>) {
        self.bytes().put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let (slot, generation) = (u32::take(from)?, u32::take(from)?);
        Some(Self(Key::new(slot, generation)))
    }
}

impl Field for SocketId {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.as_str().as_bytes(), to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self::told(&ByteString::take(from)?))
    }
}

impl Field for Pid {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.as_str().as_bytes(), to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self::told(&ByteString::take(from)?))
    }
}

impl Field for Encoded {
    fn put(&self, to: &mut Vec<u8>) {
        let name = self.latest_name();
        name.is_some().put(to);
        if let Some((namespace, event)) = name {
            put_bytes(namespace.as_bytes(), to);
            put_bytes(event.as_bytes(), to);
        }
        self.packets().put(to);
        self.each_frame(|is_text, bytes| {
            // As a part is.
            to.push(u8::from(!is_text));
            put_bytes(bytes, to);
        });
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let name = <Option<(ByteString, ByteString)> as Field>::take(from)?;
        let packet = Self::of_parts(Field::take(from)?)?;
        Some(match name {
            Some((namespace, event)) => packet.named(&namespace, &event),
            None => packet,
        })
    }
}

impl Field for Refusal {
    fn put(&self, to: &mut Vec<u8>) {
        self.message.put(to);
        // What cannot be written as JSON cannot be told to a client either.
        let data = self.data.as_ref();
        let data = data.and_then(|data| serde_json::to_string(data).ok());
        data.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let message = String::take(from)?;
        let data = match <Option<String> as Field>::take(from)? {
            Some(text) => Some(serde_json::from_str::<Value>(&text).ok()?),
            None => None,
        };
        Some(Self { message, data })
    }
}
