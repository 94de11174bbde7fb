use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::request::Parts;

use crate::config::Config;
use crate::deadline::{Deadline, Why};
use crate::digest;
use crate::id::{HashKey, RequestId};
use crate::server::{Event, Server};
use crate::time::Instant;

const NOW: Instant = Instant::ORIGIN;
const SESSION: &str = "EIO=4&transport=polling&sid=BwcHBwcHBwcHBwcHBwcH";

/// A server with one client, that polls.
fn server(config: Config) -> Server<()> {
    let mut server = Server::new(config, HashKey([1, 2])).unwrap();
    server.open_namespace("/");
    let request = Request::get("/socket.io/?EIO=4&transport=polling");
    let request = request.body(Bytes::new()).unwrap();
    server.handle_request(NOW, RequestId(0), request, [7; 15]);
    assert_eq!(answered(&mut server), [(0, 200)]);
    server
}

fn head(query: &str, headers: &[(&str, &str)]) -> Parts {
    let mut head = Request::post(format!("/socket.io/?{query}"));
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    head.body(()).unwrap().into_parts().0
}

fn begin(server: &mut Server<()>, id: u64) -> bool {
    server.handle_request_head(NOW, RequestId(id), &head(SESSION, &[]), [0; 15])
}

fn piece(server: &mut Server<()>, id: u64, piece: &'static str) -> bool {
    server.handle_body(NOW, RequestId(id), piece.into())
}

fn state(server: &Server<()>) -> u64 {
    digest::of(|state| server.digest(state))
}

/// The statuses of what is answered.
fn answered(server: &mut Server<()>) -> Vec<(u64, u16)> {
    while server.poll_event(NOW).is_some() {}
    let all = std::iter::from_fn(|| server.poll_http());
    all.map(|(id, it)| (id.0, it.http.status().as_u16()))
        .collect()
}

#[test]
fn pieces_come_to_what_the_whole_comes_to() {
    for pieces in [&["40"][..], &["4", "0"], &["", "4", "", "0", ""], &[]] {
        let mut streamed = server(Config::v4());
        let mut whole = streamed.clone();
        assert!(begin(&mut streamed, 1));
        for it in pieces {
            assert_eq!(answered(&mut streamed), []);
            assert!(piece(&mut streamed, 1, it));
        }
        assert_eq!(answered(&mut streamed), []);
        streamed.handle_body_end(NOW, RequestId(1));
        let (head, body) = (head(SESSION, &[]), pieces.concat().into());
        let request = Request::from_parts(head, body);
        whole.handle_request(NOW, RequestId(1), request, [0; 15]);
        assert_eq!(state(&streamed), state(&whole), "{pieces:?}");
        let asks = streamed.poll_event(NOW);
        assert_eq!(
            matches!(asks, Some(Event::Connecting { .. })),
            !pieces.is_empty()
        );
        whole.poll_event(NOW);
        assert_eq!(answered(&mut streamed), answered(&mut whole));
        assert_eq!(state(&streamed), state(&whole), "{pieces:?}");
    }
}

#[test]
fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let config = Config::v4().max_http_buffer_size(1000);
    let most: &str = Box::leak(format!("4{}", "x".repeat(998)).into());
    let mut it = server(config.clone());
    assert!(begin(&mut it, 1) && piece(&mut it, 1, most) && piece(&mut it, 1, "x"));
    it.handle_body_end(NOW, RequestId(1));
    // Whatever that is, it is not too large.
    assert_eq!(answered(&mut it), [(1, 200)]);
    let mut it = server(config);
    assert!(begin(&mut it, 1) && piece(&mut it, 1, most) && piece(&mut it, 1, "x"));
    assert!(!piece(&mut it, 1, "x"));
    assert_eq!(answered(&mut it), [(1, 413)]);
    assert!(!piece(&mut it, 1, "x"));
    it.handle_body_end(NOW, RequestId(1));
    assert_eq!((answered(&mut it), it.connections()), (vec![], 0));
}

#[test]
fn a_body_has_its_time_and_no_longer() {
    let config = Config::v4().request_body_timeout(Duration::from_secs(1));
    let until = NOW + Duration::from_secs(1);
    let mut it = server(config);
    assert!(begin(&mut it, 1) && piece(&mut it, 1, "4"));
    assert_eq!(it.poll_timeout(), Some(Deadline::new(until, Why::Body)));
    it.handle_timeout(until - Duration::from_nanos(1));
    assert_eq!(answered(&mut it), []);
    let mut whole = it.clone();
    assert!(piece(&mut whole, 1, "0"));
    whole.handle_body_end(until, RequestId(1));
    assert_ne!(whole.poll_timeout().map(|due| due.why), Some(Why::Body));
    assert_eq!(answered(&mut whole), [(1, 200)]);
    it.handle_timeout(until);
    assert_eq!((answered(&mut it), it.connections()), (vec![(1, 408)], 0));
    assert_eq!(it.poll_timeout(), None);
}

