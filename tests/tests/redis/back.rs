//! Clients that are cut off at one server and come back at another, of ours or of Node's.

use sio_redis::{Dialect, Options};
use sio_tokio::{Ack, Config, ConnectionStateRecovery, Data, Io, Socket};

use crate::client::{Client, calm};
use crate::here::{sleep, until, within};
use crate::node::Binding;
use crate::server::{NodeServer, RedisServer};
use crate::world::{World, run};

/// What a client has of its session.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    id: String,
    pid: String,
    /// The place of what it has heard last.
    offset: String,
}

struct Ours {
    world: World,
    _link: Box<dyn Send>,
}

fn recovering() -> Config {
    calm().connection_state_recovery(ConnectionStateRecovery::default())
}

impl Ours {
    async fn new(binding: Binding, redis: &RedisServer) -> Self {
        let io = Io::new(recovering());
        let options = Options::new(Dialect::Streams).key("back");
        let (cluster, link) = binding.join(redis.redis(), options);
        io.set_adapter(cluster.adapter()).unwrap();
        let main = io.of("/");
        main.on(
            "data",
            |socket: Socket, Data(word): Data<String>, ack: Ack| {
                socket.set_data(word);
                ack.send(&())
            },
        );
        main.on(
            "join",
            |socket: Socket, Data(room): Data<String>, ack: Ack| {
                socket.join(room).map_err(|why| why.to_string())?;
                ack.send(&()).map_err(|why| why.to_string())
            },
        );
        main.on("who", |socket: Socket, ack: Ack| {
            let kept = socket.recovered_data();
            let kept: Option<String> = kept.and_then(|kept| kept.decode().ok());
            ack.send(&(socket.recovered(), kept, socket.rooms()))
        });
        let world = World::new(binding.on(), io).await;
        let io = world.io.clone();
        until("the cluster", || io.adapter().status().up).await;
        Self {
            world,
            _link: Box::new(link),
        }
    }

    async fn says(&self, room: &str, event: &str) {
        let io = &self.world.io;
        io.to(room).emit(event, &()).unwrap();
        within("the stream", io.adapter().flush()).await.unwrap();
    }
}

/// What an event says, and its place.
fn read(text: &str) -> (String, String) {
    let (event, place) = text.rsplit_once(",\"").unwrap_or_else(|| panic!("{text}"));
    let place = place.strip_suffix("\"]").unwrap();
    assert!(place.contains('-'), "{text}");
    (format!("{event}]"), place.to_owned())
}

