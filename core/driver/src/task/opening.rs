//! In how many writes a WebSocket opens.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use sio_core::config::Config;

use super::shape::Nowhere;
use crate::handle::Io;
use crate::serve::{Server, serve_stream};

const REQUEST: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client that asks once and says nothing more.
struct Client {
    request: &'static [u8],
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let request = std::mem::take(&mut self.request);
        if request.is_empty() {
            return Poll::Pending;
        }
        into[..request.len()].copy_from_slice(request);
        Poll::Ready(Ok(request.len()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.lock().unwrap().push(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What is written each time that the task runs, until nothing more is.
fn writes(apart: bool) -> Vec<Vec<Vec<u8>>> {
    let io = Io::new(Config::default().open_packet_apart(apart));
    let writes = Arc::<Mutex<Vec<_>>>::default();
    let client = Client {
        request: REQUEST,
        writes: writes.clone(),
    };
    let remote = crate::endpoint::request::Remote::default();
    let mut task = pin!(serve_stream(Nowhere, Server::new(io), client, remote));
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    for _ in 0..8 {
        assert!(task.as_mut().poll(&mut cx).is_pending());
        let some = std::mem::take(&mut *writes.lock().unwrap());
        all.extend((!some.is_empty()).then_some(some));
    }
    all
}

#[test]
fn a_websocket_opens_in_one_write_or_in_two_with_others_between() {
    // faults: C6
    let [together] = &*writes(false).concat() else {
        panic!("more than one write");
    };
    let head = together.windows(4).position(|it| it == b"\r\n\r\n");
    let (head, packet) = together.split_at(head.unwrap() + 4);
    assert!(packet.starts_with(&[0x81]));
    let apart = writes(true);
    assert_eq!(apart.len(), 2, "times that the task ran");
    assert_eq!(apart[0], [head]);
    assert!(matches!(&*apart[1], [it] if it.len() == packet.len()));
}
