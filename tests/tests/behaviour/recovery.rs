//! Clients that are cut off and come back as who they were.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use sio_tokio::adapter::{KeptSession, RestoredSession, SessionClaim};
use sio_tokio::{
    Ack, Adapter, Bytes, ConnectionStateRecovery, Data, DisconnectReason, ExpiredSession, Expiry,
    InMemory, Io, Later, Namespace, Socket,
};

use crate::client::{Client, calm};
use crate::here::until;
use crate::world::{On, World};

/// What a client has of its session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) pid: String,
}

/// What the server says to a client that enters, and what came before that.
pub(crate) async fn enter(client: &mut Client, auth: &str) -> (Known, Vec<String>) {
    client.send(&format!("40{auth}")).await;
    let mut before = Vec::new();
    loop {
        let text = client.text().await;
        if text.starts_with("40{") {
            let words: Vec<_> = text.split('"').collect();
            assert_eq!((words[1], words[5]), ("sid", "pid"), "{text}");
            let known = Known {
                id: words[3].to_owned(),
                pid: words[7].to_owned(),
            };
            return (known, before);
        }
        before.push(text);
    }
}

async fn come(world: &World, auth: &str) -> (Client, Known, Vec<String>) {
    let mut client = world.open().await;
    let (known, before) = enter(&mut client, auth).await;
    (client, known, before)
}

