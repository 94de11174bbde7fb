//! Plain clients of Engine.IO, on both bindings, against servers as they are: engine.io 6 and 3, and ours.

use std::time::Duration;

use bytes::Bytes;
use sio_core::engine::{CloseReason, Message};
use sio_core::protocol::TransportKind::{self, Polling, WebSocket};
use sio_tests::{
    conversation::start,
    example::Binding,
    port::free_address,
    reference::{Kind, Server},
};

/// The story of one client, on a runtime: `$client` is its module, `$sleep` waits.
macro_rules! story {
    ($name:ident, $client:path, $sleep:path) => {
        async fn $name(server: &Server, transports: &'static [TransportKind]) {
            use $client as client;
            let config = if server.kind == Kind::Old {
                client::Config::v2()
            } else {
                client::Config::v4()
            };
            let builder = client::Client::builder(format!("http://{}", server.address))
                .expect("a URL")
                .config(config)
                .path("/engine.io/")
                .transports(transports);
            let mut client = builder.clone().connect_engine().await.expect("a session");
            assert!(client.is_open() && client.sid().is_some());
            let text = Message::Text("€ \u{1f600}".into());
            let bytes = Message::Binary((0..=255).collect::<Vec<u8>>().into());
            for round in 0..20 {
                for message in [&text, &bytes] {
                    client.send(message.clone()).expect("room");
                    let echo = client.next().await;
                    assert_eq!(echo.as_ref(), Some(message), "{round}");
                }
            }
            client.send("give binary 50000").expect("room");
            let given = client.next().await;
            assert_eq!(given, Some(Message::Binary(Bytes::from(vec![7; 50_000]))));
            // Somebody else speaks, too, while nobody listens; then a ping or two are answered.
            let sender = client.sender();
            sender.send("kept").expect("room");
            $sleep(Duration::from_millis(2500)).await;
            assert_eq!(client.next().await, Some(Message::Text("kept".into())));
            let last = transports.last().copied();
            for _ in 0..500 {
                if Some(client.transport()) == last {
                    break;
                }
                $sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(Some(client.transport()), last);
            client.send("close me").expect("room");
            assert_eq!(client.next().await, None);
            let closed = client.closed().expect("it is over");
            assert_eq!(closed.reason, CloseReason::TransportClose);
            assert!(sender.send("late").is_err());
            // One that leaves by itself has said what it had to say, and leaves nothing.
            let leaving = builder.connect_engine().await.expect("a session");
            leaving.send("last").expect("room");
            leaving.close().await;
        }
    };
}

story!(on_tokio, sio_tokio::client, tokio::time::sleep);
story!(on_smol, sio_smol::client, rest);

async fn rest(time: Duration) {
    smol::Timer::after(time).await;
}

/// By each transport, on both bindings, all at the same time.
fn stories(kind: Kind) {
    let server = start(kind, &[]);
    std::thread::scope(|scope| {
        for transports in [&[Polling][..], &[WebSocket], &[Polling, WebSocket]] {
            let server = &server;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = runtime.expect("a runtime");
                runtime.block_on(on_tokio(server, transports));
            });
            scope.spawn(move || smol::block_on(on_smol(server, transports)));
        }
    });
}

#[test]
fn engine_io_6() {
    stories(Kind::Official);
}

#[test]
fn engine_io_3() {
    stories(Kind::Old);
}

#[test]
fn ours_on_tokio() {
    stories(Kind::Ours(Binding::Tokio));
}

#[test]
fn ours_on_smol() {
    stories(Kind::Ours(Binding::Smol));
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_so() {
    smol::block_on(async {
        let address = free_address();
        let error = sio_smol::client::engine::connect(format!("http://{address}"));
        let error = error.await.expect_err("nobody is there");
        assert!(
            matches!(
                &error,
                sio_smol::client::FirstError::Connect(sio_smol::client::ConnectError::Transport(it))
                    if it.failure == sio_smol::client::TransportFailure::Tcp
            ),
            "{error:?}"
        );
    });
}
