//! A stream, read for all namespaces that it is of.

use crate::entry::EntryId;

/// What of a stream was read, and whether something in between was lost.
///
/// Each time the broker is there, ask it for the state of the stream and hand that in
/// ([`handle_connected`](Self::handle_connected)); then read behind [`behind`](Self::behind), again and again, and hand
/// each entry's id in before it is looked at. Where as many came as were asked for, there may have been so many that
/// the first had to go: ask for the state first, and hand that in with them ([`handle_full`](Self::handle_full)).
///
/// ```
/// use sio_cluster::entry::EntryId;
/// use sio_cluster::reader::{Reader, Stream};
///
/// let id = |sequence| EntryId { millis: 5, sequence };
/// let mut reader = Reader::new();
/// // It begins at the end, once and for all.
/// reader.handle_connected(Stream { last: id(3), first: Some(id(1)), length: 3, added: Some(3), deleted: None });
/// assert_eq!(reader.behind(), Some(id(3)));
/// assert!(reader.handle_entry(id(4)));
/// assert!(!reader.handle_entry(id(4)), "it came before");
///
/// // While the connection was away, more was added than the stream holds.
/// let found = Stream { last: id(9), first: Some(id(7)), length: 3, added: Some(9), deleted: None };
/// let gap = reader.handle_connected(found).expect("5 and 6 are lost");
/// assert_eq!((gap.from, gap.to), (id(4), id(7)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    at: Option<EntryId>,
    /// How many were added up to there, where the broker knows.
    count: Option<u64>,
    /// The last that was deleted by itself and told to be lost.
    deleted: Option<EntryId>,
}

/// What the broker says of a stream: `XINFO STREAM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The last id that was given out; [`EntryId::FIRST`] if there is no stream.
    pub last: EntryId,
    /// The first entry that is there.
    pub first: Option<EntryId>,
    /// How many entries are there.
    pub length: u64,
    /// How many were ever added, where the broker knows (`entries-added`, Redis 7).
    pub added: Option<u64>,
    /// The last that was deleted by itself, where the broker knows (`max-deleted-entry-id`, Redis 7). Those that had to
    /// go since the stream was too long are not among them.
    pub deleted: Option<EntryId>,
}

/// Entries that were added, and cannot be read any more. Tell the nodes of all namespaces:
/// [`handle_lost`](crate::node::Node::handle_lost).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The last that was read.
    pub from: EntryId,
    /// Where reading goes on, or up to where something is missing. Before `from` if the broker has gone back.
    pub to: EntryId,
}

impl Reader {
    /// One that has read nothing.
    pub const fn new() -> Self {
        Self {
            at: None,
            count: None,
            deleted: None,
        }
    }

    /// The broker is there, and the stream is so. What was lost meanwhile, if anything was, or may have been.
    pub fn handle_connected(&mut self, stream: Stream) -> Option<Gap> {
        let Some(from) = self.at else {
            self.begin(stream);
            return None;
        };
        if stream.last < from {
            // Another broker has taken over, who has not got all: its ids come again.
            self.begin(stream);
            return Some(Gap {
                from,
                to: stream.last,
            });
        }
        let first = stream.first.filter(|first| *first > from);
        // While one that was read is there, none behind it had to go.
        let all_unread = first.is_some() || stream.first.is_none();
        let went = all_unread && self.is_missing(from, stream);
        if let Some(added) = stream.added.filter(|_| all_unread) {
            self.count = Some(added.saturating_sub(stream.length));
        }
        let told = self.deleted;
        let deleted = stream
            .deleted
            .filter(|deleted| *deleted > from && told.is_none_or(|told| told < *deleted));
        if !went && deleted.is_none() {
            return None;
        }
        self.deleted = deleted.or(told);
        if stream.first.is_none() {
            // What was told is not told again.
            self.begin(stream);
        }
        Some(Gap {
            from,
            to: match stream.first {
                Some(_) => first.or(deleted).unwrap_or(stream.last),
                None => stream.last,
            },
        })
    }

    fn begin(&mut self, stream: Stream) {
        self.at = Some(stream.last);
        self.count = stream.added;
        self.deleted = stream.deleted;
    }

