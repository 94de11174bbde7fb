//! What tasks and threads share, under schedules that are drawn.
//!
//! The driver's own files are built here once more, with locks and counters of `shuttle`'s in the place of the standard
//! library's (`sync::primitives`): wherever one of them is used another thread may run, and which one does is drawn, at
//! random or by few changes of who runs (PCT). A schedule in which something is lost, comes twice, or waits for ever is
//! printed, and played again by `shuttle::replay`.

#![allow(dead_code, reason = "no story uses all of the driver's files")]

mod adapter;
mod cluster;
mod mailbox;
mod stories;
mod sync;

pub use stories::{STORIES, Story};
