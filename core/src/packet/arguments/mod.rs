//! The arguments of events and acks: as they came, as types, and as what is emitted.

mod args;
mod from;
mod into;
mod several;
mod spread;

pub use args::Args;
pub use from::FromArgs;
pub(super) use into::to_args;
pub use into::{IntoArgs, Writer};
