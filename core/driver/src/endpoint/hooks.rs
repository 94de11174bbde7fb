//! Hooks of one endpoint.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::deadlines::State;
use crate::endpoint::notices::Notices;
use crate::endpoint::request::RequestHead;
use crate::error::ConnectionError;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::BoxFuture;
use crate::sync::hook::Hook;

pub(crate) type AllowRequest =
    dyn Fn(Arc<RequestHead>) -> BoxFuture<Result<(), String>> + Send + Sync;
pub(crate) type Headers = dyn Fn(&RequestHead, &mut HeaderMap) + Send + Sync;
pub(crate) type Opened = dyn Fn(&Arc<TaskHandle>) + Send + Sync;
pub(crate) type Refusals = dyn Fn(&ConnectionError) + Send + Sync;

/// Sees each request first: lets it on, with headers for its answer, or answers itself.
pub(crate) type EngineMiddleware =
    dyn Fn(Arc<RequestHead>) -> BoxFuture<Result<HeaderMap, Response<Bytes>>> + Send + Sync;

/// Decides over an origin: `Ok(false)` refuses without words.
pub(crate) type CheckOrigin =
    dyn Fn(String, Arc<RequestHead>) -> BoxFuture<Result<bool, String>> + Send + Sync;
/// Makes the id of a session.
pub(crate) type SessionIds =
    dyn Fn(Arc<RequestHead>) -> BoxFuture<Result<String, String>> + Send + Sync;

/// The hooks of one endpoint.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) middlewares: Hook<[Arc<EngineMiddleware>]>,
    /// Whether there are some: each request asks.
    has_middlewares: AtomicBool,
    pub(crate) origin: Hook<CheckOrigin>,
    pub(crate) session_ids: Hook<SessionIds>,
    pub(crate) allow_request: Hook<AllowRequest>,
    pub(crate) headers: Hook<Headers>,
    pub(crate) initial_headers: Hook<Headers>,
    pub(crate) connection_error: Hook<Refusals>,
    pub(crate) opened: Hook<[Arc<Opened>]>,
    /// What is said of failures while nobody else hears of them.
    pub(crate) notices: Notices,
}

// Each that may wait has its line in the table of what ends it.
const _: fn(&Hooks) -> [State; 4] = |hooks| {
    let Hooks {
        middlewares: _,
        has_middlewares: _,
        origin: _,
        session_ids: _,
        allow_request: _,
        headers: _,
        initial_headers: _,
        connection_error: _,
        opened: _,
        notices: _,
    } = hooks;
    [
        State::Before,
        State::Origin,
        State::SessionId,
        State::AllowRequest,
    ]
};

impl Hooks {
    /// Lets go of all of them.
    pub(crate) fn close(&self) {
        self.middlewares.close();
        self.has_middlewares.store(false, Ordering::Release);
        self.origin.close();
        self.session_ids.close();
        self.allow_request.close();
        self.headers.close();
        self.initial_headers.close();
        self.connection_error.close();
        self.opened.close();
    }

    /// Adds one behind those that are there.
    pub(crate) fn add_opened(&self, hook: Arc<Opened>) {
        self.opened.update(|all| {
            let all = all.into_iter().flat_map(|all| all.iter().cloned());
            all.chain([hook]).collect()
        });
    }

    /// Adds one behind those that are there.
    pub(crate) fn add_middleware(&self, middleware: Arc<EngineMiddleware>) {
        self.middlewares.update(|all| {
            let all = all.into_iter().flat_map(|all| all.iter().cloned());
            all.chain([middleware]).collect()
        });
        let has = self.middlewares.get().is_some();
        self.has_middlewares.store(has, Ordering::Release);
    }

    /// Whether something has to run before a request is looked at.
    pub(crate) fn has_middlewares(&self) -> bool {
        self.has_middlewares.load(Ordering::Acquire)
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
pub(crate) fn allow_request<F, R, E>(hook: F) -> Arc<AllowRequest>
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
