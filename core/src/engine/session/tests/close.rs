//! Closes that the server asks for.

use super::*;

#[test]
fn a_close_answers_the_poll_that_waits() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    talk.close(Close::Flush);
    assert_eq!(talk.answer(poll), "200 1");
    talk.closed(CloseReason::ForcedClose);
}

/// As one that comes behind the close is.
#[test]
fn a_post_on_its_way_to_a_close_is_ignored_and_not_refused() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    let post = talk.post_begun();
    talk.close(Close::Flush);
    assert_eq!(talk.answer(poll), "200 1");
    assert_eq!(talk.answer(post), "200 ok");
    talk.post_end(post, Ok("4ignored"));
    talk.closed(CloseReason::ForcedClose);

    let mut talk = Talk::polling(Config::v4());
    let post = talk.post_begun();
    talk.pass(ms(25_000));
    talk.pass(ms(20_000));
    assert_eq!(talk.answer(post), "400");
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn a_close_waits_for_the_next_poll() {
    let mut talk = Talk::polling(Config::v4());
    assert_eq!(talk.send("last"), Sent::Queued);
    talk.close(Close::Flush);
    assert_eq!(talk.send("late"), Sent::Closed);
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
    let post = talk.post("4ignored");
    assert_eq!(talk.events(), []);
    assert_eq!(talk.answer(post), "200 ok");
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 4last");
    assert_eq!(talk.events(), []);
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 6\u{1e}1");
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_close_that_nobody_fetches_is_carried_out_in_the_end() {
    let mut talk = Talk::polling(Config::v4());
    talk.close(Close::Flush);
    talk.pass(ms(29_999));
    assert!(!talk.session.is_closed());
    talk.pass(ms(1));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_client_that_is_gone_is_not_waited_for() {
    let mut talk = Talk::polling(Config {
        ping_interval: ms(200),
        ping_timeout: ms(100),
        ..Config::v4()
    });
    talk.close(Close::Flush);
    talk.pass(ms(200));
    talk.pass(ms(99));
    assert!(!talk.session.is_closed());
    talk.pass(ms(1));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn what_waits_in_the_same_turn_leaves_before_the_close() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    assert_eq!(talk.send("bye"), Sent::Queued);
    talk.close(Close::Flush);
    assert_eq!(talk.answer(poll), "200 4bye");
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 6\u{1e}1");
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_websocket_is_drained_before_it_is_closed() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("last"), Sent::Queued);
    talk.close(Close::Flush);
    assert_eq!(talk.due(), Some((Why::Close, ms(5_000))));
    assert_eq!(talk.frame(), "4last");
    talk.no_frame();
    talk.flushed();
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_websocket_that_does_not_drain_is_dropped() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("last"), Sent::Queued);
    talk.close(Close::Flush);
    talk.pass(ms(5_000));
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn nothing_waits_when_the_rest_is_discarded() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("lost"), Sent::Queued);
    talk.close(Close::Discard);
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::ForcedClose);

    let mut talk = Talk::polling(Config::v4());
    talk.close(Close::Discard);
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_closing_session_may_still_go_over_to_its_websocket() {
    let mut talk = Talk::probed();
    assert_eq!(talk.send("last"), Sent::Queued);
    talk.close(Close::Flush);
    talk.ws("5");
    assert_eq!(talk.frame(), "4last");
    talk.flushed();
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_candidate_ends_with_its_session() {
    let mut talk = Talk::probed();
    talk.close(Close::Discard);
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.no_frame();
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn the_layer_above_may_end_it() {
    let mut talk = Talk::websocket(Config::v4());
    talk.session.fail(talk.now, CloseReason::ParseError);
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::ParseError);
}

#[test]
fn a_server_that_shuts_down_waits_for_nobody_long() {
    let mut talk = Talk::polling(Config::v4());
    talk.close(Close::Flush);
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
    talk.session.shut_down(talk.now);
    assert_eq!(talk.due(), Some((Why::Close, ms(5_000))));
    talk.close(Close::Flush);
    assert_eq!(talk.due(), Some((Why::Close, ms(5_000))));
    talk.pass(ms(5_000));
    talk.closed(CloseReason::ForcedClose);
}

#[test]
fn a_client_that_says_goodbye_to_a_close_was_closed() {
    let mut talk = Talk::polling(Config::v4());
    talk.close(Close::Flush);
    talk.post("1");
    assert_eq!(talk.events(), [over(CloseReason::ForcedClose, None)]);

    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.send("last"), Sent::Queued);
    talk.close(Close::Flush);
    talk.session.handle_ws_closed(talk.now, WsClosed::Closed);
    talk.closed(CloseReason::ForcedClose);
}
