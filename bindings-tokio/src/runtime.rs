//! tokio as the driver's runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use pin_project_lite::pin_project;
use sio_driver::binding::{Instant, Runtime, system_clock};

/// tokio's clock, timers and tasks. Everything must be used within a tokio runtime that has its timer
/// and its IO enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

pin_project! {
    /// A timer of tokio.
    #[derive(Debug)]
    pub struct Sleep {
        #[pin]
        inner: tokio::time::Sleep,
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().inner.poll(cx)
    }
}

impl sio_driver::binding::Sleep for Sleep {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        self.project().inner.reset(system_clock::to_std(at).into());
    }
}

impl Runtime for Tokio {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        system_clock::from_std(tokio::time::Instant::now().into_std())
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep {
            inner: tokio::time::sleep_until(system_clock::to_std(at).into()),
        }
    }

    /// Outside of a runtime there is nobody to run it: it is dropped, as when its runtime ends.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(task));
        }
    }

    /// # Panics
    /// If the operating system has no random source: no session could be safe.
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bytes");
    }
}
