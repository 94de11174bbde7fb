//! A process that may open no more files.

use std::fs::{File, read_dir};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sio_tokio::{Ack, Io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::alone::alone_on_each_runtime;
use crate::client::calm;
use crate::here::{until, within};
use crate::wire::opening;
use crate::world::{On, World};

/// What is logged as an error: the fields of each, in words.
#[derive(Clone, Default)]
struct Errors {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}={value:?} ");
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Takes all descriptors that are left; they come back when this is dropped.
fn exhausted() -> Vec<File> {
    let used = read_dir("/proc/self/fd").unwrap().count() as u64;
    let limit = getrlimit(Resource::Nofile);
    let lower = Rlimit {
        current: Some(used + 32),
        ..limit
    };
    setrlimit(Resource::Nofile, lower).unwrap();
    let mut files = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => {
                assert_eq!(
                    error.raw_os_error(),
                    Some(rustix::io::Errno::MFILE.raw_os_error())
                );
                return files;
            }
        }
    }
}

async fn opened(mut stream: TcpStream) -> io::Result<TcpStream> {
    stream.write_all(opening("").as_bytes()).await?;
    let (mut read, mut chunk) = (Vec::new(), [0; 1024]);
    while !read.windows(8).any(|bytes| bytes == br#"0{"sid":"#) {
        let count = within("the open packet", stream.read(&mut chunk)).await?;
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&chunk[..count]);
    }
    Ok(stream)
}

async fn clients_wait_until_there_are_descriptors_again(on: On) {
    let errors = Errors::default();
    tracing::subscriber::set_global_default(errors.clone()).unwrap();
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io.clone()).await;
    let (mut member, _) = world.join().await;
    member.sync().await;
    let sockets: Vec<_> = (0..3).map(|_| TcpSocket::new_v4().unwrap()).collect();
    let files = exhausted();

    let mut waiting = Vec::new();
    for socket in sockets {
        // The system accepts; the server cannot take.
        waiting.push(socket.connect(world.address).await.unwrap());
    }
    // It says so, and tries again, later each time.
    until("three failures", || errors.lines.lock().unwrap().len() >= 3).await;
    let lines = errors.lines.lock().unwrap().clone();
    for (line, retry) in lines.iter().zip(["10ms", "20ms", "40ms"]) {
        assert!(line.contains("message=cannot accept"), "{line}");
        assert!(line.contains("Too many open files"), "{line}");
        assert!(line.contains(&format!("retry={retry}")), "{line}");
    }
    // Those that are there notice nothing.
    member.sync().await;
    assert_eq!(io.engine_sessions(), 1);

    drop(files);
    let mut served = Vec::new();
    for stream in waiting {
        served.push(opened(stream).await.unwrap());
    }
    until("all of them", || io.engine_sessions() == 4).await;
    let mut late = world.open().await;
    late.enter("").await;
    late.sync().await;
    member.sync().await;
    drop((served, late, member));
    world.ends().await;
}

/// What waits at the door when the server ends is not waited for.
async fn a_server_without_descriptors_can_end(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (mut member, _) = world.join().await;
    let socket = TcpSocket::new_v4().unwrap();
    let files = exhausted();
    let waiting = socket.connect(world.address).await.unwrap();
    let told = tokio::spawn(async move { while member.next().await.is_some() {} });
    within("the server to close", io.close()).await;
    within("the member to hear of it", told).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    drop((files, waiting));
    world.ends().await;
}

alone_on_each_runtime! {
    clients_wait_until_there_are_descriptors_again,
    a_server_without_descriptors_can_end,
}
