//! A Socket.IO server with the handlers that the transcripts were recorded with, and clients that speak
//! WebSocket by hand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sio_core::engine::Message;
use sio_tokio::{
    Ack, Args, Config, DisconnectReason, Eio, EventName, Io, Namespace, Refusal, Socket,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::bytes::{WebSocket, wait};
use crate::instead::{instead, open_packet};
use crate::wire::wire;

/// Why a transcript is not played, if it is not.
pub(crate) fn skipped(vector: &Value) -> Option<&'static str> {
    let recovery = vector["in"]["server_options"].get("connectionStateRecovery");
    recovery.map(|_| "offsets are ours, and stand behind events that have none there: `vectors_socket` says more")
}

/// What passes between two steps: the transcripts were recorded at this pace.
const STEP: Duration = Duration::from_millis(20);

pub(crate) fn play(runtime: &Runtime, vector: &Value) {
    let mut world = World::new(runtime, vector);
    let mut steps = vector["out"]["steps"].as_array().unwrap().clone();
    if let Some(last) = instead(vector["id"].as_str().unwrap()).and_then(|it| it.last) {
        steps.pop();
        steps.push(serde_json::from_str(last).unwrap());
    }
    for (at, step) in steps.iter().enumerate() {
        world.take(runtime, step, &format!("{} step {at}", vector["id"]));
        std::thread::sleep(STEP);
    }
    world.check_events(vector);
    world.server.abort();
}

/// The socket's own ack ids are odd here, so that they never meet those of broadcasts.
const ACKS: [(&str, &str); 2] = [
    ("420[\"a\"]", "421[\"a\"]"),
    ("421[\"b\",1]", "423[\"b\",1]"),
];

struct World {
    address: SocketAddr,
    io: Io,
    server: tokio::task::JoinHandle<()>,
    clients: HashMap<String, WebSocket>,
    seen: Arc<Mutex<Seen>>,
    /// What stands for `{id1}`, `{id2}`, ..
    ids: Vec<String>,
}

/// What the application saw.
#[derive(Default)]
struct Seen {
    /// Namespace, event, value.
    events: Vec<(String, String, String)>,
    /// The latest socket of the first client in each namespace.
    sockets: HashMap<String, Socket>,
}

impl World {
    fn new(runtime: &Runtime, vector: &Value) -> Self {
        let mut config = Config::v4();
        config.allow_eio3 = vector["in"]["eio"] == 3;
        let server = vector["in"]["server"].as_str().unwrap();
        config.invalid_namespace_as_object = server.starts_with("socket.io@4");
        if let Some(ms) = vector["in"]["server_options"]["connectTimeout"].as_u64() {
            config.connect_timeout = Duration::from_millis(ms);
        }
        let io = Io::new(config);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let setup = vector["in"]["server_setup"].as_str().unwrap();
        for name in ["/", "/admin", "/n", "/a", "/b", "/c"] {
            if name == "/" || setup.contains(name) {
                register(&io.of(name), &seen);
            }
        }
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = io.clone();
        let server = runtime.spawn(async move {
            let _ = sio_tokio::serve(listener, serving).await;
        });
        Self {
            address,
            io,
            server,
            clients: HashMap::new(),
            seen,
            ids: Vec::new(),
        }
    }

    fn take(&mut self, runtime: &Runtime, step: &Value, at: &str) {
        let name = step["as"].as_str().unwrap_or_default();
        match step["op"].as_str().unwrap() {
            "open" => {
                let head = http::Request::get(step["path"].as_str().unwrap())
                    .header("connection", "Upgrade")
                    .header("upgrade", "websocket")
                    .header("sec-websocket-version", "13")
                    .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                    .body(())
                    .unwrap();
                let (_, client) = WebSocket::open(self.address, &head.into_parts().0);
                let received = client.as_ref().expect("it was let in").first();
                self.clients
                    .extend(client.map(|client| (name.to_owned(), client)));
                let open = open_packet(step["engine_open"]["text"].as_str().unwrap());
                self.compare(received, &json!([{ "text": open }]), at);
            }
            "send" => self.clients[name].send(&wire(&step["frame"])),
            "recv" => {
                let frames = step["frames"].as_array().unwrap();
                let received = self.clients[name].received(frames.len());
                self.compare(received, &step["frames"], at);
                let expected = step["closed"].as_u64();
                let closed = self.clients[name].closed(expected.is_some());
                assert_eq!(closed.map(u64::from), expected, "{at}");
            }
            "wait_ms" => std::thread::sleep(Duration::from_millis(step["ms"].as_u64().unwrap())),
            "server" => self.act(runtime, step["do"].as_str().unwrap()),
            other => panic!("{at}: unknown step {other}"),
        }
    }

    /// What the server's application did at this point of the recording.
    fn act(&self, runtime: &Runtime, what: &str) {
        let socket = |namespace: &str| self.seen.lock().unwrap().sockets[namespace].clone();
        match what {
            "emit a(ack), emit b(ack) on the socket" => {
                let socket = socket("/");
                runtime.spawn(socket.emit_with_ack::<Args>("a", &()));
                runtime.spawn(socket.emit_with_ack::<Args>("b", &1));
            }
            "socket(/n).disconnect()" => socket("/n").disconnect(false),
            "socket(/).disconnect(true)" => socket("/").disconnect(true),
            "io.close()" => runtime.block_on(self.io.close()),
            "c joins r1; io.to(r1).emit(m,1); io.emit(all); c.broadcast.emit(others); c.to(r1).emit(self-excluded)" =>
            {
                let socket = socket("/");
                socket.join("r1").unwrap();
                self.io.to("r1").emit("m", &1).unwrap();
                self.io.emit("all", &()).unwrap();
                socket.broadcast().emit("others", &()).unwrap();
                socket.to("r1").emit("self-excluded", &()).unwrap();
            }
            other => panic!("the server does what nobody knows: {other}"),
        }
    }

