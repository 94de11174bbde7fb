//! A line between a client and a server, on which a test lets things go wrong.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::net::sockopt::set_socket_linger;

/// Bytes of one direction of a connection that may be on their way.
const ON_THE_WAY: usize = 256 * 1024;

/// Listens, and leads to a server. It ends with the test.
#[derive(Debug)]
pub struct Line {
    /// Where it listens.
    pub address: SocketAddr,
    orders: Arc<Mutex<Orders>>,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// What the client says.
    Server,
    /// What the server says.
    Client,
}

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both ends are told that there is nothing more, as by a process that closes its sockets.
    End,
    /// Both ends are told that there was an error: what was on its way is lost.
    Reset,
}

/// What is to happen.
#[derive(Debug, Default)]
struct Orders {
    held: [bool; 2],
    delay: Duration,
    broken: Option<Break>,
    /// Those that are there are to be stranded, or to go on.
    strand: Option<bool>,
    stranded: usize,
    /// Connections until now.
    count: usize,
    over: bool,
}

/// One connection, from both of its ends.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    ways: [Way; 2],
    /// Whether it has kept something, being stranded, and whether it is.
    stranded: [bool; 2],
}

/// One direction of it.
#[derive(Default)]
struct Way {
    /// What was read, and from when on it may be written.
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    ended: bool,
    /// Whether the other end was told.
    told: bool,
}

impl Line {
    /// A line on which nothing is wrong yet.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        listener.set_nonblocking(true).expect("a socket's option");
        let orders = Arc::default();
        let its = Arc::clone(&orders);
        thread::spawn(move || lead(&listener, server, &its));
        Self { address, orders }
    }

    /// Holds back what goes this way, on all connections, or lets it go on. What is read before counts as under way and
    /// is held too.
    pub fn hold(&self, towards: Towards, held: bool) {
        lock(&self.orders).held[towards as usize] = held;
    }

    /// The same for both directions: connections are taken, and nothing moves on them.
    pub fn stall(&self, still: bool) {
        lock(&self.orders).held = [still; 2];
    }

    /// Everything is under way for so long, in both directions.
    pub fn delay(&self, delay: Duration) {
        lock(&self.orders).delay = delay;
    }

    /// All connections of this moment end. The next ones are not harmed.
    pub fn cut(&self, how: Break) {
        lock(&self.orders).broken = Some(how);
    }

    /// The connections of this moment carry nothing any more, and keep what is said on them. The next ones are not harmed.
    pub fn strand(&self) {
        lock(&self.orders).strand = Some(true);
    }

    /// They carry again what they have kept: what was said long ago arrives, though its client may have gone.
    pub fn recover(&self) {
        lock(&self.orders).strand = Some(false);
    }

    /// How many of the connections that were stranded keep something still.
    pub fn stranded(&self) -> usize {
        lock(&self.orders).stranded
    }

    /// How many connections there were until now.
    pub fn connections(&self) -> usize {
        lock(&self.orders).count
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        lock(&self.orders).over = true;
    }
}

fn lock(orders: &Mutex<Orders>) -> MutexGuard<'_, Orders> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lead(listener: &TcpListener, server: SocketAddr, orders: &Mutex<Orders>) {
    let mut pairs: Vec<Pair> = Vec::new();
    loop {
        let (held, delay, broken, strand) = {
            let mut orders = lock(orders);
            if orders.over {
                return;
            }
            let (broken, strand) = (orders.broken.take(), orders.strand.take());
            (orders.held, orders.delay, broken, strand)
        };
        if let Some(strand) = strand {
            for pair in &mut pairs {
                pair.stranded = [pair.stranded[0] || strand, strand];
            }
        }
        if let Some(how) = broken {
            pairs.drain(..).for_each(|pair| pair.end(how));
        }
        let mut idle = true;
        while let Ok((client, _)) = listener.accept() {
            idle = false;
            lock(orders).count += 1;
            // Where nobody listens the client is told so as soon as it is dropped.
            if let Ok(server) = TcpStream::connect(server) {
                pairs.push(Pair::new(client, server));
            }
        }
        pairs.retain_mut(|pair| match pair.turn(held, delay) {
            Ok(moved) => {
                idle &= !moved;
                pair.stranded[0] &= moved || pair.stranded[1];
                !pair.ways.iter().all(|way| way.told)
            }
            Err(_) => false,
        });
        lock(orders).stranded = pairs.iter().filter(|pair| pair.stranded[0]).count();
        if idle {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Pair {
    fn new(client: TcpStream, server: TcpStream) -> Self {
        for stream in [&client, &server] {
            stream.set_nonblocking(true).expect("a socket's option");
            stream.set_nodelay(true).expect("a socket's option");
        }
        let ways = <[Way; 2]>::default();
        Self {
            client,
            server,
            ways,
            stranded: [false; 2],
        }
    }

    /// Both directions, as far as they go. Whether anything has moved.
    fn turn(&mut self, held: [bool; 2], delay: Duration) -> std::io::Result<bool> {
        let held = held.map(|held| held || self.stranded[1]);
        let [out, back] = &mut self.ways;
        let mut moved = false;
        if !held[Towards::Server as usize] {
            moved |= out.turn(&mut self.client, &mut self.server, delay)?;
        }
        if !held[Towards::Client as usize] {
            moved |= back.turn(&mut self.server, &mut self.client, delay)?;
        }
        Ok(moved)
    }

    fn end(self, how: Break) {
        if how == Break::Reset {
            for stream in [&self.client, &self.server] {
                // One that is gone already has none to set.
                let _ = set_socket_linger(stream, Some(Duration::ZERO));
            }
        }
    }
}

impl Way {
    fn turn(
        &mut self,
        from: &mut TcpStream,
        to: &mut TcpStream,
        delay: Duration,
    ) -> std::io::Result<bool> {
        let read = self.read(from, delay)?;
        Ok(self.write(to)? || read)
    }

    fn read(&mut self, from: &mut TcpStream, delay: Duration) -> std::io::Result<bool> {
        if self.ended || self.bytes >= ON_THE_WAY {
            return Ok(false);
        }
        let mut chunk = [0; 16 * 1024];
        match from.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.bytes += count;
                let due = Instant::now() + delay;
                self.chunks.push_back((due, chunk[..count].to_vec()));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn write(&mut self, to: &mut TcpStream) -> std::io::Result<bool> {
        let mut moved = false;
        while let Some((due, chunk)) = self.chunks.front_mut()
            && *due <= Instant::now()
        {
            match to.write(chunk) {
                Ok(count) => {
                    moved = true;
                    self.bytes -= count;
                    chunk.drain(..count);
                    if chunk.is_empty() {
                        self.chunks.pop_front();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.ended && self.chunks.is_empty() && !self.told {
            self.told = true;
            to.shutdown(Shutdown::Write)?;
        }
        Ok(moved)
    }
}
