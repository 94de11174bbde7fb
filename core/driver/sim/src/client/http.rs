//! HTTP as a client speaks it: one request on one connection.

use std::io;
use std::net::SocketAddr;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_driver::app::core::client::Failure;
use sio_driver::binding::Bytes;
use sio_driver::binding::http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue};
use sio_driver::binding::http::{Request, Response, StatusCode, Version};

use crate::sim::Sim;
use crate::stream::Stream;

/// Bytes of a response's head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Connects, and makes a request that is the only one.
pub(super) async fn exchange(
    sim: &Sim,
    to: SocketAddr,
    mut request: Request<Bytes>,
) -> Result<Response<Bytes>, Failure> {
    let close = HeaderValue::from_static("close");
    request.headers_mut().insert(CONNECTION, close);
    let body = request.body().clone();
    let mut stream = sim.connect(to).await.map_err(|_| Failure::Tcp)?;
    let (response, rest) = ask(&mut stream, &request, &body).await?;
    answer(&mut stream, response, rest).await
}

/// Writes a request, and reads the head of the response to it, and what came behind that.
pub(super) async fn ask<B>(
    stream: &mut Stream,
    request: &Request<B>,
    body: &[u8],
) -> Result<(Response<()>, Vec<u8>), Failure> {
    let words = write(request, body);
    // Who answers at once may not read it all.
    drop(stream.write_all(&words).await);
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let response = head(&read[..end]).ok_or(Failure::Protocol)?;
            return Ok((response, read.split_off(end + 4)));
        }
        if read.len() > MAX_HEAD_BYTES {
            return Err(Failure::Protocol);
        }
        match stream.read(&mut buffer).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(_) => return Err(Failure::Tcp),
        }
    }
}

/// The whole response of which this is the head.
pub(super) async fn answer(
    stream: &mut Stream,
    response: Response<()>,
    mut body: Vec<u8>,
) -> Result<Response<Bytes>, Failure> {
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    let mut buffer = [0; 4096];
    while length.is_none_or(|length| body.len() < length) {
        match stream.read(&mut buffer).await {
            Ok(0) if length.is_none() => break,
            Ok(0) => return Err(Failure::Closed),
            Ok(count) => body.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && length.is_none() => {
                break;
            }
            Err(_) => return Err(Failure::Tcp),
        }
    }
    Ok(response.map(|()| body.into()))
}

fn write<B>(request: &Request<B>, body: &[u8]) -> Vec<u8> {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let mut words = format!("{} {path} HTTP/1.1\r\n", request.method()).into_bytes();
    let mut header = |name: &[u8], value: &[u8]| {
        words.extend([name, b": ", value, b"\r\n"].concat());
    };
    if let Some(authority) = uri.authority() {
        header(HOST.as_str().as_bytes(), authority.as_str().as_bytes());
    }
    for (name, value) in request.headers() {
        header(name.as_str().as_bytes(), value.as_bytes());
    }
    if !body.is_empty() {
        let length = body.len().to_string();
        header(CONTENT_LENGTH.as_str().as_bytes(), length.as_bytes());
    }
    words.extend(b"\r\n");
    words.extend(body);
    words
}

fn head(text: &[u8]) -> Option<Response<()>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let mut response = Response::builder()
        .version(Version::HTTP_11)
        .status(StatusCode::from_bytes(status.as_bytes()).ok()?);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        response = response.header(name, value.trim());
    }
    response.body(()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_and_a_response_is_read() {
        let request = Request::post("http://h:1/x?y=z")
            .header("a", "b")
            .body(())
            .unwrap();
        let words = write(&request, b"body");
        let expected = "POST /x?y=z HTTP/1.1\r\nhost: h:1\r\na: b\r\ncontent-length: 4\r\n\r\nbody";
        assert_eq!(String::from_utf8(words).unwrap(), expected);
        let response = head(b"HTTP/1.1 404 Not Found\r\na:  b").unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["a"], "b");
        for wrong in [
            &b"HTTP/1.0 200 OK"[..],
            b"HTTP/1.1 2",
            b"HTTP/1.1 200\r\nx",
            b"\xff",
        ] {
            assert!(head(wrong).is_none(), "{wrong:?}");
        }
    }
}
