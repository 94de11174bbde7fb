//! Options, by the names of socket.io-client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::lines::{from_json, write};
use crate::runtime;
use crate::sio::client::{
    Backoff, Builder, Client, Config, Happening, Socket, TransportKind, Value,
};
use crate::sio::parser::Msgpack;

/// A connection, and what may be shared of it.
pub(crate) struct Manager {
    pub(crate) client: Client,
    pub(crate) namespaces: Vec<String>,
    key: (String, String),
}

/// How long an answer may take if nobody says: for ever, nearly.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What stands where a URL has its path.
pub(crate) fn namespace(url: &str) -> Result<String, String> {
    let builder = Client::builder(url).map_err(|error| error.to_string())?;
    Ok(builder.namespace().to_owned())
}

/// Scheme, host and port, and the path of HTTP.
fn key(url: &str, opts: &Json) -> (String, String) {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..]
        .find(['/', '?'])
        .map_or(url.len(), |at| after + at);
    let path = opts["path"].as_str().unwrap_or("/socket.io");
    (url[..end].to_owned(), path.to_owned())
}

/// The manager that a socket shares, by its number.
pub(crate) fn shared(
    managers: &[Manager],
    url: &str,
    opts: &Json,
    namespace: &str,
) -> Option<usize> {
    if opts["forceNew"] == true || opts["multiplex"] == false {
        return None;
    }
    let key = key(url, opts);
    let found = managers.iter().position(|it| it.key == key)?;
    let taken = managers[found].namespaces.iter().any(|it| it == namespace);
    (!taken).then_some(found + 1)
}

impl Manager {
    pub(crate) fn new(number: usize, url: &str, opts: &Json) -> Result<Self, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let mut builder = Client::builder(url).map_err(|error| words(&error))?;
        builder = builder.config(config(opts));
        if let Some(path) = opts["path"].as_str() {
            builder = builder.path(path);
        }
        let names = opts["transports"].as_array();
        let transports: Vec<_> = match names {
            Some(names) => names
                .iter()
                .filter_map(|it| transport(it.as_str()?))
                .collect(),
            None => vec![TransportKind::Polling, TransportKind::WebSocket],
        };
        builder = builder.transports(transports);
        for (name, value) in opts["query"].as_object().into_iter().flatten() {
            builder = builder.query(name, &text(value));
        }
        for (name, value) in opts["extraHeaders"].as_object().into_iter().flatten() {
            builder = builder
                .header(name, &text(value))
                .map_err(|error| words(&error))?;
        }
        if let Some(proxy) = opts["proxy"].as_str() {
            builder = builder.proxy(proxy).map_err(|error| words(&error))?;
        }
        builder = trust(builder, opts)?;
        let client = builder.build().map_err(|error| words(&error))?;
        client.on_event(move |what| {
            for line in told(what) {
                let mut line = line;
                line["ev"] = json!("manager");
                line["manager"] = json!(number);
                write(&line);
            }
        });
        Ok(Self {
            client,
            namespaces: Vec::new(),
            key: key(url, opts),
        })
    }
}

