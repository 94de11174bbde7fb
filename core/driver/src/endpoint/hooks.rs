//! Hooks of one endpoint, and what they are told about requests.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, Method, Uri};
use sio_core::engine::Query;

use crate::deadlines::State;
use crate::endpoint::notices::Notices;
use crate::error::ConnectionError;
use crate::handler::call::BoxFuture;

/// The head of a request, and where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target as it was asked for.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The address of the other end, if the listener knows it.
    pub address: Option<SocketAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// What layers around the server have put into it: a user that they have recognised, say.
    pub extensions: http::Extensions,
}

impl RequestHead {
    pub(crate) fn new(parts: &http::request::Parts, remote: Remote) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            address: remote.address,
            secure: remote.secure,
            extensions: parts.extensions.clone(),
        }
    }

    /// The value of a key of the query, decoded; the first one, if it comes several times.
    pub fn query(&self, key: &str) -> Option<String> {
        let query = Query::parse(self.uri.query().unwrap_or_default()).ok()?;
        query.get(key).map(str::to_owned)
    }
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Remote {
    /// The address of the other end, if it is known.
    pub address: Option<SocketAddr>,
    /// Whether the stream is encrypted.
    pub secure: bool,
}

impl Remote {
    /// A plain stream from `address`.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            secure: false,
        }
    }

    /// An encrypted stream from `address`.
    pub fn tls(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            secure: true,
        }
    }
}

/// Something that may be set once in a while and is read often.
pub(crate) struct Hook<T: ?Sized>(RwLock<Hung<T>>);

enum Hung<T: ?Sized> {
    Open(Option<Arc<T>>),
    /// Nothing is taken in any more.
    Closed,
}

impl<T: ?Sized> Hook<T> {
    pub(crate) fn set(&self, hook: Arc<T>) {
        let rest = match &mut *self.0.write().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(before) => before.replace(hook),
            Hung::Closed => Some(hook),
        };
        // Dropped outside the lock: it is the application's code.
        drop(rest);
    }

    /// Lets go of the hook, and of those to come: what it captures may be what holds this.
    pub(crate) fn close(&self) {
        let before = std::mem::replace(
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
            Hung::Closed,
        );
        drop(before);
    }

    /// Takes the hook out.
    pub(crate) fn take(&self) -> Option<Arc<T>> {
        match &mut *self.0.write().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(hook) => hook.take(),
            Hung::Closed => None,
        }
    }

    /// The hook, to be called without any lock.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(hook) => hook.clone(),
            Hung::Closed => None,
        }
    }
}

impl<T: ?Sized> Default for Hook<T> {
    fn default() -> Self {
        Self(RwLock::new(Hung::Open(None)))
    }
}

pub(crate) type Admission = dyn Fn(Arc<RequestHead>) -> BoxFuture<Result<(), String>> + Send + Sync;
pub(crate) type Headers = dyn Fn(&RequestHead, &mut HeaderMap) + Send + Sync;
pub(crate) type Refusals = dyn Fn(&ConnectionError) + Send + Sync;

/// Decides over an origin: `Ok(false)` refuses without words.
pub(crate) type OriginAdmission =
    dyn Fn(String, Arc<RequestHead>) -> BoxFuture<Result<bool, String>> + Send + Sync;
/// Makes the id of a session.
pub(crate) type SessionIds =
    dyn Fn(Arc<RequestHead>) -> BoxFuture<Result<String, String>> + Send + Sync;

/// The hooks of one endpoint.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) origin: Hook<OriginAdmission>,
    pub(crate) session_ids: Hook<SessionIds>,
    pub(crate) allow_request: Hook<Admission>,
    pub(crate) headers: Hook<Headers>,
    pub(crate) initial_headers: Hook<Headers>,
    pub(crate) connection_error: Hook<Refusals>,
    /// What is said of failures while nobody else hears of them.
    pub(crate) notices: Notices,
}

// Each that may wait has its line in the table of what ends it.
const _: fn(&Hooks) -> [State; 3] = |hooks| {
    let Hooks {
        origin: _,
        session_ids: _,
        allow_request: _,
        headers: _,
        initial_headers: _,
        connection_error: _,
        notices: _,
    } = hooks;
    [State::Origin, State::SessionId, State::AllowRequest]
};

impl Hooks {
    /// Lets go of all of them.
    pub(crate) fn close(&self) {
        self.origin.close();
        self.session_ids.close();
        self.allow_request.close();
        self.headers.close();
        self.initial_headers.close();
        self.connection_error.close();
    }

    /// Whether there is a hook that is given the request's head.
    pub(crate) fn wants_head(&self) -> bool {
        self.allow_request.get().is_some()
            || self.origin.get().is_some()
            || self.session_ids.get().is_some()
            || self.headers.get().is_some()
            || self.initial_headers.get().is_some()
    }
}

/// An async closure that admits requests, without its type.
pub(crate) fn admission<F, R, E>(hook: F) -> Arc<Admission>
where
    F: Fn(Arc<RequestHead>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<String>,
{
    Arc::new(move |head| {
        let decision = hook(head);
        Box::pin(async move { decision.await.map_err(Into::into) })
    })
}
