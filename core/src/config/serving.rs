//! What only the server around the machines reads.

use std::time::Duration;

/// How a server listens, reads requests and runs handlers: options that no machine of `sio-core` reads, but the
/// driver around them. They are set as all others are: [`Config::keep_alive_timeout`](super::Config::keep_alive_timeout).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Serving {
    /// Connections that wait to be accepted where the binding's `listen` opens the listener: 1 024, 2²⁰ at most,
    /// and what the system allows (`net.core.somaxconn` on Linux). Past it clients have to knock again.
    pub listen_backlog: usize,
    /// How long the head of a request may take to arrive, from its first byte: 10 s; the first of a connection
    /// from the beginning of that. Past it 408, or the end where nothing has come.
    pub request_head_timeout: Duration,
    /// How long the body of a POST may take to arrive: 20 s. Past it 408, and the session closes.
    pub request_body_timeout: Duration,
    /// How long a connection may stay open between two requests: 75 s, longer than the pools of balancers keep
    /// theirs, and announced by `Keep-Alive: timeout=75` (whole seconds; less than one is not announced). Past it
    /// it is closed. Before the first request of a
    /// connection [`request_head_timeout`](Self::request_head_timeout) holds. As long, too, has the answer to a
    /// request whose client has said that nothing more comes from it.
    pub keep_alive_timeout: Duration,
    /// Bytes of a request's head: 16 KiB, 1 MiB at most; less than 8 KiB counts as 8 KiB. Past it 431.
    pub max_request_head_bytes: usize,
    /// Headers of a request: 64, 4 096 at most. Past it 431.
    pub max_headers: usize,
    /// How long the application's hooks may take to decide over a handshake: 30 s, all of them together. Past
    /// it the client is refused with error 4, `timed out`. What a server is told to run before each request has
    /// as long; past it 503.
    pub admission_timeout: Duration,
    /// Whether a WebSocket's first packet leaves behind the response by which it is opened, in a write of its own
    /// after other tasks have run, instead of together with it: for clients, those of some test suites, that do
    /// not listen yet when that has come. `false`: one write is a tenth of what a client costs that comes and
    /// goes.
    pub open_packet_apart: bool,
    /// Handlers of one connection that wait for something: 1 024, 2²⁰ at most. Past it nothing more is read
    /// from the client for a while.
    pub max_running_handlers: usize,
    /// Bytes of events that those handlers hold: 4 MiB, 1 GiB at most, and one event more. Past it as past
    /// [`max_running_handlers`](Self::max_running_handlers). What a handler has taken as a type of its own is
    /// counted as about what that takes, which is many times what a list of small numbers was on the wire. As much
    /// again of the client's answers to emits, the largest of each handler; past it the next answer is an error.
    pub max_running_bytes: usize,
    /// Those that wait for room in the backlog of one client (`Socket::ready`, `emit_when_ready`): 1 024, 65 535 at most.
    /// Past it the next one is refused at once.
    pub max_ready_waits: usize,
    /// How long handlers may go on whose client has gone: 60 s. Past it they are dropped where they wait; work
    /// that takes longer belongs on a task of its own.
    pub departed_timeout: Duration,
    /// Bytes of events that handlers hold whose client has gone, of all connections: 64 MiB, 1 GiB at most. Past
    /// it the handlers of the next client that goes are dropped where they wait, the largest first, until those
    /// that are left hold no more than a 1 024th of it (64 KiB).
    pub max_departed_bytes: usize,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            listen_backlog: 1024,
            request_head_timeout: Duration::from_secs(10),
            request_body_timeout: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(75),
            max_request_head_bytes: 16 * 1024,
            max_headers: 64,
            admission_timeout: Duration::from_secs(30),
            open_packet_apart: false,
            max_running_handlers: 1024,
            max_running_bytes: 4 * 1024 * 1024,
            max_ready_waits: 1024,
            departed_timeout: Duration::from_secs(60),
            max_departed_bytes: 64 * 1024 * 1024,
        }
    }
}
