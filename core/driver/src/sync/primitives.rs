//! What tasks and threads share things by, under one name: where schedules are tried out (`tests/schedules`) others stand
//! here, that let another thread run wherever one may.

pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
}
