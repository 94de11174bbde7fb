//! Clients that come, ask, and leave.

use std::mem::take;
use std::time::Instant;

use super::crowd::{Crowd, PATIENCE};
use super::flat::Flat;
use super::said;
use crate::process::Server;

/// At a time.
const AT_ONCE: usize = 64;

/// How often the memory is looked at.
const LOOKS: u64 = 40;

pub(super) fn run(command: &[String], count: u64) -> Result<String, String> {
    let server = Server::start(command, None).map_err(said)?;
    let open = server.descriptors().map_err(said)?;
    let (mut crowd, mut flat) = (Crowd::new()?, Flat::default());
    let at = server.address();
    let (mut come, mut gone) = (0, 0);
    let places = usize::try_from(count).map_or(AT_ONCE, |count| count.min(AT_ONCE));
    let mut asks = vec![true; places];
    let mut moved = Instant::now();
    for index in 0..places {
        crowd.knock(at, index)?;
        come += 1;
    }
    while gone < count {
        crowd.pump()?;
        crowd.all_well()?;
        if moved.elapsed() > PATIENCE {
            return Err(format!(
                "nobody has left for {PATIENCE:?}: {} are in",
                crowd.inside()
            ));
        }
        for (index, asks) in asks.iter_mut().enumerate() {
            if *asks && crowd.is_in(index) {
                crowd.ask(index)?;
                *asks = false;
            }
        }
        for index in take(&mut crowd.answered) {
            crowd.leave(index)?;
        }
        for index in take(&mut crowd.left) {
            gone += 1;
            moved = Instant::now();
            if gone % count.div_ceil(LOOKS) == 0 && gone > count / 10 {
                flat.look(&server)?;
            }
            if come < count {
                crowd.knock(at, index)?;
                asks[index] = true;
                come += 1;
            }
        }
    }
    if crowd.answers != count {
        return Err(format!("{} answers for {count} clients", crowd.answers));
    }
    crowd.until("the server to let go of all", |_| {
        Ok(server.descriptors().map_err(said)? <= open)
    })?;
    let told = flat.told()?;
    Ok(format!(
        "{count} clients came, had an answer, and left: {told}"
    ))
}
