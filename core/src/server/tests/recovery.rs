//! Clients by WebSocket that are cut off and come back.

use super::*;
use crate::config::ConnectionStateRecovery;
use crate::engine::{Flags, Sent, WsOut};
use crate::packet::Part;
use crate::recovery::{Claim, Expiry, Unrestored};
use crate::rooms::Target;

struct World {
    server: Server<()>,
    now: Instant,
    drawn: u8,
    told: Vec<String>,
}

/// What a client has of its session.
#[derive(Clone, Debug)]
struct Known {
    connection: ConnectionKey,
    socket: Socket,
    sid: String,
    pid: String,
}

impl World {
    fn new(config: Config) -> Self {
        let options = ConnectionStateRecovery::default();
        Self {
            server: server(config.connection_state_recovery(options)),
            now: NOW,
            drawn: 0,
            told: Vec::new(),
        }
    }

    /// A client asks for `/`, and what it is sent comes back, if its connection has it.
    fn come(&mut self, connect: &str) -> (Known, Vec<String>) {
        self.drawn += 1;
        let connection = knock(&mut self.server, self.drawn).unwrap();
        let frame = Message::Text(connect.into());
        self.server.handle_ws(self.now, connection, frame);
        let socket = self.decide(connection);
        let sent = self.sent(connection);
        let words: Vec<_> = sent.last().unwrap().split('"').collect();
        let known = Known {
            connection,
            socket,
            sid: words[3].to_owned(),
            pid: words
                .get(7)
                .map(|pid| (*pid).to_owned())
                .unwrap_or_default(),
        };
        (known, sent)
    }

    fn decide(&mut self, connection: ConnectionKey) -> Socket {
        let mut socket = None;
        while let Some(event) = self.server.poll_event(self.now) {
            match event {
                Event::Connecting { ticket, auth, .. } => {
                    let claim = auth.as_deref().and_then(Claim::of);
                    let ticket = match claim {
                        None => ticket,
                        Some(claim) => match self.recover(connection, ticket, &claim) {
                            Ok(back) => {
                                socket = Some(back);
                                continue;
                            }
                            Err(ticket) => ticket,
                        },
                    };
                    let id = SocketId::from_random([self.drawn; 15]);
                    let random = [self.drawn.wrapping_add(100); 15];
                    socket = self
                        .server
                        .accept_recoverable(self.now, connection, ticket, id, random);
                }
                Event::Disconnected { reason, .. } => self.told.push(reason.to_string()),
                Event::Expired { why, .. } => self.told.push(format!("{why:?}")),
                Event::Closed { .. } | Event::Disconnecting { .. } => {}
                other @ (Event::Handshake { .. }
                | Event::HandshakeOver { .. }
                | Event::Naming { .. }
                | Event::Undecided { .. }
                | Event::Message { .. }
                | Event::Error { .. }
                | Event::Acked { .. }
                | Event::Upgraded { .. }) => panic!("{other:?}"),
            }
        }
        socket.unwrap()
    }

    fn recover(
        &mut self,
        connection: ConnectionKey,
        ticket: crate::socket::ConnectTicket,
        claim: &Claim,
    ) -> Result<Socket, crate::socket::ConnectTicket> {
        match self.server.recover(self.now, connection, ticket, claim) {
            Ok(back) => {
                self.told.push("recovered".to_owned());
                Ok(back.unwrap().socket)
            }
            Err((why, ticket)) => {
                self.told.push(format!("{why:?}"));
                Err(ticket)
            }
        }
    }

