//! Connections between two requests.

use std::{thread::sleep, time::Duration};

use sio_tests::{
    served::serve,
    wire::{POLLING, Polling, Wire, request},
};
use sio_tokio::Config;

const SHORT: Duration = Duration::from_millis(300);

/// Asks for a session and leaves the connection open.
fn shake_hands(wire: &mut Wire) -> sio_tests::wire::Response {
    wire.write(request("GET", POLLING, "", ""));
    wire.response().expect("a response")
}

#[test]
fn keep_alive_timeout_at_the_limit() {
    // faults: F8
    let config = Config::default()
        .request_head_timeout(SHORT)
        .keep_alive_timeout(Duration::from_secs(75));
    serve(config, |server| {
        let mut wire = Wire::connect(server.address);
        for _ in 0..2 {
            let response = shake_hands(&mut wire);
            assert_eq!(response.header("keep-alive"), Some("timeout=75"));
            drop(Polling::opened(server.address, &response));
            sleep(SHORT * 2);
        }
        // Who says that this is all is not asked to stay.
        wire.write(request("GET", POLLING, "Connection: close\r\n", ""));
        let response = wire.response().expect("a response");
        assert_eq!(response.header("keep-alive"), None);
        drop(Polling::opened(server.address, &response));
        wire.rest();
    });
}

#[test]
fn keep_alive_timeout_past_the_limit_is_the_end() {
    // faults: F8
    let config = Config::default()
        .keep_alive_timeout(SHORT)
        .request_head_timeout(Duration::from_secs(60));
    serve(config, |server| {
        let mut wire = Wire::connect(server.address);
        let response = shake_hands(&mut wire);
        // It has no name in whole seconds, and none would say that the end is there already.
        assert_eq!(response.header("keep-alive"), None);
        drop(Polling::opened(server.address, &response));
        assert_eq!(wire.rest(), b"");
    });
}

/// A head that has begun has the time of heads, on a connection that may be idle for long, too.
#[test]
fn half_a_second_request_is_answered_408() {
    // faults: F8
    let config = Config::default()
        .request_head_timeout(SHORT)
        .close_timeout(SHORT);
    serve(config, |server| {
        let mut wire = Wire::connect(server.address);
        let response = shake_hands(&mut wire);
        drop(Polling::opened(server.address, &response));
        sleep(SHORT * 2);
        wire.write("GET /socket.io/?EIO=4");
        assert_eq!(wire.response().map(|it| it.status), Some(408));
        wire.rest();
    });
}
