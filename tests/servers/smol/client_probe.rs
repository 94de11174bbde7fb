//! The `client_probe` on smol. What it does is said in `tests/servers/client_probe.rs`.

use sio_smol as sio;

#[path = "../client_probe.rs"]
mod body;

/// What the body needs of a runtime.
mod runtime {
    use std::time::Duration;

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    pub(crate) async fn sleep(time: Duration) {
        smol::Timer::after(time).await;
    }
}

fn main() {
    body::run();
}
