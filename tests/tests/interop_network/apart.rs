//! A client that can be stopped.

use serde_json::{Value, json};
use sio_driver::client::Dialer;
use sio_tests::{example::Binding, probe::Probe, reference::Server};
use sio_tokio::TransportKind;

use crate::listener::Listener;

/// A client in a process of its own.
pub(crate) struct Apart {
    pub(crate) probe: Probe,
    /// The id of its socket.
    pub(crate) id: String,
    /// Which of the stories it is.
    story: u64,
}

impl Apart {
    /// One that is in, by the last of its transports, and was heard to say 0.
    pub(crate) fn new<R: Dialer>(
        binding: Binding,
        server: &Server,
        way: &[TransportKind],
        listener: &Listener<R>,
    ) -> Self {
        let mut probe = Probe::start(binding);
        let transports: Vec<_> = way.iter().map(|it| it.as_str()).collect();
        probe.say(json!({
            "cmd": "open", "socket": "main", "url": format!("http://{}/", server.address),
            "opts": {
                "transports": transports, "reconnectionDelay": 20, "reconnectionDelayMax": 100,
            },
        }));
        let hello = probe.told("main", "connect");
        if way.len() > 1 {
            probe.hear("an upgrade", |line| line["name"] == "upgrade");
        }
        let mut apart = Self {
            probe,
            id: hello["id"].as_str().expect("an id").to_owned(),
            story: listener.story,
        };
        apart.shouts(0);
        listener.hears(0);
        apart.hears(0);
        apart
    }

    /// It is told to say this, perhaps while it stands still.
    pub(crate) fn shouts(&mut self, number: u64) {
        self.probe.tell(json!({
            "cmd": "emit", "socket": "main", "event": "shout", "args": [[self.story, number]],
        }));
    }

    /// What it hears next of its story.
    pub(crate) fn hears(&mut self, number: u64) {
        let story = self.story;
        let line = self.probe.hear("what was shouted", |line| {
            line["name"] == "shouted" && line["args"][0][0] == story
        });
        assert_eq!(line["args"][0][1], number, "{line}");
    }

    pub(crate) fn id_now(&mut self) -> Value {
        let state = self.probe.say(json!({ "cmd": "state", "socket": "main" }));
        assert_eq!(state["connected"], true, "{state}");
        state["id"].clone()
    }
}