    fn sent(&mut self, connection: ConnectionKey) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(out) = self.server.poll_ws(connection) {
            if let WsOut::Frame {
                part: Part::Text(text),
                ..
            } = out
            {
                all.push(String::from_utf8(text.to_vec()).unwrap());
            }
        }
        self.server.handle_ws_flushed(self.now, connection);
        all
    }

    fn cut(&mut self, connection: ConnectionKey) {
        self.server
            .handle_ws_closed(self.now, connection, WsClosed::Closed);
        self.told();
    }

    fn told(&mut self) -> Vec<String> {
        while let Some(event) = self.server.poll_event(self.now) {
            match event {
                Event::Disconnected { reason, .. } => self.told.push(reason.to_string()),
                Event::Expired { why, .. } => self.told.push(format!("{why:?}")),
                Event::Closed { .. } | Event::Disconnecting { .. } | Event::Undecided { .. } => {}
                other @ (Event::Handshake { .. }
                | Event::HandshakeOver { .. }
                | Event::Naming { .. }
                | Event::Connecting { .. }
                | Event::Message { .. }
                | Event::Error { .. }
                | Event::Acked { .. }
                | Event::Upgraded { .. }) => panic!("{other:?}"),
            }
        }
        while let Some(connection) = self.server.poll_writable() {
            while self.server.poll_ws(connection).is_some() {}
        }
        self.told.clone()
    }

    fn emit(&mut self, name: &str, flags: Flags) {
        let target = Target::default();
        self.server
            .emit_to(self.now, "/", &target, name, &(), flags)
            .unwrap();
    }

    fn say(&mut self, to: Socket, name: &str) {
        let _ = self
            .server
            .emit(self.now, to, name, &1, Flags::default())
            .unwrap();
    }
}

/// The name of an event, and the offset in it.
fn read(text: &str) -> (String, String) {
    let words: Vec<_> = text.split('"').collect();
    (words[1].to_owned(), words[words.len() - 2].to_owned())
}

fn claims(known: &Known, offset: &str) -> String {
    format!(r#"40{{"pid":"{}","offset":"{offset}"}}"#, known.pid)
}

#[test]
fn what_was_missed_comes_before_connect() {
    let mut world = World::new(Config::v4());
    let (ann, sent) = world.come("40");
    assert_eq!(sent.len(), 1);
    assert!(ann.sid != ann.pid && ann.pid.len() == 20, "{sent:?}");
    world.server.join(ann.socket, "x").unwrap();
    world.emit("1", Flags::default());
    let (name, offset) = read(&world.sent(ann.connection)[0]);
    assert_eq!(name, "1");
    world.say(ann.socket, "2");
    world.cut(ann.connection);
    assert_eq!(world.told(), ["transport close"]);
    world.emit("3", Flags::default());
    let (back, sent) = world.come(&claims(&ann, &offset));
    let names: Vec<_> = sent[..2].iter().map(|text| read(text).0).collect();
    assert_eq!(names, ["2", "3"]);
    assert_eq!(sent.len(), 3);
    assert!(sent[2].starts_with("40{\"sid\""));
    assert_eq!((&back.sid, &back.pid), (&ann.sid, &ann.pid));
    assert_eq!(world.server.rooms_of(back.socket), [&*ann.sid, "x"]);
    let figures = world.server.recovery_figures("/").unwrap();
    assert_eq!((figures.recovered, figures.here, figures.away), (1, 1, 0));
}

#[test]
fn who_has_left_its_own_room_does_not_come_back_to_it() {
    for leaves in [false, true] {
        let mut world = World::new(Config::v4());
        let (ann, _) = world.come("40");
        world.server.join(ann.socket, "x").unwrap();
        if leaves {
            assert!(world.server.leave(ann.socket, &ann.sid));
        }
        world.say(ann.socket, "1");
        let (_, offset) = read(&world.sent(ann.connection)[0]);
        world.cut(ann.connection);
        let (back, _) = world.come(&claims(&ann, &offset));
        assert_eq!(back.sid, ann.sid);
        let rooms = world.server.rooms_of(back.socket);
        assert_eq!(rooms, [&*ann.sid, "x"][usize::from(leaves)..]);
    }
}

#[test]
fn each_emit_to_one_has_an_offset_of_its_own() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    for name in ["1", "2", "3"] {
        world.say(ann.socket, name);
    }
    let sent = world.sent(ann.connection);
    let [first, second, third] = [0, 1, 2].map(|at| read(&sent[at]).1);
    assert_ne!(first, second);
    // What is not kept has that of what was before it.
    let volatile = Flags {
        volatile: true,
        ..Flags::default()
    };
    let said = world.server.emit(NOW, ann.socket, "4", &1, volatile);
    assert_eq!(said.unwrap(), Sent::Queued);
    assert_eq!(read(&world.sent(ann.connection)[0]).1, third);
    world.cut(ann.connection);
    let (_, sent) = world.come(&claims(&ann, &second));
    assert_eq!((sent.len(), read(&sent[0]).0), (2, "3".to_owned()));
}

