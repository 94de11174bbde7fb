//! The application's code is called with no lock held, whatever other threads do meanwhile.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sio_tokio::{Ack, ConnectionStateRecovery, Io, Refusal, RoomEvent, Socket};
use tokio::sync::oneshot;

use crate::client::calm;
use crate::here::{until, within};
use crate::recovery::{claims, enter, read};
use crate::world::{On, World};

/// What is called with the sockets holds no lock: it may ask and change what it likes.
async fn a_visitor_may_do_anything(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    let main = io.of("/");
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        main.visit(|socket| {
            let other = socket.clone();
            let joins = std::thread::spawn(move || other.join("x").unwrap());
            joins.join().unwrap();
            socket.leave("y");
            socket.join("z").unwrap();
            socket.emit("seen", &socket.rooms()).unwrap();
        });
        let _ = tell.send(());
    });
    within("the visit", told).await.unwrap();
    client
        .expect(&format!(r#"42["seen",["{id}","x","z"]]"#))
        .await;
    drop(client);
    world.ends().await;
}

/// A hook that hears of a room's end while another thread makes it anew hears of that afterwards.
async fn rooms_are_told_of_in_the_order_of_what_happens(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let ((one, first), (two, second)) = (world.join().await, world.join().await);
    let main = io.of("/");
    let [first, second] = [first, second].map(|id| main.get(id).unwrap());
    first.join("x").unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    let joins = second.clone();
    main.on_room_event(move |event: &RoomEvent| {
        told.send(event.clone()).unwrap();
        if matches!(event, RoomEvent::Left(..)) {
            let joins = joins.clone();
            let other = std::thread::spawn(move || joins.join("x").unwrap());
            other.join().unwrap();
        }
    });
    first.leave("x");
    let expected = [
        RoomEvent::Left("x".into(), first.id().clone()),
        RoomEvent::Deleted("x".into()),
        RoomEvent::Created("x".into()),
        RoomEvent::Joined("x".into(), second.id().clone()),
    ];
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), expected);
    drop((one, two));
    world.ends().await;
}

