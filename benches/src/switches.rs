//! What costs a server or a client something while it is on: instructions of the whole process for one operation, with its
//! runtime, its HTTP and its WebSockets, and without the kernel.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::frame::{self, Opcode, Read as Frame};
use crate::peers;
use crate::process::Server;
use crate::scenario::{Answer, Scenario, Script};

/// Something that can be on.
#[derive(Debug)]
pub struct Switch {
    /// Its name in tables.
    pub name: &'static str,
    /// How the server is told.
    pub environment: [&'static str; 2],
    /// By how much an echo, and a broadcast, may be dearer.
    pub most: [Option<f64>; 2],
}

/// All of them. The first is what the others are compared with.
pub const SWITCHES: [Switch; 4] = [
    Switch {
        name: "nothing",
        environment: ["THREADS=1", "METRICS=0"],
        most: [None, None],
    },
    Switch {
        name: "recording",
        environment: ["THREADS=1", ROOM],
        most: [Some(0.05), Some(0.05)],
    },
    Switch {
        name: "recovery",
        environment: ["THREADS=1", "RECOVERY=120"],
        most: [None, Some(0.10)],
    },
    Switch {
        name: "metrics",
        environment: ["THREADS=1", "METRICS=1"],
        most: [Some(0.05), None],
    },
];

/// So many bytes of a log are more than is written here.
const ROOM: &str = "RECORD=100000000";

/// By how much an echo of a client may be dearer that is recorded.
pub const RECORDED_CLIENT: f64 = 0.05;

/// What the clients have the server do.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// One asks, so many times, each time when it has the answer to the last.
    Echo,
    /// One has something said to so many others, again when all have heard it.
    Broadcast(usize),
}

/// Done so often, and so often more: what reads the clock of the processor begins by a million instructions more or less.
const ECHOES: [usize; 2] = [200, 20_000];

const BROADCASTS: [usize; 2] = [20, 100];

/// The server, with what can be built in and with nothing of it, each built when it is first asked for.
#[derive(Debug, Default)]
pub struct Programs {
    plain: Option<PathBuf>,
    metered: Option<PathBuf>,
    client: Option<PathBuf>,
}

/// Builds a program, and keeps it under a name of its own: each is built where the other was.
fn built(program: &str, features: &[&str], name: &str) -> Result<PathBuf, String> {
    let target = ["-p", "sio-servers", "--bin", program];
    let program = peers::build(&peers::root(), &[&target, features].concat())?;
    let kept = program.with_file_name(name);
    let copied = std::fs::copy(&program, &kept);
    copied.map(|_| kept).map_err(|error| error.to_string())
}

impl Programs {
    fn of(&mut self, switch: &Switch) -> Result<PathBuf, String> {
        let (place, features, name): (_, &[&str], _) = match switch.name {
            "metrics" => (
                &mut self.metered,
                &["--features", "metrics"],
                "switches-metered",
            ),
            _ => (&mut self.plain, &[], "switches-plain"),
        };
        if place.is_none() {
            *place = Some(built("tokio-bench", features, name)?);
        }
        Ok(place.clone().unwrap_or_default())
    }

    /// Instructions of one operation: of one answer, or of what one member of a room is told.
    pub fn count(&mut self, switch: &Switch, work: Work) -> Result<f64, String> {
        let program = self.of(switch)?;
        let ([before, more], units) = match work {
            Work::Echo => (ECHOES, 1),
            Work::Broadcast(members) => (BROADCASTS, members),
        };
        let few = executed(&program, switch, work, before)?;
        let many = executed(&program, switch, work, before + more)?;
        Ok(many.saturating_sub(few) as f64 / (more * units) as f64)
    }

    /// Instructions of one echo of a client that asks, recorded or not.
    pub fn count_client(&mut self, recorded: bool) -> Result<f64, String> {
        let server = self.of(&SWITCHES[0])?;
        if self.client.is_none() {
            self.client = Some(built("tokio-client_bench", &[], "switches-client")?);
        }
        let client = self.client.clone().unwrap_or_default();
        let [before, more] = ECHOES;
        let few = asked(&server, &client, recorded, before)?;
        let many = asked(&server, &client, recorded, before + more)?;
        Ok(many.saturating_sub(few) as f64 / more as f64)
    }
}

/// What is before a program whose instructions are counted into a file.
fn counting(file: &Path) -> [String; 5] {
    let into = format!("--cachegrind-out-file={}", file.display());
    let command = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "-q",
        &into,
    ];
    command.map(str::to_owned)
}

/// Where a count is written to.
fn file() -> PathBuf {
    std::env::temp_dir().join(format!("switches-{}", std::process::id()))
}

/// What was counted.
fn counted(file: &Path) -> Result<u64, String> {
    let failed = |error: io::Error| format!("{}: {error}", file.display());
    let counted = std::fs::read_to_string(file).map_err(failed)?;
    std::fs::remove_file(file).map_err(failed)?;
    let sum = counted.lines().find_map(|line| {
        let sum = line.strip_prefix("summary: ")?;
        sum.trim().parse().ok()
    });
    sum.ok_or_else(|| "valgrind says no number of instructions".to_owned())
}

