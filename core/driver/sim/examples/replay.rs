//! Plays the log of a connection, or of a client, again, to the same bytes.
//!
//! ```sh
//! cargo run -p sio-sim --example replay -- LOG                    # all of it, as a chart
//! cargo run -p sio-sim --example replay -- LOG --page CHART.html  # the same as a page
//! cargo run -p sio-sim --example replay -- LOG --redact OTHER     # without what was said
//! cargo run -p sio-sim --example replay -- LOG --step             # step by step: n, b, a number, q
//! ```

use std::error::Error;
use std::fmt::Debug;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use sio_sim::Chart;
use sio_sim::core::record::{Log, LogError, Replay};
use sio_sim::core::{client, time::Instant};

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
    let bytes = std::fs::read(file)?;
    // Of a connection of a server, or of a client.
    match Log::read(bytes.clone()) {
        Err(LogError::NotALog) => {
            let log = client::record::Log::read(bytes)?;
            match rest {
                ["--redact", other] => std::fs::write(other, log.redact()?.write())?,
                _ => {
                    let chart = Chart::of_client_log(log.clone())?;
                    play(file, rest, &chart, client::record::Replay::new(log)?)?;
                }
            }
        }
        log => {
            let log = log?;
            match rest {
                ["--redact", other] => std::fs::write(other, log.redact()?.write())?,
                _ => play(file, rest, &Chart::of_log(log.clone())?, Replay::new(log)?)?,
            }
        }
    }
    Ok(())
}

/// What is played, of either kind.
trait Play {
    fn position(&self) -> usize;
    fn go_to(&mut self, position: usize);
    fn finish(&mut self) -> Result<(), LogError>;
    /// Plays a step: when it was, what was told, what came of it, whether that came then, and how things are.
    fn next(&mut self) -> Option<Shown>;
}

struct Shown {
    at: Duration,
    input: String,
    output: String,
    same: bool,
    state: String,
}

fn shown(
    (began, at): (Instant, Instant),
    (input, output): (&dyn Debug, &dyn Debug),
    same: bool,
    state: String,
) -> Shown {
    Shown {
        at: at.saturating_duration_since(began),
        input: format!("{input:?}"),
        output: format!("{output:?}"),
        same,
        state,
    }
}

impl Play for Replay {
    fn position(&self) -> usize {
        self.position()
    }

    fn go_to(&mut self, position: usize) {
        self.go_to(position);
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn next(&mut self) -> Option<Shown> {
        let step = self.log().steps.get(self.position())?.clone();
        let played = self.forward()?;
        let session = self.connection().session();
        let (transport, queued) = (session.transport(), session.queued_bytes());
        let due = self.connection().poll_timeout();
        let state = format!("{transport}, {queued} queued, due: {due:?}");
        let times = (self.log().began(), step.at);
        Some(shown(
            times,
            (&step.input, &played.output),
            played.same,
            state,
        ))
    }
}

impl Play for client::record::Replay {
    fn position(&self) -> usize {
        self.position()
    }

    fn go_to(&mut self, position: usize) {
        self.go_to(position);
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn next(&mut self) -> Option<Shown> {
        let step = self.log().steps.get(self.position())?.clone();
        let played = self.forward()?;
        let (status, due) = (self.client().status(), self.client().poll_timeout());
        let state = format!("{status:?}, due: {due:?}");
        let times = (self.log().began(), step.at);
        Some(shown(
            times,
            (&step.input, &played.output),
            played.same,
            state,
        ))
    }
}

fn play(
    file: &str,
    how: &[&str],
    chart: &Chart,
    mut replay: impl Play,
) -> Result<(), Box<dyn Error>> {
    match how {
        [] => {
            write!(stdout(), "{}", chart.tail(usize::MAX))?;
            replay.finish()?;
            let steps = replay.position();
            writeln!(stdout(), "{steps} steps, to the same bytes")?;
        }
        ["--page", page] => std::fs::write(page, chart.page(file))?,
        ["--step"] => step(replay)?,
        _ => return Err(format!("not understood: {}", how.join(" ")).into()),
    }
    Ok(())
}

fn step(mut replay: impl Play) -> Result<(), Box<dyn Error>> {
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
fn show(replay: &mut impl Play) -> Result<(), Box<dyn Error>> {
    let number = replay.position();
    let Some(shown) = replay.next() else {
        writeln!(stdout(), "the end")?;
        return Ok(());
    };
    writeln!(stdout(), "{number} at {:?}: {}", shown.at, shown.input)?;
    writeln!(stdout(), "    {}", shown.output)?;
    if !shown.same {
        writeln!(stdout(), "    something else came out when it was recorded")?;
    }
    writeln!(stdout(), "    {}", shown.state)?;
    Ok(())
}
