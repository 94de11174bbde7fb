//! What is chosen before a server is shown.

use std::fmt;
use std::time::Duration;

/// Who may look.
#[derive(Clone)]
pub enum Auth {
    /// Whoever reaches the namespace. For servers that nobody else does.
    Open,
    /// Whoever knows a name and its password.
    Password {
        /// The name.
        name: String,
        /// The password, hashed by bcrypt: `$2b$..`.
        hash: String,
    },
}

impl Auth {
    /// Whoever knows this name and the password of this hash (bcrypt's: `$2b$..`).
    pub fn password(name: impl Into<String>, hash: impl Into<String>) -> Self {
        Self::Password {
            name: name.into(),
            hash: hash.into(),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Password { name, .. } => f
                .debug_struct("Password")
                .field("name", name)
                .finish_non_exhaustive(),
        }
    }
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All there is: each socket, each room, each event.
    #[default]
    Development,
    /// Figures.
    Production,
}

/// What is shown, and to whom.
#[derive(Clone, Debug)]
#[must_use = "nothing is shown before `instrument`"]
pub struct Options {
    pub(crate) auth: Auth,
    pub(crate) namespace: String,
    pub(crate) read_only: bool,
    pub(crate) mode: Mode,
    pub(crate) server_id: Option<String>,
    pub(crate) interval: Duration,
    pub(crate) max_sessions: usize,
    pub(crate) session_duration: Duration,
    pub(crate) max_checks: usize,
}

impl Options {
    /// The usual ones, but for who may look.
    pub fn new(auth: Auth) -> Self {
        Self {
            auth,
            namespace: "/admin".to_owned(),
            read_only: false,
            mode: Mode::default(),
            server_id: None,
            interval: Duration::from_secs(2),
            max_sessions: 1_000,
            session_duration: Duration::from_secs(24 * 60 * 60),
            max_checks: 4,
        }
    }

    /// The namespace that admins join. `/admin`.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
        self
    }

    /// Whether admins may only look. `false`.
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// How much is shown. [`Mode::Development`], as in Node.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What this server is called, among those of a cluster. The machine's name and the number of the process.
    pub fn server_id(mut self, id: impl Into<String>) -> Self {
        self.server_id = Some(id.into());
        self
    }

    /// How often figures are told. 2 s; the page takes a server for gone that says nothing for 10 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many sessions of admins are remembered: past that, the oldest is forgotten, and asked for its password when it
    /// comes back. 1 000.
    pub fn max_sessions(mut self, most: usize) -> Self {
        self.max_sessions = most;
        self
    }

    /// How long a session is remembered. 24 h.
    pub fn session_duration(mut self, duration: Duration) -> Self {
        self.session_duration = duration;
        self
    }

    /// How many passwords are compared at a time, each on a thread of its own. 4.
    pub fn max_checks(mut self, most: usize) -> Self {
        self.max_checks = most;
        self
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if self.interval.is_zero() {
            return Err(SetupError::Interval);
        }
        if let Auth::Password { hash, .. } = &self.auth {
            let parts = hash.parse::<bcrypt::HashParts>();
            let cost = parts.map_err(|why| SetupError::Hash(why.to_string()))?;
            // With another nothing is ever found to be the same.
            if !(4..=31).contains(&cost.get_cost()) {
                let why = format!("a cost of {}", cost.get_cost());
                return Err(SetupError::Hash(why));
            }
        }
        match self.namespace.strip_prefix('/') {
            Some(name) if !name.is_empty() && !name.contains([',', '?']) => Ok(()),
            Some(_) | None => Err(SetupError::Namespace(self.namespace.clone())),
        }
    }

    /// By the page's names.
    pub(crate) fn features(&self) -> Vec<&'static str> {
        let orders = [
            "EMIT",
            "JOIN",
            "LEAVE",
            "DISCONNECT",
            "MJOIN",
            "MLEAVE",
            "MDISCONNECT",
        ];
        let mut features = match self.read_only {
            true => Vec::new(),
            false => orders.to_vec(),
        };
        features.push("AGGREGATED_EVENTS");
        if self.mode == Mode::Development {
            features.push("ALL_EVENTS");
        }
        features
    }
}

/// Why a server cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// That is no hash of bcrypt, and why.
    Hash(String),
    /// That is no name of a namespace of its own.
    Namespace(String),
    /// Figures cannot be told all the time.
    Interval,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(why) => write!(f, "not a hash of bcrypt: {why}"),
            Self::Namespace(name) => write!(f, "not a name of a namespace for admins: {name:?}"),
            Self::Interval => f.write_str("an interval of nothing"),
        }
    }
}

impl std::error::Error for SetupError {}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";

    #[test]
    fn what_cannot_be_is_told() {
        let good = Options::new(Auth::password("admin", HASH));
        assert_eq!(good.check(), Ok(()));
        let plain = Options::new(Auth::password("admin", "changeit"));
        assert!(matches!(plain.check(), Err(SetupError::Hash(_))));
        for (cost, is_one) in [("03", false), ("04", true), ("31", true), ("32", false)] {
            let hash = HASH.replacen("10", cost, 1);
            let checked = Options::new(Auth::password("admin", hash)).check();
            assert_eq!(checked.is_ok(), is_one, "{cost}: {checked:?}");
        }
        let restless = Options::new(Auth::Open).interval(Duration::ZERO);
        assert_eq!(restless.check(), Err(SetupError::Interval));
        for name in ["admin", "/", "/a,b", "/a?b"] {
            let named = Options::new(Auth::Open).namespace(name);
            assert_eq!(named.check(), Err(SetupError::Namespace(name.into())));
        }
        assert!(!format!("{good:?}").contains("heqv"));
    }

    #[test]
    fn features_are_what_the_page_knows() {
        let all = Options::new(Auth::Open);
        assert_eq!(all.features().len(), 9);
        let few = all.read_only(true).mode(Mode::Production);
        assert_eq!(few.features(), ["AGGREGATED_EVENTS"]);
    }
}
