//! A history, played to the driver's tasks and hyper in the simulation.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{AbortHandle, abortable, select};
use futures_util::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use sio_sim::choices::{Choices, List};
use sio_sim::{
    Args, Bytes, Check, Config, Error, Io, Refusal, Runtime, Sim, Socket, Stream, Weather,
};

use crate::trace;

use super::book::{Book, Come, Tells, comes, is_new, lock, serve};
use super::bursts::is_burst;
use super::history::Step;
use super::ours::{Notes, bytes, hex, packets, told};
use super::wire::{more, read_head, reads_all, status};

/// All waits of a history together take less than a millisecond longer, which is the shortest of them.
const SLACK: Duration = Duration::from_micros(10);

struct Client {
    eio: u64,
    pongs: bool,
    sid: String,
    polls: bool,
    /// The GET that is out.
    parked: Option<(u64, AbortHandle)>,
    pings: Vec<bool>,
    /// Its latest WebSocket, and the one that it had before, as long as it has heard nothing of the latest: that may be
    /// one too many, and is sent away.
    wire: u64,
    before: u64,
    writes: Option<WriteHalf<Stream>>,
    open: bool,
    host: Sim,
}

struct World {
    sim: Sim,
    book: Book,
    io: Io,
    address: SocketAddr,
    clients: Vec<Client>,
    drawn: u64,
}

/// A history that was played.
pub(crate) struct Played {
    /// What each of its steps has led to.
    pub(crate) notes: Vec<Notes>,
    /// Steps of the trace, and these as a number.
    pub(crate) steps: u64,
    pub(crate) hash: u64,
}

/// What a history leads to, under a schedule of that number; 0 is the simplest.
pub(crate) fn play(history: &[Step], schedule: u64) -> Result<Played, String> {
    let choices = match schedule {
        0 => Choices::from_list(&List::default()),
        seed => Choices::from_seed(seed),
    };
    let all = Mutex::new(Vec::new());
    let played = Check::new().precise().play(choices, async |sim| {
        let mut world = World::new(sim)?;
        for (at, step) in history.iter().enumerate() {
            world.step(at, step).await;
            if is_burst(history, at) {
                all.lock().unwrap().push(Notes::new());
                continue;
            }
            world.rests().await;
            let notes = std::mem::take(&mut lock(&world.book).notes);
            all.lock().unwrap().push(notes);
        }
        Ok(())
    });
    if let Some(why) = played.failure() {
        return Err(why.to_owned());
    }
    let steps = played.sim().trace();
    Ok(Played {
        notes: all.into_inner().unwrap(),
        steps: steps.steps().len() as u64,
        hash: trace::sum(&steps),
    })
}

impl World {
    fn new(sim: Sim) -> Result<Self, Error> {
        sim.weather(Weather {
            delay: 0..=0,
            window: 1 << 20..=1 << 20,
            short_writes: 0,
            ..Weather::default()
        });
        let book = Book::default();
        let io = Io::new(Config::v4().allow_eio3(true));
        for name in ["/", "/a", "/no"] {
            serve(&io.of(name), &book);
        }
        let its = book.clone();
        io.of("/no").use_(move |socket: Socket| {
            // An id was drawn for it.
            lock(&its).ids += usize::from(is_new(&socket));
            Err::<(), _>(Refusal::new("no"))
        });
        let address = sim.host("server").serve(&io)?.address();
        Ok(Self {
            sim,
            book,
            io,
            address,
            clients: Vec::new(),
            drawn: 0,
        })
    }

    async fn step(&mut self, which: usize, step: &Step) {
        let number = |at: usize| usize::try_from(step[at].as_u64().unwrap_or_default()).unwrap();
        let text = |at: usize| step[at].as_str();
        let at = number(1);
        let socket = lock(&self.book).sockets.get(at).cloned();
        match text(0).expect("a name") {
            "open" => self.opens(
                number(1) as u64,
                text(2) == Some("polling"),
                step[3] == true,
            ),
            "post" => {
                let texts = step[2].as_array().expect("a list").iter();
                let texts: Vec<_> = texts.map(|it| it.as_str().expect("a text")).collect();
                self.posts(at, &texts);
            }
            "get" => self.gets(at),
            "polls" => self.clients[at].polls = step[2] == true,
            "upgrade" => self.attaches(at),
            "frame" => self.says(at, 1, text(2).expect("a text").as_bytes()).await,
            "bytes" => self.says(at, 2, &bytes(text(2).expect("a text"))).await,
            "gone" => {
                self.says(at, 8, &[]).await;
                let its = &mut self.clients[at];
                if std::mem::take(&mut its.open) {
                    (its.wire, its.before, its.writes) = (0, 0, None);
                }
            }
            "abort" => {
                self.clients[at].polls = false;
                if let Some((_, get)) = self.clients[at].parked.take() {
                    get.abort();
                }
            }
            "emit" => self.emits(at, text(2).expect("a text")),
            "tell" => {
                let namespace = self.io.of(text(1).expect("a name"));
                let (room, except) = (text(2), text(3));
                let to = match (room, except) {
                    (Some(room), Some(except)) => namespace.to(room).except(except),
                    (Some(room), None) => namespace.to(room),
                    (None, Some(except)) => namespace.except(except),
                    (None, None) => namespace.except(&[] as &[&str]),
                };
                to.emit("all", &which).expect("a number");
            }
            "join" => drop(socket.map(|it| it.join(text(2).expect("a name")))),
            "leave" => drop(socket.map(|it| it.leave(text(2).expect("a name")))),
            "out" => {
                if let Some(socket) = socket.filter(Socket::connected) {
                    socket.disconnect(step[2] == true);
                }
            }
            "wait" => return self.waits(Duration::from_millis(at as u64)).await,
            other => panic!("{other}?"),
        }
    }

