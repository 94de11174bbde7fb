//! What is told of refused requests.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use sio_core::details::Details;
use sio_core::engine::Violation;
use sio_core::http::ErrorCode;

use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::log::hears_debug;

/// Whether anybody hears of a refused request, and of its head: see [`connection_error`].
pub(super) fn tells_of_refusals(endpoint: &Endpoint) -> bool {
    hears_debug!() || endpoint.hooks.connection_error.get().is_some()
}

/// What `on_connection_error` hears of one: the response says why.
pub(super) fn connection_error(parts: &Parts, response: &Response<Bytes>) -> ConnectionError {
    #[derive(serde::Deserialize)]
    struct Body {
        code: u64,
        message: String,
    }
    let body: Option<Body> = serde_json::from_slice(response.body()).ok();
    let (code, message) = match body {
        Some(body) => (Some(body.code), body.message),
        None => {
            let code = response.extensions().get::<ErrorCode>();
            let words = match response.extensions().get::<Violation>() {
                Some(violation) => Details::Violation(*violation).to_string(),
                None => String::from_utf8_lossy(response.body()).into_owned(),
            };
            (code.map(|code| u64::from(code.code())), words)
        }
    };
    ConnectionError {
        status: response.status(),
        code,
        message,
        request: format!("{} {}", parts.method, parts.uri),
        headers: parts.headers.clone(),
    }
}
