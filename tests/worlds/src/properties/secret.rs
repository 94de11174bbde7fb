//! *secret*: no request reaches another's session.

use std::collections::BTreeSet;

use crate::failure::hold;
use crate::network::Party;

/// The ids of sessions that are over.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    over: BTreeSet<String>,
    live: BTreeSet<(String, Party)>,
}

impl Secrets {
    pub(crate) fn opened(&mut self, sid: &str, party: Party) {
        self.live.insert((sid.to_owned(), party));
    }

    pub(crate) fn closed(&mut self, sid: &str, party: Party) {
        self.live.remove(&(sid.to_owned(), party));
        self.over.insert(sid.to_owned());
    }

    pub(crate) fn server_died(&mut self) {
        for (sid, _) in std::mem::take(&mut self.live) {
            self.over.insert(sid);
        }
    }

    /// The ids that nobody has any more.
    pub(crate) fn over(&self) -> Vec<String> {
        self.over.iter().cloned().collect()
    }

    /// What a client says comes by one of its own connections.
    pub(crate) fn speaks(says: Party, by: Option<Party>) {
        hold!(
            Secret,
            by == Some(says),
            "{says} speaks by what is {by:?}'s"
        );
    }
}
