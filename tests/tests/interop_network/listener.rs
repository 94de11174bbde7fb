//! Who hears what is said while lines and processes fail.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::{Either, select};
use sio_driver::client::{Client, Dialer};
use sio_tests::reference::Server;
use sio_tokio::{Data, client::Socket};

/// How long anything may take before a test gives up: never a measure, only an end.
pub(crate) const END: Duration = Duration::from_secs(60);

/// How many there were until now.
static STORIES: AtomicU64 = AtomicU64::new(0);

/// Who hears what is shouted, over a line on which nothing goes wrong.
pub(crate) struct Listener<R> {
    _client: Client<R>,
    socket: Socket,
    /// Which of the stories it is that a server is told at the same time.
    pub(crate) story: u64,
    heard: Arc<Mutex<Vec<u64>>>,
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + END;
    while !holds() {
        assert!(Instant::now() < end, "waited too long for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let future = std::pin::pin!(future);
    match smol::block_on(select(future, smol::Timer::after(END))) {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("waited too long for {what}"),
    }
}

impl<R: Dialer> Listener<R> {
    pub(crate) fn new(runtime: &R, server: &Server) -> Self {
        let url = format!("http://{}", server.address);
        let builder = Client::builder_on(runtime.clone(), url).expect("a URL");
        let client = builder.build().expect("it is sound");
        let socket = client.socket("/");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = heard.clone();
        let story = STORIES.fetch_add(1, Ordering::Relaxed);
        socket.on(
            "shouted",
            move |Data(((its, number),)): Data<((u64, u64),)>| {
                if its == story {
                    notes.lock().expect("nobody panics").push(number);
                }
            },
        );
        within("the namespace", socket.connect()).expect("it is let in");
        Self {
            _client: client,
            socket,
            story,
            heard,
        }
    }

    pub(crate) fn hears(&self, number: u64) {
        until("what was shouted", || self.all().contains(&number));
    }

    /// Says it to all, itself among them, and waits until it was said.
    pub(crate) fn says(&self, number: u64) {
        let said = (self.story, number);
        self.socket.emit("shout", &(said,)).expect("there is room");
        self.hears(number);
    }

    /// Waits until the socket of this id has left its server, and for what that says of it.
    pub(crate) fn why_it_has_left(&self, id: &str) -> String {
        let mut reason = None;
        until("the server to miss it", || {
            let answer = self
                .socket
                .emit_with_ack::<sio_tokio::Value>("last_disconnect", &(id,));
            // Where much runs at once it may be missed itself: it asks again when it is back.
            if let Ok(answer) = within("an answer", answer) {
                reason = answer["reason"].as_str().map(str::to_owned);
            }
            reason.is_some()
        });
        reason.unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.heard.lock().expect("nobody panics").clone()
    }

    /// Nothing came twice, and of what was said from then on nothing is missing and all is in order.
    pub(crate) fn has_all_from(&self, first: u64, last: u64) {
        let all = self.all();
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(once.len(), all.len(), "{all:?}");
        let kept: Vec<_> = all
            .iter()
            .filter(|it| (first..=last).contains(*it))
            .collect();
        assert!(kept.into_iter().copied().eq(first..=last), "{all:?}");
    }
}
