//! What went wrong in other implementations, each as a test: `adv_` and the advisory's id, or the
//! project and the number of its issue or release.
//!
//! Through real sockets where it is about the wire (`sio_tests::served` sees to it that the server is
//! well afterwards and keeps nothing), else against the part that it names.

mod cookies;
mod javascript;
mod msgpack;
mod others;
mod revision_3;
mod sessions;
mod socketioxide;
mod websocket;

/// What concerns parts that this revision does not have yet.
const NOT_YET: &[(&str, &str)] = &[
    (
        "CVE-2016-10536",
        "the client verifies certificates: there is no client yet",
    ),
    (
        "engine.io 6.6.7, 6.6.8 (WebTransport)",
        "there is no WebTransport yet; that admission is one for all transports is tested: \
         adv_engineio_6_6_8_admission",
    ),
    (
        "CVE-2025-61765",
        "crafted messages from a broker: there is no cluster yet",
    ),
    (
        "rust_socketio #461",
        "a client that answers acks: there is no client yet; the codec that it will share is tested: \
         adv_rust_socketio_461",
    ),
];

#[test]
fn what_is_not_there_yet_is_known() {
    println!("{} rows wait for what is not there yet:", NOT_YET.len());
    for (id, why) in NOT_YET {
        assert!(why.contains("yet"), "{id} needs a reason");
        println!("  {id}: {why}");
    }
}
