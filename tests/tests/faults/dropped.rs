//! A runtime that is dropped under its server.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use sio_tests::example::Binding;
use sio_tests::on_each_binding;
use sio_tokio::{AckError, Io};
use tokio::sync::oneshot;

use crate::client::{Client, Poller, calm};
use crate::here::{until, within};
use crate::world::run;

/// Serves until it is told to stop, and drops everything then.
fn serve(binding: Binding, listener: TcpListener, io: Io, stop: oneshot::Receiver<()>) {
    match binding {
        Binding::Tokio => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.spawn(async {
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                sio_tokio::serve(listener, io).await
            });
            runtime.block_on(stop).unwrap();
        }
        Binding::Smol => {
            let executor = Arc::new(smol::Executor::new());
            let runtime = sio_smol::Smol::on(&executor);
            let listener = smol::Async::new(listener).unwrap();
            let serving = async move { runtime.serve(listener, io).await };
            executor.spawn(serving).detach();
            smol::block_on(executor.run(stop)).unwrap();
        }
    }
}

/// However a connection's task ends, nothing of it stays behind.
fn its_connections_go_with_it(binding: Binding) {
    run(async {
        let io = Io::new(calm());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = io.clone();
        let server = thread::spawn(move || serve(binding, listener, serving, stopped));
        let mut client = Client::open(address, "").await;
        let id = client.enter("").await;
        Poller::open(address).await.enter().await;
        let socket = io.of("/").get(&id).unwrap();
        socket.join("room").unwrap();
        assert_eq!((io.of("/").len(), io.engine_sessions()), (2, 2));
        let asked = socket.emit_with_ack::<()>("there?", &());
        stop.send(()).unwrap();
        server.join().unwrap();

        assert_eq!((io.of("/").len(), io.engine_sessions()), (0, 0));
        assert!(io.to("room").sockets().is_empty());
        let answer = within("the answer", asked).await;
        assert_eq!(answer, Err(AckError::Disconnected));
        client.rest().await;
        // A process that another test has just started holds it, too, until it runs its own programme.
        until("the port to be free", || TcpListener::bind(address).is_ok()).await;
    });
}

on_each_binding! {
    dropped: its_connections_go_with_it;
}