    fn opens(&mut self, eio: u64, polls: bool, pongs: bool) {
        let client = self.clients.len();
        let host = self.sim.host(&format!("client{client}"));
        self.clients.push(Client {
            eio,
            pongs,
            sid: String::new(),
            polls,
            parked: None,
            pings: Vec::new(),
            wire: 0,
            before: 0,
            writes: None,
            open: false,
            host: host.sim().clone(),
        });
        if !polls {
            self.attaches(client);
        }
    }

    async fn waits(&mut self, time: Duration) {
        // What is due just then is done: here it comes some nanoseconds later, each time.
        let until = self.sim.now() + time + SLACK;
        loop {
            self.rests().await;
            if self.sim.now() >= until {
                return;
            }
            let book = self.book.clone();
            let comes = poll_fn(move |cx| {
                let mut shared = lock(&book);
                if !shared.come.is_empty() {
                    return Poll::Ready(());
                }
                shared.waker = Some(cx.waker().clone());
                Poll::Pending
            });
            drop(select(self.sim.sleep_until(until), comes).await);
        }
    }

    /// Until nobody has anything to do.
    async fn rests(&mut self) {
        loop {
            // Time passes when nothing can run, and not before.
            self.sim.sleep(Duration::from_nanos(1)).await;
            let mut idle = true;
            loop {
                let next = lock(&self.book).come.pop_front();
                let Some((client, come)) = next else { break };
                idle = false;
                self.comes(client, come).await;
            }
            for client in 0..self.clients.len() {
                idle &= !self.works(client).await;
            }
            if idle {
                return;
            }
        }
    }
}

impl World {
    fn uri(&self, client: usize, transport: &str) -> String {
        let Client { eio, sid, .. } = &self.clients[client];
        let base64 = if *eio == 3 { "&b64=1" } else { "" };
        let session = if sid.is_empty() { "" } else { "&sid=" };
        format!("/socket.io/?EIO={eio}&transport={transport}{base64}{session}{sid}")
    }

    /// Sends a request on a connection of its own; `come` is what its answer is.
    fn requests(
        &mut self,
        client: usize,
        request: String,
        come: impl FnOnce(u16, String) -> Come + Send + 'static,
    ) -> AbortHandle {
        let (host, address, book) = (
            self.clients[client].host.clone(),
            self.address,
            self.book.clone(),
        );
        let sim = host.clone();
        let (asks, handle) = abortable(async move {
            let mut stream = sim.connect(address).await.ok()?;
            stream.write_all(request.as_bytes()).await.ok()?;
            let (head, mut body) = read_head(&mut stream).await?;
            let length = head.to_ascii_lowercase();
            let length = length
                .split_once("content-length: ")?
                .1
                .lines()
                .next()?
                .trim()
                .parse()
                .ok()?;
            while body.len() < length {
                more(&mut stream, &mut body).await?;
            }
            let body = String::from_utf8_lossy(&body).into_owned();
            comes(&book, client, come(status(&head), body));
            Some(())
        });
        host.spawn(async move {
            let _ = asks.await;
        });
        handle
    }

    fn gets(&mut self, client: usize) {
        self.drawn += 1;
        let number = self.drawn;
        let uri = self.uri(client, "polling");
        let request = format!("GET {uri} HTTP/1.1\r\nhost: x\r\n\r\n");
        let get = self.requests(client, request, move |status, body| {
            Come::Got(number, status, body)
        });
        self.clients[client].parked.get_or_insert((number, get));
    }

