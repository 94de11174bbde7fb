//! What clients of the simulation hear and say.

use std::collections::BTreeSet;
use std::sync::Mutex;

use sio_sim::client::{ClientError, ConnectError};
use sio_sim::core::client::Config as ClientConfig;
use sio_sim::{
    Ack, AckError, Bytes, Check, Config, Data, Io, Refusal, Socket, TransportKind, check, secs,
};

fn app() -> Io {
    let io = Io::new(Config::v2());
    let main = io.of("/");
    main.on("add", |Data((a, b)): Data<(u32, u32)>, ack: Ack| {
        ack.send(&(a + b))
    });
    main.on("back", |socket: Socket, Data(bytes): Data<Bytes>| {
        socket.emit("back", &bytes)
    });
    main.on("ask me", async |socket: Socket, ack: Ack| {
        let answer: Result<String, AckError> = socket.emit_with_ack("who?", &()).await;
        ack.send(&answer.unwrap_or_default())
    });
    main.on("never", || {});
    main.on("kick", |socket: Socket| socket.disconnect(false));
    io.of("/other")
        .on_connect(|socket: Socket| socket.emit("welcome", &1));
    io.of("/closed")
        .use_(|_: Socket| Err::<(), _>(Refusal::new("members only")));
    io
}

#[test]
fn both_sides_are_heard_by_every_transport_and_revision() {
    let seen = Mutex::new(BTreeSet::new());
    check(async |sim| {
        let server = sim.host("server").serve(&app())?;
        let old = sim.choose(|choices| choices.one_in(2));
        let config = if old {
            ClientConfig::v2()
        } else {
            ClientConfig::v4()
        };
        let ann = sim
            .host("ann")
            .client(&server)
            .config(config)
            .connect("/")
            .await?;
        assert_eq!(ann.emit_with_ack::<u32>("add", &(1, 2)).await?, 3);
        ann.emit("back", &Bytes::from("bytes"))?;
        assert_eq!(ann.expect::<Bytes>("back").await?, "bytes");

        let asked = ann.emit_with_ack::<String>("ask me", &());
        let question = ann.expect_event("who?").await?;
        assert!(question.wants_answer());
        question.answer(&"ann")?;
        assert_eq!(asked.await?, "ann");

        let other = ann.client().connect("/other").await?;
        assert_eq!(other.next().await?.args::<u32>()?, 1);
        assert_ne!(ann.id(), other.id());
        sim.advance(secs(60)).await;
        assert!(ann.is_connected() && other.is_connected());
        seen.lock()
            .unwrap()
            .insert((old, ann.client().transport().map(TransportKind::as_str)));
        ann.emit("kick", &())?;
        assert_eq!(ann.disconnected().await?, "io server disconnect");
        other.disconnect();
        assert_eq!(other.disconnected().await?, "io client disconnect");
        Ok(())
    });
    let both = [Some("polling"), Some("websocket")];
    let all = [false, true].map(|old| both.map(|it| (old, it)));
    let all: BTreeSet<_> = all.into_iter().flatten().collect();
    assert_eq!(*seen.lock().unwrap(), all);
}

#[test]
fn who_is_not_let_in_hears_why() {
    check(async |sim| {
        let server = sim.host("server").serve(&app())?;
        let refused = sim.host("ann").client(&server).connect("/closed").await;
        let Err(ClientError::Refused(ConnectError::Refused(refusal))) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal.message, "members only");
        Ok(())
    });
}

#[test]
fn what_does_not_come_is_late_and_says_what_came() {
    Check::new().seeds(5).run(async |sim| {
        let server = sim.host("server").serve(&app())?;
        let ann = sim
            .host("ann")
            .client(&server)
            .patience(secs(15))
            .connect("/other")
            .await?;
        let began = sim.elapsed();
        let late = ann.expect::<u32>("goodbye").await.unwrap_err();
        assert_eq!(
            late.to_string(),
            "ann waited 15s for \"goodbye\", and heard \"welcome\" [1]"
        );
        assert_eq!(sim.elapsed() - began, secs(15));
        assert_eq!(ann.heard(), ["welcome"]);

        let main = ann.client().connect("/").await?;
        let never = main
            .timeout(secs(3))
            .emit_with_ack::<u32>("never", &())
            .await;
        assert_eq!(never, Err(AckError::Timeout));
        Ok(())
    });
}

#[test]
fn a_client_whose_host_crashes_is_closed_and_its_server_lets_it_go() {
    check(async |sim| {
        let io = app();
        let server = sim.host("server").serve(&io)?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        let never = ann.emit_with_ack::<u32>("never", &());
        // So that nobody is told.
        sim.partition("ann", "server");
        sim.crash("ann");
        assert_eq!(never.await, Err(AckError::Disconnected));
        assert!(matches!(
            ann.expect::<u32>("x").await,
            Err(ClientError::Closed)
        ));
        assert!(matches!(ann.emit("x", &()), Err(ClientError::Closed)));
        assert_eq!(io.of("/").len(), 1);
        sim.advance(secs(90)).await;
        assert_eq!(io.of("/").len(), 0);
        sim.restart("ann");
        sim.heal();
        sim.host("ann").client(&server).connect("/").await?;
        Ok(())
    });
}

#[test]
fn clients_come_back_to_a_server_that_was_started_again() {
    check(async |sim| {
        let server = sim.host("server").serve_with(|| app().into())?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        sim.crash("server");
        let reason = ann.disconnected().await?;
        assert!(
            ["transport close", "transport error"].contains(&reason),
            "{reason}"
        );
        ann.emit("back", &Bytes::from("kept"))?;
        sim.advance(secs(10)).await;
        sim.restart("server");
        ann.connected().await?;
        assert_eq!(ann.expect::<Bytes>("back").await?, "kept");
        Ok(())
    });
}