    /// Whether more was added than is there, of which nothing was read.
    fn is_missing(&self, from: EntryId, stream: Stream) -> bool {
        match (stream.added, self.count) {
            // With fewer than were read, or than are there, it is another stream of that name.
            (Some(added), Some(count)) => added.checked_sub(count) != Some(stream.length),
            // It cannot be told whether something stood between these.
            (Some(_) | None, _) => match stream.first {
                Some(first) => first > from.next(),
                None => stream.last > from,
            },
        }
    }

    /// These were read, as many as were asked for, none of which was handed in yet; and since then the stream is so. What
    /// before, between or behind them was added and cannot be read any more, if anything was, or may have been. Then
    /// hand each of them in.
    pub fn handle_full(&mut self, ids: &[EntryId], stream: Stream) -> Option<Gap> {
        let from = self.at?;
        if stream.first.is_some_and(|first| first <= from) {
            // While one that was read is there, none behind it had to go.
            return None;
        }
        let gone = match stream.first {
            Some(first) => ids.iter().take_while(|id| **id < first).count(),
            None => ids.len(),
        };
        let gone = u64::try_from(gone).unwrap_or(u64::MAX);
        // How many stood before the first that is there, and how many of these were read.
        let before = stream
            .added
            .map(|added| added.saturating_sub(stream.length));
        let went = match (before, self.count) {
            (Some(before), Some(count)) => before != count.saturating_add(gone),
            // It cannot be told whether something stood between these.
            (Some(_) | None, _) => ids.first() != Some(&from.next()),
        };
        if !went {
            return None;
        }
        self.count = before.map(|before| before.saturating_sub(gone));
        let first = stream.first.unwrap_or(stream.last);
        let to = match ids.last() {
            Some(last) if first > *last => first,
            _ => ids.first().copied().unwrap_or(first),
        };
        Some(Gap { from, to })
    }

