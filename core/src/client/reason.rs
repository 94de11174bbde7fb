//! Why a client is not where it wants to be.

use std::fmt;

use http::StatusCode;

use super::said::value;
use crate::engine::CloseReason;
use crate::packet::{EncodeError, Value};
use crate::protocol::TransportKind;
use crate::socket::Refusal;

/// Why a socket has left its namespace (§18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server took it out.
    ServerDisconnect,
    /// It left by itself, or the whole client was closed.
    ClientDisconnect,
    /// The connection ended, for the reason given.
    Connection(CloseReason),
}

impl DisconnectReason {
    /// The reference's words, which handlers of `disconnect` compare.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::Connection(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong on the way to a server. The first five are for the embedder to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// Its name is not known.
    Dns,
    /// Nobody listens, or the connection broke off.
    Tcp,
    /// It could not be made safe.
    Tls,
    /// A proxy on the way refuses.
    Proxy,
    /// What answered a request for a WebSocket does not speak it.
    WebSocket,
    /// The server's answer is a refusal.
    Http {
        /// Its status.
        status: StatusCode,
        /// The number of the error in its body (§9.5), if there is one.
        code: Option<u64>,
        /// The message there.
        message: Option<String>,
    },
    /// What came is not what the protocol says.
    Protocol,
    /// It took longer than it may.
    Timeout,
    /// The server hung up.
    Closed,
}

impl Failure {
    /// A refusal by this status, with what its body says of it if that is short.
    pub fn refused(status: StatusCode, body: &[u8]) -> Self {
        let text = Some(body).filter(|body| body.len() <= LONGEST_REFUSAL);
        let said = text.and_then(|body| value(std::str::from_utf8(body).ok()?));
        let said = |name| said.as_ref().and_then(|said| said.get(name));
        Self::Http {
            status,
            code: said("code").and_then(Value::as_u64),
            message: said("message").and_then(Value::as_str).map(str::to_owned),
        }
    }
}

/// Bytes of a refusal that is looked into.
const LONGEST_REFUSAL: usize = 4096;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("the name is not known"),
            Self::Tcp => f.write_str("no connection"),
            Self::Tls => f.write_str("no secure connection"),
            Self::Proxy => f.write_str("refused by a proxy"),
            Self::WebSocket => f.write_str("no WebSocket"),
            Self::Http {
                status,
                message: Some(message),
                ..
            } => write!(f, "{status}: {message}"),
            Self::Http { status, .. } => write!(f, "{status}"),
            Self::Protocol => f.write_str("an answer that is none of the protocol's"),
            Self::Timeout => f.write_str("timeout"),
            Self::Closed => f.write_str("closed by the server"),
        }
    }
}

impl std::error::Error for Failure {}

/// What went wrong, and on which transport.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransportError {
    /// The transport.
    pub transport: TransportKind,
    /// What went wrong.
    pub failure: Failure,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.transport, self.failure)
    }
}

impl std::error::Error for TransportError {}

/// Why a socket is not in its namespace, after it asked for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server says no. In revision 4 the data is what it says, where that is no text.
    Refused(Refusal),
    /// The server does not answer within `connect_timeout`.
    Timeout,
    /// There is no connection.
    Transport(TransportError),
    /// The server speaks revision 4 and was asked in revision 5.
    OldServer,
    /// The credentials could not be written.
    Auth(EncodeError),
    /// Whoever was asked for credentials, or for where to dial, says that there are none.
    Stopped,
}

impl ConnectError {
    /// Whether another attempt may end otherwise by itself.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout | Self::Transport(_) => true,
            Self::Refused(_) | Self::OldServer | Self::Auth(_) | Self::Stopped => false,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Timeout => f.write_str("timeout"),
            Self::Transport(error) => error.fmt(f),
            Self::OldServer => f.write_str("the server speaks an older revision"),
            Self::Auth(why) => why.fmt(f),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for ConnectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_in_words() {
        let refused = |body: &[u8]| Failure::refused(StatusCode::BAD_REQUEST, body);
        for (failure, words) in [
            (Failure::Dns, "the name is not known"),
            (Failure::Tcp, "no connection"),
            (Failure::Tls, "no secure connection"),
            (Failure::Proxy, "refused by a proxy"),
            (Failure::WebSocket, "no WebSocket"),
            (
                refused(br#"{"code":1,"message":"Session ID unknown"}"#),
                "400 Bad Request: Session ID unknown",
            ),
            (refused(b"no"), "400 Bad Request"),
            (refused(&[b'1'; LONGEST_REFUSAL + 1]), "400 Bad Request"),
            (
                Failure::Protocol,
                "an answer that is none of the protocol's",
            ),
            (Failure::Timeout, "timeout"),
            (Failure::Closed, "closed by the server"),
        ] {
            assert_eq!(failure.to_string(), words);
            let transport = TransportKind::Polling;
            let error = ConnectError::Transport(TransportError { transport, failure });
            assert_eq!(error.to_string(), format!("polling: {words}"));
            assert!(error.is_retryable());
        }
        let auth = EncodeError::refused("a map");
        for (error, words) in [
            (ConnectError::Refused(Refusal::new("not you")), "not you"),
            (
                ConnectError::OldServer,
                "the server speaks an older revision",
            ),
            (
                ConnectError::Auth(auth),
                "arguments cannot be written: a map",
            ),
            (ConnectError::Stopped, "stopped"),
        ] {
            assert_eq!(error.to_string(), words);
            assert!(!error.is_retryable());
        }
        assert_eq!(ConnectError::Timeout.to_string(), "timeout");
        assert!(ConnectError::Timeout.is_retryable());
    }
}
