//! Every limit of [`Config`], over real sockets: a client that goes as far as it may, and one that goes
//! one step further. Afterwards the server is well, and nothing of it is kept (`sio_tests::served`).

mod backlog;
mod connections;
mod counts;
mod door;
mod http;
mod once;
mod promises;
mod recovery;
mod revision_3;
mod revision_4;
mod running;
mod sizes;
mod times;

use sio_tokio::{Config, ConnectionStateRecovery, ExactlyOnce};

/// Where the limits are tested: the option, the module, and what its two tests begin with (`_at_`, or
/// `_past_` and how it ends).
const TESTED: &[(&str, &str)] = &[
    ("max_http_buffer_size", "sizes"),
    ("max_packets_per_payload", "counts"),
    ("max_attachments", "counts"),
    ("max_binary_packet", "sizes"),
    ("packet_timeout", "times"),
    ("max_fragments", "counts"),
    ("write_timeout", "backlog"),
    ("ack_timeout", "times"),
    ("max_pending_sessions", "http"),
    ("max_json_depth", "sizes"),
    ("max_arguments", "counts"),
    ("max_event_name_bytes", "sizes"),
    ("max_namespace_bytes", "sizes"),
    ("max_namespaces_per_connection", "counts"),
    ("max_child_namespaces", "counts"),
    ("max_child_namespaces_per_connection", "counts"),
    ("max_refused_connects", "counts"),
    ("max_pending_acks", "counts"),
    ("max_running_handlers", "backlog"),
    ("max_ready_waits", "backlog"),
    ("max_running_bytes", "running"),
    ("max_departed_bytes", "running"),
    ("max_auth_bytes", "running"),
    ("pause_timeout", "running"),
    ("departed_timeout", "running"),
    ("max_backlog_bytes", "backlog"),
    ("max_backlog_packets", "backlog"),
    ("max_rooms_per_socket", "counts"),
    ("connect_timeout", "times"),
    ("admission_timeout", "http"),
    ("middleware_timeout", "times"),
    ("upgrade_timeout", "times"),
    ("request_head_timeout", "http"),
    ("request_body_timeout", "http"),
    ("keep_alive_timeout", "connections"),
    ("listen_backlog", "door"),
    ("ping_interval", "times"),
    ("ping_timeout", "times"),
    ("close_timeout", "times"),
    ("polling_close_timeout", "times"),
    ("max_sessions", "http"),
    ("max_request_head_bytes", "http"),
    ("max_headers", "http"),
];

/// The limits of what is off unless it is asked for, in the same way.
const TESTED_IF_ON: &[(&str, &str)] = &[
    ("max_disconnection_duration", "recovery"),
    ("max_kept_sessions", "recovery"),
    ("max_kept_packets", "recovery"),
    ("max_kept_bytes", "recovery"),
    ("once_duration", "once"),
    ("max_once_events", "once"),
    ("max_once_events_per_socket", "once"),
    ("max_once_bytes", "once"),
];

/// The sources of the modules, to look for the tests' names.
const SOURCES: &[(&str, &str)] = &[
    ("backlog", include_str!("backlog.rs")),
    ("connections", include_str!("connections.rs")),
    ("counts", include_str!("counts.rs")),
    ("door", include_str!("door.rs")),
    ("http", include_str!("http.rs")),
    ("once", include_str!("once.rs")),
    ("recovery", include_str!("recovery.rs")),
    ("running", include_str!("running.rs")),
    ("sizes", include_str!("sizes.rs")),
    ("times", include_str!("times.rs")),
];

/// Limits of the design that there is no option for yet.
const NOT_YET: &[(&str, &str)] = &[];

#[test]
fn every_limit_has_a_test_at_it_and_one_past_it() {
    for (option, module) in TESTED.iter().chain(TESTED_IF_ON) {
        let (_, source) = SOURCES
            .iter()
            .find(|(name, _)| name == module)
            .expect("a module of this test");
        for side in ["at", "past"] {
            let name = format!("fn {option}_{side}");
            assert!(source.contains(&name), "{name} is missing in {module}.rs");
        }
    }
    println!("{} limits that are not there yet:", NOT_YET.len());
    for (option, why) in NOT_YET {
        println!("  {option}: {why}");
    }
}

#[test]
fn what_is_not_there_yet_is_no_option() {
    // faults: T3
    let options = format!("{:#?}", Config::default());
    assert!(options.contains("per_message_deflate"), "{options}");
    for (option, why) in NOT_YET {
        assert!(!options.contains(option), "{option} is there: {why}");
    }
}

/// An option added to [`Config`] must be added here.
#[test]
fn every_limit_of_the_options_is_listed() {
    let options = format!("{:#?}", Config::default());
    let limits = limits(&options);
    assert!(limits.len() == TESTED.len(), "{limits:?}");
    for (limit, _) in limits {
        let listed = TESTED.iter().any(|(option, _)| *option == limit);
        assert!(listed, "{limit} is not among the limits tested");
    }
}

/// The options that are numbers or durations, or may be, and their values.
fn limits(options: &str) -> Vec<(&str, &str)> {
    let (own, serving) = options
        .split_once("    serving: Serving {\n")
        .expect("the server's own part");
    let serving = serving.lines().filter_map(|it| it.strip_prefix("    "));
    own.lines()
        .chain(serving)
        .filter_map(|line| {
            line.strip_prefix("    ")?
                .strip_suffix(',')?
                .split_once(": ")
        })
        .filter(|(name, value)| {
            let is_number = value.starts_with(|it: char| it.is_ascii_digit());
            !name.starts_with(' ') && (is_number || name.starts_with("max_"))
        })
        .collect()
}

#[test]
fn every_limit_of_what_may_be_on_is_listed() {
    let recovery = ConnectionStateRecovery::default();
    let options = format!("{recovery:#?}\n{:#?}", ExactlyOnce::default());
    let options = options
        .lines()
        .filter_map(|line| line.trim().split_once(": "));
    let limits = options.filter(|(_, value)| value.starts_with(|it: char| it.is_ascii_digit()));
    let limits: Vec<_> = limits.map(|(name, _)| name).collect();
    assert_eq!(
        limits,
        TESTED_IF_ON
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
    );
}

#[test]
fn every_limit_is_in_the_readme_with_its_default() {
    let readme = include_str!("../../../README.md");
    let options = format!("{:#?}", Config::default());
    for (limit, value) in limits(&options) {
        let row = format!("`{limit}` ({}", shown(limit, value));
        assert!(readme.contains(&row), "{row} is not in README.md");
    }
}

/// A value as people read it.
fn shown(limit: &str, value: &str) -> String {
    if let Some(seconds) = value.strip_suffix('s') {
        return format!("{seconds} s");
    }
    let Ok(number) = value.parse::<usize>() else {
        return value.to_lowercase();
    };
    let units = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.iter().find(|(unit, _)| number % unit == 0);
    match whole.filter(|_| limit.ends_with("_bytes")) {
        Some((unit, name)) => format!("{} {name}", number / unit),
        None => grouped(value),
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let (first, rest) = digits.split_at(digits.len() % 3);
    let groups = rest.as_bytes().chunks(3);
    let groups = groups.map(|group| String::from_utf8_lossy(group).into_owned());
    let mut all: Vec<_> = groups.collect();
    if !first.is_empty() {
        all.insert(0, first.to_owned());
    }
    all.join(" ")
}
