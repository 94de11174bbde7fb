//! What has happened since it was told last, by the second.

use std::collections::VecDeque;

use serde::Serialize;

/// Counts that are kept for the next telling: minutes of them. Past that the oldest are forgotten.
const MOST: usize = 1_000;

/// How often something has happened in a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Count {
    /// The second it was, in milliseconds of the Unix epoch.
    pub(crate) timestamp: u64,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub_type: Option<&'static str>,
    pub(crate) count: usize,
}

/// Counts, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Buffer(VecDeque<Count>);

impl Buffer {
    pub(crate) fn push(
        &mut self,
        millis: u64,
        kind: &'static str,
        sub_type: Option<&'static str>,
        count: usize,
    ) {
        let timestamp = millis - millis % 1_000;
        let same = |it: &&mut Count| {
            it.timestamp == timestamp && it.kind == kind && it.sub_type == sub_type
        };
        // The newest stand last, and they are few.
        let recent = self.0.iter_mut().rev();
        let mut recent = recent.take_while(|it| it.timestamp >= timestamp);
        if let Some(it) = recent.find(same) {
            it.count = it.count.saturating_add(count);
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Count {
            timestamp,
            kind,
            sub_type,
            count,
        });
    }

    pub(crate) fn take(&mut self) -> Vec<Count> {
        std::mem::take(&mut self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_in_a_second_is_one_count() {
        let mut buffer = Buffer::default();
        buffer.push(5_999, "bytesIn", None, 3);
        buffer.push(5_000, "bytesIn", None, 4);
        buffer.push(6_000, "bytesIn", None, 5);
        buffer.push(6_001, "rawDisconnection", Some("transport close"), 1);
        let taken = buffer.take();
        let counts: Vec<_> = taken.iter().map(|it| (it.timestamp, it.count)).collect();
        assert_eq!(counts, [(5_000, 7), (6_000, 5), (6_000, 1)]);
        assert_eq!(taken[2].sub_type, Some("transport close"));
        assert_eq!(buffer.take(), []);
    }

    #[test]
    fn no_more_than_so_many_counts_are_kept() {
        let mut buffer = Buffer::default();
        let mut after = |seconds: u64| {
            for second in 0..seconds {
                buffer.push(second * 1_000, "bytesIn", None, 1);
            }
            let taken = buffer.take();
            (taken.len(), taken[0].timestamp)
        };
        assert_eq!(after(MOST as u64), (MOST, 0));
        assert_eq!(after(MOST as u64 + 1), (MOST, 1_000));
    }
}
