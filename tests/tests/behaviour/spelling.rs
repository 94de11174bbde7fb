//! What real clients write otherwise than the official ones for JavaScript do, where it has one meaning.

use sio_tokio::{Ack, Bytes, Config, Data, Io, Origins, Reaction, Socket, TransportKind};

use crate::client::{Client, calm, exchange, request};
use crate::wire::{KEY, Wire, masked, opening};
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

/// The application's part of a query is kept, however it is written, and a header in Latin-1 too.
async fn a_handshake_is_the_applications_own(on: On) {
    // faults: F7
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        let shake = socket.handshake();
        let of = |key| {
            shake
                .query
                .get_all(key)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let name = shake
            .headers
            .get_bytes("x-name")
            .map(Bytes::copy_from_slice);
        socket.emit("asked", &(of("room"), of("name"), of("x"), name))
    });
    let world = World::new(on, io).await;
    let asked = opening("&room=a&room=b&name=100%&x=%FC");
    let (line, rest) = asked.split_once("\r\n").unwrap();
    let asked = [
        line.as_bytes(),
        b"\r\nx-name: J\xfcrgen\r\n",
        rest.as_bytes(),
    ]
    .concat();
    let mut client = Client::on(Wire::opened(world.address, &asked).await);
    assert!(client.text().await.starts_with("0{"));
    client.enter("").await;
    let told = r#"451-["asked",["a","b"],["100%"],["�"],{"_placeholder":true,"num":0}]"#;
    client.expect(told).await;
    let name = client.next().await.unwrap().into_data();
    assert_eq!(&name[..], b"J\xfcrgen");
    world.ends().await;
}

