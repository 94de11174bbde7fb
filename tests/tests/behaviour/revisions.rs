//! Clients of both revisions of Socket.IO beside each other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::{Client, calm, request};
use crate::here::within;
use crate::world::{On, World};
use sio_tokio::{
    Ack, Args, Bytes, Data, Eio, EmitError, Incoming, Io, Reaction, Refusal, Socket, Value,
};

/// A client of revision 4, which is in `/` without asking, and its socket's id.
async fn old(world: &World) -> (Client, String) {
    let mut client = Client::raw(world.address, "&EIO=3").await;
    let open = client.text().await;
    let (_, rest) = open.split_once(r#""sid":""#).unwrap();
    let (sid, _) = rest.split_once('"').unwrap();
    client.expect("40").await;
    (client, sid.to_owned())
}

/// One that polls, without binary responses or with them.
struct OldPoller<'a> {
    world: &'a World,
    query: String,
}

impl<'a> OldPoller<'a> {
    async fn open(world: &'a World, more: &str) -> Self {
        let answer = request(world.address, "GET", &format!("&EIO=3{more}"), "").await;
        let (_, rest) = answer.body.split_once(r#""sid":""#).unwrap();
        let (sid, _) = rest.split_once('"').unwrap();
        let query = format!("&EIO=3{more}&sid={sid}");
        let poller = Self { world, query };
        assert_eq!(poller.poll().await, "2:40");
        poller
    }

    async fn poll(&self) -> String {
        request(self.world.address, "GET", &self.query, "")
            .await
            .body
    }

    async fn post(&self, packet: &str) {
        let body = format!("{}:{packet}", packet.encode_utf16().count());
        let answer = request(self.world.address, "POST", &self.query, &body).await;
        assert_eq!(answer.body, "ok");
    }
}

fn roomy() -> Io {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("sync", |ack: Ack| ack.send(&()));
    main.on("join", |socket: Socket, ack: Ack| {
        let _ = socket.join("room");
        ack.send(&())
    });
    main.on("tell", |socket: Socket, args: Args| {
        socket.to("room").emit("told", &args)
    });
    main.on(
        "who",
        |Data(data): Data<Bytes>, socket: Socket, ack: Ack| -> Result<(), EmitError> {
            let eio = socket.handshake().revision.number();
            ack.send(&(eio, socket.conn().revision().number(), data))
        },
    );
    io
}

async fn they_share_a_room_without_noticing(on: On) {
    let world = World::new(on, roomy()).await;
    let (mut new, _) = world.join().await;
    let (mut old, _) = old(&world).await;
    for client in [&mut new, &mut old] {
        client.send(r#"421["join"]"#).await;
        client.expect("431[]").await;
    }
    // Base64 for one, bytes for the other.
    let text = OldPoller::open(&world, "&b64=1").await;
    text.post(r#"421["join"]"#).await;
    assert_eq!(text.poll().await, "5:431[]");
    let bytes = OldPoller::open(&world, "").await;
    bytes.post(r#"421["join"]"#).await;
    assert_eq!(bytes.poll().await, "5:431[]");

    let packet = r#"451-["told",{"_placeholder":true,"num":0},"é"]"#;
    // From each to the others.
    let told = r#"451-["tell",{"_placeholder":true,"num":0},"é"]"#;
    new.send(told).await;
    new.send_binary(&[1, 2, 3]).await;
    old.expect(packet).await;
    assert_eq!(old.next().await.unwrap().into_data(), [4, 1, 2, 3][..]);
    let polled = text.poll().await;
    // The packet may leave before its attachment has come into the queue, and never with half of it.
    let length = packet.encode_utf16().count();
    assert_eq!(polled, format!("{length}:{packet}6:b4AQID"));
    let body = bytes.poll().await;
    let length = packet.len();
    let [tens, ones] = [length / 10, length % 10].map(|digit| char::from(digit as u8));
    // Two bytes are no UTF-8: each shows as a replacement.
    assert_eq!(
        body,
        format!("\0{tens}{ones}\u{fffd}{packet}\u{1}\u{4}\u{fffd}\u{4}\u{1}\u{2}\u{3}")
    );

    old.send(told).await;
    old.send_binary(&[4, 9, 8]).await;
    new.expect(packet).await;
    assert_eq!(new.next().await.unwrap().into_data(), [9, 8][..]);
    text.post(told).await;
    text.post("b4Bwc=").await;
    for (client, bytes) in [(&mut new, &[7, 7][..]), (&mut old, &[4, 7, 7])] {
        let _ = client.text().await;
        // What the other old client said comes first to the new one alone.
        assert_eq!(client.next().await.unwrap().into_data(), bytes);
    }

    for (client, eio, head) in [(&mut new, 4, &[][..]), (&mut old, 3, &[4])] {
        client
            .send(r#"451-7["who",{"_placeholder":true,"num":0}]"#)
            .await;
        client.send_binary(&[head, &[5]].concat()).await;
        let answer = format!(r#"461-7[{eio},{eio},{{"_placeholder":true,"num":0}}]"#);
        client.expect(&answer).await;
        let data = client.next().await.unwrap().into_data();
        assert_eq!(data, [head, &[5]].concat());
    }
    world.ends().await;
}

async fn both_are_asked_by_one_broadcast(on: On) {
    let world = World::new(on, roomy()).await;
    let (mut new, first) = world.join().await;
    let (mut old, second) = old(&world).await;
    let replies = world
        .io
        .of("/")
        .timeout(Duration::from_secs(5))
        .emit_with_ack::<String>("ask", &Bytes::from_static(b"?"));
    let question = new.text().await;
    assert_eq!(question, r#"451-0["ask",{"_placeholder":true,"num":0}]"#);
    assert_eq!(new.next().await.unwrap().into_data(), b"?"[..]);
    old.expect(&question).await;
    assert_eq!(old.next().await.unwrap().into_data(), b"\x04?"[..]);
    new.send(r#"430["new"]"#).await;
    old.send(r#"430["old"]"#).await;
    let replies = within("the replies", replies).await.unwrap();
    let answers: BTreeMap<&str, &str> = replies
        .answers
        .iter()
        .map(|(id, answer)| (id.as_str(), answer.as_ref().unwrap().as_str()))
        .collect();
    assert_eq!(
        answers,
        BTreeMap::from([(&*first, "new"), (&*second, "old")])
    );
    world.ends().await;
}

async fn a_query_behind_the_name_is_query_and_credentials(on: On) {
    let io = Io::new(calm());
    io.of("/chat").on("who", |socket: Socket, ack: Ack| {
        let handshake = socket.handshake();
        let query: Value = Value::from_iter(handshake.query.iter());
        ack.send(&(socket.id(), query, &handshake.auth))
    });
    let world = World::new(on, io).await;
    let mut client = Client::raw(world.address, "&EIO=3&a=url&token=url").await;
    let open = client.text().await;
    let sid = open.split('"').nth(3).unwrap().to_owned();
    client.expect("40").await;
    client.send("40/chat?token=a%2Cb+c&x=1&x=2,").await;
    client.expect("40/chat,").await;
    client.send(r#"42/chat,1["who"]"#).await;
    let query = r#"{"transport":"websocket","EIO":"3","a":"url","token":"a,b c","x":"2"}"#;
    let auth = r#"{"token":"a,b c","x":["1","2"]}"#;
    client
        .expect(&format!(r#"43/chat,1["/chat#{sid}",{query},{auth}]"#))
        .await;

    // It is called the same when it comes back, and has left its query behind.
    client.send("41/chat,").await;
    client.send("40/chat,").await;
    client.expect("40/chat,").await;
    client.send(r#"42/chat,2["who"]"#).await;
    let query = r#"{"transport":"websocket","EIO":"3","a":"url","token":"url"}"#;
    client
        .expect(&format!(r#"43/chat,2["/chat#{sid}",{query},{{}}]"#))
        .await;
    // The session's id is its name in `/`, and says nothing of where it else is.
    assert_eq!(world.io.of("/chat").len(), 1);
    let main = world.io.of("/").sockets();
    assert_eq!(main[0].id().as_str(), sid);
    world.ends().await;
}

async fn refusals_are_bare_values(on: On) {
    let io = Io::new(calm());
    for (name, data) in [
        ("/none", None),
        ("/text", Some(Value::from("because"))),
        ("/object", Some(Value::from_iter([("code", 42u64)]))),
        ("/list", Some(Value::Array(vec![1u64.into()]))),
        // Clients would make something else of these.
        ("/number", Some(7u64.into())),
        ("/bool", Some(true.into())),
        ("/null", Some(Value::Null)),
        ("/bytes", Some(Value::Binary(Bytes::from_static(b"x")))),
    ] {
        io.of(name).use_(move |_: Socket| {
            let refusal = Refusal::new("no");
            Err::<(), _>(match data.clone() {
                Some(data) => refusal.data(data),
                None => refusal,
            })
        });
    }
    let world = World::new(on, io).await;
    let (mut client, _) = old(&world).await;
    for (name, value) in [
        ("/none", r#""no""#),
        ("/text", r#""because""#),
        ("/object", r#"{"code":42}"#),
        ("/list", "[1]"),
        ("/number", r#""no""#),
        ("/bool", r#""no""#),
        ("/null", r#""no""#),
        ("/bytes", r#""no""#),
        ("/nowhere", r#""Invalid namespace""#),
    ] {
        client.send(&format!("40{name}?a=b,")).await;
        client.expect(&format!("44{name},{value}")).await;
    }
    let (mut client, _) = world.join().await;
    client.send("40/bytes,").await;
    client.expect(r#"44/bytes,{"message":"no"}"#).await;
    world.ends().await;
}

async fn a_refused_packet_is_told_to_those_who_have_a_word_for_it(on: On) {
    let io = Io::new(calm());
    io.on_mistyped(Reaction::RefuseAck);
    for name in ["/", "/chat"] {
        let namespace = io.of(name);
        namespace.on_connect(|socket: Socket| {
            socket.use_(|packet: &mut Incoming| match packet.name.as_str() {
                "bad" => Err(Refusal::new("bad").data(Value::from_iter([("code", 1u64)]))),
                "worse" => Err(Refusal::new("worse")),
                _ => Ok(()),
            });
            socket.on_error(|socket: Socket, refusal: Refusal| {
                socket.emit("heard", &refusal.message)
            });
        });
        namespace.on("sync", |ack: Ack| ack.send(&()));
    }
    let world = World::new(on, io).await;
    let (mut old, _) = old(&world).await;
    old.send(r#"42["bad"]"#).await;
    old.expect(r#"44{"code":1}"#).await;
    old.send(r#"425["worse"]"#).await;
    old.expect(r#"435[{"error":"worse"}]"#).await;
    old.expect(r#"44"worse""#).await;
    old.send("40/chat,").await;
    old.expect("40/chat,").await;
    old.send(r#"42/chat,["worse"]"#).await;
    old.expect(r#"44/chat,"worse""#).await;
    old.sync().await;
    // What the client says is what is heard here.
    old.send(r#"44"encode error""#).await;
    old.expect(r#"42["heard","encode error"]"#).await;

    let (mut new, _) = world.join().await;
    new.send(r#"425["worse"]"#).await;
    new.expect(r#"435[{"error":"worse"}]"#).await;
    new.expect(r#"42["heard","worse"]"#).await;
    new.sync().await;
    world.ends().await;
}

async fn who_comes_is_let_in_by_the_middlewares_of_the_main_namespace(on: On) {
    let io = Io::new(calm());
    io.of("/").use_(|socket: Socket| {
        assert_eq!(socket.handshake().revision, Eio::V3);
        match socket.handshake().query.get("let") {
            Some("in") => Ok(()),
            _ => Err("not you"),
        }
    });
    io.of("/open");
    let world = World::new(on, io).await;
    let mut client = Client::open(world.address, "&EIO=3&let=in").await;
    client.expect("40").await;
    let mut client = Client::open(world.address, "&EIO=3").await;
    client.expect(r#"44"not you""#).await;
    // Elsewhere it may be, and ask again.
    client.send("40/open,").await;
    client.expect("40/open,").await;
    client.send("40/?let=in,").await;
    client.expect("40").await;
    client.send("41").await;
    client.send("40").await;
    client.expect(r#"44"not you""#).await;
    assert_eq!(world.io.of("/open").len(), 1);
    world.ends().await;
}

on_each_runtime! {
    they_share_a_room_without_noticing,
    both_are_asked_by_one_broadcast,
    a_query_behind_the_name_is_query_and_credentials,
    refusals_are_bare_values,
    a_refused_packet_is_told_to_those_who_have_a_word_for_it,
    who_comes_is_let_in_by_the_middlewares_of_the_main_namespace,
}
