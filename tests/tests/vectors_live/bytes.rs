//! A client of HTTP and WebSocket that writes bytes and waits for bytes: nothing is made better on the
//! way.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use http::request::Parts;
use sio_core::engine::Message;
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{Connection, End, Event, Limits, Masks};

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request on a connection of its own.
pub(crate) struct Exchange(TcpStream);

impl Exchange {
    /// Sends a request. `whole`: its body is as long as it says.
    pub(crate) fn send(address: SocketAddr, head: &Parts, body: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\n",
            head.method, head.uri
        );
        for (name, value) in &head.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        let announced = head.headers.contains_key("content-length");
        if !announced && (!body.is_empty() || head.method == "POST" || head.method == "PUT") {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let bytes = [text.as_bytes(), body].concat();
        stream.write_all(&bytes).unwrap();
        Self(stream)
    }

    /// Whether nothing has been answered yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.0
            .set_read_timeout(Some(Duration::from_millis(30)))
            .unwrap();
        let read = uninterrupted(|| self.0.peek(&mut [0]));
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// The answer, if one comes.
    pub(crate) fn answer(mut self) -> Option<http::Response<Bytes>> {
        let (mut response, mut body) = self.head()?;
        let length = response.headers().get("content-length");
        let length = length.map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let have = body.len();
        body.resize(length, 0);
        self.0.read_exact(body.get_mut(have..)?).ok()?;
        *response.body_mut() = body.into();
        Some(response)
    }

    /// Status and headers, and what was read behind them.
    fn head(&mut self) -> Option<(http::Response<Bytes>, Vec<u8>)> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            let mut some = [0; 4096];
            let count = uninterrupted(|| self.0.read(&mut some));
            let count = count.ok().filter(|&count| count > 0)?;
            read.extend_from_slice(&some[..count]);
        };
        let body = read.split_off(end + 4);
        let text = String::from_utf8(read).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let mut response = http::Response::builder().status(status);
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            response = response.header(name, value.trim());
        }
        Some((response.body(Bytes::new()).unwrap(), body))
    }
}

/// Where a call has to wait for as long as it may, and the process is stopped meanwhile, the system ends it.
fn uninterrupted(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// A WebSocket. What comes in is read by a thread.
pub(crate) struct WebSocket {
    stream: TcpStream,
    client: Arc<Mutex<Connection<()>>>,
    inbox: Arc<Mutex<Inbox>>,
}

#[derive(Default)]
struct Inbox {
    frames: Vec<Message>,
    /// The code of the close frame; 1005 if it had none, 1006 if there was none.
    closed: Option<u16>,
}

impl WebSocket {
    /// Asks for one. The status of the answer, and the WebSocket if it is 101.
    pub(crate) fn open(address: SocketAddr, head: &Parts) -> (u16, Option<Self>) {
        let mut exchange = Exchange::send(address, head, &[]);
        let (response, rest) = exchange.head().expect("an answer");
        let status = response.status().as_u16();
        if status != 101 {
            return (status, None);
        }
        assert_eq!(
            response.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "for the key of the RFC's example, which every transcript sends"
        );
        let stream = exchange.0;
        stream.set_read_timeout(None).unwrap();
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        // A server of ours sends whole messages, and none compressed.
        let limits = Limits {
            message: usize::MAX,
            fragments: 1,
            deflate: false,
        };
        let client = Connection::client(limits, Masks::from_random([0; 16]), ());
        let client = Arc::new(Mutex::new(client));
        let from = std::io::Cursor::new(rest).chain(stream.try_clone().unwrap());
        let (hears, to) = (client.clone(), inbox.clone());
        let answers = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            let code = receive(from, &answers, &hears, &to).unwrap_or(1006);
            to.lock().unwrap().closed.get_or_insert(code);
        });
        let this = Self {
            stream,
            client,
            inbox,
        };
        (status, Some(this))
    }

    /// Sends a message. A server that has closed already is not told.
    pub(crate) fn send(&self, frame: &Message) {
        let (kind, payload) = match frame {
            Message::Text(text) => (MessageType::Text, text.as_bytes()),
            Message::Binary(bytes) => (MessageType::Binary, bytes),
        };
        let mut client = self.client.lock().unwrap();
        client.send(kind, b"", payload, false);
        write(&mut client, &self.stream);
    }

    /// Takes what came in, when it is as much as expected, or nothing more comes.
    pub(crate) fn received(&self, expected: usize) -> Vec<Message> {
        wait(|| {
            let inbox = self.inbox.lock().unwrap();
            inbox.frames.len() >= expected || inbox.closed.is_some()
        });
        std::mem::take(&mut self.inbox.lock().unwrap().frames)
    }

    /// Takes the first that comes in, and leaves what follows.
    pub(crate) fn first(&self) -> Vec<Message> {
        wait(|| {
            let inbox = self.inbox.lock().unwrap();
            !inbox.frames.is_empty() || inbox.closed.is_some()
        });
        let frames = &mut self.inbox.lock().unwrap().frames;
        let count = frames.len().min(1);
        frames.drain(..count).collect()
    }

    /// The code it was closed with.
    pub(crate) fn closed(&self, expected: bool) -> Option<u16> {
        if expected {
            wait(|| self.inbox.lock().unwrap().closed.is_some());
        }
        self.inbox.lock().unwrap().closed
    }

    /// Goes away without a word.
    pub(crate) fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Waits for something that must happen; not for ever.
pub(crate) fn wait(mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Hears what comes until there is no more; the code of the close frame.
fn receive(
    mut from: impl Read,
    answers: &TcpStream,
    client: &Mutex<Connection<()>>,
    to: &Mutex<Inbox>,
) -> Option<u16> {
    let mut some = [0; 4096];
    loop {
        let count = from.read(&mut some).ok().filter(|&count| count > 0)?;
        let mut client = client.lock().unwrap();
        client.handle_bytes(&some[..count]);
        while let Some(event) = client.poll_event() {
            match event {
                Event::Message(message) => to.lock().unwrap().frames.push(message),
                Event::Closed(End::Goodbye(code)) => {
                    write(&mut client, answers);
                    return Some(code.unwrap_or(1005));
                }
                Event::Closed(End::Lost) => return None,
                Event::Ping
                | Event::Pong(_)
                | Event::Ignored
                | Event::Closed(End::Violation(_)) => panic!("{event:?}"),
            }
        }
    }
}

/// Writes what the client has to say. A server that has closed already is not told.
fn write(client: &mut Connection<()>, mut to: &TcpStream) {
    let output = client.poll_output();
    let count = output.len();
    let _ = to.write_all(output);
    client.handle_written(count);
}
