//! The measured server as a process: started, watched through `/proc`, ended.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The clock of the CPU times in `/proc/<pid>/stat`: 100 a second on every Linux that user space
/// sees, whatever the kernel was built with.
const TICKS_PER_SECOND: f64 = 100.0;

/// How long a server may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

/// CPU time that a process has used, in seconds.
///
/// The kernel says in ticks how it was divided, and in nanoseconds how much it was together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cpu {
    user: f64,
    system: f64,
    total: f64,
}

impl Server {
    /// Starts `command` with `PORT` set to a free port, on these cores only if `cores` is given (as
    /// `taskset -c` has them: `0`, `0,1`), and waits for the first line it prints.
    pub fn start(command: &[String], cores: Option<&str>) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::start_at(address, command, cores)
    }

    /// The same on a port that is known to be free.
    pub fn start_at(
        address: SocketAddr,
        command: &[String],
        cores: Option<&str>,
    ) -> io::Result<Self> {
        let mut words = Vec::new();
        if let Some(cores) = cores {
            // taskset becomes the program it starts, so the process id is the server's.
            words.extend(["taskset", "-c", cores].map(str::to_owned));
        }
        words.extend_from_slice(command);
        let [program, arguments @ ..] = words.as_slice() else {
            return Err(io::Error::other("no command for the server"));
        };
        let child = Command::new(program)
            .args(arguments)
            .env("HOST", "127.0.0.1")
            .env("PORT", address.port().to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self { child, address };
        let mut line = String::new();
        if let Some(stdout) = server.child.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.trim().is_empty() {
            return Err(io::Error::other(format!("{program} did not get ready")));
        }
        Ok(server)
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// How many descriptors it has open.
    ///
    /// # Errors
    /// It has ended.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time of all its threads.
    pub fn cpu(&self) -> io::Result<Cpu> {
        cpu(&self.child.id().to_string())
    }

    /// Its resident memory in bytes.
    ///
    /// From `smaps_rollup`, which counts pages. `statm` is cheaper, but its figure lags behind by
    /// some pages for each CPU.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let kilobytes = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse::<u64>().ok());
        match kilobytes {
            Some(kilobytes) => Ok(kilobytes * 1024),
            None => Err(io::Error::other("smaps_rollup says no Rss")),
        }
    }
}

impl Drop for Server {
    /// Asks it to end, and ends it if it does not: a profiler around it writes what it found only in
    /// the first case.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Any of these may fail because it has ended meanwhile, which is all that is wanted here.
        let process = self.child.id().to_string();
        Command::new("kill").arg(process).status().ok();
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Cpu {
    /// The CPU time that this process has used.
    pub fn of_this_process() -> io::Result<Self> {
        cpu("self")
    }

    /// Seconds in user space and seconds in the kernel since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> (f64, f64) {
        let (user, system) = (self.user - before.user, self.system - before.system);
        let (ticks, total) = (user + system, self.total - before.total);
        // The threads that ended meanwhile took their nanoseconds with them; the ticks stay.
        if total <= 0.0 || ticks > total + 0.1 {
            return (user, system);
        }
        let share = if ticks > 0.0 { user / ticks } else { 0.5 };
        (total * share, total * (1.0 - share))
    }
}

fn cpu(process: &str) -> io::Result<Cpu> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (user, system) =
        parse_cpu(&stat).ok_or_else(|| io::Error::other("cannot read the CPU times"))?;
    Ok(Cpu {
        user,
        system,
        total: scheduled(process)?,
    })
}

/// Seconds for which the process' threads had a core. Zero on a kernel that does not count them.
fn scheduled(process: &str) -> io::Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread that ends meanwhile has no file any more.
        let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let first = text.split_ascii_whitespace().next();
        nanoseconds += first.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Fields 14 and 15. The second field is the program's name in parentheses, which may hold spaces
/// and parentheses of its own.
fn parse_cpu(stat: &str) -> Option<(f64, f64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some((seconds()?, seconds()?))
}

/// The one-minute load average of the machine.
#[must_use]
pub fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// Allows this process and those that it starts as many open sockets as the system lets them have.
pub fn open_many_sockets() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_counted_finer_than_in_ticks() {
        let before = Cpu::of_this_process().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
        let (user, system) = Cpu::of_this_process().unwrap().since(before);
        assert!(user + system > 0.0, "{user} {system}");
    }

    #[test]
    fn ticks_divide_what_nanoseconds_add_up_to() {
        let at = |user, system, total| Cpu {
            user,
            system,
            total,
        };
        let before = at(1.0, 1.0, 2.0);
        let (user, system) = at(1.03, 1.01, 2.08).since(before);
        assert!((user - 0.06).abs() < 1e-9 && (system - 0.02).abs() < 1e-9);
        // Threads have ended.
        assert_eq!(at(3.0, 1.0, 2.5).since(before), (2.0, 0.0));
    }

    #[test]
    fn cpu_times_are_read_behind_any_program_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99";
        assert_eq!(parse_cpu(stat), Some((2.5, 0.5)));
        assert_eq!(parse_cpu("7 (a) S 1"), None);
    }
}
