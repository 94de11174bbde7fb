//! What the test suites share: starting clients and servers, and installing what those need.

pub mod client;
pub mod conversation;
pub mod example;
pub mod frames;
pub mod imports;
pub mod install;
pub mod line;
pub mod port;
pub mod probe;
pub mod process;
pub mod proxied;
pub mod reference;
pub mod replay;
pub mod served;
pub mod suite;
pub mod wire;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
