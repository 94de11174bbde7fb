//! A runtime's clock and timers in hyper's terms.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::rt::{Sleep as HyperSleep, Timer};
use sio_core::time::Instant;

use super::line::{Expects, Line};
use crate::runtime::{EARLIEST, Runtime, Sleep};
use crate::system_clock;

/// A runtime's clock and timers for hyper, those of one connection.
///
/// hyper makes a timer for the head of each request and drops it when the head is there, mostly at once. So
/// what it is given is a moment; one timer of the runtime rings for all of them, and is only set when a head
/// has to be waited for. A timer each was two allocations and a tenth of hyper's instructions for a request.
///
/// hyper waits for the next head from the moment at which the last response is out. How long it may take is
/// counted from its first byte, and how long nothing at all may come is another matter.
pub(super) struct Clock<R: Runtime> {
    runtime: R,
    shared: Arc<Shared<R>>,
}

struct Shared<R: Runtime> {
    line: Line,
    waits: Waits,
    timer: Mutex<SharedTimer<R>>,
}

/// How long a stream is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For the first request, and for the head of any other from its first byte on: what hyper was told.
    pub(super) head: Duration,
    /// For the first byte of another request.
    pub(super) next: Duration,
}

struct SharedTimer<R: Runtime> {
    sleep: Option<Pin<Box<R::Sleep>>>,
    /// When it rings, and for whom.
    armed: Option<(Instant, Waker)>,
}

/// One of hyper's timers.
struct ClockSleep<R: Runtime> {
    at: Instant,
    clock: Clock<R>,
    /// Whether a part of a head was there.
    begun: bool,
}

impl<R: Runtime> Clock<R> {
    pub(super) fn new(runtime: R, line: Line, waits: Waits) -> Self {
        let timer = Mutex::new(SharedTimer {
            sleep: None,
            armed: None,
        });
        let shared = Shared { line, waits, timer };
        Self {
            runtime,
            shared: Arc::new(shared),
        }
    }

    fn ring_at(&self, at: Instant) -> Pin<Box<dyn HyperSleep>> {
        Box::pin(ClockSleep {
            at,
            clock: self.clone(),
            begun: false,
        })
    }
}

impl<R: Runtime> Clone for Clock<R> {
    fn clone(&self) -> Self {
        Self {
            runtime: self.runtime.clone(),
            shared: self.shared.clone(),
        }
    }
}

impl<R: Runtime> SharedTimer<R> {
    /// Rings at `at`, which is after `now`, and perhaps before that.
    fn poll_until(
        &mut self,
        runtime: &R,
        now: Instant,
        at: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let armed = self.armed.as_ref();
        // One that was set for an earlier request is set again when it rings.
        let before = armed.is_some_and(|(armed, _)| now < *armed && *armed <= at);
        let known = armed.is_some_and(|(armed, waker)| {
            waker.will_wake(cx.waker()) && armed.saturating_duration_since(now) > EARLIEST
        });
        if before && known {
            return Poll::Pending;
        }
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if !before {
                    sleep.as_mut().reset(at);
                }
                sleep
            }
            none => none.insert(Box::pin(runtime.sleep_until(at))),
        };
        let mut until = armed.map_or(at, |(armed, _)| if before { *armed } else { at });
        self.armed = None;
        let mut rings = sleep.as_mut().poll(cx);
        if rings.is_ready() && until != at {
            // It was the earlier moment's, or is a little early for it.
            until = at;
            sleep.as_mut().reset(at);
            rings = sleep.as_mut().poll(cx);
        }
        if rings.is_pending() {
            self.armed = Some((until, cx.waker().clone()));
        }
        rings
    }
}

impl<R: Runtime> Future for ClockSleep<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.clock.runtime.now();
        let at = self.due(now);
        let Clock { runtime, shared } = &self.clock;
        if at <= now {
            return Poll::Ready(());
        }
        let mut timer = shared.timer.lock().unwrap_or_else(PoisonError::into_inner);
        timer.poll_until(runtime, now, at, cx)
    }
}

