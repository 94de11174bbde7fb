//! A client's log, read and written.

use std::sync::Arc;

use bytes::Bytes;

use super::input::Input;
use crate::client::config::Config;
use crate::client::dial::Dial;
use crate::record::field::Field;
use crate::record::{LogError, ParserKind, Step, read, write};
use crate::time::Instant;

/// What one client was told, in order, with what it had to say to it in four bytes each.
#[derive(Clone, Debug)]
pub struct Log {
    pub(super) head: Head,
    /// What it was told and asked.
    pub steps: Vec<Step<Input>>,
}

/// How a client began.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) at: Instant,
    pub(super) seed: [u8; 16],
    pub(super) parser: ParserKind,
    pub(super) config: Arc<Config>,
    pub(super) dial: Arc<Dial>,
}

const MAGIC: &[u8] = b"sio client log\n";

const VERSION: u8 = 3;

impl Head {
    pub(super) fn put(&self, to: &mut Vec<u8>) {
        let Self {
            at,
            seed,
            parser,
            config,
            dial,
        } = self;
        to.extend_from_slice(MAGIC);
        VERSION.put(to);
        at.as_nanos().put(to);
        seed.put(to);
        parser.put(to);
        config.put(to);
        dial.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let (at, seed) = (u64::take(from)?, Field::take(from)?);
        let (parser, mut config) = (ParserKind::take(from)?, Config::take(from)?);
        if let Some(codec) = parser.codec() {
            config.parser = codec;
        }
        // One that no client would have begun with.
        config.validate().ok()?;
        Some(Self {
            at: Instant::from_nanos(at),
            seed,
            parser,
            config: Arc::new(config),
            dial: Arc::new(Field::take(from)?),
        })
    }
}

impl Log {
    /// Reads a log.
    ///
    /// # Errors
    /// It is none of a client's, of another version, or not whole.
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

    /// When the client was made.
    pub const fn began(&self) -> Instant {
        self.head.at
    }

    /// Where it dials, unless it asks.
    pub fn dial(&self) -> &Dial {
        &self.head.dial
    }

    /// How its packets are written.
    pub const fn parser(&self) -> ParserKind {
        self.head.parser
    }

    /// The options that it goes by.
    pub fn config(&self) -> &Config {
        &self.head.config
    }
}
