//! What the contract servers share: their options, which come from the environment.

// Each server needs its own part of this.
#![allow(dead_code)]

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// The value of a variable, or `default` if it is not set. A value that makes no sense ends the
/// process: a server that runs with other options than it was given is worse than none.
pub(crate) fn option<T: FromStr<Err: Display>>(name: &str, default: T) -> T {
    let Some(text) = std::env::var_os(name) else {
        return default;
    };
    let parsed = text.to_str().map(str::parse);
    match parsed {
        Some(Ok(value)) => value,
        Some(Err(error)) => refuse(name, &error),
        None => refuse(name, &"not UTF-8"),
    }
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(name: &str, default: u64) -> Duration {
    Duration::from_millis(option(name, default))
}

/// Where to listen: `HOST` and `PORT`.
pub(crate) fn address(port: u16) -> (String, u16) {
    (option("HOST", "127.0.0.1".to_owned()), option("PORT", port))
}

/// Whether clients of revision 3 are let in: `ALLOW_EIO3`.
pub(crate) fn allow_eio3() -> bool {
    !matches!(option("ALLOW_EIO3", "1".to_owned()).as_str(), "0" | "false")
}

/// Says that something was asked for which this library does not have.
pub(crate) fn unsupported(name: &str, is_off: &[&str], what: &str) {
    if let Ok(value) = std::env::var(name)
        && !is_off.contains(&value.as_str())
    {
        eprintln!("{name}={value}: {what}; going on without");
    }
}

pub(crate) fn refuse(name: &str, why: &dyn Display) -> ! {
    eprintln!("{name}: {why}");
    std::process::exit(2)
}
