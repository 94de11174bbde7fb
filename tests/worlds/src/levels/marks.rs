//! What histories have to reach.

use std::collections::BTreeSet;

use super::bursts::is_burst;
use super::history::Step;
use super::ours::Notes;

/// What has to happen in some history: where nothing of it happens, nothing of it is proven.
pub const MARKS: &[&str] = &[
    "a candidate was probed",
    "a client asked",
    "a client was pinged",
    "a handler was answered",
    "a request was refused",
    "a room was left at the end",
    "all were told",
    "attachments came to a client",
    "attachments came to a handler",
    "by polling",
    "by websocket",
    "client namespace disconnect",
    "forced server close",
    "parse error",
    "ping timeout",
    "revision 4",
    "revision 5",
    "server namespace disconnect",
    "several things were said in a row",
    "somebody was turned away",
    "transport close",
];

/// What this history has reached, by what each of its steps has led to.
pub(crate) fn of(history: &[Step], notes: &[Notes]) -> BTreeSet<&'static str> {
    let mut marks = BTreeSet::new();
    let mut reaches = |reached: bool, mark: &'static str| {
        if reached {
            debug_assert!(MARKS.contains(&mark), "{mark}");
            marks.insert(mark);
        }
    };
    let bursts = (0..history.len()).any(|at| is_burst(history, at));
    reaches(bursts, "several things were said in a row");
    let said = notes.iter().flatten();
    let said = said.flat_map(|(channel, said)| said.iter().map(move |it| (&**channel, &**it)));
    for (channel, said) in said {
        let (who, what) = channel.split_once(' ').unwrap_or_default();
        if who == "socket" {
            reaches(said.ends_with(" asked"), "a client asked");
            reaches(said.starts_with("answer "), "a handler was answered");
            reaches(said.starts_with("bytes ["), "attachments came to a handler");
            let left = said.starts_with("disconnecting ");
            let in_room = said.contains(",r") || said.contains(" r");
            reaches(left && in_room, "a room was left at the end");
            let reason = said.strip_prefix("disconnected ");
            let known = MARKS.iter().find(|mark| Some(**mark) == reason);
            known.into_iter().for_each(|mark| reaches(true, mark));
            continue;
        }
        let refused = (what == "get" || what == "post") && !said.starts_with("200");
        reaches(refused, "a request was refused");
        if what != "hears" {
            continue;
        }
        let (way, packet) = said.split_once(' ').unwrap_or_default();
        let open = packet.starts_with("0{");
        reaches(open && way == "p", "by polling");
        reaches(open && way == "w", "by websocket");
        reaches(packet == "2", "a client was pinged");
        reaches(packet == "3probe", "a candidate was probed");
        reaches(packet.starts_with("44"), "somebody was turned away");
        reaches(packet.contains(r#"["all""#), "all were told");
        reaches(packet.starts_with("bytes "), "attachments came to a client");
    }
    for step in history.iter().filter(|step| step[0] == "open") {
        reaches(step[1] == 3, "revision 4");
        reaches(step[1] == 4, "revision 5");
    }
    marks
}
