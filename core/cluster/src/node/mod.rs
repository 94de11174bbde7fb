//! The machine of one namespace: what is published, what is done on receipt, and who has answered what.

mod answer;
mod appends;
mod link;
mod machine;
mod outage;
mod output;
mod own;
mod peers;
mod pending;
mod questions;
mod receive;
mod say;
mod subscriptions;
mod timeout;

pub use machine::{Node, Status};
pub use output::{
    AckTicket, Answer, Answers, AppendToken, Asked, ByKind, CountToken, Counts, Deadline, End,
    Local, Notice, Output, Overflow, Publication, Ticket, Why,
};
