//! Parents of namespaces: how they are made, and what is registered on them.

use std::future::Future;
use std::sync::Arc;

use sio_core::namespaces::PatternError;

use super::call::{Handler, erase};
use super::listening::{error_listener_methods, listener_methods, outgoing_methods};
use super::middleware::Middleware;
use crate::endpoint::handshake::Handshake;
use crate::handle::{Io, Namespace, ParentNamespace};
use crate::listeners::{ListenerId, Topic};

/// What is wrong with the text of a regular expression.
#[cfg(feature = "regex")]
#[derive(Clone, Debug)]
pub struct RegexError(regex_lite::Error);

#[cfg(feature = "regex")]
impl std::fmt::Display for RegexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "regex")]
impl std::error::Error for RegexError {}

impl Io {
    /// Lets clients ask for every namespace whose name looks like `pattern`: `/room/{id}`, with what is in braces
    /// for handlers to take as [`Params`](crate::app::Params). [`Pattern`](crate::app::core::namespaces::Pattern)
    /// has how it is written.
    ///
    /// The first client that asks for a name brings the namespace into being, as a child of what this returns, and
    /// with the last one that leaves it is gone, unless
    /// [`cleanup_empty_child_namespaces`](crate::app::Config::cleanup_empty_child_namespaces) says otherwise. Of
    /// several parents that would have a name, the first one registered has it; a namespace that was
    /// [opened](Self::of) by its name is asked of none. How many clients may bring into being is bounded by
    /// [`max_child_namespaces`](crate::app::Config::max_child_namespaces) and
    /// [`max_child_namespaces_per_connection`](crate::app::Config::max_child_namespaces_per_connection): past it
    /// they get `Invalid namespace`, as for any other that there is not.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io, Params, PatternError, Refusal, Socket};
    /// # let io = Io::new(Config::v4());
    /// let rooms = io.of_pattern("/room/{id}")?;
    /// rooms.use_(|Params(id): Params<u32>| match id {
    ///     1..=99 => Ok(()),
    ///     _ => Err(Refusal::new("no such room")),
    /// });
    /// rooms.on_connect(|socket: Socket| socket.emit("welcome", socket.namespace().name()));
    /// # Ok::<(), PatternError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn of_pattern(&self, pattern: &str) -> Result<ParentNamespace, PatternError> {
        Ok(self.add_pattern(pattern.parse()?))
    }

    /// The same for names in which a regular expression finds something: `^/dyn-(?<number>[0-9]+)$`. What its
    /// groups have found are the [`Params`](crate::app::Params), by their names or else their numbers. Its classes
    /// are those of ASCII, as in JavaScript; it has neither looks around nor references, and takes no longer than
    /// the name is long.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io, Params, RegexError, Socket};
    /// # let io = Io::new(Config::v4());
    /// let numbered = io.of_regex(r"^/dyn-(\d+)$")?;
    /// numbered.on_connect(|Params(number): Params<u64>| println!("in {number}"));
    /// # Ok::<(), RegexError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the expression.
    #[cfg(feature = "regex")]
    pub fn of_regex(&self, expression: &str) -> Result<ParentNamespace, RegexError> {
        let regex = regex_lite::Regex::new(expression).map_err(RegexError)?;
        Ok(self.add_regex(regex))
    }

    /// The same for names that `predicate` says yes to. It sees the handshake with the client's credentials, may
    /// wait as long as `middleware_timeout` lasts, and is asked only for names that there is no namespace of. If it
    /// panics, the connection is closed.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sio_driver::app::{Config, Handshake, Io};
    /// # async fn knows(_tenant: &str, _token: Option<String>) -> bool { true }
    /// # let io = Io::new(Config::v4());
    /// let tenants = io.of_where(async |name: String, handshake: Arc<Handshake>| {
    ///     let Some(tenant) = name.strip_prefix("/tenant/") else {
    ///         return false;
    ///     };
    ///     let token = handshake.auth.value()["token"].as_str().map(str::to_owned);
    ///     knows(tenant, token).await
    /// });
    /// ```
    pub fn of_where<F, R>(&self, predicate: F) -> ParentNamespace
    where
        F: Fn(String, Arc<Handshake>) -> R + Send + Sync + 'static,
        R: Future<Output = bool> + Send + 'static,
    {
        self.add_predicate(Arc::new(move |name, handshake| {
            Box::pin(predicate(name, handshake))
        }))
    }

    /// Hears of each namespace that comes into being from now on, opened by the application or asked for by a
    /// client, before that client enters it. What is to be in place before any other does belongs on the parent. Hooks that
    /// are there already hear of it before.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io, Namespace, RoomEvent};
    /// # let io = Io::new(Config::v4());
    /// io.on_new_namespace(|namespace: &Namespace| {
    ///     let name = namespace.name().to_owned();
    ///     namespace.on_room_event(move |event: &RoomEvent| println!("{name}: {event:?}"));
    /// });
    /// ```
    #[doc(alias = "new_namespace")]
    pub fn on_new_namespace(&self, hook: impl Fn(&Namespace) + Send + Sync + 'static) {
        self.add_namespace_hook(Arc::new(hook));
    }
}

impl ParentNamespace {
    /// Adds a middleware to all children, those too that are there already: [`Namespace::use_`]. It stands behind
    /// those that were added before, to the parent or to the child.
    #[doc(alias = "use")]
    pub fn use_<M>(&self, middleware: impl Middleware<M>) {
        self.add_middleware(Arc::new(move |entering| middleware.ask(entering).0));
    }

    /// Handles sockets that have entered one of its children: [`Namespace::on_connect`].
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners().add(Topic::Connect, false, erase(handler))
    }
}

listener_methods!(ParentNamespace);
error_listener_methods!(ParentNamespace);
outgoing_methods!(
    ParentNamespace,
    "sockets of its children, once for each emit and child."
);
