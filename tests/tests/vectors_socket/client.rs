//! Transcripts of clients: what one of JavaScript sent and told, facing a server that says what it is told to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sio_core::client::{
    Auth, Backoff, Config, ConnectError, Connection, Dial, DisconnectReason, Event, Work, WsOut,
};
use sio_core::engine::{Eio, Flags, Message, WsClosed};
use sio_core::id::RequestId;
use sio_core::packet::{self, Args, Map, Part, Value};
use sio_core::protocol::TransportKind;
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

/// What recordings took for granted: some tens of milliseconds pass with each step.
const SLACK: Duration = Duration::from_millis(150);

/// A client, and the server that it faces.
struct Player {
    now: Instant,
    client: Connection<()>,
    socket: SocketKey,
    namespace: String,
    retries: Option<u32>,
    /// Whether it tells more of a connection than that there is one.
    tells_recovery: bool,
    open: String,
    /// The WebSocket, and the requests for one that the server was not told to answer yet.
    websocket: Option<RequestId>,
    asked: VecDeque<(RequestId, String)>,
    opened: usize,
    frames: Vec<Value>,
    closed: Option<u64>,
    events: Vec<Value>,
}

/// Plays a transcript. `Err`: in which step it went another way.
pub(crate) fn replay(vector: &Value, revision: Eio) -> Result<(), String> {
    let mut player = Player::new(&vector["in"], revision);
    let steps = vector["out"]["steps"].as_array().expect("steps");
    for (number, step) in steps.iter().enumerate() {
        player
            .step(step)
            .map_err(|why| format!("step {number} {step}: {why}"))?;
    }
    Ok(())
}

impl Player {
    fn new(given: &Value, revision: Eio) -> Self {
        let namespace = given["namespace"].as_str().expect("a namespace");
        let options = &given["options"];
        let (mut dial, namespace) = Dial::parse(&format!("ws://localhost{namespace}")).unwrap();
        dial = dial.transports([TransportKind::WebSocket]);
        for (key, value) in options["query"].as_object().into_iter().flat_map(Map::iter) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            dial = dial.query(key, &text);
        }
        let mut config = match revision {
            Eio::V3 => Config::v2(),
            Eio::V4 => Config::v4(),
        };
        let ms = |name: &str| options[name].as_u64().map(Duration::from_millis);
        config.ack_timeout = ms("ackTimeout").unwrap_or(config.ack_timeout);
        config.reconnection = ms("reconnectionDelay").map(|delay| {
            let mut backoff = Backoff::new(delay, delay);
            backoff.jitter = 0;
            backoff
        });
        let auth = match &options["auth"] {
            Value::Null => Auth::None,
            auth => Auth::Value(auth.clone()),
        };
        let mut client = Connection::new(Arc::new(config), dial, [1; 16]).unwrap();
        let socket = client.socket(&namespace, auth).expect("there is room");
        let engine = &given["engine_open"];
        let (interval, timeout) = (&engine["pingInterval"], &engine["pingTimeout"]);
        Self {
            now: Instant::ORIGIN,
            client,
            socket,
            namespace: namespace.to_string(),
            retries: options["retries"].as_u64().map(|it| it as u32),
            tells_recovery: options["reconnection"].as_bool() == Some(true),
            open: format!(
                r#"0{{"sid":"engine","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout}}}"#
            ),
            websocket: None,
            asked: VecDeque::new(),
            opened: 0,
            frames: Vec::new(),
            closed: None,
            events: Vec::new(),
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        match step["op"].as_str().expect("an operation") {
            "client" => self.act(step["do"].as_str().expect("what it does")),
            "server_sends_engine_open" => {
                self.carry_out();
                let (id, url) = self.asked.pop_front().ok_or("it does not dial")?;
                if step["url"].as_str() != Some(&*url) {
                    return Err(format!("dials {url}"));
                }
                self.accept(id);
            }
            "server_sends" => {
                let id = self.websocket.ok_or("there is no WebSocket")?;
                let frame = &step["frame"];
                let frame = match frame["text"].as_str() {
                    Some(text) => Message::Text(text.into()),
                    None => Message::Binary(bytes(frame["bin"].as_str().expect("bytes")).into()),
                };
                self.client.handle_ws(self.now, id, frame);
                self.carry_out();
            }
            "server_drops_connection" => {
                let id = self.websocket.take().ok_or("there is no WebSocket")?;
                self.closed = Some(1006);
                self.client.handle_ws_closed(self.now, id, WsClosed::Lost);
                self.carry_out();
            }
            "wait_ms" => {
                let wait = Duration::from_millis(step["ms"].as_u64().expect("a time"));
                self.wait(wait, |_| false);
            }
            "client_sent" => {
                let frames = step["frames"].as_array().expect("frames");
                let closed = step["closed"].as_u64();
                self.wait(SLACK, |it| {
                    it.frames.len() >= frames.len() && it.closed == closed
                });
                let (sent, end) = (std::mem::take(&mut self.frames), self.closed.take());
                if sent != frames || end != closed {
                    return Err(format!("sent {}, closed by {end:?}", Value::from(sent)));
                }
            }
            "client_events" => {
                let events = step["events"].as_array().expect("events");
                self.wait(SLACK, |it| it.events.len() >= events.len());
                let told = std::mem::take(&mut self.events);
                if !told.iter().eq(events) {
                    return Err(format!("told {}", Value::from(told)));
                }
            }
            other => return Err(format!("nobody knows {other}")),
        }
        Ok(())
    }

