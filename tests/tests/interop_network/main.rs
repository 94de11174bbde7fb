//! Clients on both bindings over lines that break, stand still, carry one direction only, take their time or lead
//! nowhere, against servers whose process stands still, and in processes that do themselves.

mod apart;
mod listener;

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sio_driver::client::{
    Backoff, Client, Config, ConnectError, Dialer, Disconnected, Happening, Status,
    TransportFailure,
};
use sio_tests::{
    example::Binding,
    line::{Break, Line, Towards},
    reference::{CALM, Kind, Server},
};
use sio_tokio::{AckError, TransportKind, client::Socket};

use apart::Apart;
use listener::{END, Listener, until, within};

/// Ways to reach a server.
const WAYS: [&[TransportKind]; 3] = [
    &[TransportKind::WebSocket],
    &[TransportKind::Polling],
    &[TransportKind::Polling, TransportKind::WebSocket],
];

/// A heartbeat that notices soon.
const QUICK: [(&str, &str); 4] = [
    ("PING_INTERVAL", "1000"),
    ("PING_TIMEOUT", "1500"),
    ("CONNECT_TIMEOUT", "45000"),
    ("UPGRADE_TIMEOUT", "45000"),
];

/// One that a client in a process of its own is held to, with room for a machine that has much to do.
const SLOW: [(&str, &str); 4] = [
    ("PING_INTERVAL", "2000"),
    ("PING_TIMEOUT", "3000"),
    ("CONNECT_TIMEOUT", "45000"),
    ("UPGRADE_TIMEOUT", "45000"),
];

/// As long as a server may say nothing by that.
const SILENCE: Duration = Duration::from_millis(5000);

/// A client, and what it was told.
struct Subject<R> {
    client: Client<R>,
    socket: Socket,
    told: Arc<Mutex<Vec<(String, bool)>>>,
}

fn config() -> Config {
    let quick = Backoff::new(Duration::from_millis(20), Duration::from_millis(100));
    let mut config = Config::v4().reconnection(quick);
    // An answer may have to wait for the end of what goes wrong.
    config.ack_timeout = END;
    // And so may a WebSocket that is to take over.
    config.upgrade_timeout = END;
    config
}

impl<R: Dialer> Subject<R> {
    /// One that is in, by the last of its transports.
    fn new(runtime: &R, line: &Line, way: &[TransportKind]) -> Self {
        let subject = Self::outside(runtime, line, way, config());
        within("the namespace", subject.socket.connect()).expect("it is let in");
        let status = subject.client.status();
        let transport = way[way.len() - 1];
        until("the last transport", || {
            status.current() == Status::Connected { transport }
        });
        subject
    }

    fn outside(runtime: &R, line: &Line, way: &[TransportKind], config: Config) -> Self {
        let url = format!("http://{}", line.address);
        let builder = Client::builder_on(runtime.clone(), url).expect("a URL");
        let builder = builder.config(config).transports(way);
        let client = builder.build().expect("it is sound");
        let socket = client.socket("/");
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = told.clone();
        socket.on_disconnect(move |why: Disconnected| {
            let mut notes = notes.lock().expect("nobody panics");
            notes.push((why.reason.to_string(), why.active));
        });
        Self {
            client,
            socket,
            told,
        }
    }

    fn told(&self) -> Vec<(String, bool)> {
        self.told.lock().expect("nobody panics").clone()
    }

