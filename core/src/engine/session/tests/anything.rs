//! Anything in any order.

use proptest::prelude::*;

use super::owed::{BODIES, CAUSES, FAILURES, FRAMES, WAITS};
use super::sound::is_sound;
use super::*;

#[derive(Clone, Debug)]
enum Input {
    Poll,
    Begin,
    End(usize, Result<&'static str, PostFailure>),
    Whole(&'static str),
    Abort(usize),
    Open,
    Frame(&'static str),
    Bytes,
    Progress,
    Flushed,
    Gone(WsClosed),
    Wait(u64),
    Send(bool),
    Close(Close),
    Pause(bool),
    /// All that can be waited for is over.
    Patience,
    Event,
    Http,
    Ws,
}

fn input() -> impl Strategy<Value = Input> {
    let bodies = BODIES.into_iter().chain(["4a\u{1e}", "1:1"]);
    let body = prop::sample::select(bodies.collect::<Vec<_>>());
    // The steps of an upgrade more often.
    let frames = FRAMES.into_iter().chain(["2probe", "5"]);
    let frame = prop::sample::select(frames.collect::<Vec<_>>());
    let failure = prop::sample::select(&FAILURES);
    let cause = prop::sample::select(&CAUSES);
    prop_oneof![
        6 => Just(Input::Poll),
        2 => Just(Input::Begin),
        3 => (0..4usize, body.clone()).prop_map(|(back, body)| Input::End(back, Ok(body))),
        1 => (0..4usize, failure).prop_map(|(back, why)| Input::End(back, Err(why))),
        3 => body.prop_map(Input::Whole),
        1 => (0..4usize).prop_map(Input::Abort),
        4 => Just(Input::Open),
        6 => frame.prop_map(Input::Frame),
        1 => Just(Input::Bytes),
        1 => Just(Input::Progress),
        3 => Just(Input::Flushed),
        1 => cause.prop_map(Input::Gone),
        5 => prop::sample::select(&WAITS).prop_map(Input::Wait),
        4 => any::<bool>().prop_map(Input::Send),
        1 => prop::sample::select(vec![Close::Flush, Close::Discard]).prop_map(Input::Close),
        2 => any::<bool>().prop_map(Input::Pause),
        6 => Just(Input::Event),
        4 => Just(Input::Http),
        4 => Just(Input::Ws),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens in whatever order: every request gets one answer, nothing is due in the past,
    /// each state has its deadline and ends by it, the backlog keeps its limits, the end is the last event
    /// and leaves nothing.
    #[test]
    fn anything_may_happen(
        websocket in any::<bool>(),
        revision in prop::sample::select(vec![Eio::V3, Eio::V4]),
        policy in prop::sample::select(vec![
            BacklogPolicy::Close, BacklogPolicy::Refuse, BacklogPolicy::DropVolatile,
        ]),
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let mut config = Config::v4();
        config.max_backlog_packets = 4;
        config.max_packets_per_payload = 2;
        config.backlog_policy = policy;
        let opened = if websocket { WEBSOCKET } else { POLLING };
        let mut talk = Talk::new(Opened { revision, ..opened }, config);
        let mut answered = std::collections::BTreeMap::<RequestId, usize>::new();
        let mut ended = 0;
        let mut open = usize::from(websocket);
        let rest = [Input::Event, Input::Patience, Input::Event, Input::Http, Input::Ws];
        for input in inputs.into_iter().chain(rest) {
            let back = |talk: &Talk, back: usize| {
                RequestId(talk.requests.saturating_sub(back as u64).max(1))
            };
            match input {
                Input::Poll => drop(talk.get()),
                Input::Begin => drop(talk.post_begun()),
                Input::End(nth, end) => {
                    let id = back(&talk, nth);
                    if talk.requests > 0 {
                        talk.post_end(id, end);
                    }
                }
                Input::Whole(body) => drop(talk.post(body)),
                Input::Abort(nth) => {
                    let id = back(&talk, nth);
                    talk.session.handle_aborted(talk.now, id);
                }
                Input::Open => open += usize::from(talk.open_ws()),
                Input::Frame(text) => talk.ws(text),
                Input::Bytes => {
                    let bytes = Bytes::from_static(b"\x041");
                    talk.session.handle_ws(talk.now, Message::Binary(bytes));
                }
                Input::Progress => talk.session.handle_ws_progress(talk.now),
                Input::Flushed => talk.flushed(),
                Input::Gone(cause) => {
                    talk.session.handle_ws_closed(talk.now, cause);
                    open = 0;
                }
                Input::Wait(time) => {
                    talk.now += ms(time);
                    talk.session.handle_timeout(talk.now);
                }
                Input::Send(volatile) => {
                    let flags = Flags { volatile, latest: volatile, ..Flags::default() };
                    let sent = talk.session.send(talk.now, text("x").named("/", "x"), flags);
                    prop_assert!(sent != Sent::Full || policy == BacklogPolicy::Refuse);
                }
                Input::Close(how) => talk.close(how),
                Input::Pause(paused) => talk.session.pause(talk.now, paused),
                Input::Patience => {
                    // Nobody acts any more.
                    talk.pass(ms(600_000));
                    prop_assert!(talk.session.is_closed(), "{:?}", talk.session.states());
                }
                Input::Event => {
                    for event in talk.events() {
                        prop_assert_eq!(ended, 0, "the end is the last event");
                        ended += usize::from(matches!(event, Event::Closed { .. }));
                    }
                }
                Input::Http => {
                    while let Some((id, reply)) = talk.session.poll_http() {
                        *answered.entry(id).or_default() += 1;
                        prop_assert!(reply.content != Content::Payload || !reply.body.is_empty());
                    }
                }
                Input::Ws => {
                    while let Some(out) = talk.session.poll_ws() {
                        prop_assert!(open > 0, "{:?} without a WebSocket", out);
                        open -= usize::from(matches!(out, WsOut::Close(_)));
                    }
                }
            }
            prop_assert!(open <= 1);
            // Not counted against the application: the ping and what the handshake brings; in revision 3
            // pongs, which have as much room again.
            let most = match revision {
                Eio::V3 => 2 * 4,
                Eio::V4 => 4 + 1,
            };
            is_sound(&mut talk.session, most);
        }
        prop_assert_eq!(ended, 1);
        prop_assert!(talk.session.is_closed());
        prop_assert!(answered.values().all(|&times| times == 1), "{:?}", answered);
        prop_assert_eq!(answered.len() as u64, talk.requests);
        prop_assert_eq!(open, 0);
    }
}
