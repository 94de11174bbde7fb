//! That it is found where what the core's server says is not what the driver said.

use std::time::Duration;

use sio_sim::{Act, Deed, History, Sim};
use sio_tests::replay::compare;
use sio_tokio::{Ack, Args, Io};

use crate::client::{Client, calm, request};
use crate::here::sleep;
use crate::world::{Simulated, World};

/// One client polls, moves to a WebSocket and stays for a ping; another knows no session.
fn recorded() -> History {
    let sim = Sim::new(1);
    sim.run(async {
        let io = Io::new(calm());
        io.of("/")
            .on("echo", |args: Args, ack: Ack| ack.send(&args));
        let world = World::new(&Simulated, io).await;
        let poller = world.poller().await;
        poller.enter().await;
        assert_eq!(poller.post(r#"421["echo",1]"#).await.body, "ok");
        assert_eq!(poller.poll().await.body, "431[1]");
        let stranger = request(world.address, "GET", "&sid=nobody", "").await;
        assert_eq!(stranger.status, 400);
        let mut client = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
        client.send("2probe").await;
        client.expect("3probe").await;
        client.send("5").await;
        client.send("40/none,").await;
        client
            .expect(r#"44/none,{"message":"Invalid namespace"}"#)
            .await;
        sleep(Duration::from_secs(30)).await;
        client.send(r#"422["echo",2]"#).await;
        client.expect("432[2]").await;
        world.ends().await;
    });
    whole(sim.history())
}

/// The same, in which what is written in pieces is written at once.
fn whole(mut history: History) -> History {
    let mut acts: Vec<Act> = Vec::new();
    for act in history.acts {
        match (acts.last_mut(), &act.deed) {
            (
                Some(Act {
                    at,
                    connection,
                    deed: Deed::Wrote(before),
                }),
                Deed::Wrote(bytes),
            ) if (*at, *connection) == (act.at, act.connection) => {
                *before = [&before[..], &bytes[..]].concat().into();
            }
            _ => acts.push(act),
        }
    }
    history.acts = acts;
    history
}

/// The same with other bytes in one of the server's writes.
fn altered(history: &History, from: &[u8], to: &[u8]) -> History {
    let mut altered = history.clone();
    let mut written = altered
        .acts
        .iter_mut()
        .filter_map(|act| match &mut act.deed {
            Deed::Wrote(bytes) => Some(bytes),
            Deed::Read(_) | Deed::End | Deed::Left => None,
        });
    let found = written.find_map(|bytes| {
        let at = bytes.windows(from.len()).position(|some| some == from)?;
        Some((bytes, at))
    });
    let (bytes, at) = found.unwrap_or_else(|| panic!("{from:?} is not written"));
    *bytes = [&bytes[..at], to, &bytes[at + from.len()..]]
        .concat()
        .into();
    altered
}

#[test]
fn what_differs_by_a_byte_is_found() {
    let history = recorded();
    let compared = compare(&history).expect("the same");
    assert_eq!(compared.connections, 7);
    assert!(compared.units >= 12, "{compared:?}");
    let differences: [(&[u8], &[u8]); 7] = [
        // A handshake, a response to a POST, a refusal, a header.
        (b"25000", b"25001"),
        (b"\r\nok", b"\r\nko"),
        (b"Session ID unknown", b"Session ID unknowm"),
        (b"no-store", b"no-stare"),
        // A probe, a ping, the code of the end.
        (b"3probe", b"3prude"),
        (b"\x81\x012", b"\x81\x016"),
        (b"\x88\x02\x03\xe9", b"\x88\x02\x03\xe8"),
    ];
    for (from, to) in differences {
        let found = compare(&altered(&history, from, to));
        assert!(found.is_err(), "{to:?} is taken for {from:?}");
    }
}

#[test]
fn what_comes_at_another_time_is_found() {
    let mut history = recorded();
    let ping = history
        .acts
        .iter()
        .position(|act| matches!(&act.deed, Deed::Wrote(bytes) if bytes.ends_with(b"\x81\x012")));
    let ping = ping.expect("a ping");
    // As if the server had asked for a sign of life an hour late.
    for act in &mut history.acts[ping..] {
        act.at += Duration::from_secs(3600);
    }
    assert!(compare(&history).is_err());
}