    /// Says numbers that this listener is to hear.
    fn shout(&self, listener: &Listener<R>, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let said = (listener.story, number);
            self.socket.emit("shout", &(said,)).expect("there is room");
        }
    }

    /// It is there, and is answered. Where the heartbeat is quick and the machine is not, it may have to come back.
    fn answers(&self) {
        loop {
            let echo = self.socket.emit_with_ack::<String>("echo", &"here");
            match within("an echo", echo) {
                Ok(echo) => return assert_eq!(echo, "here"),
                Err(why) => assert_eq!(why, AckError::Disconnected),
            }
        }
    }

    /// It has left, and asks now: it is answered once `mend` has been done, unless it has left once more.
    fn is_answered_after(&self, mend: impl FnOnce()) {
        let before = self.told().len();
        let asked = [0, 1, 2].map(|number| self.socket.emit_with_ack::<u64>("echo", &number));
        mend();
        for (number, answer) in asked.into_iter().enumerate() {
            match within("an answer", answer) {
                Ok(answer) => assert_eq!(answer, number as u64),
                Err(why) => {
                    assert_eq!(why, AckError::Disconnected);
                    assert!(self.told().len() > before, "what is kept is not lost");
                }
            }
        }
        self.answers();
    }

    /// It has never left.
    fn has_stayed(&self) {
        assert_eq!(self.told(), []);
    }

    /// It waits for having left for one of these reasons, and wanting to be back.
    /// Of disconnects behind so many that it was told of `before`.
    fn leaves(&self, before: usize, reasons: &[&str]) {
        until("a disconnect", || self.told().len() > before);
        for (reason, active) in self.told().split_off(before) {
            assert!(reasons.contains(&&*reason) && active, "{reason} {active}");
        }
    }
}

/// A line breaks in the middle of what is said, again and again: what had left is said at most once, what is said
/// later arrives.
fn breaks<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    let listener = Listener::new(runtime, server);
    let subject = Subject::new(runtime, &line, way);
    for (round, how) in [Break::End, Break::Reset, Break::End, Break::Reset]
        .into_iter()
        .enumerate()
    {
        let first = 20 * round as u64;
        let before = subject.told().len();
        subject.shout(&listener, first..first + 10);
        // Nobody is back before all was cut: what is said next is kept.
        line.stall(true);
        // A poll may just have been answered: then the next one goes over a new connection, and nothing is lost.
        until("a disconnect", || {
            line.cut(how);
            subject.told().len() > before
        });
        subject.shout(&listener, first + 10..first + 20);
        line.stall(false);
        listener.hears(first + 19);
        listener.has_all_from(first + 10, first + 19);
    }
    subject.leaves(0, &["transport close", "transport error"]);
    subject.answers();
}

/// Nothing moves any more, in either direction: the client finds out by itself.
fn stands_still<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    let subject = Subject::new(runtime, &line, way);
    line.stall(true);
    let lost = subject.socket.emit_with_ack::<u64>("echo", &7);
    subject.leaves(0, &["ping timeout"]);
    subject.is_answered_after(|| line.stall(false));
    assert!(matches!(
        within("its end", lost),
        Ok(7) | Err(AckError::Disconnected)
    ));
}

/// What the client says arrives, and no ping comes: it finds out by itself.
fn hears_nothing<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    let listener = Listener::new(runtime, server);
    let subject = Subject::new(runtime, &line, way);
    let (mut numbers, mut before) = (0.., 0);
    // Either of them may be away for a moment, where the machine is slow: then it is tried once more.
    until("what is said on such a line", || {
        within("the namespace", subject.socket.connect()).expect("it is let in");
        line.hold(Towards::Client, true);
        let first = numbers.start;
        before = subject.told().len();
        let heard = || listener.all().iter().any(|it| *it >= first);
        while !heard() && subject.told().len() == before {
            subject.shout(&listener, numbers.next());
            thread::sleep(Duration::from_millis(20));
        }
        let heard = heard();
        if !heard {
            line.hold(Towards::Client, false);
        }
        heard
    });
    subject.leaves(before, &["ping timeout"]);
    subject.is_answered_after(|| line.hold(Towards::Client, false));
}

/// Pings come, and no pong arrives: the server lets it go, and it hears that, or that nothing comes any more.
fn is_not_heard<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    let subject = Subject::new(runtime, &line, way);
    line.hold(Towards::Server, true);
    subject.leaves(0, &["transport close", "transport error", "ping timeout"]);
    subject.is_answered_after(|| line.hold(Towards::Server, false));
}

