//! Transcripts of raw WebSocket clients, replayed against the machines under a virtual clock.

use std::collections::BTreeMap;
use std::time::Duration;

use sio_core::config::Config;
use sio_core::engine::{Eio, Flags, Message, Query, WsOut};
use sio_core::id::{HashKey, SocketId};
use sio_core::packet::{self, Args, Part, Value};
use sio_core::rooms::Target;
use sio_core::server::{ConnectionKey, Event, Server, Socket, Upgraded};
use sio_core::socket::Refusal;
use sio_core::time::Instant;

use super::codec::same;
use super::data::frame;
use super::instead::{instead, open_packet};

/// A server with the handlers that the transcripts were recorded with, and its clients.
struct World {
    server: Server<()>,
    now: Instant,
    setup: String,
    clients: BTreeMap<String, Client>,
    /// Sockets by client and namespace.
    sockets: BTreeMap<(ConnectionKey, String), Socket>,
    /// The query of the latest handshake.
    query: Query,
    /// The namespace of each socket, for what is said after it has gone.
    namespaces: BTreeMap<Socket, String>,
    /// What handlers saw: namespace, event, value.
    seen: Vec<(String, String, String)>,
    /// What stands for `{id1}`, `{id2}`, ..
    ids: Vec<String>,
    drawn: u8,
    next_ack: u64,
}

struct Client {
    connection: ConnectionKey,
    closed: bool,
    received: Vec<Message>,
}

pub(crate) fn replay(vector: &Value, revision: Eio) -> Result<(), String> {
    let mut world = World::new(vector, revision);
    let instead = instead(vector["id"].as_str().unwrap());
    let mut steps = vector["out"]["steps"].as_array().unwrap().to_vec();
    if let Some(last) = instead.and_then(|it| it.last) {
        let last = Args::from_json(&format!("[{last}]"), vec![]).unwrap();
        steps.pop();
        steps.push(last.get(0).unwrap());
    }
    for (at, step) in steps.iter().enumerate() {
        world
            .step(step)
            .map_err(|why| format!("step {at} ({}): {why}", step["op"]))?;
    }
    let mut expected: Vec<(String, String, String)> = vector["out"]["server_events"]
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            (text("nsp"), text("event"), text("value"))
        })
        // What the reference raises locally about a packet, we report as `Malformed`, before the end.
        .filter(|(_, event, value)| event != "error" || value.starts_with('"'))
        .collect();
    if let Some(events) = instead.and_then(|it| it.events) {
        let own = |(namespace, event, value): &(&str, &str, &str)| {
            ((*namespace).into(), (*event).into(), (*value).into())
        };
        expected = events.iter().map(own).collect();
    }
    let seen: Vec<(String, String, String)> = world
        .seen
        .iter()
        .map(|(namespace, event, value)| (namespace.clone(), event.clone(), world.masked(value)))
        .filter(|(_, event, _)| expected.iter().any(|(_, wanted, _)| wanted == event))
        .collect();
    same(&seen, &expected)
}

