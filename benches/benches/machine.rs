//! A connection's machine without any IO: what a turn costs, and what an idle connection keeps.

use bytestring::ByteString;
use sio_benches::scenario::SMALL;
use sio_benches::timing::Times;
use sio_core::config::Config;
use sio_core::connection::Connection;
use sio_core::engine::{Flags, Frame, Opened, Revision, Session, TransportKind, WsOut};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::{self, Part};
use sio_core::socket::{Event, SocketKey};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many connections the memory is averaged over.
const IDLE: usize = 1_000;

fn main() {
    let config = Arc::new(Config::v4());
    let mut times = Times::new("A turn of `Connection`");
    let way = "sio";

    let now = Instant::now();
    let mut peer = Client::connected(now, &config);
    let echo = ByteString::from(format!(r#"4217["echo",{SMALL}]"#));
    assert_eq!(peer.echo(now, echo.clone()), format!("4317[{SMALL}]"));
    times.time(way, "event in, ack out", || peer.echo(now, echo.clone()));

    let tick = packet::event("/", None, "tick", &(SMALL,)).expect("it can be written");
    times.time(way, "a broadcast's packet out", || {
        let _ = peer
            .connection
            .deliver(now, peer.socket, tick.clone(), Flags::default());
        peer.sent(now)
    });
    times.time(way, "handshake to connected", || {
        Client::connected(now, &config)
    });
    times.print();

    let region = Region::new(ALLOCATOR);
    let idle = (0..IDLE)
        .map(|_| Client::connected(now, &config))
        .collect::<Vec<_>>();
    let kept = region.change();
    let bytes = kept.bytes_allocated - kept.bytes_deallocated
        + usize::try_from(kept.bytes_reallocated).unwrap_or(0);
    println!("### Memory of an idle connection\n");
    println!("| of which | bytes |\n|---|---|");
    println!(
        "| all that is kept, the machine included | {} |",
        bytes / IDLE
    );
    println!("| the machine itself | {} |", size_of::<Connection<()>>());
    println!(
        "| allocations kept | {} |",
        (kept.allocations - kept.deallocations) as f64 / IDLE as f64
    );
    drop(idle);

    let mut peer = Client::connected(now, &config);
    peer.echo(now, echo.clone());
    let region = Region::new(ALLOCATOR);
    drop(peer.echo(now, echo));
    let turn = region.change();
    println!(
        "| allocations of one turn, event in and ack out, the checking client's included | {} |\n",
        turn.allocations + turn.reallocations
    );
}

/// A connection over WebSocket, in `/`, with an application that echoes.
struct Client {
    connection: Connection<()>,
    socket: SocketKey,
}

impl Client {
    fn connected(now: Instant, config: &Arc<Config>) -> Self {
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision: Revision::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let mut connection = Connection::socket_io(now, session, config.clone());
        connection.handle_ws(now, Frame::Text(ByteString::from_static("40")));
        let Some(Event::Connecting { ticket, .. }) = connection.poll_event(now) else {
            unreachable!("a CONNECT asks for a namespace");
        };
        let id = SocketId::from_random([9; 15]);
        let Some(socket) = connection.accept(now, ticket, &id) else {
            unreachable!("the client has not gone");
        };
        let mut client = Self { connection, socket };
        client.sent(now);
        client
    }

    /// One turn: an event with an ack comes in, the application answers with the same arguments.
    fn echo(&mut self, now: Instant, event: ByteString) -> String {
        self.connection.handle_ws(now, Frame::Text(event));
        let Some(Event::Message {
            args,
            ack: Some(ticket),
            ..
        }) = self.connection.poll_event(now)
        else {
            unreachable!("it is an event that asks for an ack");
        };
        let packet = packet::ack("/", ticket.id(), &args).expect("it could be read");
        let _ = self.connection.respond(now, ticket, packet);
        self.sent(now)
    }

    /// Takes everything off the machine as a driver would, and tells it so. Returns the last frame.
    fn sent(&mut self, now: Instant) -> String {
        let mut last = String::new();
        while let Some(out) = self.connection.poll_ws() {
            if let WsOut::Frame {
                part: Part::Text(text),
                ..
            } = out
            {
                last.clear();
                last.push_str(std::str::from_utf8(&text).unwrap_or_default());
            }
        }
        self.connection.handle_ws_flushed(now);
        let _ = self.connection.poll_timeout();
        last
    }
}
