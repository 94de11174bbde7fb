//! An endpoint: a path, its options and hooks, its sessions, and what is known of the requests that open them.

pub(crate) mod admission;
mod files;
pub(crate) mod handshake;
pub(crate) mod hooks;
pub(crate) mod notices;
pub(crate) mod request;
pub(crate) mod sessions;
pub(crate) mod setup;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use http::HeaderValue;
use sio_core::config::Config;
use sio_core::engine::{Acceptor, Close};
use sio_core::id::RequestId;

use self::admission::Admission;
use self::hooks::Hooks;
use self::sessions::Sessions;
use crate::mailbox::command::Command;
use crate::mailbox::task_handle::Common;
use crate::sync::signal::Signal;

pub(crate) struct Endpoint {
    pub(crate) config: Arc<Config>,
    pub(crate) acceptor: Acceptor,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) sessions: Sessions,
    /// Its sessions until they are wound up, those that are pending, and handshakes.
    pub(crate) admission: Arc<Admission>,
    /// Raised when the endpoint closes.
    pub(crate) closing: Signal,
    /// How long a stream stays open without a request, as its responses say: in whole seconds, if that is any.
    pub(crate) keep_alive: Option<HeaderValue>,
    /// Whether the one warning about foreign origins with cookies was given.
    pub(crate) warned: AtomicBool,
    /// Whether the one about a parser that does not write was.
    pub(crate) warned_unwritten: AtomicBool,
    /// What the handles of its tasks have of it: not itself, which holds them.
    pub(crate) common: Arc<Common>,
    /// Bytes that handlers hold whose client has gone.
    pub(crate) departed: AtomicUsize,
    next_request: AtomicU64,
}

impl Endpoint {
    /// One that is attached.
    pub(crate) fn attached(acceptor: Acceptor, hooks: Arc<Hooks>) -> Arc<Self> {
        let seconds = acceptor.config().serving.keep_alive_timeout.as_secs();
        let announced = || HeaderValue::try_from(format!("timeout={seconds}")).ok();
        Arc::new(Self {
            admission: Arc::new(Admission::new(acceptor.config())),
            config: acceptor.config().clone(),
            keep_alive: (seconds > 0).then(announced).flatten(),
            common: Common::new(acceptor.config().clone()),
            acceptor,
            hooks,
            sessions: Sessions::new(),
            closing: Signal::default(),
            warned: AtomicBool::new(false),
            warned_unwritten: AtomicBool::new(false),
            departed: AtomicUsize::new(0),
            next_request: AtomicU64::new(0),
        })
    }

    #[cfg(test)]
    pub(crate) fn new(
        config: sio_core::config::Config,
    ) -> Result<Arc<Self>, sio_core::config::ConfigError> {
        let acceptor = Acceptor::new(Arc::new(config))?;
        Ok(Self::attached(acceptor, Arc::default()))
    }

    /// A name for a request that nobody else has.
    pub(crate) fn request_id(&self) -> RequestId {
        RequestId(self.next_request.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes no more sessions, and tells those that there are.
    pub(crate) fn shut_down(&self) {
        self.admission.shut_down();
        self.closing.raise();
        for task in self.sessions.all() {
            task.send_away();
        }
    }

    /// Takes no more sessions. Those that there are stay.
    pub(crate) fn drain(&self) {
        self.admission.shut_down();
    }

    /// The same, and waits until all have gone. Each is bound by its own timeouts.
    pub(crate) async fn close(&self) {
        self.shut_down();
        self.admission.gone().await;
    }

    /// Ends every session at once.
    pub(crate) fn discard(&self) {
        for task in self.sessions.all() {
            task.tell(Command::Close(Close::Discard));
        }
    }
}

impl AsRef<Signal> for Endpoint {
    fn as_ref(&self) -> &Signal {
        &self.closing
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("path", &self.config.path)
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}
