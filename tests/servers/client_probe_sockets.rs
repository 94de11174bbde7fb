//! The sockets of the probe: what they tell, what they answer, what they emit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::lines::{arguments, to_json, told, write};
use crate::runtime;
use crate::sio::Args;
use crate::sio::client::{
    Ack, AckError, ConnectError, Connected, Data, Disconnected, EventName, Socket, Value,
};

/// A socket that tells what happens to it.
pub(crate) struct Watched {
    pub(crate) name: String,
    pub(crate) manager: usize,
    pub(crate) socket: Socket,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    recovered: Arc<AtomicBool>,
    retries: Option<u32>,
}

/// How events of one name are answered.
#[derive(Clone)]
struct Answer {
    /// `None`: with their own.
    args: Option<Args>,
    delay: Duration,
}

impl Watched {
    pub(crate) fn new(name: String, manager: usize, socket: Socket, opts: &Json) -> Self {
        let retries = opts["retries"].as_u64().and_then(|n| u32::try_from(n).ok());
        let watched = Self {
            name,
            manager,
            socket,
            answers: Arc::default(),
            recovered: Arc::default(),
            retries: retries.filter(|n| *n > 0),
        };
        watched.listen();
        watched
    }

    pub(crate) fn recovered(&self) -> bool {
        self.recovered.load(Ordering::Relaxed)
    }

    fn listen(&self) {
        let name = self.name.clone();
        let line = move |ev: &str| json!({ "ev": ev, "socket": name });
        let (socket, tell) = (&self.socket, line.clone());
        let recovered = self.recovered.clone();
        socket.on_connect(move |hello: Connected| {
            recovered.store(hello.recovered, Ordering::Relaxed);
            let mut line = tell("connect");
            line["id"] = json!(hello.id.to_string());
            line["recovered"] = json!(hello.recovered);
            write(&line);
        });
        let tell = line.clone();
        socket.on_disconnect(move |why: Disconnected| {
            let mut line = tell("disconnect");
            line["reason"] = json!(why.reason.as_str());
            line["active"] = json!(why.active);
            write(&line);
        });
        let tell = line.clone();
        socket.on_connect_error(move |socket: Socket, error: ConnectError| {
            let mut line = tell("connect_error");
            line["message"] = json!(error.to_string());
            if let ConnectError::Refused(refusal) = &error {
                line["message"] = json!(refusal.message);
                if let Some(data) = &refusal.data {
                    line["data"] = to_json(data);
                }
            }
            line["active"] = json!(socket.active());
            write(&line);
        });
        let tell = line.clone();
        socket.on_error(move |Data(data): Data<Value>| {
            let mut line = tell("error");
            line["data"] = to_json(&data);
            write(&line);
        });
        let (tell, answers) = (line, self.answers.clone());
        socket.on_any(move |name: EventName, args: Args, ack: Ack| {
            let mut line = tell("event");
            line["name"] = json!(&*name);
            line["args"] = told(&args);
            line["wants_ack"] = json!(ack.is_requested());
            write(&line);
            let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = answers.get(&*name).filter(|_| ack.is_requested()) {
                answer.clone().give(args, ack);
            }
        });
    }

    /// From now on events of that name are answered.
    pub(crate) fn answer(&self, command: &Json) {
        let event = command["event"].as_str().unwrap_or_default().to_owned();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if command["args"].is_null() {
            answers.remove(&event);
            return;
        }
        let args = match command["args"].as_str() {
            Some(_) => None,
            None => arguments(&command["args"]).ok(),
        };
        let delay = Duration::from_millis(command["delay"].as_u64().unwrap_or_default());
        answers.insert(event, Answer { args, delay });
    }

    pub(crate) fn emit(&self, command: &Json) -> Result<(), String> {
        let event = command["event"].as_str().unwrap_or_default();
        let args = arguments(&command["args"])?;
        let volatile = command["volatile"] == true;
        let asks = command["ack"] == true;
        let mut emitter = self.socket.compress(command["compress"] != false);
        if volatile {
            emitter = emitter.volatile();
        }
        if let Some(ms) = command["timeout"].as_u64() {
            emitter = emitter.timeout(Duration::from_millis(ms));
        }
        if let Some(times) = self.retries.filter(|_| !volatile) {
            emitter = emitter.retry(times);
        } else if !asks {
            let sent = emitter.emit(event, &args);
            return sent.map(drop).map_err(|error| error.to_string());
        }
        let mut answer = emitter.emit_with_ack::<Args>(event, &args);
        // What the API refuses is known now; so may the answer be, which is given but once.
        let known = at_once(&mut answer);
        if let Some(Err(error)) = known {
            return Err(error.to_string());
        }
        let (name, tag) = (self.name.clone(), command["tag"].clone());
        runtime::spawn(async move {
            let mut line = json!({ "ev": "ack", "socket": name, "tag": tag });
            let answer = match known {
                Some(answer) => answer,
                None => answer.await,
            };
            match answer {
                Ok(args) => line["args"] = told(&args),
                Err(AckError::Timeout) => line["error"] = json!("timeout"),
                Err(AckError::Disconnected) => line["error"] = json!("disconnected"),
                Err(error) => line["error"] = json!(error.to_string()),
            }
            if asks {
                write(&line);
            }
        });
        Ok(())
    }
}

/// What is known of an emit as soon as it is asked.
fn at_once(
    answer: &mut (impl Future<Output = Result<Args, AckError>> + Unpin),
) -> Option<Result<Args, AckError>> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(answer).poll(&mut cx) {
        std::task::Poll::Ready(result) => Some(result),
        std::task::Poll::Pending => None,
    }
}

impl Answer {
    fn give(self, args: Args, ack: Ack) {
        let args = self.args.unwrap_or_else(|| args.detached());
        if self.delay.is_zero() {
            // Nobody may be there any more.
            let _ = ack.send(&args);
            return;
        }
        runtime::spawn(async move {
            runtime::sleep(self.delay).await;
            let _ = ack.send(&args);
        });
    }
}
