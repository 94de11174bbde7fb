//! `again` on tokio. What it does is said in `tests/servers/again.rs`.

use sio_tokio as sio;

#[path = "../again.rs"]
mod body;

/// What the body needs of a runtime: one thread.
mod runtime {
    use std::io;
    use std::net::SocketAddr;
    use std::time::Duration;

    use sio_redis::{Cluster, Options, Redis};
    use sio_tokio::client::{BuildError, Builder, Client};
    use sio_tokio::{Server, Tokio};
    use tokio::net::TcpListener;

    pub(crate) fn builder(url: &str) -> Result<Builder, BuildError> {
        Client::builder(url)
    }

    pub(crate) fn join(redis: Redis, options: Options) -> Cluster {
        redis.join(&Tokio, options)
    }

    pub(crate) async fn serve(server: Server) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(sio_tokio::serve(listener, server));
        Ok(address)
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
