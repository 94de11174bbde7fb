//! What is on its way by a connection, whatever that is made of: in which order it is looked after.

use std::task::{Context, Poll};
use std::time::Duration;

use redis::PushInfo;
use sio_driver::binding::Instant;

use crate::command::Said;
use crate::inbox::Inbox;

/// What has come of a connection.
#[derive(Debug)]
pub(crate) enum Step {
    Said(Said),
    /// It is no more: why.
    Gone(String),
    /// The same, though nothing has failed.
    Moved(&'static str),
}

/// A connection in use. What it is asked in [`poll`](Self::poll) are its parts.
pub(crate) trait Traffic {
    /// What came of it and was not told yet.
    fn said(&mut self) -> Option<Said>;

    fn inbox(&self) -> &Inbox;

    /// Redis has said this by itself: what comes of it.
    fn hear(&mut self, push: PushInfo, now: Instant) -> Option<Step>;

    /// Whether more waits to be sent than may wait.
    fn is_full(&self) -> bool;

    /// Whether something was answered.
    fn poll_replies(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, String>;

    /// Whether a batch was written.
    fn write(&mut self, now: Instant) -> bool;

    /// When it is to be looked at again, if nothing happens.
    fn due(&self) -> Instant;

    /// Now that it is due: for how long what was asked may go without an answer, if it did for longer.
    fn is_silent(&self, now: Instant) -> Option<Duration>;

    /// It is asked whether it is there.
    fn ping(&mut self, now: Instant);

    /// What comes of it next. Whoever waits is woken by what is said, not when it is [`due`](Self::due).
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Step> {
        loop {
            if let Some(said) = self.said() {
                return Poll::Ready(Step::Said(said));
            }
            match self.inbox().poll(cx) {
                Poll::Ready(Ok(push)) => match self.hear(push, now) {
                    Some(step) => return Poll::Ready(step),
                    None => continue,
                },
                Poll::Ready(Err(why)) => return Poll::Ready(Step::Gone(why.to_owned())),
                Poll::Pending => {}
            }
            if self.is_full() {
                let why = "more waited to be sent than may wait (max_unsent_bytes)";
                return Poll::Ready(Step::Gone(why.to_owned()));
            }
            match self.poll_replies(cx, now) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(why) => return Poll::Ready(Step::Gone(why)),
            }
            if self.write(now) {
                continue;
            }
            if now < self.due() {
                return Poll::Pending;
            }
            if let Some(patience) = self.is_silent(now) {
                let why = format!("no answer came in {patience:?}");
                return Poll::Ready(Step::Gone(why));
            }
            self.ping(now);
        }
    }
}
