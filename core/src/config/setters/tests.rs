use std::collections::BTreeSet;

use super::*;

/// Each sets its own option, and no other.
#[test]
fn each_sets_what_it_is_called_by() {
    const TIME: Duration = Duration::from_millis(12_345);
    const MOST: usize = 12_345;
    let mut seen = BTreeSet::from([format!("{:?}", Config::v4())]);
    let mut is_one = |name, set: Config, expected: Config| {
        let set = format!("{set:?}");
        assert_eq!(set, format!("{expected:?}"), "{name}");
        assert!(seen.insert(set), "{name} changes something");
    };
    macro_rules! sets {
        ($($name:ident: $value:expr,)*) => {$(
            let mut expected = Config::v4();
            expected.$name = $value.into();
            is_one(stringify!($name), Config::v4().$name($value), expected);
        )*};
    }
    macro_rules! serves {
        ($($name:ident: $value:expr,)*) => {$(
            let mut expected = Config::v4();
            expected.serving.$name = $value;
            is_one(stringify!($name), Config::v4().$name($value), expected);
        )*};
    }
    let flips = Config::v4();
    sets! {
        path: "/elsewhere",
        parsers: [("text", Codec::BUILT_IN)],
        allow_eio3: !flips.allow_eio3,
        cors: Cors::default(),
        cookie: Cookie::default(),
        ping_interval: TIME,
        ping_timeout: TIME,
        max_http_buffer_size: MOST,
        max_attachments: MOST,
        max_backlog_bytes: MOST,
        connection_state_recovery: ConnectionStateRecovery::default(),
        allow_upgrades: !flips.allow_upgrades,
        allow_missing_eio: !flips.allow_missing_eio,
        jsonp: !flips.jsonp,
        trust_forwarded_host: !flips.trust_forwarded_host,
        serve_client: !flips.serve_client,
        invalid_namespace_as_object: !flips.invalid_namespace_as_object,
        forward_middleware_errors: "fault".to_owned(),
        websocket_protocols: vec!["one".to_owned()],
        upgrade_timeout: TIME,
        connect_timeout: TIME,
        middleware_timeout: TIME,
        packet_timeout: TIME,
        ack_timeout: TIME,
        write_timeout: TIME,
        pause_timeout: TIME,
        backlog_policy: BacklogPolicy::Refuse,
        http_compression: HttpCompression { threshold: MOST },
        per_message_deflate: PerMessageDeflate::default(),
        exactly_once: ExactlyOnce { max_once_events: MOST, ..ExactlyOnce::default() },
        client_files: ClientFiles::new().with("socket.io.js", &b"x"[..]),
        socket_ids: SocketIds::FromConnection,
        initial_packet: Message::from("hello"),
        close_timeout: TIME,
        polling_close_timeout: TIME,
        max_packets_per_payload: MOST,
        max_fragments: MOST,
        max_sessions: Some(MOST),
        max_pending_sessions: MOST,
        max_binary_packet: MOST,
        max_json_depth: MOST,
        max_arguments: MOST,
        max_event_name_bytes: MOST,
        max_namespace_bytes: MOST,
        max_namespaces_per_connection: MOST,
        max_child_namespaces: MOST,
        max_child_namespaces_per_connection: MOST,
        cleanup_empty_child_namespaces: !flips.cleanup_empty_child_namespaces,
        max_refused_connects: MOST,
        max_pending_acks: MOST,
        max_auth_bytes: MOST,
        max_backlog_packets: MOST,
        max_rooms_per_socket: MOST,
    }
    serves! {
        listen_backlog: MOST,
        request_head_timeout: TIME,
        request_body_timeout: TIME,
        keep_alive_timeout: TIME,
        max_request_head_bytes: MOST,
        max_headers: MOST,
        admission_timeout: TIME,
        open_packet_apart: !flips.serving.open_packet_apart,
        max_running_handlers: MOST,
        max_running_bytes: MOST,
        max_ready_waits: MOST,
        departed_timeout: TIME,
        max_departed_bytes: MOST,
    }
}

#[test]
fn each_of_recovery_sets_what_it_is_called_by() {
    let default = ConnectionStateRecovery::default();
    let mut expected = default;
    expected.skip_middlewares = !default.skip_middlewares;
    let set = default.skip_middlewares(!default.skip_middlewares);
    assert_eq!(format!("{set:?}"), format!("{expected:?}"));
}

#[test]
fn how_it_serves_is_set_at_once_too() {
    let serving = Serving {
        max_headers: 12_345,
        ..Serving::default()
    };
    let mut expected = Config::v4();
    expected.serving = serving.clone();
    let set = Config::v4().serving(serving);
    assert_eq!(format!("{set:?}"), format!("{expected:?}"));
}