pub(crate) fn claims(known: &Known, offset: &str) -> String {
    format!(r#"{{"pid":"{}","offset":"{offset}"}}"#, known.pid)
}

/// Ends when it is looked at again.
pub(crate) fn later() -> impl Future<Output = ()> {
    let mut looked = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut looked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// An event without its offset, and that.
pub(crate) fn read(text: &str) -> (String, String) {
    let (event, offset) = text.rsplit_once(",\"").unwrap_or_else(|| panic!("{text}"));
    (
        format!("{event}]"),
        offset.trim_end_matches("\"]").to_owned(),
    )
}

pub(crate) fn events(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| read(text).0).collect()
}

/// A server that recovers, and why sockets have left it.
fn server(options: ConnectionStateRecovery) -> (Io, Arc<Mutex<Vec<String>>>) {
    let io = Io::new(calm().connection_state_recovery(options));
    let main = io.of("/");
    let left = talks(&main);
    main.on("who", |socket: Socket, ack: Ack| {
        let rooms = socket.rooms();
        ack.send(&(socket.recovered(), socket.data::<String>(), rooms))
    });
    (io, left)
}

/// What clients ask for who come back; why sockets have left.
pub(crate) fn talks(main: &Namespace) -> Arc<Mutex<Vec<String>>> {
    main.on("sync", |ack: Ack| ack.send(&()));
    main.on(
        "join",
        |socket: Socket, Data(room): Data<String>, ack: Ack| {
            socket.join(room).map_err(|why| why.to_string())?;
            ack.send(&()).map_err(|why| why.to_string())
        },
    );
    main.on(
        "keep",
        |socket: Socket, Data(word): Data<String>, ack: Ack| {
            socket.set_data(word);
            ack.send(&())
        },
    );
    let left = Arc::new(Mutex::new(Vec::new()));
    let told = left.clone();
    main.on_disconnect(move |reason: DisconnectReason| {
        told.lock().unwrap().push(reason.to_string());
    });
    left
}

fn usual() -> (Io, Arc<Mutex<Vec<String>>>) {
    server(ConnectionStateRecovery::default())
}

async fn who(client: &mut Client) -> String {
    client.send(r#"421["who"]"#).await;
    client.text().await
}

pub(crate) async fn do_(client: &mut Client, event: &str, word: &str) {
    client.send(&format!(r#"422["{event}","{word}"]"#)).await;
    client.expect("432[]").await;
}

async fn what_was_missed_comes_first_with_rooms_and_data(on: On) {
    let (io, left) = usual();
    let world = World::new(on, io).await;
    let (mut ann, known, before) = come(&world, "").await;
    assert_eq!(before, [""; 0]);
    do_(&mut ann, "join", "lobby").await;
    do_(&mut ann, "keep", "word").await;
    let socket = world.io.of("/").get(&known.id).unwrap();
    assert!(!socket.recovered());
    socket.emit("first", &1).unwrap();
    let (event, offset) = read(&ann.text().await);
    assert_eq!(event, r#"42["first",1]"#);
    drop(ann);
    let times = left.clone();
    until("it is gone", || times.lock().unwrap().len() == 1).await;
    let lobby = world.io.to("lobby");
    lobby.emit("second", &()).unwrap();
    world.io.to(&*known.id).emit("third", &"a").unwrap();
    world.io.to("elsewhere").emit("nobody", &()).unwrap();
    lobby.clone().volatile().emit("lost", &()).unwrap();
    world.io.emit("fourth", &Bytes::from_static(b"x")).unwrap();
    let (mut ann, again, before) = {
        let mut client = world.open().await;
        client.send(&format!("40{}", claims(&known, &offset))).await;
        let texts = [
            client.text().await,
            client.text().await,
            client.text().await,
        ];
        let bytes = client.next().await.unwrap().into_data();
        assert_eq!(bytes, "x");
        assert!(texts[2].starts_with(r#"451-["fourth",{"#), "{texts:?}");
        let welcome = client.text().await;
        let words: Vec<_> = welcome.split('"').collect();
        let known = Known {
            id: words[3].to_owned(),
            pid: words[7].to_owned(),
        };
        (client, known, texts)
    };
    assert_eq!(again, known);
    assert_eq!(
        events(&before[..2]),
        [r#"42["second"]"#, r#"42["third","a"]"#]
    );
    let expected = format!(r#"431[true,"word",["{}","lobby"]]"#, known.id);
    assert_eq!(who(&mut ann).await, expected);
    // It is where it was: what is said from now on it hears once.
    lobby.emit("fifth", &()).unwrap();
    assert_eq!(read(&ann.text().await).0, r#"42["fifth"]"#);
    let figures = world.io.of("/").recovery().unwrap();
    assert_eq!((figures.here, figures.away, figures.recovered), (1, 0, 1));
    world.ends().await;
}

async fn a_connection_that_hangs_gives_way(on: On) {
    let (io, left) = usual();
    let world = World::new(on, io).await;
    let (mut ann, known, _) = come(&world, "").await;
    do_(&mut ann, "join", "lobby").await;
    let mut hanging = Vec::new();
    for round in 0..4 {
        world.io.emit("seen", &round).unwrap();
        let (_, offset) = read(&ann.text().await);
        world.io.to("lobby").emit("unread", &round).unwrap();
        let (next, again, before) = come(&world, &claims(&known, &offset)).await;
        assert_eq!(again, known);
        assert_eq!(events(&before), [format!(r#"42["unread",{round}]"#)]);
        hanging.push(std::mem::replace(&mut ann, next));
        let times = left.clone();
        until("the old one has left", || {
            times.lock().unwrap().len() == round + 1
        })
        .await;
        assert_eq!(left.lock().unwrap()[round], "recovered elsewhere");
    }
    assert_eq!(world.io.of("/").len(), 1);
    for old in hanging {
        let (texts, _) = old.rest().await;
        assert!(texts.len() <= 1, "{texts:?}");
    }
    ann.sync().await;
    world.ends().await;
}

async fn what_is_used_or_made_up_brings_nobody_back(on: On) {
    let (io, left) = usual();
    let world = World::new(on, io).await;
    let (mut ann, known, _) = come(&world, "").await;
    world.io.emit("1", &()).unwrap();
    let (_, offset) = read(&ann.text().await);
    drop(ann);
    until("it is gone", || left.lock().unwrap().len() == 1).await;
    let (mut ann, ..) = come(&world, &claims(&known, &offset)).await;
    let guess = Known {
        pid: "AAAAAAAAAAAAAAAAAAAA".to_owned(),
        ..known.clone()
    };
    for auth in [
        claims(&known, &offset),
        claims(&known, "1"),
        claims(&guess, &offset),
    ] {
        let (mut thief, other, before) = come(&world, &auth).await;
        assert_eq!(before, [""; 0]);
        assert!(other.id != known.id && other.pid != known.pid);
        assert!(who(&mut thief).await.starts_with("431[false,null"));
    }
    ann.sync().await;
    let figures = world.io.of("/").recovery().unwrap();
    assert_eq!((figures.recovered, figures.refused), (1, 3));
    world.ends().await;
}

async fn middlewares_are_skipped_or_not(on: On) {
    for skip in [true, false] {
        let (io, left) = server(ConnectionStateRecovery::default().skip_middlewares(skip));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        io.of("/").use_(move |socket: Socket| {
            let count = count.clone();
            async move {
                later().await;
                count.fetch_add(1, Ordering::Relaxed);
                socket.join("by middleware")
            }
        });
        let world = World::new(on, io).await;
        let (mut ann, known, _) = come(&world, "").await;
        world.io.emit("1", &()).unwrap();
        let (_, offset) = read(&ann.text().await);
        drop(ann);
        until("it is gone", || left.lock().unwrap().len() == 1).await;
        world.io.to("by middleware").emit("2", &()).unwrap();
        let (mut ann, again, before) = come(&world, &claims(&known, &offset)).await;
        assert_eq!(
            (again, events(&before)),
            (known, vec![r#"42["2"]"#.to_owned()])
        );
        assert!(who(&mut ann).await.starts_with("431[true,"));
        assert_eq!(asked.load(Ordering::Relaxed), if skip { 1 } else { 2 });
        world.ends().await;
    }
}

async fn a_session_expires_and_is_told_of(on: On) {
    let short =
        ConnectionStateRecovery::default().max_disconnection_duration(Duration::from_millis(100));
    let (io, _) = server(short);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    io.of("/").on_expired(move |session: &ExpiredSession| {
        let word: Option<String> = session.data.decode().ok();
        tell.lock()
            .unwrap()
            .push((session.id.to_string(), session.why, word));
    });
    let world = World::new(on, io).await;
    let (mut ann, known, _) = come(&world, "").await;
    do_(&mut ann, "keep", "word").await;
    world.io.emit("1", &()).unwrap();
    let (_, offset) = read(&ann.text().await);
    drop(ann);
    until("it has expired", || !told.lock().unwrap().is_empty()).await;
    let expected = (known.id.clone(), Expiry::Late, Some("word".to_owned()));
    assert_eq!(*told.lock().unwrap(), [expected]);
    let figures = world.io.of("/").recovery().unwrap();
    assert_eq!((figures.packets, figures.away, figures.expired), (0, 0, 1));
    let (_ann, other, _) = come(&world, &claims(&known, &offset)).await;
    assert!(other.id != known.id);
    world.ends().await;
}

/// Its end panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

/// Two are cut off at a time. That of the first panics as its session goes.
async fn a_value_whose_end_panics_keeps_no_other_session(on: On) {
    for hears in [true, false] {
        let short = ConnectionStateRecovery::default()
            .max_disconnection_duration(Duration::from_millis(100));
        let (io, _) = server(short);
        let main = io.of("/");
        let told = Arc::new(AtomicUsize::new(0));
        let tell = told.clone();
        if hears {
            main.on_expired(move |_: &ExpiredSession| {
                tell.fetch_add(1, Ordering::Relaxed);
            });
        }
        let world = World::new(on, io.clone()).await;
        let (first, known, _) = come(&world, "").await;
        main.get(&known.id).unwrap().set_local_data(Bomb);
        let (second, _, _) = come(&world, "").await;
        drop((first, second));
        until("both to expire", || {
            main.recovery()
                .is_some_and(|it| it.expired == 2 && it.away == 0)
        })
        .await;
        until("both to be told of", || {
            !hears || told.load(Ordering::Relaxed) == 2
        })
        .await;
        // Who comes now is none the worse for it.
        let (mut client, _, _) = come(&world, "").await;
        client.sync().await;
        drop(client);
        until("its end", || main.is_empty()).await;
        world.ends().await;
    }
}

async fn a_value_whose_end_panics_keeps_nobody_from_coming_back(on: On) {
    let (io, left) = server(ConnectionStateRecovery::default().skip_middlewares(false));
    let main = io.of("/");
    main.use_(|socket: Socket| {
        if socket.recovered() {
            // The last of it is with what was kept.
            socket.remove_data::<Bomb>();
        }
    });
    let world = World::new(on, io.clone()).await;
    let (mut ann, known, _) = come(&world, "").await;
    main.get(&known.id).unwrap().set_local_data(Bomb);
    io.emit("1", &()).unwrap();
    let (_, offset) = read(&ann.text().await);
    drop(ann);
    until("she is gone", || !left.lock().unwrap().is_empty()).await;
    let (mut ann, again, _) = come(&world, &claims(&known, &offset)).await;
    assert_eq!(again, known);
    ann.sync().await;
    drop(ann);
    until("she leaves", || main.is_empty()).await;
    world.ends().await;
}

async fn what_is_not_kept_tells_the_place_all_the_same(on: On) {
    let (io, left) = usual();
    let world = World::new(on, io).await;
    let (mut ann, known, _) = come(&world, "").await;
    let socket = world.io.of("/").get(&known.id).unwrap();
    socket.emit("1", &()).unwrap();
    let (_, first) = read(&ann.text().await);
    ann.sync().await;
    socket.volatile().emit("2", &"text").unwrap();
    let (event, offset) = read(&ann.text().await);
    assert_eq!((&*event, &offset), (r#"42["2","text"]"#, &first));
    world.io.volatile().emit("3", &"text").unwrap();
    assert_eq!(read(&ann.text().await).1, first);
    drop(ann);
    until("it is gone", || left.lock().unwrap().len() == 1).await;
    let (_ann, again, before) = come(&world, &claims(&known, &offset)).await;
    assert_eq!((again, before.len()), (known, 0));
    world.ends().await;
}

async fn one_that_is_put_out_does_not_come_back(on: On) {
    let (io, left) = usual();
    let world = World::new(on, io).await;
    for by_server in [true, false] {
        let (mut ann, known, _) = come(&world, "").await;
        world.io.emit("1", &()).unwrap();
        let (_, offset) = read(&ann.text().await);
        if by_server {
            world.io.of("/").get(&known.id).unwrap().disconnect(false);
            ann.expect("41").await;
        } else {
            ann.send("41").await;
        }
        until("it is gone", || left.lock().unwrap().len() == 1).await;
        left.lock().unwrap().clear();
        let (other, fresh, _) = come(&world, &claims(&known, &offset)).await;
        assert!(fresh.id != known.id);
        drop(other);
        until("it is gone", || left.lock().unwrap().len() == 1).await;
        left.lock().unwrap().clear();
    }
    world.ends().await;
}

/// Enters a child, and says what came before the answer.
async fn enter_room(client: &mut Client, auth: &str) -> (Known, Vec<String>) {
    client.send(&format!("40/room/7,{auth}")).await;
    let mut before = Vec::new();
    loop {
        let text = client.text().await;
        let Some(answer) = text.strip_prefix("40/room/7,") else {
            before.push(text);
            continue;
        };
        let words: Vec<_> = answer.split('"').collect();
        let (id, pid) = (words[3].to_owned(), words[7].to_owned());
        return (Known { id, pid }, before);
    }
}

async fn the_last_of_a_child_comes_back_and_it_goes_without_anybody(on: On) {
    let time = Duration::from_secs(2);
    let (io, _) = server(ConnectionStateRecovery::default().max_disconnection_duration(time));
    io.of_pattern("/room/{id}").unwrap();
    let world = World::new(on, io).await;
    let mut ann = world.open().await;
    let (known, _) = enter_room(&mut ann, "").await;
    let room = world.io.namespace("/room/7").unwrap();
    room.emit("first", &1).unwrap();
    let (_, offset) = read(&ann.text().await);
    drop(ann);
    until("it is gone", || room.is_empty()).await;
    // Nobody is in it, and somebody may come back.
    assert_eq!(world.io.namespace("/room/7").as_ref(), Some(&room));
    room.emit("second", &2).unwrap();
    let mut ann = world.open().await;
    let (again, before) = enter_room(&mut ann, &claims(&known, &offset)).await;
    assert_eq!(again, known);
    assert_eq!(events(&before), [r#"42/room/7,["second",2]"#]);
    drop(ann);
    until("it is gone", || room.is_empty()).await;
    until("the child is gone", || {
        world.io.namespace("/room/7").is_none()
    })
    .await;
    assert!(room.is_removed());
    // One that leaves for good is not waited for.
    let mut ann = world.open().await;
    enter_room(&mut ann, "").await;
    ann.send("41/room/7,").await;
    until("the child is gone", || {
        world.io.namespace("/room/7").is_none()
    })
    .await;
    world.ends().await;
}

/// An adapter that would have sessions kept elsewhere, and how often it was asked to.
struct Asked {
    local: InMemory,
    kept: Arc<AtomicUsize>,
    claimed: Arc<AtomicUsize>,
}

impl Adapter for Asked {
    fn local(&self) -> &InMemory {
        &self.local
    }

    fn recovers(&self) -> bool {
        true
    }

    fn persist(&self, _: KeptSession) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    fn restore(&self, _: SessionClaim) -> Later<Option<RestoredSession>> {
        self.claimed.fetch_add(1, Ordering::Relaxed);
        Later::ready(None)
    }
}

async fn without_recovery_no_adapter_is_asked_for_sessions(on: On) {
    for recovers in [true, false] {
        let (kept, claimed) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let io = match recovers {
            true => usual().0,
            false => Io::new(calm()),
        };
        let (counts, asked) = ((kept.clone(), claimed.clone()), kept.clone());
        io.set_adapter(move |local| {
            let (kept, claimed) = counts.clone();
            Asked {
                local,
                kept,
                claimed,
            }
        })
        .unwrap();
        let world = World::new(on, io.clone()).await;
        let mut ann = world.open().await;
        ann.send("40").await;
        let entered = ann.text().await;
        assert_eq!(entered.contains("\"pid\""), recovers, "{entered}");
        drop(ann);
        until("she is gone", || io.of("/").is_empty()).await;
        // Her session is kept behind that.
        until("it is asked to keep it", || {
            !recovers || asked.load(Ordering::Relaxed) == 1
        })
        .await;
        // What a client of such a server might say, whose pid is known to nobody.
        let mut ann = world.open().await;
        ann.send(r#"40{"pid":"nobody","offset":"1"}"#).await;
        assert!(ann.text().await.starts_with("40{"));
        let asked = [kept, claimed].map(|it| it.load(Ordering::Relaxed));
        assert_eq!(asked, if recovers { [1, 1] } else { [0, 0] });
        world.ends().await;
    }
}

on_each_runtime! {
    without_recovery_no_adapter_is_asked_for_sessions,
    what_was_missed_comes_first_with_rooms_and_data,
    a_connection_that_hangs_gives_way,
    what_is_used_or_made_up_brings_nobody_back,
    middlewares_are_skipped_or_not,
    a_session_expires_and_is_told_of,
    a_value_whose_end_panics_keeps_no_other_session,
    a_value_whose_end_panics_keeps_nobody_from_coming_back,
    what_is_not_kept_tells_the_place_all_the_same,
    one_that_is_put_out_does_not_come_back,
    the_last_of_a_child_comes_back_and_it_goes_without_anybody,
}
