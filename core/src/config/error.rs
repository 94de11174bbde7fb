//! What can be wrong with a configuration: its author's mistake.

use std::fmt;

/// What is wrong with a [`Config`](super::Config). The caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The path does not begin with `/`, or holds what a path cannot.
    Path(String),
    /// Neither polling nor WebSocket is enabled.
    NoTransport,
    /// The named duration is zero.
    ZeroDuration(&'static str),
    /// The named duration is over a hundred years.
    EndlessDuration(&'static str),
    /// The named limit is zero.
    ZeroLimit(&'static str),
    /// A limit is beyond what it may be.
    OverLimit {
        /// Its name.
        option: &'static str,
        /// What it is.
        value: usize,
        /// What it may be at most.
        most: usize,
    },
    /// A cookie's name must be a token (RFC 6265).
    CookieName(String),
    /// A cookie's path must begin with `/` and hold neither `;` nor control characters.
    CookiePath(String),
    /// A cookie's domain holds what no host name does.
    CookieDomain(String),
    /// `SameSite=None` without `Secure`: browsers refuse that cookie.
    InsecureCookie,
    /// `Access-Control-Allow-Origin: *` and credentials: browsers refuse that answer.
    AnyOriginWithCredentials,
    /// The named option of CORS cannot be written into a header.
    CorsHeader(&'static str),
    /// A preflight is answered with a status from 200 to 299.
    CorsStatus(u16),
    /// An entry of `origins` that would never match anything.
    Origin(String),
    /// The name of a parser among `parsers` is not of 1 to 64 ASCII letters, digits, `-`, `_` and `.`, or is there twice.
    ParserName(String),
    /// A window of `per_message_deflate` is not of 9 to 15 bits, or its level not of 0 to 9.
    PerMessageDeflate,
    /// An option asks for what the server was built without.
    FeatureOff {
        /// Its name.
        option: &'static str,
        /// The feature of the package that has it.
        feature: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path {path:?} is not an absolute path"),
            Self::NoTransport => f.write_str("transports: none is enabled"),
            Self::ZeroDuration(name) => write!(f, "{name} is zero"),
            Self::EndlessDuration(name) => write!(f, "{name} is longer than a hundred years"),
            Self::ZeroLimit(name) => write!(f, "{name} is zero"),
            Self::OverLimit {
                option,
                value,
                most,
            } => write!(f, "{option} is {value}, {most} is the most"),
            Self::CookieName(name) => write!(f, "cookie name {name:?} is not a token"),
            Self::CookiePath(path) => write!(f, "cookie path {path:?} is not a path"),
            Self::CookieDomain(domain) => write!(f, "cookie domain {domain:?} is not a host name"),
            Self::InsecureCookie => f.write_str("cookie: SameSite=None needs Secure"),
            Self::AnyOriginWithCredentials => {
                f.write_str("cors: any origin (`*`) cannot be combined with credentials")
            }
            Self::CorsHeader(name) => write!(f, "cors: {name} is not a header's value"),
            Self::CorsStatus(status) => {
                write!(
                    f,
                    "cors: options_success_status is {status}, and not from 200 to 299"
                )
            }
            Self::ParserName(name) => write!(
                f,
                "parsers: {name:?} is there twice, or not of 1 to 64 letters, digits, `-`, `_` and `.`"
            ),
            Self::PerMessageDeflate => {
                f.write_str("per_message_deflate: windows are of 9 to 15 bits, levels of 0 to 9")
            }
            Self::FeatureOff { option, feature } => {
                write!(f, "{option} needs the feature `{feature}`")
            }
            Self::Origin(entry) => write!(
                f,
                "origins: {entry:?} is none of scheme://host[:port], host:port, host:*, *:port, *:*"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_names_its_option() {
        let text = || "it is wrong".to_owned();
        let all = [
            (ConfigError::Path(text()), "path"),
            (ConfigError::NoTransport, "transports"),
            (ConfigError::ZeroDuration("ack_timeout"), "ack_timeout"),
            (ConfigError::EndlessDuration("ack_timeout"), "ack_timeout"),
            (ConfigError::ZeroLimit("max_sessions"), "max_sessions"),
            (
                ConfigError::OverLimit {
                    option: "max_json_depth",
                    value: 200,
                    most: 127,
                },
                "max_json_depth is 200, 127 is the most",
            ),
            (ConfigError::CookieName(text()), "cookie name"),
            (ConfigError::CookiePath(text()), "cookie path"),
            (ConfigError::CookieDomain(text()), "cookie domain"),
            (ConfigError::InsecureCookie, "SameSite"),
            (ConfigError::AnyOriginWithCredentials, "credentials"),
            (ConfigError::CorsHeader("methods"), "methods"),
            (ConfigError::CorsStatus(404), "404"),
            (ConfigError::Origin(text()), "origins"),
            (ConfigError::ParserName("a b".into()), "parsers: \"a b\""),
            (ConfigError::PerMessageDeflate, "per_message_deflate"),
            (
                ConfigError::FeatureOff {
                    option: "parser",
                    feature: "msgpack",
                },
                "parser needs the feature `msgpack`",
            ),
        ];
        for (error, named) in all {
            let words = error.to_string();
            assert!(words.contains(named), "{words}");
        }
    }
}
