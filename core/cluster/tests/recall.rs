//! A node whose broker went while entries were on their way: what it says again, and what it tells.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]

mod common;

use common::{NOW, Node, at, drain, event, says, up};
use sio_cluster::codec::streams::Entry;
use sio_cluster::entry::EntryId;
use sio_cluster::id::Uid;
use sio_cluster::message::To;
use sio_cluster::node::{Notice, Output, Overflow};
use sio_cluster::{Config, Dialect};

/// The broker comes back, and tells what of the node is in the stream: behind which entry it was asked for, what is said
/// again, and of how many nobody knows whether they have arrived.
fn comes_back(
    node: &mut Node,
    found: &[(EntryId, Entry)],
    whole: bool,
) -> (Option<EntryId>, Vec<Entry>, u64) {
    node.handle_down(NOW);
    node.handle_connected(NOW);
    let mut asked = None;
    for output in drain(node) {
        match output {
            Output::Subscribe(it) => node.handle_subscribed(NOW, &it),
            Output::Recall { behind } => asked = Some(behind),
            _ => {}
        }
    }
    node.handle_recalled(NOW, found, whole);
    let (mut again, mut unsure) = (Vec::new(), 0);
    for output in drain(node) {
        match output {
            Output::Append { entry, .. } => again.push(entry),
            Output::Notice(Notice::Overflow(Overflow::Unsure(count))) => unsure += count,
            _ => {}
        }
    }
    (asked.expect("it is asked for"), again, unsure)
}

#[test]
fn what_is_not_in_a_stream_is_said_again_and_what_may_have_been_thrown_away_is_not() {
    for (found, whole, again, unsure) in [
        (&[][..], true, &["a", "b", "c"][..], 0),
        (&["a", "b"], true, &["c"], 0),
        (&["a", "b", "c"], true, &[], 0),
        // Those before the first that is found have arrived, too.
        (&["b"], false, &["c"], 0),
        (&["c"], false, &[], 0),
        (&["a", "b"], false, &["c"], 0),
        (&[], false, &[], 3),
    ] {
        let mut node = up(Config::new(Dialect::Streams, "/"));
        let said = ["a", "b", "c"].map(|name| says(&mut node, name).1);
        let entry = |name: &&str| said["abc".find(name).unwrap()].clone();
        let places = found
            .iter()
            .map(|it| (at("abc".find(it).unwrap() as u64), entry(it)));
        let told = comes_back(&mut node, &places.collect::<Vec<_>>(), whole);
        let again: Vec<_> = again.iter().map(entry).collect();
        assert_eq!(told, (None, again, unsure), "{found:?} {whole}");
        assert_eq!(node.counts().dropped, unsure);
    }
}

/// Of two that say the same nobody knows which is found.
#[test]
fn what_may_be_its_twin_is_not_said_again() {
    let mut node = up(Config::new(Dialect::Streams, "/"));
    let [a, _, b] = ["a", "a", "b"].map(|name| says(&mut node, name).1);
    let found = [(at(5), a)];
    assert_eq!(
        comes_back(&mut node, &found, false),
        (None, vec![b.clone()], 1)
    );
    // That one stands before what is said again.
    assert_eq!(comes_back(&mut node, &[], true), (Some(at(5)), vec![b], 0));
}

#[test]
fn entries_are_looked_for_behind_the_last_that_is_known_to_be_before_them() {
    let mut node = up(Config::new(Dialect::Streams, "/"));
    let other = common::entry(&Uid::cluster([7; 8]), &event("other", To::default()));
    node.handle_entry(NOW, at(1), &other);
    let (a, _) = says(&mut node, "a");
    // It may stand behind that.
    node.handle_entry(NOW, at(3), &other);
    let (_, b) = says(&mut node, "b");
    let all = |node: &mut Node| comes_back(node, &[], true);
    assert_eq!(all(&mut node).0, Some(at(1)));
    // What is said again comes behind all that was read, in other namespaces, too.
    node.handle_place(at(4));
    assert_eq!(all(&mut node).0, Some(at(3)));
    assert_eq!(all(&mut node).0, Some(at(4)));
    node.handle_appended(NOW, a, at(5));
    assert_eq!(all(&mut node), (Some(at(5)), vec![b], 0));
}

/// Whatever of it had arrived, others may have heard.
#[test]
fn of_a_stream_that_has_gone_back_nothing_is_known_but_its_end() {
    for (end, behind) in [(at(2), Some(at(2))), (EntryId::FIRST, None)] {
        let mut node = up(Config::new(Dialect::Streams, "/"));
        let (a, entry) = says(&mut node, "a");
        node.handle_appended(NOW, a, at(5));
        says(&mut node, "b");
        node.handle_lost(NOW, at(9), end);
        assert_eq!(comes_back(&mut node, &[], true), (behind, vec![], 1));
        // The last of its kind, which is there still, is not this one.
        let (_, twin) = says(&mut node, "a");
        assert_eq!(twin, entry);
        assert_eq!(comes_back(&mut node, &[], true), (behind, vec![twin], 0));
    }
}

/// Too much was on its way: the oldest were taken for arrived, and there is nothing of them to be said again.
#[test]
fn what_was_taken_for_arrived_and_was_not_is_told() {
    for (found, whole, again, unsure) in [
        (&["a", "b", "c"][..], true, 0, 0),
        (&["a", "b"], true, 1, 0),
        (&["a"], true, 1, 1),
        (&[], true, 1, 2),
        // The last may be a twin of this one, and among those that nobody remembers.
        (&["b", "c"], false, 0, 1),
        (&["b"], false, 1, 1),
        (&[], false, 0, 3),
    ] {
        let mut config = Config::new(Dialect::Streams, "/");
        config.append_window = says(&mut up(config.clone()), "a").1.size();
        let mut node = up(config);
        let said = ["a", "b", "c"].map(|name| says(&mut node, name).1);
        let found = found.iter().map(|name| "abc".find(name).unwrap());
        let found: Vec<_> = found.map(|it| (at(it as u64), said[it].clone())).collect();
        let told = comes_back(&mut node, &found, whole);
        assert_eq!((told.1.len(), told.2), (again, unsure), "{found:?} {whole}");
    }
}