/// All instructions of a client that asks the server so many times.
fn asked(server: &Path, client: &Path, recorded: bool, times: usize) -> Result<u64, String> {
    let file = file();
    let failed = |error: io::Error| format!("{}: {error}", client.display());
    let command = ["env", "THREADS=1", &server.display().to_string()].map(str::to_owned);
    let server = Server::start(&command, None).map_err(failed)?;
    let [program, valgrind @ ..] = counting(&file);
    let mut command = Command::new(program);
    command.args(valgrind).arg(client).arg("echo");
    command.env("URL", format!("http://{}", server.address()));
    let numbers = [("CLIENTS", 1), ("WARMUP", 0), ("DURATION", LONG)];
    for (name, number) in numbers.into_iter().chain([("ECHOES", times)]) {
        command.env(name, number.to_string());
    }
    let (name, most) = ROOM.split_once('=').unwrap_or_default();
    command.env(name, if recorded { most } else { "0" });
    let output = command.output().map_err(failed)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    counted(&file)
}

/// Milliseconds in which all is done.
const LONG: usize = 3_600_000;

/// All instructions of a server that does the work so many times.
fn executed(program: &Path, switch: &Switch, work: Work, times: usize) -> Result<u64, String> {
    let file = file();
    let mut command = vec!["env".to_owned()];
    command.extend(switch.environment.map(str::to_owned));
    command.extend(counting(&file));
    command.push(program.display().to_string());
    let failed = |error: io::Error| format!("{}: {error}", program.display());
    let server = Server::start(&command, None).map_err(failed)?;
    let worked = match work {
        Work::Echo => echo(&server, times),
        Work::Broadcast(members) => broadcast(&server, members, times),
    };
    // It writes what was counted when it ends.
    drop(server);
    worked.map_err(failed)?;
    counted(&file)
}

fn echo(server: &Server, times: usize) -> io::Result<()> {
    let script = Script::new(Scenario::Ack { in_flight: 1 });
    let mut client = Client::enter(server)?;
    for id in 0..times as u64 {
        client.say(|out| script.echo(out, id))?;
        if script.answer(Opcode::Text, client.hear()?.as_bytes()) != Answer::Ack(id) {
            return Err(io::Error::other("not the answer"));
        }
    }
    Ok(())
}

fn broadcast(server: &Server, members: usize, times: usize) -> io::Result<()> {
    let script = Script::new(Scenario::Cast { burst: 1 });
    let mut speaker = Client::enter(server)?;
    let mut all = Vec::with_capacity(members);
    for _ in 0..members {
        let mut member = Client::enter(server)?;
        member.say(|out| script.join(out))?;
        member.hear_of("430")?;
        all.push(member);
    }
    for _ in 0..times {
        speaker.say(|out| script.blast(out, 1))?;
        for member in &mut all {
            // What can be missed has one argument more.
            member.hear_of(r#"42["tick",{"#)?;
        }
    }
    Ok(())
}

/// One that waits for what it hears.
struct Client {
    stream: TcpStream,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Client {
    /// Comes by WebSocket, and is in `/`.
    fn enter(server: &Server) -> io::Result<Self> {
        let address = server.address();
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            inbox: Vec::new(),
            outbox: Vec::new(),
        };
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
             Host: {address}\r\n\
             Connection: Upgrade\r\n\
             Upgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyEhIQ==\r\n\r\n"
        );
        client.stream.write_all(request.as_bytes())?;
        let head = b"\r\n\r\n";
        let end = loop {
            let found = client.inbox.windows(head.len()).position(|it| it == head);
            match found {
                Some(at) => break at + head.len(),
                None => client.read()?,
            }
        };
        client.inbox.drain(..end);
        client.hear_of("0{")?;
        client.say(|out| frame::write(out, Opcode::Text, &[], b"40"))?;
        client.hear_of("40{")?;
        Ok(client)
    }

    fn say(&mut self, what: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        what(&mut self.outbox);
        self.stream.write_all(&self.outbox)?;
        self.outbox.clear();
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; 4096];
        let length = self.stream.read(&mut piece)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.inbox.extend_from_slice(&piece[..length]);
        Ok(())
    }

    /// The next packet. Pings are answered, and are none.
    fn hear(&mut self) -> io::Result<String> {
        loop {
            match frame::read(&self.inbox) {
                Frame::Frame(Opcode::Text, text, length) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    self.inbox.drain(..length);
                    if text != "2" {
                        return Ok(text);
                    }
                    self.say(|out| frame::write(out, Opcode::Text, &[], b"3"))?;
                }
                Frame::Partial => self.read()?,
                Frame::Frame(..) | Frame::Unexpected => {
                    return Err(io::Error::other("not a packet"));
                }
            }
        }
    }

    fn hear_of(&mut self, start: &str) -> io::Result<()> {
        let text = self.hear()?;
        match text.starts_with(start) {
            true => Ok(()),
            false => Err(io::Error::other(format!("{text} is no {start}"))),
        }
    }
}
