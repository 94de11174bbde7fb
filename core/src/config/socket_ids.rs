//! Whose ids sockets have.

/// Where the ids of sockets come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketIds {
    /// Each is random, and says nothing about the session's.
    #[default]
    PerNamespace,
    /// The session's id, as 2.x has it: `<sid>` in `/`, `/name#<sid>` elsewhere. It tells everybody who
    /// sees it the secret of the session: whoever knows that can speak as its client.
    FromConnection,
}
