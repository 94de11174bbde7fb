//! Those of `shuttle`.

pub(crate) use shuttle::sync::{Mutex, MutexGuard};

pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU32, Ordering};
}

/// One that others wait for as `shuttle` wants it, while it is being made.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    made: std::sync::OnceLock<T>,
    making: Mutex<()>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            made: std::sync::OnceLock::new(),
            making: Mutex::new(()),
        }
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let _making = self.making.lock();
        if self.made.get().is_none() {
            let made = make();
            return self.made.get_or_init(|| made);
        }
        self.made.get_or_init(|| unreachable!("it is made"))
    }
}
