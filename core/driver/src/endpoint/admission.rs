//! Who is let in: the core's machine behind the endpoint's lock, and what gives itself back to it.

use std::sync::Arc;

use sio_core::admission::{self, HandshakePermit, SessionPermit};
use sio_core::config::Config;
use sio_core::engine::HandshakeError;

use crate::sync::wait_group::{Count, WaitGroup};

/// How many sessions an endpoint has, and who waits until it has none.
#[derive(Debug)]
pub(crate) struct Admission(WaitGroup<admission::Admission>);

impl Count for admission::Admission {
    fn is_none(&self) -> bool {
        self.sessions() == 0
    }
}

/// A handshake that is being decided over. Given up when it is dropped.
#[derive(Debug)]
pub(crate) struct PendingHandshake {
    admission: Arc<Admission>,
    permit: Option<HandshakePermit>,
}

/// A session that was let in. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OpenSession {
    admission: Arc<Admission>,
    permit: Option<SessionPermit>,
}

impl Admission {
    pub(crate) fn new(config: &Config) -> Self {
        Self(WaitGroup::new(admission::Admission::new(config)))
    }

    /// A handshake has arrived.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<PendingHandshake, HandshakeError> {
        let permit = self.0.change(admission::Admission::begin)?;
        Ok(PendingHandshake {
            admission: self.clone(),
            permit: Some(permit),
        })
    }

    /// Nobody is let in from now on.
    pub(crate) fn shut_down(&self) {
        self.0.change(admission::Admission::shut_down);
    }

    /// Waits until no session is left that is not wound up.
    pub(crate) async fn gone(&self) {
        self.0.none().await;
    }
}

impl PendingHandshake {
    /// Lets it in, if others do not stand against it.
    pub(crate) fn admit(mut self) -> Result<OpenSession, HandshakeError> {
        let Some(permit) = self.permit.take() else {
            unreachable!("it is taken here and on drop");
        };
        let permit = self.admission.0.change(|its| its.admit(permit))?;
        Ok(OpenSession {
            admission: self.admission.clone(),
            permit: Some(permit),
        })
    }
}

impl Drop for PendingHandshake {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.admission.0.change(|its| its.give_up(permit));
        }
    }
}

impl OpenSession {
    /// It is pending no more.
    pub(crate) fn settle(&mut self) {
        if let Some(permit) = self.permit.as_mut().filter(|it| it.is_pending()) {
            self.admission.0.change(|its| its.settle(permit));
        }
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.admission.0.change(|its| its.end(permit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_makes_room() {
        let config = Config::v4().max_sessions(1).max_pending_sessions(1);
        let admission = Arc::new(Admission::new(&config));
        let waits = admission.begin().unwrap();
        assert!(admission.begin().is_err());
        drop(waits);
        let mut session = admission.begin().unwrap().admit().unwrap();
        session.settle();
        session.settle();
        assert!(admission.begin().is_err(), "of sessions there is one");
        drop(session);
        admission.begin().unwrap().admit().unwrap();
        admission.shut_down();
        let refused = admission.begin();
        assert!(matches!(refused, Err(HandshakeError::ShuttingDown)));
    }
}
