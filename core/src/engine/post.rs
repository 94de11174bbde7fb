//! What is known of a POST (§9.3).

use super::Body;

/// What is known of a POST (§9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// Its head is here, its body is not yet. Tell it, and `End` will follow, even if the session has
    /// answered meanwhile.
    Begun,
    /// The body of one that had begun, or why there is none.
    End(Result<Body, PostFailure>),
    /// Head and body at once.
    Whole(Result<Body, PostFailure>),
}

/// Why a POST's body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFailure {
    /// Over `max_http_buffer_size`.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// `application/octet-stream`, which this revision does not take.
    Binary,
    /// It did not come within `request_body_timeout`.
    Timeout,
    /// The client went away half-way.
    Lost,
}
