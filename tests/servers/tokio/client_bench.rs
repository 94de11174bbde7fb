//! The `client_bench` on tokio. What it does is said in `tests/servers/client_bench.rs`.

use sio_tokio as sio;

#[path = "../client_bench.rs"]
mod body;

/// What the body needs of a runtime: one thread.
mod runtime {
    use std::pin::Pin;
    use std::time::Duration;

    use sio_tokio::client::{BuildError, Builder, Client};

    /// What a task will have found.
    pub(crate) type Task<T> = Pin<Box<dyn Future<Output = T>>>;

    pub(crate) fn builder(url: &str) -> Result<Builder, BuildError> {
        Client::builder(url)
    }

    pub(crate) fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        let task = tokio::spawn(task);
        Box::pin(async { task.await.expect("a task of this program does not panic") })
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(future)
    }

    pub(crate) async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn main() -> std::process::ExitCode {
    body::main()
}
