//! Has a server go through a long load, and fails if anything is lost that was promised, or if memory grows:
//! `soak --what steady`, `churn`, `killed` or `descriptors`. `benches/README.md` has the options.

use std::process::ExitCode;
use std::time::Duration;

use sio_benches::options::Options;
use sio_benches::peers::{Built, peer};
use sio_benches::process::open_many_sockets;
use sio_benches::soak::Soak;

fn main() -> ExitCode {
    match soak() {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak() -> Result<String, String> {
    let mut options = Options::from_env()?;
    let what = options
        .take::<String>("what")?
        .unwrap_or_else(|| "steady".to_owned());
    let time = Duration::from_secs(options.take("seconds")?.unwrap_or(1_200));
    let soak = match what.as_str() {
        "steady" => Soak::Steady {
            idle: options.take("idle")?.unwrap_or(18_900),
            active: options.take("active")?.unwrap_or(1_000),
            time,
        },
        "churn" => Soak::Churn {
            count: options.take("count")?.unwrap_or(1_000_000),
        },
        "killed" => Soak::Killed {
            clients: options.take("clients")?.unwrap_or(2_000),
            time,
        },
        "descriptors" => Soak::Descriptors {
            limit: options.take("limit")?.unwrap_or(600),
            time,
        },
        _ => return Err(format!("--what cannot be {what}")),
    };
    let command = options.command()?;
    let command = match command.is_empty() {
        true => Built::default().command(peer("sio")?)?,
        false => command,
    };
    open_many_sockets().map_err(|error| format!("more sockets: {error}"))?;
    soak.run(&command)
}
