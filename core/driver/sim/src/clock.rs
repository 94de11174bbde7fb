//! Virtual time: it passes when nothing else can happen.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sio_driver::binding::Instant;

use crate::tasks::Wait;
use crate::timers::{Alarm, Key};
use crate::world::World;

/// A timer of the simulation. It rings at its moment, not before and not after.
pub struct Sleep {
    world: Arc<World>,
    host: IpAddr,
    /// By the clock of the host.
    at: Duration,
    key: Option<Key>,
}

impl Sleep {
    pub(crate) fn new(world: Arc<World>, host: IpAddr, at: Instant) -> Self {
        Self {
            at: at - Instant::ORIGIN,
            world,
            host,
            key: None,
        }
    }

    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            self.world.with(|state| state.timers.remove(key));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.cancel();
        let (host, at) = (this.host, this.at);
        this.key = this.world.with(|state| {
            let at = state.hosts.moment(host, at, state.now);
            if state.now >= at {
                return None;
            }
            state.tasks.waits(Wait::Until(at));
            Some(state.timers.set(at, Alarm::Wake(host, cx.waker().clone())))
        });
        match this.key {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }
}

impl sio_driver::binding::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.cancel();
        self.at = at - Instant::ORIGIN;
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sleep").field(&self.at).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use sio_driver::binding::{Runtime, Sleep as _};

    use super::*;
    use crate::Sim;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn timers_ring_in_order_and_time_passes_only_between() {
        let sim = Sim::new(3);
        let rung = Arc::<Mutex<Vec<u32>>>::default();
        for seconds in [3, 1, 2] {
            let (inner, rung) = (sim.clone(), rung.clone());
            sim.spawn(async move {
                inner.sleep(seconds * SECOND).await;
                assert_eq!(inner.elapsed(), seconds * SECOND);
                rung.lock().unwrap().push(seconds);
            });
        }
        let inner = sim.clone();
        sim.run(async move { inner.sleep(4 * SECOND).await });
        assert_eq!(*rung.lock().unwrap(), [1, 2, 3]);
        assert_eq!(sim.elapsed(), 4 * SECOND);
    }

    #[test]
    fn a_timer_can_be_moved_both_ways_and_dropped() {
        let sim = Sim::new(3);
        let inner = sim.clone();
        sim.run(async move {
            let start = inner.now();
            let mut sleep = Box::pin(inner.sleep_until(start + 5 * SECOND));
            assert!(futures_util::poll!(sleep.as_mut()).is_pending());
            sleep.as_mut().reset(start + SECOND);
            sleep.as_mut().await;
            assert_eq!(inner.elapsed(), SECOND);
            // Once it has rung it can be set again.
            sleep.as_mut().reset(start + 3 * SECOND);
            sleep.as_mut().await;
            assert_eq!(inner.elapsed(), 3 * SECOND);
            let mut dropped = Box::pin(inner.sleep_until(start + 60 * SECOND));
            assert!(futures_util::poll!(dropped.as_mut()).is_pending());
        });
        assert_eq!(sim.elapsed(), 3 * SECOND);
        assert!(sim.world.with(|state| state.timers.pop().is_none()));
    }
}
