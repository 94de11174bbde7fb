//! A stream, read for all namespaces that it is of.

use crate::entry::EntryId;

/// What of a stream was read, and whether something in between was lost.
///
/// Each time the broker is there, ask it for the state of the stream and hand that in
/// ([`handle_connected`](Self::handle_connected)); then read behind [`behind`](Self::behind), again and again, and hand
/// each entry's id in before it is looked at.
///
/// ```
/// use sio_cluster::entry::EntryId;
/// use sio_cluster::reader::{Reader, Stream};
///
/// let id = |sequence| EntryId { millis: 5, sequence };
/// let mut reader = Reader::new();
/// // It begins at the end, once and for all.
/// reader.handle_connected(Stream { last: id(3), first: Some(id(1)), deleted: None });
/// assert_eq!(reader.behind(), Some(id(3)));
/// assert!(reader.handle_entry(id(4)));
/// assert!(!reader.handle_entry(id(4)), "it came before");
///
/// // While the connection was away, more was added than the stream holds.
/// let found = Stream { last: id(9), first: Some(id(7)), deleted: Some(id(6)) };
/// let gap = reader.handle_connected(found).expect("5 and 6 are lost");
/// assert_eq!((gap.from, gap.to), (id(4), id(7)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    at: Option<EntryId>,
}

/// What the broker says of a stream: `XINFO STREAM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The last id that was given out; [`EntryId::FIRST`] if there is no stream.
    pub last: EntryId,
    /// The first entry that is there.
    pub first: Option<EntryId>,
    /// The last entry that was deleted, where the broker knows (Redis 7).
    pub deleted: Option<EntryId>,
}

/// Entries that were added, and cannot be read any more. Tell the nodes of all namespaces:
/// [`handle_lost`](crate::node::Node::handle_lost).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The last that was read.
    pub from: EntryId,
    /// Where reading goes on.
    pub to: EntryId,
}

impl Reader {
    /// One that has read nothing.
    pub const fn new() -> Self {
        Self { at: None }
    }

    /// The broker is there, and the stream is so. What was lost meanwhile, if anything was, or may have been.
    pub fn handle_connected(&mut self, stream: Stream) -> Option<Gap> {
        let Some(from) = self.at else {
            self.at = Some(stream.last);
            return None;
        };
        if stream.last < from {
            // Another broker has taken over, who has not got all: its ids come again.
            self.at = Some(stream.last);
            return Some(Gap {
                from,
                to: stream.last,
            });
        }
        let lost = match stream.deleted {
            Some(deleted) => deleted > from,
            // It cannot be told whether something stood between these.
            None => stream.first.is_some_and(|first| first > from.next()),
        };
        lost.then(|| Gap {
            from,
            to: stream.first.unwrap_or(stream.last),
        })
    }

    /// An entry was read. Whether it is new.
    pub fn handle_entry(&mut self, id: EntryId) -> bool {
        let new = self.at.is_none_or(|at| id > at);
        if new {
            self.at = Some(id);
        }
        new
    }

    /// Behind which entry to read on. `None`: the stream was not looked at yet.
    pub fn behind(&self) -> Option<EntryId> {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(sequence: u64) -> EntryId {
        EntryId {
            millis: 5,
            sequence,
        }
    }

    fn at(sequence: u64) -> Reader {
        Reader {
            at: Some(id(sequence)),
        }
    }

    fn stream(first: u64, last: u64, deleted: Option<u64>) -> Stream {
        Stream {
            last: id(last),
            first: Some(id(first)),
            deleted: deleted.map(id),
        }
    }

    #[test]
    fn what_is_still_there_is_not_lost() {
        for found in [
            stream(1, 9, None),
            stream(4, 9, None),
            // The one behind the last is the first.
            stream(5, 9, None),
            stream(5, 9, Some(4)),
            // Whoever deletes one that was read takes nothing away.
            stream(8, 9, Some(3)),
        ] {
            let mut reader = at(4);
            assert_eq!(reader.handle_connected(found), None, "{found:?}");
            assert_eq!(reader.behind(), Some(id(4)));
        }
    }

    #[test]
    fn what_was_trimmed_is_told() {
        for found in [stream(6, 9, Some(5)), stream(6, 9, None)] {
            let gap = at(4).handle_connected(found);
            let (from, to) = (id(4), id(6));
            assert_eq!(gap, Some(Gap { from, to }), "{found:?}");
        }
        let empty = Stream {
            last: id(9),
            first: None,
            deleted: Some(id(9)),
        };
        let gap = at(4).handle_connected(empty).unwrap();
        assert_eq!(gap.to, id(9));
    }

    #[test]
    fn a_stream_that_went_back_is_read_from_its_end() {
        let mut reader = at(4);
        let gap = reader.handle_connected(stream(1, 3, None)).unwrap();
        assert_eq!((gap.from, gap.to), (id(4), id(3)));
        assert_eq!(reader.behind(), Some(id(3)));
        assert!(reader.handle_entry(id(4)), "another of that id");
    }
}