impl<R: Runtime> ClockSleep<R> {
    /// When what is waited for must be there.
    fn due(&mut self, now: Instant) -> Instant {
        let Shared { line, waits, .. } = &*self.clock.shared;
        match line.expects() {
            Expects::First => {}
            Expects::Next => return self.at + waits.next - waits.head,
            // hyper asks whenever it has read a part of a head, so that this is when it has come.
            Expects::Rest if !self.begun => {
                self.begun = true;
                self.at = now + waits.head;
            }
            Expects::Rest => {}
        }
        self.at
    }
}

// The runtime's timer has a box of its own.
impl<R: Runtime> Unpin for ClockSleep<R> {}

impl<R: Runtime> HyperSleep for ClockSleep<R> {}

impl<R: Runtime> Timer for Clock<R> {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn HyperSleep>> {
        self.ring_at(self.runtime.now() + duration)
    }

    fn sleep_until(&self, at: std::time::Instant) -> Pin<Box<dyn HyperSleep>> {
        self.ring_at(system_clock::from_std(at))
    }

    /// hyper counts by the system's clock. It adds to what it is told here, and hands back the sum.
    fn now(&self) -> std::time::Instant {
        system_clock::to_std(self.runtime.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// A runtime whose clock is turned by hand.
    #[derive(Clone)]
    struct Hand(Arc<Mutex<State>>);

    struct State {
        now: Instant,
        /// How much too early timers ring.
        early: Duration,
        /// How often one was set, and how often one was asked.
        set: usize,
        asked: usize,
    }

    struct HandSleep(Instant, Hand);

    impl Future for HandSleep {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            let mut state = self.1.0.lock().unwrap();
            state.asked += 1;
            match self.0 <= state.now + state.early {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }
    }

    impl Sleep for HandSleep {
        fn reset(mut self: Pin<&mut Self>, at: Instant) {
            self.1.0.lock().unwrap().set += 1;
            self.0 = at;
        }
    }

    impl Runtime for Hand {
        type Sleep = HandSleep;

        fn now(&self) -> Instant {
            self.0.lock().unwrap().now
        }

        fn wall_clock(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn sleep_until(&self, at: Instant) -> HandSleep {
            self.0.lock().unwrap().set += 1;
            HandSleep(at, self.clone())
        }

        fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

        fn random(&self, _: &mut [u8]) {}
    }

    #[test]
    fn one_timer_rings_for_all_heads_and_none_is_set_for_those_that_are_there() {
        const LIMIT: Duration = Duration::from_secs(10);
        let state = State {
            now: Instant::ORIGIN,
            early: Duration::ZERO,
            set: 0,
            asked: 0,
        };
        let hand = Hand(Arc::new(Mutex::new(state)));
        let pass = |time| hand.0.lock().unwrap().now += time;
        let counts = || {
            let state = hand.0.lock().unwrap();
            (state.set, state.asked)
        };
        let waits = Waits {
            head: LIMIT,
            next: LIMIT,
        };
        let clock = Clock::new(hand.clone(), Line::default(), waits);
        let waker = Waker::from(Arc::new(Task));
        let mut cx = Context::from_waker(&waker);
        drop(clock.sleep(LIMIT));
        assert_eq!(counts(), (0, 0));
        // Eight heads that are waited for a second each: the timer is set for the first of them.
        for _ in 0..8 {
            assert!(clock.sleep(LIMIT).as_mut().poll(&mut cx).is_pending());
            pass(Duration::from_secs(1));
        }
        assert_eq!(counts(), (1, 1));
        // It rings for that one while the last is waited for, which has its whole time.
        let mut last = clock.sleep(LIMIT);
        assert!(last.as_mut().poll(&mut cx).is_pending());
        pass(Duration::from_secs(2));
        assert!(last.as_mut().poll(&mut cx).is_pending());
        assert_eq!(counts().0, 2);
        pass(Duration::from_millis(7_999));
        assert!(last.as_mut().poll(&mut cx).is_pending());
        pass(Duration::from_millis(1));
        assert!(last.as_mut().poll(&mut cx).is_ready());
        // One that is due sooner than what is set, and a task with another waker.
        assert!(clock.sleep(LIMIT).as_mut().poll(&mut cx).is_pending());
        let (set, asked) = counts();
        let mut soon = clock.sleep(LIMIT / 2);
        assert!(soon.as_mut().poll(&mut cx).is_pending());
        assert_eq!(counts(), (set + 1, asked + 1));
        let other = Waker::from(Arc::new(Task));
        let mut cx = Context::from_waker(&other);
        assert!(soon.as_mut().poll(&mut cx).is_pending());
        assert_eq!(counts(), (set + 1, asked + 2));
        pass(LIMIT / 2);
        assert!(soon.as_mut().poll(&mut cx).is_ready());
    }

    /// A task that is looked at whenever its test likes.
    struct Task;

    impl std::task::Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_timer_that_rings_early_for_an_earlier_head_does_not_ring_for_a_later_one() {
        let state = State {
            now: Instant::ORIGIN,
            early: Duration::from_millis(900),
            set: 0,
            asked: 0,
        };
        let hand = Hand(Arc::new(Mutex::new(state)));
        let seconds = Duration::from_secs;
        let waits = Waits {
            head: seconds(10),
            next: seconds(10),
        };
        let clock = Clock::new(hand.clone(), Line::default(), waits);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(clock.sleep(seconds(10)).as_mut().poll(&mut cx).is_pending());
        hand.0.lock().unwrap().now += seconds(5);
        let mut later = clock.sleep(seconds(10));
        assert!(later.as_mut().poll(&mut cx).is_pending());
        hand.0.lock().unwrap().now += Duration::from_millis(4_500);
        assert!(later.as_mut().poll(&mut cx).is_pending());
        assert_eq!(hand.0.lock().unwrap().set, 2);
        hand.0.lock().unwrap().now += seconds(5);
        assert!(later.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn the_time_of_a_head_begins_with_its_first_byte_but_that_of_the_first() {
        // faults: F8
        let state = State {
            now: Instant::ORIGIN,
            early: Duration::ZERO,
            set: 0,
            asked: 0,
        };
        let hand = Hand(Arc::new(Mutex::new(state)));
        let pass = |seconds| hand.0.lock().unwrap().now += Duration::from_secs(seconds);
        let waits = Waits {
            head: Duration::from_secs(10),
            next: Duration::from_secs(75),
        };
        let mut cx = Context::from_waker(Waker::noop());
        for bytes in [false, true] {
            let line = Line::default();
            let clock = Clock::new(hand.clone(), line.clone(), waits);
            let mut first = clock.sleep(waits.head);
            pass(9);
            if bytes {
                line.read();
            }
            assert!(first.as_mut().poll(&mut cx).is_pending());
            pass(1);
            assert!(first.as_mut().poll(&mut cx).is_ready());
        }
        let line = Line::default();
        let clock = Clock::new(hand.clone(), line.clone(), waits);
        line.read();
        line.written();
        let mut idle = clock.sleep(waits.head);
        pass(74);
        assert!(idle.as_mut().poll(&mut cx).is_pending());
        pass(1);
        assert!(idle.as_mut().poll(&mut cx).is_ready());
        let mut next = clock.sleep(waits.head);
        pass(60);
        line.read();
        assert!(next.as_mut().poll(&mut cx).is_pending());
        pass(9);
        assert!(next.as_mut().poll(&mut cx).is_pending());
        pass(1);
        assert!(next.as_mut().poll(&mut cx).is_ready());
    }
}
