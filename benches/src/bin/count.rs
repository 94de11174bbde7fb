//! Does one case so many times, to be watched by valgrind: `count "turn: event in, ack out" 1000`.
//!
//! The difference between two numbers of times is what the case costs, without what it takes to
//! start and to make it ready.

use sio_benches::cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let [name, times] = arguments.as_slice() else {
        for case in cases::all().iter().filter(|case| case.counted) {
            println!("{}", case.name);
        }
        return ExitCode::SUCCESS;
    };
    let cases = cases::all();
    let case = cases.iter().find(|case| case.name == name);
    let (Some(case), Ok(times)) = (case, times.parse::<usize>()) else {
        eprintln!("count CASE TIMES; without arguments it lists the cases");
        return ExitCode::FAILURE;
    };
    let mut operation = case.ready();
    for _ in 0..times {
        operation();
    }
    ExitCode::SUCCESS
}
