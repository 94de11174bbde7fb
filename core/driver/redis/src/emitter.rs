//! What speaks to the servers of a cluster, and is none.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use redis::Cmd;
use sio_driver::adapter::Recipients;
use sio_driver::app::core::packet::Call;
use sio_driver::app::{Args, IntoArgs, IntoRooms};
use sio_driver::binding::system_clock::from_std;
use sio_driver::cluster::Config;
use sio_driver::cluster::codec::EncodeError;
use sio_driver::cluster::emitter::{Emitter as Machine, Said};
use sio_driver::cluster::message::{Message, To};

use crate::command::{append, publish};
use crate::error::EmitterError;
use crate::outlet::Outlet;

/// Speaks to the servers of a cluster, ours and Node's, from any programme: cheap to clone, and made by
/// [`Redis::emitter`](crate::Redis::emitter).
///
/// It starts at everybody in `/`. Whatever narrows that ([`of`](Self::of), [`to`](Self::to),
/// [`except`](Self::except), ..) gives another one, by the same connection.
///
/// What is said is on its way once its [`Emission`] is awaited, or [waited](Emission::wait) for:
///
/// ```no_run
/// use sio_redis::{Dialect, EmitterError, Options, Redis};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Redis::new("redis://127.0.0.1/")?;
/// let emitter = redis.emitter(Options::new(Dialect::Classic));
///
/// // On tokio or smol:
/// emitter.emit("news", &("hello", 1)).await?;
/// let chat = emitter.of("/chat");
/// chat.to(["lobby", "hall"]).except("muted").volatile().emit("typing", &"ann").await?;
/// chat.to("lobby").join("hall").await?;
/// chat.to("banned").disconnect(true).await?;
/// // For the servers themselves, which hear it by `on_server_side`:
/// chat.server_side_emit("reload", &()).await?;
///
/// // On any other thread:
/// match emitter.emit("news", &"again").wait() {
///     Err(EmitterError::Unreachable(why)) => println!("try again later: {why}"),
///     other => other?,
/// }
/// # Ok(())
/// # }
/// ```
///
/// Each [`Dialect`](crate::Dialect) is that of an adapter: `Classic` what `@socket.io/redis-emitter` speaks, `V2` what
/// `socket.io-emitter` does (events alone), `Streams` what `@socket.io/redis-streams-emitter` does; for `Sharded`, too,
/// which has none in JavaScript.
///
/// What is awaited one after another arrives in that order, of those who are reached. Whether a server is there to hear
/// it nobody tells: servers are reached as by each other, at most once. In `Streams` it waits in the stream, except for
/// what is volatile, which may overtake the rest.
#[derive(Clone, Debug)]
pub struct Emitter {
    outlet: Arc<Outlet>,
    machine: Arc<Mutex<Machine>>,
    namespace: Arc<str>,
    of: Recipients,
}

impl Emitter {
    pub(crate) fn new(outlet: Outlet, config: Config) -> Self {
        Self {
            outlet: Arc::new(outlet),
            machine: Arc::new(Mutex::new(Machine::new(config))),
            namespace: "/".into(),
            of: Recipients::default(),
        }
    }

