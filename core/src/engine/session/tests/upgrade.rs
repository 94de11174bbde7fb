//! From polling to WebSocket.

use super::*;

#[test]
fn a_client_goes_over_to_websocket() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    assert!(talk.open_ws());
    talk.ws("2probe");
    assert_eq!(talk.frame(), "3probe");
    assert_eq!(talk.answer(poll), "200 6");
    assert_eq!(talk.send("a"), Sent::Queued);
    talk.no_frame();
    talk.ws("5");
    assert_eq!(talk.events(), [Event::Upgraded]);
    assert_eq!(talk.send("b"), Sent::Queued);
    assert_eq!([talk.frame(), talk.frame()], ["4a", "4b"]);
    assert_eq!(talk.session.transport(), TransportKind::WebSocket);
}

#[test]
fn a_probe_and_an_upgrade_in_one_breath() {
    let mut talk = Talk::polling(Config::v4());
    assert_eq!(talk.send("a"), Sent::Queued);
    assert!(talk.open_ws());
    talk.ws("2probe");
    talk.ws("5");
    talk.ws("4hi");
    assert_eq!(talk.events(), [Event::Upgraded, said("hi")]);
    assert_eq!([talk.frame(), talk.frame()], ["3probe", "4a"]);
}

#[test]
fn polls_are_freed_at_once_and_then_ten_times_a_second() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    assert!(talk.open_ws());
    talk.ws("2probe");
    assert_eq!(talk.answer(poll), "200 6");
    talk.pass(ms(10));
    let poll = talk.get();
    talk.no_answer();
    assert_eq!(talk.due(), Some((Why::Noop, ms(100))));
    // Neither does probing again free it sooner.
    talk.ws("2probe");
    talk.no_answer();
    talk.pass(ms(90));
    assert_eq!(talk.answer(poll), "200 6");
    // One that comes later than that is freed as it comes.
    talk.pass(ms(300));
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 6");
    let poll = talk.get();
    talk.no_answer();
    talk.pass(ms(100));
    assert_eq!(talk.answer(poll), "200 6");
}

#[test]
fn a_poll_that_waits_still_gets_data() {
    let mut talk = Talk::probed();
    let poll = talk.get();
    assert_eq!(talk.send("live"), Sent::Queued);
    assert_eq!(talk.answer(poll), "200 4live");
    let id = talk.post("4up");
    assert_eq!(talk.events(), [said("up")]);
    assert_eq!(talk.answer(id), "200 ok");
}

#[test]
fn every_probe_is_answered() {
    let mut talk = Talk::probed();
    talk.ws("2probe");
    talk.ws("2probe");
    assert_eq!([talk.frame(), talk.frame()], ["3probe", "3probe"]);
    talk.no_frame();
}

#[test]
fn requests_that_are_open_when_the_client_goes_over_are_answered() {
    let mut talk = Talk::probed();
    let get = talk.get();
    let post = talk.post_begun();
    talk.ws("5");
    assert_eq!(talk.answer(get), "200 1");
    assert!(talk.answer(post).starts_with("400 {\"code\":3,"));
    talk.post_end(post, Ok("4late"));
    talk.no_answer();
    assert_eq!(talk.events(), [Event::Upgraded]);
}

#[test]
fn what_was_posted_before_comes_before() {
    let mut talk = Talk::probed();
    let post = talk.post("4a\u{1e}4b");
    assert_eq!(talk.session.poll_event(), Some(said("a")));
    talk.ws("5");
    talk.ws("4c");
    assert_eq!(talk.events(), [said("b"), Event::Upgraded, said("c")]);
    assert_eq!(talk.answer(post), "200 ok");
}

