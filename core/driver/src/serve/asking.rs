//! Hooks into requests: what panics in one is logged, and the request gets its answer all the same.

use std::future::poll_fn;

use crate::log::error;
use crate::sync::BoxFuture;
use crate::sync::guard::guarded;
use crate::task::Guarded;

/// A hook has panicked, which is logged.
pub(super) struct Panicked;

/// Calls a hook.
pub(super) fn call<T>(hook: impl FnOnce() -> T) -> Result<T, Panicked> {
    guarded(hook).map_err(|_panic| {
        error!(why = %_panic.0, "hook panicked");
        Panicked
    })
}

/// Calls a hook that may wait.
pub(super) async fn ask<T>(hook: impl FnOnce() -> BoxFuture<T>) -> Result<T, Panicked> {
    let mut guarded = Guarded::new(call(hook)?, ());
    let ((), answer) = poll_fn(|cx| guarded.poll(cx)).await;
    answer.map_err(|_panic| {
        error!(why = %_panic.0, "hook panicked");
        Panicked
    })
}