    fn compare(&mut self, received: Vec<Message>, expected: &Value, at: &str) {
        for frame in &received {
            if let Message::Text(text) = frame
                && let Some((_, rest)) = text.split_once(r#""sid":""#)
                && let Some(id) = rest.get(..20)
                && !self.ids.iter().any(|known| known == id)
            {
                self.ids.push(id.to_owned());
            }
        }
        let received: Vec<Message> = received
            .into_iter()
            .map(|frame| match frame {
                Message::Text(text) => Message::Text(self.masked(&text).into()),
                binary @ Message::Binary(_) => binary,
            })
            .collect();
        let expected: Vec<Message> = expected
            .as_array()
            .unwrap()
            .iter()
            .map(|frame| match wire(frame) {
                Message::Text(text) => {
                    let own = ACKS.iter().find(|(theirs, _)| text == *theirs);
                    Message::Text(own.map_or(text, |(_, ours)| (*ours).into()))
                }
                binary @ Message::Binary(_) => binary,
            })
            .collect();
        assert_eq!(received, expected, "{at}");
    }

    /// What handlers saw. What the reference raises locally about a packet is no event here.
    fn check_events(&self, vector: &Value) {
        let expected: Vec<(String, String, String)> = vector["out"]["server_events"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|event| {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                (text("nsp"), text("event"), text("value"))
            })
            .filter(|(_, event, value)| event != "error" || value.starts_with('"'))
            .collect();
        let own = instead(vector["id"].as_str().unwrap()).and_then(|it| it.events);
        let expected = own.map_or(expected, |events| {
            let text = |(namespace, event, value): &(&str, &str, &str)| {
                ((*namespace).into(), (*event).into(), (*value).into())
            };
            events.iter().map(text).collect()
        });
        let seen = || -> Vec<(String, String, String)> {
            let seen = self.seen.lock().unwrap();
            let masked = seen.events.iter().map(|(namespace, event, value)| {
                (namespace.clone(), event.clone(), self.masked(value))
            });
            masked
                .filter(|(_, event, _)| expected.iter().any(|(_, wanted, _)| wanted == event))
                .collect()
        };
        wait(|| seen().len() >= expected.len());
        assert_eq!(seen(), expected, "{}: events", vector["id"]);
    }

    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (at, id) in self.ids.iter().enumerate() {
            text = text.replace(id.as_str(), &format!("{{id{}}}", at + 1));
        }
        text
    }
}

/// The handlers and middlewares of the recorded server.
fn register(namespace: &Namespace, seen: &Arc<Mutex<Seen>>) {
    let refusal = match namespace.name() {
        "/a" => Some(Refusal::new("not authorized")),
        "/b" => Some(Refusal::new("x").data(sio_tokio::Value::from_iter([("code", 42u64)]))),
        "/c" => Some(Refusal::new("x").data("text")),
        _ => None,
    };
    if let Some(refusal) = refusal {
        namespace.use_(move |_: Socket| Err::<(), _>(refusal.clone()));
    }
    let see = |seen: &Mutex<Seen>, socket: &Socket, event: &str, value: String| {
        let namespace = socket.namespace().name().to_owned();
        seen.lock()
            .unwrap()
            .events
            .push((namespace, event.to_owned(), value));
    };
    let to = seen.clone();
    namespace.on_connect(move |socket: Socket| {
        see(&to, &socket, "connection", socket.id().to_string());
        let error = to.clone();
        socket.on_error(move |socket: Socket, refusal: Refusal| {
            see(&error, &socket, "error", format!("{:?}", refusal.message));
        });
        let handshake = socket.handshake();
        let auth = serde_json::to_string(&handshake.auth).unwrap();
        if auth != "{}" && handshake.revision == Eio::V4 {
            see(&to, &socket, "auth", auth);
        } else if auth != "{}" {
            let query = sio_tokio::Value::from_iter(handshake.query.iter());
            let both = format!(r#"{{"query":{query},"auth":{auth}}}"#);
            see(&to, &socket, "handshake", both);
        }
        let namespace = socket.namespace().name().to_owned();
        let sockets = &mut to.lock().unwrap().sockets;
        match sockets.get(&namespace) {
            Some(first) if first.connected() => {}
            _ => drop(sockets.insert(namespace, socket)),
        }
    });
    let to = seen.clone();
    namespace.on_any(move |socket: Socket, name: EventName, args: Args| {
        see(&to, &socket, &name, args.elements().to_owned());
    });
    let to = seen.clone();
    namespace.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        see(&to, &socket, "disconnect", reason.as_str().to_owned());
    });
    namespace.on("echo", |socket: Socket, args: Args, ack: Ack| {
        let _ = match ack.is_requested() {
            true => ack.send(&args),
            false => socket.emit("echo", &args),
        };
    });
}
