//! What is known of a POST (§9.3).

use bytes::{Bytes, BytesMut};

use super::Body;

/// What is known of a POST (§9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// Its head is here, its body is not yet. Tell it, and `End` will follow, even if the session has
    /// answered meanwhile.
    Begun,
    /// The body of one that had begun, or why there is none.
    End(Result<Body, PostFailure>),
    /// Head and body at once.
    Whole(Result<Body, PostFailure>),
}

/// Why a POST's body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFailure {
    /// Over `max_http_buffer_size`.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// `application/octet-stream`, which this revision does not take.
    Binary,
    /// It did not come within `request_body_timeout`.
    Timeout,
    /// The client went away half-way.
    Lost,
}

/// The body of a POST as it comes, piece by piece, up to a limit.
#[derive(Clone, Debug, Hash)]
pub struct Collector {
    limit: usize,
    first: Bytes,
    more: BytesMut,
}

impl Collector {
    /// Of a body that has this many bytes at most.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            first: Bytes::new(),
            more: BytesMut::new(),
        }
    }

    /// The next piece.
    ///
    /// # Errors
    /// With it the body is larger than it may be. Nothing of it is kept.
    pub fn push(&mut self, piece: Bytes) -> Result<(), PostFailure> {
        let held = self.bytes();
        if held.saturating_add(piece.len()) > self.limit {
            *self = Self::new(self.limit);
            return Err(PostFailure::TooLarge);
        }
        if held == 0 {
            self.first = piece;
        } else {
            if self.more.is_empty() {
                self.more
                    .extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.more.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// The whole body. One that came in one piece is not copied.
    pub fn take(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        match self.more.is_empty() {
            true => first,
            false => std::mem::take(&mut self.more).freeze(),
        }
    }

    /// Bytes that are there.
    pub fn bytes(&self) -> usize {
        self.first.len().max(self.more.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(limit: usize, pieces: &[&'static str]) -> Result<Bytes, PostFailure> {
        let mut body = Collector::new(limit);
        for piece in pieces {
            body.push(Bytes::from_static(piece.as_bytes()))?;
        }
        Ok(body.take())
    }

    #[test]
    fn a_body_is_its_pieces_up_to_the_limit() {
        assert_eq!(collected(0, &[]), Ok(Bytes::new()));
        for pieces in [&["4abc"][..], &["4", "abc"], &["", "4a", "", "b", "c"]] {
            assert_eq!(collected(4, pieces), Ok("4abc".into()), "{pieces:?}");
            assert_eq!(
                collected(3, pieces),
                Err(PostFailure::TooLarge),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn one_piece_is_not_copied_and_what_is_too_large_is_not_kept() {
        let piece = Bytes::from(vec![b'x'; 10]);
        let mut body = Collector::new(10);
        body.push(piece.clone()).unwrap();
        assert_eq!((body.bytes(), body.take().as_ptr()), (10, piece.as_ptr()));
        assert_eq!(body.bytes(), 0);
        body.push(piece.clone()).unwrap();
        assert_eq!(body.push("x".into()), Err(PostFailure::TooLarge));
        assert_eq!(body.bytes(), 0);
    }
}