    /// To everybody in this namespace; the `/` may be left out.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Self {
        let namespace = match namespace.starts_with('/') {
            true => namespace.into(),
            false => format!("/{namespace}").into(),
        };
        Self {
            namespace,
            of: Recipients::default(),
            ..self.clone()
        }
    }

    /// To whoever is in one of these rooms, too: nobody else is meant then. An empty list names nobody. The id of a
    /// socket is a room.
    #[must_use]
    pub fn to(&self, rooms: impl IntoRooms) -> Self {
        self.but(|of| of.to(rooms))
    }

    /// The same as [`to`](Self::to), by the other name it has in JavaScript.
    #[must_use]
    pub fn r#in(&self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out whoever is in one of these rooms. Servers of the 2.x line know ids of sockets here alone.
    #[must_use]
    pub fn except(&self, rooms: impl IntoRooms) -> Self {
        self.but(|of| of.except(rooms))
    }

    /// What may be lost: it is dropped for a client that is not ready for it at once.
    #[must_use]
    pub fn volatile(&self) -> Self {
        self.but(Recipients::volatile)
    }

    /// Whether it may be compressed. It may, unless this says otherwise.
    #[must_use]
    pub fn compress(&self, compress: bool) -> Self {
        self.but(|of| of.compress(compress))
    }

    fn but(&self, change: impl FnOnce(Recipients) -> Recipients) -> Self {
        let mut it = self.clone();
        it.of = change(it.of);
        it
    }

    /// An event for clients.
    pub fn emit(&self, event: impl AsRef<str>, args: &(impl IntoArgs + ?Sized)) -> Emission {
        self.called(event.as_ref(), args, |call, to| Message::Broadcast {
            call,
            to,
            ask: None,
        })
    }

    /// Sockets join rooms.
    pub fn join(&self, rooms: impl IntoRooms) -> Emission {
        let rooms = names(&rooms);
        let joins = Some(self.machine.clone());
        Emission {
            joins,
            ..self.say(|of| Ok(Message::Join { of, rooms }))
        }
    }

    /// Sockets leave rooms.
    pub fn leave(&self, rooms: impl IntoRooms) -> Emission {
        let rooms = names(&rooms);
        self.say(|of| Ok(Message::Leave { of, rooms }))
    }

    /// Sockets are disconnected; with `close`, the connections below them are closed, too.
    pub fn disconnect(&self, close: bool) -> Emission {
        self.say(|of| Ok(Message::Disconnect { of, close }))
    }

    /// An event for all servers that have this namespace, whatever rooms were named.
    pub fn server_side_emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Emission {
        let all = self.of(&self.namespace);
        all.called(event.as_ref(), args, |call, _| Message::ServerSide {
            call,
            ask: None,
            to: None,
        })
    }

    fn called(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        message: impl FnOnce(Call, To) -> Message,
    ) -> Emission {
        self.say(|to| {
            let args = Args::from_arguments(args).map_err(EncodeError::Unwritten)?;
            let name = event.into();
            Ok(message(Call { name, args }, to))
        })
    }

    fn say(&self, message: impl FnOnce(To) -> Result<Message, EncodeError>) -> Emission {
        let said = message(To::from(&self.of)).and_then(|message| {
            let now = from_std(std::time::Instant::now());
            let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
            machine.say(now, &self.namespace, &message)
        });
        // What is wrong with it is told though nobody is meant.
        let command = said.map(|said| match said {
            _ if self.of.is_nobody() => None,
            Said::Publish(it) => Some(publish(&it)),
            Said::Append { stream, entry } => Some(append(&stream, &entry)),
        });
        Emission {
            outlet: self.outlet.clone(),
            command,
            joins: None,
        }
    }
}

fn names(rooms: &impl IntoRooms) -> Vec<String> {
    let mut names = Vec::new();
    rooms.each(&mut |room| names.push(room.to_owned()));
    names
}

/// Something that is to be said: by awaiting it on tokio or smol, or by [`wait`](Self::wait).
///
/// Both end when Redis has taken it, or has not within [`ping_timeout`](crate::Redis::ping_timeout) once there is a
/// connection; making one takes [`connect_timeout`](crate::Redis::connect_timeout) at most, with sentinels that for
/// each step.
#[must_use = "nothing is said until it is awaited or waited for"]
pub struct Emission {
    outlet: Arc<Outlet>,
    /// `None`: it is for nobody.
    command: Result<Option<Cmd>, EncodeError>,
    /// Who has to know when it was taken.
    joins: Option<Arc<Mutex<Machine>>>,
}

/// From now on rooms may have members of whom nobody has heard.
fn joined(joins: Option<Arc<Mutex<Machine>>>) {
    if let Some(machine) = joins {
        let now = from_std(std::time::Instant::now());
        let mut machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.handle_joined(now);
    }
}

impl Emission {
    /// Says it, and blocks this thread. Not for code that runs on tokio or smol, which would stand still meanwhile.
    ///
    /// # Errors
    /// It cannot be said, or Redis has not taken it.
    pub fn wait(self) -> Result<(), EmitterError> {
        match self.command? {
            Some(command) => {
                let sent = self.outlet.send_blocking(&command);
                joined(self.joins);
                sent
            }
            None => Ok(()),
        }
    }
}

impl IntoFuture for Emission {
    type Output = Result<(), EmitterError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.command? {
                Some(command) => {
                    let sent = self.outlet.send(&command).await;
                    joined(self.joins);
                    sent
                }
                None => Ok(()),
            }
        })
    }
}

impl fmt::Debug for Emission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.command {
            Err(_) => "Emission(unsaid)",
            Ok(None) => "Emission(for nobody)",
            Ok(Some(_)) => "Emission",
        })
    }
}
