//! A process that is stopped for a while, and what its clients have sent meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sio_tests::process::stall;
use sio_tests::wire::{Polling, Said, WebSocket, Wire, request};
use sio_tokio::{Ack, Args, Config, Io};

use crate::here::PATIENCE;
use crate::world::{On, World, run};

/// Set in the process that serves: where it says its address.
const ADDRESS: &str = "SIO_TEST_STOPPED";

/// Clients of each kind.
const MANY: usize = 5;

/// Heartbeats that are much shorter than the process is stopped.
fn config() -> Config {
    Config::default()
        .ping_interval(Duration::from_millis(500))
        .ping_timeout(Duration::from_millis(1_500))
}

/// Serves until its parent ends it.
async fn serve(on: On, file: &Path) {
    let io = Io::new(config());
    io.of("/")
        .on("echo", |args: Args, ack: Ack| ack.send(&args));
    let world = World::new(on, io).await;
    let whole = file.with_extension("whole");
    fs::write(&whole, world.address.to_string()).unwrap();
    fs::rename(&whole, file).unwrap();
    std::future::pending::<()>().await;
}

/// A serving process, killed at the end of its test.
struct Serving(Child);

impl Serving {
    fn stall(&self, still: bool) {
        stall(&self.0, still);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(name: &str, file: &Path) -> (Serving, SocketAddr) {
    let (_, name) = name.split_once("::").expect("a module's path");
    let program = std::env::current_exe().expect("the test's own path");
    let child = Command::new(program)
        .args(["--exact", name, "--test-threads=1"])
        .env(ADDRESS, file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let serving = Serving(child);
    let end = Instant::now() + PATIENCE;
    loop {
        if let Ok(address) = fs::read_to_string(file) {
            return (serving, address.parse().unwrap());
        }
        assert!(Instant::now() < end, "it does not serve");
        sleep(Duration::from_millis(5));
    }
}

fn nobody_is_dropped(name: &str, on: On) {
    // faults: H6
    if let Some(file) = std::env::var_os(ADDRESS) {
        return run(serve(on, Path::new(&file)));
    }
    let directory = tempfile::tempdir().unwrap();
    let (serving, address) = start(name, &directory.path().join("address"));
    let mut sockets: Vec<_> = (0..MANY).map(|_| WebSocket::join(address)).collect();
    let pollers: Vec<_> = (0..MANY).map(|_| Polling::open(address)).collect();
    for poller in &pollers {
        assert!(poller.join("/").starts_with("40"));
    }
    for socket in &mut sockets {
        assert_eq!(socket.hear(), Said::Text("2".into()));
    }
    for poller in &pollers {
        assert_eq!(poller.packets(), ["2"]);
    }
    serving.stall(true);
    // All answer at once, and nobody reads it.
    for socket in &mut sockets {
        assert!(socket.send("3"));
    }
    let mut posts: Vec<_> = pollers
        .iter()
        .map(|poller| {
            let mut wire = Wire::connect(address);
            assert!(wire.write(request("POST", &poller.target(), "", "3")));
            wire
        })
        .collect();
    sleep(Duration::from_secs(3));
    serving.stall(false);
    for post in &mut posts {
        assert_eq!(post.response().map(|it| it.status), Some(200));
    }
    for poller in &pollers {
        assert_eq!(poller.post(r#"3"#).status, 200);
        assert!(!poller.is_gone());
    }
    for socket in &mut sockets {
        assert_eq!(socket.hear(), Said::Text("2".into()));
        socket.send("3");
        assert!(socket.is_alive());
    }
}

/// One test for each runtime of each of these functions, which is given its name.
macro_rules! named_on_each_runtime {
    ($($name:ident,)*) => {
        named_on_each_runtime!(@ tokio_threads, crate::world::Tokio { workers: 2 }, $($name,)*);
        named_on_each_runtime!(@ tokio_current_thread, crate::world::Tokio { workers: 0 }, $($name,)*);
        named_on_each_runtime!(@ smol_executor, crate::world::Smol, $($name,)*);
        named_on_each_runtime!(@ smol_global, crate::world::SmolGlobal, $($name,)*);
    };
    (@ $runtime:ident, $host:expr, $($name:ident,)*) => {
        mod $runtime {$(
            #[test]
            fn $name() {
                super::$name(concat!(module_path!(), "::", stringify!($name)), &$host);
            }
        )*}
    };
}

named_on_each_runtime! {
    nobody_is_dropped,
}
