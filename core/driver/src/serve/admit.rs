//! Who is let in: the application's hooks into handshakes, and the time they have.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use sio_core::engine::HandshakeError;
use sio_core::http::asking_site;
use sio_core::id::Sid;

use super::Shared;
use super::asking::{Panicked, ask};
use super::respond::Context;
use crate::log::debug;
use crate::runtime::Runtime;
use crate::sync::signal::Signal;

impl<R: Runtime> Context<'_, R> {
    /// The answer of the application's hooks, unless it takes them longer than they may, or the server closes
    /// meanwhile: nobody would hear of a session that opens then.
    pub(super) async fn admit_in_time(&self) -> Result<Option<Sid>, HandshakeError> {
        let endpoint = self.endpoint();
        let mut admit = pin!(self.admit());
        let mut ends = None;
        poll_fn(|cx| {
            if let Poll::Ready(admitted) = admit.as_mut().poll(cx) {
                return Poll::Ready(admitted);
            }
            let (late, closing) = ends.get_or_insert_with(|| {
                let until = self.runtime.now() + endpoint.config.serving.admission_timeout;
                let late = Box::pin(self.runtime.sleep_until(until));
                (late, Signal::wait(Shared(endpoint.clone())))
            });
            if Pin::new(closing).poll(cx).is_ready() {
                return Poll::Ready(Err(HandshakeError::ShuttingDown));
            }
            late.as_mut().poll(cx).map(|()| {
                debug!("not admitted in time");
                Err(HandshakeError::undecided())
            })
        })
        .await
    }

    /// Asks the application's hooks about a handshake, and for an id if it makes them.
    async fn admit(&self) -> Result<Option<Sid>, HandshakeError> {
        let hooks = &self.endpoint().hooks;
        let Some(head) = &self.seen.head else {
            return Ok(None);
        };
        let forbidden =
            |message: String| HandshakeError::Forbidden((!message.is_empty()).then_some(message));
        if let Some(check) = hooks.origin.get() {
            let origin = asking_site(&head.headers).unwrap_or("*").to_owned();
            match ask(|| check(origin, head.clone())).await? {
                Ok(true) => {}
                Ok(false) => return Err(HandshakeError::Forbidden(None)),
                Err(message) => return Err(forbidden(message)),
            }
        }
        if let Some(allow) = hooks.allow_request.get() {
            ask(|| allow(head.clone())).await?.map_err(forbidden)?;
        }
        let Some(make) = hooks.session_ids.get() else {
            return Ok(None);
        };
        let made = ask(|| make(head.clone())).await?;
        if let Err(_why) = &made {
            // A client may be the reason, as often as it likes.
            debug!(why = %crate::log::Brief(_why), "no session id");
        }
        let made = made.map_err(HandshakeError::IdGeneration)?;
        let sid = Sid::made(made).ok_or_else(|| {
            HandshakeError::IdGeneration("it is empty, or holds what no query may".to_owned())
        })?;
        Ok(Some(sid))
    }
}

impl From<Panicked> for HandshakeError {
    fn from(_: Panicked) -> Self {
        Self::Failed
    }
}