/// Trusts the authorities of this file.
#[cfg(feature = "rustls")]
fn trust(builder: Builder, opts: &Json) -> Result<Builder, String> {
    use crate::sio::rustls::pki_types::{CertificateDer, pem::PemObject};
    use crate::sio::rustls::{ClientConfig, RootCertStore};

    let Some(file) = opts["ca"].as_str() else {
        return Ok(builder);
    };
    let mut roots = RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    for certificate in all {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(builder.tls(Arc::new(config.with_no_client_auth())))
}

#[cfg(not(feature = "rustls"))]
fn trust(builder: Builder, opts: &Json) -> Result<Builder, String> {
    match opts["ca"].is_null() {
        true => Ok(builder),
        false => Err("built without TLS".to_owned()),
    }
}

/// What happens to a client, in the words of socket.io-client.
fn told(what: &Happening) -> Vec<Json> {
    match what {
        Happening::Opened { attempt: 0 } => vec![json!({ "name": "open" })],
        Happening::Opened { attempt } => vec![
            json!({ "name": "open" }),
            json!({ "name": "reconnect", "n": attempt }),
        ],
        Happening::Pinged => vec![json!({ "name": "ping" })],
        Happening::Upgraded => vec![json!({ "name": "upgrade", "transport": "websocket" })],
        Happening::UpgradeFailed(error) => {
            vec![json!({ "name": "upgrade_error", "message": error.to_string() })]
        }
        Happening::Attempt { attempt } => {
            vec![json!({ "name": "reconnect_attempt", "n": attempt })]
        }
        Happening::Failed { attempt, error } if *attempt > 0 => {
            vec![json!({ "name": "reconnect_error", "message": error.to_string() })]
        }
        Happening::GaveUp => vec![json!({ "name": "reconnect_failed" })],
        Happening::Failed { .. }
        | Happening::Waiting { .. }
        | Happening::Malformed
        | Happening::Closed
        | _ => Vec::new(),
    }
}

fn config(opts: &Json) -> Config {
    let ms = |name: &str| opts[name].as_u64().map(Duration::from_millis);
    let count = |name: &str| opts[name].as_u64().and_then(|n| usize::try_from(n).ok());
    let yes = |name: &str| opts[name] == true;
    let mut config = match opts["revision"].as_u64() {
        Some(3) => Config::v2(),
        _ => Config::v4(),
    };
    config = config
        .try_all_transports(yes("tryAllTransports"))
        .upgrade(opts["upgrade"] != false)
        .remember_upgrade(yes("rememberUpgrade"))
        .cookies(yes("withCredentials"))
        .request_timeout(ms("requestTimeout").filter(|it| !it.is_zero()))
        .max_offline_bytes(64 << 20)
        .max_offline_packets(count("maxBuffer").unwrap_or(1 << 20));
    let repeats = opts["retries"].as_u64().is_some_and(|n| n > 0);
    let unsaid = if repeats { config.ack_timeout } else { EVER };
    config.ack_timeout = ms("ackTimeout").unwrap_or(unsaid);
    if let Some(time) = ms("timeout") {
        config.connect_timeout = time;
    } else if opts["timeout"] == false {
        config.connect_timeout = EVER;
    }
    if let Some(time) = ms("upgradeTimeout") {
        config.upgrade_timeout = time;
    }
    if opts["parser"] == "msgpack" {
        config.parser = Msgpack.into();
    }
    let mut backoff = Backoff::new(
        ms("reconnectionDelay").unwrap_or(Duration::from_secs(1)),
        ms("reconnectionDelayMax").unwrap_or(Duration::from_secs(5)),
    );
    if let Some(factor) = opts["randomizationFactor"].as_f64() {
        backoff.jitter = (factor * 100.0).clamp(0.0, 100.0) as u8;
    }
    backoff.attempts = opts["reconnectionAttempts"]
        .as_u64()
        .and_then(|n| u32::try_from(n).ok());
    config.reconnection = (opts["reconnection"] != false).then_some(backoff);
    config
}

/// The credentials of a socket: an object, or a list of which each time the next is taken.
pub(crate) fn authorise(socket: &Socket, auth: &Json) -> Result<(), String> {
    let Some(each) = auth["$each"].as_array() else {
        let value = from_json(auth)?;
        return socket.set_auth(&value).map_err(|error| error.to_string());
    };
    let each: Vec<(Duration, Value)> = each
        .iter()
        .map(|one| match one["$after"].as_u64() {
            Some(ms) => Ok((Duration::from_millis(ms), from_json(&one["auth"])?)),
            None => Ok((Duration::ZERO, from_json(one)?)),
        })
        .collect::<Result<_, String>>()?;
    let (each, next) = (Arc::new(each), AtomicUsize::new(0));
    socket.set_auth_fn(move |_| {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let each = each.clone();
        async move {
            let (wait, auth) = each.get(at).or(each.last()).ok_or("no credentials")?;
            if !wait.is_zero() {
                runtime::sleep(*wait).await;
            }
            Ok::<_, &str>(auth.clone())
        }
    });
    Ok(())
}

fn transport(name: &str) -> Option<TransportKind> {
    match name {
        "polling" => Some(TransportKind::Polling),
        "websocket" => Some(TransportKind::WebSocket),
        _ => None,
    }
}

fn text(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
