//! Pages to read; there is no code here.

pub mod binding;
pub mod client;
pub mod node;
pub mod not_called;
pub mod shapes;
