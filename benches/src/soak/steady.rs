//! Many who do nothing, and some who ask.

use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::flat::Flat;
use super::said;
use crate::process::Server;

/// From one question of a client to its next.
const PACE: Duration = Duration::from_secs(1);

/// From one look at the memory to the next.
const LOOKS: Duration = Duration::from_secs(2);

/// Of the time, so much is for buffers to grow to what the load takes.
const SETTLING: f64 = 0.1;

pub(super) fn run(
    command: &[String],
    idle: usize,
    active: usize,
    time: Duration,
) -> Result<String, String> {
    let server = Server::start(command, None).map_err(said)?;
    let open = server.descriptors().map_err(said)?;
    let mut crowd = Crowd::new()?;
    crowd.enter(server.address(), idle + active)?;
    crowd.all_well()?;
    let (begun, mut flat, mut looked) = (Instant::now(), Flat::default(), Instant::now());
    let (mut due, mut turn) = (0_u64, 0);
    while begun.elapsed() < time {
        crowd.pump()?;
        crowd.all_well()?;
        let all = begun.elapsed().as_secs_f64() / PACE.as_secs_f64() * active as f64;
        // Not more at a time than all once: what was not asked meanwhile is let go.
        due = due.max((all as u64).saturating_sub(active as u64));
        while due < all as u64 {
            crowd.ask(turn)?;
            turn = (turn + 1) % active;
            due += 1;
        }
        if looked.elapsed() >= LOOKS && begun.elapsed() > time.mul_f64(SETTLING) {
            flat.look(&server)?;
            looked = Instant::now();
        }
    }
    crowd.until("the last answers", |crowd| Ok(crowd.asking() == 0))?;
    crowd.all_well()?;
    if crowd.inside() != idle + active {
        return Err(format!("{} are in", crowd.inside()));
    }
    flat.look(&server)?;
    let (answers, told) = (crowd.answers, flat.told()?);
    crowd.drop_all();
    crowd.until("the server to let go of all", |_| {
        Ok(server.descriptors().map_err(said)? <= open)
    })?;
    Ok(format!(
        "{idle} idle and {active} active for {} s: {answers} answers, nobody cut off, {told}",
        time.as_secs()
    ))
}