#[test]
fn a_session_expires_however_late_that_is_looked_at() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.cut(ann.connection);
    world.server.handle_ws_gone(ann.connection);
    let due = world.server.poll_timeout().unwrap();
    assert_eq!(due.why, Why::Recovery);
    world.now = due.at + Duration::from_secs(60);
    world.server.handle_timeout(world.now);
    assert_eq!(world.told().last().unwrap(), "Late");
    assert_eq!(world.server.poll_timeout(), None);
}

#[test]
fn what_is_not_kept_moves_no_client_away_from_its_place() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.emit("1", Flags::default());
    world.emit(
        "2",
        Flags {
            volatile: true,
            ..Flags::default()
        },
    );
    let sent = world.sent(ann.connection);
    // It is dropped, or tells the same place.
    let last = read(sent.last().unwrap());
    world.emit(
        "3",
        Flags {
            volatile: true,
            ..Flags::default()
        },
    );
    let sent = world.sent(ann.connection);
    assert_eq!(read(&sent[0]), ("3".to_owned(), last.1.clone()));
    world.cut(ann.connection);
    let (_, sent) = world.come(&claims(&ann, &last.1));
    assert_eq!(sent.len(), 1, "nothing was missed: {sent:?}");
}

#[test]
fn a_connection_that_hangs_gives_way_to_the_next_one() {
    let mut world = World::new(Config::v4());
    let (mut ann, _) = world.come("40");
    for _ in 0..3 {
        world.emit("seen", Flags::default());
        let (_, offset) = read(&world.sent(ann.connection)[0]);
        world.say(ann.socket, "missed");
        let (next, sent) = world.come(&claims(&ann, &offset));
        assert_eq!(read(&sent[0]).0, "missed");
        assert_eq!((&next.sid, sent.len()), (&ann.sid, 2));
        ann = next;
        assert_eq!(world.told(), ["recovered", "recovered elsewhere"]);
        world.told.clear();
        assert_eq!(world.server.connections(), 1);
    }
}

#[test]
fn nobody_comes_back_by_what_is_used_or_made_up() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.emit("1", Flags::default());
    let (_, offset) = read(&world.sent(ann.connection)[0]);
    world.cut(ann.connection);
    world.come(&claims(&ann, &offset));
    for (connect, why) in [
        (claims(&ann, &offset), Unrestored::Used),
        (claims(&ann, "hello"), Unrestored::Unknown),
        (
            format!(r#"40{{"pid":"x","offset":"{offset}"}}"#),
            Unrestored::Unknown,
        ),
    ] {
        let (other, sent) = world.come(&connect);
        assert_eq!(sent.len(), 1);
        assert!(other.sid != ann.sid && other.pid != ann.pid);
        assert_eq!(world.told.last().unwrap(), &format!("{why:?}"));
    }
    assert_eq!(world.server.connections(), 4);
}

#[test]
fn a_session_expires_by_the_one_deadline() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.emit("1", Flags::default());
    world.cut(ann.connection);
    assert_eq!(world.server.connections(), 0);
    while let Some(due) = world.server.poll_timeout() {
        assert!(due.at > world.now);
        world.now = due.at;
        world.server.handle_timeout(world.now);
    }
    let late = format!("{:?}", Expiry::Late);
    assert_eq!(world.told(), ["transport close", &late]);
    assert_eq!(world.now, NOW + Duration::from_secs(120));
}

