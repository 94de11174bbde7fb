//! Commands that end with the test that started them, and with them whatever they started.

use std::{
    fs::File,
    io::Seek,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::retry_on_intr,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid},
};
use std::os::unix::process::CommandExt;

/// A running command as the leader of its own process group. The whole group is killed on drop, so
/// a failing test leaves nothing behind.
#[derive(Debug)]
pub struct Group {
    child: Child,
    output: File,
}

/// How a command ended and what it wrote, standard output and error as they came.
#[derive(Debug)]
pub struct Ended {
    /// `None`: it took too long and was killed.
    pub status: Option<ExitStatus>,
    /// Everything it printed.
    pub output: String,
}

/// A child process stands still (`true`), or goes on.
pub fn stall(child: &Child, still: bool) {
    kill_process(Pid::from_child(child), to_stand(still)).expect("it is there");
    if still {
        stands_still(child);
    }
}

const fn to_stand(still: bool) -> Signal {
    if still { Signal::STOP } else { Signal::CONT }
}

/// Waits until a child that was told to stop has. One of its threads has to run for that: where all processors are
/// taken the others go on for many milliseconds, and do what comes meanwhile.
fn stands_still(child: &Child) {
    let pid = Pid::from_child(child);
    let stopped = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED));
    assert!(stopped.is_ok(), "it has not stopped: {stopped:?}");
}

impl Ended {
    /// It ended by itself, in time, and says that all is well.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

impl Group {
    /// Starts the command. What it prints goes to a file: a pipe would fill, or be held open by a
    /// grandchild for ever.
    pub fn start(command: &mut Command) -> Self {
        let output = tempfile::tempfile().expect("a temporary file");
        let out = output.try_clone().expect("the file's handle");
        let err = output.try_clone().expect("the file's handle");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
        Self { child, output }
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stands still (`true`), with all its connections, or goes on.
    pub fn stall(&self, still: bool) {
        kill_process_group(Pid::from_child(&self.child), to_stand(still)).expect("it is there");
        if still {
            stands_still(&self.child);
        }
    }

    /// Waits until it ends, or kills it when `limit` is over.
    pub fn finish(mut self, limit: Duration) -> Ended {
        let end = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                break Some(status);
            }
            if Instant::now() > end {
                break None;
            }
            thread::sleep(Duration::from_millis(20));
        };
        self.kill();
        self.output.rewind().expect("the start of the file");
        let output =
            std::io::read_to_string(&self.output).unwrap_or_else(|error| error.to_string());
        Ended { status, output }
    }

    fn kill(&mut self) {
        // An error means that nobody of the group is left.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end; panics with its output if it fails.
pub fn run(command: &mut Command, limit: Duration) -> String {
    let ended = Group::start(command).finish(limit);
    assert!(
        ended.succeeded(),
        "{command:?} failed ({:?}):\n{}",
        ended.status,
        ended.output
    );
    ended.output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::PATIENCE;

    #[test]
    fn what_a_command_started_ends_with_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let group = Group::start(&mut command);
        let end = Instant::now() + PATIENCE;
        while group.output.metadata().expect("a file").len() == 0 {
            assert!(Instant::now() < end, "the shell says nothing");
            thread::sleep(Duration::from_millis(2));
        }
        let ended = group.finish(Duration::ZERO);
        assert!(ended.status.is_none(), "it was still running");
        let grandchild = ended.output.trim().parse().ok().and_then(Pid::from_raw);
        let grandchild = grandchild.expect("the shell printed a process id");
        let gone = (0..100).any(|_| {
            thread::sleep(Duration::from_millis(20));
            // A zombie that nobody has collected yet is gone, too.
            let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat"));
            state.map_or(true, |state| state.contains(") Z "))
        });
        assert!(gone, "{grandchild} is alive");
    }

    #[test]
    fn a_failure_is_told_with_its_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = Group::start(&mut command).finish(Duration::from_secs(10));
        assert!(!ended.succeeded());
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert_eq!(ended.output, "out\nerr\n");
    }
}
