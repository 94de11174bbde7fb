//! An endpoint: a path, its options and hooks, its sessions, and what is known of the requests that open them.

pub(crate) mod handshake;
pub(crate) mod hooks;
pub(crate) mod host;
pub(crate) mod notices;
pub(crate) mod sessions;
pub(crate) mod setup;
