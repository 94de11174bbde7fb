//! A bare WebSocket that sends everything back, from a client's side.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use http::uri::Scheme;
use http::{Request, Uri};
use sio_core::client::{Config, Failure};
use sio_core::websocket::{Limits, Masks};

use super::dialer::Dialer;
use super::http::Way;
use crate::websocket::WebSocket;
use crate::websocket::echo::{Patience, echo};

/// Opens a WebSocket at this URL, under no server's protocol, and sends each message back until it is over: the
/// transport of production with the same limits as Engine.IO's, for suites that test WebSockets. A server that says
/// and takes nothing for as long as [`write_timeout`](Config::write_timeout) is left.
///
/// # Errors
/// There is no WebSocket, none within [`connect_timeout`](Config::connect_timeout), or the configuration is not sound.
pub async fn websocket_echo_on<R: Dialer>(
    runtime: R,
    url: &str,
    config: Config,
) -> Result<(), Failure> {
    config.validate().map_err(|_| Failure::Protocol)?;
    let config = Arc::new(config);
    let uri = parse(url).ok_or(Failure::Protocol)?;
    let tls = match uri.scheme() == Some(&Scheme::HTTPS) {
        true => Some(runtime.usual_tls().map_err(|_| Failure::Tls)?),
        false => None,
    };
    let mut secret = [0; 16];
    runtime.random(&mut secret);
    let way = Way {
        runtime: runtime.clone(),
        tls,
        from: None,
        proxy: None,
        connector: None,
        config: config.clone(),
    };
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let late = runtime.sleep_until(runtime.now() + config.connect_timeout);
    let opened = match select(pin!(way.open(request)), pin!(late)).await {
        Either::Left((opened, _)) => opened?,
        Either::Right(_) => return Err(Failure::Timeout),
    };
    let limits = Limits {
        message: config.max_message_bytes,
        ..Limits::default()
    };
    let transport = WebSocket::asked_for(
        opened.stream,
        &opened.read,
        limits,
        Masks::from_random(secret),
        opened.deflate,
    );
    let patience = Patience::new(config.write_timeout, config.close_timeout);
    echo(runtime, patience, Box::new(transport), pending()).await;
    Ok(())
}

/// The URL of the request for it.
fn parse(url: &str) -> Option<Uri> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return None,
    };
    format!("{scheme}://{rest}").parse().ok()
}
