//! No state of a session lasts because somebody does not act.

use super::*;
use crate::engine::session::deadlines::{Ends, State};

const SECOND: Duration = Duration::from_secs(1);

/// A session in this state, in which all takes an hour but what ends it.
fn bring(state: State, config: Config) -> Talk {
    match state {
        State::Polling => Talk::polling(config),
        State::Parked => {
            let mut talk = Talk::polling(config);
            talk.get();
            talk
        }
        State::Posting => {
            let mut talk = Talk::polling(config);
            talk.post_begun();
            talk
        }
        State::HeldBack => {
            let mut talk = Talk::polling(config);
            talk.post("4a\u{1e}4b");
            talk
        }
        State::Upgrading => {
            let mut talk = Talk::polling(config);
            assert!(talk.open_ws());
            talk
        }
        State::Quiet => Talk::websocket(config),
        State::Writing => {
            let mut talk = Talk::websocket(config);
            assert_eq!(talk.send("x"), Sent::Queued);
            talk
        }
        State::Paused => {
            let mut talk = Talk::websocket(config);
            talk.session.pause(talk.now, true);
            talk
        }
        State::Closing => {
            let mut talk = Talk::polling(config);
            talk.close(Close::Flush);
            talk
        }
        State::Closed => {
            let mut talk = Talk::polling(config);
            talk.close(Close::Discard);
            talk
        }
    }
}

#[test]
fn each_state_ends_by_its_deadline_and_not_before() {
    // faults: H3, H5
    for &state in State::ALL {
        let whys = match state.ends() {
            Ends::By(whys) => whys,
            Ends::Read | Ends::Over => &[],
        };
        let mut talk = bring(state, Why::only(whys));
        let lasts = |talk: &Talk| talk.session.states().contains(&state);
        assert!(lasts(&talk), "{state:?}: {:?}", talk.session.states());
        match state.ends() {
            Ends::By(whys) => {
                let count = u32::try_from(whys.len()).unwrap();
                talk.pass(SECOND * count - ms(1));
                assert!(lasts(&talk), "{state:?} ends too early");
                talk.pass(ms(1));
                // What became of it is carried out.
                while talk.session.poll_http().is_some() {}
                assert!(!lasts(&talk), "{state:?} lasts");
            }
            Ends::Read => {
                talk.events();
                assert!(!lasts(&talk), "{state:?} lasts");
            }
            Ends::Over => assert_eq!(talk.session.poll_timeout(), None),
        }
        // What is left behind ends, too.
        talk.events();
        talk.pass(SECOND * 20_000);
        assert!(talk.session.is_closed(), "{state:?}");
    }
}
