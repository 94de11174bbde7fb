//! Writing a binding for another runtime.
//!
//! The driver is the whole server but for four things that belong to a runtime: running tasks, telling
//! the time, waiting, and moving bytes. `sio-tokio` and `sio-smol` supply them in some hundred lines
//! each. This page says what another binding has to do, and ends with one that works.
//!
//! # What a runtime promises
//!
//! A type of yours implements [`Runtime`]. It is cloned into every task, so it should be a handle: a
//! unit struct where the runtime is found by itself, as with tokio, an [`Arc`](std::sync::Arc)
//! otherwise.
//!
//! | method | what the driver relies on |
//! |---|---|
//! | [`spawn`](Runtime::spawn) | The future is polled until it ends, whoever drops what meanwhile: there is no handle to keep. It may be polled on any thread, not on two at a time. It is called from inside tasks, and must not poll there and then. Panics of handlers never reach it. A future that is dropped instead (your runtime shuts down) leaves nothing behind: its session is over and everybody who waited for it is told. |
//! | [`now`](Runtime::now) | Never goes backwards, and counts from one origin for all clones. Every deadline is decided by it, and by nothing else. |
//! | [`sleep_until`](Runtime::sleep_until) | A [`Sleep`] wakes its task at about its time. It is a doorbell: early or late is no mistake, the task looks at `now` and sleeps again. A moment that has passed rings at once. [`reset`](Sleep::reset) works at any time, also after it has rung, and takes effect when it is polled next. An idle connection keeps one; creating them should be cheap, moving them cheaper. |
//! | [`random`](Runtime::random) | Cryptographic: whoever guesses a session id owns the session. |
//! | [`wall_clock`](Runtime::wall_clock) | Shown to people, and in the header `Date`. May jump. |
//!
//! # What a stream promises
//!
//! A [`Stream`] is any [`AsyncRead`](futures_io::AsyncRead) and [`AsyncWrite`](futures_io::AsyncWrite)
//! of `futures-io` that is `Unpin + Send + 'static`. Runtimes with traits of their own need an adapter
//! (`bindings-tokio/src/stream.rs` has one). Four points are easily missed:
//!
//! * `poll_close` shuts down the writing half (with TCP: sends FIN) and leaves reading possible. The
//!   driver closes its half first and then reads what the client still says, so that a farewell is not
//!   lost to a reset. A `poll_close` that only flushes lets every such client wait for `close_timeout`.
//! * Whoever returns `Pending` has kept the waker, of that call: reads and writes of one stream wait for
//!   different things, and the latest waker of each counts.
//! * A stream whose `poll_read` asks a reactor instead of the system reads all the same while
//!   [`is_looking`] says so: reactors tell of connections in an order of their own, and a request is handled
//!   behind what had arrived on its session's WebSocket.
//! * Set `TCP_NODELAY`. The driver writes once a turn; waiting for more only delays.
//!
//! # Listening
//!
//! [`accept`] is the loop: it calls your `poll_accept`, gives each connection to your closure, waits out
//! failures (too many open files), and ends when the server has been closed and its last session has
//! gone. Until then it goes on accepting: clients that poll come back for what is left to be said to
//! them. Then it drops the listener, so that the port is free, and waits for the last responses.
//!
//! Each connection is one task: [`serve_stream`] with a [`Remote`] that says who is there. That is all
//! for HTTP and for WebSockets: requests are read by hyper inside the driver, and a stream that becomes a
//! WebSocket stays in the same task. A binding never sees a frame.
//!
//! **TLS** is a stream around the stream: shake hands inside the task that you spawn, by [`establish`],
//! which gives it up when it takes too long, and say [`Remote::tls`].
//!
//! **Inside another HTTP server** (a tower service, say) there is no listener: give requests to
//! [`respond`]. Upgrades then come by `hyper::upgrade`.
//!
//! **Closing** needs nothing from you. [`Io::close`](crate::app::Io::close) tells every client, ends every
//! session within the times of [`Config`](crate::app::Config), and lets `accept` return.
//!
//! # What the driver never does
//!
//! It starts no thread, blocks none, sleeps by nothing but [`Sleep`] and asks no clock but
//! [`Runtime::now`] (hyper is told moments of the system's clock, which are counted from a mark that is drawn
//! once in a process). It calls no runtime but yours: no reactor, no executor, no global state of one. (The
//! crate `tokio` is in the dependency tree because hyper uses its channels, which run anywhere.) It
//! spawns one task for each session that begins by polling and one for each stream's upgrade under
//! [`respond`], and none for a message, a handler or a timer. It calls no waker and no code of
//! the application's with a lock held. What one thread keeps for its connections (a read buffer, the
//! commands of the handler that runs) is built when it is first used and shared between tasks only while
//! one of them is polled, so tasks may move between threads.
//!
//! Whatever a client does, no task of the driver's panics; if one does, that is a bug.
//!
//! # An example
//!
//! A runtime on one thread, in the standard library alone. It is a toy in one respect: every millisecond
//! it wakes everybody who waits for a socket or a moment. A real one asks the operating system which
//! sockets are ready, and keeps its timers in order. Everything else is what a binding is.
//!
//! ```
//! use std::future::Future;
//! use std::io::{self, Read, Write};
//! use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
//! use std::pin::Pin;
//! use std::sync::{Arc, Mutex};
//! use std::task::{Context, Poll, Wake, Waker};
//! use std::thread;
//! use std::time::{Duration, SystemTime};
//!
//! use futures_io::{AsyncRead, AsyncWrite};
//! use sio_driver::app::{Ack, Config, Data, Io};
//! use sio_driver::binding::{
//!     Instant, Remote, Runtime, Server, accept, serve_stream, system_clock,
//! };
//!
//! /// The handle: everything is shared.
//! #[derive(Clone, Default)]
//! struct Toy(Arc<Shared>);
//!
//! #[derive(Default)]
//! struct Shared {
//!     ready: Mutex<Vec<Arc<Task>>>,
//!     /// Who waits for a socket or a moment.
//!     waiting: Mutex<Vec<Waker>>,
//! }
//!
//! struct Task {
//!     future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
//!     toy: Toy,
//! }
//!
//! impl Wake for Task {
//!     fn wake(self: Arc<Self>) {
//!         let toy = self.toy.clone();
//!         toy.0.ready.lock().unwrap().push(self);
//!     }
//! }
//!
//! impl Toy {
//!     /// Runs all tasks until this one has ended.
//!     fn run<T: Send + 'static>(&self, main: impl Future<Output = T> + Send + 'static) -> T {
//!         let result = Arc::new(Mutex::new(None));
//!         let place = result.clone();
//!         self.spawn(async move {
//!             let value = main.await;
//!             *place.lock().unwrap() = Some(value);
//!         });
//!         loop {
//!             let ready = std::mem::take(&mut *self.0.ready.lock().unwrap());
//!             for task in &ready {
//!                 let waker = Waker::from(task.clone());
//!                 let mut place = task.future.lock().unwrap();
//!                 let Some(future) = &mut *place else { continue };
//!                 if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
//!                     *place = None;
//!                 }
//!             }
//!             if let Some(value) = result.lock().unwrap().take() {
//!                 return value;
//!             }
//!             if ready.is_empty() {
//!                 thread::sleep(Duration::from_millis(1));
//!                 let waiting = std::mem::take(&mut *self.0.waiting.lock().unwrap());
//!                 waiting.into_iter().for_each(Waker::wake);
//!             }
//!         }
//!     }
//!
//!     fn wait<T>(&self, cx: &mut Context<'_>) -> Poll<T> {
//!         let mut waiting = self.0.waiting.lock().unwrap();
//!         if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
//!             waiting.push(cx.waker().clone());
//!         }
//!         Poll::Pending
//!     }
//!
//!     /// What came of an operation on a socket that does not block.
//!     fn tried<T>(&self, cx: &mut Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
//!         match result {
//!             Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(cx),
//!             result => Poll::Ready(result),
//!         }
//!     }
//! }
//!
//! impl Runtime for Toy {
//!     type Sleep = Sleep;
//!
//!     fn now(&self) -> Instant { system_clock::from_std(std::time::Instant::now()) }
//!
//!     fn wall_clock(&self) -> SystemTime { SystemTime::now() }
//!
//!     fn sleep_until(&self, at: Instant) -> Sleep { Sleep(at, self.clone()) }
//!
//!     fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
//!         let future = Mutex::new(Some(Box::pin(task) as _));
//!         Arc::new(Task { future, toy: self.clone() }).wake();
//!     }
//!
//!     fn random(&self, bytes: &mut [u8]) {
//!         getrandom::fill(bytes).expect("the system has a random source");
//!     }
//! }
//!
//! struct Sleep(Instant, Toy);
//!
//! impl Future for Sleep {
//!     type Output = ();
//!
//!     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
//!         if self.1.now() >= self.0 { Poll::Ready(()) } else { self.1.wait(cx) }
//!     }
//! }
//!
//! impl sio_driver::binding::Sleep for Sleep {
//!     fn reset(mut self: Pin<&mut Self>, at: Instant) { self.0 = at; }
//! }
//!
//! struct Socket(TcpStream, Toy);
//!
//! impl AsyncRead for Socket {
//!     fn poll_read(
//!         mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8],
//!     ) -> Poll<io::Result<usize>> {
//!         let read = self.0.read(buffer);
//!         self.1.tried(cx, read)
//!     }
//! }
//!
//! impl AsyncWrite for Socket {
//!     fn poll_write(
//!         mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8],
//!     ) -> Poll<io::Result<usize>> {
//!         let written = self.0.write(bytes);
//!         self.1.tried(cx, written)
//!     }
//!
//!     fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         Poll::Ready(Ok(()))
//!     }
//!
//!     fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         Poll::Ready(self.0.shutdown(Shutdown::Write))
//!     }
//! }
//!
//! /// The binding's `serve`.
//! async fn serve(toy: Toy, listener: TcpListener, io: Io) -> io::Result<()> {
//!     listener.set_nonblocking(true)?;
//!     let server = Server::new(io);
//!     let poll_accept = |listener: &TcpListener, cx: &mut Context<'_>| {
//!         toy.tried(cx, listener.accept())
//!     };
//!     let each = |(stream, address): (TcpStream, SocketAddr)| {
//!         // A socket that refuses an option is gone already; its task will see that.
//!         let _ = (stream.set_nonblocking(true), stream.set_nodelay(true));
//!         let stream = Socket(stream, toy.clone());
//!         toy.spawn(serve_stream(toy.clone(), server.clone(), stream, Remote::plain(address)));
//!     };
//!     accept(&toy, &server, listener, poll_accept, each).await
//! }
//!
//! # fn main() -> io::Result<()> {
//! let io = Io::new(Config::v4());
//! io.of("/").on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! # let closing = io.clone();
//! let client = thread::spawn(move || {
//!     // A client by hand: a request, and the body of its answer.
//!     let ask = |method: &str, query: &str, body: &str| {
//!         let mut stream = TcpStream::connect(address).unwrap();
//!         write!(
//!             stream,
//!             "{method} /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nhost: localhost\r\n\
//!              connection: close\r\ncontent-length: {}\r\n\r\n{body}",
//!             body.len()
//!         )
//!         .unwrap();
//!         let mut answer = String::new();
//!         stream.read_to_string(&mut answer).unwrap();
//!         let (_, body) = answer.split_once("\r\n\r\n").unwrap();
//!         body.to_owned()
//!     };
//!     let open = ask("GET", "", "");
//!     let session = format!("&sid={}", open.split('"').nth(3).unwrap());
//!     assert_eq!(ask("POST", &session, "40"), "ok");
//!     assert!(ask("GET", &session, "").starts_with(r#"40{"sid":"#));
//!     assert_eq!(ask("POST", &session, r#"421["echo","hello"]"#), "ok");
//!     assert_eq!(ask("GET", &session, ""), r#"431["hello"]"#);
//!     assert_eq!(ask("POST", &session, "1"), "ok");
//! #     // Nothing else would end the example.
//! #     Toy::default().run(async move { closing.close().await });
//! });
//! let toy = Toy::default();
//! toy.run(serve(toy.clone(), listener, io))?;
//! # client.join().unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! # Testing a binding
//!
//! The behaviour suite of this repository (`tests/tests/behaviour`) asks the same of every runtime: a
//! host in its `world.rs`, of some ten lines, and a line in its `main.rs` put another one to the test.
//! The simulation (`sio-sim`) is a binding too: virtual time and a network in memory.

#[cfg(doc)]
use crate::binding::{
    Remote, Runtime, Sleep, Stream, accept, establish, is_looking, respond, serve_stream,
};
