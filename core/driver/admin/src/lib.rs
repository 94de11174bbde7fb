//! The server's side of Socket.IO's admin page (`@socket.io/admin-ui`): sockets, rooms, clients, events and servers as they are,
//! and what an admin does about them.
//!
//! ```no_run
//! use sio_admin::{Auth, Options, instrument};
//! use sio_driver::app::{Config, Cors, Io};
//! # fn example<R: sio_driver::binding::Runtime>(runtime: R) -> Result<(), sio_admin::SetupError> {
//! // The page is at https://admin.socket.io, or in the npm package, in `ui/dist`.
//! let page = ["https://admin.socket.io"].into();
//! let io = Io::new(Config::v4().cors(Cors { origin: page, credentials: true, ..Cors::default() }));
//! // Of `htpasswd -nbB admin ..`, or of any other bcrypt.
//! let hash = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";
//! instrument(&runtime, &io, Options::new(Auth::password("admin", hash)))?; // `&sio_tokio::Tokio`, `&sio_smol::Smol::new()`
//! # Ok(())
//! # }
//! ```
//!
//! It stands on what any application sees of `sio`: a namespace (`/admin`) with a middleware and handlers, and hooks; of the
//! runtime it needs the clock, timers, threads and random bytes. What the application has registered itself stays.
//!
//! # What the page shows
//!
//! | | [`Mode::Development`] | [`Mode::Production`] |
//! |---|---|---|
//! | servers: uptime, clients, how many of them poll, sockets of each namespace; every [two seconds](Options::interval) | yes | yes |
//! | connections, disconnections with their reasons, packets and bytes, by the second | yes | yes |
//! | each socket with its client, transport, handshake, data, rooms; each room; each event with its arguments | yes | no |
//! | emit, join, leave, disconnect, of a socket, a room or all | unless [read-only](Options::read_only) | unless read-only |
//!
//! Development tells every admin, of all nodes of a cluster, all that happens: it is dear where much does. Production counts:
//! each packet of a message, both ways, as Node's does; a connection whose packets are counted goes without what makes
//! broadcasts cheap.
//!
//! What is another way than in Node:
//!
//! * A broadcast is not shown among the events of those that it reaches; what is emitted to one socket is.
//! * The id of a client is drawn: Node shows the first twelve characters of a session's secret. Of clients of another node of ours
//!   nothing is known but their sockets, until one connects while an admin looks.
//! * Data of a socket is told when it connects, and to an admin that enters, not when it changes.
//!
//! # Who may look
//!
//! Whoever the password lets in sees the ids of sockets, the headers of their requests (cookies among them) and, in development,
//! all that is said. A password is compared on a thread of its own, [so many at a time](Options::max_checks): past that an admin
//! is refused as one with a wrong password is. A session that was opened by a password is known again by its id, for
//! [`Options::session_duration`], on this server.

mod auth;
mod buffer;
mod date;
mod options;
mod orders;
mod shown;
mod stats;
mod watch;

use std::sync::Arc;

use sio_driver::app::{EmitError, Io, Namespace, Socket};
use sio_driver::binding::Runtime;

pub use options::{Auth, Mode, Options, SetupError};

use auth::Gate;
use stats::Figures;
use watch::Watch;

/// Shows a server to admins, and lets them see to it. Once, before clients come: of a namespace that is there already it sees
/// those who enter from now on. It ends when the server is [closed](Io::close). Within the runtime: figures are told by a task of it.
///
/// # Errors
/// The hash is not one of bcrypt, the namespace is no name of one, or the interval is nothing.
pub fn instrument<R: Runtime>(runtime: &R, io: &Io, options: Options) -> Result<(), SetupError> {
    options.check()?;
    let admin = io.of(&options.namespace);
    let gate = Arc::new(Gate::new(runtime.clone(), &options));
    if gate.is_needed() {
        let asked = gate.clone();
        admin.use_(move |socket: Socket| {
            let gate = asked.clone();
            async move { gate.admit(&socket).await }
        });
    }
    let figures = Arc::new(Figures::new(runtime, &options));
    let watch = Arc::new(Watch::new(runtime, &admin, figures.clone(), options.mode));
    for namespace in io.namespaces() {
        watch.namespace(&namespace);
    }
    let opened = watch.clone();
    io.engine().on_open(move |conn| opened.opens(conn));
    io.on_new_namespace(move |namespace: &Namespace| watch.namespace(namespace));
    if !options.read_only {
        orders::obey(&admin);
    }
    // A server that is closed lets go of its handlers, and of this with them.
    let telling = stats::tell(runtime, io, &admin, figures, options.interval);
    let config = options.features();
    let mode = options.mode;
    admin.on_connect(move |socket: Socket, io: Io| {
        let _ = &telling;
        let supported_features = config.clone();
        async move {
            if let Some(session) = auth::opened(&socket) {
                socket.emit("session", &(session,))?;
            }
            let config = shown::Config { supported_features };
            socket.emit("config", &(config,))?;
            if mode == Mode::Development {
                socket.emit("all_sockets", &(shown::all(&io).await,))?;
            }
            Ok::<(), EmitError>(())
        }
    });
    Ok(())
}
