//! What the driver's folder of this name has, on other primitives.

#[path = "../../../core/driver/src/mailbox/batch.rs"]
pub(crate) mod batch;
#[path = "../../../core/driver/src/mailbox/queue.rs"]
mod queue;
#[path = "../../../core/driver/src/mailbox/weight.rs"]
pub(crate) mod weight;

pub(crate) use queue::*;
