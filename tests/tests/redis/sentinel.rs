//! A Redis that fails over, found by its sentinels.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sio_redis::{Dialect, Options, Redis};
use sio_tests::install::redis_server;
use tempfile::TempDir;

use crate::here::{in_time, sleep, until, within};
use crate::node::{Binding, Node, hears, options};
use crate::server::{RedisServer, free_port};
use crate::world::run;

/// How long a failover may take: an election or two, on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(120);

struct Sentinel {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Sentinel {
    fn start(master: u16) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        // It writes down there what it learns.
        let file = folder.path().join("sentinel.conf");
        let told = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor house 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds house 1000\nsentinel failover-timeout house 5000\n"
        );
        std::fs::write(&file, told).unwrap();
        let child = Command::new(redis_server())
            .arg(&file)
            .arg("--sentinel")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            port,
            child,
            _folder: folder,
        }
    }

    /// Whether it knows the replica and the other two.
    fn knows_all(&self) -> bool {
        let told = asked(self.port).unwrap_or_default();
        let mut lines = told.lines();
        let mut after = |name: &str| {
            lines.find(|line| *line == name)?;
            lines.nth(1)
        };
        after("num-slaves") == Some("1") && after("num-other-sentinels") == Some("2")
    }
}

/// What a sentinel tells of the house. It knows no `QUIT`, so what it says ends where nothing more comes.
fn asked(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    stream.write_all(b"SENTINEL MASTER house\r\n")?;
    let (mut told, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut some) {
        told.extend_from_slice(&some[..count]);
    }
    Ok(String::from_utf8_lossy(&told).into_owned())
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fails_over(dialect: Dialect) {
    run(async move {
        let mut first = RedisServer::start();
        let port = first.port.to_string();
        let second = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]);
        let sentinels = [(); 3].map(|()| Sentinel::start(first.port));
        in_time("the sentinels", PATIENCE, async {
            while !sentinels.iter().all(Sentinel::knows_all) {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        let urls = [0, 1, 2].map(|at| format!("redis://127.0.0.1:{}/", sentinels[at].port));
        // One that is not there is passed over.
        let gone = format!("redis://127.0.0.1:{}/", free_port());
        let urls = [&*gone, &*urls[0], &*urls[1], &*urls[2]];
        let redis = || {
            Redis::new("redis://house/")
                .unwrap()
                .sentinels(&urls)
                .unwrap()
        };
        let options = options(dialect, "sentinel");
        let mut here = Node::new(Binding::Tokio, redis(), options.clone()).await;
        let mut there = Node::new(Binding::Smol, redis(), options).await;
        here.counts(2).await;
        there.counts(2).await;
        let emitter = redis().emitter(Options::new(dialect).key("sentinel"));
        emitter.to("x").emit("before", &()).await.unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["before"]).await;
        }

        first.kill();
        until("the outage", || !here.io().adapter().status().up).await;
        // Whoever is here hears all of it meanwhile, in its order.
        let io = here.io().clone();
        let mut number = 0;
        in_time("the failover", PATIENCE, async {
            while !(io.adapter().status().up && there.io().adapter().status().up) {
                io.to("x").emit("n", &number).unwrap();
                here.first.expect(&format!(r#"42["n",{number}]"#)).await;
                number += 1;
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert!(second.say("ROLE").contains("master"));
        here.counts(2).await;
        there.counts(2).await;
        io.to("x").emit("back", &()).unwrap();
        hears(&mut here.first, &["back"]).await;
        // In their order, and once, is what waited and came.
        let mut last = None;
        loop {
            let text = there.first.text().await;
            if text == r#"42["back"]"# {
                break;
            }
            let next = text
                .strip_prefix(r#"42["n","#)
                .and_then(|it| it.strip_suffix(']'));
            let next: u32 = next.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
            assert!(last < Some(next), "{last:?} before {next}");
            last = Some(next);
        }
        let said = emitter.to("x").emit("after", &());
        let said = std::thread::spawn(|| said.wait()).join().unwrap();
        said.unwrap();
        emitter.to("x").emit("again", &()).await.unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["after", "again"]).await;
        }
        here.ends().await;
        there.ends().await;
    });
}

#[test]
fn classic() {
    fails_over(Dialect::Classic);
}

#[test]
fn streams() {
    fails_over(Dialect::Streams);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let redis = || Redis::new("redis://house/").unwrap();
    assert!(redis().sentinels(&[]).unwrap_err().is_lasting());
    assert!(redis().sentinels(&["http://x/"]).unwrap_err().is_lasting());
    run(async {
        let server = RedisServer::start();
        // A Redis is no sentinel.
        let url = format!("redis://127.0.0.1:{}/", server.port);
        let redis = redis().sentinels(&[&url]).unwrap();
        let why = within("an answer", redis.check()).await.unwrap_err();
        assert!(why.to_string().contains("unknown command"), "{why}");
    });
}
