//! Bodies of responses as hyper is given them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::line::{Debts, Line};
use crate::mailbox::reply::Owed;

/// Bytes of a body that are handed over at a time.
///
/// hyper copies what it is given behind the head, and keeps as much room on that connection for as long as it
/// lives: a client that asks for a large answer on each of many connections had all of them held.
const PIECE: usize = 32 * 1024;

/// A body in pieces.
pub(super) struct Pieces {
    whole: Full<Bytes>,
    /// What is left of one that is longer than a piece.
    rest: Bytes,
    /// What is owed until that has left, and who hears of it with the last piece.
    owed: Option<(Debts, Line)>,
}

impl Pieces {
    /// The body of what is answered now on this line.
    pub(super) fn new(whole: Full<Bytes>, line: &Line) -> Self {
        let long = whole
            .size_hint()
            .exact()
            .is_none_or(|size| size > PIECE as u64);
        Self {
            whole,
            rest: Bytes::new(),
            owed: long.then(|| (line.take_owed(), line.clone())),
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some((owed, line)) = &self.owed
            && line.is_given_up()
        {
            owed.iter().for_each(Owed::lose);
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.whole).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.len() > PIECE => this.rest = data,
                    Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        if this.rest.is_empty()
            && let Some((owed, line)) = this.owed.take()
        {
            line.owe(owed);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest.len() {
            0 => self.whole.size_hint(),
            left => SizeHint::with_exact(left as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    fn pieces(size: usize) -> Vec<usize> {
        let body = Bytes::from(vec![7; size]);
        let mut pieces = Pieces::new(Full::new(body), &Line::default());
        let mut sizes = Vec::new();
        let mut left = size;
        while !pieces.is_end_stream() {
            assert_eq!(pieces.size_hint().exact(), Some(left as u64));
            let frame = pieces.frame().now_or_never().unwrap().unwrap().unwrap();
            sizes.push(frame.into_data().unwrap().len());
            left -= sizes.last().unwrap();
        }
        assert!(pieces.frame().now_or_never().unwrap().is_none());
        sizes
    }

    #[test]
    fn a_body_is_whole_up_to_a_piece() {
        assert_eq!(pieces(0), [0; 0]);
        assert_eq!(pieces(1), [1]);
        assert_eq!(pieces(PIECE), [PIECE]);
        assert_eq!(pieces(PIECE + 1), [PIECE, 1]);
        assert_eq!(pieces(3 * PIECE), [PIECE; 3]);
    }
}
