//! `again` on smol. What it does is said in `tests/servers/again.rs`.

use sio_smol as sio;

#[path = "../again.rs"]
mod body;

/// What the body needs of a runtime: one thread, besides the one of async-io.
mod runtime {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    use sio_redis::{Cluster, Options, Redis};
    use sio_smol::client::{BuildError, Builder, Client};
    use sio_smol::{Server, Smol};
    use smol::Executor;
    use smol::net::TcpListener;

    static EXECUTOR: LazyLock<Arc<Executor<'static>>> = LazyLock::new(Arc::default);

    pub(crate) fn builder(url: &str) -> Result<Builder, BuildError> {
        Client::builder_on(Smol::on(&EXECUTOR), url)
    }

    pub(crate) fn join(redis: Redis, options: Options) -> Cluster {
        redis.join(&Smol::on(&EXECUTOR), options)
    }

    pub(crate) async fn serve(server: Server) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = async { Smol::on(&EXECUTOR).serve(listener, server).await };
        EXECUTOR.spawn(serving).detach();
        Ok(address)
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