    fn posts(&mut self, client: usize, texts: &[&str]) {
        let body = match self.clients[client].eio {
            4 => texts.join("\u{1e}"),
            _ => texts
                .iter()
                .map(|it| format!("{}:{it}", it.len()))
                .collect(),
        };
        let (uri, length) = (self.uri(client, "polling"), body.len());
        let request =
            format!("POST {uri} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
        drop(self.requests(client, request, Come::Posted));
    }

    fn attaches(&mut self, client: usize) {
        self.drawn += 1;
        let number = self.drawn;
        let uri = self.uri(client, "websocket");
        let request = format!(
            "GET {uri} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let (host, address, book) = (
            self.clients[client].host.clone(),
            self.address,
            self.book.clone(),
        );
        let sim = host.clone();
        host.spawn(async move {
            let Ok(mut stream) = sim.connect(address).await else {
                return;
            };
            if stream.write_all(request.as_bytes()).await.is_err() {
                return;
            }
            let Some((head, rest)) = read_head(&mut stream).await else {
                return;
            };
            if status(&head) != 101 {
                return comes(&book, client, Come::Opened(number, Err(status(&head))));
            }
            let (reads, writes) = stream.split();
            comes(&book, client, Come::Opened(number, Ok(writes)));
            reads_all(reads, rest, |frame| {
                comes(&book, client, Come::Frame(number, frame))
            })
            .await;
            comes(&book, client, Come::Over(number));
        });
    }

    /// A frame, whose mask is zero.
    async fn says(&mut self, client: usize, kind: u8, data: &[u8]) {
        let its = &mut self.clients[client];
        let Some(writes) = its.writes.as_mut().filter(|_| its.open) else {
            return;
        };
        let length = u8::try_from(data.len()).unwrap_or(u8::MAX) & 0x7f;
        let mut frame = vec![0x80 | kind, 0x80 | length, 0, 0, 0, 0];
        frame.extend(data);
        drop(writes.write_all(&frame).await);
    }

    async fn comes(&mut self, client: usize, come: Come) {
        match come {
            Come::Got(number, status, body) => {
                let its = &mut self.clients[client];
                let eio = its.eio;
                its.parked.take_if(|it| it.0 == number);
                if status == 200 {
                    for packet in packets(eio, &body) {
                        self.hears(client, false, packet);
                    }
                } else {
                    its.polls = false;
                    self.notes(client, "get", &format!("{status} {body}"));
                }
            }
            Come::Posted(status, body) => self.notes(client, "post", &format!("{status} {body}")),
            Come::Opened(_, Err(status)) => self.notes(client, "ws", &status.to_string()),
            Come::Opened(number, Ok(writes)) => {
                let its = &mut self.clients[client];
                its.before = std::mem::replace(&mut its.wire, number);
                (its.writes, its.open) = (Some(writes), true);
            }
            Come::Frame(number, (kind, data)) if number == self.clients[client].wire => {
                match kind {
                    1 => self.hears(client, true, &String::from_utf8_lossy(&data)),
                    2 => self.hears(client, true, &format!("bytes {}", hex(&data))),
                    _ => self.is_closed(client),
                }
            }
            Come::Over(number) if number == self.clients[client].wire => self.is_closed(client),
            Come::Frame(..) | Come::Over(_) => {}
        }
    }

    fn is_closed(&mut self, client: usize) {
        let its = &mut self.clients[client];
        its.wire = std::mem::take(&mut its.before);
        (its.writes, its.open) = (None, false);
        self.notes(client, "ws", "closed");
    }

    /// A packet has come to a client.
    fn hears(&mut self, client: usize, by_websocket: bool, packet: &str) {
        if packet == "6" && !by_websocket {
            return;
        }
        let way = if by_websocket { 'w' } else { 'p' };
        let its = &mut self.clients[client];
        if by_websocket {
            its.before = 0;
        }
        if let Some(open) = packet.strip_prefix('0') {
            let open: serde_json::Value = serde_json::from_str(open).expect("JSON");
            its.sid = open["sid"].as_str().expect("an id").to_owned();
            lock(&self.book).opens(&its.sid);
        }
        if packet == "2" && its.pongs {
            its.pings.push(by_websocket);
        }
        if packet == "1" && !by_websocket {
            its.polls = false;
        }
        self.notes(client, "hears", &format!("{way} {packet}"));
    }

    /// Does what a client does by itself; whether there was anything.
    async fn works(&mut self, client: usize) -> bool {
        let its = &mut self.clients[client];
        if !its.pings.is_empty() {
            match its.pings.remove(0) {
                true => self.says(client, 1, b"3").await,
                false => self.posts(client, &["3"]),
            }
        } else if its.polls && its.parked.is_none() {
            self.gets(client);
        } else {
            return false;
        }
        true
    }

    fn emits(&mut self, at: usize, how: &str) {
        let socket = lock(&self.book).sockets.get(at).cloned();
        let Some(socket) = socket.filter(Socket::connected) else {
            return;
        };
        let said = match how {
            "text" => socket.emit("e", "x"),
            "bytes" => socket.emit("e", &Bytes::from_static(&[1, 2])),
            "volatile" => socket.volatile().emit("e", "v"),
            _ => {
                let book = self.book.clone();
                let asks = socket
                    .timeout(Duration::from_secs(15))
                    .emit_with_ack::<Args>("q", &());
                self.sim.spawn(async move {
                    if let Ok(args) = asks.await {
                        book.tells(&socket, format!("answer {}", told(&args)));
                    }
                });
                return;
            }
        };
        drop(said);
    }

    fn notes(&mut self, client: usize, channel: &str, text: &str) {
        lock(&self.book).note(format!("{client} {channel}"), text);
    }
}
