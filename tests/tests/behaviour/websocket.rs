//! What breaks RFC 6455 or its limits, and what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::calm;
use crate::here::{sleep, spawn, until, within};
use crate::wire::{Wire, masked};
use crate::world::{On, World};
use sio_tokio::{Args, Bytes, Config, Io, Socket};

fn limited() -> Io {
    let io = Io::new(calm().max_http_buffer_size(10_000).max_fragments(4));
    io.of("/").on("echo", |socket: Socket, args: Args| {
        socket.emit("echo", &args)
    });
    io
}

/// A WebSocket on which the session has been opened.
async fn opened(world: &World) -> Wire {
    let mut wire = Wire::open(world.address, "").await;
    let (first, open) = wire.frame().await.unwrap();
    assert_eq!((first, open.first()), (0x81, Some(&b'0')));
    wire
}

async fn violations_get_their_close_codes(on: On) {
    let io = limited();
    let world = World::new(on, io.clone()).await;
    let fragments = |count: usize| {
        let mut frames = masked(0x01, b"");
        for _ in 1..count {
            frames.extend(masked(0x00, b""));
        }
        frames
    };
    let huge = [0x81, 0x80 | 127, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    for (what, bytes, code) in [
        (
            "a message over the limit",
            masked(0x81, &[b'4'; 10_001]),
            1009,
        ),
        ("a length beyond all memory", huge.to_vec(), 1009),
        ("bad UTF-8", masked(0x81, b"4\xff"), 1007),
        ("an unmasked frame", b"\x81\x0140"[..3].to_vec(), 1002),
        ("a reserved bit", masked(0xc1, b"40"), 1002),
        ("a reserved opcode", masked(0x83, b"40"), 1002),
        ("a fragmented control frame", masked(0x09, b""), 1002),
        ("a continuation of nothing", masked(0x80, b""), 1002),
        ("too many empty fragments", fragments(5), 1008),
    ] {
        let mut wire = opened(&world).await;
        wire.write(&bytes).await;
        assert_eq!(wire.close_code().await, code, "{what}");
        until("the session to end", || io.engine_sessions() == 0).await;
    }
    world.ends().await;
}

async fn what_is_within_the_limits_passes(on: On) {
    let world = World::new(on, limited()).await;
    let mut wire = opened(&world).await;
    wire.write(&masked(0x81, b"40")).await;
    wire.frame().await.unwrap();
    // Four fragments, a ping between them, one byte at a time.
    let mut bytes = masked(0x01, b"42[\"ec");
    bytes.extend(masked(0x00, b""));
    bytes.extend(masked(0x89, b"p"));
    bytes.extend(masked(0x00, b"ho\","));
    bytes.extend(masked(0x80, b"1]"));
    for byte in bytes {
        wire.write(&[byte]).await;
    }
    assert_eq!(wire.frame().await.unwrap(), (0x8a, "p".into()));
    assert_eq!(wire.frame().await.unwrap().1, "42[\"echo\",1]");
    // A message of exactly the limit.
    let text = "x".repeat(10_000 - r#"42["echo",""]"#.len());
    let message = format!(r#"42["echo","{text}"]"#);
    wire.write(&masked(0x81, message.as_bytes())).await;
    assert_eq!(wire.frame().await.unwrap().1, message.as_bytes());
    // A close frame is answered with its own code, and the server hangs up.
    wire.write(&masked(0x88, &1000u16.to_be_bytes())).await;
    assert_eq!(wire.close_code().await, 1000);
    world.ends().await;
}

async fn a_client_that_never_answers_the_close_is_dropped(on: On) {
    let io = limited();
    let world = World::new(on, io.clone()).await;
    let mut wire = opened(&world).await;
    wire.write(&masked(0x81, b"40")).await;
    wire.frame().await.unwrap();
    io.of("/").sockets()[0].conn().close();
    let (first, _) = within("a close frame", wire.frame()).await.unwrap();
    assert_eq!(first, 0x88);
    wire.rest().await;
    world.ends().await;
}

async fn a_reader_that_never_reads_holds_up_nobody_and_is_closed(on: On) {
    let io = Io::new(calm().max_backlog_bytes(100_000));
    let world = World::new(on, io.clone()).await;
    let mut deaf = opened(&world).await;
    deaf.write(&masked(0x81, b"40")).await;
    let (mut client, _) = world.join().await;
    until("both to be there", || io.of("/").len() == 2).await;
    let data = Bytes::from(vec![7; 50_000]);
    let count = 400;
    let read = Arc::new(AtomicUsize::new(0));
    let tally = read.clone();
    let reading = spawn(async move {
        // An event and its attachment each time.
        for _ in 0..2 * count {
            client.next().await.unwrap();
            tally.fetch_add(1, Ordering::Relaxed);
        }
    });
    for sent in 0..count {
        // The one that reads never has more than one to read.
        until("the reader", || read.load(Ordering::Relaxed) == 2 * sent).await;
        io.emit("tick", &data).unwrap();
    }
    within("everything to be read", reading.end())
        .await
        .unwrap();
    until("the deaf one to be closed", || io.of("/").len() <= 1).await;
    drop(deaf);
    world.ends().await;
}

/// A close that waits for what was sent before it comes when that has been read, not when
/// `close_timeout` is over.
async fn the_close_frame_follows_the_last_message_at_once(on: On) {
    let io = Io::new(Config::default().close_timeout(Duration::from_secs(60)));
    let world = World::new(on, io.clone()).await;
    let mut wire = opened(&world).await;
    wire.write(&masked(0x81, b"40")).await;
    wire.frame().await.unwrap();
    let socket = io.of("/").sockets().remove(0);
    // More than all buffers on the way hold: some of it is under way when the end is asked for.
    let size = 12 << 20;
    socket.emit("large", &Bytes::from(vec![7; size])).unwrap();
    sleep(Duration::from_millis(100)).await;
    socket.disconnect(true);
    sleep(Duration::from_millis(100)).await;
    let (event, _) = within("the event", wire.frame()).await.unwrap();
    assert_eq!(event, 0x81);
    let (_, attachment) = within("its attachment", wire.frame()).await.unwrap();
    assert_eq!(attachment.len(), size);
    let (_, left) = within("the packet that ends it", wire.frame())
        .await
        .unwrap();
    assert_eq!(left, "41");
    let (close, payload) = within("the close frame", wire.frame()).await.unwrap();
    assert_eq!(close, 0x88);
    wire.write(&masked(0x88, &payload)).await;
    wire.rest().await;
    world.ends().await;
}

on_each_runtime! {
    the_close_frame_follows_the_last_message_at_once,
    violations_get_their_close_codes,
    what_is_within_the_limits_passes,
    a_client_that_never_answers_the_close_is_dropped,
    a_reader_that_never_reads_holds_up_nobody_and_is_closed,
}
