//! What the driver's folder of this name has, on other primitives.

#[path = "../../../core/driver/src/sync/one_shot.rs"]
pub(crate) mod one_shot;
pub(crate) mod primitives;
#[path = "../../../core/driver/src/sync/signal.rs"]
pub(crate) mod signal;
#[path = "../../../core/driver/src/sync/wait_group.rs"]
pub(crate) mod wait_group;
