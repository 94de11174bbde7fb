//! Clients behind a proxy that shares them out among two servers: with the configurations of the example `cluster`, in
//! which only the addresses are others.

use std::net::SocketAddr;

use sio_redis::Dialect;
use sio_tests::proxied::{ReverseProxy, Software};

use crate::client::{Answer, Client, exchange};
use crate::node::{Binding, Node, hears, options};
use crate::server::RedisServer;
use crate::world::run;

const NGINX_STICKY: &str =
    include_str!("../../../bindings-tokio/examples/cluster/nginx-sticky.conf");
const NGINX_HASH: &str = include_str!("../../../bindings-tokio/examples/cluster/nginx-hash.conf");
const NGINX_ROUND_ROBIN: &str =
    include_str!("../../../bindings-tokio/examples/cluster/nginx-round-robin.conf");
const HAPROXY: &str = include_str!("../../../bindings-tokio/examples/cluster/haproxy.cfg");

/// What the example's servers are called there, and where they are here.
fn moved(text: &str, servers: [SocketAddr; 2]) -> String {
    let [one, two] = servers.map(|server| server.to_string());
    assert!(text.contains("one:3000") && text.contains("two:3000"));
    text.replace("one:3000", &one).replace("two:3000", &two)
}

/// The file within what the nginx of a distribution has around it.
fn nginx(text: &str, servers: [SocketAddr; 2]) -> ReverseProxy {
    let text = moved(text, servers);
    ReverseProxy::configured(Software::Nginx, |address| {
        assert!(text.contains("listen 80;"));
        let text = text.replace("listen 80;", &format!("listen {address};"));
        // Whoever runs it as root keeps its folder to himself.
        let user = match rustix::process::geteuid().is_root() {
            true => "user root;",
            false => "",
        };
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let folders = folders.map(|name| format!("{name}_temp_path {name};\n"));
        let folders = folders.concat();
        format!(
            "{user} daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off;\n{folders}{text}}}\n"
        )
    })
}

fn haproxy(servers: [SocketAddr; 2]) -> ReverseProxy {
    let text = moved(HAPROXY, servers);
    ReverseProxy::configured(Software::HaProxy, |address| {
        assert!(text.contains("bind :80"));
        text.replace("bind :80", &format!("bind {address}"))
    })
}

/// A client that polls, each time by a connection of its own, and keeps its cookies.
struct Poller {
    address: SocketAddr,
    cookie: Option<String>,
    sid: String,
}

impl Poller {
    async fn open(address: SocketAddr, cookie: Option<String>) -> Self {
        let mut it = Self {
            address,
            cookie,
            sid: String::new(),
        };
        let answer = it.get().await;
        let sid = answer.body.split('"').nth(3);
        it.sid = sid.unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        it
    }

    async fn get(&mut self) -> Answer {
        self.request("GET", "").await
    }

    async fn post(&mut self, body: &str) -> Answer {
        self.request("POST", body).await
    }

