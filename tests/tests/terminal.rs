//! The chat's clients for terminals, of both bindings: people who type, in a chat that goes away and comes back.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Instant,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_rustls::{
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    rustls::ServerConfig,
};
use serde_json::json;
use sio_tests::{
    example::{Binding, example},
    wire::PATIENCE,
};
use sio_tokio::Io;
use tokio::runtime::Runtime;

/// For `localhost`, signed by itself, for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("faults/tls/certificate.der");
const KEY: &[u8] = include_bytes!("faults/tls/key.der");

/// The chat, without its page.
struct Chat {
    io: Io,
    address: SocketAddr,
    runtime: Runtime,
}

impl Chat {
    fn start() -> Self {
        Self::serving(sio_tokio::serve)
    }

    /// Over TLS, as `localhost`.
    fn secure() -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
        let tls = ServerConfig::builder().with_no_client_auth();
        let tls = tls.with_single_cert(vec![CERTIFICATE.into()], key);
        let tls = Arc::new(tls.expect("a certificate and its key"));
        Self::serving(|listener, io| sio_tokio::serve_tls(listener, tls, io))
    }

    fn serving<F>(serve: impl FnOnce(tokio::net::TcpListener, Io) -> F) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let runtime = Runtime::new().expect("threads");
        let io = sio_chat::app();
        let bound = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = bound.expect("a free port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(serve(listener, io.clone()));
        Self {
            io,
            address,
            runtime,
        }
    }

    fn end(self) {
        self.runtime.block_on(self.io.close());
    }
}

/// Somebody at a terminal.
struct Person {
    process: Child,
    keyboard: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What was shown and is not looked for yet.
    unseen: Vec<String>,
}

impl Person {
    /// With these variables of the environment, and no other that a client would heed.
    fn start(binding: Binding, chat: &Chat, name: &str, variables: &[(&str, &str)]) -> Self {
        let url = format!("http://{}", chat.address);
        Self::at(binding, &url, name, variables)
    }

    fn at(binding: Binding, url: &str, name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(example(binding, "terminal"));
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        let mut process = command
            .envs(variables.iter().copied())
            .args([url, name, "lobby"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the terminal starts");
        let out = process.stdout.take().expect("its output");
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            keyboard: process.stdin.take(),
            process,
            lines,
            unseen: Vec::new(),
        }
    }

    fn type_in(&mut self, line: &str) {
        let keyboard = self.keyboard.as_mut().expect("it listens");
        writeln!(keyboard, "{line}").expect("it is there");
    }

    /// The first line that begins like this, of those that were not looked for yet.
    fn sees(&mut self, start: &str) -> String {
        let end = Instant::now() + 3 * PATIENCE;
        if let Some(at) = self.unseen.iter().position(|it| it.starts_with(start)) {
            return self.unseen.remove(at);
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with(start) => return line,
                Ok(line) => self.unseen.push(line),
                Err(why) => panic!("not {start:?} ({why}), but {:#?}", self.unseen),
            }
        }
    }

    /// Nothing more is typed.
    fn ends(mut self) {
        self.keyboard = None;
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A picture, as far as the chat looks at it.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n, and what is shown";

fn people_talk(binding: Binding) {
    let chat = Chat::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut ann = Person::start(binding, &chat, "ann", &[]);
    assert_eq!(ann.sees("* ann is"), "* ann is in lobby, with nobody else");
    let mut bob = Person::start(binding, &chat, "bob", &[]);
    assert_eq!(bob.sees("* bob is"), "* bob is in lobby, with ann");
    ann.sees("* bob came in");
    ann.type_in("hello");
    ann.sees("- delivered");
    bob.sees("ann: hello");
    ann.sees("- seen by 1 of 1");

    std::fs::write(file("cat.png"), PICTURE).expect("written");
    bob.type_in(&format!("/picture {} look, a cat", file("cat.png")));
    let shown = ann.sees("bob: look, a cat [cat.png: /save ");
    let id = shown.rsplit(' ').nth(1).expect("a number");
    ann.type_in(&format!("/save {id} {}", file("copy.png")));
    ann.sees(&format!("- {}", file("copy.png")));
    assert_eq!(std::fs::read(file("copy.png")).expect("kept"), PICTURE);
    ann.type_in(&format!("/picture {}", file("nowhere.png")));
    ann.sees("! ");
    std::fs::write(file("text.png"), "no picture").expect("written");
    ann.type_in(&format!("/picture {}", file("text.png")));
    ann.sees("! This kind of picture cannot be sent.");

    // What others write does nothing to the terminal.
    let picture = json!({ "name": "\u{1b}.png", "kind": "" });
    let rude = json!({
        "id": 9, "key": "k", "from": "x", "nick": "\u{7}eve", "at": 0, "text": "look\r\u{1b}[2J", "picture": picture,
        "seen": 0,
    });
    chat.io.of("/").emit("message", &(rude,)).expect("written");
    ann.sees(" eve: look  [2J [ .png: /save 9 FILE]");

    // Whoever comes later sees what was said; and has to be called something else.
    let mut eve = Person::start(binding, &chat, "ann", &[]);
    eve.sees("! ann is here already.");
    eve.type_in("/nick eve");
    eve.sees("  ann: hello");
    eve.sees("* eve is in lobby, with ann, bob");
    eve.type_in("/room coffee");
    eve.sees("* eve is in coffee, with nobody else");
    bob.sees("* eve left");
    eve.type_in("/quit");
    eve.ends();

    // The connections are lost, and what is said is said in the room all the same, once.
    for socket in chat.io.of("/").sockets() {
        socket.conn().close();
    }
    ann.sees("! the connection is lost: transport close");
    ann.type_in("again");
    bob.sees("* bob is in lobby");
    ann.sees("* ann is in lobby");
    ann.sees("- delivered");
    ann.ends();
    bob.sees("* ann left");
    bob.type_in("/quit");
    bob.ends();
    chat.end();
}

/// A proxy that leads everybody to where they ask to, and counts them.
fn proxy() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let count = Arc::new(AtomicUsize::new(0));
    let asked = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            asked.fetch_add(1, Ordering::Relaxed);
            thread::spawn(|| lead_on(stream));
        }
    });
    (address, count)
}

