//! How the examples run: one listener, one line when ready, a clean end on SIGTERM and Ctrl-C.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_signal::{Signal, Signals};
use sio_smol::{Server, Smol};
use smol::net::TcpListener;
use smol::stream::StreamExt;
use smol::{Executor, Timer, future};

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves on so many threads, this one among them, until somebody ends the process.
pub(crate) fn run(threads: usize, server: Server, address: (String, u16)) -> io::Result<()> {
    let executor = Arc::new(Executor::new());
    for _ in 1..threads {
        let executor = executor.clone();
        // They end with the process.
        std::thread::spawn(move || smol::block_on(executor.run(future::pending::<()>())));
    }
    let runtime = Smol::on(executor.clone());
    smol::block_on(executor.run(serve(runtime, server, address)))
}

async fn serve(runtime: Smol, server: Server, address: (String, u16)) -> io::Result<()> {
    let (host, port) = &address;
    let listener = TcpListener::bind((host.as_str(), *port)).await?;
    println!("listening");
    let mut signals = Signals::new([Signal::Term, Signal::Int])?;
    let ended = async {
        // A signal that cannot be read ends the server as one that can.
        let _ = signals.next().await;
        let patience = async {
            Timer::after(PATIENCE).await;
        };
        // Everybody is told, so that clients come back to the next server at once. Those that do
        // not listen (a polling client that went away without a word) are not waited for.
        future::or(server.close(), patience).await;
        Ok(())
    };
    future::or(runtime.serve(listener, server.clone()), ended).await
}
