//! A client that was cut off comes back: what it has missed is read out of the stream.

use bytes::Bytes;
use sio_core::packet::Call;

use crate::codec::streams::{self, Entry, Session};
use crate::codec::{Context, Odd};
use crate::entry::EntryId;
use crate::limits::Limits;

/// What a session's client has missed, read page by page.
///
/// Take the session out of where it was kept, so that nobody else finds it, and [`begin`](Self::begin). Then read
/// [`page`](Self::page) entries from [`from`](Self::from) on, that one included, and hand them in
/// ([`handle_page`](Self::handle_page)) until it is [`Step::Done`].
///
/// ```
/// use sio_cluster::Limits;
/// use sio_cluster::codec::streams::Session;
/// use sio_cluster::restore::{Most, Restore, Step};
///
/// let most = Most { packets: 100, bytes: 1 << 20 };
/// let session = Session::new("socket", "secret");
/// let mut restore = Restore::begin(session, Some("5-1"), most).expect("it is a place");
/// assert_eq!(restore.from().to_string(), "5-1");
/// // What its client has read last is not there any more: nobody knows what came behind it.
/// assert_eq!(restore.handle_page("/", &Limits::default(), &[]), Step::Lost);
/// ```
#[derive(Clone, Debug)]
pub struct Restore {
    session: Session,
    most: Most,
    /// What its client has read.
    place: EntryId,
    /// The last entry that was looked at.
    read: Option<EntryId>,
    pages: usize,
    missed: Vec<Missed>,
    bytes: usize,
}

/// What a client may be told when it comes back. More is not told, and it comes as a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Events.
    pub packets: usize,
    /// Bytes of their entries.
    pub bytes: usize,
}

/// An event that a client has missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// Its place.
    pub at: EntryId,
    /// What is said.
    pub call: Call,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    More,
    /// All was read that was there.
    Done,
    /// What it needs is not there any more, or is more than it may be told: its client comes as a new one.
    Lost,
}

/// What has come of it.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Whose it is, from now on from that place on.
    pub session: Session,
    /// What its client has read.
    pub place: EntryId,
    /// Behind this place nothing was looked at.
    pub end: EntryId,
    /// What its client has missed up to there, in order.
    pub missed: Vec<Missed>,
}

impl Restore {
    /// A session whose client says what it has read last.
    ///
    /// # Errors
    /// The session, unused: its client cannot come back from there.
    pub fn begin(session: Session, offset: Option<&str>, most: Most) -> Result<Self, Box<Session>> {
        match Self::place(&session, offset) {
            Some(place) => Ok(Self {
                session,
                most,
                place,
                read: None,
                pages: 0,
                missed: Vec::new(),
                bytes: 0,
            }),
            None => Err(Box::new(session)),
        }
    }

    /// Where a client goes on.
    fn place(session: &Session, offset: Option<&str>) -> Option<EntryId> {
        let place = match offset {
            // It keeps the offset of the session before until it is told another.
            Some(offset) => offset.parse().ok()?,
            None => session.since?,
        };
        let place = match session.least {
            None => session.since.map_or(place, |since| since.max(place)),
            Some(_) => place,
        };
        (session.least <= Some(place)).then_some(place)
    }

    /// The first entry of the next page: the last that was read, so that it is seen whether the stream was trimmed
    /// meanwhile.
    pub fn from(&self) -> EntryId {
        self.read.unwrap_or(self.place)
    }

    /// So many entries are read at once.
    pub const fn page() -> usize {
        PAGE
    }

    /// Entries of the stream, in order: those from [`from`](Self::from) on.
    pub fn handle_page(
        &mut self,
        namespace: &str,
        limits: &Limits,
        found: &[(EntryId, Entry)],
    ) -> Step {
        let from = self.from();
        let Some((_, first)) = found.first().filter(|(at, _)| *at == from) else {
            return Step::Lost;
        };
        if self.read.is_none() && !self.is_of(namespace, first) {
            return Step::Lost;
        }
        let of = Context { namespace, limits };
        for (at, entry) in found {
            self.read = Some(*at);
            if *at > from && self.look(*at, entry, of) == Ok(false) {
                return Step::Lost;
            }
        }
        self.pages = self.pages.saturating_add(1);
        match found.len() < PAGE {
            true => Step::Done,
            false if self.pages >= PAGES => Step::Lost,
            false => Step::More,
        }
    }

    /// Whether the session can be one of that namespace, by what its client has read last. The packages write no
    /// namespace into what they keep, and let whoever was in one into any other, past all that decides who may.
    fn is_of(&self, namespace: &str, last: &Entry) -> bool {
        let is_named = self.session.namespace.is_some();
        let is = |field: &Option<Bytes>, text: &str| field.as_deref() == Some(text.as_bytes());
        is_named || (is(&last.nsp, namespace) && is(&last.kind, EVENT))
    }

