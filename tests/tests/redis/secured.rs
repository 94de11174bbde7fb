//! Redis behind TLS that asks for certificates, and knows its users.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sio_redis::{Certificates, Dialect, Options, Redis};
use sio_tests::install::openssl;
use sio_tests::process::run as run_to_end;
use tempfile::TempDir;

use crate::here::{until, within};
use crate::node::{Binding, Node, hears, options};
use crate::server::{RedisServer, free_port};
use crate::world::run;

/// An authority of the test's own, and whom it has signed: `server` and `app`.
struct Authority(TempDir);

impl Authority {
    fn new() -> Self {
        let it = Self(tempfile::tempdir().unwrap());
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        it.openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"
        ));
        for name in ["server", "app"] {
            it.openssl(&format!(
                "req {key} -keyout {name}.key -out {name}.csr -subj /CN={name} \
                 -addext subjectAltName=DNS:localhost"
            ));
            it.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem \
                 -copy_extensions copy -days 2"
            ));
        }
        it
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new(openssl());
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path());
        run_to_end(&mut command, Duration::from_secs(60));
    }

    fn at(&self, name: &str) -> String {
        let path: &Path = self.0.path();
        path.join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap()
    }

    fn certificates(&self) -> Certificates {
        Certificates::default()
            .trusting(self.read("ca.pem"))
            .identity(self.read("app.pem"), self.read("app.key"))
    }
}

struct Secured {
    authority: Authority,
    redis: RedisServer,
    port: u16,
}

impl Secured {
    fn start() -> Self {
        let (authority, port) = (Authority::new(), free_port());
        let (at, files) = (port.to_string(), ["server.pem", "server.key", "ca.pem"]);
        let [certificate, key, trusted] = files.map(|name| authority.at(name));
        // As the documentation of sio-redis has it.
        let user = "app on >secret resetchannels &secured* &secured#/#* +hello +auth +client|setname +ping \
                    +client|info +client|kill +publish +subscribe +unsubscribe +psubscribe +punsubscribe +pubsub";
        let mut told = vec!["--tls-port", &at, "--tls-cert-file", &certificate];
        told.extend(["--tls-key-file", &key, "--tls-ca-cert-file", &trusted]);
        told.push("--user");
        told.extend(user.split_whitespace());
        let mut redis = RedisServer::start_with(&told);
        // Not known before 7.2, and then not missed.
        if redis
            .say("ACL SETUSER app +client|setinfo")
            .starts_with("+OK")
        {
            // Nobody is to come back before it may.
            redis.tell_again("+client|setinfo");
        }
        Self {
            authority,
            redis,
            port,
        }
    }

    fn url(&self, user: &str) -> String {
        format!("rediss://{user}@localhost:{}/", self.port)
    }

    fn redis(&self) -> Redis {
        let redis = Redis::new(&self.url("app:secret")).unwrap();
        redis.certificates(self.authority.certificates()).unwrap()
    }
}

#[test]
fn who_shows_who_it_is_is_let_in() {
    run(async {
        let mut secured = Secured::start();
        let options = options(Dialect::Classic, "secured");
        let mut here = Node::new(Binding::Tokio, secured.redis(), options.clone()).await;
        let mut there = Node::new(Binding::Smol, secured.redis(), options).await;
        here.counts(2).await;
        there.counts(2).await;
        let long = "x".repeat(100_000);
        here.io().to("x").emit("long", &long).unwrap();
        for node in [&mut here, &mut there] {
            node.first.expect(&format!(r#"42["long","{long}"]"#)).await;
        }
        let emitter = secured
            .redis()
            .emitter(Options::new(Dialect::Classic).key("secured"));
        emitter.to("x").emit("a", &()).await.unwrap();
        let waiting = emitter.to("x").emit("b", &());
        std::thread::spawn(|| waiting.wait())
            .join()
            .unwrap()
            .unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["a", "b"]).await;
        }
        let log = secured.redis.say("ACL LOG");
        assert!(!log.contains("command"), "{log}");
        secured.redis.kill();
        until("the outage", || !here.io().adapter().status().up).await;
        until("the outage", || !there.io().adapter().status().up).await;
        secured.redis.restart();
        here.counts(2).await;
        there.counts(2).await;
        there.io().to("x").emit("back", &()).unwrap();
        for node in [&mut here, &mut there] {
            hears(&mut node.first, &["back"]).await;
        }
        let log = secured.redis.say("ACL LOG");
        assert!(!log.contains("command"), "{log}");
        here.ends().await;
        there.ends().await;
    });
}

#[test]
fn others_are_told_why_they_are_not() {
    run(async {
        let secured = Secured::start();
        let plain = |user: &str| Redis::new(&secured.url(user)).unwrap();
        let trusting = || Certificates::default().trusting(secured.authority.read("ca.pem"));
        // The usual authorities have not signed it.
        let unknown = plain("app:secret");
        let anonymous = plain("app:secret").certificates(trusting()).unwrap();
        let wrong = plain("app:wrong").certificates(secured.authority.certificates());
        for (redis, lasting) in [(unknown, false), (anonymous, false), (wrong.unwrap(), true)] {
            let why = within("an answer", redis.check()).await.unwrap_err();
            assert_eq!(why.is_lasting(), lasting, "{why}");
        }
        let nonsense = Certificates::default().identity("certificate", "key");
        assert!(plain("app:secret").certificates(nonsense).is_err());
        within("an answer", secured.redis().check()).await.unwrap();
    });
}
