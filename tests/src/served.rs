//! A server inside the test, on a port of its own, and what must hold when the story is over.

use std::{
    cell::Cell,
    future::Future,
    net::SocketAddr,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use sio_tokio::{Ack, Args, Config, DisconnectReason, EventName, HandlerError, Io};
use tokio::{net::TcpSocket, runtime::Runtime};

use crate::wire::{PATIENCE, Polling, WebSocket};

/// A server whose `/` answers `echo`, and tells what it sees.
#[derive(Debug)]
pub struct Served {
    /// The server.
    pub io: Io,
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Runtime,
    events: Receiver<(String, Args)>,
    left: Receiver<DisconnectReason>,
    errors: Receiver<HandlerError>,
    panics: Cell<bool>,
}

/// Serves with these options, plays the story, and sees to it that the server is well afterwards and
/// keeps nothing of it. Clients of the story must be gone at its end.
pub fn serve(config: Config, story: impl FnOnce(&Served)) {
    serve_with(config, |_| {}, story);
}

/// [`serve`] with handlers besides the usual ones.
pub fn serve_with(config: Config, handlers: impl FnOnce(&Io), story: impl FnOnce(&Served)) {
    watch_for_panics();
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("{THREAD}{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(&name)
        .enable_all()
        .build()
        .expect("threads can be started");
    let io = Io::new(config);
    let (tell, events) = channel();
    let (tell_left, left) = channel();
    let (tell_errors, errors) = channel();
    usual(&io, tell, tell_left);
    let tell_errors = Mutex::new(tell_errors);
    io.on_error(move |error| {
        let tell = tell_errors.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = tell.send(error.clone());
    });
    handlers(&io);
    let (address, serving) = {
        let _inside = runtime.enter();
        let socket = TcpSocket::new_v4().expect("a socket");
        // Small, so that a client that does not read is noticed soon: connections inherit it.
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a free port");
        let listener = socket.listen(1024).expect("a listening socket");
        let address = listener.local_addr().expect("its address");
        (
            address,
            runtime.spawn(sio_tokio::serve(listener, io.clone())),
        )
    };
    let served = Served {
        io,
        address,
        runtime,
        events,
        left,
        errors,
        panics: Cell::new(false),
    };
    story(&served);
    served.must_be_well();
    served.must_be_empty();
    served
        .block_on(async {
            served.io.close().await;
            serving.await.expect("listening does not panic")
        })
        .expect("a listener does not fail");
    let panicked = PANICKED.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = served.panics.get();
    assert_eq!(panicked.contains(&name), expected, "panics of the server");
}

/// The handlers that every story has.
fn usual(io: &Io, tell: Sender<(String, Args)>, tell_left: Sender<DisconnectReason>) {
    let main = io.of("/");
    main.on("echo", |args: Args, ack: Ack| ack.send(&args));
    let tell = Mutex::new(tell);
    main.on_any(move |name: EventName, args: Args| {
        let tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = tell.send((name.to_string(), args));
    });
    let tell = Mutex::new(tell_left);
    main.on_disconnect(move |reason: DisconnectReason| {
        let tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = tell.send(reason);
    });
}

impl Served {
    /// A client in `/`, over WebSocket.
    pub fn member(&self) -> WebSocket {
        WebSocket::join(self.address)
    }

    /// A client in `/`, by polling.
    pub fn polling_member(&self) -> Polling {
        let polling = Polling::open(self.address);
        let answer = polling.join("/");
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        polling
    }

    /// Why the next socket has left `/`, in the words of the protocol.
    pub fn left(&self) -> &'static str {
        let reason = self.left.recv_timeout(PATIENCE);
        reason.expect("a socket leaves").as_str()
    }

    /// Whether no socket has left `/` that [`left`](Self::left) has not told.
    pub fn nobody_left(&self) -> bool {
        self.left.try_recv().is_err()
    }

    /// The next event in `/`.
    pub fn event(&self) -> (String, Args) {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// The names of the events in `/` that were not told yet.
    pub fn events(&self) -> Vec<String> {
        self.events.try_iter().map(|(name, _)| name).collect()
    }

    /// The next handler that did not do its work. What is not asked for must not have happened.
    pub fn error(&self) -> HandlerError {
        self.errors.recv_timeout(PATIENCE).expect("an error")
    }

    /// A handler of this story panics, on purpose.
    pub fn expect_panics(&self) {
        self.panics.set(true);
    }

    /// Waits for a future on the server's runtime, not for ever.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            let limited = tokio::time::timeout(PATIENCE, future);
            limited.await.expect("done in time")
        })
    }

    /// Waits for something to become true, not for ever.
    pub fn wait_until(&self, what: &str, is: impl Fn(&Io) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(&self.io) {
            assert!(Instant::now() < end, "{what}: not so after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// A new client of each kind gets its answers.
    pub fn must_be_well(&self) {
        let mut member = self.member();
        assert!(member.is_alive());
        drop(member);
        let polling = self.polling_member();
        assert_eq!(polling.post(r#"427["echo","well"]"#).status, 200);
        while !polling.packets().iter().any(|it| it == r#"437["well"]"#) {}
    }

    /// When the clients are gone, so is everything that was kept for them.
    fn must_be_empty(&self) {
        self.wait_until("no sessions", |io| io.engine_sessions() == 0);
        self.wait_until("an empty namespace", |io| io.of("/").is_empty());
        let errors: Vec<_> = self.errors.try_iter().collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

/// A client's connection with a small receive buffer: the server soon cannot write to it.
pub fn narrow(address: SocketAddr) -> std::net::TcpStream {
    use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER).expect("a size");
    connect(&socket, &address).expect("the server listens");
    socket.into()
}

/// Bytes that the kernel may hold for a connection on the server's side.
const SEND_BUFFER: u32 = 16 * 1024;

/// Bytes that it may hold on the client's side.
const RECEIVE_BUFFER: usize = 8 * 1024;

/// What the names of the servers' threads begin with.
const THREAD: &str = "served-";

/// The servers on whose threads something has panicked.
static PANICKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on panics on servers' threads are remembered: a task's would else go unnoticed.
fn watch_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(name) = thread::current().name().filter(|n| n.starts_with(THREAD)) {
                let mut panicked = PANICKED.lock().unwrap_or_else(PoisonError::into_inner);
                panicked.push(name.to_owned());
            }
            before(info);
        }));
    });
}
