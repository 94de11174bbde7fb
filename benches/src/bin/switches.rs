//! Says what recording, figures and recovery cost a server while they are on, and what recording costs a client, and fails
//! where that is more than it may be: `switches`, `switches --only recording`, `switches --only client`, or `switches
//! --members 100` for a smaller room. It takes valgrind.

use std::process::ExitCode;

use sio_benches::options::Options;
use sio_benches::switches::{Programs, RECORDED_CLIENT, SWITCHES, Switch, Work};

fn main() -> ExitCode {
    match compare() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("switches: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all cost as little as they may.
fn compare() -> Result<bool, String> {
    let mut options = Options::from_env()?;
    let members = options.take("members")?.unwrap_or(1_000);
    let only = options.take::<String>("only")?;
    options.command()?;
    let mut programs = Programs::default();
    let mut all_well = true;
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if is_wanted("client") {
        let before = programs.count_client(false)?;
        let now = programs.count_client(true)?;
        let (more, most) = (now / before - 1.0, RECORDED_CLIENT);
        all_well &= more <= most;
        let miss = if more <= most { "" } else { ": **missed**" };
        println!("| a client | an echo |\n|---|---|\n| nothing | {before:.0} |");
        let (more, most) = (more * 100.0, most * 100.0);
        println!("| recording | {now:.0} ({more:+.1} %, {most:.0} % at most){miss} |\n");
    }
    if only.as_deref() == Some("client") {
        return Ok(all_well);
    }
    let [off, switches @ ..] = &SWITCHES;
    let works = [Work::Echo, Work::Broadcast(members)];
    let mut count = |switch: &Switch| {
        let [echo, broadcast] = works;
        Ok::<_, String>([
            programs.count(switch, echo)?,
            programs.count(switch, broadcast)?,
        ])
    };
    let before = count(off)?;
    println!("| on | an echo | a broadcast to {members}, each |");
    println!("|---|---|---|");
    println!("| {} | {:.0} | {:.0} |", off.name, before[0], before[1]);
    let wanted = |switch: &&Switch| is_wanted(switch.name);
    for switch in switches.iter().filter(wanted) {
        let now = count(switch)?;
        let cells = [0, 1].map(|which| {
            let more = now[which] / before[which] - 1.0;
            let most = switch.most[which];
            let well = most.is_none_or(|most| more <= most);
            all_well &= well;
            let bar = most.map_or(String::new(), |most| {
                format!(", {:.0} % at most", most * 100.0)
            });
            let miss = if well { "" } else { ": **missed**" };
            format!("{:.0} ({:+.1} %{bar}){miss}", now[which], more * 100.0)
        });
        println!("| {} | {} | {} |", switch.name, cells[0], cells[1]);
    }
    Ok(all_well)
}
