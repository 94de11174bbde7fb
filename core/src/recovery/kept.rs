//! What is kept of a session for other nodes.

use std::fmt;

use super::place::Place;
use crate::packet::Args;

/// What is kept of a socket whose connection was lost, for the node to which its client comes back.
///
/// `pid` is a bearer secret: whoever has it takes the session over.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct KeptSession {
    /// The socket's id.
    pub sid: String,
    /// The secret by which its client comes back.
    pub pid: String,
    /// The rooms it was in, the one of its id included.
    pub rooms: Vec<String>,
    /// What the application has attached to it: none or one value.
    pub data: Args,
    /// Where it is: nobody comes back with it elsewhere. Only nodes of ours say so, and heed it.
    pub namespace: Option<String>,
    /// Where it has begun: what is before was never for it. Only nodes of ours say so, and heed it.
    pub since: Option<Place>,
    /// Its client does not come back from before this: it has been told what is behind. Only of ours.
    pub least: Option<Place>,
    /// Rooms that it has joined since it began, or has left since. Only of ours.
    pub stays: Vec<Stay>,
}

/// A time in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The room.
    pub room: String,
    /// It hears what is said behind this place,
    pub from: Place,
    /// up to here. `None`: it is there.
    pub to: Option<Place>,
}

impl fmt::Debug for KeptSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptSession")
            .field("sid", &self.sid)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}

impl KeptSession {
    /// One of a socket that is in its own room.
    pub fn new(sid: &str, pid: &str) -> Self {
        Self {
            sid: sid.to_owned(),
            pid: pid.to_owned(),
            rooms: vec![sid.to_owned()],
            data: Args::default(),
            namespace: None,
            since: None,
            least: None,
            stays: Vec::new(),
        }
    }

    /// Bytes that it takes, beside those of the value itself.
    pub fn size(&self) -> usize {
        let name = |name: &String| size_of::<String>().saturating_add(name.len());
        let stay = |stay: &Stay| size_of::<Stay>().saturating_add(stay.room.len());
        let namespace = self.namespace.as_ref().map_or(0, String::len);
        let texts = [self.sid.len(), self.pid.len(), namespace, self.data.size()];
        let rooms = self.rooms.iter().map(name);
        let all = texts.into_iter().chain(rooms);
        let all = all.chain(self.stays.iter().map(stay));
        all.fold(0, usize::saturating_add)
    }

    /// Whether its socket was in a room when something was said there.
    pub fn was_in(&self, room: &str, at: Place) -> bool {
        let mut its = self.stays.iter().filter(|stay| stay.room == room);
        if its.any(|stay| stay.from < at && stay.to.is_none_or(|to| at <= to)) {
            return true;
        }
        let joined = |stay: &Stay| stay.room == room && stay.to.is_none();
        self.rooms.iter().any(|its| its == room) && !self.stays.iter().any(joined)
    }

    /// Whether its socket was told what was said to the members of these rooms (to everybody, if none is named) but
    /// for those of others, at this place.
    pub fn hears<'a>(
        &self,
        rooms: Option<impl IntoIterator<Item = &'a str>>,
        except: impl IntoIterator<Item = &'a str>,
        at: Place,
    ) -> bool {
        let was_in = |room| self.was_in(room, at);
        rooms.is_none_or(|rooms| rooms.into_iter().any(was_in)) && !except.into_iter().any(was_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Place {
        Place {
            millis,
            sequence: 0,
        }
    }

    #[test]
    fn it_hears_what_was_said_while_it_was_in() {
        let mut kept = KeptSession::new("its-id", "its-secret");
        kept.rooms.push("stays".to_owned());
        let stay = |room: &str, from, to: Option<u64>| Stay {
            room: room.to_owned(),
            from: at(from),
            to: to.map(at),
        };
        kept.stays = vec![stay("left", 2, Some(5)), stay("joined", 4, None)];
        kept.rooms.push("joined".to_owned());
        // What is in no stay was so from the beginning.
        assert!(kept.was_in("stays", at(1)) && kept.was_in("its-id", at(1)));
        assert!(!kept.was_in("other", at(1)));
        let was_in = |room| (1..8).filter(|time| kept.was_in(room, at(*time))).collect();
        let (left, joined): (Vec<_>, Vec<_>) = (was_in("left"), was_in("joined"));
        assert_eq!(left, [3, 4, 5]);
        assert_eq!(joined, [5, 6, 7]);

        let hears = |rooms: Option<&[&'static str]>, except: &[&'static str], time| {
            kept.hears(
                rooms.map(|it| it.iter().copied()),
                except.iter().copied(),
                at(time),
            )
        };
        assert!(hears(None, &[], 1) && !hears(None, &["stays"], 1));
        assert!(hears(Some(&["other", "left"]), &[], 3));
        assert!(!hears(Some(&["other", "left"]), &[], 6));
        assert!(
            hears(Some(&["stays"]), &["joined"], 4) && !hears(Some(&["stays"]), &["joined"], 5)
        );
    }

    #[test]
    fn its_secret_is_not_shown() {
        let shown = format!("{:?}", KeptSession::new("its-id", "its-secret"));
        assert!(shown.contains("its-id") && !shown.contains("its-secret"));
    }

    #[test]
    fn all_that_is_kept_of_it_has_its_size() {
        let kept = KeptSession::new("its-id", "its-secret");
        let empty = kept.size();
        let data = Args::from_arguments(r#""four""#).unwrap();
        let text = size_of::<String>();
        assert_eq!(
            empty,
            "its-id".len() + "its-secret".len() + text + "its-id".len()
        );
        let mut larger = Vec::new();
        for change in [
            &(|it: &mut KeptSession| it.rooms.push("room".to_owned())) as &dyn Fn(&mut KeptSession),
            &|it| it.data = data.clone(),
            &|it| it.namespace = Some("/a".to_owned()),
            &|it| {
                it.stays.push(Stay {
                    room: "room".to_owned(),
                    from: at(1),
                    to: None,
                });
            },
        ] {
            let mut kept = kept.clone();
            change(&mut kept);
            larger.push(kept.size() - empty);
        }
        assert_eq!(larger, [text + 4, data.size(), 2, size_of::<Stay>() + 4]);
    }
}
