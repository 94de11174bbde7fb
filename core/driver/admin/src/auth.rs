//! Who is let in.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_channel::oneshot;
use serde::Deserialize;
use sio_driver::app::{Refusal, Socket};
use sio_driver::binding::{Instant, Runtime};

use crate::options::{Auth, Options};

/// What an admin shows.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Credentials {
    username: Option<String>,
    password: Option<String>,
    session_id: Option<String>,
}

/// The door of the namespace.
pub(crate) struct Gate<R> {
    runtime: R,
    auth: Auth,
    sessions: Mutex<Sessions>,
    checks: Arc<AtomicUsize>,
    max_checks: usize,
}

/// A session that was opened for a socket, which is told of it once it is in.
#[derive(Clone)]
struct Session(String);

impl<R: Runtime> Gate<R> {
    pub(crate) fn new(runtime: R, options: &Options) -> Self {
        Self {
            runtime,
            auth: options.auth.clone(),
            sessions: Mutex::new(Sessions {
                open: VecDeque::new(),
                most: options.max_sessions,
                duration: options.session_duration,
            }),
            checks: Arc::default(),
            max_checks: options.max_checks,
        }
    }

    pub(crate) fn is_needed(&self) -> bool {
        matches!(self.auth, Auth::Password { .. })
    }

    /// Lets an admin in, or not, and says nothing of why.
    pub(crate) async fn admit(&self, socket: &Socket) -> Result<(), Refusal> {
        let shown: Credentials = socket.handshake().auth.decode().unwrap_or_default();
        let now = self.runtime.now();
        if let Some(id) = &shown.session_id
            && self.sessions().knows(now, id)
        {
            return Ok(());
        }
        if !self.is_right(shown).await {
            return Err(Refusal::new("invalid credentials"));
        }
        let id = hex(&self.runtime);
        self.sessions().open(now, id.clone());
        socket.set_local_data(Session(id));
        Ok(())
    }

    async fn is_right(&self, shown: Credentials) -> bool {
        let Auth::Password { name, hash } = &self.auth else {
            return true;
        };
        let (Some(username), Some(password)) = (shown.username, shown.password) else {
            return false;
        };
        // Compared whoever it is: a wrong name takes as long as a wrong password.
        let same = self.compare(password, hash.clone()).await;
        same && username == *name
    }

    /// On a thread of its own: it takes long on purpose.
    async fn compare(&self, password: String, hash: String) -> bool {
        let Some(check) = Check::begin(&self.checks, self.max_checks) else {
            return false;
        };
        let (tell, told) = oneshot::channel();
        let begun = std::thread::Builder::new().spawn(move || {
            let same = bcrypt::verify(password, &hash).unwrap_or(false);
            drop(check);
            // Who asked may have gone.
            let _ = tell.send(same);
        });
        begun.is_ok() && told.await.unwrap_or(false)
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that was opened for this socket, once.
pub(crate) fn opened(socket: &Socket) -> Option<String> {
    let Session(id) = socket.data()?;
    socket.remove_data::<Session>();
    Some(id)
}

/// What nobody guesses.
pub(crate) fn hex(runtime: &impl Runtime) -> String {
    let mut random = [0; 16];
    runtime.random(&mut random);
    random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A password that is being compared.
struct Check(Arc<AtomicUsize>);

impl Check {
    fn begin(checks: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |now: usize| (now < most).then_some(now + 1);
        let begun = checks.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        begun.is_ok().then(|| Self(checks.clone()))
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The sessions that were opened by a password, the oldest first.
struct Sessions {
    open: VecDeque<(String, Instant)>,
    most: usize,
    duration: Duration,
}

impl Sessions {
    fn forget(&mut self, now: Instant) {
        let duration = self.duration;
        self.open.retain(|(_, since)| now < *since + duration);
    }

    fn knows(&mut self, now: Instant, id: &str) -> bool {
        self.forget(now);
        self.open.iter().any(|(open, _)| open == id)
    }

    fn open(&mut self, now: Instant, id: String) {
        self.forget(now);
        self.open.push_back((id, now));
        while self.open.len() > self.most {
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn sessions_are_bounded_in_number_and_time() {
        let mut sessions = Sessions {
            open: VecDeque::new(),
            most: 2,
            duration: Duration::from_secs(10),
        };
        sessions.open(at(0), "a".into());
        sessions.open(at(1), "b".into());
        assert!(sessions.knows(at(9), "a") && sessions.knows(at(9), "b"));
        sessions.open(at(9), "c".into());
        assert!(!sessions.knows(at(9), "a") && sessions.knows(at(10), "b"));
        assert!(!sessions.knows(at(11), "b") && sessions.knows(at(11), "c"));
        assert!(!sessions.knows(at(19), "c") && !sessions.knows(at(19), ""));
    }

    #[test]
    fn so_many_are_compared_at_a_time() {
        let checks = Arc::default();
        let one = Check::begin(&checks, 2);
        let two = Check::begin(&checks, 2);
        assert!(one.is_some() && two.is_some() && Check::begin(&checks, 2).is_none());
        drop(one);
        assert!(Check::begin(&checks, 2).is_some());
    }
}