#[test]
fn an_upgrade_needs_no_probe() {
    // faults: F3
    for word in ["5", "52", "5probe"] {
        let mut talk = Talk::polling(Config::v4());
        let poll = talk.get();
        assert_eq!(talk.send("a"), Sent::Queued);
        assert_eq!(talk.answer(poll), "200 4a");
        let poll = talk.get();
        assert!(talk.open_ws());
        talk.ws(word);
        talk.ws("4hi");
        assert_eq!(talk.events(), [Event::Upgraded, said("hi")], "{word}");
        assert_eq!(talk.answer(poll), "200 1");
        assert_eq!(talk.send("b"), Sent::Queued);
        assert_eq!(talk.frame(), "4b");
    }
}

#[test]
fn a_candidate_that_misbehaves_goes_alone() {
    for frames in [
        &["4hi"] as &[&str],
        &["2"],
        &["2x"],
        &["3probe"],
        &["6"],
        &["1"],
        &["garbage"],
        &[""],
        &["2probe", "4hi"],
        &["2probe", "2"],
    ] {
        let mut talk = Talk::polling(Config::v4());
        let poll = talk.get();
        assert!(talk.open_ws());
        for frame in frames {
            talk.ws(frame);
        }
        assert_eq!(
            talk.session.poll_ws(),
            Some(WsOut::Close(None)),
            "{frames:?}"
        );
        talk.no_frame();
        assert!(talk.session.is_open());
        if frames.len() == 1 {
            assert_eq!(talk.send("on"), Sent::Queued);
            assert_eq!(talk.answer(poll), "200 4on");
        }
        assert!(talk.open_ws(), "another attempt is allowed");
    }
}

#[test]
fn a_candidate_is_dropped_silently_when_it_leaves_or_sends_too_much() {
    let mut talk = Talk::polling(Config::v4().max_http_buffer_size(8));
    assert!(talk.open_ws());
    talk.session.handle_ws_closed(talk.now, WsClosed::Violation);
    talk.no_frame();
    assert!(talk.open_ws());
    talk.ws("4much too much");
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(Some(1009))));
    assert!(talk.session.is_open());
    assert_eq!(talk.events(), []);
}

#[test]
fn a_silent_candidate_is_closed_in_time() {
    let mut talk = Talk::probed();
    talk.pass(ms(9_999));
    talk.no_frame();
    talk.pass(ms(1));
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    assert!(talk.session.is_open());
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
}

#[test]
fn there_is_one_candidate_at_a_time() {
    let mut talk = Talk::probed();
    assert!(!talk.open_ws());
    talk.ws("4wrong");
    // The slot is free when the other end of it is known to be closing.
    assert!(!talk.open_ws());
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    assert!(talk.open_ws());
    talk.ws("2probe");
    talk.ws("5");
    assert!(!talk.open_ws());
}

#[test]
fn upgrades_can_be_forbidden() {
    let mut config = Config::v4();
    config.allow_upgrades = false;
    let mut talk = Talk::polling(config);
    assert!(!talk.open_ws());
}

#[test]
fn a_poll_that_was_answered_is_not_to_be_freed() {
    let mut talk = Talk::probed();
    let id = talk.get();
    assert_eq!(talk.send("x"), Sent::Queued);
    let due = |talk: &Talk| talk.session.poll_timeout().map(|due| due.why);
    assert_eq!(due(&talk), Some(Why::Noop));
    // Whatever request is dropped, what was sent before that leaves with the poll.
    let other = talk.id();
    talk.session.handle_aborted(talk.now, other);
    assert_eq!(due(&talk), Some(Why::Upgrade));
    assert_eq!(talk.answer(id), "200 4x");
}

#[test]
fn what_can_be_gone_over_to_is_said_at_the_beginning() {
    let upgrades = |change: fn(&mut Config)| {
        let mut config = Config::v4();
        change(&mut config);
        let mut talk = Talk::new(POLLING, config);
        let id = talk.get();
        let open = talk.answer(id);
        let (_, behind) = open.split_once("\"upgrades\":").unwrap();
        behind.split_once(',').unwrap().0.to_owned()
    };
    assert_eq!(upgrades(|_| {}), "[\"websocket\"]");
    assert_eq!(upgrades(|config| config.allow_upgrades = false), "[]");
    assert_eq!(upgrades(|config| config.transports.websocket = false), "[]");
}
