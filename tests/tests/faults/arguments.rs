//! What handlers take of an event's arguments, and what clients hear of what went wrong with them.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tokio::{
    Ack, Args, Bytes, Config, Data, Failure, Incoming, Io, Reaction, Refusal, Socket, State,
    TryData,
};

use crate::client::calm;
use crate::here::pause;
use crate::world::{On, World};

/// An error that says more than a client should know.
#[derive(Clone, Debug)]
struct Secret;

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("password of db.internal refused")
    }
}

impl std::error::Error for Secret {}

/// What the application is told goes here.
fn telling(config: Config) -> (Io, Arc<Mutex<Vec<String>>>) {
    let io = Io::new(config);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    io.on_error(move |error| {
        let refused = matches!(error.why, Failure::Refused(_));
        let kind = if refused { "refused: " } else { "" };
        let line = format!("{}: {kind}{}", error.event, error.why);
        tell.lock().unwrap().push(line);
    });
    io.on_mistyped(Reaction::RefuseAck);
    (io, told)
}

async fn arguments_are_taken_in_turn(on: On) {
    // faults: A4
    let (io, told) = telling(calm());
    let main = io.of("/");
    main.on(
        "two",
        |Data(a): Data<String>, Data(b): Data<String>, ack: Ack| ack.send(&[a, b]),
    );
    main.on(
        "mixed",
        |Data((x, y)): Data<(u8, u8)>,
         all: Args,
         Data(()): Data<()>,
         Data(z): Data<Option<u8>>,
         ack: Ack| { ack.send(&(x, y, z, all.len())) },
    );
    // Each handler begins at the first.
    main.on(
        "mixed",
        |socket: Socket, Data(x): Data<u8>, Data(y): Data<u8>| socket.emit("again", &(x, y)),
    );
    main.on(
        "try",
        |TryData(a): TryData<(u8, u8)>,
         TryData(b): TryData<u8>,
         Data(rest): Data<Args>,
         ack: Ack| { ack.send(&(a.is_ok(), b.ok(), rest.elements())) },
    );
    main.on(
        "bytes",
        |Data(a): Data<Bytes>, Data(b): Data<Bytes>, Data(rest): Data<Args>, ack: Ack| {
            ack.send(&(a.len(), b.len(), rest.decode::<Bytes>().unwrap().len()))
        },
    );
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["two","first","second"]"#).await;
    client.expect(r#"431["first","second"]"#).await;
    client.send(r#"422["mixed",1,2,3,4]"#).await;
    client.expect(r#"432[1,2,3,4]"#).await;
    client.expect(r#"42["again",1,2]"#).await;
    client.send(r#"423["mixed",1,2]"#).await;
    client.expect(r#"433[1,2,null,2]"#).await;
    client.expect(r#"42["again",1,2]"#).await;
    // What is wrong is told, and counts as taken.
    client
        .send(r#"424["try","a","b",3,{"x":"\ud800"},4]"#)
        .await;
    client
        .expect(r#"434[false,3,"{\"x\":\"\\ud800\"},4"]"#)
        .await;
    client.send(r#"425["two","first",2]"#).await;
    client.expect(r#"435[{"error":"invalid arguments"}]"#).await;
    client.send(r#"426["two","first"]"#).await;
    client.expect(r#"436[{"error":"invalid arguments"}]"#).await;
    let attached = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let packet = format!(
        r#"453-7["bytes",{},{},{}]"#,
        attached(0),
        attached(1),
        attached(2)
    );
    client.send(&packet).await;
    for length in [1, 2, 3] {
        client.send_binary(&[7; 3][..length]).await;
    }
    client.expect("437[1,2,3]").await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .all(|line| line.starts_with("two: argument 1: ")),
        "{told:?}"
    );
    world.ends().await;
}

async fn a_client_hears_nothing_but_what_it_is_meant_to(on: On) {
    // faults: A3
    let (io, told) = telling(calm());
    let main = io.of("/");
    main.on("number", |Data(_): Data<u8>| {});
    main.on("state", |State(_): State<Arc<Secret>>| {});
    main.on("absent", |_: sio_tokio::DisconnectReason| {});
    main.on("text", || Err::<(), _>("a text".to_owned()));
    main.on("secret", || Err::<(), _>(Secret));
    main.on("boxed", || {
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(Secret.into())
    });
    main.on("chosen", || {
        Err::<(), _>(Refusal::new("not you").data("E_YOU"))
    });
    main.on("later", async || {
        pause(Duration::from_millis(2)).await;
        Err::<(), _>(Secret)
    });
    main.on("chosen later", async || {
        pause(Duration::from_millis(2)).await;
        Err::<(), _>(Refusal::new("not now"))
    });
    main.on("chosen in a box", || {
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(Refusal::new("nor you").into())
    });
    main.on_connect(|socket: Socket| {
        socket.use_(|packet: &mut Incoming| match &*packet.name {
            "filtered" => Err(Secret),
            _ => Ok(()),
        });
        socket.use_(|packet: &mut Incoming| match &*packet.name {
            "refused" => Err("no"),
            _ => Ok(()),
        });
        socket.on_error(|socket: Socket, refusal: Refusal| socket.emit("heard", &refusal.message));
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    for (event, answer) in [
        (r#""number","x""#, r#"{"error":"invalid arguments"}"#),
        (r#""state""#, r#"{"error":"internal error"}"#),
        (r#""absent""#, r#"{"error":"internal error"}"#),
        (r#""text""#, r#"{"error":"internal error"}"#),
        (r#""secret""#, r#"{"error":"internal error"}"#),
        (r#""boxed""#, r#"{"error":"internal error"}"#),
        (r#""later""#, r#"{"error":"internal error"}"#),
        (r#""chosen""#, r#"{"data":"E_YOU","error":"not you"}"#),
        (r#""chosen later""#, r#"{"error":"not now"}"#),
        (r#""chosen in a box""#, r#"{"error":"nor you"}"#),
    ] {
        client.send(&format!("421[{event}]")).await;
        client.expect(&format!("431[{answer}]")).await;
    }
    for (event, answer) in [("filtered", "internal error"), ("refused", "no")] {
        client.send(&format!(r#"422["{event}"]"#)).await;
        client
            .expect(&format!(r#"432[{{"error":"{answer}"}}]"#))
            .await;
        client.expect(&format!(r#"42["heard","{answer}"]"#)).await;
    }
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 11, "{told:?}");
    assert!(told[1].contains("no state of type"), "{told:?}");
    assert_eq!(told[3], "text: a text");
    assert_eq!(told[4], "secret: password of db.internal refused");
    assert_eq!(told[7], "chosen: refused: not you");
    assert_eq!(told[10], "filtered: password of db.internal refused");
    world.ends().await;
}

async fn a_middleware_is_written_as_a_handler_is(on: On) {
    // faults: A9
    let (io, told) = telling(calm());
    io.set_state(Arc::new(String::from("good")));
    assert_eq!(
        io.state::<Arc<String>>().as_deref().map(|it| &**it),
        Some("good")
    );
    type Any = Box<dyn std::error::Error + Send + Sync>;
    io.use_(
        async |State(good): State<Arc<String>>, Data(token): Data<Token>, socket: Socket| {
            if token.token == "break" {
                Err(Secret)?;
            }
            if token.token != *good {
                Err(Refusal::new("unknown token").data(serde_json::json!({ "retry": false })))?;
            }
            socket.join("known")?;
            Ok::<(), Any>(())
        },
    );
    io.use_(|| {});
    io.use_(|socket: Socket| match socket.handshake().query.get("let") {
        Some("out") => Err(format!("no {}", "entry")),
        _ => Ok(()),
    });
    io.on("connection", |socket: Socket| {
        socket.emit("rooms", &socket.rooms().len())
    });
    io.on("ping", |ack: Ack| ack.send(&"pong"));
    let once = io.once("once", |socket: Socket| socket.emit("once", &()));
    assert_eq!(io.listeners_of("once"), [once]);
    io.on_any(|socket: Socket| socket.emit("any", &()));
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    for (auth, answer) in [
        (
            r#"{"token":"bad"}"#,
            r#"{"message":"unknown token","data":{"retry":false}}"#,
        ),
        (r#"{"token":"break"}"#, r#"{"message":"internal error"}"#),
        (r#"{"token":7}"#, r#"{"message":"invalid arguments"}"#),
    ] {
        client.send(&format!("40{auth}")).await;
        client.expect(&format!("44{answer}")).await;
    }
    client.send(r#"40{"token":"good"}"#).await;
    assert!(client.text().await.starts_with(r#"40{"sid""#));
    client.expect(r#"42["rooms",2]"#).await;
    client.send(r#"421["ping"]"#).await;
    client.expect(r#"42["any"]"#).await;
    client.expect(r#"431["pong"]"#).await;
    let mut other = crate::client::Client::open(world.address, "&let=out").await;
    other.send(r#"40{"token":"good"}"#).await;
    other.expect(r#"44{"message":"no entry"}"#).await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "connect: password of db.internal refused");
    assert!(told[1].starts_with("connect: argument 0: "), "{told:?}");
    drop(other);
    world.ends().await;
}

#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

on_each_runtime! {
    arguments_are_taken_in_turn,
    a_client_hears_nothing_but_what_it_is_meant_to,
    a_middleware_is_written_as_a_handler_is,
}
