//! Commands that end with the test that started them, and with them whatever they started.

use std::{
    fs::File,
    io::Seek,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
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
