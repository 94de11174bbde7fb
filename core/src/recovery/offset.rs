//! Private ids and offsets: what a client presents to come back as who it was.

use std::fmt;
use std::hash::BuildHasher;

use compact_str::CompactString;

use crate::id::{HashKey, Sid};
use crate::packet::{Args, Value};

/// A session's private id (`pid`). Secret: whoever knows it, and an offset, may take the session over, so it is
/// not shown by `Debug` and has no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pid(pub(super) CompactString);

impl Pid {
    /// An id from 15 random bytes, 20 characters long. The bytes must come from a cryptographic source.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        Self(Sid::from_random(bytes).as_str().into())
    }

    /// An id that another node has given out, or a client says.
    pub fn told(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as clients send it. Not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.chars().take(4).collect::<CompactString>();
        write!(f, "Pid({shown:?}…)")
    }
}

/// How far a client has read, as the last argument of an event tells it: for the client any text.
///
/// It names a place in the log, and is signed with the key of that log, so that no text of the application's own,
/// nor one of another server, is taken for an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset(CompactString);

impl Offset {
    pub(super) fn new(key: HashKey, place: u64) -> Self {
        let mut text = CompactString::default();
        let sign = key.hash_one(place);
        for at in 0..SIGN {
            text.push(letter(sign, at));
        }
        let digits = u64::BITS.saturating_sub(place.leading_zeros()).div_ceil(6);
        for at in (0..digits.max(1)).rev() {
            text.push(letter(place, at));
        }
        Self(text)
    }

    /// The place that a client's text names, if it is one that this log has given out.
    pub(super) fn read(key: HashKey, text: &str) -> Option<u64> {
        let digits = text.get(SIGN as usize..)?;
        if digits.len() > LONGEST {
            return None;
        }
        let place = digits.bytes().try_fold(0u64, |sum, byte| {
            let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
            sum.checked_mul(64)?.checked_add(digit as u64)
        })?;
        (Self::new(key, place).as_str() == text).then_some(place)
    }

    /// The text that goes with an event.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters that sign a place.
const SIGN: u32 = 4;

/// Digits of the last place there could be.
const LONGEST: usize = 11;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn letter(number: u64, at: u32) -> char {
    let digit = number.checked_shr(at.saturating_mul(6)).unwrap_or_default() & 63;
    let letter = ALPHABET.get(usize::try_from(digit).unwrap_or_default());
    letter.copied().map_or('A', char::from)
}

/// What a client says of who it was, among its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub(super) pid: Pid,
    /// `None`: it has seen no event since it came.
    pub(super) offset: Option<CompactString>,
}

impl Claim {
    /// What stands in a client's credentials, the text of a JSON object: `pid`, a text, and perhaps `offset`,
    /// which is one, too.
    pub fn of(auth: &str) -> Option<Self> {
        // Most clients come for the first time.
        if !auth.contains("\"pid\"") {
            return None;
        }
        let args = Args::from_json(&format!("[{auth}]"), Vec::new()).ok()?;
        let auth: Value = args.get(0).ok()?;
        let auth = auth.as_object()?;
        let pid = auth.get("pid")?.as_str()?;
        let offset = match auth.get("offset") {
            None | Some(Value::Null) => None,
            Some(offset) => Some(offset.as_str()?),
        };
        // Ours are no longer: others need not be kept.
        let short = |text: &str| text.len() <= 64;
        (short(pid) && offset.is_none_or(short)).then(|| Self {
            pid: Pid(pid.into()),
            offset: offset.map(CompactString::from),
        })
    }

    /// Whose session it claims.
    pub const fn pid(&self) -> &Pid {
        &self.pid
    }

    /// What it has read last. `None`: it has seen no event since it came.
    pub fn offset(&self) -> Option<&str> {
        self.offset.as_deref()
    }

    /// A claim by its parts.
    pub fn new(pid: &Pid, offset: Option<&str>) -> Self {
        Self {
            pid: pid.clone(),
            offset: offset.map(CompactString::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HashKey = HashKey([1, 2]);

    #[test]
    fn an_offset_is_read_as_the_place_that_it_names() {
        for place in [0, 1, 63, 64, 65, 4095, 4096, 1 << 40, u64::MAX] {
            let offset = Offset::new(KEY, place);
            assert_eq!(Offset::read(KEY, offset.as_str()), Some(place));
            assert!(offset.as_str().len() <= 15);
            assert_eq!(Offset::read(HashKey([1, 3]), offset.as_str()), None);
        }
    }

    #[test]
    fn no_other_text_is_an_offset() {
        let offset = Offset::new(KEY, 70);
        let text = offset.as_str();
        let (sign, digits) = text.split_at(4);
        let longer = format!("{sign}A{digits}");
        for text in [
            "",
            "a",
            "1",
            "hello",
            "Q85fAOA",
            "ééé",
            sign,
            digits,
            &longer,
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(Offset::read(KEY, text), None, "{text}");
        }
    }

    #[test]
    fn a_claim_is_two_texts_among_credentials() {
        let pid = Pid("p".into());
        let claim = Claim::of;
        assert_eq!(
            claim(r#"{"pid":"p","offset":"o","t":1}"#),
            Some(Claim::new(&pid, Some("o")))
        );
        assert_eq!(claim(r#"{"pid":"p"}"#), Some(Claim::new(&pid, None)));
        for none in [
            "{}",
            r#"{"offset":"o"}"#,
            r#"{"pid":1,"offset":"o"}"#,
            r#"{"pid":"p","offset":1}"#,
            r#"{"a":{"pid":"p"}}"#,
            r#"["pid"]"#,
        ] {
            assert_eq!(claim(none), None, "{none}");
        }
        for (length, read) in [(65, false), (64, true)] {
            let pid = "x".repeat(length);
            let auth = format!(r#"{{"pid":"{pid}"}}"#);
            assert_eq!(Claim::of(&auth).is_some(), read);
        }
    }

    #[test]
    fn a_private_id_does_not_show_itself() {
        let pid = Pid::from_random([7; 15]);
        assert_eq!(format!("{pid:?}"), "Pid(\"BwcH\"…)");
        assert_eq!(pid.as_str().len(), 20);
    }
}
