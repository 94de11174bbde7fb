//! Each kind of conversation, with every client that was recorded having it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use sio_tests::frames;
use sio_tokio::Io;

use crate::application::application;
use crate::client::calm;
use crate::here::{spawn, within};
use crate::peer::{Peer, said};
use crate::recording::{self, Answer, Deed, Heard, Step};
use crate::template::Holes;
use crate::world::{On, World};

/// Java's base64 has line ends, and text and attachments come in bodies of their own.
async fn polling(on: On) {
    // faults: C1
    each(on, "polling").await;
}

/// Some say `5` without having heard of their probe, some without having probed.
async fn upgrade(on: On) {
    // faults: F2, F3, F4, F9
    each(on, "upgrade").await;
}

/// Old firmware names no revision.
async fn upgrade_without_a_revision(on: On) {
    // faults: F3, F4, F7
    each(on, "upgrade_without_a_revision").await;
}

async fn websocket(on: On) {
    each(on, "websocket").await;
}

async fn namespace(on: On) {
    each(on, "namespace").await;
}

async fn refusal(on: On) {
    // faults: C2
    each(on, "refusal").await;
}

async fn end_of_polling(on: On) {
    each(on, "end_of_polling").await;
}

/// Java's client lets a close frame lie.
async fn end_of_websocket(on: On) {
    // faults: C3
    each(on, "end_of_websocket").await;
}

async fn each(on: On, conversation: &str) {
    let mut played = 0;
    for recording in recording::all().into_values() {
        let client = recording.client;
        if let Some(steps) = recording.conversations.get(conversation) {
            play(on, steps, &format!("{client}, {conversation}")).await;
            played += 1;
        }
    }
    assert!(played > 0);
}

async fn play(on: On, steps: &[Step], what: &str) {
    let io = Io::new(calm().allow_missing_eio(true));
    let mut end = application(&io);
    let world = World::new(on, io.clone()).await;
    let closing = spawn(async move {
        end.recv().await;
        io.close().await;
    });
    let mut holes = Holes::default();
    holes.set("host", world.address.to_string());
    holes.set("name", world.address.ip().to_string());
    let mut peers = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let step_of = format!("step {at} of {what}");
        let peer = match peers.entry(step.on) {
            Entry::Occupied(peer) => peer.into_mut(),
            Entry::Vacant(place) => place.insert(Peer::connect(world.address).await),
        };
        match &step.deed {
            Deed::Sends(bytes) => {
                let mut sent = holes.fill(&bytes.text).into_bytes();
                sent.extend(bytes.bytes());
                peer.send(&sent).await;
            }
            Deed::Leaves => peer.leave().await,
            Deed::Hears(wanted) => {
                let is_pong = matches!(wanted, Heard::Pong(_));
                let heard = within(&step_of, peer.hear(is_pong)).await;
                let heard = heard.unwrap_or_else(|| panic!("{step_of}: the end"));
                assert!(
                    is(wanted, &heard, &mut holes),
                    "{step_of}: {heard:?} instead of {wanted:?}"
                );
            }
            Deed::Ends => {
                let heard = within(&step_of, peer.hear(false)).await;
                assert_eq!(heard, None, "{step_of}");
            }
        }
    }
    drop(peers);
    world.ends().await;
    closing.abort();
    closing.end().await;
}

fn is(wanted: &Heard, heard: &Heard, holes: &mut Holes) -> bool {
    match (wanted, heard) {
        (Heard::Answer(wanted), Heard::Answer(heard)) => {
            let Answer {
                status,
                headers,
                body,
                body_hex,
            } = wanted;
            let has = |line: &String| heard.headers.contains(line);
            *status == heard.status
                && headers.iter().all(has)
                && holes.take(body, &heard.body)
                && *body_hex == heard.body_hex
        }
        (Heard::Text(wanted), Heard::Text(heard)) => holes.take(wanted, heard),
        (Heard::Either(wanted), heard) => wanted.iter().any(|wanted| is(wanted, heard, holes)),
        (wanted, heard) => wanted == heard,
    }
}

#[test]
fn every_conversation_has_its_test() {
    let tests = [
        "polling",
        "upgrade",
        "upgrade_without_a_revision",
        "websocket",
        "namespace",
        "refusal",
        "end_of_polling",
        "end_of_websocket",
    ];
    let recordings = recording::all().into_values();
    let recorded: BTreeSet<_> = recordings
        .flat_map(|recording| recording.conversations.into_keys())
        .collect();
    assert_eq!(recorded, tests.map(str::to_owned).into());
}

/// What a recording says beside its bytes is what they say.
#[test]
fn frames_are_what_they_are_said_to_be() {
    let mut frames = 0;
    for (name, recording) in recording::all() {
        for (conversation, steps) in recording.conversations {
            let mut open = BTreeMap::<u32, Vec<u8>>::new();
            for (at, step) in steps.iter().enumerate() {
                let Deed::Sends(sent) = &step.deed else {
                    continue;
                };
                if !sent.text.is_empty() {
                    continue;
                }
                let ahead = open.entry(step.on).or_default();
                ahead.extend(sent.bytes());
                let found = unmasked(ahead);
                assert_eq!(found, sent.says, "{name}, {conversation}, step {at}");
                frames += found.len();
            }
            assert!(open.values().all(Vec::is_empty), "{name}, {conversation}");
        }
    }
    assert!(frames > 50);
}

/// Takes the whole frames out of a client's bytes.
fn unmasked(ahead: &mut Vec<u8>) -> Vec<Heard> {
    let mut found = Vec::new();
    while let Some(frame) = frames::read(ahead) {
        assert!(frame.masked, "a client masks all: {frame:?}");
        ahead.drain(..frame.length);
        found.push(said(&frame));
    }
    found
}

on_each_runtime! {
    polling,
    upgrade,
    upgrade_without_a_revision,
    websocket,
    namespace,
    refusal,
    end_of_polling,
    end_of_websocket,
}