    /// An entry was read. Whether it is new.
    pub fn handle_entry(&mut self, id: EntryId) -> bool {
        let new = self.at.is_none_or(|at| id > at);
        if new {
            self.at = Some(id);
            self.count = self.count.map(|count| count.saturating_add(1));
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

    /// One that has read that entry, as many as it says.
    fn at(sequence: u64) -> Reader {
        Reader {
            at: Some(id(sequence)),
            count: Some(sequence),
            deleted: None,
        }
    }

    /// One that holds these, and has held all before them.
    fn stream(first: u64, last: u64) -> Stream {
        Stream {
            last: id(last),
            first: Some(id(first)),
            length: last + 1 - first,
            added: Some(last),
            deleted: Some(EntryId::FIRST),
        }
    }

    /// As Redis 6 tells of it.
    fn older(stream: Stream) -> Stream {
        Stream {
            added: None,
            deleted: None,
            ..stream
        }
    }

    #[test]
    fn what_is_still_there_is_not_lost() {
        for found in [
            stream(1, 9),
            stream(4, 9),
            // The one behind the last is the first.
            stream(5, 9),
            // Whoever deletes one that was read takes nothing away.
            Stream {
                deleted: Some(id(3)),
                ..stream(1, 9)
            },
        ] {
            for found in [found, older(found)] {
                let mut reader = at(4);
                assert_eq!(reader.handle_connected(found), None, "{found:?}");
                assert_eq!(reader.behind(), Some(id(4)));
            }
        }
    }

    #[test]
    fn what_had_to_go_is_told() {
        for found in [stream(6, 9), older(stream(6, 9))] {
            assert_eq!(at(4).handle_connected(found), gap(4, 6), "{found:?}");
        }
        let empty = Stream {
            first: None,
            length: 0,
            ..stream(9, 9)
        };
        for found in [empty, older(empty)] {
            let mut reader = at(4);
            assert_eq!(reader.handle_connected(found), gap(4, 9));
            assert_eq!(reader.handle_connected(found), None, "it was told");
            assert_eq!(at(9).handle_connected(found), None, "all of it was read");
        }
    }

    #[test]
    fn one_that_was_deleted_by_itself_is_told() {
        let found = Stream {
            deleted: Some(id(6)),
            length: 8,
            ..stream(1, 9)
        };
        let mut reader = at(4);
        assert_eq!(reader.handle_connected(found), gap(4, 6));
        assert_eq!(reader.handle_connected(found), None, "it was told");
        let found = Stream {
            deleted: Some(id(8)),
            length: 7,
            ..found
        };
        assert_eq!(reader.handle_connected(found), gap(4, 8));
    }

    #[test]
    fn ids_with_holes_between_them_are_no_gap_where_entries_are_counted() {
        let mut reader = Reader::new();
        let none = Stream {
            last: EntryId::FIRST,
            first: None,
            length: 0,
            added: Some(0),
            deleted: None,
        };
        assert_eq!(reader.handle_connected(none), None);
        // Of a stream that was not there yet, these are the first.
        let found = Stream {
            added: Some(3),
            ..stream(7, 9)
        };
        assert_eq!(reader.handle_connected(found), None);
        assert!(reader.handle_entry(id(7)));
        let found = Stream {
            length: 2,
            added: Some(4),
            ..stream(8, 20)
        };
        assert_eq!(reader.handle_connected(found), gap(7, 8));
        // What was told once is not told again.
        assert_eq!(reader.handle_connected(found), None);
    }

    #[test]
    fn a_stream_that_was_begun_anew_is_told() {
        let found = Stream {
            added: Some(2),
            ..stream(8, 9)
        };
        assert_eq!(at(4).handle_connected(found), gap(4, 8));
        // More came than were read of the one before.
        let found = Stream {
            added: Some(6),
            ..stream(11, 16)
        };
        assert_eq!(at(4).handle_connected(found), gap(4, 11));
    }

    fn gap(from: u64, to: u64) -> Option<Gap> {
        let (from, to) = (id(from), id(to));
        Some(Gap { from, to })
    }

    #[test]
    fn a_stream_that_went_back_is_read_from_its_end() {
        let mut reader = at(4);
        assert_eq!(reader.handle_connected(stream(1, 3)), gap(4, 3));
        assert_eq!(reader.behind(), Some(id(3)));
        assert!(reader.handle_entry(id(4)), "another of that id");
    }

    #[test]
    fn what_had_to_go_before_it_was_read_is_told() {
        let read: Vec<_> = (5..=7).map(id).collect();
        let hand_in = |reader: &mut Reader| read.iter().all(|id| reader.handle_entry(*id));
        // One that was read before is there; the first of these is the first; some of them went since, or all.
        for found in [stream(4, 9), stream(5, 9), stream(7, 9), stream(8, 9)] {
            let mut reader = at(4);
            assert_eq!(reader.handle_full(&read, found), None, "{found:?}");
            assert!(hand_in(&mut reader));
            assert_eq!(reader, at(7));
        }
        let empty = Stream {
            first: None,
            length: 0,
            ..stream(7, 7)
        };
        assert_eq!(at(4).handle_full(&read, empty), None);
        for (count, found, to) in [
            // Two of those before went, whether the first of these is there or went since.
            (2, stream(5, 9), 5),
            (2, stream(6, 9), 5),
            // What was not read went.
            (4, stream(9, 12), 9),
            (
                4,
                Stream {
                    first: None,
                    length: 0,
                    ..stream(9, 9)
                },
                9,
            ),
        ] {
            let mut reader = Reader {
                count: Some(count),
                ..at(4)
            };
            assert_eq!(reader.handle_full(&read, found), gap(4, to), "{found:?}");
            assert!(hand_in(&mut reader));
            // What was told once is not told again.
            assert_eq!(reader.handle_connected(found), None);
        }
    }

    #[test]
    fn where_entries_are_not_counted_something_may_have_gone_before_those_that_were_read() {
        let read: Vec<_> = (6..=7).map(id).collect();
        let full = |read: &[EntryId], found| at(4).handle_full(read, older(found));
        assert_eq!(full(&read, stream(4, 9)), None);
        assert_eq!(full(&read, stream(6, 9)), gap(4, 6));
        assert_eq!(full(&[id(5), id(6)], stream(6, 9)), None);
    }
}