/// Connections are taken, and nobody serves them: each attempt ends by its time, until somebody does.
fn leads_nowhere<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    line.stall(true);
    let mut config = config();
    config.connect_timeout = Duration::from_millis(200);
    let subject = Subject::outside(runtime, &line, way, config);
    let failed = Arc::new(Mutex::new(Vec::new()));
    let notes = failed.clone();
    subject.client.on_event(move |happening| {
        if let Happening::Failed { error, .. } = happening {
            let mut notes = notes.lock().expect("nobody panics");
            notes.push(error.failure.clone());
        }
    });
    let errors = Arc::new(Mutex::new(Vec::new()));
    let notes = errors.clone();
    subject.socket.on_connect_error(move |error: ConnectError| {
        notes.lock().expect("nobody panics").push(error);
    });
    subject.socket.open();
    until("three attempts", || {
        failed.lock().expect("nobody panics").len() >= 3
    });
    for failure in failed.lock().expect("nobody panics").iter() {
        assert_eq!(*failure, TransportFailure::Timeout);
    }
    assert!(!errors.lock().expect("nobody panics").is_empty());
    until("three connections", || line.connections() >= 3);
    line.stall(false);
    within("the namespace", subject.socket.connect()).expect("it is let in");
    subject.answers();
}

/// Everything takes its time, which harms nobody.
fn takes_its_time<R: Dialer>(runtime: &R, server: &Server, way: &[TransportKind]) {
    let line = Line::to(server.address);
    line.delay(Duration::from_millis(300));
    let listener = Listener::new(runtime, server);
    let subject = Subject::new(runtime, &line, way);
    subject.shout(&listener, 0..20);
    subject.answers();
    listener.hears(19);
    listener.has_all_from(0, 19);
    subject.has_stayed();
}

/// The server's process stands still for longer than the heartbeat.
fn server_stops<R: Dialer>(runtime: &R, server: &Server) {
    let line = Line::to(server.address);
    let subjects = WAYS.map(|way| Subject::new(runtime, &line, way));
    server.stall(true);
    for subject in &subjects {
        subject.leaves(0, &["ping timeout"]);
    }
    thread::scope(|scope| {
        for subject in &subjects {
            scope.spawn(|| subject.is_answered_after(|| server.stall(false)));
        }
    });
}

/// It stands still for a moment, which nobody notices.
fn server_pauses<R: Dialer>(runtime: &R, server: &Server) {
    let line = Line::to(server.address);
    let subjects = WAYS.map(|way| Subject::new(runtime, &line, way));
    server.stall(true);
    let asked = subjects.each_ref().map(|subject| {
        let socket = &subject.socket;
        [0, 1, 2].map(|number| socket.emit_with_ack::<u64>("echo", &number))
    });
    thread::sleep(Duration::from_millis(300));
    server.stall(false);
    for answers in asked {
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(within("an answer", answer), Ok(number as u64));
        }
    }
    subjects.iter().for_each(Subject::has_stayed);
}

/// The client's process stands still for a moment, which nobody notices: what was said meanwhile arrives, and so does
/// what it says next.
fn client_pauses<R: Dialer>(on: &On<R>, server: &Server, way: &[TransportKind]) {
    let listener = Listener::new(&on.runtime, server);
    let mut client = Apart::new(on.binding, server, way, &listener);
    client.probe.stall(true);
    (1..10).for_each(|number| listener.says(number));
    client.shouts(10);
    thread::sleep(Duration::from_millis(300));
    client.probe.stall(false);
    listener.hears(10);
    (1..=10).for_each(|number| client.hears(number));
    listener.has_all_from(0, 10);
    assert_eq!(client.id_now(), client.id);
    client.probe.ends();
}

