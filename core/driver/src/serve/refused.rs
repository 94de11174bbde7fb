//! What is told of refused requests.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use sio_core::details::Details;
use sio_core::engine::ErrorContext;
use sio_core::http::ErrorCode;

use super::asking::call;
use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::log::{debug, hears_debug};

/// Whether anybody hears of a refused request, and of its head: see [`connection_error`].
pub(super) fn tells_of_refusals(endpoint: &Endpoint) -> bool {
    hears_debug!() || endpoint.hooks.connection_error.get().is_some()
}

/// Tells of a request over which something of the application's has failed before it was anybody's.
pub(super) fn tell_of_failed(
    endpoint: &Endpoint,
    parts: &Parts,
    status: StatusCode,
    context: ErrorContext,
) {
    debug!(status = %status, method = %parts.method, path = parts.uri.path(), "request refused");
    if let Some(hook) = endpoint.hooks.connection_error.get() {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response.extensions_mut().insert(context);
        // It only listens.
        let _ = call(|| hook(&connection_error(parts, &response)));
    }
}

/// What `on_connection_error` hears of one: the response says why.
pub(super) fn connection_error(parts: &Parts, response: &Response<Bytes>) -> ConnectionError {
    #[derive(serde::Deserialize)]
    struct Body {
        code: u64,
        message: String,
    }
    let details = response.extensions().get().copied();
    let details = details.map(Details::Violation);
    let context = response.extensions().get::<ErrorContext>().cloned();
    let body: Option<Body> = serde_json::from_slice(response.body()).ok();
    let (code, message) = match body {
        Some(body) => (Some(body.code), body.message),
        None => {
            let code = response.extensions().get::<ErrorCode>();
            let words = match (&details, &context) {
                (Some(details), _) => details.to_string(),
                (None, Some(context)) if response.body().is_empty() => context.to_string(),
                (None, _) => String::from_utf8_lossy(response.body()).into_owned(),
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
        context,
        details,
    }
}
