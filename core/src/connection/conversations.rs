//! Connections and their clients, told as conversations.

use super::*;
use crate::engine::{Opened, TransportKind};
use crate::packet::Fault;
use crate::socket;

/// One connection by WebSocket, its open packet sent.
pub(super) struct Talk {
    pub(super) connection: Connection<u64>,
    pub(super) now: Instant,
}

impl Talk {
    pub(super) fn new(config: Config) -> Self {
        let (now, config) = (Instant::ORIGIN, Arc::new(config));
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision: Eio::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let connection = Connection::new(now, session, config);
        let mut talk = Self { connection, now };
        talk.sent();
        talk
    }

    pub(super) fn say(&mut self, text: &str) {
        let frame = Message::Text(text.into());
        self.connection.handle_ws(self.now, frame);
    }

    /// Everything leaves.
    pub(super) fn sent(&mut self) {
        while self.connection.poll_ws().is_some() {}
        self.connection.handle_ws_flushed(self.now);
    }

    pub(super) fn event(&mut self) -> Option<Event<u64>> {
        self.connection.poll_event(self.now)
    }

    /// Enters a namespace.
    pub(super) fn enter(&mut self, connect: &str) -> SocketKey {
        self.say(connect);
        let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = self.event() else {
            panic!("nobody asks");
        };
        let id = SocketId::from_random([1; 15]);
        let socket = self.connection.accept(self.now, ticket, &id).unwrap();
        self.sent();
        socket
    }
}

#[test]
fn nobody_is_asked_for_a_namespace_once_the_server_closes() {
    // What came before, and is looked at behind it.
    let mut talk = Talk::new(Config::v4());
    talk.enter("40");
    talk.say("40/a,");
    talk.say(r#"42["late"]"#);
    talk.connection.shut_down(talk.now);
    talk.say("40/b,");
    let mut told: Vec<_> = std::iter::from_fn(|| talk.event()).collect();
    talk.sent();
    told.extend(std::iter::from_fn(|| talk.event()));
    assert!(
        matches!(
            &told[..],
            [
                Event::Socket(socket::Event::Disconnecting { .. }),
                Event::Socket(socket::Event::Disconnected { .. }),
                Event::Closed { .. }
            ]
        ),
        "{told:?}"
    );
}

/// A client of revision 4 asks for `/` by coming.
#[test]
fn nobody_is_asked_about_one_that_comes_as_the_server_closes() {
    let config = Arc::new(Config::v2());
    let opened = Opened {
        transport: TransportKind::Polling,
        revision: Eio::V3,
        base64: false,
    };
    let now = Instant::ORIGIN;
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::<u64>::new(now, session, config);
    connection.shut_down(now);
    let told = connection.poll_event(now);
    assert!(told.is_none(), "{told:?}");
}

#[test]
fn nothing_is_told_of_what_came_behind_a_broken_rule() {
    // faults: H13
    let mut talk = Talk::new(Config::v4());
    talk.enter("40");
    for text in [r#"42["before"]"#, "4x", r#"42["behind"]"#, "41"] {
        talk.say(text);
    }
    let told: Vec<_> = std::iter::from_fn(|| talk.event()).collect();
    assert!(
        matches!(
            told[..],
            [
                Event::Socket(socket::Event::Message { .. }),
                Event::Socket(socket::Event::Disconnecting { .. }),
                Event::Socket(socket::Event::Disconnected { .. }),
                Event::Closed {
                    reason: CloseReason::ForcedClose,
                    details: Some(Details::Malformed(Fault::Kind)),
                }
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn whoever_was_to_decide_hears_that_it_is_too_late() {
    // faults: H8
    let mut talk = Talk::new(Config::v4());
    talk.say("40");
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = talk.event() else {
        panic!("nobody asks");
    };
    talk.now += Config::v4().middleware_timeout;
    talk.connection.handle_timeout(talk.now);
    let told = talk.event();
    assert!(
        matches!(told, Some(Event::Socket(socket::Event::Undecided { socket })) if socket == ticket.socket()),
        "{told:?}"
    );
}

#[test]
fn what_falls_due_with_the_end_is_not_what_lies_behind_it() {
    // Both are due after 45 s.
    let config = Config::v4();
    let (ping, pong) = (config.ping_interval, config.ping_timeout);
    assert_eq!(config.connect_timeout, ping + pong);
    let mut talk = Talk::new(config);
    for wait in [ping, pong] {
        talk.now += wait;
        talk.connection.handle_timeout(talk.now);
        talk.sent();
    }
    let told: Vec<_> = std::iter::from_fn(|| talk.event()).collect();
    assert!(
        matches!(
            told[..],
            [Event::Closed {
                reason: CloseReason::PingTimeout,
                details: None,
            }]
        ),
        "{told:?}"
    );
}

#[test]
fn who_was_refused_too_often_is_not_heard_of_behind_its_end() {
    let mut talk = Talk::new(Config {
        max_refused_connects: 1,
        ..Config::v4()
    });
    talk.say("40/first,");
    talk.say("40/second,");
    talk.connection.handle_ws_closed(talk.now, WsClosed::Lost);
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = talk.event() else {
        panic!("nobody asks");
    };
    talk.connection
        .reject(talk.now, ticket, &Refusal::new("no"));
    let told = talk.event();
    assert!(
        matches!(
            told,
            Some(Event::Closed {
                reason: CloseReason::TransportClose,
                details: Some(Details::Refused),
            })
        ),
        "{told:?}"
    );
}

#[test]
fn a_session_that_was_plain_until_now_is_read_as_packets() {
    for revision in [Eio::V3, Eio::V4] {
        let (now, config) = (Instant::ORIGIN, Arc::new(Config::v4()));
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision,
            base64: false,
        };
        let sid = Sid::from_random([7; 15]);
        let mut session = Session::new(now, sid, opened, config.clone());
        let said = |text: &str| engine::Event::Message(Message::Text(text.into()));
        for text in ["4first", "40", "40/second"] {
            session.handle_ws(now, Message::Text(text.into()));
        }
        assert_eq!(session.poll_event(), Some(said("first")));
        let Some(engine::Event::Message(unseen)) = session.poll_event() else {
            panic!("nothing is said");
        };
        let sent = session.send(now, Encoded::from(&Message::from("sent")), Flags::default());
        assert_eq!(sent, Sent::Queued);

        let mut connection = Connection::<()>::new(now, session, config);
        connection.handle_message(now, unseen);
        let asked: Vec<_> = std::iter::from_fn(|| match connection.poll_event(now) {
            Some(Event::Socket(socket::Event::Connecting { namespace, .. })) => {
                Some(namespace.to_string())
            }
            other => {
                assert!(other.is_none(), "{other:?}");
                None
            }
        })
        .collect();
        // A client of revision 4 is in `/` without asking, and may ask all the same.
        assert_eq!(asked, ["/", "/second"], "{revision:?}");
        let sent = std::iter::from_fn(|| connection.poll_ws()).count();
        assert_eq!(
            sent, 2,
            "what was queued leaves: the open packet, and a message"
        );
    }
}
