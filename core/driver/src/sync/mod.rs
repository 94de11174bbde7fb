//! What tasks and threads need to wait for each other, and to call what is the application's.

pub(crate) mod guard;
pub(crate) mod hook;
pub(crate) mod later;
pub(crate) mod one_shot;
pub(crate) mod signal;
pub(crate) mod wait_group;

/// A future without its type.
pub(crate) type BoxFuture<T> = futures_util::future::BoxFuture<'static, T>;
