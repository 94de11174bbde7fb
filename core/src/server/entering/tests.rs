//! Children of parents, as their clients come and go.

use std::time::Duration;

use crate::config::Config;
use crate::engine::{Message, WsOut};
use crate::id::{HashKey, SocketId};
use crate::namespaces::ParentKey;
use crate::packet::Part;
use crate::server::bytes::Bytes;
use crate::server::http::Request;
use crate::server::{ConnectionKey, Event, NamingTicket, Server, Socket, Upgraded};
use crate::socket::{ConnectTicket, Refusal};
use crate::time::Instant;

struct World {
    server: Server<()>,
    now: Instant,
    clients: u8,
    rooms: ParentKey,
    asked: ParentKey,
    /// What was told besides what stands below, in words.
    told: Vec<String>,
    tickets: Vec<(ConnectionKey, ConnectTicket)>,
    named: Vec<NamingTicket>,
}

impl World {
    fn new(config: Config) -> Self {
        let mut server = Server::new(config, HashKey([1, 2])).unwrap();
        server.open_namespace("/");
        let rooms = server.open_parent(Some("/room/{id}".parse().unwrap()));
        let asked = server.open_parent(None);
        Self {
            server,
            now: Instant::ORIGIN,
            clients: 0,
            rooms,
            asked,
            told: Vec::new(),
            tickets: Vec::new(),
            named: Vec::new(),
        }
    }

    fn client(&mut self) -> ConnectionKey {
        let request = Request::get("/socket.io/?EIO=4&transport=websocket")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(Bytes::new())
            .unwrap();
        self.clients += 1;
        let head = request.into_parts().0;
        let upgraded = self
            .server
            .handle_upgrade(self.now, &head, [self.clients; 15]);
        let Upgraded::Attached { connection, .. } = upgraded else {
            panic!("{upgraded:?}");
        };
        self.sent(connection);
        connection
    }

    /// A client says something. What it is answered by then.
    fn say(&mut self, client: ConnectionKey, text: &'static str) -> Vec<String> {
        self.server
            .handle_ws(self.now, client, Message::Text(text.into()));
        self.events();
        self.sent(client)
    }

    fn events(&mut self) {
        while let Some(event) = self.server.poll_event(self.now) {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event<()>) {
        match event {
            Event::Naming { ticket, .. } => self.named.push(ticket),
            Event::Connecting {
                connection,
                ticket,
                namespace,
                is_new,
                ..
            } => {
                let new = if is_new { "new " } else { "" };
                self.told.push(format!("{new}{namespace}"));
                self.tickets.push((connection, ticket));
            }
            Event::Disconnecting { socket, reason } => {
                let rooms = self.server.rooms_of(socket).len();
                self.told.push(format!("{reason}, in {rooms}"));
            }
            Event::Undecided { .. } => self.told.push("undecided".to_owned()),
            Event::Message { .. }
            | Event::Error { .. }
            | Event::Acked { .. }
            | Event::Disconnected { .. }
            | Event::Upgraded { .. }
            | Event::Handshake { .. }
            | Event::HandshakeOver { .. }
            | Event::Expired { .. }
            | Event::Closed { .. } => {}
        }
    }

    fn accept(&mut self) -> Option<Socket> {
        let (connection, ticket) = self.tickets.remove(0);
        let id = SocketId::from_random([9; 15]);
        self.server.accept(self.now, connection, ticket, id)
    }

    fn sent(&mut self, client: ConnectionKey) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(out) = self.server.poll_ws(client) {
            if let WsOut::Frame {
                part: Part::Text(text),
                ..
            } = out
            {
                sent.push(String::from_utf8(text.to_vec()).unwrap());
            }
        }
        self.server.handle_ws_flushed(self.now, client);
        sent
    }

