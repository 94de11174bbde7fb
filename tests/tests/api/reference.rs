//! The titles of the reference's own tests, and that ours are there which show the same; and what it asks for that
//! nothing else shows.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use sio_tests::wire::PATIENCE;
use sio_tokio::{ClientFiles, Io, Refusal, Socket};

use crate::shown::exists;
use crate::world::{World, calm, enter};

/// The table; see its first lines.
const TABLE: &str = include_str!("REFERENCE.md");

/// How many titles there are.
const ALL: usize = 541;

/// A row: how many titles, what they ask for, whether ours does, and what shows it or why not.
struct Row {
    titles: usize,
    what: &'static str,
    ours: &'static str,
    shown: &'static str,
}

/// The parts of the table, each with how many titles it says to have.
fn parts() -> Vec<(&'static str, usize, Vec<Row>)> {
    let mut parts = Vec::new();
    for part in TABLE.split("\n## ").skip(1) {
        let (heading, rows) = part.split_once('\n').unwrap();
        let (name, count) = heading.rsplit_once(" (").unwrap();
        let count = count.trim_end_matches(')').parse().unwrap();
        let rows = rows.lines().filter_map(row).collect();
        parts.push((name, count, rows));
    }
    parts
}

fn row(line: &'static str) -> Option<Row> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<_> = cells.split(" | ").collect();
    let [titles, what, ours, shown] = cells[..] else {
        panic!("not a row: {line}");
    };
    // The heading of the columns.
    let titles = titles.parse().ok()?;
    Some(Row {
        titles,
        what,
        ours,
        shown,
    })
}

#[test]
fn each_title_is_in_the_table() {
    let mut all = 0;
    for (name, count, rows) in parts() {
        let sum: usize = rows.iter().map(|row| row.titles).sum();
        assert_eq!(sum, count, "{name}");
        all += sum;
    }
    assert_eq!(all, ALL);
}

#[test]
fn each_row_is_shown_by_tests_that_are_there_or_says_why_not() {
    for (name, _, rows) in parts() {
        for Row {
            what, ours, shown, ..
        } in rows
        {
            let named = shown.split('`').skip(1).step_by(2);
            match ours {
                "yes" => {
                    let tests: Vec<_> = named.collect();
                    assert!(!tests.is_empty(), "{name}: {what}: shown by nothing");
                    for test in tests {
                        assert!(exists(test), "{name}: {what}: no such test: {test}");
                    }
                }
                // On purpose, not on a server of ours, or without QUIC.
                "other" | "n/a" | "webtransport" => {
                    assert!(shown.len() > 8, "{name}: {what}: why?")
                }
                more => panic!("{name}: {what}: {more} is none of what there may be"),
            }
        }
    }
}

#[test]
fn a_name_may_do_without_its_slash() {
    let io = Io::new(calm());
    assert_eq!(io.of("").name(), "/");
    assert_eq!(io.of("abc").name(), "/abc");
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    io.of("").on_connect(move |socket: Socket| {
        let name = socket.namespace().name().to_owned();
        tell.lock().unwrap().send(name).unwrap();
    });
    let world = World::new(io);
    let (mut client, _) = world.join();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "/");
    enter(&mut client, "/abc,");
    drop(client);
    world.end();
}

#[test]
fn who_is_let_in_is_connected_then_and_not_before() {
    let io = Io::new(calm());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let before = seen.clone();
    io.of("/slow").use_(move |socket: Socket| {
        before.lock().unwrap().push(("before", socket.connected()));
        Ok::<(), Refusal>(())
    });
    let then = seen.clone();
    io.of("/slow").on_connect(move |socket: Socket| {
        then.lock().unwrap().push(("then", socket.connected()));
    });
    let world = World::new(io);
    let (mut client, _) = world.join();
    enter(&mut client, "/slow,");
    client.send("42/slow,1[\"unknown\"]");
    drop(client);
    world.end();
    assert_eq!(*seen.lock().unwrap(), [("before", false), ("then", true)]);
}

#[test]
fn the_clients_files_have_cors_headers() {
    let files = ClientFiles::new().with("socket.io.js", "the client");
    let world = World::new(Io::new(calm().client_files(files)));
    let origin = "Origin: https://page.example\r\n";
    let response = world.get("/socket.io/socket.io.js", origin);
    assert_eq!((response.status, &*response.body), (200, "the client"));
    assert!(response.header("access-control-allow-origin").is_some());
    world.end();
}

#[test]
fn an_upgrade_elsewhere_is_not_taken() {
    let world = World::new(Io::new(calm()));
    let elsewhere = world.upgrade("/elsewhere/?EIO=4&transport=websocket", "");
    assert_eq!(elsewhere.status, 404);
    assert_eq!(world.io.engine_sessions(), 0);
    world.end();
}

#[test]
fn a_transport_is_one_that_there_is() {
    let world = World::new(Io::new(calm()));
    for name in ["tobi", "constructor", "__proto__", ""] {
        let target = format!("/socket.io/?EIO=4&transport={name}");
        let refused = world.get(&target, "");
        assert_eq!((refused.status, refused.code()), (400, Some(0)), "{name}");
        assert_eq!(world.upgrade(&target, "").status, 400, "{name}");
    }
    world.end();
}
