//! Connections of a server that are recorded.

use super::*;
use crate::record::{Log, Output, Replay};

/// A client that comes, enters, says something and leaves.
fn visit(server: &mut Server<()>, byte: u8) {
    let connection = knock(server, byte).unwrap();
    say(server, connection, "40");
    say(server, connection, "42[\"hello\"]");
    leave(server, connection);
}

#[test]
fn a_connection_is_recorded_from_its_first_byte_to_its_last() {
    let mut server = server(Config::v4());
    server.record(Some(1 << 16));
    let connection = knock(&mut server, 1).unwrap();
    say(&mut server, connection, "40");
    say(&mut server, connection, "42[\"hello\"]");
    let so_far = Log::read(server.log(connection).unwrap()).unwrap();
    assert_eq!(server.poll_log(), None);
    leave(&mut server, connection);
    let log = Log::read(server.poll_log().unwrap()).unwrap();
    assert_eq!(server.poll_log(), None);
    assert!(log.steps.len() > so_far.steps.len());
    let mut replay = Replay::new(log).unwrap();
    let (mut frames, mut events) = (0, 0);
    while let Some(played) = replay.forward() {
        assert!(played.same, "{played:?}");
        frames += usize::from(matches!(played.output, Output::Ws(_)));
        events += usize::from(matches!(played.output, Output::Event(_)));
    }
    // The open packet and the CONNECT; asked, said, leaving, left, closed.
    assert_eq!((frames, events), (2, 5));
}

#[test]
fn those_that_come_while_it_is_off_are_not_recorded() {
    let mut server = server(Config::v4());
    let before = knock(&mut server, 1).unwrap();
    assert_eq!(server.log(before), None);
    server.record(Some(1 << 16));
    let recorded = knock(&mut server, 2).unwrap();
    server.record(None);
    visit(&mut server, 3);
    leave(&mut server, before);
    assert_eq!(server.poll_log(), None);
    // It is so to its end.
    leave(&mut server, recorded);
    assert!(server.poll_log().is_some());
}

#[test]
fn logs_that_nobody_takes_do_not_pile_up() {
    for (visits, left) in [(64, 64), (65, 64)] {
        let mut server = server(Config::v4());
        server.record(Some(1 << 16));
        for byte in 0..visits {
            visit(&mut server, byte);
        }
        let logs = std::iter::from_fn(|| server.poll_log());
        let sids: Vec<_> = logs
            .map(|it| Log::read(it).unwrap().sid().clone())
            .collect();
        assert_eq!(sids.len(), left);
        let last = crate::id::Sid::from_random([visits - 1; 15]);
        assert_eq!(sids.last(), Some(&last));
    }
}

/// Whoever looks on makes no difference.
#[test]
fn a_server_is_the_same_whether_it_is_recorded_or_not() {
    let states = [None, Some(1 << 16)].map(|most| {
        let mut server = server(Config::v4());
        server.record(most);
        let mut states = Vec::new();
        for byte in 1..3 {
            let connection = knock(&mut server, byte).unwrap();
            for text in ["40", "42[\"hello\"]", "421[\"ask\"]"] {
                say(&mut server, connection, text);
                states.push(crate::digest::of(|state| server.digest(state)));
            }
        }
        assert_ne!(states[0], states[3]);
        states
    });
    assert_eq!(states[0], states[1]);
}
