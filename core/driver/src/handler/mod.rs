//! What an application registers: handlers, middlewares, what they take and what they answer.

pub(crate) mod answer;
pub(crate) mod call;
mod conn;
mod endpoint;
pub(crate) mod engine;
pub(crate) mod extract;
mod failures;
pub(crate) mod group;
mod io;
mod listening;
pub(crate) mod middleware;
mod namespace;
pub(crate) mod parent;
mod socket;
