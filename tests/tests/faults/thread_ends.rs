//! Runtimes that end with the thread they are kept by: their tasks are dropped when the thread has lost most
//! of what was its own.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sio_tokio::{Io, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, Poller, calm};
use crate::here::{spawn, until, within};

/// Emits when it is dropped, as a handler's own values may.
struct Farewell(Socket);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.emit("gone", &true);
    }
}

/// Serves on a thread of its own until it is told to end, and says where; the thread must not panic when
/// what it keeps is dropped.
async fn ends_with_its_thread(
    serve: impl FnOnce(TcpListener, Io, mpsc::Receiver<()>) + Send + 'static,
) {
    let io = Io::new(calm());
    let begun = Arc::new(Semaphore::new(0));
    let begin = begun.clone();
    io.of("/").on("wait", move |socket: Socket| {
        let farewell = Farewell(socket);
        begin.add_permits(1);
        async move {
            let _farewell = farewell;
            std::future::pending::<()>().await;
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let (end, ended) = mpsc::channel();
    let served = io.clone();
    let thread = std::thread::spawn(move || serve(listener, served, ended));
    let mut client = Client::open(address, "").await;
    client.enter("").await;
    client.send(r#"42["wait"]"#).await;
    within("the handler", begun.acquire())
        .await
        .unwrap()
        .forget();
    let poller = Poller::open(address).await;
    poller.enter().await;
    let parked = spawn(async move { poller.poll().await });
    until("both", || io.of("/").len() == 2).await;
    end.send(()).unwrap();
    let ended = tokio::task::spawn_blocking(move || thread.join());
    within("the thread", ended).await.unwrap().unwrap();
    parked.abort();
    // What is there is gone.
    until("nobody", || {
        io.of("/").is_empty() && io.engine_sessions() == 0
    })
    .await;
}

#[tokio::test]
async fn smol_may_end_with_its_thread() {
    // faults: H20
    thread_local! {
        static KEPT: RefCell<Option<Arc<smol::Executor<'static>>>> = const { RefCell::new(None) };
    }
    ends_with_its_thread(|listener, io, end| {
        let executor = Arc::new(smol::Executor::new());
        KEPT.set(Some(executor.clone()));
        let runtime = sio_smol::Smol::on(&executor);
        let listener = smol::Async::new(listener).unwrap();
        let serving = executor.spawn(async move { runtime.serve(listener, io).await });
        smol::block_on(executor.run(async {
            while end.try_recv().is_err() {
                smol::Timer::after(Duration::from_millis(5)).await;
            }
        }));
        serving.detach();
    })
    .await;
}

#[tokio::test]
async fn tokio_may_end_with_its_thread() {
    // faults: H20
    thread_local! {
        static KEPT: RefCell<Option<tokio::runtime::Runtime>> = const { RefCell::new(None) };
    }
    ends_with_its_thread(|listener, io, end| {
        KEPT.set(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::spawn(sio_tokio::serve(listener, io));
            while end.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        KEPT.set(Some(runtime));
    })
    .await;
}
