//! `client_probe`: a client that outside checks drive through its standard streams: one JSON object a line in, one
//! a line out, and nothing else. Bytes are `{"$bin": "hex"}` both ways, times are milliseconds, defaults those of
//! socket.io-client 4.8.
//!
//! Commands are carried out in order on a thread of their own, since each of them only calls what does not wait.

use std::collections::HashMap;
use std::io::BufRead;

use serde_json::{Value as Json, json};

use crate::runtime;
use crate::sio::client::{Client, Status};

#[path = "client_probe_lines.rs"]
mod lines;
#[path = "client_probe_options.rs"]
mod options;
#[path = "client_probe_sockets.rs"]
mod sockets;

use lines::write;
use options::Manager;
use sockets::Watched;

/// What it can do, in the checks' words.
const FEATURES: &[&str] = &[
    "revision3",
    "msgpack",
    "proxy",
    #[cfg(feature = "rustls")]
    "tls",
    "cookies",
    "recovery",
    "retries",
    "buffer_limit",
    "stale_acks",
    "late_auth",
    "offset_reset",
    "retries_default_timeout",
    "namespace_timeout",
    "backoff_by_namespace",
    "spread",
    "strict_open",
    "bare_event",
    "last_words",
    "volatile_away",
    "unsent_kept",
    "farewell",
    "probe_closed",
    "upgrade_timeout",
    "request_timeout",
    "reconnect_now",
];

/// Carries commands out until there are no more.
pub(crate) fn run() {
    let mut probe = Probe::default();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let Ok(command) = serde_json::from_str::<Json>(&line) else {
            continue;
        };
        let mut answer = json!({ "re": command["id"] });
        let exits = command["cmd"] == "exit";
        match probe.carry_out(&command) {
            Ok(members) => {
                answer["ok"] = Json::Bool(true);
                for (name, value) in members.as_object().into_iter().flatten() {
                    answer[name] = value.clone();
                }
            }
            Err(words) => answer["error"] = Json::String(words),
        }
        write(&answer);
        if exits {
            break;
        }
    }
    for manager in &probe.managers {
        runtime::block_on(manager.client.close());
    }
}

#[derive(Default)]
struct Probe {
    managers: Vec<Manager>,
    sockets: HashMap<String, Watched>,
}

impl Probe {
    /// What the answer has besides, or why there is none.
    fn carry_out(&mut self, command: &Json) -> Result<Json, String> {
        let nothing = Ok(json!({}));
        match command["cmd"].as_str().unwrap_or_default() {
            "hello" => Ok(json!({ "name": "sio", "features": FEATURES })),
            "open" => self.open(command),
            "connect" => {
                self.socket(command)?.socket.open();
                nothing
            }
            "disconnect" => {
                self.socket(command)?.socket.disconnect();
                nothing
            }
            "emit" => {
                self.socket(command)?.emit(command)?;
                nothing
            }
            "answer" => {
                self.socket(command)?.answer(command);
                nothing
            }
            "auth" => {
                options::authorise(&self.socket(command)?.socket, &command["auth"])?;
                nothing
            }
            "state" => Ok(self.state(command)?),
            "close_engine" => {
                self.client(command)?.close_engine();
                nothing
            }
            "reconnect_now" => {
                self.client(command)?.reconnect_now();
                nothing
            }
            "exit" => nothing,
            other => Err(format!("no command: {other}")),
        }
    }

    fn open(&mut self, command: &Json) -> Result<Json, String> {
        let name = command["socket"].as_str().ok_or("no socket")?.to_owned();
        let url = command["url"].as_str().ok_or("no url")?;
        let opts = &command["opts"];
        let namespace = options::namespace(url)?;
        let number = match options::shared(&self.managers, url, opts, &namespace) {
            Some(number) => number,
            None => {
                let number = self.managers.len() + 1;
                self.managers.push(Manager::new(number, url, opts)?);
                number
            }
        };
        let manager = &mut self.managers[number - 1];
        manager.namespaces.push(namespace.clone());
        let socket = manager.client.socket(&namespace);
        if !opts["auth"].is_null() {
            options::authorise(&socket, &opts["auth"])?;
        }
        let watched = Watched::new(name.clone(), number, socket, opts);
        if opts["autoConnect"] != false {
            watched.socket.open();
        }
        self.sockets.insert(name, watched);
        Ok(json!({ "manager": number }))
    }

    fn socket(&self, command: &Json) -> Result<&Watched, String> {
        let name = command["socket"].as_str().unwrap_or_default();
        let socket = self.sockets.get(name);
        socket.ok_or_else(|| format!("no socket: {name}"))
    }

    fn client(&self, command: &Json) -> Result<&Client, String> {
        let number = self.socket(command)?.manager;
        Ok(&self.managers[number - 1].client)
    }

    fn state(&self, command: &Json) -> Result<Json, String> {
        let watched = self.socket(command)?;
        let state = watched.socket.state().ok_or("closed")?;
        let status = self.client(command)?.status().current();
        let transport = if let Status::Connected { transport } = status {
            Some(transport.as_str())
        } else {
            None
        };
        let id = state.id.filter(|_| state.connected);
        Ok(json!({
            "connected": state.connected,
            "active": state.active,
            "id": id.map(|id| id.to_string()),
            "recovered": watched.recovered(),
            "transport": transport,
            "buffered": state.offline.0,
        }))
    }
}
