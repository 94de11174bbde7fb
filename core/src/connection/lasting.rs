//! No state of a connection's sockets lasts because somebody does not act.

use std::slice;

use super::conversations::Talk;
use super::*;
use crate::deadline::Why;
use crate::socket;
use crate::socket::deadlines::{Ends, State};

const SECOND: Duration = Duration::from_secs(1);

/// A connection in this state, in which all takes an hour but what ends it.
fn bring(state: State, config: Config) -> Talk {
    let mut talk = Talk::new(config);
    match state {
        State::Pending => {}
        State::Deciding => {
            talk.say("40");
            let asked = talk.event();
            assert!(
                matches!(asked, Some(Event::Socket(socket::Event::Connecting { .. }))),
                "{asked:?}"
            );
        }
        State::Connected => {
            talk.enter("40");
        }
        State::Left => {
            talk.enter("40");
            talk.say("41");
            while talk.event().is_some() {}
        }
        State::Assembling => {
            talk.enter("40");
            talk.say(r#"451-["x",{"_placeholder":true,"num":0}]"#);
            assert!(talk.event().is_none());
        }
        State::Asking => {
            let socket = talk.enter("40");
            let packet = Encoded::from(&Message::from(r#"21["x"]"#));
            let (now, flags) = (talk.now, Flags::default());
            let asked = talk
                .connection
                .request(now, socket, 1, packet, flags, 7, None);
            assert_eq!(asked, Ok(()));
            talk.sent();
        }
    }
    talk
}

impl Talk {
    fn is_in(&self, state: State) -> bool {
        self.connection.mux.states().contains(&state)
    }

    /// Time passes; what is due is done when it is due, and nobody else does anything.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.connection.poll_timeout().filter(|due| due.at <= end) {
            self.now = due.at;
            self.connection.handle_timeout(self.now);
        }
        self.now = end;
        while self.event().is_some() {}
    }
}

#[test]
fn each_state_ends_by_its_deadline_and_not_before() {
    // faults: H5, H8
    for &state in State::ALL {
        let ends = state.ends();
        let whys = match &ends {
            Ends::By(why) => slice::from_ref(why),
            Ends::Session => &[Why::Ping, Why::PingTimeout],
            Ends::Over => &[],
        };
        let mut talk = bring(state, Why::only(whys));
        assert!(talk.is_in(state), "{state:?}");
        if ends == Ends::Over {
            // A name, of which no more are kept than there may be namespaces.
            continue;
        }
        let count = u32::try_from(whys.len()).unwrap();
        talk.pass(SECOND * count - Duration::from_millis(1));
        assert!(talk.is_in(state), "{state:?} ends too early");
        talk.pass(Duration::from_millis(1));
        assert!(!talk.is_in(state), "{state:?} lasts");
        talk.pass(SECOND * 20_000);
        assert!(talk.connection.session().is_closed(), "{state:?}");
    }
}
