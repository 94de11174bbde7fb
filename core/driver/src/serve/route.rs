//! Whose a request is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use sio_core::config::Origins;
use sio_core::engine::{ErrorContext, Exchange, HandshakeError, Route};
use sio_core::http::is_cross_origin;

use super::asking::{Panicked, ask, call};
use super::refused::{tell_of_failed, tells_of_refusals};
use super::{Served, Server, in_time};
use crate::endpoint::request::{Remote, RequestHead};
use crate::log::{debug, warn};
use crate::mailbox::task_handle::TaskHandle;
use crate::runtime::Runtime;

/// Whose a request is, and what it is to them.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are somebody's, and lie in the request's future from the start"
)]
pub(super) enum Routed<B> {
    /// It is under no server's path.
    Nobodys(Box<Request<B>>),
    /// What had to run before has panicked.
    Failed,
    /// What had to run before has taken longer than it may.
    Late,
    /// It is one of this endpoint's.
    Ours {
        endpoint: usize,
        seen: Seen,
        step: Step<B>,
    },
}

/// What is left to be done about a request of an endpoint.
pub(super) enum Step<B> {
    Answer(Response<Bytes>),
    Open(Exchange),
    Refuse(Exchange, HandshakeError),
    /// It is a session's.
    Hand {
        task: Arc<TaskHandle>,
        exchange: Exchange,
        over: bool,
        body: B,
    },
}

/// What is kept of a request's head.
pub(super) struct Seen {
    /// Only where somebody may ask for it: it holds on to the buffer into which hyper would read next, and
    /// as long as it is there hyper allocates another one of 8 KiB.
    pub(super) parts: Option<Box<Parts>>,
    /// Made only if a hook wants it.
    pub(super) head: Option<Arc<RequestHead>>,
    /// What middlewares add to the headers of its answer.
    pub(super) extra: Option<Box<HeaderMap>>,
}

/// Finds out whose a request is. Gives it back if something has to run before.
pub(super) fn route_at_once<B>(
    server: &Server,
    request: Request<B>,
    remote: Remote,
) -> Result<Routed<B>, Box<Request<B>>> {
    let mut endpoints = server.endpoints.iter();
    match &server.before {
        None if !endpoints.any(|served| served.endpoint.hooks.has_middlewares()) => {
            Ok(route(server, request, remote))
        }
        None | Some(_) => Err(Box::new(request)),
    }
}

/// The same, after what has to run before.
pub(super) async fn route_after_hook<B>(
    runtime: &impl Runtime,
    server: &Server,
    request: Box<Request<B>>,
    remote: Remote,
) -> Routed<B> {
    let mut request = *request;
    let path = request.uri().path();
    let mut endpoints = server.endpoints.iter().enumerate();
    let owner = endpoints.find(|(_, served)| served.endpoint.acceptor.owns(path));
    if let Some(before) = &server.before {
        request.extensions_mut().remove::<OnUpgrade>();
        let (parts, body) = request.into_parts();
        let head = Arc::new(RequestHead::new(&parts, remote));
        let limit = server.options().serving.admission_timeout;
        match in_time(runtime, limit, ask(|| before(head))).await {
            Some(Ok(())) => {}
            failed => {
                let served = owner.map(|(_, served)| served);
                return failed_before(served, &parts, failed.is_none());
            }
        }
        request = Request::from_parts(parts, body);
    }
    let asked = owner.and_then(|(at, served)| {
        let middlewares = served.endpoint.hooks.middlewares.get()?;
        Some((at, served, middlewares))
    });
    let Some((endpoint, served, middlewares)) = asked else {
        return route(server, request, remote);
    };
    let limit = served.endpoint.config.serving.admission_timeout;
    request.extensions_mut().remove::<OnUpgrade>();
    let (parts, body) = request.into_parts();
    let head = Arc::new(RequestHead::new(&parts, remote));
    let mut extra = HeaderMap::new();
    let passed = in_time(runtime, limit, async {
        for middleware in &*middlewares {
            match ask(|| middleware(head.clone())).await {
                Ok(Ok(headers)) => add_headers(&mut extra, &headers),
                Ok(Err(answer)) => return Ok(Some(answer)),
                Err(Panicked) => return Err(Panicked),
            }
        }
        Ok(None)
    });
    let passed = passed.await;
    let extra = Some(extra).filter(|extra| !extra.is_empty()).map(Box::new);
    match passed {
        Some(Ok(None)) => {
            let mut routed = route(server, Request::from_parts(parts, body), remote);
            if let Routed::Ours { seen, .. } = &mut routed {
                seen.extra = extra;
            }
            routed
        }
        Some(Ok(Some(mut answer))) => {
            answer.extensions_mut().insert(ErrorContext::Middleware);
            let tells = tells_of_refusals(&served.endpoint);
            Routed::Ours {
                endpoint,
                seen: Seen {
                    parts: tells.then(|| Box::new(parts)),
                    head: Some(head),
                    extra,
                },
                step: Step::Answer(answer),
            }
        }
        failed => failed_before(Some(served), &parts, failed.is_none()),
    }
}

