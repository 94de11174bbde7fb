//! What concerns revision 3 of Engine.IO alone.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sio_core::{
    engine::{
        Body, Content, Eio, Flags, Message, Opened, Packet, Sent, Session, TransportKind, split,
    },
    id::{RequestId, Sid},
    message::Encoded,
    time::Instant,
};
use sio_tests::{served::serve, wire::Polling};
use sio_tokio::Config;

/// Lengths were read by going through all that follows, once for each packet.
#[test]
fn adv_cve_2020_36048_lengths() {
    serve(Config::default(), |server| {
        let digits = "1".repeat(999_999);
        let bodies = [
            "1:6".repeat(333_333),
            "0:".repeat(500_000),
            digits.clone() + ":",
        ];
        for body in &bodies {
            let polling = Polling::open_3(server.address);
            assert_eq!(polling.post(body).status, 400);
            assert!(polling.is_gone());
        }
        let digits = [&[0][..], &[9; 999_999]].concat();
        for body in [[0, 1, 0xff, b'6'].repeat(250_000), digits] {
            let polling = Polling::open_3(server.address);
            assert_eq!(polling.post_bytes(&body).status, 400);
            assert!(polling.is_gone());
        }
        // As many packets as are allowed, as long as they may be.
        let polling = Polling::open_3(server.address);
        let long = format!("59:6{}", "\u{1f600}".repeat(29)).repeat(8_000);
        assert_eq!(polling.post(&long).status, 200);
    });
}

/// `1:b` was sliced behind its first byte, where there is nothing.
#[test]
fn adv_socketioxide_794_base64() {
    serve(Config::default(), |server| {
        let polling = Polling::open_3(server.address);
        for body in ["1:b", "2:b2", "2:b9"] {
            assert_eq!(polling.post(body).status, 200, "{body}");
            assert!(!polling.is_gone(), "{body}");
        }
        for body in [
            "3:b4A",
            "2:b\u{20ac}",
            "3:b4\u{20ac}",
            "2:\u{20ac}b",
            "3:\u{1f600}b",
        ] {
            let polling = Polling::open_3(server.address);
            assert_eq!(polling.post(body).status, 400, "{body}");
            assert!(polling.is_gone(), "{body}");
        }
        assert!(!polling.is_gone());
    });
}

/// One answer held packets in two framings, and a body that breaks off was read for ever.
#[test]
fn adv_socketioxide_0_17_4_framings() {
    serve(Config::default(), |server| {
        for body in ["10:4ab", "1", "1:", "2:4a10:4ab"] {
            let polling = Polling::open_3(server.address);
            assert_eq!(polling.post(body).status, 400, "{body}");
            assert!(polling.is_gone(), "{body}");
        }
    });

    let opened = Opened {
        transport: TransportKind::Polling,
        revision: Eio::V3,
        base64: false,
    };
    let (now, config) = (Instant::ORIGIN, Arc::new(Config::default()));
    let sid = Sid::from_random([0; 15]);
    let mut session = Session::new(now, sid, opened, config);
    let mut requests = 0..;
    let mut poll = |session: &mut Session| {
        let id = RequestId(requests.next().expect("there are enough"));
        session.handle_poll(now, id, Eio::V3);
        id
    };
    poll(&mut session);
    session.poll_http().expect("the handshake is answered");
    let said = [
        Message::from("a"),
        Message::Binary(Bytes::from_static(b"\x01\x02")),
        Message::from("b"),
    ];
    for parked in [false, true] {
        let early = parked.then(|| poll(&mut session));
        for data in &said {
            let sent = session.send(now, Encoded::from(data), Flags::default());
            assert_eq!(sent, Sent::Queued);
        }
        let id = early.unwrap_or_else(|| poll(&mut session));
        let (answered, reply) = session.poll_http().expect("an answer");
        assert_eq!(
            (answered, reply.content),
            (id, Content::Binary),
            "parked: {parked}"
        );
        let packets: Vec<_> = split(Body::Binary(reply.body), 9).collect();
        let expected: Vec<_> = said.iter().cloned().map(Packet::Message).map(Ok).collect();
        assert_eq!(packets, expected, "parked: {parked}");
    }
    session.handle_timeout(now + Duration::from_secs(85));
    assert!(session.is_closed());
}