#[test]
fn clients_of_revision_4_are_told_no_private_id_and_no_offset_of_their_own() {
    let mut world = World::new(Config::v4().allow_eio3(true));
    let request = Request::get("/socket.io/?EIO=3&transport=websocket")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    let upgraded = world
        .server
        .handle_upgrade(NOW, &request.into_parts().0, [77; 15]);
    let Upgraded::Attached { connection, .. } = upgraded else {
        panic!("it is let in")
    };
    let socket = world.decide(connection);
    world.say(socket, "e");
    let sent = world.sent(connection);
    assert_eq!(sent[1..], ["40", r#"42["e",1]"#]);
    let figures = world.server.recovery_figures("/").unwrap();
    assert_eq!((figures.here, figures.packets), (0, 0));
}

#[test]
fn a_child_stays_for_those_that_may_come_back() {
    let mut world = World::new(Config::v4());
    world
        .server
        .open_parent(Some("/room/{id}".parse().unwrap()));
    let (ann, _) = world.come("40/room/7,");
    let target = Target::default();
    let flags = Flags::default();
    let emit = |world: &mut World| {
        let sent = world
            .server
            .emit_to(world.now, "/room/7", &target, "e", &(), flags);
        sent.unwrap()
    };
    emit(&mut world);
    let (_, offset) = read(&world.sent(ann.connection)[0]);
    world.cut(ann.connection);
    assert_eq!(world.server.namespaces().count(), 2, "it is awaited");
    emit(&mut world);
    let claim = claims(&ann, &offset).replacen("40", "40/room/7,", 1);
    let (back, sent) = world.come(&claim);
    assert_eq!((&back.sid, sent.len()), (&ann.sid, 2));
    world.cut(back.connection);
    while let Some(due) = world.server.poll_timeout() {
        world.now = due.at;
        world.server.handle_timeout(world.now);
    }
    let told = world.told();
    assert_eq!(told.last().unwrap(), &format!("{:?}", Expiry::Late));
    let names: Vec<_> = world.server.namespaces().collect();
    assert_eq!(names, ["/"], "nobody will come back");
}

#[test]
fn a_session_that_expires_is_told_of_though_the_last_one_leaves_with_it() {
    let mut world = World::new(Config::v4());
    world
        .server
        .open_parent(Some("/room/{id}".parse().unwrap()));
    let (ann, _) = world.come("40/room/7,");
    let (bob, _) = world.come("40/room/7,");
    world.cut(ann.connection);
    world.now += Duration::from_secs(120);
    world.server.handle_timeout(world.now);
    let leaves = Message::Text("41/room/7,".into());
    world.server.handle_ws(world.now, bob.connection, leaves);
    let late = format!("{:?}", Expiry::Late);
    assert_eq!(
        world.told(),
        ["transport close", "client namespace disconnect", &late]
    );
    let names: Vec<_> = world.server.namespaces().collect();
    assert_eq!(names, ["/"]);
}

#[test]
fn one_that_is_gone_before_it_is_let_in_uses_nothing_up() {
    for is_cut in [false, true] {
        for (is_late, is_told) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut world = World::new(Config::v4());
            let (ann, _) = world.come("40");
            world.emit("1", Flags::default());
            let (_, offset) = read(&world.sent(ann.connection)[0]);
            world.emit("2", Flags::default());
            if is_cut {
                world.cut(ann.connection);
            }
            world.drawn += 1;
            let next = knock(&mut world.server, world.drawn).unwrap();
            let claims = claims(&ann, &offset);
            let frame = Message::Text(claims.clone().into());
            world.server.handle_ws(world.now, next, frame);
            let Some(Event::Connecting { ticket, auth, .. }) = world.server.poll_event(world.now)
            else {
                panic!("it asks");
            };
            let claim = auth.as_deref().and_then(Claim::of).unwrap();
            if is_late {
                // Of its connection nothing is polled behind this.
                world.now += Config::v4().middleware_timeout;
                world.server.handle_timeout(world.now);
            } else {
                let cause = WsClosed::Closed;
                world.server.handle_ws_closed(world.now, next, cause);
            }
            if is_told {
                world.told();
            }
            let back = world.server.recover(world.now, next, ticket, &claim);
            assert!(matches!(back, Ok(None)), "{back:?}");
            let figures = world.server.recovery_figures("/").unwrap();
            assert_eq!(figures.away, usize::from(is_cut));
            world.told();
            let (back, sent) = world.come(&claims);
            assert_eq!(
                (&back.sid, sent.len()),
                (&ann.sid, 2),
                "{is_cut}, {is_late}, {is_told}"
            );
        }
    }
}

#[test]
fn an_emit_looks_at_no_other_namespace() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    // Whoever looks at all finds that nothing is due then.
    let early = Deadline::new(NOW, Why::Recovery);
    world.server.recovery_due = Some(early);
    world.emit("1", Flags::default());
    world.say(ann.socket, "2");
    assert_eq!(world.server.poll_timeout(), Some(early));
    world.server.handle_timeout(NOW);
    let due = NOW + Duration::from_secs(120 + 45);
    assert_eq!(
        world.server.recovery_due,
        Some(Deadline::new(due, Why::Recovery))
    );
}