    async fn request(&mut self, method: &str, body: &str) -> Answer {
        let sid = match &*self.sid {
            "" => String::new(),
            sid => format!("&sid={sid}"),
        };
        let cookie = self.cookie.as_ref();
        let cookie = cookie.map_or(String::new(), |it| format!("cookie: {it}\r\n"));
        let text = format!(
            "{method} /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nhost: x\r\n{cookie}\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(self.address, text.as_bytes()).await;
        let set = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            // The engine's own names its session, and decides nothing.
            let is_set = name.eq_ignore_ascii_case("set-cookie") && value.starts_with("node=");
            is_set.then(|| value.split(';').next().unwrap_or(value).to_owned())
        });
        self.cookie = set.or(self.cookie.take());
        answer
    }

    /// Enters `/` and the room `x`.
    async fn enter(&mut self) {
        assert_eq!(self.post("40").await.body, "ok");
        let answer = self.get().await;
        assert!(answer.body.starts_with("40{"), "{answer:?}");
        assert_eq!(self.post(r#"421["join","x"]"#).await.body, "ok");
        assert_eq!(self.get().await.body, "431[]");
    }
}

struct Two {
    _redis: RedisServer,
    nodes: [Node; 2],
}

impl Two {
    async fn new() -> Self {
        let redis = RedisServer::start();
        let options = options(Dialect::Classic, "sticky");
        let nodes = [
            Node::new(Binding::Tokio, redis.redis(), options.clone()).await,
            Node::new(Binding::Smol, redis.redis(), options).await,
        ];
        nodes[0].counts(2).await;
        Self {
            _redis: redis,
            nodes,
        }
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        [&self.nodes[0], &self.nodes[1]].map(|node| node.world.address)
    }

    /// Clients beyond the two that each has anyway.
    fn clients(&self) -> [usize; 2] {
        [&self.nodes[0], &self.nodes[1]].map(|node| node.io().of("/").len() - 2)
    }

    /// What one says is heard by all.
    async fn say(&mut self, pollers: &mut [Poller]) {
        let [here, there] = &mut self.nodes;
        here.io().to("x").emit("said", &()).unwrap();
        for node in [here, there] {
            hears(&mut node.first, &["said"]).await;
        }
        for poller in pollers {
            assert_eq!(poller.get().await.body, r#"42["said"]"#);
        }
    }
}

/// Pollers come until each server has some, and all of them are well.
async fn by_cookie(start: impl Fn([SocketAddr; 2]) -> ReverseProxy) {
    let mut two = Two::new().await;
    let proxy = start(two.addresses());
    let mut pollers = Vec::new();
    while two.clients().iter().any(|count| *count < 2) {
        assert!(pollers.len() < 200, "all go to one server");
        let mut poller = Poller::open(proxy.address, None).await;
        let cookie = poller.cookie.clone();
        assert!(cookie.is_some(), "the proxy has given none");
        poller.enter().await;
        pollers.push(poller);
    }
    two.say(&mut pollers).await;
    // Whoever has a cookie comes back to the same server.
    let before = two.clients();
    let again = pollers[0].cookie.clone();
    Poller::open(proxy.address, again.clone())
        .await
        .enter()
        .await;
    let after = two.clients();
    let at = usize::from(before[0] == after[0]);
    for _ in 0..4 {
        Poller::open(proxy.address, again.clone())
            .await
            .enter()
            .await;
    }
    assert_eq!(two.clients()[at], after[at] + 4);
}

#[test]
fn by_a_cookie_of_nginx() {
    run(by_cookie(|servers| nginx(NGINX_STICKY, servers)));
}

#[test]
fn by_a_cookie_of_haproxy() {
    run(by_cookie(haproxy));
}

#[test]
fn by_a_hash_of_nginx() {
    run(async {
        let mut two = Two::new().await;
        let proxy = nginx(NGINX_HASH, two.addresses());
        let mut pollers = Vec::new();
        for _ in 0..6 {
            let mut poller = Poller::open(proxy.address, None).await;
            assert_eq!(poller.cookie, None);
            poller.enter().await;
            pollers.push(poller);
        }
        // One address, one server.
        let mut clients = two.clients();
        clients.sort_unstable();
        assert_eq!(clients, [0, 6]);
        two.say(&mut pollers).await;
    });
}

/// Requests of one session come to two servers, of which one does not know it. A WebSocket is one request.
#[test]
fn without_either_there_is_no_polling() {
    run(async {
        let mut two = Two::new().await;
        let proxy = nginx(NGINX_ROUND_ROBIN, two.addresses());
        let mut poller = Poller::open(proxy.address, None).await;
        let answers = [poller.post("40").await, poller.post("40").await];
        let [unknown] = answers
            .iter()
            .filter(|it| it.body != "ok")
            .collect::<Vec<_>>()[..]
        else {
            panic!("{answers:?}")
        };
        assert_eq!(unknown.status, 400);
        assert!(unknown.body.contains(r#""code":1"#), "{unknown:?}");
        let mut clients = Vec::new();
        for _ in 0..4 {
            let mut client = Client::open(proxy.address, "").await;
            client.enter("").await;
            crate::node::join(&mut client, "x").await;
            clients.push(client);
        }
        two.say(&mut []).await;
        for client in &mut clients {
            hears(client, &["said"]).await;
        }
    });
}
