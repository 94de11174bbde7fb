//! Clients of one server that have different parsers, by what they ask for in their handshake.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;
use sio_sim::Sim;
use sio_sim::core::record::{Log, ParserKind, Replay};
use sio_tokio::parser::{Decoder, EncodeError, Fault, Limits, Message, Msgpack, Packet, Parser};
use sio_tokio::{
    Ack, Args, Bytes, Codec, Config, ConnectionError, ConnectionStateRecovery, Data, EmitError,
    EngineServer, Io, Recording, Refusal, Server, Socket,
};

use crate::client::{Client, calm, request};
use crate::here::{until, within};
use crate::recovery::{claims, enter, events};
use crate::wire::{Wire, opening_at};
use crate::world::{On, World};

/// Packets as JSON text, counted as they are written. It does not write what is called `never`.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Parser for Counting {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let name = packet.data.as_ref().and_then(|data| data[0].as_str());
        if name == Some("never") {
            return Err(EncodeError::refused("never"));
        }
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Limits| match message {
            Message::Text(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_| Fault::Payload),
            Message::Binary(_) => Err(Fault::UnexpectedBinary),
        })
    }
}

fn several(config: Config) -> (Config, Counting) {
    let counting = Counting::default();
    let json = Codec::from(counting.clone());
    (
        config.parsers([("json", json), ("msgpack", Msgpack.into())]),
        counting,
    )
}

fn talkative(config: Config) -> Io {
    let io = Io::new(config);
    let main = io.of("/");
    main.on_connect(|socket: Socket| {
        let _ = socket.join("lobby");
    });
    main.on("sync", |ack: Ack| ack.send(&()));
    main.on("echo", |args: Args, ack: Ack| ack.send(&args));
    main.on("ask", async |socket: Socket, ack: Ack| {
        let answer = socket.emit_with_ack::<String>("asked", &"why").await;
        ack.send(&answer.unwrap_or_default())
    });
    main.on("tell", |socket: Socket, args: Args| {
        socket.to("lobby").emit("told", &args)
    });
    main.on("leave", |socket: Socket| socket.disconnect(false));
    io.of("/locked")
        .use_(|_: Socket| Err(Refusal::new("locked").data("E_LOCKED")));
    io
}