impl World {
    fn new(vector: &Value, revision: Eio) -> Self {
        let mut config = Config::v4();
        config.allow_eio3 = revision == Eio::V3;
        let server = vector["in"]["server"].as_str().unwrap();
        config.invalid_namespace_as_object = server.starts_with("socket.io@4");
        if let Some(ms) = vector["in"]["server_options"]["connectTimeout"].as_u64() {
            config.connect_timeout = Duration::from_millis(ms);
        }
        let mut server = Server::new(config, HashKey([3, 4])).unwrap();
        for name in ["/", "/admin", "/n", "/a", "/b", "/c"] {
            server.open_namespace(name);
        }
        Self {
            server,
            now: Instant::ORIGIN,
            setup: vector["in"]["server_setup"].as_str().unwrap().to_owned(),
            clients: BTreeMap::new(),
            sockets: BTreeMap::new(),
            query: Query::default(),
            namespaces: BTreeMap::new(),
            seen: Vec::new(),
            ids: Vec::new(),
            drawn: 0,
            next_ack: 0,
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        let name = step["as"].as_str().unwrap_or_default().to_owned();
        match step["op"].as_str().unwrap() {
            "open" => {
                let path = step["path"].as_str().unwrap();
                let random = self.random();
                let head = http::Request::get(path)
                    .header("connection", "Upgrade")
                    .header("upgrade", "websocket")
                    .header("sec-websocket-version", "13")
                    .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                    .body(())
                    .unwrap()
                    .into_parts()
                    .0;
                self.query = Query::parse(head.uri.query().unwrap_or_default()).unwrap();
                let upgraded = self.server.handle_upgrade(self.now, &head, random);
                let Upgraded::Attached { connection, .. } = upgraded else {
                    return Err(format!("not let in: {upgraded:?}"));
                };
                let client = Client {
                    connection,
                    closed: false,
                    received: Vec::new(),
                };
                self.clients.insert(name.clone(), client);
                self.drive();
                let open = match frame(&step["engine_open"]) {
                    Message::Text(text) => Message::Text(open_packet(&text).into()),
                    binary @ Message::Binary(_) => binary,
                };
                // What else was said by then is looked at in the next step.
                let mut got = self.received(&name);
                let rest = got.split_off(got.len().min(1));
                self.clients.get_mut(&name).expect("it is open").received = rest;
                self.compare(&got, &[open])
            }
            "send" => {
                let connection = self.clients[&name].connection;
                let frame = frame(&step["frame"]);
                self.server.handle_ws(self.now, connection, frame);
                self.drive();
                Ok(())
            }
            "recv" => {
                let expected: Vec<Message> = step["frames"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(frame)
                    .collect();
                let got = self.received(&name);
                self.compare(&got, &expected)?;
                same(
                    &self.clients[&name].closed,
                    &step["closed"].as_u64().is_some(),
                )
            }
            "wait_ms" => {
                self.now += Duration::from_millis(step["ms"].as_u64().unwrap());
                self.server.handle_timeout(self.now);
                self.drive();
                Ok(())
            }
            "server" => {
                self.serve(step["do"].as_str().unwrap())?;
                self.drive();
                Ok(())
            }
            other => Err(format!("an operation nobody knows: {other}")),
        }
    }

    /// What the server's application did at this point of the recording.
    fn serve(&mut self, what: &str) -> Result<(), String> {
        let c = self.clients["c"].connection;
        let now = self.now;
        match what {
            "emit a(ack), emit b(ack) on the socket" => {
                let socket = self.sockets[&(c, "/".to_owned())];
                for (name, args) in [("a", vec![]), ("b", vec![Value::from(1u64)])] {
                    let args = super::data::arguments(&args);
                    let packet = packet::event("/", Some(self.next_ack), name, &args).unwrap();
                    self.server
                        .request(now, socket, self.next_ack, packet, (), None)
                        .map_err(|(error, ())| error.to_string())?;
                    self.next_ack += 1;
                }
            }
            "socket(/n).disconnect()" => {
                let socket = self.sockets[&(c, "/n".to_owned())];
                self.server.disconnect(now, socket, false);
            }
            "socket(/).disconnect(true)" => {
                let socket = self.sockets[&(c, "/".to_owned())];
                self.server.disconnect(now, socket, true);
            }
            "io.close()" => self.server.shut_down(now),
            "c joins r1; io.to(r1).emit(m,1); io.emit(all); c.broadcast.emit(others); c.to(r1).emit(self-excluded)" =>
            {
                let socket = self.sockets[&(c, "/".to_owned())];
                self.server.join(socket, "r1").unwrap();
                let skip = self.server.member(socket);
                let all = Target::default();
                let room: Target = ["r1"].into();
                let others = Target {
                    skip,
                    ..all.clone()
                };
                let room_others = Target {
                    skip,
                    ..room.clone()
                };
                for (target, name, args) in [
                    (&room, "m", "[1]"),
                    (&all, "all", "[]"),
                    (&others, "others", "[]"),
                    (&room_others, "self-excluded", "[]"),
                ] {
                    let args = Args::from_json(args, vec![]).unwrap();
                    let packet = packet::event("/", None, name, &args).unwrap();
                    self.server
                        .broadcast(now, "/", target, &packet, Flags::default());
                }
            }
            other => return Err(format!("the server does what nobody knows: {other}")),
        }
        Ok(())
    }

    /// Runs handlers and WebSockets until nothing is left to do.
    fn drive(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.server.poll_event(self.now) {
                idle = false;
                self.handle(event);
            }
            assert!(self.server.poll_http().is_none(), "nobody polls here");
            while let Some(connection) = self.server.poll_writable() {
                let mut wrote = false;
                while let Some(out) = self.server.poll_ws(connection) {
                    idle = false;
                    wrote = true;
                    let client = self
                        .clients
                        .values_mut()
                        .find(|client| client.connection == connection)
                        .expect("every connection was opened by a client");
                    match out {
                        WsOut::Frame {
                            part: Part::Text(text),
                            head,
                            ..
                        } => {
                            let message = bytes::Bytes::from([head, &text].concat());
                            client
                                .received
                                .push(Message::Text(message.try_into().unwrap()));
                        }
                        WsOut::Frame {
                            part: Part::Binary(bytes),
                            head,
                            ..
                        } => {
                            let message = [head, &bytes].concat();
                            client.received.push(Message::Binary(message.into()));
                        }
                        WsOut::Close { .. } => client.closed = true,
                    }
                }
                if wrote {
                    self.server.handle_ws_flushed(self.now, connection);
                }
            }
            if idle {
                break;
            }
        }
    }

    /// The handlers: echo, and the middlewares of the set-up.
    fn handle(&mut self, event: Event<()>) {
        let now = self.now;
        match event {
            Event::Connecting {
                connection,
                ticket,
                namespace,
                auth,
                query,
                is_new: _,
            } => {
                if let Some(refusal) = self.refusal(&namespace) {
                    return self.server.reject(now, connection, ticket, &refusal);
                }
                let id = SocketId::from_random(self.random());
                let socket = self.server.accept(now, connection, ticket, id).unwrap();
                self.sockets
                    .insert((connection, (*namespace).to_owned()), socket);
                self.namespaces.insert(socket, (*namespace).to_owned());
                let id = self.server.rooms_of(socket)[0].to_owned();
                self.see(socket, "connection", &id);
                if let Some(query) = query {
                    let query = Value::from_iter(self.query.overlaid(&query).iter());
                    let auth = auth.unwrap_or_else(|| "{}".into());
                    let value = format!(r#"{{"query":{query},"auth":{auth}}}"#);
                    self.see(socket, "handshake", &value);
                } else if let Some(auth) = auth {
                    self.see(socket, "auth", &auth);
                }
            }
            Event::Error { socket, payload } => {
                self.see(socket, "error", &payload.unwrap_or_default());
            }
            Event::Message {
                socket,
                namespace,
                name,
                args,
                ack,
            } => {
                self.see(socket, &name, args.elements());
                if &*name != "echo" {
                    return;
                }
                let sent = match ack {
                    Some(ack) => {
                        let packet = packet::ack(&namespace, ack.id(), &args).unwrap();
                        self.server.respond(now, socket, ack, packet)
                    }
                    None => {
                        let packet = packet::event(&namespace, None, "echo", &args).unwrap();
                        self.server.deliver(now, socket, packet, Flags::default())
                    }
                };
                assert_eq!(sent, sio_core::engine::Sent::Queued);
            }
            Event::Disconnected { socket, reason } => {
                self.see(socket, "disconnect", reason.as_str());
            }
            _ => {}
        }
    }

    fn refusal(&self, namespace: &str) -> Option<Refusal> {
        match namespace {
            "/a" => Some(Refusal::new("not authorized")),
            "/b" => Some(Refusal::new("x").data(Value::from_iter([("code", 42u64)]))),
            "/c" => Some(Refusal::new("x").data("text")),
            "/admin" if !self.setup.contains("/admin") => Some(Refusal::invalid_namespace()),
            "/n" if !self.setup.contains("/n") => Some(Refusal::invalid_namespace()),
            _ => None,
        }
    }

    fn see(&mut self, socket: Socket, event: &str, value: &str) {
        let namespace = self.namespaces[&socket].clone();
        self.seen
            .push((namespace, event.to_owned(), value.to_owned()));
    }

    fn received(&mut self, name: &str) -> Vec<Message> {
        let client = self.clients.get_mut(name).expect("it was opened");
        std::mem::take(&mut client.received)
    }

    /// Compares what was received; ids are numbered in the order in which they appear.
    fn compare(&mut self, got: &[Message], expected: &[Message]) -> Result<(), String> {
        for frame in got {
            if let Message::Text(text) = frame {
                let id = text
                    .split_once(r#""sid":""#)
                    .and_then(|(_, rest)| rest.get(..20));
                if let Some(id) = id
                    && !self.ids.iter().any(|known| known == id)
                {
                    self.ids.push(id.to_owned());
                }
            }
        }
        let got: Vec<Message> = got
            .iter()
            .map(|frame| match frame {
                Message::Text(text) => Message::Text(self.masked(text).into()),
                Message::Binary(bytes) => Message::Binary(bytes.clone()),
            })
            .collect();
        same(&got, &expected.to_vec())
    }

    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (at, id) in self.ids.iter().enumerate() {
            text = text.replace(id.as_str(), &format!("{{id{}}}", at + 1));
        }
        text
    }

    fn random(&mut self) -> [u8; 15] {
        self.drawn += 1;
        [self.drawn; 15]
    }
}
