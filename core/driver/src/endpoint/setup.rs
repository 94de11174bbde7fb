//! An endpoint before and after it is attached: its options may be replaced until then.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sio_core::config::{Config, ConfigError, Parsers};
use sio_core::engine::Acceptor;
use sio_core::packet::Codec;

use crate::endpoint::Endpoint;
use crate::endpoint::files::compressed;
use crate::endpoint::hooks::Hooks;
use crate::mailbox::task_handle::ParserNumber;

/// The options and hooks of an endpoint, and itself once it is attached to a listener.
pub(crate) struct Setup {
    draft: Mutex<Draft>,
    endpoint: OnceLock<Arc<Endpoint>>,
    /// How packets are written, from the first connection on: one of another server may come before this
    /// one is attached.
    parsers: OnceLock<Fixed>,
    pub(crate) hooks: Arc<Hooks>,
}

/// The parsers of a server that has connections.
struct Fixed {
    /// What is for many is written by this.
    common: Codec,
    /// That of clients that ask for none.
    usual: Codec,
    named: Parsers,
}

/// The options as they are so far, checked.
struct Draft {
    acceptor: Acceptor,
    /// How often they were replaced.
    version: u64,
    /// Whether they stay as they are: the server is attached, or about to be.
    fixed: bool,
}

/// Why options were not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// The server is attached: it was given to a `Server`, to `serve`, `layer` or `service`. From then on
    /// its options stay as they are; the parsers and the adapters do from its first connection on, which may
    /// be one of an engine that is bound to it. (Node ignores the change without a word, or half of it.)
    Attached,
    /// Somebody else has replaced the options while these were being made; what that one wanted holds. To
    /// be tried again.
    Raced,
    /// The options contradict themselves; they stay as they were.
    Invalid(ConfigError),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached => f.write_str("the server is attached already: its options are fixed"),
            Self::Raced => f.write_str("the options were replaced by somebody else meanwhile"),
            Self::Invalid(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for SetupError {}

impl From<ConfigError> for SetupError {
    fn from(why: ConfigError) -> Self {
        Self::Invalid(why)
    }
}

impl Setup {
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            draft: Mutex::new(Draft {
                acceptor: acceptor(config, DEFLATES)?,
                version: 0,
                fixed: false,
            }),
            endpoint: OnceLock::new(),
            parsers: OnceLock::new(),
            hooks: Arc::default(),
        })
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        match self.endpoint.get() {
            Some(endpoint) => endpoint.config.clone(),
            None => self.draft().acceptor.config().clone(),
        }
    }

    pub(crate) fn configure(&self, change: impl FnOnce(&mut Config)) -> Result<(), SetupError> {
        let (config, version) = {
            let draft = self.draft();
            (draft.acceptor.config().clone(), draft.version)
        };
        let mut config = Config::clone(&config);
        // The application's code: no lock is held.
        change(&mut config);
        let acceptor = acceptor(config, DEFLATES)?;
        let mut draft = self.draft();
        let others = |fixed: &Fixed| !fixed.is_of(acceptor.config());
        if draft.fixed || self.parsers.get().is_some_and(others) {
            return Err(SetupError::Attached);
        }
        if draft.version != version {
            return Err(SetupError::Raced);
        }
        draft.version += 1;
        let before = std::mem::replace(&mut draft.acceptor, acceptor);
        drop(draft);
        // What is in it may be the application's.
        drop(before);
        Ok(())
    }

    /// How packets for many are written. Connections that have another parser make their own form of them.
    pub(crate) fn common_codec(&self) -> Cow<'_, Codec> {
        match self.parsers.get() {
            Some(fixed) => Cow::Borrowed(&fixed.common),
            // Nobody is there to read them.
            None => Cow::Owned(self.draft().acceptor.config().common_parser().clone()),
        }
    }

    /// How packets of a connection are written and read.
    #[inline]
    pub(crate) fn codec_of(&self, number: ParserNumber) -> &Codec {
        self.fixed().get(number)
    }

    /// Which parser a connection has whose client has asked for this one. It does not change any more. Where there
    /// is none of that name, which the server's own engine has refused, it is the usual one.
    pub(crate) fn parser_number(&self, asked: Option<&str>) -> ParserNumber {
        self.fixed().number(asked)
    }

    fn fixed(&self) -> &Fixed {
        match self.parsers.get() {
            Some(fixed) => fixed,
            None => {
                let draft = self.draft();
                self.parsers
                    .get_or_init(|| Fixed::of(draft.acceptor.config()))
            }
        }
    }

    /// Refuses what is only allowed before it is attached, and before its first connection, which may be
    /// one of another server.
    pub(crate) fn must_be_open(&self) -> Result<(), SetupError> {
        match self.draft().fixed || self.parsers.get().is_some() {
            true => Err(SetupError::Attached),
            false => Ok(()),
        }
    }

    /// The endpoint, if it is attached.
    pub(crate) fn attached(&self) -> Option<&Arc<Endpoint>> {
        self.endpoint.get()
    }

    /// The endpoint. From the first call on the options are fixed; `last` sees them as they are then.
    pub(crate) fn endpoint(&self, last: impl FnOnce(&Config)) -> &Arc<Endpoint> {
        self.endpoint.get_or_init(|| {
            self.fixed();
            let acceptor = {
                let mut draft = self.draft();
                // Whoever changes them from now on is told that it is too late.
                draft.fixed = true;
                draft.acceptor.clone()
            };
            last(acceptor.config());
            Endpoint::attached(acceptor, self.hooks.clone())
        })
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            common: config.common_parser().clone(),
            usual: config.parser.clone(),
            named: config.parsers.clone(),
        }
    }

    /// Whether these are the parsers of the options.
    fn is_of(&self, config: &Config) -> bool {
        let same =
            |(one, other): ((&str, &Codec), (&str, &Codec))| one.0 == other.0 && one.1.is(other.1);
        self.usual.is(&config.parser)
            && self.named.len() == config.parsers.len()
            && self.named.iter().zip(config.parsers.iter()).all(same)
    }

    /// All of them, as they are numbered.
    fn all(&self) -> impl Iterator<Item = &Codec> {
        let named = self.named.iter().map(|(_, codec)| codec);
        [&self.common, &self.usual].into_iter().chain(named)
    }

    fn get(&self, ParserNumber(number): ParserNumber) -> &Codec {
        match number {
            0 => &self.common,
            number => self.all().nth(number.into()).unwrap_or(&self.common),
        }
    }

    fn number(&self, asked: Option<&str>) -> ParserNumber {
        let asked = asked.and_then(|name| self.named.get(name));
        let asked = asked.unwrap_or(&self.usual);
        let number = self.all().position(|codec| codec.is(asked));
        let number = number.and_then(|number| u8::try_from(number).ok());
        number.map_or(ParserNumber::COMMON, ParserNumber)
    }
}

