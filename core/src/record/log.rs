//! A log, read and written.

use std::fmt;

use bytes::Bytes;

use super::field::{Field, put_bytes};
use super::input::{Input, Told};
use super::options::{self, ParserKind};
use super::sum;
use crate::config::Config;
use crate::engine::Opened;
use crate::id::Sid;
use crate::message::Encoded;
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
    /// Whether it is written as that of the packet that was given last. Another one may have the same bytes.
    pub(crate) is_given: bool,
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

const VERSION: u8 = 4;

/// What stands in the place of a step's number where it is not as late as the step before: when it is comes behind that,
/// and the step itself behind that.
const TIME: u8 = 0x3f;

/// The two highest bits of a step's first byte say what is known of what came out: its sum is behind the byte.
pub(super) const SUM: u8 = 0x40;

/// It was the frame of the packet that was given last, and was not to be compressed.
const GIVEN: u8 = 0x80;

/// The same, and it was.
const GIVEN_COMPRESSED: u8 = 0xc0;

#[inline]
pub(super) const fn given_bits(compress: bool) -> u8 {
    match compress {
        false => GIVEN,
        true => GIVEN_COMPRESSED,
    }
}

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

/// How it is written when a step is.
#[inline]
pub(super) const fn time(now: Instant) -> [u8; 9] {
    // All eight bytes: fewer take longer to write, and so does by how much it has moved.
    let [a, b, c, d, e, f, g, h] = now.as_nanos().to_le_bytes();
    [TIME, a, b, c, d, e, f, g, h]
}

/// The frame of the packet that was given last, if it had one and no name.
type Given = Option<(bool, Bytes)>;

/// The sum of that, where it comes out.
fn sum_given(given: &Given, compress: bool) -> Option<u32> {
    let (is_text, bytes) = given.as_ref()?;
    Some(sum::of_frame(*is_text, bytes, compress))
}

/// What is given once that was.
fn given_by(input: &impl Told, given: &mut Given) {
    if let Some((is_text, bytes)) = input.packet().and_then(Encoded::single) {
        *given = Some((is_text, bytes.clone()));
    }
}

fn take_step<I: Told>(from: &mut Bytes, last: Instant, given: &mut Given) -> Option<Step<I>> {
    let (mut first, mut at) = (u8::take(from)?, last);
    if first == TIME {
        at = Instant::from_nanos(u64::take(from)?);
        first = u8::take(from)?;
    }
    let bits = first & (GIVEN | SUM);
    let sum = match bits {
        0 => None,
        SUM => Some(u32::take(from)?),
        _ => Some(sum_given(given, bits == GIVEN_COMPRESSED)?),
    };
    let input = I::take(first & !(GIVEN | SUM), from)?;
    given_by(&input, given);
    let is_given = !matches!(bits, 0 | SUM);
    (sum.is_none() || input.is_asking()).then_some(Step {
        at,
        input,
        sum,
        is_given,
    })
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
    let (mut steps, mut given) = (Vec::new(), None);
    while !rest.is_empty() {
        let step: Step<I> = take_step(&mut rest, last, &mut given).ok_or_else(|| broken(&rest))?;
        last = step.at;
        steps.push(step);
    }
    Ok((head, steps))
}

/// Writes steps behind a head.
pub(crate) fn write<I: Told>(mut bytes: Vec<u8>, began: Instant, steps: &[Step<I>]) -> Vec<u8> {
    let (mut last, mut given) = (began, None);
    for step in steps {
        let Step { at, input, sum, .. } = step;
        if *at != last || input.is_timed() {
            bytes.extend_from_slice(&time(*at));
            last = *at;
        }
        let number = input.number();
        if sum.is_none() {
            bytes.push(number);
        } else if let Some(compress) = [false, true]
            .into_iter()
            .find(|compress| step.is_given && sum_given(&given, *compress) == *sum)
        {
            bytes.push(number | given_bits(compress));
        } else {
            bytes.push(number | SUM);
            sum.unwrap_or_default().put(&mut bytes);
        }
        input.put(&mut bytes);
        given_by(input, &mut given);
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