    fn names(&self) -> Vec<String> {
        self.server.namespaces().map(str::to_owned).collect()
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

const CONNECTED: &str = r#"40/room/7,{"sid":"CQkJCQkJCQkJCQkJCQkJ"}"#;

#[test]
fn a_child_comes_with_its_first_client_and_goes_with_its_last() {
    let mut world = World::new(Config::v4());
    let (ann, bob) = (world.client(), world.client());
    world.say(ann, "40/room/7,");
    assert_eq!(world.told(), ["new /room/7"]);
    assert_eq!(
        world.server.parameters("/room/7").unwrap().get("id"),
        Some("7")
    );
    world.say(bob, "40/room/7,");
    assert_eq!(world.told(), ["/room/7"]);
    let socket = world.accept().unwrap();
    assert_eq!(world.sent(ann), [CONNECTED]);
    assert_eq!(world.server.namespace(socket), Some("/room/7"));
    let children: Vec<_> = world.server.children(world.rooms).collect();
    assert_eq!(children, ["/room/7"]);
    // Bob is a guest still, though he is not in it.
    world.say(ann, "41/room/7,");
    assert_eq!(world.told(), ["client namespace disconnect, in 1"]);
    assert_eq!(world.names(), ["/", "/room/7"]);
    let (connection, ticket) = world.tickets.remove(0);
    let no = Refusal::new("no");
    world.server.reject(world.now, connection, ticket, &no);
    assert_eq!(world.sent(bob), [r#"44/room/7,{"message":"no"}"#]);
    assert_eq!(world.names(), ["/"]);
}

#[test]
fn a_child_goes_with_a_client_over_which_nobody_decided_or_that_is_lost() {
    let mut world = World::new(Config::v4());
    let (ann, bob) = (world.client(), world.client());
    world.say(ann, "40/room/1,");
    world.say(bob, "40/room/2,");
    let lost = crate::engine::WsClosed::Lost;
    world.server.handle_ws_closed(world.now, bob, lost);
    world.events();
    assert_eq!(world.names(), ["/", "/room/1"]);
    world.now += Duration::from_secs(31);
    world.server.handle_timeout(world.now);
    world.events();
    assert_eq!(world.told(), ["new /room/1", "new /room/2", "undecided"]);
    assert_eq!(world.names(), ["/"]);
    assert!(world.accept().is_none() && world.accept().is_none());
    assert_eq!(world.names(), ["/"]);
}

#[test]
fn a_parent_without_a_pattern_is_asked() {
    let mut world = World::new(Config::v4());
    let ann = world.client();
    assert_eq!(world.say(ann, r#"40/x,{"a":1}"#), [""; 0]);
    let ticket = world.named.remove(0);
    assert_eq!((ticket.connection(), ticket.namespace()), (ann, "/x"));
    assert_eq!((ticket.auth(), ticket.query()), (Some(r#"{"a":1}"#), None));
    let event = world.server.allow(world.now, ticket).unwrap();
    world.event(event);
    assert!(world.accept().is_some());
    assert_eq!(world.told(), ["new /x"]);
    let asked = world.asked;
    assert_eq!(world.server.children(asked).collect::<Vec<_>>(), ["/x"]);
    world.sent(ann);

    world.say(ann, "40/y,");
    let ticket = world.named.remove(0);
    assert!(world.server.deny(world.now, ticket).is_none());
    let invalid = r#"44/y,{"message":"Invalid namespace"}"#;
    assert_eq!(world.sent(ann), [invalid]);

    // Too late.
    world.say(ann, "40/z,");
    world.now += Duration::from_secs(31);
    world.server.handle_timeout(world.now);
    world.events();
    let ticket = world.named.remove(0);
    let late = ticket.for_clone();
    assert!(world.server.allow(world.now, ticket).is_none());
    let sent = world.sent(ann);
    assert!(sent.iter().any(|it| it.starts_with("44/z,")), "{sent:?}");
    assert!(world.server.deny(world.now, late).is_none());
    assert_eq!(world.sent(ann), [""; 0], "it was turned away before");
    assert_eq!(world.names(), ["/", "/x"]);
}

#[test]
fn past_the_bounds_there_is_no_such_namespace() {
    let config = Config::v4().max_child_namespaces(2);
    let mut world = World::new(config.max_child_namespaces_per_connection(1));
    let (ann, bob, eve) = (world.client(), world.client(), world.client());
    world.say(ann, "40/room/1,");
    let invalid = |name: &str| [format!(r#"44{name},{{"message":"Invalid namespace"}}"#)];
    assert_eq!(world.say(ann, "40/room/2,"), invalid("/room/2"));
    world.say(bob, "40/room/2,");
    assert_eq!(world.say(eve, "40/room/3,"), invalid("/room/3"));
    // No parent is asked for what may not be, and what is there can be entered.
    assert_eq!(world.say(eve, "40/x,"), invalid("/x"));
    world.say(eve, "40/room/1,");
    assert_eq!(world.told(), ["new /room/1", "new /room/2", "/room/1"]);
    // The bound was reached while the parent was asked.
    let mut world = World::new(Config::v4().max_child_namespaces(1));
    let (ann, bob) = (world.client(), world.client());
    world.say(ann, "40/x,");
    world.say(bob, "40/room/1,");
    let ticket = world.named.remove(0);
    assert!(world.server.allow(world.now, ticket).is_none());
    assert_eq!(world.sent(ann), invalid("/x"));
}

#[test]
fn those_inside_hear_why_their_namespace_is_gone() {
    let mut world = World::new(Config::v4());
    let (ann, bob) = (world.client(), world.client());
    world.say(ann, "40/room/7,");
    let socket = world.accept().unwrap();
    world.server.join(socket, "r").unwrap();
    world.say(bob, "40/room/7,");
    assert!(world.server.remove_namespace(world.now, "/room/7"));
    assert!(!world.server.remove_namespace(world.now, "/room/7"));
    assert_eq!(world.names(), ["/"]);
    world.events();
    let told = ["new /room/7", "/room/7", "namespace removed, in 2"];
    assert_eq!(world.told(), told);
    assert_eq!(world.sent(ann), [CONNECTED, "41/room/7,"]);
    // Who was to enter it does not, nor into the next one of its name.
    world.say(ann, "40/room/7,");
    assert_eq!(world.told(), ["new /room/7"]);
    assert!(world.accept().is_none());
    let invalid = r#"44/room/7,{"message":"Invalid namespace"}"#;
    assert_eq!(world.sent(bob), [invalid]);
    assert!(world.accept().is_some());
    assert!(world.server.remove_namespace(world.now, "/"));
}

#[test]
fn the_same_is_decided_in_a_clone_of_the_server() {
    let mut world = World::new(Config::v4());
    let ann = world.client();
    world.say(ann, r#"40/x,{"a":1}"#);
    let ticket = world.named.remove(0);
    let mut clone = World {
        server: world.server.clone(),
        now: world.now,
        clients: world.clients,
        rooms: world.rooms,
        asked: world.asked,
        told: Vec::new(),
        tickets: Vec::new(),
        named: Vec::new(),
    };
    let same = ticket.for_clone();
    for (world, ticket) in [(&mut world, ticket), (&mut clone, same)] {
        let its = (ticket.connection(), ticket.namespace(), ticket.auth());
        assert_eq!(its, (ann, "/x", Some(r#"{"a":1}"#)));
        let event = world.server.allow(world.now, ticket).unwrap();
        world.event(event);
        assert!(world.accept().is_some());
        let asked = world.asked;
        assert_eq!(world.server.children(asked).collect::<Vec<_>>(), ["/x"]);
        assert_eq!(world.sent(ann), [r#"40/x,{"sid":"CQkJCQkJCQkJCQkJCQkJ"}"#]);
    }
}
