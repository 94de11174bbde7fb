//! A server of this suite, and clients of both revisions.

use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use sio_tests::wire::{PATIENCE, Response, WebSocket, Wire, ask};
use sio_tokio::{Config, Io, Server};
use tokio::runtime::Runtime;

/// How often a story is played of which one request may overtake another, before it must have gone in
/// order once.
pub(crate) const PLAYS: usize = 20;

/// The path and query of a handshake of revision 3.
pub(crate) const V3_POLLING: &str = "/socket.io/?EIO=3&transport=polling";
pub(crate) const V3_WEBSOCKET: &str = "/socket.io/?EIO=3&transport=websocket";

/// The usual options, but that clients which are not there any more hold up no end.
pub(crate) fn calm() -> Config {
    Config::default()
        .close_timeout(Duration::from_millis(200))
        .polling_close_timeout(Duration::from_millis(200))
}

/// A server that is being served.
pub(crate) struct World {
    pub(crate) io: Io,
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl World {
    pub(crate) fn new(io: Io) -> Self {
        let server = Server::new(io.clone());
        Self::serving(io, server)
    }

    pub(crate) fn serving(io: Io, server: Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let serving = runtime.spawn(sio_tokio::serve(listener, server));
        Self {
            io,
            address,
            runtime,
            serving,
        }
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, future).await })
            .unwrap()
    }

    pub(crate) fn get(&self, target: &str, headers: &str) -> Response {
        ask(self.address, "GET", target, headers, "").unwrap()
    }

    /// A client of revision 5 in `/`, and its id there.
    pub(crate) fn join(&self) -> (WebSocket, String) {
        let mut client = WebSocket::open(self.address);
        let open = client.text();
        assert!(open.starts_with("0{"), "{open}");
        let id = enter(&mut client, "");
        (client, id)
    }

    /// A client of revision 4, which is in `/` by coming, and the id of its session.
    pub(crate) fn join_v3(&self) -> (WebSocket, String) {
        let mut client = WebSocket::over(Wire::connect(self.address), V3_WEBSOCKET);
        let sid = sid_of(&client.text());
        assert_eq!(client.text(), "40");
        (client, sid)
    }

    /// The status of an attempt to become a WebSocket.
    pub(crate) fn upgrade(&self, target: &str, headers: &str) -> Response {
        let headers = format!("{}{headers}", sio_tests::wire::UPGRADE);
        self.get(target, &headers)
    }

    /// Closes the server: nothing of it is left, and its port is free.
    pub(crate) fn end(mut self) {
        self.wait(self.io.close());
        let serving = &mut self.serving;
        let served = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, serving).await });
        served.unwrap().unwrap().unwrap();
        assert_eq!(self.io.engine_sessions(), 0);
        assert!(self.io.of("/").is_empty());
        // Whatever else runs on the machine may have a connection from there for a moment.
        let end = Instant::now() + PATIENCE;
        while let Err(why) = TcpListener::bind(self.address) {
            assert!(Instant::now() < end, "{why}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Enters a namespace (`""` or `"/name,"`) and returns the id there.
pub(crate) fn enter(client: &mut WebSocket, namespace: &str) -> String {
    client.send(&format!("40{namespace}"));
    let answer = client.text();
    let begin = format!(r#"40{namespace}{{"sid":""#);
    let id = answer.strip_prefix(&begin);
    id.unwrap_or_else(|| panic!("not a CONNECT: {answer}"))
        .trim_end_matches("\"}")
        .to_owned()
}

/// The session's id in an open packet.
pub(crate) fn sid_of(open: &str) -> String {
    open_packet(open)["sid"].as_str().unwrap().to_owned()
}

pub(crate) fn open_packet(open: &str) -> serde_json::Value {
    serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap()
}

/// The packets of a payload of revision 3 in text.
pub(crate) fn v3_packets(body: &str) -> Vec<String> {
    let mut packets = Vec::new();
    let mut rest = body;
    while let Some((length, tail)) = rest.split_once(':') {
        let length: usize = length.parse().unwrap();
        let end = tail
            .char_indices()
            .nth(length)
            .map_or(tail.len(), |(at, _)| at);
        packets.push(tail[..end].to_owned());
        rest = &tail[end..];
    }
    packets
}