/// A client's handlers cause more than may wait to be told: no more of them start, while all others are served,
/// until most of it is told.
async fn who_causes_much_with_rooms_waits_until_it_is_told(on: On) {
    const EVENTS: usize = 30;
    let io = Io::new(calm());
    let churned = Arc::new(AtomicUsize::new(0));
    let count = churned.clone();
    io.on("churn", move |socket: Socket| {
        for room in 0..100 {
            let _ = socket.join(format!("{room}"));
            socket.leave(format!("{room}"));
        }
        count.fetch_add(1, Ordering::Relaxed);
    });
    io.on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io.clone()).await;
    let ((mut busy, _), (mut other, id)) = (world.join().await, world.join().await);
    let main = io.of("/");
    let (told, heard) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    main.on_room_event(move |event: &RoomEvent| {
        told.send(event.clone()).unwrap();
        // The first one takes long; when it ends, no other does.
        let _ = gate.lock().unwrap().recv();
    });
    let socket = main.get(&id).unwrap();
    let slow = std::thread::spawn(move || socket.join("slow").unwrap());
    until("the hook", || heard.try_recv().is_ok()).await;
    busy.send_at_once(vec![r#"42["churn"]"#; EVENTS]).await;
    // Four events for each room: with the eleventh there are more than 4 096.
    let held = || churned.load(Ordering::Relaxed) == 11;
    until("too much to wait", held).await;
    for _ in 0..3 {
        other.sync().await;
        assert!(held());
    }
    drop(go);
    slow.join().unwrap();
    busy.sync().await;
    assert_eq!(churned.load(Ordering::Relaxed), EVENTS);
    let all = AtomicUsize::new(0);
    until("all to be told", || {
        let more = heard.try_iter().count();
        // The first one was seen before.
        all.fetch_add(more, Ordering::Relaxed) + more == 1 + EVENTS * 400
    })
    .await;
    drop((busy, other));
    world.ends().await;
}

/// Threads cause more than may wait to be told, and nothing is lost.
async fn rooms_of_many_threads_are_all_told_of(on: On) {
    const ROOMS: usize = 3000;
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (client, id) = world.join().await;
    let main = io.of("/");
    let state = Arc::new(Mutex::new((HashSet::new(), Vec::new())));
    let (seen, own) = (state.clone(), id.clone());
    main.on_room_event(move |event: &RoomEvent| {
        let (rooms, told) = &mut *seen.lock().unwrap();
        let in_order = match event {
            RoomEvent::Created(room) => rooms.insert(room.clone()),
            // Of its own it was told before anybody listened.
            RoomEvent::Deleted(room) => rooms.remove(room) || *room == own,
            RoomEvent::Joined(..) | RoomEvent::Left(..) => true,
        };
        told.push(in_order);
    });
    let threads = (0..4).map(|_| {
        let socket = main.get(&id).unwrap();
        std::thread::spawn(move || {
            for room in 0..ROOMS {
                socket.join(format!("{}", room % 7)).unwrap();
                socket.leave(format!("{}", room % 5));
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    let rooms = main.get(&id).unwrap().rooms();
    until("all is told", || {
        let (there, told) = &*state.lock().unwrap();
        let all = rooms[1..].iter().all(|it| there.contains(it));
        !told.is_empty() && there.len() == rooms.len() - 1 && all
    })
    .await;
    drop(client);
    world.ends().await;
    let (_, told) = &*state.lock().unwrap();
    assert!(told.iter().all(|in_order| *in_order));
}

/// A value whose end asks something of the server, on another thread, and notes whether that is answered.
#[derive(Default)]
struct Curious(Option<(Ask, Arc<Mutex<Vec<bool>>>)>);

type Ask = Box<dyn FnOnce() + Send>;

impl Curious {
    fn new(answered: &Arc<Mutex<Vec<bool>>>, ask: impl FnOnce() + Send + 'static) -> Self {
        Self(Some((Box::new(ask), answered.clone())))
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let Some((ask, answered)) = self.0.take() else {
            return;
        };
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            ask();
            let _ = tell.send(());
        });
        // Nothing depends on how long it is: what waits for a lock of whoever drops this waits for ever.
        let answer = told.recv_timeout(std::time::Duration::from_secs(60));
        answered.lock().unwrap().push(answer.is_ok());
    }
}

thread_local! {
    /// The next one that is made by `Default` on this thread, for this socket.
    static NEXT: RefCell<Option<(Socket, Curious)>> = const { RefCell::new(None) };
}

/// While one is made by `Default`, somebody else sets one: it is one too many.
struct Made(#[expect(dead_code, reason = "for its end")] Curious);

impl Default for Made {
    fn default() -> Self {
        let Some((socket, curious)) = NEXT.take() else {
            return Self(Curious::default());
        };
        socket.set_local_data(Self(Curious::default()));
        Self(curious)
    }
}

async fn a_value_that_was_made_for_nothing_is_dropped_with_no_lock_held(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (client, id) = world.join().await;
    let socket = io.of("/").get(&id).unwrap();
    let answered = Arc::default();
    let other = socket.clone();
    let curious = Curious::new(&answered, move || {
        let _ = other.data::<u8>();
    });
    NEXT.set(Some((socket.clone(), curious)));
    socket.update_local_data(|_: &mut Made| ());
    assert_eq!(*answered.lock().unwrap(), [true]);
    drop((client, socket));
    world.ends().await;
}

/// Of a session that is kept, with a value that its client's middleware takes away before it is back: the last of it is
/// with what was kept.
async fn a_kept_value_is_dropped_with_no_lock_held(on: On) {
    let options = ConnectionStateRecovery::default().skip_middlewares(false);
    let io = Io::new(calm().connection_state_recovery(options));
    let main = io.of("/");
    let left = Arc::new(AtomicUsize::new(0));
    let count = left.clone();
    main.on_disconnect(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    main.use_(|socket: Socket| {
        if socket.recovered() {
            socket.remove_data::<Curious>();
        }
        Ok::<_, Refusal>(())
    });
    let world = World::new(on, io.clone()).await;
    let mut client = world.open().await;
    let (known, _) = enter(&mut client, "").await;
    let socket = main.get(&known.id).unwrap();
    let answered = Arc::<Mutex<Vec<bool>>>::default();
    let asked = main.clone();
    socket.set_local_data(Curious::new(&answered, move || drop(asked.get("nobody"))));
    socket.emit("first", &1).unwrap();
    let (_, offset) = read(&client.text().await);
    drop((client, socket));
    until("it is gone", || left.load(Ordering::Relaxed) == 1).await;
    let mut client = world.open().await;
    let (again, _) = enter(&mut client, &claims(&known, &offset)).await;
    assert_eq!(again, known);
    until("its end", || !answered.lock().unwrap().is_empty()).await;
    assert_eq!(*answered.lock().unwrap(), [true]);
    drop(client);
    world.ends().await;
}

on_each_real_runtime! {
    a_value_that_was_made_for_nothing_is_dropped_with_no_lock_held,
    a_kept_value_is_dropped_with_no_lock_held,
    a_visitor_may_do_anything,
    rooms_are_told_of_in_the_order_of_what_happens,
    who_causes_much_with_rooms_waits_until_it_is_told,
    rooms_of_many_threads_are_all_told_of,
}
