//! A connection by which commands are sent one by one, each with its own end.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_lock::Mutex as AsyncMutex;
use redis::{Cmd, PushInfo, PushKind, RedisResult, Value, cmd};

use crate::error::EmitterError;
use crate::place::Place;
use crate::policy::Policy;
use crate::way::{BlockingWay, Wanted, Way, is_elsewhere};

/// Sends commands, awaited or blocking, each way by a connection of its own. One that was lost is made again for the
/// next command: what was sent by it is not sent again.
pub(crate) struct Outlet {
    place: Place,
    policy: Policy,
    awaited: AsyncMutex<Kept<Awaited>>,
    blocking: Mutex<Kept<Blocking>>,
    /// Attempts to connect that have ended, of the one and of the other, so that whoever waited for one that failed need
    /// not make another.
    attempts: AtomicU64,
    blocking_attempts: AtomicU64,
}

struct Kept<C> {
    connection: Option<C>,
    failure: Option<redis::RedisError>,
}

#[derive(Clone)]
struct Awaited {
    way: Way,
    gone: Arc<AtomicBool>,
}

struct Blocking {
    way: BlockingWay,
    heard: Instant,
}

/// An answer that is awaited. Dropped before it has come, its connection may answer nobody any more.
struct Waits<'a>(Option<&'a AtomicBool>);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(gone) = self.0 {
            gone.store(true, Ordering::Relaxed);
        }
    }
}

impl Outlet {
    pub(crate) fn new(place: Place, policy: Policy) -> Self {
        Self {
            place,
            policy,
            awaited: AsyncMutex::new(Kept::default()),
            blocking: Mutex::new(Kept::default()),
            attempts: AtomicU64::new(0),
            blocking_attempts: AtomicU64::new(0),
        }
    }

    /// Sends it, and waits for the answer.
    pub(crate) async fn send(&self, command: &Cmd) -> Result<(), EmitterError> {
        let Awaited { mut way, gone } = self.awaited().await?;
        let mut waits = Waits(Some(&gone));
        let mut sent = say(&mut way, command).await;
        for _ in 1..MOST_TRIES {
            // Nothing was done, and by now it is known who does it.
            if sent.as_ref().is_err_and(is_elsewhere) {
                sent = say(&mut way, command).await;
            }
        }
        waits.0 = None;
        sent.map(drop).map_err(|why| {
            let failure = failure(why);
            if let EmitterError::Unsure(_) = failure {
                gone.store(true, Ordering::Relaxed);
            }
            failure
        })
    }

    /// The same, by this thread.
    pub(crate) fn send_blocking(&self, command: &Cmd) -> Result<(), EmitterError> {
        let mut sent = self.try_blocking(command);
        for _ in 1..MOST_TRIES {
            if let Err(EmitterError::Refused(why)) = &sent
                && is_elsewhere(why.inner())
            {
                // Who does it is asked when a connection is made.
                let mut kept = self.blocking.lock().unwrap_or_else(PoisonError::into_inner);
                kept.connection = None;
                drop(kept);
                sent = self.try_blocking(command);
            }
        }
        sent
    }

    fn try_blocking(&self, command: &Cmd) -> Result<(), EmitterError> {
        let attempts = self.blocking_attempts.load(Ordering::Relaxed);
        let mut kept = self.blocking.lock().unwrap_or_else(PoisonError::into_inner);
        // One on which nothing was said for long may have been lost meanwhile, which only asking tells.
        let lives = |it: &mut Blocking| {
            it.heard.elapsed() < self.policy.ping_interval || it.way.send(&cmd("PING")).is_ok()
        };
        let mut last = kept.connection.take();
        let mut it = match last.take_if(lives) {
            Some(it) => it,
            None => {
                failed_meanwhile(&self.blocking_attempts, attempts, &kept.failure)?;
                let made = self.connect();
                self.blocking_attempts.fetch_add(1, Ordering::Relaxed);
                kept.failure = made.as_ref().err().cloned();
                made.map_err(|why| EmitterError::Unreachable(why.into()))?
            }
        };
        let sent = it.way.send(command).map_err(failure);
        if !matches!(sent, Err(EmitterError::Unsure(_))) {
            it.heard = Instant::now();
            kept.connection = Some(it);
        }
        sent.map(drop)
    }

    async fn awaited(&self) -> Result<Awaited, EmitterError> {
        let attempts = self.attempts.load(Ordering::Relaxed);
        let mut kept = self.awaited.lock().await;
        if let Some(it) = &kept.connection
            && !it.gone.load(Ordering::Relaxed)
        {
            return Ok(it.clone());
        }
        kept.connection = None;
        failed_meanwhile(&self.attempts, attempts, &kept.failure)?;
        let gone = Arc::new(AtomicBool::new(false));
        let told = gone.clone();
        let wanted = Wanted {
            patience: self.policy.connect_timeout,
            answers: Some(self.policy.ping_timeout),
            pushes: Some(Arc::new(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    told.store(true, Ordering::Relaxed);
                }
            })),
        };
        let made = self.place.connect(wanted).await;
        self.attempts.fetch_add(1, Ordering::Relaxed);
        kept.failure = made.as_ref().err().cloned();
        let way = made.map_err(|why| EmitterError::Unreachable(why.into()))?;
        let it = Awaited { way, gone };
        kept.connection = Some(it.clone());
        Ok(it)
    }

    fn connect(&self) -> RedisResult<Blocking> {
        let (patience, answers) = (self.policy.connect_timeout, self.policy.ping_timeout);
        let way = self.place.connect_blocking(patience, answers)?;
        Ok(Blocking {
            way,
            heard: Instant::now(),
        })
    }
}

/// How often a Redis Cluster is told the same while a slot changes hands.
const MOST_TRIES: usize = 5;

async fn say(way: &mut Way, command: &Cmd) -> RedisResult<Value> {
    way.send(command).await?.extract_error()
}

/// Whoever waited while another tried to connect has its failure, too.
fn failed_meanwhile(
    attempts: &AtomicU64,
    before: u64,
    failure: &Option<redis::RedisError>,
) -> Result<(), EmitterError> {
    match failure {
        Some(why) if attempts.load(Ordering::Relaxed) != before => {
            Err(EmitterError::Unreachable(why.clone().into()))
        }
        Some(_) | None => Ok(()),
    }
}

/// What has become of a command.
fn failure(why: redis::RedisError) -> EmitterError {
    match why.code() {
        Some(_) => EmitterError::Refused(why.into()),
        None => EmitterError::Unsure(why.into()),
    }
}

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self {
            connection: None,
            failure: None,
        }
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlet")
    }
}