/// Where absence is taken for revision 3, a device that names none has a whole session.
async fn a_device_may_name_no_revision(on: On) {
    // faults: F7
    let io = Io::new(calm().allow_missing_eio(true));
    io.of("/")
        .on("echo", |socket: Socket, Data(said): Data<u8>| {
            socket.emit("echo", &said)
        });
    let world = World::new(on, io).await;
    let ask = async |method, query: &str, body: &str| {
        let asked = format!(
            "{method} /socket.io/?transport=polling{query} HTTP/1.1\r\nhost: x\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(world.address, asked.as_bytes()).await.body
    };
    let open = ask("GET", "", "").await;
    let (_, rest) = open.split_once(r#""sid":""#).unwrap();
    let sid = format!("&sid={}", rest.split_once('"').unwrap().0);
    assert_eq!(ask("GET", &sid, "").await, "2:40");
    assert_eq!(ask("POST", &sid, r#"12:42["echo",7]"#).await, "ok");
    assert_eq!(ask("GET", &sid, "").await, r#"12:42["echo",7]"#);
    let named = Client::open(world.address, "&EIO=4").await;
    drop(named);
    world.ends().await;
}

/// A page's WebSocket says `wss` where its page would say `https`.
async fn an_origin_may_name_the_websocket(on: On) {
    // faults: F5
    for (trusted, origin, said, status) in [
        (false, "wss://app.example", "host: app.example:443", 200),
        (false, "wss://app.example", "host: app.example:80", 403),
        (false, "ws://app.example", "host: app.example:80", 200),
        (
            true,
            "https://app.example",
            "host: x\r\nx-forwarded-host: app.example",
            200,
        ),
        (
            false,
            "https://app.example",
            "host: x\r\nx-forwarded-host: app.example",
            403,
        ),
        (
            true,
            "http://app.example",
            "host: app.example\r\nx-forwarded-proto: https",
            403,
        ),
    ] {
        let config = calm().origins(Origins::same_origin());
        let world = World::new(on, Io::new(config.trust_forwarded_host(trusted))).await;
        let asked = format!(
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n{said}\r\norigin: {origin}\r\n\
             connection: close\r\n\r\n"
        );
        let answer = exchange(world.address, asked.as_bytes()).await;
        assert_eq!(answer.status, status, "{trusted} {origin} {said}");
        world.ends().await;
    }
}

/// Java's client of 1.x reads no other refusal than a string.
async fn a_refusal_is_one_that_its_client_reads(on: On) {
    // faults: C2
    for (config, said) in [
        (calm(), r#""Invalid namespace""#),
        (
            Config::v4().allow_eio3(true),
            r#"{"message":"Invalid namespace"}"#,
        ),
    ] {
        let world = World::new(on, Io::new(config)).await;
        let mut old = Client::open(world.address, "&EIO=3").await;
        old.expect("40").await;
        old.send("40/nowhere,").await;
        old.expect(&format!("44/nowhere,{said}")).await;
        let mut new = world.open().await;
        new.send("40/nowhere,").await;
        new.expect(r#"44/nowhere,{"message":"Invalid namespace"}"#)
            .await;
        drop((old, new));
        world.ends().await;
    }
}

/// An Internet Explorer would cut up answers that it takes for injected scripts.
async fn an_old_browser_is_told_not_to_filter(on: On) {
    // faults: C10
    let world = World::new(on, Io::new(calm())).await;
    for (agent, told) in [("Trident/7.0; rv:11.0", true), ("Gecko", false)] {
        let asked = format!(
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\nuser-agent: {agent}\r\n\
             connection: close\r\n\r\n"
        );
        let head = exchange(world.address, asked.as_bytes()).await.head;
        assert_eq!(
            head.to_ascii_lowercase().contains("x-xss-protection: 0"),
            told
        );
    }
    world.ends().await;
}

/// Packets that are put together by hand have blanks where they are read most easily.
async fn blanks_may_stand_before_a_payload(on: On) {
    // faults: C9
    let io = Io::new(calm());
    for name in ["/", "/n"] {
        io.of(name)
            .on("echo", |Data(said): Data<u8>, ack: Ack| ack.send(&said));
    }
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    for (connect, name) in [("40 {}", ""), ("40/n, \t{\"a\":1}", "/n,")] {
        client.send(connect).await;
        assert!(client.text().await.starts_with(&format!("40{name}{{")));
        client.send(&format!("42{name}1 [\"echo\",1]")).await;
        client.expect(&format!("43{name}1[1]")).await;
        client.send(&format!("42{name}7\r\n [\"echo\", 2]")).await;
        client.expect(&format!("43{name}7[2]")).await;
    }
    world.ends().await;
}

/// Android's Gson writes numbers as doubles, whatever they were.
async fn a_whole_number_may_have_a_point(on: On) {
    // faults: F10
    let io = Io::new(calm());
    io.of("/")
        .on("add", |Data((a, b)): Data<(i64, u8)>, ack: Ack| {
            ack.send(&(a + i64::from(b)))
        });
    io.on_mistyped(Reaction::RefuseAck);
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    for (at, a, b, sum) in [
        (1, "1.0", "1e2", "101"),
        (2, "9.007199254740993e15", "0.0", "9007199254740993"),
        (3, "-3E0", "3.00", "0"),
    ] {
        client.send(&format!("42{at}[\"add\",{a},{b}]")).await;
        client.expect(&format!("43{at}[{sum}]")).await;
    }
    for wrong in ["1.5,0", "1,256.0", "1e19,0"] {
        client.send(&format!("429[\"add\",{wrong}]")).await;
        let refused = client.text().await;
        assert!(refused.starts_with("439[{"), "{refused}");
    }
    world.ends().await;
}

on_each_runtime! {
    a_whole_number_may_have_a_point,
    blanks_may_stand_before_a_payload,
    a_device_may_name_no_revision,
    a_handshake_is_the_applications_own,
    base64_may_have_line_ends,
    a_key_needs_no_canonical_base64,
    a_refusal_is_one_that_its_client_reads,
    an_old_browser_is_told_not_to_filter,
    an_origin_may_name_the_websocket,
    an_upgrade_needs_no_probe,
}
