//! Compares servers in alternating rounds, as Markdown on stdout.
//!
//! Builds every server first. What it is doing goes to stderr. `benches/README.md` has the options
//! and how to read the tables.

use sio_benches::comparison::{Comparison, Effort};
use sio_benches::options::Options;
use sio_benches::peers::Built;
use std::process::ExitCode;

/// What takes part if nobody says otherwise.
const SERVERS: &str = "socketioxide,socketioxide-best,sio-1";

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let servers = options.take::<String>("servers")?;
    let servers = servers.unwrap_or_else(|| SERVERS.to_owned());
    let scenarios = options.take::<String>("scenarios")?;
    let scenarios = scenarios.unwrap_or_else(|| "ack,idle".to_owned());
    let effort = Effort::from_options(&mut options, 5)?;
    if !options.command()?.is_empty() {
        return Err("the servers are chosen with --servers".to_owned());
    }
    let servers = servers.split(',').collect::<Vec<_>>();
    let comparisons = scenarios
        .split(',')
        .map(|scenario| Comparison::of(scenario, &servers))
        .collect::<Result<Vec<_>, _>>()?;
    let mut built = Built::default();
    for comparison in comparisons {
        let found = comparison.measure(&mut built, &effort)?;
        println!("{}", found.markdown(&found.title));
    }
    Ok(())
}