#[test]
fn a_poll_looks_at_no_namespace_without_news() {
    let mut world = World::new(Config::v4());
    for n in 0..10 {
        world.server.open_namespace(&format!("/{n}"));
    }
    let (ann, _) = world.come("40");
    let news = |world: &World| {
        world
            .server
            .recovery_news
            .iter()
            .copied()
            .collect::<Vec<_>>()
    };
    assert!(world.server.poll_event(NOW).is_none());
    assert_eq!(news(&world), []);
    let main = world.server.namespaces.find("/").unwrap();
    world.emit("1", Flags::default());
    assert_eq!(news(&world), [main]);
    assert!(world.server.poll_event(NOW).is_none());
    assert_eq!(news(&world), []);

    // It has left, and does not come back.
    world
        .server
        .handle_ws_closed(NOW, ann.connection, WsClosed::Lost);
    while world.server.poll_event(NOW).is_some() {
        assert!(news(&world).iter().all(|its| *its == main));
    }
    assert_eq!(news(&world), []);
    let due = world.server.recovery_due.unwrap().at;
    world.server.handle_timeout(due);
    let told = world.server.poll_event(due);
    assert!(matches!(told, Some(Event::Expired { .. })), "{told:?}");
    assert!(world.server.poll_event(due).is_none());
    assert_eq!(news(&world), []);
}

#[test]
fn who_has_left_a_room_misses_nothing_there() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.emit("1", Flags::default());
    let (_, offset) = read(&world.sent(ann.connection)[0]);
    world.server.join(ann.socket, "x").unwrap();
    assert!(world.server.leave(ann.socket, "x"));
    world.cut(ann.connection);
    for room in ["x", &ann.sid] {
        let target = Target::from([room]);
        let told = world
            .server
            .emit_to(NOW, "/", &target, room, &(), Flags::default());
        assert_eq!(told, Ok(0));
    }
    let (_, sent) = world.come(&claims(&ann, &offset));
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(read(&sent[0]).0, ann.sid);
}

#[test]
fn what_is_said_to_a_socket_that_is_gone_is_said_to_nobody() {
    let mut world = World::new(Config::v4());
    let (ann, _) = world.come("40");
    world.cut(ann.connection);
    let sent = world
        .server
        .emit(NOW, ann.socket, "late", &(), Flags::default());
    assert_eq!(sent, Ok(crate::engine::Sent::Closed));
    assert_eq!(world.server.recovery_figures("/").unwrap().packets, 0);
    assert_eq!(world.server.recovery_figures("/elsewhere"), None);
}
