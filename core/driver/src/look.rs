//! Looking at a stream before anybody has said that something has come.

use std::cell::Cell;

thread_local! {
    static LOOKS: Cell<bool> = const { Cell::new(false) };
}

/// Whether the task that runs on this thread wants to know what has arrived by now, and not only what its
/// reactor has heard of.
///
/// A [`Stream`](crate::binding::Stream) that reads whenever it is polled has nothing to ask here. One that waits to be told
/// before it reads asks when it would wait, and reads all the same if this is so. Else a request would be
/// handled before a frame that was there before it: reactors tell of what has become ready together in an
/// order of their own.
#[inline]
pub fn is_looking() -> bool {
    LOOKS.get()
}

/// Reads what has arrived by now.
pub(crate) fn look<T>(read: impl FnOnce() -> T) -> T {
    let _looking = Looking(LOOKS.replace(true));
    read()
}

/// As long as this lives, streams look. What was so before is so again behind it.
struct Looking(bool);

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKS.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::guard::guarded;

    #[test]
    fn it_is_over_with_what_looked() {
        assert!(!is_looking());
        look(|| {
            look(|| assert!(is_looking()));
            assert!(is_looking());
        });
        assert!(!is_looking());
        assert!(guarded(|| look(|| panic!("in a read"))).is_err());
        assert!(!is_looking());
    }
}
