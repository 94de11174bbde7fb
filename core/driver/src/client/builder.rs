//! What is chosen before there is a client.

use std::fmt::{self, Display};
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};

use http::{HeaderName, HeaderValue};
use sio_core::client::record::Taped;
use sio_core::client::{Auth, Backoff, Config, Connection, Dial, Proxies, Proxy};
use sio_core::engine::TransportKind;
use sio_core::packet::{Args, IntoArgs};
use sio_core::socket::Refusal;

use super::credentials::{make_auth, make_dial};
use super::dialer::{Connector, Dialer};
use super::error::BuildError;
use super::event::{Attempt, Decision};
use super::handles::{Client, DefaultAuth};
use super::http::Way;
use super::inner::{Alive, Face, Refused, Shared, State};
use super::status::Board;
use super::task::{Carrier, Plan};
use crate::handle::Recording;
use crate::sync::signal::Signal;

/// What is chosen before there is a client. It can be kept, copied and used again: each
/// [`build`](Self::build) makes another client.
#[derive(Clone)]
pub struct Builder<R: Dialer> {
    pub(super) runtime: R,
    /// Clients that are built of one have these in common.
    config: Arc<Config>,
    dial: Arc<Dial>,
    namespace: String,
    auth: Arc<DefaultAuth>,
    tls: Option<R::Tls>,
    from: Option<IpAddr>,
    proxy: Option<Arc<Proxies>>,
    on_dial: Option<Arc<super::inner::MakeDial>>,
    on_refused: Option<Arc<Refused>>,
    connector: Option<Arc<dyn Connector>>,
    max_running: usize,
    recording: Option<Arc<Recording>>,
}

impl<R: Dialer> Client<R> {
    /// What makes a client for this URL: `scheme://host[:port][?query]`, with `http`, `https`, `ws` or `wss`, and
    /// `https` if there is none. What stands where a URL has its path is a namespace: sockets have it
    /// ([`socket`](Self::socket)), and the client itself does not.
    ///
    /// # Errors
    /// The URL is none to dial.
    pub fn builder(url: impl AsRef<str>) -> Result<Builder<R>, BuildError>
    where
        R: Default,
    {
        Builder::new(R::default(), url.as_ref())
    }

    /// The same on a runtime that has a value of its own.
    ///
    /// # Errors
    /// The URL is none to dial.
    pub fn builder_on(runtime: R, url: impl AsRef<str>) -> Result<Builder<R>, BuildError> {
        Builder::new(runtime, url.as_ref())
    }
}

impl<R: Dialer> Builder<R> {
    pub(super) fn new(runtime: R, url: &str) -> Result<Self, BuildError> {
        let (dial, namespace) = Dial::parse(url)?;
        Ok(Self {
            runtime,
            config: Arc::new(Config::v4()),
            dial: Arc::new(dial),
            namespace: namespace.to_string(),
            auth: Arc::new(DefaultAuth::Value(Auth::None)),
            tls: None,
            from: None,
            proxy: None,
            on_dial: None,
            on_refused: None,
            connector: None,
            max_running: 1024,
            recording: None,
        })
    }