/// A client comes, and says what it is told before it is in.
async fn come(address: std::net::SocketAddr, known: &Known) -> (Client, Known, Vec<String>) {
    let mut client = Client::open(address, "").await;
    let auth = match known.pid.is_empty() {
        true => String::new(),
        false => format!(r#"{{"pid":"{}","offset":"{}"}}"#, known.pid, known.offset),
    };
    client.send(&format!("40{auth}")).await;
    let mut before = Vec::new();
    let mut offset = known.offset.clone();
    loop {
        let text = client.text().await;
        if text.starts_with("40{") {
            let words: Vec<_> = text.split('"').collect();
            let (id, pid) = (words[3].to_owned(), words[7].to_owned());
            return (client, Known { id, pid, offset }, before);
        }
        let (event, place) = read(&text);
        before.push(event);
        offset = place;
    }
}

async fn ask(client: &mut Client, event: &str) -> String {
    client.send(&format!("427{event}")).await;
    let text = client.text().await;
    text.strip_prefix("437")
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

/// Waits until its session is kept.
async fn kept(redis: &RedisServer, known: &Known) {
    let command = format!("EXISTS sio:session:{}", known.pid);
    within("its session", async {
        while !redis.say(&command).starts_with(":1") {
            sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// From ours to Node's, and on to ours on the other binding.
#[test]
fn a_client_goes_from_ours_to_nodes_and_back() {
    run(async {
        let redis = RedisServer::start();
        let theirs = NodeServer::start("streams-recovery", &redis, "back");
        let ours = Ours::new(Binding::Tokio, &redis).await;
        let also = Ours::new(Binding::Smol, &redis).await;
        let (mut ann, known, _) = come(ours.world.address, &Known::default()).await;
        ask(&mut ann, r#"["join","lobby"]"#).await;
        ask(&mut ann, r#"["data","word"]"#).await;
        also.says("lobby", "first").await;
        let (event, offset) = read(&ann.text().await);
        assert_eq!(event, r#"42["first"]"#);
        let known = Known { offset, ..known };
        drop(ann);
        kept(&redis, &known).await;
        ours.says("lobby", "second").await;
        also.says("elsewhere", "nobody").await;
        also.says(&known.id, "third").await;

        let (mut ann, again, before) = come(theirs.address, &known).await;
        assert_eq!((&again.id, &again.pid), (&known.id, &known.pid));
        assert_eq!(before, [r#"42["second"]"#, r#"42["third"]"#]);
        let told = ask(&mut ann, r#"["who"]"#).await;
        let rooms = format!(r#"["{}","lobby"]"#, known.id);
        assert_eq!(told, format!(r#"[true,"word",{rooms}]"#));
        ours.says("lobby", "fourth").await;
        let (event, offset) = read(&ann.text().await);
        assert_eq!(event, r#"42["fourth"]"#);
        let known = Known { offset, ..again };
        drop(ann);
        kept(&redis, &known).await;
        // Said by Node's, too: by another of its clients.
        let (mut bob, ..) = come(theirs.address, &Known::default()).await;
        ask(&mut bob, r#"["emit",{"rooms":["lobby"]},"fifth",[1]]"#).await;
        within("the sixth entry", async {
            while !redis.say("XLEN back").starts_with(":6") {
                sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;

        let (mut ann, again, before) = come(also.world.address, &known).await;
        assert_eq!((&again.id, &again.pid), (&known.id, &known.pid));
        assert_eq!(before, [r#"42["fifth",1]"#]);
        assert_eq!(
            ask(&mut ann, r#"["who"]"#).await,
            format!(r#"[true,"word",{rooms}]"#)
        );
        // Nobody else comes back by the same.
        let (_, other, _) = come(theirs.address, &known).await;
        assert!(other.pid != known.pid);
        let (_, other, _) = come(ours.world.address, &known).await;
        assert!(other.pid != known.pid);
        drop((ann, bob));
        ours.world.ends().await;
        also.world.ends().await;
    });
}

/// What its client has read last, or what is behind that, is not in the stream any more.
#[test]
fn of_a_stream_that_was_trimmed_nobody_is_told_half() {
    run(async {
        let redis = RedisServer::start();
        let ours = Ours::new(Binding::Tokio, &redis).await;
        let also = Ours::new(Binding::Smol, &redis).await;
        let (mut ann, known, _) = come(ours.world.address, &Known::default()).await;
        also.says(&known.id, "first").await;
        let (_, offset) = read(&ann.text().await);
        let known = Known { offset, ..known };
        drop(ann);
        kept(&redis, &known).await;
        also.says(&known.id, "second").await;
        also.says(&known.id, "third").await;
        redis.say("XTRIM back MAXLEN 1");
        let (mut ann, other, before) = come(also.world.address, &known).await;
        assert!(other.pid != known.pid && before.is_empty(), "{before:?}");
        assert!(
            ask(&mut ann, r#"["who"]"#)
                .await
                .starts_with("[false,null,")
        );
        drop(ann);
        ours.world.ends().await;
        also.world.ends().await;
    });
}

/// A node is closed under load, a new one takes its place, until all have been; its clients go to the others.
#[test]
fn through_a_rolling_restart_nothing_is_lost_or_doubled() {
    run(async {
        let redis = RedisServer::start();
        let mut nodes = [
            Ours::new(Binding::Tokio, &redis).await,
            Ours::new(Binding::Smol, &redis).await,
            Ours::new(Binding::Tokio, &redis).await,
        ];
        let mut clients = Vec::new();
        for node in &nodes {
            let (client, known, _) = come(node.world.address, &Known::default()).await;
            clients.push((client, known, Vec::new()));
        }
        let mut said = 0;
        let mut say = |nodes: &[Ours; 3], count: usize| {
            for _ in 0..count {
                nodes[said % 3].world.io.emit("n", &said).unwrap();
                said += 1;
            }
        };
        for round in 0..3 {
            say(&nodes, 9);
            // Each has heard something, so that it has a place.
            for (client, known, heard) in &mut clients {
                let (event, offset) = read(&client.text().await);
                known.offset = offset;
                heard.push(event);
            }
            say(&nodes, 9);
            let binding = [Binding::Smol, Binding::Tokio, Binding::Smol][round];
            let fresh = Ours::new(binding, &redis).await;
            let old = std::mem::replace(&mut nodes[round], fresh);
            old.world.ends().await;
            say(&nodes, 9);
            let address = nodes[(round + 1) % 3].world.address;
            // In the first round one was there, then those of the node before, too.
            for (client, known, heard) in clients.iter_mut().take(round + 1) {
                let (new, again, before) = come(address, known).await;
                assert_eq!((&again.id, &again.pid), (&known.id, &known.pid));
                heard.extend(before);
                (*client, *known) = (new, again);
            }
        }
        for (client, _, heard) in &mut clients {
            while heard.len() < said {
                heard.push(read(&client.text().await).0);
            }
            let mut numbers: Vec<usize> = heard
                .iter()
                .map(|event| event[7..event.len() - 1].parse().unwrap())
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..said).collect::<Vec<_>>());
        }
        for node in nodes {
            node.world.ends().await;
        }
    });
}
