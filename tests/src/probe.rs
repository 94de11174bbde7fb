//! The clients that outside checks drive: `client_probe` of each binding, a line of JSON at a time.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    example::{Binding, example},
    process,
    wire::PATIENCE,
};

/// A client in a process of its own, and what it has written that nobody has asked for yet.
#[derive(Debug)]
pub struct Probe {
    process: Child,
    commands: Option<ChildStdin>,
    lines: Receiver<Value>,
    unheard: Vec<Value>,
    next: u64,
}

impl Probe {
    /// Starts the one of this binding.
    pub fn start(binding: Binding) -> Self {
        let mut process = Command::new(example(binding, "client_probe"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the probe starts");
        let out = process.stdout.take().expect("its output");
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let line = line.expect("a line");
                let line = serde_json::from_str(&line).expect("JSON, and nothing else");
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            commands: process.stdin.take(),
            process,
            lines,
            unheard: Vec::new(),
            next: 1,
        }
    }

    /// Stands still (`true`), with all its connections, or goes on. It is stopped when it has nothing to do: in the
    /// midst of a turn it would go on with that, and read what came meanwhile by the time that it knew before.
    ///
    /// # Panics
    /// It does not come to rest.
    pub fn stall(&self, still: bool) {
        let end = Instant::now() + PATIENCE;
        while still && !self.rests() {
            assert!(Instant::now() < end, "it does not come to rest");
            thread::sleep(Duration::from_millis(1));
        }
        process::stall(&self.process, still);
    }

    /// Whether each of its threads waits for something.
    fn rests(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id()));
        threads.expect("it is there").flatten().all(|thread| {
            let state = fs::read_to_string(thread.path().join("stat"));
            // Behind the name, which may have anything in it.
            let state = state.as_deref().map(|it| it.rsplit(')').next());
            matches!(state, Ok(Some(state)) if state.starts_with(" S "))
        })
    }

    /// Says something, and waits for no answer. Its number, which that will have.
    pub fn tell(&mut self, mut command: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        command["id"] = json!(id);
        let commands = self.commands.as_mut().expect("it listens");
        writeln!(commands, "{command}").expect("it is there");
        id
    }

    /// Says something, and waits for the answer.
    ///
    /// # Panics
    /// There is none, or it says that something is wrong.
    pub fn say(&mut self, command: Value) -> Value {
        let said = command.to_string();
        let id = self.tell(command);
        let answer = self.hear("an answer", |line| line["re"] == id);
        assert_eq!(answer["ok"], true, "{said}: {answer}");
        answer
    }

    /// The first line that fits, of those that were not heard yet.
    ///
    /// # Panics
    /// There is none in time.
    pub fn hear(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + 3 * PATIENCE;
        if let Some(at) = self.unheard.iter().position(&fits) {
            return self.unheard.remove(at);
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if fits(&line) => return line,
                Ok(line) => self.unheard.push(line),
                Err(why @ (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) => {
                    panic!("no {what} ({why}), but {:#?}", self.unheard)
                }
            }
        }
    }

    /// What it tells of this socket under this name.
    pub fn told(&mut self, socket: &str, ev: &str) -> Value {
        self.hear(ev, |line| line["ev"] == ev && line["socket"] == socket)
    }

    /// Emits on the socket `main`, and waits for the answer.
    pub fn ask(&mut self, event: &str, args: &Value) -> Value {
        let tag = self.next;
        self.say(json!({
            "cmd": "emit", "socket": "main", "event": event, "args": args, "ack": true, "tag": tag,
        }));
        let answer = self.hear("an ack", |line| line["ev"] == "ack" && line["tag"] == tag);
        assert!(answer["args"].is_array(), "{answer}, {:#?}", self.unheard);
        answer["args"].clone()
    }

    /// It ends when it is told to, with everything said.
    pub fn ends(mut self) {
        self.say(json!({ "cmd": "exit" }));
        self.commands = None;
        let end = Instant::now() + PATIENCE;
        loop {
            match self.process.try_wait().expect("a process of ours") {
                Some(status) => return assert!(status.success(), "{status}"),
                None => assert!(Instant::now() < end, "it does not end"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