/// It stands still for longer than the heartbeat. Its server misses it; when it goes on it knows by itself that it was
/// missed, before it says or hears another word on that connection, and what it is told to say is said on the next.
fn client_stops<R: Dialer>(on: &On<R>, server: &Server, way: &[TransportKind]) {
    let listener = Listener::new(&on.runtime, server);
    let mut client = Apart::new(on.binding, server, way, &listener);
    client.probe.stall(true);
    listener.says(1);
    assert_eq!(listener.why_it_has_left(&client.id), "ping timeout");
    // Its own clock has run as long.
    thread::sleep(SILENCE);
    client.shouts(2);
    client.probe.stall(false);
    let left = client.probe.told("main", "disconnect");
    assert_eq!(left["reason"], "ping timeout", "{left}");
    assert_eq!(left["active"], true, "{left}");
    client.probe.told("main", "connect");
    listener.hears(2);
    listener.has_all_from(0, 2);
    // Of what was said while it stood still it has heard nothing.
    client.hears(2);
    assert_ne!(client.id_now(), client.id);
    client.probe.ends();
}

/// What happens on a line of its own.
type Story<R> = fn(&R, &Server, &[TransportKind]);

/// What clients run on: tokio by its handle, or nothing but the runtime itself.
struct On<R> {
    runtime: R,
    tokio: Option<tokio::runtime::Handle>,
    binding: Binding,
}

impl<R: Dialer> On<R> {
    /// Each of these on each way, all at the same time, against the official server and ours.
    fn play(&self, heartbeat: &[(&'static str, &'static str)], stories: &[Story<R>]) {
        let servers = self.servers().map(|kind| Server::start(kind, heartbeat));
        thread::scope(|scope| {
            for server in &servers {
                for story in stories {
                    for way in WAYS {
                        scope.spawn(move || self.inside(|runtime| story(runtime, server, way)));
                    }
                }
            }
        });
    }

    /// Processes of both servers stand still, for a while and for a moment.
    fn stop(&self) {
        thread::scope(|scope| {
            for kind in self.servers() {
                scope.spawn(move || {
                    let server = Server::start(kind, &QUICK);
                    self.inside(|runtime| server_stops(runtime, &server));
                });
                scope.spawn(move || {
                    let server = Server::start(kind, &CALM);
                    self.inside(|runtime| server_pauses(runtime, &server));
                });
            }
        });
    }

    /// Clients' processes do, for a while and for a moment.
    fn stop_clients(&self) {
        thread::scope(|scope| {
            for kind in self.servers() {
                scope.spawn(move || {
                    let [slow, calm] = [&SLOW, &CALM].map(|its| Server::start(kind, its));
                    thread::scope(|scope| {
                        for way in WAYS {
                            let (slow, calm) = (&slow, &calm);
                            scope.spawn(move || self.inside(|_| client_stops(self, slow, way)));
                            scope.spawn(move || self.inside(|_| client_pauses(self, calm, way)));
                        }
                    });
                });
            }
        });
    }

    fn servers(&self) -> [Kind; 2] {
        [Kind::Official, Kind::Ours(self.binding)]
    }

    /// Does something where the runtime can be asked for its own.
    fn inside(&self, act: impl FnOnce(&R)) {
        let _inside = self.tokio.as_ref().map(|handle| handle.enter());
        act(&self.runtime);
    }
}

macro_rules! on_each_binding {
    ($($name:ident: $run:expr;)*) => {
        mod on_tokio {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
                    $run(&On {
                        runtime: sio_tokio::Tokio,
                        tokio: Some(tokio.handle().clone()),
                        binding: Binding::Tokio,
                    });
                }
            )*
        }
        mod on_smol {
            use super::*;
            $(
                #[test]
                fn $name() {
                    $run(&On {
                        runtime: sio_smol::Smol::new(),
                        tokio: None,
                        binding: Binding::Smol,
                    });
                }
            )*
        }
    };
}

on_each_binding! {
    lines_break: |on: &On<_>| on.play(&CALM, &[breaks]);
    lines_stand_still: |on: &On<_>| on.play(&QUICK, &[stands_still, hears_nothing, is_not_heard]);
    lines_lead_nowhere: |on: &On<_>| on.play(&CALM, &[leads_nowhere]);
    lines_take_their_time: |on: &On<_>| on.play(&CALM, &[takes_its_time]);
    servers_stand_still: |on: &On<_>| on.stop();
    clients_stand_still: |on: &On<_>| on.stop_clients();
}
