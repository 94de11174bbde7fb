//! The keys under which a client masks its frames.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// The keys of a client's frames (RFC 6455 §5.3): each is a new one, and nobody foresees it who does not know
/// what they were made of.
#[derive(Clone, Hash)]
pub struct Masks {
    secret: [u8; 16],
    drawn: u64,
}

impl Masks {
    /// Keys that come of 16 random bytes, which must be from a cryptographic source: whoever guesses them can
    /// choose what goes over the wire, and have a proxy take it for HTTP (§10.3).
    pub const fn from_random(secret: [u8; 16]) -> Self {
        Self { secret, drawn: 0 }
    }

    pub(super) fn draw(&mut self) -> [u8; 4] {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        hasher.write_u64(self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
        [a, b, c, d]
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_what_they_are_made_of_does_not_show_itself() {
        let mut masks = Masks::from_random([7; 16]);
        let drawn = [(); 64].map(|()| masks.draw());
        let all: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(all.len(), drawn.len());
        let mut other = Masks::from_random([8; 16]);
        assert_ne!(other.draw(), drawn[0]);
        assert_eq!(format!("{masks:?}"), "Masks { .. }");
    }
}
