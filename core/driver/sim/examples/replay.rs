//! Plays the log of a connection again, to the same bytes.
//!
//! ```sh
//! cargo run -p sio-sim --example replay -- LOG                    # all of it, as a chart
//! cargo run -p sio-sim --example replay -- LOG --page CHART.html  # the same as a page
//! cargo run -p sio-sim --example replay -- LOG --redact OTHER     # without what was said
//! cargo run -p sio-sim --example replay -- LOG --step             # step by step: n, b, a number, q
//! ```

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;

use sio_sim::Chart;
use sio_sim::core::record::{Log, Replay};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let (file, rest) = args.split_first().ok_or("which log?")?;
    let log = Log::read(std::fs::read(file)?)?;
    match rest {
        [] => {
            let chart = Chart::of_log(log.clone())?;
            write!(stdout(), "{}", chart.tail(usize::MAX))?;
            let steps = log.steps.len();
            Replay::new(log)?.finish()?;
            writeln!(stdout(), "{steps} steps, to the same bytes")?;
        }
        ["--page", page] => std::fs::write(page, Chart::of_log(log)?.page(file))?,
        ["--redact", other] => std::fs::write(other, log.redact()?.write())?,
        ["--step"] => step(Replay::new(log)?)?,
        _ => return Err(format!("not understood: {}", rest.join(" ")).into()),
    }
    Ok(())
}

fn step(mut replay: Replay) -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        match line?.trim() {
            "" | "n" => show(&mut replay)?,
            "b" => {
                // Before the one that was shown.
                let before = replay.position().saturating_sub(2);
                replay.go_to(before);
                show(&mut replay)?;
            }
            "q" => break,
            number => {
                replay.go_to(number.parse()?);
                show(&mut replay)?;
            }
        }
    }
    Ok(())
}

/// Plays a step, and shows it with what came of it.
fn show(replay: &mut Replay) -> Result<(), Box<dyn Error>> {
    let step = replay.log().steps.get(replay.position()).cloned();
    let (Some(step), Some(played)) = (step, replay.forward()) else {
        writeln!(stdout(), "the end")?;
        return Ok(());
    };
    let at = step.at.saturating_duration_since(replay.log().began());
    writeln!(stdout(), "{} at {at:?}: {:?}", played.number, step.input)?;
    writeln!(stdout(), "    {:?}", played.output)?;
    if !played.same {
        writeln!(stdout(), "    something else came out when it was recorded")?;
    }
    let session = replay.connection().session();
    let (transport, due) = (session.transport(), replay.connection().poll_timeout());
    writeln!(
        stdout(),
        "    {transport}, {} queued, due: {due:?}",
        session.queued_bytes()
    )?;
    Ok(())
}
