//! socketioxide: packets in msgpack.

use std::sync::Arc;

use bytes::Bytes;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Opened, Session};
use sio_core::packet::parser::Msgpack;
use sio_core::socket;
use sio_core::time::Instant;
use sio_tokio::{Config, DisconnectReason, Eio, Sid, SocketId, TransportKind};

/// Gives a connection in `/` a packet with these data. It is closed for them, and nothing is made of them.
fn refused(data: &[u8]) {
    let now = Instant::ORIGIN;
    let config = Arc::new(Config::v4().parser(Msgpack));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V4,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::<()>::new(now, session, config);
    let connect = Bytes::from_static(b"\x82\xa4type\0\xa3nsp\xa1/");
    connection.handle_ws(now, connect.into());
    let event = connection.poll_event(now);
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = event else {
        panic!("{event:?}")
    };
    let id = SocketId::from_random([9; 15]);
    assert!(connection.accept(now, ticket, &id).is_some());
    let head = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data";
    connection.handle_ws(now, Bytes::from([head, data].concat()).into());
    let mut ends = Vec::new();
    while let Some(event) = connection.poll_event(now) {
        match event {
            Event::Socket(socket::Event::Disconnected { reason, .. }) => ends.push(reason),
            Event::Socket(socket::Event::Message { name, .. }) => panic!("{name} was said"),
            Event::Socket(_) | Event::Upgraded | Event::Closed { .. } => {}
        }
    }
    assert_eq!(ends, [DisconnectReason::ForcedServerClose]);
}

/// Skipping nested msgpack recursed until the stack had no more.
#[test]
fn adv_ghsa_c6g7_r2mf_pf5g() {
    refused(&[0x91; 100_000]);
    refused(&b"\x81\xa1a".repeat(30_000));
}

/// A text in msgpack that claimed to be longer than what was left made the reader panic.
#[test]
fn adv_ghsa_7xpx_rcqc_8qjh() {
    refused(b"\x81\xa4t");
    refused(b"\x92\xa1e\xc6\xff\xff\xff\xff");
    refused(b"\xdd\xff\xff\xff\xff");
}