    /// All limits, times and choices that are not about where to dial. [`Config::v4`] if not given.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        let asks = self.config.ask_before_dial;
        self.config = Arc::new(config);
        self.set().ask_before_dial |= asks;
        self
    }

    /// Where the server is mounted. `/socket.io/`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        let its = &mut Arc::make_mut(&mut self.dial).path;
        *its = path.into();
        if !its.starts_with('/') {
            its.insert(0, '/');
        }
        if !its.ends_with('/') {
            its.push('/');
        }
        self
    }

    /// What is in the query of each request, beside what the URL has there; of the same key this counts.
    #[must_use]
    pub fn query(mut self, key: &str, value: &str) -> Self {
        self.dial = Arc::new(Arc::unwrap_or_clone(self.dial).query(key, value));
        self
    }

    /// A header of each request, those for WebSockets included.
    ///
    /// # Errors
    /// The name or the value is none of a header's.
    #[doc(alias = "extraHeaders")]
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        let wrong = || BuildError::Header(name.to_owned());
        let key = HeaderName::try_from(name).map_err(|_| wrong())?;
        let value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        Arc::make_mut(&mut self.dial).headers.append(key, value);
        Ok(self)
    }

    /// The transports, the first of which is tried first. WebSocket, then polling.
    #[must_use]
    pub fn transports(mut self, transports: impl Into<Vec<TransportKind>>) -> Self {
        self.dial = Arc::new(Arc::unwrap_or_clone(self.dial).transports(transports));
        self
    }

    /// Whether the other transports are tried where the first does not open. `true`.
    #[must_use]
    pub fn try_all_transports(mut self, yes: bool) -> Self {
        self.set().try_all_transports = yes;
        self
    }

    /// When it is dialled again; `None`: never.
    #[must_use]
    pub fn reconnection(mut self, backoff: impl Into<Option<Backoff>>) -> Self {
        self.set().reconnection = backoff.into();
        self
    }

    /// The credentials of its sockets: an object.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn auth(mut self, auth: &(impl IntoArgs + ?Sized)) -> Result<Self, BuildError> {
        let args = Args::from_arguments(auth).map_err(BuildError::Auth)?;
        let value = args.get(0).map_err(BuildError::AuthValue)?;
        self.auth = Arc::new(DefaultAuth::Value(Auth::Value(value)));
        Ok(self)
    }

    /// What is asked for the credentials of a socket each time that it asks for its namespace, while nothing else
    /// waits. An error keeps the socket out.
    #[must_use]
    pub fn auth_fn<F, A, V, E>(mut self, make: F) -> Self
    where
        F: Fn(Attempt) -> A + Send + Sync + 'static,
        A: Future<Output = Result<V, E>> + Send + 'static,
        V: IntoArgs,
        E: Display,
    {
        self.auth = Arc::new(DefaultAuth::Asked(make_auth(make)));
        self
    }

    /// What is asked before each attempt where to dial, and is given where it was to be until now: to change the
    /// query, the headers, the transports. An error ends the trying.
    #[must_use]
    pub fn on_dial<F, A, E>(mut self, make: F) -> Self
    where
        F: Fn(Dial, Attempt) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Dial, E>> + Send + 'static,
    {
        self.set().ask_before_dial = true;
        self.on_dial = Some(make_dial(make));
        self
    }

    /// What is asked when a socket is refused, for the n-th time in a row, from 1: a [`Decision`], or after how long
    /// it is to ask again, if it is. Without this it stays out.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sio_driver::client::{Builder, Decision, Dialer};
    /// # fn f<R: Dialer>(builder: Builder<R>) -> Builder<R> {
    /// // Credentials that were too old are asked for again, no more than three times.
    /// builder.on_refused(|refusal, times| match refusal.data_is("E_EXPIRED") && times < 3 {
    ///     true => Decision::Again(Duration::ZERO),
    ///     false => Decision::Stay,
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_refused<D: Into<Decision>>(
        mut self,
        decide: impl Fn(&Refusal, u32) -> D + Send + Sync + 'static,
    ) -> Self {
        self.on_refused = Some(Arc::new(move |refusal, times| {
            decide(refusal, times).into()
        }));
        self
    }

    /// Makes its connections in a way of the application's own, in place of TCP, TLS and proxies: through a Unix
    /// socket, say.
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// What TLS needs to know. The runtime's usual if not given.
    #[must_use]
    pub fn tls(mut self, tls: R::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The proxy through which it is dialled, polling and WebSocket alike: `http://user:password@host:port`, which is
    /// asked for a tunnel; `socks5://`, where names are looked up here; or `socks5h://`, where they are looked up
    /// there. User and password are percent-encoded. None.
    ///
    /// # Errors
    /// The URL is none of a proxy's.
    pub fn proxy(mut self, url: &str) -> Result<Self, BuildError> {
        self.proxy = Some(Arc::new(Proxies::always(Proxy::parse(url)?)));
        Ok(self)
    }

    /// Proxies as the environment of this process has them now, by the rules of curl ([`Proxies::from_variables`]):
    /// `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, or the same in capitals. Without such variables
    /// there is none. The environment is not looked at if this is not asked for.
    ///
    /// # Errors
    /// A variable names no proxy.
    pub fn proxy_from_env(mut self) -> Result<Self, BuildError> {
        let proxies = Proxies::from_variables(|name| self.runtime.variable(name))?;
        self.proxy = (proxies != Proxies::default()).then(|| Arc::new(proxies));
        Ok(self)
    }

    /// The address of ours that it is dialled from. Any.
    #[must_use]
    pub fn local_address(mut self, address: impl Into<IpAddr>) -> Self {
        self.from = Some(address.into());
        self
    }

    /// Handlers that have not ended, past which the client reads no further until there are fewer. 1 024.
    #[must_use]
    pub const fn max_running_handlers(mut self, most: usize) -> Self {
        self.max_running = most;
        self
    }

    /// Records each client that is built of this: what it is told, with the times, the seed of what it draws, and what
    /// the application decides, from its beginning on, with all its connections one after the other. Its log is given
    /// out when it is over, and is all that it takes to play it again, elsewhere, to the same bytes, step by step:
    /// [`core::client::record`](sio_core::client::record), and the example `replay` of `sio-sim` as a page.
    /// [`Client::recorded`] gives out what there is until then.
    ///
    /// In it is **all that was said**, credentials too: [`Log::redact`] takes them out before it is sent to anybody.
    /// What of a [`Recording`] asks which connections of a server are wanted is not asked here, and plain clients of
    /// Engine.IO are not recorded. Not recorded, if not given.
    ///
    /// ```
    /// # use sio_driver::app::Recording;
    /// # use sio_driver::client::{Builder, Dialer};
    /// # fn f<R: Dialer>(builder: Builder<R>) -> Builder<R> {
    /// builder.record(Recording::new(|log| drop(std::fs::write("client.siolog", log))))
    /// # }
    /// ```
    ///
    /// [`Log::redact`]: sio_core::client::record::Log::redact
    #[must_use]
    pub fn record(mut self, recording: impl Into<Arc<Recording>>) -> Self {
        self.recording = Some(recording.into());
        self
    }

    /// A client. Nothing is dialled yet.
    ///
    /// # Errors
    /// An option is wrong, or there is no TLS although the URL wants it.
    pub fn build(self) -> Result<Client<R>, BuildError> {
        self.build_on(|runtime, plan| Ok(Box::new(Carrier::new(runtime, plan))))
    }

    /// The same, whose task is run in this way.
    pub(super) fn build_on(
        mut self,
        carry: impl FnOnce(R, Plan<R>) -> Result<Box<dyn Face>, BuildError>,
    ) -> Result<Client<R>, BuildError> {
        let mut seed = [0; 16];
        self.runtime.random(&mut seed);
        let (config, dial) = (self.config.clone(), self.dial.clone());
        let recording = self.recording.take();
        let machine = match &recording {
            None => Taped::from(Connection::new(config, dial, seed)?),
            Some(recording) => {
                let (now, most) = (self.runtime.now(), recording.most());
                Taped::recorded(now, config, dial, seed, most)?
            }
        };
        let (dials, decides) = (self.on_dial.take(), self.on_refused.take());
        let (config, auth) = (self.config.clone(), self.auth.clone());
        let (runtime, plan) = self.plan()?;
        let shared = Arc::new(Shared {
            face: carry(runtime, plan)?,
            config,
            state: Mutex::new(State {
                machine,
                sockets: Vec::new(),
                started: false,
                sleeper: None,
                touched: false,
                full: false,
                room: Vec::new(),
            }),
            board: Board::new(),
            gone: Signal::default(),
            hooks: OnceLock::new(),
            recording,
        });
        if let Some(make) = dials {
            shared.make_hooks().dial.set(make);
        }
        if let Some(decide) = decides {
            shared.make_hooks().refused.set(decide);
        }
        Ok(Client::new(Arc::new(Alive(shared)), auth))
    }

    /// The configuration, of its own from now on.
    fn set(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.config)
    }

    /// What is needed of it without Socket.IO.
    pub(super) fn plain(self) -> Result<(R, Plan<R>), BuildError> {
        self.config.validate()?;
        self.plan()
    }

    fn plan(self) -> Result<(R, Plan<R>), BuildError> {
        let tls = match self.tls {
            None if self.dial.is_secure() && self.connector.is_none() => {
                Some(self.runtime.usual_tls().map_err(BuildError::Tls)?)
            }
            tls => tls,
        };
        let way = Way {
            runtime: self.runtime.clone(),
            tls,
            from: self.from,
            proxy: self.proxy,
            connector: self.connector,
            config: self.config,
        };
        let plan = Plan {
            way: Arc::new(way),
            dial: self.dial,
            max_running: self.max_running.max(1),
        };
        Ok((self.runtime, plan))
    }

    /// What stands where the URL has its path: `/` if nothing does.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

impl<R: Dialer> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("dial", &self.dial)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
