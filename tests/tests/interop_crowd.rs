//! Two hundred clients whose server dies and comes back on its port.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sio_tests::{
    example::Binding,
    reference::{Kind, Server},
    wire::PATIENCE,
};
use sio_tokio::client::{Backoff, Client, Happening, Socket};

const MANY: usize = 200;

/// The wait before the first attempt is drawn from a half of this to three halves.
const DELAY: Duration = Duration::from_millis(400);

/// Parts of the longest wait, for the histogram.
const PARTS: usize = 10;

/// More in one part than this, of the seven or so that waits fall into, are no spread: thirty are to be expected.
const TOGETHER: usize = 80;

/// So many clients, and the waits before their first attempts to dial again.
async fn crowd(server: &Server) -> (Vec<(Client, Socket)>, Arc<Mutex<Vec<Duration>>>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let mut all = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        let builder = Client::builder(format!("http://{}", server.address)).expect("a URL");
        let backoff = Backoff::new(DELAY, 4 * DELAY);
        let client = builder.reconnection(backoff).build().expect("it is sound");
        let told = waits.clone();
        client.on_event(move |happening| {
            if let Happening::Waiting { attempt: 1, wait } = happening {
                told.lock().expect("nobody panics").push(*wait);
            }
        });
        let socket = client.socket("/");
        socket.connect().await.expect("it is let in");
        all.push((client, socket));
    }
    (all, waits)
}

async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + 6 * PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn comes_back(kind: Kind) {
    let mut server = Server::start(
        kind,
        &[("PING_INTERVAL", "25000"), ("PING_TIMEOUT", "20000")],
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (clients, waits) = crowd(&server).await;
        server.kill();
        wait_until("the end of all connections", || {
            waits.lock().expect("nobody panics").len() >= MANY
        })
        .await;
        server.run();
        wait_until("the return of all", || {
            clients.iter().all(|(_, socket)| socket.connected())
        })
        .await;
        for (_, socket) in &clients {
            let back: u64 = socket.emit_with_ack("echo", &1).await.expect("an answer");
            assert_eq!(back, 1);
        }
        let waits = waits.lock().expect("nobody panics").clone();
        let longest = DELAY * 3 / 2;
        let part = longest / PARTS as u32;
        let mut parts = [0; PARTS + 1];
        for wait in &waits {
            assert!(*wait <= longest, "{wait:?}");
            parts[(wait.as_micros() / part.as_micros()) as usize] += 1;
        }
        for (at, count) in parts.iter().enumerate() {
            println!(
                "{:>4} ms {}",
                at as u128 * part.as_millis(),
                "#".repeat(*count)
            );
        }
        assert!(parts.iter().all(|count| *count <= TOGETHER), "{parts:?}");
    });
}

#[test]
fn a_crowd_does_not_come_back_all_at_once() {
    comes_back(Kind::Official);
    comes_back(Kind::Ours(Binding::Tokio));
}
