//! What holds of a session after every input.

use super::*;
use crate::engine::session::deadlines::Ends;

/// Its backlog has no more packets than `most`, each state has its deadline and no other is set, and what is due next
/// is known and not over.
pub(super) fn is_sound(session: &mut Session, most: usize) {
    assert!(session.backlog_packets() <= most);
    let states = session.states();
    for state in &states {
        match state.ends() {
            Ends::Over => assert_eq!(session.poll_timeout(), None),
            Ends::Read => assert!(session.is_reading()),
            Ends::By(whys) => {
                let set = whys.iter().any(|why| session.is_set(*why));
                assert!(set && session.poll_timeout().is_some(), "{state:?}");
            }
        }
    }
    assert_eq!(session.strays(), []);
    let cached = session.poll_timeout();
    session.arm();
    assert_eq!(cached, session.poll_timeout());
    assert!(cached.is_none_or(|due| due.at > session.now));
}
