//! What clients get of the driver in the simulation they get of the core's [`Server`], too.
//!
//! [`Server`]: sio_core::server::Server

use sio_sim::History;
use sio_tests::replay::compare;

/// Simulated tests whose history another [`Server`](sio_core::server::Server) can not be held against, and why.
const APART: &[(&str, &[&str])] = &[
    (
        "a plain Engine.IO server, an engine of its own under another path, or an echo, is none of Socket.IO",
        &[
            "endpoints::simulated::a_server_speaks_for_all_its_engines",
            "endpoints::simulated::a_server_that_is_closed_by_its_listener_closes_its_adapters",
            "farewells::simulated::a_reason_is_cut_where_no_frame_holds_more",
            "lifecycle::simulated::a_plain_engine_beside_it",
            "owners::simulated::a_handler_that_ends_lets_clients_in_that_were_handed_over",
            "owners::simulated::what_waited_for_a_plain_handler_is_read_by_whom_the_client_is_handed_over_to",
            "panics::simulated::wherever_an_engine_socket_does",
            "plain::simulated::a_plain_session_is_never_pending",
            "plain::simulated::empty_messages_that_wait_stop_the_reading",
            "watched::simulated::messages_of_plain_engines_are_seen",
            "reached::simulated::the_end_of_a_plain_connection_says_which",
            "release::simulated::an_engine_socket_that_its_handlers_capture_goes_with_its_client",
            "undecided::simulated::an_echo_that_says_and_takes_nothing_is_put_out",
        ],
    ),
    (
        "a hook or a handler that panics ends the session in silence, and may take an answer along",
        &["panics::simulated::wherever_a_request_does"],
    ),
    (
        "what a middleware on requests answers, or a page, is the application's, and stands in no history",
        &[
            "admission::simulated::middlewares_see_requests_first_and_may_answer_them",
            "unread::a_response_of_which_little_is_read_is_given_up",
        ],
    ),
    (
        "what the application says when it closes a connection stands in no history",
        &["farewells::simulated::who_is_closed_is_told_why_and_so_are_its_handlers"],
    ),
    (
        "what handlers hold, and so when their clients are not read, stands in no history",
        &["unfair::simulated::a_poller_that_vanishes_while_it_is_made_to_wait_is_missed"],
    ),
    (
        "who emits when there is room, and waits for that, does so within the moment in which the client reads",
        &[
            "slow::simulated::a_handler_waits_for_room_on_its_own_connection",
            "slow::simulated::what_is_larger_than_it_seemed_waits_until_nothing_does",
        ],
    ),
    (
        "by what clients come back is drawn, and signed with a key that is",
        &[
            "elsewhere::simulated::it_hears_what_it_has_missed_of_all_servers",
            "elsewhere::simulated::it_moves_to_and_fro_and_hears_all_of_it_once",
            "elsewhere::simulated::nobody_comes_back_twice_or_from_before",
            "elsewhere::simulated::one_whose_connection_hangs_gives_way_on_its_own_server",
            "elsewhere::simulated::a_server_that_closes_leaves_its_clients_to_the_others",
            "elsewhere::simulated::in_an_outage_those_here_hear_at_once_and_come_back_as_new_ones",
            "elsewhere::simulated::whom_a_middleware_refuses_may_come_again",
            "elsewhere::simulated::one_that_is_put_out_does_not_come_back",
            "recovery::simulated::what_was_missed_comes_first_with_rooms_and_data",
            "recovery::simulated::a_connection_that_hangs_gives_way",
            "recovery::simulated::the_last_of_a_child_comes_back_and_it_goes_without_anybody",
            "recovery::simulated::what_is_used_or_made_up_brings_nobody_back",
            "recovery::simulated::middlewares_are_skipped_or_not",
            "recovery::simulated::a_session_expires_and_is_told_of",
            "recovery::simulated::a_value_whose_end_panics_keeps_no_other_session",
            "recovery::simulated::a_value_whose_end_panics_keeps_nobody_from_coming_back",
            "recovery::simulated::what_is_not_kept_tells_the_place_all_the_same",
            "recovery::simulated::one_that_is_put_out_does_not_come_back",
            "recovery::simulated::without_recovery_no_adapter_is_asked_for_sessions",
        ],
    ),
    (
        "of what is said, text alone is read; and what a parser does not write stands in no history",
        &[
            "parsers::simulated::each_speaks_as_it_has_asked_and_all_share_rooms",
            "parsers::simulated::all_of_them_are_asked",
            "parsers::simulated::who_comes_back_by_another_parser_has_missed_nothing",
            "parsers::simulated::who_cannot_be_told_what_it_missed_may_come_back_by_another",
            "parsers::simulated::what_one_does_not_write_its_clients_alone_go_without",
            "parsers::simulated::a_record_names_the_parser_of_its_connection",
            "parsers::simulated::at_an_engine_of_its_own_the_same_names_hold",
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
