//! Code of the application's that may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic of the application's, in its words.
#[derive(Debug)]
pub(crate) struct Panic(pub(crate) String);

impl Panic {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let words = payload
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Self(words.unwrap_or_else(|| "no message".to_owned()))
    }
}

/// Calls something of the application's. What a panic left half done belongs to the connection, which
/// is closed for it, or to the application.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let panic = Panic::new(&*payload);
        // What was panicked with is the application's, too, and so is its destructor. Where that ends, nobody knows.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        panic
    })
}

/// Drops something in which the application's values are: their destructors are its code.
pub(crate) fn let_go<T>(value: T) -> Result<(), Panic> {
    guarded(|| drop(value))
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    /// Its end panics.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("once more");
        }
    }

    #[test]
    fn what_is_panicked_with_may_panic_itself() {
        let panic = guarded::<()>(|| panic_any(Bomb)).unwrap_err();
        assert_eq!(panic.0, "no message");
    }
}
