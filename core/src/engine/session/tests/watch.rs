//! Waiting until what was sent has left, and packets that are told of.

use super::*;
use crate::engine::{Packet, Seen};

const LATEST: Flags = Flags {
    volatile: true,
    compress: true,
    latest: true,
    policy: None,
};

fn seen(talk: &mut Talk) -> Vec<Seen> {
    std::iter::from_fn(|| talk.session.poll_seen()).collect()
}

fn message(text: &str) -> Packet {
    Packet::Message(Message::from(text))
}

#[test]
fn what_was_sent_has_left_once_it_is_flushed() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.session.follow(), Some(0), "nothing waits");
    assert!(!talk.session.is_observed());
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    assert_eq!(talk.session.follow(), Some(1));
    assert_eq!(talk.frame(), "4a");
    assert_eq!(talk.session.follow(), Some(1));
    assert_eq!(talk.session.reached(), 0, "handed out, and not flushed");
    // What comes behind does not leave in front of the news.
    assert_eq!(talk.send("b"), Sent::Queued);
    assert!(!talk.session.is_clear());
    talk.no_frame();
    assert_eq!(talk.session.follow(), Some(2));
    talk.flushed();
    assert_eq!(talk.session.reached(), 1);
    assert_eq!(talk.frame(), "4b");
    talk.flushed();
    assert_eq!(talk.session.reached(), 2);
    assert!(talk.session.is_clear());
    assert_eq!(talk.session.follow(), Some(0), "and anew");
    assert_eq!(talk.send("c"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    talk.close(Close::Discard);
    talk.flushed();
    assert_eq!((talk.session.reached(), talk.session.follow()), (0, None));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_close_that_waits_for_what_is_queued_tells_that_it_has_left() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    talk.close(Close::Flush);
    assert_eq!(talk.frame(), "4a");
    talk.flushed();
    assert_eq!(talk.session.reached(), 1);
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_poll_takes_all_with_it() {
    let mut talk = Talk::polling(Config::v4());
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    assert_eq!(talk.send("b"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(2));
    assert_eq!(talk.session.reached(), 0);
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 4a\u{1e}4b");
    assert_eq!(talk.session.reached(), 2);
}

#[test]
fn what_is_queued_goes_over_with_its_client() {
    let mut talk = Talk::probed();
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    talk.ws("5");
    assert_eq!(talk.frame(), "4a");
    assert_eq!(talk.session.reached(), 0);
    talk.flushed();
    assert_eq!(talk.session.reached(), 1);
}

#[test]
fn packets_that_give_way_are_not_waited_for() {
    let mut config = Config::v4();
    config.max_backlog_packets = 3;
    config.backlog_policy = BacklogPolicy::DropVolatile;
    let mut talk = Talk::websocket(config);
    let latest = |name: &str| text(name).named("/", name);
    assert_eq!(talk.send("a"), Sent::Queued);
    // Each in the place of the last: what was asked for before and after is the same then.
    for number in 1..=1_000 {
        let sent = talk.session.send(talk.now, latest("x"), LATEST);
        assert_eq!(sent, Sent::Queued);
        assert_eq!(talk.session.follow(), Some(number));
        assert!(talk.session.watch.as_ref().unwrap().ahead.len() <= 2);
    }
    // One makes room for what comes behind the point.
    assert_eq!([talk.send("b"), talk.send("c")], [Sent::Queued; 2]);
    assert_eq!(talk.frame(), "4a");
    talk.no_frame();
    talk.flushed();
    assert_eq!(talk.session.reached(), 1_000);
    assert_eq!([talk.frame(), talk.frame()], ["4b", "4c"]);
}

/// Nothing is handed out that could be flushed: all before the point has given way.
#[test]
fn a_point_with_nothing_before_it_holds_nothing_up() {
    let mut talk = Talk::probed();
    let latest = |talk: &mut Talk, text: &'static str| {
        let packet = Encoded::text(text.into(), Vec::new());
        talk.session.send(talk.now, packet.named("/", "x"), LATEST)
    };
    assert_eq!(latest(&mut talk, "42[\"x\",1]"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    assert_eq!(latest(&mut talk, "42[\"x\",2]"), Sent::Queued);
    talk.ws("5");
    assert_eq!(talk.frame(), "42[\"x\",2]");
    assert_eq!(talk.session.reached(), 1);
}

#[test]
fn packets_are_told_of_from_when_it_is_asked() {
    let mut talk = Talk::polling(Config::v4());
    talk.post("4unseen");
    talk.events();
    assert_eq!(seen(&mut talk), []);
    talk.session.observe();
    talk.post("4a\u{1e}bAQI=");
    assert_eq!(talk.events().len(), 2);
    let packet = Encoded::text("451-[\"x\"]".into(), vec![Bytes::from_static(b"y")]);
    let sent = talk.session.send(talk.now, packet, Flags::default());
    assert_eq!(sent, Sent::Queued);
    let bytes = |bytes: &'static [u8]| Packet::Message(Message::Binary(bytes.into()));
    assert_eq!(
        seen(&mut talk),
        [
            Seen::Received(message("a")),
            Seen::Received(bytes(b"\x01\x02")),
            Seen::Created(message("51-[\"x\"]")),
            Seen::Created(bytes(b"y")),
        ]
    );
    assert!(talk.open_ws());
    talk.ws("2probe");
    talk.ws("5");
    assert_eq!(seen(&mut talk), [Seen::Upgrading]);
    talk.pass(ms(25_000));
    talk.ws("3");
    assert_eq!(
        seen(&mut talk),
        [
            Seen::Created(Packet::Ping("".into())),
            Seen::Received(Packet::Pong("".into())),
        ]
    );
    assert!(!talk.session.is_clear(), "none goes past it");
}

#[test]
fn pings_of_clients_and_their_answers_are_packets() {
    let mut talk = Talk::new(WEBSOCKET_3, Config::default());
    talk.session.observe();
    talk.ws("2");
    assert_eq!(
        seen(&mut talk),
        [
            Seen::Received(Packet::Ping("".into())),
            Seen::Created(Packet::Pong("".into())),
        ]
    );
}

#[test]
fn no_more_packets_are_kept_than_may_wait() {
    for over in [0, 1] {
        let mut config = Config::v4();
        config.max_backlog_packets = 3;
        let mut talk = Talk::websocket(config);
        talk.session.observe();
        for _ in 0..3 + over {
            talk.ws("4a");
        }
        assert_eq!(talk.events().len(), 3 + over);
        assert_eq!(seen(&mut talk).len(), 3);
    }
}

#[test]
fn nothing_passes_the_queue_of_a_session_that_is_observed() {
    let mut talk = Talk::websocket(Config::v4());
    assert!(!talk.session.is_observed() && talk.session.is_clear());
    talk.session.observe();
    assert!(talk.session.is_observed() && !talk.session.is_clear());
}

#[test]
fn a_session_that_is_observed_is_not_held_up() {
    let mut talk = Talk::websocket(Config::v4());
    talk.session.observe();
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.send("b"), Sent::Queued);
    assert_eq!([talk.frame(), talk.frame()], ["4a", "4b"]);
}

#[test]
fn nothing_is_followed_once_a_session_is_over() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(talk.session.follow(), Some(1));
    talk.close(Close::Discard);
    assert!(talk.session.is_observed());
    assert_eq!(talk.session.reached(), 0);
    assert!(!talk.session.is_observed());
}
