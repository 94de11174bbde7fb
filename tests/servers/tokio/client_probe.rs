//! The `client_probe` on tokio. What it does is said in `tests/servers/client_probe.rs`.

use sio_tokio as sio;

#[path = "../client_probe.rs"]
mod body;

/// What the body needs of a runtime.
mod runtime {
    use std::time::Duration;

    use tokio::runtime::Handle;

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        Handle::current().spawn(task);
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        Handle::current().block_on(future)
    }

    pub(crate) async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn main() -> std::io::Result<()> {
    let tokio = tokio::runtime::Runtime::new()?;
    let _inside = tokio.enter();
    body::run();
    Ok(())
}
