//! Processes that end without a word.

use std::mem::take;
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::said;
use crate::process::Server;

pub(super) fn run(command: &[String], clients: usize, time: Duration) -> Result<String, String> {
    let mut server = Server::start(command, None).map_err(said)?;
    let at = server.address();
    let mut open = server.descriptors().map_err(said)?;
    let (begun, mut rounds, mut again) = (Instant::now(), 0, 0);
    let mut crowd = Crowd::new()?;
    while begun.elapsed() < time {
        rounds += 1;
        crowd.enter(at, clients)?;
        crowd.all_well()?;
        // Half of what is asked is answered, or is on its way.
        for index in 0..clients {
            crowd.ask(index)?;
        }
        let half = crowd.answers + clients as u64 / 2;
        crowd.until("half of the answers", |crowd| Ok(crowd.answers >= half))?;
        server.kill().map_err(said)?;
        crowd.until("all to notice", |crowd| Ok(crowd.inside() == 0))?;
        crowd.lost.clear();
        server = Server::start_at(at, command, None).map_err(said)?;
        open = open.max(server.descriptors().map_err(said)?);
        again += crowd.asking();
        for index in 0..clients {
            crowd.knock(at, index)?;
            if index % 64 == 63 {
                crowd.until("those to come in", |crowd| Ok(crowd.inside() > index))?;
            }
        }
        crowd.until("all to come back", |crowd| Ok(crowd.inside() == clients))?;
        // What had no answer is asked again, and each has one answer in the end.
        crowd.until("all answers", |crowd| Ok(crowd.asking() == 0))?;
        crowd.all_well()?;
        if crowd.answers != rounds * clients as u64 {
            return Err(format!("{} answers in {rounds} rounds", crowd.answers));
        }
        take(&mut crowd.answered);
        // Now the clients' end: the same server lets go of all, and serves those that come next.
        crowd.drop_all();
        crowd.until("the server to let go of all", |_| {
            Ok(server.descriptors().map_err(said)? <= open)
        })?;
    }
    Ok(format!(
        "{rounds} times a server killed under {clients} clients, and those under it: each question has one answer, \
         {again} by the next server"
    ))
}