    /// Whether it may be told as much.
    fn look(&mut self, at: EntryId, entry: &Entry, of: Context<'_>) -> Result<bool, Odd> {
        let Some((call, to)) = streams::decode_kept(entry, of)? else {
            return Ok(true);
        };
        let rooms = (!to.rooms.is_empty()).then(|| to.rooms.iter().map(String::as_str));
        let except = to.except.iter().map(String::as_str);
        if self.session.hears(rooms, except, at) {
            self.bytes = self.bytes.saturating_add(entry.size());
            self.missed.push(Missed { at, call });
        }
        Ok(self.missed.len() <= self.most.packets && self.bytes <= self.most.bytes)
    }

    /// All was read.
    pub fn end(self) -> Restored {
        let Self {
            session,
            place,
            read,
            missed,
            ..
        } = self;
        Restored {
            session,
            place,
            end: read.unwrap_or(place),
            missed,
        }
    }
}

/// The type of an entry that clients hear of.
const EVENT: &str = "3";

/// Entries of a page.
const PAGE: usize = 1000;

/// Pages that are read for one client: ten times as much as a stream holds.
const PAGES: usize = 100;

#[cfg(test)]
mod tests {
    use sio_core::packet::Args;

    use super::*;
    use crate::codec::classic::Author;
    use crate::codec::streams::Stay;
    use crate::codec::streams::{decode_session, encode_session};
    use crate::id::Uid;
    use crate::message::{Message, To};

    const MOST: Most = Most {
        packets: 3,
        bytes: 1000,
    };

    const fn id(millis: u64) -> EntryId {
        EntryId {
            millis,
            sequence: 0,
        }
    }

    fn said(at: u64, to: To) -> (EntryId, Entry) {
        let uid = Uid::cluster([7; 8]);
        let by = Author {
            uid: &uid,
            namespace: "/",
            to_ours: false,
        };
        let name = format!("e{at}").as_str().into();
        let args = Args::default();
        let call = Call { name, args };
        let ask = None;
        let message = Message::Broadcast { call, to, ask };
        (id(at), streams::encode(&message, by).unwrap())
    }

    fn to(rooms: &[&str], except: &[&str]) -> To {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        To {
            rooms: owned(rooms),
            except: owned(except),
            ..To::default()
        }
    }

    fn begin(session: &Session, offset: Option<&str>) -> Option<Restore> {
        Restore::begin(session.clone(), offset, MOST).ok()
    }

    fn missed(session: &Session, found: &[(EntryId, Entry)]) -> Option<Vec<String>> {
        let mut restore = begin(session, Some("1-0")).unwrap();
        let step = restore.handle_page("/", &Limits::default(), found);
        let names = |it: Restored| {
            let names = it.missed.iter();
            names.map(|it| it.call.name.as_str().to_owned()).collect()
        };
        (step == Step::Done).then(|| names(restore.end()))
    }

    #[test]
    fn what_it_was_told_is_what_its_rooms_were() {
        let mut session = Session::new("s", "p");
        session.rooms.extend(["late".to_owned(), "a".to_owned()]);
        let stay = |room: &str, from, to: Option<u64>| Stay {
            room: room.to_owned(),
            from: id(from),
            to: to.map(id),
        };
        session.stays = vec![stay("late", 3, None), stay("left", 0, Some(3))];
        let all = |found: &[(u64, To)]| {
            let first = [said(1, To::default())];
            let rest = found.iter().map(|(at, to)| said(*at, to.clone()));
            let found: Vec<_> = first.into_iter().chain(rest).collect();
            missed(&session, &found).unwrap()
        };
        assert_eq!(
            all(&[(2, to(&["late"], &[])), (4, to(&["late"], &[]))]),
            ["e4"]
        );
        assert_eq!(
            all(&[(3, to(&["left"], &[])), (4, to(&["left"], &[]))]),
            ["e3"]
        );
        assert_eq!(
            all(&[(3, to(&["a", "b"], &[])), (4, to(&["b"], &[]))]),
            ["e3"]
        );
        // The sender, whose own room is left out, and the members of others.
        assert_eq!(all(&[(3, to(&[], &["s"])), (4, to(&[], &["a"]))]), [""; 0]);
        assert_eq!(
            all(&[(3, to(&[], &["late"])), (4, to(&[], &["late"]))]),
            ["e3"]
        );
    }