/// A client whose packets are JSON, in `/`.
async fn json_client(world: &World) -> Client {
    let mut client = Client::open(world.address, "&parser=json").await;
    client.send(r#"4{"type":0,"nsp":"/"}"#).await;
    let entered = client.text().await;
    assert!(
        entered.starts_with(r#"4{"type":0,"nsp":"/","data":{"sid":""#),
        "{entered}"
    );
    client
}

/// A client whose packets are msgpack, in `/`.
async fn msgpack_client(world: &World) -> Client {
    let mut client = Client::open(world.address, "&parser=msgpack").await;
    client
        .send_binary(&[&[0x82][..], &HEAD, &[0], &NAMESPACE].concat())
        .await;
    let entered = binary(&mut client).await;
    assert!(entered.starts_with(&[&[0x83][..], &HEAD, &[0], &NAMESPACE].concat()));
    client
}

/// `type` and `nsp: "/"` as msgpack has them.
const HEAD: [u8; 5] = *b"\xa4type";
const NAMESPACE: [u8; 6] = *b"\xa3nsp\xa1/";

async fn binary(client: &mut Client) -> Bytes {
    client.next().await.expect("a packet").into_data()
}

/// An event in `/` as msgpack, whose data are these bytes.
fn packed(data: &[u8]) -> Vec<u8> {
    [&[0x83][..], &HEAD, &[2], &NAMESPACE, b"\xa4data", data].concat()
}

async fn each_speaks_as_it_has_asked_and_all_share_rooms(on: On) {
    let (config, counting) = several(calm());
    let world = World::new(on, talkative(config)).await;
    let main = world.io.of("/");
    let (mut text, _) = world.join().await;
    let mut json = json_client(&world).await;
    let mut other = json_client(&world).await;
    let mut packs = msgpack_client(&world).await;

    // Answers, questions, refusals.
    text.send(r#"421["echo",1]"#).await;
    text.expect("431[1]").await;
    json.send(r#"4{"type":2,"nsp":"/","id":1,"data":["echo",1]}"#)
        .await;
    json.expect(r#"4{"type":3,"nsp":"/","id":1,"data":[1]}"#)
        .await;
    json.send(r#"4{"type":2,"nsp":"/","id":2,"data":["ask"]}"#)
        .await;
    let asked: Json = serde_json::from_str(&json.text().await[1..]).unwrap();
    assert_eq!(asked["data"].to_string(), r#"["asked","why"]"#);
    json.send(&format!(
        r#"4{{"type":3,"nsp":"/","id":{},"data":["so"]}}"#,
        asked["id"]
    ))
    .await;
    json.expect(r#"4{"type":3,"nsp":"/","id":2,"data":["so"]}"#)
        .await;
    json.send(r#"4{"type":0,"nsp":"/locked"}"#).await;
    json.expect(r#"4{"type":4,"nsp":"/locked","data":{"message":"locked","data":"E_LOCKED"}}"#)
        .await;

    // What is for all is written once for each parser, whoever says it.
    let before = counting.0.load(Ordering::Relaxed);
    for _ in 0..5 {
        main.to("lobby").emit("news", &(1, "é")).unwrap();
    }
    for _ in 0..5 {
        text.expect(r#"42["news",1,"é"]"#).await;
        for client in [&mut json, &mut other] {
            client
                .expect(r#"4{"type":2,"nsp":"/","data":["news",1,"é"]}"#)
                .await;
        }
        assert_eq!(
            binary(&mut packs).await,
            packed(b"\x93\xa4news\x01\xa2\xc3\xa9")
        );
    }
    // Once, or by each of the two threads that may need it at the same moment.
    let written = counting.0.load(Ordering::Relaxed) - before;
    let at_most = if Sim::current().is_some() { 5 } else { 10 };
    assert!((5..=at_most).contains(&written), "{written}");
    packs
        .send_binary(&packed(b"\x92\xa4tell\xc4\x02\0\xff"))
        .await;
    text.expect(r#"451-["told",{"_placeholder":true,"num":0}]"#)
        .await;
    assert_eq!(binary(&mut text).await, &b"\0\xff"[..]);
    json.expect(r#"4{"type":2,"nsp":"/","data":["told",[0,255]]}"#)
        .await;
    other
        .expect(r#"4{"type":2,"nsp":"/","data":["told",[0,255]]}"#)
        .await;

    json.send(r#"4{"type":2,"nsp":"/","data":["leave"]}"#).await;
    json.expect(r#"4{"type":1,"nsp":"/"}"#).await;
    // It has asked for another than it has.
    other.send(r#"42["echo",1]"#).await;
    assert_eq!(other.rest().await.0, [""; 0]);
    let mut liar = Client::open(world.address, "&parser=msgpack").await;
    liar.send("40").await;
    assert_eq!(liar.rest().await.0, [""; 0]);
    text.send(r#"422["echo",2]"#).await;
    text.expect("432[2]").await;
    world.ends().await;
}

async fn all_of_them_are_asked(on: On) {
    let (config, _) = several(calm());
    let world = World::new(on, talkative(config)).await;
    let main = world.io.of("/");
    let (mut text, _) = world.join().await;
    let mut json = json_client(&world).await;
    let mut other = json_client(&world).await;
    let mut packs = msgpack_client(&world).await;
    let replies = main
        .timeout(Duration::from_secs(30))
        .emit_with_ack::<u8>("all?", &());
    let question = text.text().await;
    let id = question
        .trim_start_matches("42")
        .trim_end_matches(r#"["all?"]"#)
        .to_owned();
    text.send(&format!("43{id}[1]")).await;
    for client in [&mut json, &mut other] {
        client
            .expect(&format!(
                r#"4{{"type":2,"nsp":"/","id":{id},"data":["all?"]}}"#
            ))
            .await;
        client
            .send(&format!(r#"4{{"type":3,"nsp":"/","id":{id},"data":[2]}}"#))
            .await;
    }
    assert!(binary(&mut packs).await.ends_with(b"\xa4data\x91\xa4all?"));
    let number: u8 = id.parse().unwrap();
    let answer = [
        &[0x84][..],
        &HEAD,
        &[3],
        &NAMESPACE,
        b"\xa2id",
        &[number],
        b"\xa4data\x91\x03",
    ];
    packs.send_binary(&answer.concat()).await;
    let mut answers = within("answers", replies).await.unwrap().ok();
    answers.sort_unstable();
    assert_eq!(answers, [1, 2, 2, 3]);
    world.ends().await;
}

async fn a_name_that_nobody_has_is_refused(on: On) {
    let (config, _) = several(calm());
    let io = talkative(config);
    let refused = Arc::new(Mutex::new(Vec::new()));
    let told = refused.clone();
    io.on_connection_error(move |error: &ConnectionError| {
        let context = error.context.as_ref().map(ToString::to_string);
        told.lock()
            .unwrap()
            .push((error.code, context.unwrap_or_default()));
    });
    let world = World::new(on, io).await;
    let bad = r#"{"code":3,"message":"Bad request"}"#;
    for (query, context) in [
        ("&parser=cbor", r#"no parser "cbor""#),
        ("&parser=", r#"no parser """#),
        ("&parser=JSON", r#"no parser "JSON""#),
        ("&parser=json&parser=json", "query cannot be read"),
    ] {
        let answer = request(world.address, "GET", query, "").await;
        assert_eq!((answer.status, &*answer.body), (400, bad), "{query}");
        let heard = refused.lock().unwrap().pop().unwrap();
        assert_eq!(heard, (Some(3), context.to_owned()), "{query}");
    }
    // A session has the one that it was opened with, whatever its requests name.
    let (mut text, _) = world.join().await;
    let poller = world.poller().await;
    poller.enter().await;
    let answer = request(
        world.address,
        "POST",
        &format!("&sid={}&parser=cbor", poller.sid),
        r#"421["echo"]"#,
    )
    .await;
    assert_eq!(answer.body, "ok");
    assert_eq!(poller.poll().await.body, "431[]");
    text.sync().await;
    world.ends().await;

    // Where there is nothing to choose, it is the application's own word.
    let world = World::new(on, talkative(calm())).await;
    let mut client = Client::open(world.address, "&parser=cbor").await;
    client.enter("").await;
    client.sync().await;
    world.ends().await;
}

async fn who_comes_back_by_another_parser_has_missed_nothing(on: On) {
    let (config, _) = several(calm());
    let recovery = ConnectionStateRecovery::default();
    let world = World::new(on, talkative(config.connection_state_recovery(recovery))).await;
    let main = world.io.of("/");
    let mut text = world.open().await;
    let (known, _) = enter(&mut text, "").await;
    let socket = main.get(&known.id).unwrap();
    main.emit("first", &()).unwrap();
    let first = text.text().await;
    let offset = first.rsplit('"').nth(1).unwrap().to_owned();
    assert_eq!(events(&[first]), [r#"42["first"]"#]);
    drop(text);
    until("it to be away", || !socket.connected()).await;
    main.to("lobby").emit("second", &2).unwrap();
    main.to(&*known.id).emit("third", &3).unwrap();

    let mut json = Client::open(world.address, "&parser=json").await;
    json.send(&format!(
        r#"4{{"type":0,"nsp":"/","data":{}}}"#,
        claims(&known, &offset)
    ))
    .await;
    for missed in [r#"["second",2,"#, r#"["third",3,"#] {
        let said = json.text().await;
        let event = format!(r#"4{{"type":2,"nsp":"/","data":{missed}"#);
        assert!(said.starts_with(&event), "{said}");
    }
    let entered: Json = serde_json::from_str(&json.text().await[1..]).unwrap();
    assert_eq!(
        (&entered["data"]["sid"], &entered["data"]["pid"]),
        (&known.id.into(), &known.pid.into())
    );
    main.to("lobby").emit("fourth", &4).unwrap();
    assert!(
        json.text()
            .await
            .starts_with(r#"4{"type":2,"nsp":"/","data":["fourth",4,"#)
    );
    world.ends().await;
}

async fn who_cannot_be_told_what_it_missed_may_come_back_by_another(on: On) {
    let (config, _) = several(calm());
    let recovery = ConnectionStateRecovery::default();
    let world = World::new(on, talkative(config.connection_state_recovery(recovery))).await;
    let main = world.io.of("/");
    let mut text = world.open().await;
    let (known, _) = enter(&mut text, "").await;
    let socket = main.get(&known.id).unwrap();
    main.emit("first", &()).unwrap();
    let offset = text.text().await.rsplit('"').nth(1).unwrap().to_owned();
    drop(text);
    until("it to be away", || !socket.connected()).await;
    main.to("lobby").emit("never", &1).unwrap();

    let mut json = Client::open(world.address, "&parser=json").await;
    let claim = claims(&known, &offset);
    json.send(&format!(r#"4{{"type":0,"nsp":"/","data":{claim}}}"#))
        .await;
    let over = json.next().await;
    assert!(
        matches!(over, Some(crate::client::Message::Close(_))),
        "{over:?}"
    );
    until("its connection to be over", || {
        world.io.engine_sessions() == 0
    })
    .await;

    let mut text = world.open().await;
    let (again, before) = enter(&mut text, &claim).await;
    assert_eq!(again, known);
    assert_eq!(events(&before), [r#"42["never",1]"#]);
    world.ends().await;
}

async fn what_one_does_not_write_its_clients_alone_go_without(on: On) {
    let (config, _) = several(calm());
    let io = talkative(config);
    let failed = Arc::new(Mutex::new(Vec::new()));
    let told = failed.clone();
    io.of("/")
        .on("hurt", move |socket: Socket, Data(all): Data<bool>| {
            let result = match all {
                true => socket.namespace().emit("never", &()),
                false => socket.emit("never", &()),
            };
            told.lock().unwrap().push(result);
        });
    let world = World::new(on, io).await;
    let (mut text, _) = world.join().await;
    let mut json = json_client(&world).await;
    json.send(r#"4{"type":2,"nsp":"/","data":["hurt",true]}"#)
        .await;
    text.expect(r#"42["never"]"#).await;
    json.send(r#"4{"type":2,"nsp":"/","data":["hurt",false]}"#)
        .await;
    json.send(r#"4{"type":2,"nsp":"/","id":1,"data":["echo"]}"#)
        .await;
    json.expect(r#"4{"type":3,"nsp":"/","id":1,"data":[]}"#)
        .await;
    let [all, alone] = <[_; 2]>::try_from(std::mem::take(&mut *failed.lock().unwrap())).unwrap();
    assert_eq!(all, Ok(()));
    assert!(matches!(
        alone,
        Err(EmitError::Encode(EncodeError::Refused(_)))
    ));
    // It is asked in vain.
    let replies = world
        .io
        .of("/")
        .timeout(Duration::from_secs(30))
        .emit_with_ack::<u8>("never", &());
    let id = text
        .text()
        .await
        .trim_start_matches("42")
        .trim_end_matches(r#"["never"]"#)
        .to_owned();
    text.send(&format!("43{id}[1]")).await;
    let replies = within("answers", replies).await.unwrap();
    assert_eq!((replies.answers.len(), replies.ok()), (2, vec![1]));
    world.ends().await;
}

async fn a_record_names_the_parser_of_its_connection(on: On) {
    let (config, _) = several(calm());
    let io = talkative(config);
    let logs = Arc::new(Mutex::new(Vec::new()));
    let kept = logs.clone();
    io.record(Recording::new(move |log| kept.lock().unwrap().push(log)));
    let world = World::new(on, io).await;
    let main = world.io.of("/");
    let (mut text, _) = world.join().await;
    let mut packs = msgpack_client(&world).await;
    main.emit("news", &(1, Bytes::from_static(b"x"))).unwrap();
    text.expect(r#"451-["news",1,{"_placeholder":true,"num":0}]"#)
        .await;
    assert_eq!(binary(&mut text).await, &b"x"[..]);
    assert_eq!(
        binary(&mut packs).await,
        packed(b"\x93\xa4news\x01\xc4\x01x")
    );
    world.ends().await;
    let logs = std::mem::take(&mut *logs.lock().unwrap());
    let mut kinds = Vec::new();
    for log in logs {
        let log = Log::read(log).unwrap();
        kinds.push(log.parser());
        assert_eq!(Replay::new(log).unwrap().finish(), Ok(()));
    }
    kinds.sort_unstable_by_key(|kind| format!("{kind:?}"));
    assert_eq!(kinds, [ParserKind::Msgpack, ParserKind::Text]);
}

async fn at_an_engine_of_its_own_the_same_names_hold(on: On) {
    let (config, _) = several(calm());
    let io = talkative(config.clone());
    let engine = EngineServer::new(config.path("/realtime"));
    io.bind(&engine);
    let world = World::serving(on, io, Server::from(engine)).await;
    let open = |query| {
        let address = world.address;
        async move { Client::on(Wire::opened(address, &opening_at("/realtime", query)).await) }
    };
    let mut json = open("&parser=json").await;
    assert!(json.text().await.starts_with("0{"));
    json.send(r#"4{"type":0,"nsp":"/"}"#).await;
    assert!(
        json.text()
            .await
            .starts_with(r#"4{"type":0,"nsp":"/","data":{"sid":"#)
    );
    let mut text = open("").await;
    assert!(text.text().await.starts_with("0{"));
    text.enter("").await;
    world.io.emit("news", &1).unwrap();
    text.expect(r#"42["news",1]"#).await;
    json.expect(r#"4{"type":2,"nsp":"/","data":["news",1]}"#)
        .await;
    world.ends().await;
}

on_each_runtime! {
    each_speaks_as_it_has_asked_and_all_share_rooms,
    all_of_them_are_asked,
    a_name_that_nobody_has_is_refused,
    who_comes_back_by_another_parser_has_missed_nothing,
    who_cannot_be_told_what_it_missed_may_come_back_by_another,
    what_one_does_not_write_its_clients_alone_go_without,
    a_record_names_the_parser_of_its_connection,
    at_an_engine_of_its_own_the_same_names_hold,
}