    /// Lets time pass, until something is there or so much of it is over.
    fn wait(&mut self, wait: Duration, is_there: impl Fn(&Self) -> bool) {
        let end = self.now + wait;
        self.carry_out();
        while !is_there(self) {
            match self.client.poll_timeout().filter(|due| due.at <= end) {
                Some(due) => {
                    self.now = self.now.max(due.at);
                    self.client.handle_timeout(self.now);
                    self.carry_out();
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
    }

    fn accept(&mut self, id: RequestId) {
        self.opened += 1;
        self.websocket = Some(id);
        self.client.handle_ws_open(self.now, id, Ok(()));
        let open = Message::Text((&*self.open).into());
        self.client.handle_ws(self.now, id, open);
        self.carry_out();
    }

    fn act(&mut self, what: &str) {
        let now = self.now;
        match what {
            "disconnect()" => self.client.leave(now, self.socket),
            _ if what.starts_with("open ") => self.client.open(now, self.socket),
            _ if what.starts_with("volatile.emit(\"v\")") => {
                let volatile = Flags {
                    volatile: true,
                    ..Flags::default()
                };
                let packet = packet::event(&self.namespace, None, "v", &()).unwrap();
                let _ = self.client.emit(now, self.socket, packet, volatile);
            }
            "timeout(60).emit(\"q\",ack)" => {
                self.ask("q", Some(Duration::from_millis(60)));
            }
            "emit(\"q\",ack)" | "emit(\"q\",ack) with ackTimeout" => self.ask("q", None),
            "emit(\"a\",ack)" => self.repeat("a", "[]"),
            "emit(\"a\"); emit(\"b\")" => {
                self.repeat("a", "[1]");
                self.repeat("b", "[2]");
            }
            "emit(\"bin\",<01 02>)" => {
                let data = Value::Binary(vec![1, 2].into());
                self.emit("bin", Args::from_arguments(&(data,)).unwrap());
            }
            other => {
                let inner = other
                    .strip_prefix("emit(")
                    .and_then(|it| it.strip_suffix(')'));
                let inner = inner.unwrap_or_else(|| panic!("nobody knows {other}"));
                let all = Args::from_json(&format!("[{inner}]"), vec![]).unwrap();
                let name: String = all.get(0).unwrap();
                self.emit(&name, all.behind(1));
            }
        }
        self.carry_out();
    }

    fn emit(&mut self, name: &str, args: Args) {
        let packet = packet::event(&self.namespace, None, name, &args).unwrap();
        let _ = self
            .client
            .emit(self.now, self.socket, packet, Flags::default());
    }

    fn ask(&mut self, name: &str, timeout: Option<Duration>) {
        let id = self.client.draw_ack_id(self.socket).unwrap();
        let packet = packet::event(&self.namespace, Some(id), name, &()).unwrap();
        let flags = Flags::default();
        self.client
            .request(self.now, self.socket, id, packet, flags, (), timeout)
            .unwrap();
    }

    fn repeat(&mut self, name: &str, args: &str) {
        let retries = self.retries.expect("the option");
        let args = Args::from_json(args, vec![]).unwrap();
        self.client
            .retry(self.now, self.socket, name.into(), &args, retries, ())
            .unwrap();
    }

    /// Does all that the client wants done; pongs and writing take no time.
    fn carry_out(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.client.poll_event() {
                idle = false;
                self.hear(event);
            }
            while let Some(work) = self.client.poll_work() {
                idle = false;
                match work {
                    Work::OpenWebSocket { id, request } if self.opened == 0 => {
                        let url = request.uri().path_and_query().unwrap().to_string();
                        self.asked.push_back((id, url));
                    }
                    // Only the first dial is a step of its own.
                    Work::OpenWebSocket { id, .. } => self.accept(id),
                    other => panic!("only WebSockets are used here: {other:?}"),
                }
            }
            if let Some(id) = self.websocket
                && let Some(out) = self.client.poll_ws(id)
            {
                idle = false;
                match out {
                    WsOut::Frame { head, part, .. } => self.frames.push(sent(head, &part)),
                    WsOut::Ping => self.client.handle_ws_pong(self.now, id),
                    WsOut::Close(code) => {
                        self.closed = Some(code.map_or(1005, u64::from));
                        self.websocket = None;
                    }
                }
                self.client.handle_ws_flushed(self.now, id);
            }
            if idle {
                return;
            }
        }
    }

    fn hear(&mut self, event: Event<()>) {
        let told = |members: Vec<(&str, Value)>| members.into_iter().collect::<Value>();
        match event {
            Event::Connected { id, recovered, .. } => {
                self.events.push(told(vec![("event", "connect".into())]));
                if self.tells_recovery {
                    self.events.push(told(vec![
                        ("event", "connected".into()),
                        ("recovered", recovered.into()),
                        ("id", id.as_str().into()),
                    ]));
                }
            }
            Event::Message {
                name, args, ack, ..
            } => {
                let values = args.values().unwrap().into_iter().map(shown).collect();
                let mut all = vec![
                    ("event", Value::from(&*name)),
                    ("args", Value::Array(values)),
                ];
                if let Some(ack) = ack {
                    all.push(("wants_ack", true.into()));
                    let packet = packet::ack(&self.namespace, ack.id(), "yes").unwrap();
                    let _ = self.client.respond(self.now, &ack, packet);
                }
                self.events.push(told(all));
            }
            Event::Acked { answer, .. } => {
                let mut all = vec![("event", Value::from("ack"))];
                match answer {
                    Ok(args) => all.push(("args", args.values().unwrap().into())),
                    Err(why) => {
                        all.push(("error", why.to_string().into()));
                        if self.retries.is_none() {
                            all.push(("args", Value::Array(Vec::new())));
                        }
                    }
                }
                self.events.push(told(all));
            }
            Event::Disconnected { reason, .. } => self.events.push(told(vec![
                ("event", "disconnect".into()),
                ("value", DisconnectReason::as_str(reason).into()),
            ])),
            Event::ConnectError { error, active, .. } => self.events.push(refused(error, active)),
            _ => {}
        }
    }
}

/// A refusal: in revision 4 an `error` with whatever the server says, and the socket goes on asking.
fn refused(error: ConnectError, active: bool) -> Value {
    let told = |members: Vec<(&str, Value)>| members.into_iter().collect::<Value>();
    match error {
        ConnectError::Refused(refusal) if active => told(vec![
            ("event", "error".into()),
            ("value", refusal.data.unwrap_or(refusal.message.into())),
        ]),
        ConnectError::Refused(refusal) => {
            let mut all = vec![
                ("event", "connect_error".into()),
                ("value", Value::from(refusal.message)),
            ];
            all.extend(refusal.data.map(|data| ("data", data)));
            told(all)
        }
        ConnectError::OldServer => told(vec![
            ("event", "connect_error".into()),
            ("value", OLD_SERVER.into()),
        ]),
        other => told(vec![
            ("event", "connect_error".into()),
            ("value", other.to_string().into()),
        ]),
    }
}

/// The reference's words for it.
const OLD_SERVER: &str = "It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client, but they are not compatible (more information here: https://socket.io/docs/v3/migrating-from-2-x-to-3-0/)";

fn sent(head: &[u8], part: &Part) -> Value {
    match part {
        Part::Text(text) => {
            let text = std::str::from_utf8(text).unwrap();
            Value::from_iter([("text", text)])
        }
        Part::Binary(bytes) => {
            let all = head.iter().chain(bytes);
            let hex: String = all.map(|byte| format!("{byte:02x}")).collect();
            Value::from_iter([("bin", hex)])
        }
    }
}

/// A value as the vectors write it.
fn shown(value: Value) -> Value {
    match value {
        Value::Binary(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Value::from_iter([("$bin", hex)])
        }
        other => other,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
