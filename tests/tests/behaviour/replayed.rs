//! What clients get of the driver in the simulation they get of the core's [`Server`], too.
//!
//! [`Server`]: sio_core::server::Server

use sio_sim::History;
use sio_tests::replay::compare;

/// Simulated tests whose history another [`Server`](sio_core::server::Server) can not be held against, and why.
const APART: &[(&str, &[&str])] = &[
    (
        "a plain Engine.IO server, or an engine of its own, is none of Socket.IO",
        &[
            "lifecycle::simulated::a_plain_engine_beside_it",
            "plain::simulated::a_plain_session_is_never_pending",
            "plain::simulated::empty_messages_that_wait_stop_the_reading",
            "release::simulated::an_engine_socket_that_its_handlers_capture_goes_with_its_client",
        ],
    ),
    (
        "a client that says goodbye with its request may be greeted before or not",
        &["spelling::simulated::a_key_needs_no_canonical_base64"],
    ),
    (
        "what was answered between two packets that were read at once is only known to have come behind both",
        &["pipelined::simulated::what_was_answered_before_a_bad_packet_arrives"],
    ),
    (
        "what no client got, and what came of it, stands in no history: a namespace nobody was let into, an emit \
         that was too much",
        &[
            "bursts::simulated::many_are_no_more_than_their_limits",
            "websocket::simulated::the_close_frame_follows_the_last_message_at_once",
        ],
    ),
];

/// Plays a simulated test's history again.
pub(super) fn check(history: &History) {
    let thread = std::thread::current();
    // Where tests have no thread of their own, nobody knows which one it is.
    let Some(name) = thread.name().filter(|name| *name != "main") else {
        return;
    };
    let apart = APART.iter().find(|(_, tests)| tests.contains(&name));
    match (compare(history), apart) {
        (Err(why), None) => panic!("{name}: {why}"),
        (Ok(_), Some((why, _))) => panic!("{name} can be compared, although {why}"),
        (Ok(_), None) | (Err(_), Some(_)) => {}
    }
}
