//! What an application registers: handlers, middlewares, what they take and what they answer.

pub(crate) mod ack;
pub(crate) mod call;
pub(crate) mod extract;
pub(crate) mod middleware;