fn lead_on(mut client: TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let server = TcpStream::connect(target).ok()?;
    client
        .write_all(b"HTTP/1.1 200 Here you are\r\n\r\n")
        .ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(std::net::Shutdown::Write)
    });
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    to.shutdown(std::net::Shutdown::Write).ok()
}

/// The environment says which proxy leads there, and to whom none does.
fn the_environment_is_heeded(binding: Binding) {
    let chat = Chat::start();
    let (address, count) = proxy();
    let proxy = format!("http://{address}");
    for (variables, through) in [
        (vec![("http_proxy", &*proxy)], true),
        (vec![("ALL_PROXY", &*proxy)], true),
        (vec![("https_proxy", &*proxy)], false),
        (
            vec![("http_proxy", &*proxy), ("NO_PROXY", "127.0.0.0/8")],
            false,
        ),
    ] {
        let before = count.load(Ordering::Relaxed);
        let mut ann = Person::start(binding, &chat, "ann", &variables);
        ann.sees("* ann is in lobby");
        ann.ends();
        let used = count.load(Ordering::Relaxed) > before;
        assert_eq!(used, through, "{variables:?}");
    }
    let mut wrong = Command::new(example(binding, "terminal"));
    for name in ["http_proxy", "https_proxy", "no_proxy"] {
        wrong.env_remove(name).env_remove(name.to_uppercase());
    }
    wrong
        .env("all_proxy", "nothing://here")
        .stdin(Stdio::null());
    let ended = wrong.output().expect("it ends");
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("all_proxy"), "{said}");
    chat.end();
}

/// Without another word whoever the platform trusts is trusted, for what it is trusted to be.
fn the_platform_says_who_is_trusted(binding: Binding) {
    let chat = Chat::secure();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, text).expect("written");
        path
    };
    let digits = STANDARD.encode(CERTIFICATE);
    let lines = digits.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n");
    let trusted = [
        ("SSL_CERT_FILE", &*file("trusted.pem", &pem)),
        ("SSL_CERT_DIR", ""),
    ];
    let url = format!("https://localhost:{}", chat.address.port());
    let mut ann = Person::at(binding, &url, "ann", &trusted);
    ann.sees("* ann is in lobby");
    ann.ends();
    // Trusted, and somebody else.
    let url = format!("https://{}", chat.address);
    let mut bob = Person::at(binding, &url, "bob", &trusted);
    bob.sees("! polling: no secure connection");
    bob.type_in("/quit");
    bob.ends();
    // Nobody is trusted: there is no client to be had.
    let nobody = file("nobody.pem", "");
    let mut command = Command::new(example(binding, "terminal"));
    command.env("SSL_CERT_FILE", nobody).env("SSL_CERT_DIR", "");
    let ended = command.arg(&url).stdin(Stdio::null()).output();
    let ended = ended.expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("Tls"), "{said}");
    chat.end();
}

#[test]
fn the_platform_says_who_is_trusted_on_tokio() {
    the_platform_says_who_is_trusted(Binding::Tokio);
}

#[test]
fn the_platform_says_who_is_trusted_on_smol() {
    the_platform_says_who_is_trusted(Binding::Smol);
}

#[test]
fn people_talk_on_tokio() {
    people_talk(Binding::Tokio);
}

#[test]
fn people_talk_on_smol() {
    people_talk(Binding::Smol);
}

#[test]
fn the_environment_is_heeded_on_tokio() {
    the_environment_is_heeded(Binding::Tokio);
}

#[test]
fn the_environment_is_heeded_on_smol() {
    the_environment_is_heeded(Binding::Smol);
}
