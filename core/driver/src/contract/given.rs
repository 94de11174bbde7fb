//! What may be said where a contract has arguments of certain types.

use serde::Serialize;

/// What may stand for an argument of the type `T`: a value of it, a reference to one, a `&str` for a `String`, a slice
/// for a `Vec`.
#[diagnostic::on_unimplemented(
    message = "the contract has `{T}` here, not `{Self}`",
    label = "neither `{T}` nor a reference to it"
)]
pub trait Same<T: ?Sized>: Serialize {}

impl<T: Serialize> Same<T> for T {}
impl<T: Serialize + ?Sized> Same<T> for &T {}
impl Same<String> for &str {}
impl<T: Serialize> Same<Vec<T>> for &[T] {}

/// A tuple that may stand for the arguments `T` of an event, each for [its own](Same).
#[diagnostic::on_unimplemented(
    message = "the contract has the arguments `{T}` here, not `{Self}`",
    label = "not these arguments, or not a tuple",
    note = "one argument is a tuple of one: `&(text,)`"
)]
pub trait Given<T>: Serialize {}

impl Given<()> for () {}

macro_rules! given {
    ($($given:ident $wanted:ident),*) => {
        impl<$($given, $wanted),*> Given<($($wanted,)*)> for ($($given,)*)
        where
            $($given: Same<$wanted>,)*
        {
        }
    };
}

given!(A1 A2);
given!(A1 A2, B1 B2);
given!(A1 A2, B1 B2, C1 C2);
given!(A1 A2, B1 B2, C1 C2, D1 D2);
given!(A1 A2, B1 B2, C1 C2, D1 D2, E1 E2);
given!(A1 A2, B1 B2, C1 C2, D1 D2, E1 E2, F1 F2);
given!(A1 A2, B1 B2, C1 C2, D1 D2, E1 E2, F1 F2, G1 G2);
given!(A1 A2, B1 B2, C1 C2, D1 D2, E1 E2, F1 F2, G1 G2, H1 H2);
