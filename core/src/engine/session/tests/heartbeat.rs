//! Signs of life.

use super::*;

#[test]
fn pings_keep_their_times() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
    talk.pass(ms(25_000));
    assert_eq!(talk.frame(), "2");
    talk.flushed();
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_000))));
    talk.pass(ms(3_000));
    talk.ws("3");
    assert_eq!(talk.due(), Some((Why::Ping, ms(53_000))));
    talk.pass(ms(44_999));
    assert_eq!(talk.frame(), "2");
    talk.flushed();
    assert!(talk.session.is_open());
    talk.pass(ms(1));
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn the_latest_round_trip_is_known() {
    let mut talk = Talk::websocket(Config::v4());
    talk.pass(ms(25_000));
    assert_eq!(talk.session.round_trip(), None);
    talk.frame();
    talk.pass(ms(3_000));
    talk.ws("3");
    let known = (talk.start + ms(28_000), ms(3_000));
    assert_eq!(talk.session.round_trip(), Some(known));
}

#[test]
fn a_timer_that_is_a_little_late_does_not_shift_the_next() {
    let mut talk = Talk::websocket(Config::v4());
    talk.session.handle_timeout(talk.start + ms(25_050));
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_000))));

    let mut talk = Talk::websocket(Config::v4());
    talk.session.handle_timeout(talk.start + ms(25_051));
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_051))));
}

#[test]
fn a_clock_that_jumps_is_survived() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    talk.session.handle_timeout(talk.start + ms(7_200_000));
    assert_eq!(talk.answer(poll), "200 2");
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(7_220_000))));
    // Backwards, it stands still.
    talk.post("3");
    talk.events();
    assert_eq!(talk.due(), Some((Why::Ping, ms(7_225_000))));
}

#[test]
fn pongs_that_nobody_asked_for_change_nothing() {
    let mut talk = Talk::websocket(Config::v4());
    talk.pass(ms(10_000));
    for _ in 0..100 {
        talk.ws("3");
    }
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
    assert_eq!(talk.events(), []);
}

#[test]
fn another_packet_puts_the_end_off_once() {
    let mut talk = Talk::websocket(Config::v4());
    talk.pass(ms(25_000));
    talk.frame();
    talk.flushed();
    talk.pass(ms(10_000));
    talk.ws("4a");
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(55_000))));
    talk.pass(ms(10_000));
    talk.ws("4b");
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(55_000))));
}

#[test]
fn a_ping_waits_for_a_poll_and_its_time_runs() {
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(30_000));
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 2");
    talk.pass(ms(15_000));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn a_client_whose_post_is_not_taken_is_not_blamed() {
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(30_000));
    let post = talk.post("4a\u{1e}3");
    talk.pass(ms(55_000));
    assert!(talk.session.is_open());
    assert_eq!(talk.events(), [said("a")]);
    assert_eq!(talk.answer(post), "200 ok");
    assert_eq!(talk.due(), Some((Why::Ping, ms(110_000))));
}

#[test]
fn an_upgrade_that_is_never_finished_does_not_stop_the_heartbeat() {
    let mut config = Config::v4();
    config.upgrade_timeout = ms(100_000);
    let mut talk = Talk::polling(config);
    assert!(talk.open_ws());
    talk.pass(ms(45_000));
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn a_ping_in_flight_is_still_enforced_after_an_upgrade() {
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(20_000));
    assert!(talk.open_ws());
    talk.ws("2probe");
    talk.pass(ms(6_000));
    talk.ws("5");
    assert_eq!([talk.frame(), talk.frame()], ["3probe", "2"]);
    talk.flushed();
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_000))));
}

#[test]
fn a_client_that_is_not_read_goes_on_hearing_of_us() {
    let mut talk = Talk::websocket(Config::v4());
    talk.pass(ms(20_000));
    talk.session.pause(talk.now, true);
    // It would give us up after 45 s of silence, and so it does if it has gone for other reasons.
    for passed in [5_000, 20_000, 20_000, 20_000] {
        talk.pass(ms(passed));
        assert_eq!(talk.frame(), "2");
        talk.flushed();
    }
    // One that takes nothing is told nothing more: it has its write's deadline.
    talk.pass(ms(20_000));
    assert_eq!(talk.frame(), "2");
    talk.pass(ms(20_000));
    assert_eq!(talk.session.backlog_packets(), 0);
    talk.flushed();
    talk.session.pause(talk.now, false);
    talk.ws("3");
    assert_eq!(talk.due(), Some((Why::Ping, ms(150_000))));
}

#[test]
fn a_paused_session_leaves_posts_unread_and_their_client_unblamed() {
    let mut talk = Talk::polling(Config::v4());
    talk.session.pause(talk.now, true);
    talk.pass(ms(30_000));
    let post = talk.post("4a\u{1e}3");
    talk.pass(ms(60_000));
    assert_eq!(talk.events(), []);
    assert!(talk.session.is_open() && talk.session.is_reading());
    talk.session.pause(talk.now, false);
    assert_eq!(talk.events(), [said("a")]);
    assert_eq!(talk.answer(post), "200 ok");
}

#[test]
fn what_is_handed_in_before_the_deadline_is_looked_at_has_come_in_time() {
    // faults: H6
    let mut talk = Talk::websocket(Config::v4());
    talk.pass(ms(25_000));
    assert_eq!(talk.frame(), "2");
    talk.flushed();
    // Stopped until long after the end.
    talk.now += ms(30_000);
    talk.ws("3");
    talk.session.handle_timeout(talk.now);
    assert!(talk.session.is_open());
    assert_eq!(talk.due(), Some((Why::Ping, ms(80_000))));
}