#[test]
fn a_number_that_is_used_again_too_early_holds_nobody_up() {
    let time = Duration::from_secs(1);
    let mut it = server(Config::v4().request_body_timeout(time));
    let request = Request::get("/socket.io/?EIO=4&transport=polling");
    let request = request.body(Bytes::new()).unwrap();
    it.handle_request(NOW, RequestId(0), request, [8; 15]);
    assert_eq!(answered(&mut it), [(0, 200)]);
    assert!(begin(&mut it, 1));
    let other = head("EIO=4&transport=polling&sid=CAgICAgICAgICAgICAgI", &[]);
    let later = NOW + time / 2;
    assert!(it.handle_request_head(later, RequestId(1), &other, [0; 15]));
    // The first is nobody's any more: only the second is late.
    assert_eq!(
        it.poll_timeout(),
        Some(Deadline::new(later + time, Why::Body))
    );
    it.handle_timeout(NOW + time);
    assert_eq!(answered(&mut it), []);
    it.handle_timeout(later + time);
    assert_eq!(answered(&mut it), [(1, 408)]);
}

#[test]
fn no_body_is_wanted_where_the_answer_is_known() {
    for (query, headers, status) in [
        (SESSION, &[("content-length", "1000001")][..], 413),
        (
            SESSION,
            &[("content-type", "application/octet-stream")],
            400,
        ),
        ("EIO=4&transport=polling&sid=nobody", &[], 400),
        ("EIO=4&transport=polling", &[], 400),
    ] {
        let mut it = server(Config::v4());
        let head = head(query, headers);
        assert!(!it.handle_request_head(NOW, RequestId(1), &head, [0; 15]));
        assert!(!piece(&mut it, 1, "4"));
        it.handle_body_end(NOW, RequestId(1));
        assert_eq!(answered(&mut it), [(1, status)], "{query} {headers:?}");
    }
    // Nor of one that asks for packets.
    let mut it = server(Config::v4());
    let (get, ()) = Request::get(format!("/socket.io/?{SESSION}"))
        .body(())
        .unwrap()
        .into_parts();
    assert!(!it.handle_request_head(NOW, RequestId(1), &get, [0; 15]));
}

#[test]
fn nothing_is_kept_of_a_body_whose_session_is_over() {
    let mut it = server(Config::v4());
    assert!(begin(&mut it, 1) && piece(&mut it, 1, "4"));
    // A second one ends both.
    assert!(!begin(&mut it, 2));
    assert!(!piece(&mut it, 1, "0"));
    assert_eq!(answered(&mut it).len(), 2);
    assert_eq!((it.connections(), it.poll_timeout()), (0, None));

    // So does its client's going.
    let mut it = server(Config::v4());
    assert!(begin(&mut it, 1) && piece(&mut it, 1, "4"));
    it.handle_aborted(NOW, RequestId(1));
    assert!(!piece(&mut it, 1, "0"));
    assert_eq!(answered(&mut it).len(), 1);
    assert_eq!((it.connections(), it.poll_timeout()), (0, None));
}

#[test]
fn what_has_come_of_a_body_is_part_of_the_digest_and_of_a_clone() {
    let mut it = server(Config::v4());
    let begun = state;
    let mut seen = vec![begun(&it)];
    assert!(begin(&mut it, 1));
    seen.push(begun(&it));
    assert!(piece(&mut it, 1, "4"));
    seen.push(begun(&it));
    let mut clone = it.clone();
    assert_eq!(begun(&clone), begun(&it));
    assert!(piece(&mut it, 1, "0"));
    seen.push(begun(&it));
    assert!(piece(&mut clone, 1, "0"));
    assert_eq!(begun(&clone), begun(&it));
    for (at, one) in seen.iter().enumerate() {
        assert!(!seen[..at].contains(one), "{at}");
    }
    it.handle_body_end(NOW, RequestId(1));
    clone.handle_body_end(NOW, RequestId(1));
    assert_eq!(begun(&clone), begun(&it));
}

/// However little of it has come.
#[test]
fn a_body_whose_request_is_answered_has_no_deadline() {
    let mut it = server(Config::v4());
    assert!(begin(&mut it, 1));
    assert_eq!(it.poll_timeout().unwrap().why, Why::Body);
    assert!(!begin(&mut it, 2));
    let mut all = answered(&mut it);
    all.sort_unstable();
    assert_eq!(all, [(1, 400), (2, 400)]);
    assert_eq!((it.connections(), it.poll_timeout()), (0, None));
    it.handle_timeout(NOW + Duration::from_secs(100));
    assert_eq!(answered(&mut it), []);
}
