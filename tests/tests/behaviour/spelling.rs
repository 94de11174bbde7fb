//! What real clients write otherwise than the official ones for JavaScript do, where it has one meaning.

use sio_tokio::{Bytes, Data, Io, Socket, TransportKind};

use crate::client::{Client, calm, exchange, request};
use crate::wire::{KEY, masked, opening};
use crate::world::{On, World};

/// Old firmware opens a session by polling, then a WebSocket, and says `5` or `52` on it.
async fn an_upgrade_needs_no_probe(on: On) {
    // faults: F3
    let io = Io::new(calm());
    io.of("/")
        .on("echo", |socket: Socket, Data(said): Data<String>| {
            socket.emit("echo", &said)
        });
    let world = World::new(on, io.clone()).await;
    for word in ["5", "52"] {
        let poller = world.poller().await;
        let id = poller.enter().await;
        let mut device = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
        device.send(word).await;
        device.send(r#"42["echo","on"]"#).await;
        device.expect(r#"42["echo","on"]"#).await;
        let socket = io.of("/").get(&id).unwrap();
        assert_eq!(socket.conn().transport(), TransportKind::WebSocket);
    }
    world.ends().await;
}

/// Java's and Android's clients write bytes as mail does: a line end every 76 digits, and a last one.
async fn base64_may_have_line_ends(on: On) {
    // faults: C1
    let io = Io::new(calm());
    io.of("/")
        .on("count", |socket: Socket, Data(data): Data<Bytes>| {
            let sum = data.iter().map(|byte| u64::from(*byte)).sum::<u64>();
            socket.emit("counted", &(data.len(), sum))
        });
    let world = World::new(on, io).await;
    let head = r#"451-["count",{"_placeholder":true,"num":0}]"#;
    let long = [&"_-8_".repeat(19), "\n", &"__8_".repeat(19), "\n"].concat();
    for (digits, counted) in [
        ("AAEC\n", "[\"counted\",3,3]"),
        ("AA EC", "[\"counted\",3,3]"),
        (&*long, "[\"counted\",114,21470]"),
    ] {
        let poller = world.poller().await;
        poller.enter().await;
        let body = format!("{head}\u{1e}b{digits}");
        assert_eq!(poller.post(&body).await.status, 200, "{digits:?}");
        assert_eq!(poller.poll().await.body, format!("42{counted}"));

        let open = request(world.address, "GET", "&EIO=3", "").await.body;
        let (_, rest) = open.split_once(r#""sid":""#).unwrap();
        let (sid, _) = rest.split_once('"').unwrap();
        let query = format!("&EIO=3&sid={sid}");
        let body = format!("{}:{head}{}:b4{digits}", head.len(), digits.len() + 2);
        let posted = request(world.address, "POST", &query, &body).await;
        assert_eq!(posted.status, 200, "{digits:?}");
        let heard = request(world.address, "GET", &query, "").await.body;
        assert!(heard.ends_with(counted), "{heard}");
    }
    world.ends().await;
}

/// As firmware asks for a WebSocket: the last digit of its key has bits that nobody reads.
async fn a_key_needs_no_canonical_base64(on: On) {
    // faults: F4
    let world = World::new(on, Io::new(calm())).await;
    let key = "IAMVERYEXCITEDESP32FTW==";
    let mut asked = opening("").replace(KEY, key).into_bytes();
    // And it leaves again.
    asked.extend(masked(0x88, b""));
    let answer = exchange(world.address, &asked).await;
    assert_eq!(answer.status, 101, "{}", answer.head);
    assert!(
        answer.head.contains("zHuM6HyFD5q5IqKrO0Iso99I8Us="),
        "{}",
        answer.head
    );
    world.ends().await;
}

on_each_runtime! {
    base64_may_have_line_ends,
    a_key_needs_no_canonical_base64,
    an_upgrade_needs_no_probe,
}