#[test]
fn what_is_found_over_late_is_looked_at_once_more() {
    // faults: H6
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(25_000));
    talk.now += ms(23_000);
    talk.session.handle_late(talk.now);
    talk.session.handle_timeout(talk.now);
    // Three seconds late, which are given back: the pong may be in a request that nobody has read.
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(51_000))));
    talk.pass(ms(2_999));
    talk.post("3");
    talk.events();
    assert_eq!(talk.due(), Some((Why::Ping, ms(75_999))));

    // Once, whatever happens.
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(25_000));
    talk.now += ms(20_051);
    talk.session.handle_late(talk.now);
    talk.session.handle_timeout(talk.now);
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_151))));
    talk.now += ms(60_000);
    talk.session.handle_late(talk.now);
    talk.session.handle_timeout(talk.now);
    talk.closed(CloseReason::PingTimeout);

    // Not longer than it takes to read, and not for a timer that was on time.
    for (late, end) in [(3_600_000, Some(45_000 + 3_610_000)), (50, None)] {
        let mut talk = Talk::websocket(Config::v4());
        talk.pass(ms(25_000));
        assert_eq!(talk.frame(), "2");
        talk.flushed();
        talk.now += ms(20_000 + late);
        talk.session.handle_late(talk.now);
        talk.session.handle_timeout(talk.now);
        let due = end.map(|end| (Why::PingTimeout, ms(end)));
        assert_eq!(talk.due(), due);
    }
}

/// Its pong may have come while we were stopped, and the deadline at the end of that.
#[test]
fn who_speaks_by_requests_is_heard_before_it_is_given_up_however_punctual_the_timer_is() {
    // faults: H6
    for late in [0, 10, 50] {
        let mut talk = Talk::polling(Config::v4());
        talk.pass(ms(25_000));
        talk.now += ms(20_000 + late);
        talk.session.handle_late(talk.now);
        talk.session.handle_timeout(talk.now);
        assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_100 + late))));
        talk.post("3");
        talk.events();
        assert_eq!(talk.due().map(|(why, _)| why), Some(Why::Ping));

        // Who has not answered by then goes.
        let mut talk = Talk::polling(Config::v4());
        talk.pass(ms(25_000));
        talk.now += ms(20_000 + late);
        for _ in 0..2 {
            talk.session.handle_late(talk.now);
            talk.session.handle_timeout(talk.now);
            talk.now += ms(100);
        }
        talk.closed(CloseReason::PingTimeout);
    }
}

/// The same, where something else falls due in that moment.
#[test]
fn a_pong_is_waited_for_whatever_else_is_over() {
    // faults: H6
    let mut talk = Talk::polling(Config::v4());
    talk.pass(ms(25_000));
    talk.now += ms(20_000);
    let ack = Deadline::new(talk.now, Why::Ack);
    talk.session.excuse(ack, talk.now);
    talk.session.handle_timeout(talk.now);
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(45_100))));
}

#[test]
fn an_upgrade_that_went_on_while_we_were_stopped_is_finished() {
    // faults: H6
    let mut talk = Talk::probed();
    talk.now += ms(13_000);
    talk.session.handle_late(talk.now);
    talk.session.handle_timeout(talk.now);
    talk.ws("5");
    assert_eq!(talk.events(), [Event::Upgraded]);
}

#[test]
fn a_client_that_waits_for_nothing_any_more_is_minded_while_its_post_is_not_taken() {
    // faults: H3
    for begun in [10_000, 30_000] {
        let mut talk = Talk::polling(Config::v4());
        talk.session.pause(talk.now, true);
        talk.pass(ms(begun));
        let post = talk.post("4a\u{1e}3");
        talk.pass(ms(60_000));
        assert!(talk.session.is_open());
        talk.session.handle_aborted(talk.now, post);
        talk.pass(ms(45_000));
        assert!(talk.session.is_closed());
        assert_eq!(talk.events(), [over(CloseReason::PingTimeout, None)]);
    }
}

#[test]
fn nobody_is_left_unread_for_ever() {
    // faults: H3
    for opened in [POLLING, WEBSOCKET, POLLING_3, WEBSOCKET_3] {
        let mut talk = Talk::new(opened, Config::v4());
        talk.session.pause(talk.now, true);
        if opened.transport == TransportKind::Polling {
            talk.post("4a\u{1e}3");
        }
        for _ in 0..12 {
            // It goes on taking what it is told.
            talk.pass(ms(24_999));
            while talk.session.poll_ws().is_some() {}
            talk.flushed();
            if opened.transport == TransportKind::Polling && !talk.session.is_writable() {
                talk.get();
                while talk.session.poll_http().is_some() {}
            }
        }
        assert!(talk.session.is_open(), "{opened:?}");
        talk.pass(ms(12));
        assert_eq!(
            talk.events(),
            [over(CloseReason::PingTimeout, Some(Violation::LeftUnread))]
        );
    }
}

#[test]
fn a_round_trip_is_known_from_a_pong_to_the_next_ping() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.session.round_trip(), None);
    talk.pass(ms(25_000));
    assert_eq!(talk.frame(), "2");
    talk.flushed();
    talk.pass(ms(3_000));
    assert_eq!(talk.session.round_trip(), None, "it is asked");
    talk.ws("3");
    let heard = Some((talk.start + ms(28_000), ms(3_000)));
    assert_eq!(talk.session.round_trip(), heard);
    talk.pass(ms(24_999));
    assert_eq!(talk.session.round_trip(), heard);
    talk.pass(ms(1));
    assert_eq!(talk.session.round_trip(), None);
}