    /// What another server keeps does not say of which namespace it is: what its client has read last does.
    #[test]
    fn a_session_of_no_namespace_is_of_that_of_its_last_event() {
        let limits = Limits::default();
        let found = [said(1, To::default()), said(2, To::default())];
        let step = |session: &Session, namespace, found: &[_]| {
            let mut restore = begin(session, Some("1-0")).unwrap();
            restore.handle_page(namespace, &limits, found)
        };
        let theirs = Session::new("s", "p");
        assert_eq!(step(&theirs, "/", &found), Step::Done);
        assert_eq!(step(&theirs, "/admin", &found), Step::Lost);
        let mut joined = found.clone();
        joined[0].1.kind = Some("4".into());
        assert_eq!(
            step(&theirs, "/", &joined),
            Step::Lost,
            "nobody hears of it"
        );
        // Ours says so itself, and may begin at any entry.
        let mut ours = theirs.clone();
        ours.namespace = Some("/".to_owned());
        assert_eq!(step(&ours, "/", &joined), Step::Done);
    }

    #[test]
    fn what_may_be_lost_or_was_to_be_answered_is_not_told() {
        let mut volatile = To::default();
        volatile.flags.volatile = true;
        let (at, mut asked) = said(3, To::default());
        let text = r#"{"packet":{"type":2,"data":["x"],"id":4},"opts":{"rooms":[]}}"#;
        asked.data = Some(text.into());
        let found = [said(1, To::default()), said(2, volatile), (at, asked)];
        assert_eq!(missed(&Session::new("s", "p"), &found).unwrap(), [""; 0]);
    }

    #[test]
    fn no_more_is_told_than_may_be() {
        let session = Session::new("s", "p");
        let some = |count: u64| (1..=count).map(|at| said(at, To::default()));
        let told = |count| missed(&session, &some(count).collect::<Vec<_>>());
        assert_eq!(told(4).unwrap().len(), 3);
        assert_eq!(told(5), None);
        // In bytes, too.
        let size: usize = some(3).skip(1).map(|(_, entry)| entry.size()).sum();
        for (bytes, step) in [(size, Step::Done), (size - 1, Step::Lost)] {
            let most = Most { bytes, ..MOST };
            let restore = Restore::begin(session.clone(), Some("1-0"), most);
            let found: Vec<_> = some(3).collect();
            let told = restore
                .unwrap()
                .handle_page("/", &Limits::default(), &found);
            assert_eq!(told, step);
        }
    }

    #[test]
    fn it_reads_on_until_there_is_nothing_more() {
        let mut restore = begin(&Session::new("s", "p"), Some("1-0")).unwrap();
        let limits = Limits::default();
        let nobody = to(&["elsewhere"], &[]);
        let page = |restore: &Restore, count| -> Vec<_> {
            let from = restore.from().millis;
            let all = from..from + count;
            all.map(|at| said(at, nobody.clone())).collect()
        };
        for _ in 0..99 {
            let found = page(&restore, 1000);
            assert_eq!(restore.handle_page("/", &limits, &found), Step::More);
        }
        assert_eq!(restore.from(), id(1 + 99 * 999));
        let handed = |found: &[_]| restore.clone().handle_page("/", &limits, found);
        assert_eq!(handed(&page(&restore, 1000)), Step::Lost);
        // The stream was trimmed meanwhile, or cannot be read.
        assert_eq!(handed(&page(&restore, 9)[1..]), Step::Lost);
        assert_eq!(handed(&[]), Step::Lost);
        assert_eq!(handed(&page(&restore, 1)), Step::Done);
        let last = page(&restore, 999);
        assert_eq!(restore.handle_page("/", &limits, &last), Step::Done);
        assert_eq!(restore.end().end, id(100 * 999));
    }

    #[test]
    fn a_client_does_not_come_back_from_before_what_it_was_told() {
        let mut session = Session::new("s", "p");
        assert!(begin(&session, None).is_none(), "it has read nothing");
        for odd in ["", "1", "AAAA", "1-0 ", "-"] {
            assert!(begin(&session, Some(odd)).is_none(), "{odd}");
        }
        session.since = Some(id(5));
        let place = |session: &Session, offset| begin(session, offset).map(|it| it.from());
        assert_eq!(place(&session, None), Some(id(5)));
        // An offset of the session before.
        assert_eq!(place(&session, Some("3-0")), Some(id(5)));
        assert_eq!(place(&session, Some("7-0")), Some(id(7)));
        session.least = Some(id(5));
        assert_eq!(place(&session, Some("5-0")), Some(id(5)));
        assert_eq!(place(&session, Some("4-9")), None);
        session.least = Some(id(5).next());
        assert_eq!(place(&session, Some("5-0")), None);
        assert_eq!(place(&session, None), None);
    }

    #[test]
    fn a_session_is_written_and_read_with_its_marks() {
        let mut session = Session::new("s", "p");
        session.namespace = Some("/a".to_owned());
        session.since = Some(id(5));
        session.least = Some(id(6).next());
        let stay = |to| Stay {
            room: "a b".to_owned(),
            from: id(3),
            to,
        };
        session.stays = vec![stay(None), stay(Some(id(4)))];
        let written = encode_session(&session).unwrap();
        assert_eq!(
            decode_session(&written, &Limits::default()).unwrap(),
            session
        );
    }
}
