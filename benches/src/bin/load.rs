//! Loads one server that honours the `bench` contract, and says what that cost it.
//!
//! `load --scenario ack --seconds 3 -- path/to/server` starts the server with `PORT` set, measures it
//! and ends it. `benches/README.md` has all options.

use sio_benches::measurement::Measurement;
use sio_benches::options::Options;
use sio_benches::plan::Plan;
use sio_benches::process::open_many_sockets;
use sio_benches::scenario::Scenario;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match load() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let mut scenario = options
        .take("scenario")?
        .unwrap_or(Scenario::Ack { in_flight: 16 });
    if let Some(in_flight) = options.take::<usize>("in-flight")? {
        scenario = scenario.with_in_flight(in_flight.max(1));
    }
    let seconds = |given: Option<f64>, default: f64| {
        Duration::try_from_secs_f64(given.unwrap_or(default)).map_err(|error| error.to_string())
    };
    let connections = options.take("connections")?;
    let warm_up = seconds(options.take("warmup")?, 1.0)?;
    let window = seconds(options.take("seconds")?, 3.0)?;
    let server_cores = options.take("server-core")?;
    let bystanders = options.take("bystanders")?.unwrap_or(0);
    let spin = options.take("spin")?.unwrap_or(true);
    let json = options.take("json")?.unwrap_or(false);
    open_many_sockets().map_err(|error| format!("more sockets: {error}"))?;
    let plan = Plan {
        scenario,
        connections: connections.unwrap_or_else(|| scenario.connections()),
        window,
        warm_up,
        server_cores,
        bystanders,
        spin,
        server: options.command()?,
    };

    let measurement = plan.measure()?;
    if json {
        let line = serde_json::to_string(&measurement).map_err(|error| error.to_string())?;
        println!("{line}");
    } else {
        print(&measurement, scenario);
    }
    Ok(())
}

fn print(measurement: &Measurement, scenario: Scenario) {
    let unit = scenario.unit();
    println!("{scenario}: {} times one {unit}", measurement.units);
    println!("  a second        {:.0}", measurement.rate());
    println!(
        "  server          {:.3} CPU s per million (user {:.2}, system {:.2}), {:.2} of a core",
        measurement.cpu_per_million(),
        measurement.server_user,
        measurement.server_system,
        measurement.server_load()
    );
    println!(
        "  generator       {:.2} of a core",
        measurement.client_load()
    );
    match (&measurement.memory, measurement.bytes_per_connection()) {
        (Some(memory), Some(each)) => println!(
            "  resident        {each:.0} bytes a connection ({} before, {} after, {:?} when they had left)",
            memory.before, memory.after, memory.left
        ),
        _ => println!(
            "  latency         p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us",
            measurement.p50, measurement.p99, measurement.p999
        ),
    }
}
