//! Times on their way to other nodes and from them.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{NOW, call, drain, up};
use sio_cluster::codec::{Context, cluster};
use sio_cluster::message::{Flags, Message, To};
use sio_cluster::node::{Asked, Output};
use sio_cluster::{Config, Dialect, Limits};

/// What a question to clients says of its time, in milliseconds as JSON has them.
fn told(dialect: Dialect, wait: Option<Duration>, flag: Option<u64>) -> String {
    let mut node = up(Config::new(dialect, "/"));
    let to = To {
        flags: Flags {
            timeout: flag,
            ..Flags::default()
        },
        ..To::default()
    };
    let what = Asked::Clients {
        call: call("e"),
        to,
    };
    node.ask(NOW, [1; 8], what, wait, 1).unwrap();
    let payload = drain(&mut node).into_iter().find_map(|output| {
        if let Output::Publish(it) = output {
            return Some(it.payload);
        }
        None
    });
    let text = String::from_utf8(payload.unwrap().to_vec()).unwrap();
    let (_, rest) = text.split_once(r#""timeout":"#).unwrap();
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
    rest.get(..end).unwrap().to_owned()
}

#[test]
fn no_time_is_longer_than_a_timer_of_javascript() {
    let longest = "2147483647";
    let exact = Duration::from_millis(2_147_483_647);
    for dialect in [Dialect::Classic, Dialect::Sharded] {
        let waits = |wait| told(dialect, Some(wait), None);
        assert_eq!(waits(exact), longest);
        assert_eq!(waits(exact + Duration::from_millis(1)), longest);
        assert_eq!(waits(Duration::MAX), longest);
        assert_eq!(waits(Duration::from_millis(7)), "7");
        // As it was said by whoever makes the message.
        assert_eq!(told(dialect, None, Some(u64::MAX)), longest);
    }
}

#[test]
fn a_time_of_another_node_is_taken_however_it_is_written() {
    let read = |written: &str| {
        let text = format!(
            r#"{{"type":3,"uid":"abcd","nsp":"/","data":{{"packet":{{"type":2,"data":["e"]}},"opts":{{"rooms":[],"except":[],"flags":{{"timeout":{written}}}}},"requestId":"ab"}}}}"#
        );
        let of = Context {
            namespace: "/",
            limits: &Limits::default(),
        };
        let read = cluster::decode(&Bytes::from(text), of).unwrap();
        let Message::Broadcast { to, .. } = read.unwrap().message else {
            panic!("it is none");
        };
        to.flags.timeout
    };
    assert_eq!(read("0"), Some(0));
    assert_eq!(read("1500"), Some(1500));
    assert_eq!(read("1500.75"), Some(1500));
    assert_eq!(read("18446744073709551615"), Some(u64::MAX));
    assert_eq!(read("18446744073709551616"), Some(u64::MAX));
    assert_eq!(read("1e300"), Some(u64::MAX));
    assert_eq!(read("-5"), Some(0));
    assert_eq!(read("null"), None);
    assert_eq!(read(r#""5""#), None);
}
