//! How a connection's task is reached: what it is told, where that waits, and who tells many at once.

pub(crate) mod batch;
pub(crate) mod command;
pub(crate) mod current;
pub(crate) mod fan_out;
pub(crate) mod gather;
pub(crate) mod held;
pub(crate) mod local_queue;
mod queue;
pub(crate) mod reply;
pub(crate) mod task_handle;
pub(crate) mod weight;

pub(crate) use queue::*;
