//! A log, read and written.

use std::fmt;

use bytes::Bytes;

use super::field::{Field, put_bytes};
use super::input::{Input, Told};
use super::options::{self, ParserKind};
use crate::config::Config;
use crate::engine::Opened;
use crate::id::Sid;
use crate::packet::Codec;
use crate::time::Instant;

/// What one connection was told, in order, with what it had to say to it in four bytes each.
#[derive(Clone, Debug)]
pub struct Log {
    pub(super) head: Head,
    /// What it was told and asked.
    pub steps: Vec<Step>,
}

/// One thing that a machine was told or asked.
#[derive(Clone, Debug)]
pub struct Step<I = Input> {
    /// When.
    pub at: Instant,
    /// What.
    pub input: I,
    /// Of what came out, if something was asked for and there was something.
    pub(crate) sum: Option<u32>,
}

/// How a connection began.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) at: Instant,
    pub(super) sid: Sid,
    pub(super) opened: Opened,
    pub(super) parser: ParserKind,
    pub(super) config: Config,
}

/// Why a log cannot be read or played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// It does not begin as logs of its kind do.
    NotALog,
    /// It is of another version of this format, with this number.
    Version(u8),
    /// It ends, or makes no sense, at this byte.
    Broken(usize),
    /// Its packets are written by a parser that is not known here: one of the application's own
    /// ([`Replay::with_codec`](super::Replay::with_codec)), or msgpack without the feature.
    Parser(ParserKind),
    /// It cannot be redacted: what its packets say is known to the application's parser alone, or is msgpack.
    Opaque(ParserKind),
    /// At this step something else came out than when it was recorded.
    Differs(usize),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALog => f.write_str("not a log of its kind"),
            Self::Version(version) => write!(f, "a log of version {version}"),
            Self::Broken(at) => write!(f, "the log is broken at byte {at}"),
            Self::Parser(parser) => write!(f, "there is no parser here for {parser:?}"),
            Self::Opaque(parser) => write!(f, "packets by {parser:?} cannot be redacted"),
            Self::Differs(step) => write!(f, "step {step} went another way when it was recorded"),
        }
    }
}

impl std::error::Error for LogError {}

const MAGIC: &[u8] = b"sio log\n";

const VERSION: u8 = 2;

/// The bit of a step's number that says: at the time of the step before.
const SAME_TIME: u8 = 0x80;

/// The bit that says: with the sum of what came out.
const HAS_SUM: u8 = 0x40;

impl Head {
    pub(super) fn new(
        at: Instant,
        sid: &Sid,
        opened: Opened,
        config: &Config,
        codec: &Codec,
    ) -> Self {
        Self {
            at,
            sid: sid.clone(),
            opened,
            parser: ParserKind::of(codec),
            config: config.clone(),
        }
    }

    pub(super) fn put(&self, to: &mut Vec<u8>) {
        let Self {
            at,
            sid,
            opened,
            parser,
            config,
        } = self;
        to.extend_from_slice(MAGIC);
        VERSION.put(to);
        at.as_nanos().put(to);
        put_bytes(sid.as_str().as_bytes(), to);
        opened.transport.put(to);
        opened.revision.put(to);
        opened.base64.put(to);
        parser.put(to);
        options::put(config, to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self {
            at: Instant::from_nanos(Field::take(from)?),
            sid: Sid::made(String::take(from)?)?,
            opened: Opened {
                transport: Field::take(from)?,
                revision: Field::take(from)?,
                base64: Field::take(from)?,
            },
            parser: Field::take(from)?,
            config: options::take(from)?,
        })
    }
}

