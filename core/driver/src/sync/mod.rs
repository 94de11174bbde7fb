//! What tasks and threads need to wait for each other.

pub(crate) mod one_shot;
pub(crate) mod signal;
pub(crate) mod wait_group;
