//! Buffers that the connections of a thread share, so that none holds one while it waits.

use std::cell::{Cell, RefCell};

/// The size of the read buffer: what one read takes at most. 64 KiB are 16 messages of 4 KiB, each of
/// which cost 0.39 reads with 16 KiB.
pub(crate) const SIZE: usize = 64 * 1024;

/// Capacity of the write buffer that is kept for the next connection.
const KEPT: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SIZE]);
    static OUTGOING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the read buffer. What was read into it is copied out before this returns.
pub(crate) fn with<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut read = Some(read);
    let lent = BUFFER.try_with(|buffer| {
        let mut buffer = buffer.try_borrow_mut().ok()?;
        read.take().map(|read| read(&mut buffer))
    });
    match (lent, read) {
        (Ok(Some(done)), _) => done,
        // A stream that reads from another connection while it is read itself, or a thread that ends.
        (_, Some(read)) => read(&mut [0; 1024]),
        (_, None) => unreachable!("what was called has returned"),
    }
}

/// The thread's write buffer, empty, with what room it has. It may come back by [`give_back`].
///
/// Each connection had its own for a turn: 64 KiB of it are a mapping made, faulted in and given back
/// each time, a quarter of what an echo of 4 KiB cost.
pub(crate) fn outgoing() -> Vec<u8> {
    // There is none on a thread that ends.
    OUTGOING.try_with(Cell::take).unwrap_or_default()
}

/// What [`outgoing`] gave, once all of it is written.
pub(crate) fn give_back(mut buffer: Vec<u8>) {
    buffer.clear();
    if buffer.capacity() <= KEPT {
        let _ = OUTGOING.try_with(|kept| kept.set(buffer));
    }
}