/// What becomes of a request over which something that had to run before has panicked, or was too slow.
fn failed_before<B>(served: Option<&Served>, parts: &Parts, late: bool) -> Routed<B> {
    let (status, routed) = if late {
        debug!("not let on in time");
        (StatusCode::SERVICE_UNAVAILABLE, Routed::Late)
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, Routed::Failed)
    };
    if let Some(served) = served {
        tell_of_failed(&served.endpoint, parts, status, ErrorContext::Middleware);
    }
    routed
}

/// Adds headers to some, in place of those with their names; of cookies there may be several.
pub(super) fn add_headers(headers: &mut HeaderMap, more: &HeaderMap) {
    for name in more.keys().filter(|name| **name != SET_COOKIE) {
        headers.remove(name);
    }
    for (name, value) in more {
        headers.append(name.clone(), value.clone());
    }
}

fn route<B>(server: &Server, request: Request<B>, remote: Remote) -> Routed<B> {
    let (mut parts, body) = request.into_parts();
    // Not to be kept with what layers have put there.
    parts.extensions.remove::<OnUpgrade>();
    for (at, served) in server.endpoints.iter().enumerate() {
        let endpoint = &served.endpoint;
        // Which origins get in may be a function of the application's.
        let Ok(route) = call(|| endpoint.acceptor.route(&parts)) else {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            tell_of_failed(endpoint, &parts, status, ErrorContext::Failed);
            return Routed::Failed;
        };
        if matches!(route, Route::NotOurs) {
            continue;
        }
        if matches!(endpoint.config.origins, Origins::Any)
            && is_cross_origin(&parts, endpoint.config.trust_forwarded_host)
            && !endpoint.warned.swap(true, Ordering::Relaxed)
        {
            warn!(
                "a request from another origin carries cookies, and `origins` allows any: \
                 consider `Origins::same_origin()` or a list"
            );
        }
        let wants_head = endpoint.hooks.wants_head();
        let head = wants_head.then(|| Arc::new(RequestHead::new(&parts, remote)));
        let step = match route {
            Route::NotOurs => continue,
            Route::Answered(response) => Step::Answer(response),
            Route::Open(exchange) => Step::Open(exchange),
            Route::Session {
                sid,
                exchange,
                over,
            } => match endpoint.sessions.get(&sid) {
                Some(task) => Step::Hand {
                    task,
                    exchange,
                    over,
                    body,
                },
                None => Step::Refuse(exchange, HandshakeError::UnknownSid),
            },
        };
        let keeps = !matches!(step, Step::Hand { .. }) || tells_of_refusals(endpoint);
        return Routed::Ours {
            endpoint: at,
            seen: Seen {
                parts: keeps.then(|| Box::new(parts)),
                head,
                extra: None,
            },
            step,
        };
    }
    Routed::Nobodys(Box::new(Request::from_parts(parts, body)))
}
