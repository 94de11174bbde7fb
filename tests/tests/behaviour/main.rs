//! What a server does, on each runtime there is: tokio with threads, tokio without, smol, and the
//! simulation ([`sio_tests::sim`]), in which no time passes and a seed decides what comes first.
//!
//! A test is an `async fn` that is told what to run its server [`On`](world::On); the list at the end
//! of each file makes one test of it for each runtime. For its own side it uses what [`here`] has.
//! What clients got in the simulation is compared, byte for byte, with what the core's own server says to the
//! same ([`differences`]).
//! `SIO_SIM_SEED=7 cargo test -p sio-tests --test behaviour simulated` plays the tests with another seed.

#[macro_use]
mod runtimes;

mod admission;
mod bursts;
mod catch_all;
mod children;
mod client;
mod cluster;
mod cluster_node;
mod conversation;
mod differences;
mod drain;
mod elsewhere;
mod farewells;
mod groups;
mod handlers;
mod here;
mod lasting;
mod lifecycle;
mod nodes;
mod once;
mod parsers;
mod pipelined;
mod plain;
mod recorded;
mod recovery;
mod refusals;
mod release;
mod revisions;
mod rooms;
mod slow;
mod spelling;
mod threads;
mod unlocked;
mod virtual_time;
mod watched;
mod websocket;
#[allow(dead_code, reason = "faults/ uses more of it")]
mod wire;
#[allow(dead_code, reason = "faults/ uses more of it")]
mod world;
