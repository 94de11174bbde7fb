//! The `client_bench` on smol. What it does is said in `tests/servers/client_bench.rs`.

use sio_smol as sio;

#[path = "../client_bench.rs"]
mod body;

/// What the body needs of a runtime: one thread, besides the one of async-io.
mod runtime {
    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    use sio_smol::Smol;
    use sio_smol::client::{BuildError, Builder, Client};
    use smol::Executor;

    pub(crate) use smol::Task;

    static EXECUTOR: LazyLock<Arc<Executor<'static>>> = LazyLock::new(Arc::default);

    pub(crate) fn builder(url: &str) -> Result<Builder, BuildError> {
        Client::builder_on(Smol::on(&EXECUTOR), url)
    }

    pub(crate) fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        EXECUTOR.spawn(task)
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(EXECUTOR.run(future))
    }

    pub(crate) async fn sleep(time: Duration) {
        smol::Timer::after(time).await;
    }
}

fn main() -> std::process::ExitCode {
    body::main()
}
