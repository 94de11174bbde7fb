//! Engine.IO and Socket.IO as pure, deterministic state machines.

pub mod config;
pub mod connection;
pub mod deadline;
pub mod engine;
pub mod error;
pub mod http;
pub mod id;
pub mod packet;
pub mod rooms;
pub mod server;
pub mod socket;
