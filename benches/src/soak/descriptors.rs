//! A server that may open no more descriptors.

use std::mem::take;
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::flat::Flat;
use super::said;
use crate::process::Server;

/// Those that find no room: fewer than a system lets wait for a listener, by whatever it is set to.
const AT_THE_DOOR: usize = 100;

/// What it may open for itself, at most.
const ITS_OWN: usize = 8;

pub(super) fn run(command: &[String], limit: usize, time: Duration) -> Result<String, String> {
    let script = format!(r#"ulimit -n {limit} && exec "$0" "$@""#);
    let mut limited = ["sh", "-c", &script].map(str::to_owned).to_vec();
    limited.extend_from_slice(command);
    let server = Server::start(&limited, None).map_err(said)?;
    let (at, open) = (server.address(), server.descriptors().map_err(said)?);
    let (begun, mut rounds, mut flat) = (Instant::now(), 0_u64, Flat::default());
    let mut crowd = Crowd::new()?;
    let all = limit + AT_THE_DOOR;
    while begun.elapsed() < time {
        rounds += 1;
        for index in 0..all {
            crowd.knock(at, index)?;
        }
        crowd.until("as many as there is room for", |crowd| {
            let is_full = server.descriptors().map_err(said)? == limit;
            Ok(is_full && crowd.inside() + open + ITS_OWN >= limit)
        })?;
        // Who is in is served as before.
        let inside = (0..all)
            .filter(|index| crowd.is_in(*index))
            .collect::<Vec<_>>();
        for index in &inside {
            crowd.ask(*index)?;
        }
        crowd.until("their answers", |crowd| Ok(crowd.asking() == 0))?;
        flat.look(&server)?;
        // As soon as they leave, those that wait come in.
        for index in &inside {
            crowd.leave(*index)?;
        }
        crowd.until(
            "them to leave",
            |crowd| Ok(crowd.left.len() == inside.len()),
        )?;
        crowd.left.clear();
        crowd.until("those that waited", |crowd| {
            Ok(crowd.inside() == all - inside.len())
        })?;
        for index in (0..all).filter(|index| !inside.contains(index)) {
            crowd.ask(index)?;
        }
        crowd.until("their answers", |crowd| Ok(crowd.asking() == 0))?;
        crowd.all_well()?;
        if crowd.answers != rounds * all as u64 {
            return Err(format!("{} answers in {rounds} rounds", crowd.answers));
        }
        take(&mut crowd.answered);
        for index in (0..all).filter(|index| !inside.contains(index)) {
            crowd.drop(index);
        }
        crowd.until("the server to let go of all", |_| {
            Ok(server.descriptors().map_err(said)? <= open)
        })?;
    }
    let told = flat.told()?;
    Ok(format!(
        "{rounds} times {all} clients at a server of {limit} descriptors: who is in is served, who waits is let in later; \
         {told}"
    ))
}
