//! What a session is, fed to a hasher.

use super::*;
use crate::digest;

type Step = fn(&mut Session, Instant);

fn of(session: &Session) -> u64 {
    digest::of(|state| session.digest(state))
}

/// From the handshake to the close, by all transports, with all that a session keeps meanwhile.
const STORY: [Step; 22] = [
    |session, now| session.handle_poll(now, RequestId(1), Eio::V4),
    |session, _| assert!(session.poll_http().is_some()),
    |session, now| assert_eq!(session.send(now, text("a"), Flags::default()), Sent::Queued),
    |session, now| session.handle_post(now, RequestId(2), Eio::V4, Post::Begun),
    |session, now| {
        let body = Body::text(Eio::V4, "4a\u{1e}4b".into());
        session.handle_post(now, RequestId(2), Eio::V4, Post::End(Ok(body)));
    },
    |session, _| assert!(session.poll_event().is_some()),
    |session, _| assert!(session.poll_event().is_some()),
    |session, _| assert!(session.poll_event().is_none()),
    |session, _| assert!(session.poll_http().is_some()),
    |session, now| session.handle_poll(now, RequestId(3), Eio::V4),
    |session, _| assert!(session.poll_http().is_some()),
    |session, now| session.handle_poll(now, RequestId(4), Eio::V4),
    |session, now| assert!(session.handle_ws_open(now, Eio::V4, false)),
    |session, now| session.handle_ws(now, frame("2probe")),
    |session, _| assert!(session.poll_ws().is_some()),
    |session, now| session.pause(now, true),
    |session, now| session.pause(now, false),
    |session, now| session.handle_ws(now, frame("5")),
    |session, _| assert!(session.poll_event().is_some()),
    |session, now| session.handle_timeout(now + ms(25_000)),
    |session, _| assert!(session.poll_ws().is_some()),
    |session, now| session.close(now + ms(25_000), Close::Discard),
];

#[test]
fn two_that_are_told_the_same_are_the_same_at_each_step() {
    let mut one = Talk::new(POLLING, Config::v4());
    let mut seen = vec![of(&one.session)];
    let mut other = one.session.clone();
    for (at, step) in STORY.iter().enumerate() {
        one.now += ms(1);
        step(&mut one.session, one.now);
        let before = of(&other);
        step(&mut other, one.now);
        assert_eq!(of(&one.session), of(&other), "step {at}");
        assert_ne!(before, of(&other), "step {at} made no difference");
        // A clone of any moment goes on as the one that it was made of.
        other = one.session.clone();
        seen.push(of(&other));
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > STORY.len() / 2, "{seen:?}");
}

#[test]
fn another_input_makes_another_session() {
    let talk = Talk::polling(Config::v4());
    let after = |step: Step| {
        let mut session = talk.session.clone();
        step(&mut session, talk.now);
        of(&session)
    };
    let steps: [Step; 7] = [
        |_, _| {},
        |session, now| session.handle_timeout(now + ms(1)),
        |session, now| session.handle_poll(now, RequestId(7), Eio::V4),
        |session, now| session.handle_poll(now, RequestId(8), Eio::V4),
        |session, now| assert_eq!(session.send(now, text("a"), Flags::default()), Sent::Queued),
        |session, now| assert_eq!(session.send(now, text("b"), Flags::default()), Sent::Queued),
        |session, now| session.close(now, Close::Flush),
    ];
    let mut seen: Vec<_> = steps.into_iter().map(after).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}
