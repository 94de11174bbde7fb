//! What arguments can be taken as.

use serde::de::DeserializeOwned;

use super::{Args, several};
use crate::packet::ArgumentError;

/// What arguments can be taken as: every `T: DeserializeOwned` by [`Args::decode`], and [`Args`]
/// itself, as it came.
pub trait FromArgs: Sized {
    /// Whether what is taken may be a slice of what was read, which it then holds on to. Who takes it for
    /// keeping takes it from [`Args::detached`].
    const SHARES: bool = false;

    /// Takes the arguments.
    ///
    /// # Errors
    /// Which argument is not of its type, and why.
    fn from_args(args: &Args) -> Result<Self, ArgumentError>;

    /// Takes those behind the first `taken`, which then counts those that this has taken, too, whether they
    /// were what it took them for or not. One after another takes arguments in turn.
    ///
    /// # Errors
    /// Which argument is not of its type, and why.
    fn take(args: &Args, taken: &mut usize) -> Result<Self, ArgumentError> {
        let rest = args.behind(*taken);
        let it = Self::from_args(&rest).map_err(|why| ArgumentError {
            index: why.index.saturating_add(*taken),
            ..why
        });
        *taken = taken.saturating_add(rest.len());
        it
    }
}

impl<T: DeserializeOwned> FromArgs for T {
    fn from_args(args: &Args) -> Result<Self, ArgumentError> {
        args.decode()
    }

    fn take(args: &Args, taken: &mut usize) -> Result<Self, ArgumentError> {
        several::arguments_from(args.elements(), args.binary.as_deref(), taken)
    }
}

/// What is left of the arguments.
impl FromArgs for Args {
    const SHARES: bool = true;

    fn from_args(args: &Args) -> Result<Self, ArgumentError> {
        Ok(args.clone())
    }
}
