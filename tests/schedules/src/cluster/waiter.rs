//! What a desk knows of those who wait: that there are some.

#[derive(Debug)]
pub(super) struct Waiter;