/// Writes what all steps begin with, of one that comes after one at `last`: which it is, when, and the sum of what came
/// out.
#[inline]
pub(super) fn put_head(
    to: &mut Vec<u8>,
    last: Instant,
    now: Instant,
    number: u8,
    sum: Option<u32>,
) {
    let has_sum = if sum.is_some() { HAS_SUM } else { 0 };
    if now == last {
        let first = number | SAME_TIME | has_sum;
        return match sum {
            Some(sum) => {
                let [a, b, c, d] = sum.to_le_bytes();
                to.extend_from_slice(&[first, a, b, c, d]);
            }
            None => to.push(first),
        };
    }
    // A clock that is told late goes back: the sign is the lowest bit.
    let (ahead, behind) = (
        now.as_nanos().wrapping_sub(last.as_nanos()),
        last.as_nanos().wrapping_sub(now.as_nanos()),
    );
    // All eight bytes: fewer take longer to write.
    let moved = match now > last {
        true => ahead.wrapping_shl(1),
        false => behind.wrapping_shl(1) | 1,
    };
    let [a, b, c, d, e, f, g, h] = moved.to_le_bytes();
    to.extend_from_slice(&[number | has_sum, a, b, c, d, e, f, g, h]);
    if let Some(sum) = sum {
        to.extend_from_slice(&sum.to_le_bytes());
    }
}

fn take_step<I: Told>(from: &mut Bytes, last: Instant) -> Option<Step<I>> {
    let first = u8::take(from)?;
    let at = if first & SAME_TIME != 0 {
        last
    } else {
        let moved = u64::from_le_bytes(Field::take(from)?);
        let by = moved >> 1;
        let nanos = match moved & 1 {
            0 => last.as_nanos().checked_add(by)?,
            _ => last.as_nanos().checked_sub(by)?,
        };
        Instant::from_nanos(nanos)
    };
    let sum = match first & HAS_SUM {
        0 => None,
        _ => Some(u32::from_le_bytes(Field::take(from)?)),
    };
    let input = I::take(first & !(SAME_TIME | HAS_SUM), from)?;
    (sum.is_none() || input.is_asking()).then_some(Step { at, input, sum })
}

/// Reads a log: its head by `take`, which also says when it began, and its steps.
pub(crate) fn read<H, I: Told>(
    bytes: Bytes,
    (magic, version): (&[u8], u8),
    take: impl FnOnce(&mut Bytes) -> Option<(H, Instant)>,
) -> Result<(H, Vec<Step<I>>), LogError> {
    let mut rest = bytes;
    let length = rest.len();
    if !rest.starts_with(magic) {
        return Err(LogError::NotALog);
    }
    drop(rest.split_to(magic.len()));
    let broken = |rest: &Bytes| LogError::Broken(length.saturating_sub(rest.len()));
    let its = u8::take(&mut rest).ok_or(LogError::Broken(length))?;
    if its != version {
        return Err(LogError::Version(its));
    }
    let (head, mut last) = take(&mut rest).ok_or_else(|| broken(&rest))?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step: Step<I> = take_step(&mut rest, last).ok_or_else(|| broken(&rest))?;
        last = step.at;
        steps.push(step);
    }
    Ok((head, steps))
}

/// Writes steps behind a head.
pub(crate) fn write<I: Told>(mut bytes: Vec<u8>, began: Instant, steps: &[Step<I>]) -> Vec<u8> {
    let mut last = began;
    for Step { at, input, sum } in steps {
        put_head(&mut bytes, last, *at, input.number(), *sum);
        input.put(&mut bytes);
        last = *at;
    }
    bytes
}

impl Log {
    /// Reads a log.
    ///
    /// # Errors
    /// It is none, of another version, or not whole.
    pub fn read(bytes: impl Into<Bytes>) -> Result<Self, LogError> {
        let take = |rest: &mut Bytes| {
            let head = Head::take(rest)?;
            let at = head.at;
            Some((head, at))
        };
        let (head, steps) = read(bytes.into(), (MAGIC, VERSION), take)?;
        Ok(Self { head, steps })
    }

    /// The bytes that it is read from.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.head.put(&mut bytes);
        write(bytes, self.head.at, &self.steps)
    }

    /// When the session was opened.
    pub const fn began(&self) -> Instant {
        self.head.at
    }

    /// The session's id, which was a secret.
    pub const fn sid(&self) -> &Sid {
        &self.head.sid
    }

    /// How it was opened.
    pub const fn opened(&self) -> Opened {
        self.head.opened
    }

    /// How its packets are written.
    pub const fn parser(&self) -> ParserKind {
        self.head.parser
    }

    /// The options that it goes by; those that no connection goes by are the default's.
    pub const fn config(&self) -> &Config {
        &self.head.config
    }
}
