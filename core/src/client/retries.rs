//! Emits that are repeated until they are answered: one at a time, in order, each try under another id.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::config::Config;
use crate::packet::{Args, Name};

/// The emits of one socket that are repeated.
#[derive(Clone, Debug)]
pub(super) struct Retries<T> {
    waiting: VecDeque<Retry<T>>,
    bytes: usize,
    /// The id under which the first was sent, if it was and is not answered.
    sent: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Retry<T> {
    pub(super) name: Name,
    pub(super) args: Args,
    pub(super) token: T,
    /// Tries that may still end without an answer before the last.
    pub(super) left: u32,
}

impl<T> Default for Retries<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            sent: None,
        }
    }
}

impl<T> Retries<T> {
    /// One more; back it comes if there are as many as may be.
    pub(super) fn push(&mut self, retry: Retry<T>, config: &Config) -> Result<(), Retry<T>> {
        let bytes = self.bytes.saturating_add(retry.args.size());
        let full = self.len() >= config.max_offline_packets || bytes > config.max_offline_bytes;
        if full && !self.waiting.is_empty() {
            return Err(retry);
        }
        self.bytes = bytes;
        self.waiting.push_back(retry);
        Ok(())
    }

    /// What is to be sent now, if anything is.
    pub(super) fn next(&self) -> Option<&Retry<T>> {
        self.waiting.front().filter(|_| self.sent.is_none())
    }

    /// The first is under way.
    pub(super) fn sent(&mut self, id: u64) {
        self.sent = Some(id);
    }

    /// The id of the try which is under way.
    pub(super) const fn under_way(&self) -> Option<u64> {
        self.sent
    }

    /// Whether that is the try which is under way: the first may be another by now.
    pub(super) fn awaits(&self, id: u64) -> bool {
        self.sent == Some(id)
    }

    /// The first was answered: it is over.
    pub(super) fn answered(&mut self) -> Option<Retry<T>> {
        self.sent = None;
        let first = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(first.args.size());
        Some(first)
    }

    /// The first was not answered in time. It is over if that was its last try.
    pub(super) fn unanswered(&mut self) -> Option<Retry<T>> {
        self.sent = None;
        let first = self.waiting.front_mut()?;
        match first.left.checked_sub(1) {
            Some(left) => {
                first.left = left;
                None
            }
            None => self.answered(),
        }
    }

    /// The first could not be answered: that was no try.
    pub(super) fn interrupted(&mut self) {
        self.sent = None;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What makes a difference, but for what is the caller's own.
    pub(super) fn digest(&self, state: &mut impl Hasher) {
        (self.sent, self.bytes, self.waiting.len()).hash(state);
        for retry in &self.waiting {
            (&*retry.name, retry.args.elements(), retry.left).hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(token: u8, left: u32) -> Retry<u8> {
        Retry {
            name: "a".into(),
            args: Args::from_json("[\"12345678\"]", Vec::new()).unwrap(),
            token,
            left,
        }
    }

    #[test]
    fn one_at_a_time_until_it_is_answered_or_spent() {
        let config = Config::v4();
        let mut retries = Retries::default();
        assert!(retries.next().is_none());
        for (token, left) in [(1, 1), (2, 0)] {
            assert!(retries.push(retry(token, left), &config).is_ok());
        }
        assert_eq!(retries.next().unwrap().token, 1);
        retries.sent(7);
        assert!(retries.next().is_none(), "it is under way");
        assert!(retries.awaits(7) && !retries.awaits(6));
        retries.interrupted();
        assert!(!retries.awaits(7));
        assert_eq!(retries.next().unwrap().token, 1);
        assert!(retries.unanswered().is_none(), "there is another try");
        assert_eq!(retries.next().unwrap().token, 1);
        assert_eq!(retries.unanswered().unwrap().token, 1);
        assert_eq!(retries.next().unwrap().token, 2);
        assert_eq!(retries.answered().unwrap().token, 2);
        assert_eq!((retries.len(), retries.bytes), (0, 0));
    }

    #[test]
    fn at_its_limits_and_one_past_them() {
        for (packets, bytes, fit) in [
            (2, 1000, 2),
            (1, 1000, 1),
            (9, 20, 2),
            (9, 19, 1),
            (9, 1, 1),
        ] {
            let mut config = Config::v4();
            config.max_offline_packets = packets;
            config.max_offline_bytes = bytes;
            let mut retries = Retries::default();
            let pushed = [1, 2].map(|token| retries.push(retry(token, 0), &config).is_ok());
            assert_eq!(pushed, [true, fit == 2], "{packets} {bytes}");
        }
    }
}