/// Whether this is built to compress.
const DEFLATES: bool = cfg!(feature = "deflate");

/// The options, checked.
fn acceptor(mut config: Config, deflates: bool) -> Result<Acceptor, ConfigError> {
    if !deflates && config.per_message_deflate.is_some() {
        return Err(ConfigError::FeatureOff {
            option: "per_message_deflate",
            feature: "deflate",
        });
    }
    if config.serve_client {
        config.client_files = compressed(std::mem::take(&mut config.client_files));
    }
    Acceptor::new(Arc::new(config))
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("path", &self.config().path)
            .field("endpoint", &self.endpoint.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sio_core::config::PerMessageDeflate;

    use super::*;

    #[test]
    fn what_is_changed_while_a_server_is_attached_is_not_lost_silently() {
        let setup = Setup::new(Config::default()).unwrap();
        let mut late = Ok(());
        let endpoint =
            setup.endpoint(|_| late = setup.configure(|config| config.path = "/late".into()));
        assert_eq!(endpoint.config.path, "/socket.io");
        assert_eq!(late, Err(SetupError::Attached));
    }

    #[test]
    fn compression_is_refused_where_it_is_not_there() {
        let config = Config::default().per_message_deflate(PerMessageDeflate::default());
        assert_eq!(Setup::new(config.clone()).is_ok(), DEFLATES);
        assert!(acceptor(config.clone(), true).is_ok());
        assert!(acceptor(Config::default(), false).is_ok());
        let refused = acceptor(config, false).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "per_message_deflate needs the feature `deflate`"
        );
    }

    #[test]
    fn of_two_changes_at_a_time_one_is_told() {
        let setup = Setup::new(Config::default()).unwrap();
        let outer = setup.configure(|config| {
            config.serving.max_headers = 7;
            setup
                .configure(|config| config.path = "/inner".into())
                .unwrap();
        });
        assert_eq!(outer, Err(SetupError::Raced));
        assert_eq!(setup.config().path, "/inner");
        setup
            .configure(|config| config.serving.max_headers = 7)
            .unwrap();
        let config = setup.config();
        assert_eq!((&*config.path, config.serving.max_headers), ("/inner", 7));
    }
}
