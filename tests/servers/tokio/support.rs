//! How the servers run: one listener, one line when ready, a clean end on SIGTERM and Ctrl-C.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use sio_tokio::Server;
use tokio::net::TcpListener;

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves until somebody ends the process.
pub(crate) async fn run(
    server: Server,
    address: (String, u16),
    ready: impl FnOnce(SocketAddr) -> String,
) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("{}", ready(listener.local_addr()?));
    tokio::select! {
        served = sio_tokio::serve(listener, server.clone()) => return served,
        signal = ended() => signal?,
    }
    // Everybody is told, so that clients come back to the next server at once. Those that do not listen
    // (a polling client that went away without a word) are not waited for.
    let _ = tokio::time::timeout(PATIENCE, server.close()).await;
    Ok(())
}

/// What the shared bodies need of a runtime.
#[allow(dead_code, reason = "not all of them wait")]
pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(unix)]
async fn ended() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = tokio::signal::ctrl_c() => interrupt,
    }
}

#[cfg(not(unix))]
async fn ended() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
