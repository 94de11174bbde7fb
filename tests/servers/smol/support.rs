//! How the servers run: one listener, one line when ready, a clean end on SIGTERM and Ctrl-C.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_signal::{Signal, Signals};
use sio_smol::{Server, Smol};
use smol::net::TcpListener;
use smol::stream::StreamExt;
use smol::{Executor, Timer, future};

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves on so many threads, this one among them, until somebody ends the process.
#[allow(dead_code, reason = "not all of them are done with that")]
pub(crate) fn run(
    threads: usize,
    server: Server,
    address: (String, u16),
    ready: impl FnOnce(SocketAddr) -> String + Send + 'static,
) -> io::Result<()> {
    run_on(threads, |_| server, address, ready)
}

/// The same with a server that has something else to do on these threads.
pub(crate) fn run_on(
    threads: usize,
    server: impl FnOnce(&Smol) -> Server,
    address: (String, u16),
    ready: impl FnOnce(SocketAddr) -> String + Send + 'static,
) -> io::Result<()> {
    let executor = Arc::new(Executor::new());
    for _ in 1..threads {
        let executor = executor.clone();
        // They end with the process.
        std::thread::spawn(move || smol::block_on(executor.run(future::pending::<()>())));
    }
    let runtime = Smol::on(&executor);
    let server = server(&runtime);
    // async-io leaves its reactor to whoever blocks, and to a thread of its own when nobody has looked
    // for a while. Looking often keeps that thread asleep: a third of the system time of a server with
    // many small messages.
    let turns = async {
        loop {
            executor.tick().await;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(30) && executor.try_tick() {}
            future::yield_now().await;
        }
    };
    // A task of its own, so that it is not polled, and the signals not read, with every turn.
    let served = executor.spawn(serve(runtime, server, address, ready));
    smol::block_on(future::or(served, turns))
}

/// What the shared bodies need of a runtime.
pub(crate) async fn sleep(time: Duration) {
    Timer::after(time).await;
}

async fn serve(
    runtime: Smol,
    server: Server,
    address: (String, u16),
    ready: impl FnOnce(SocketAddr) -> String,
) -> io::Result<()> {
    let (host, port) = &address;
    let listener = TcpListener::bind((host.as_str(), *port)).await?;
    let mut signals = Signals::new([Signal::Term, Signal::Int])?;
    println!("{}", ready(listener.local_addr()?));
    let ended = async {
        // A signal that cannot be read ends the server as one that can.
        let _ = signals.next().await;
        // Everybody is told, so that clients come back to the next server at once. Those that do
        // not listen (a polling client that went away without a word) are not waited for.
        future::or(server.close(), sleep(PATIENCE)).await;
        Ok(())
    };
    future::or(runtime.serve(listener, server.clone()), ended).await
}
