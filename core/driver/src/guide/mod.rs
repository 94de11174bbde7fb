//! Pages to read; there is no code here.

pub mod binding;
pub mod node;
