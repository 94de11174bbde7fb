//! The instruments that measure sio and compare it with its peers.
//!
//! What is here is shared by the binaries `load` (one measurement of one server) and `compare` (many
//! of them, in alternating rounds). `benches/README.md` says how to run them and how to read what
//! they print.

pub mod bars;
pub mod cases;
pub mod client;
pub mod clients;
pub mod codec;
pub mod comparison;
pub mod frame;
pub mod histogram;
pub mod instructions;
pub mod look;
pub mod measurement;
pub mod nodes;
pub mod options;
pub mod payloads;
pub mod peers;
pub mod plan;
pub mod plot;
pub mod polling;
pub mod process;
pub mod run;
pub mod samples;
pub mod scenario;
pub mod section;
pub mod soak;
pub mod switches;
pub mod table;
pub mod timing;
pub mod turn;
