//! A read buffer that the connections of a thread share, so that none holds one while it waits.

use std::cell::RefCell;

/// Its size: what one read takes at most.
pub(crate) const SIZE: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SIZE]);
}

/// Lends the buffer. What was read into it is copied out before this returns.
pub(crate) fn with<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => read(&mut buffer),
        // A stream that reads from another connection while it is read itself.
        Err(_) => read(&mut [0; 1024]),
    })
}
