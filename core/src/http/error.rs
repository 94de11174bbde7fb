//! The bodies of refusals (§9.5).

use ::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;

/// Why a request was refused, as clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// No such transport, or it is not enabled.
    UnknownTransport,
    /// No such session.
    UnknownSid,
    /// A session is opened with GET, and used with GET and POST.
    BadMethod,
    /// Anything else that is wrong with the request.
    BadRequest,
    /// The application refused it.
    Forbidden,
    /// A revision that is not spoken here.
    UnsupportedRevision,
}

impl ErrorCode {
    /// The number in the body.
    pub const fn code(self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedRevision => 5,
        }
    }

    /// The words in the body.
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedRevision => "Unsupported protocol version",
        }
    }

    /// The status it comes with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::UnknownTransport
            | Self::UnknownSid
            | Self::BadMethod
            | Self::BadRequest
            | Self::UnsupportedRevision => StatusCode::BAD_REQUEST,
        }
    }

    /// The whole JSON body.
    pub(crate) const fn body(self) -> &'static str {
        match self {
            Self::UnknownTransport => r#"{"code":0,"message":"Transport unknown"}"#,
            Self::UnknownSid => r#"{"code":1,"message":"Session ID unknown"}"#,
            Self::BadMethod => r#"{"code":2,"message":"Bad handshake method"}"#,
            Self::BadRequest => r#"{"code":3,"message":"Bad request"}"#,
            Self::Forbidden => r#"{"code":4,"message":"Forbidden"}"#,
            Self::UnsupportedRevision => r#"{"code":5,"message":"Unsupported protocol version"}"#,
        }
    }
}

/// A refusal as polling clients read it. `message` replaces the code's own words.
pub(crate) fn json(
    mut headers: HeaderMap,
    error: ErrorCode,
    message: Option<&str>,
) -> Response<Bytes> {
    let body = match message {
        None => Bytes::from_static(error.body().as_bytes()),
        Some(message) => serde_json::json!({ "code": error.code(), "message": message })
            .to_string()
            .into(),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    finish(headers, error.status(), body)
}

/// A refusal of an upgrade: the connection ends with it.
pub(crate) fn plain(mut headers: HeaderMap, status: StatusCode, body: Bytes) -> Response<Bytes> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    finish(headers, status, body)
}

fn finish(mut headers: HeaderMap, status: StatusCode, body: Bytes) -> Response<Bytes> {
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_what_its_code_and_message_say() {
        for error in [
            ErrorCode::UnknownTransport,
            ErrorCode::UnknownSid,
            ErrorCode::BadMethod,
            ErrorCode::BadRequest,
            ErrorCode::Forbidden,
            ErrorCode::UnsupportedRevision,
        ] {
            let with_words = json(HeaderMap::new(), error, Some(error.message()));
            assert_eq!(with_words.body(), error.body());
        }
    }

    #[test]
    fn a_message_of_the_application_cannot_break_out() {
        let response = json(
            HeaderMap::new(),
            ErrorCode::Forbidden,
            Some("no \"way\"\r\n"),
        );
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.body(),
            "{\"code\":4,\"message\":\"no \\\"way\\\"\\r\\n\"}"
        );
    }
}
