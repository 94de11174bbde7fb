//! The way through a proxy.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use futures_io::{AsyncRead, AsyncWrite};
use sio_core::client::Tunnel;

use super::dialer::BoxStream;

/// Leads a stream to a proxy on to where the tunnel is to lead.
pub(super) async fn through(mut stream: BoxStream, mut tunnel: Tunnel) -> io::Result<BoxStream> {
    let mut buffer = [0; 512];
    while !tunnel.is_open() {
        if let Some(output) = tunnel.poll_output() {
            write(&mut stream, &output).await?;
        }
        let most = tunnel.wants().min(buffer.len());
        let space = buffer.get_mut(..most).unwrap_or_default();
        let count = poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, space)).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = buffer.get(..count).unwrap_or_default();
        tunnel.handle_bytes(read).map_err(io::Error::other)?;
    }
    Ok(stream)
}

async fn write(stream: &mut BoxStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(count..).unwrap_or_default();
    }
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await
}
