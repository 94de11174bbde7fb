//! What is served in a world.

use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::{Ack, AckError, Bytes, Data, Failure, Io, Namespace, ServerAck, Sim, Socket, State};

use super::excuses::AFTERMATH;
use super::model::{Among, Book, Life, lock, now};
use super::options::Options;
use super::questions::survey;

pub(super) const NAMESPACES: [&str; 2] = ["/", "/other"];

/// How something is said; the numbers are on the wire.
pub(super) const WAYS: u64 = 9;
pub(super) const TO_ALL: u64 = 0;
pub(super) const VOLATILE: u64 = 5;

/// The process of a server, by number.
#[derive(Clone, Copy)]
pub(super) struct Node(pub(super) usize);

/// One that joins nobody yet.
pub(super) fn io(options: &Options, book: &Book, node: usize) -> Io {
    let io = Io::new(options.server());
    io.set_state(book.clone());
    io.set_state(Node(node));
    let book = book.clone();
    io.on_error(move |error| {
        // Those that panic do so on purpose: what else panics is seen by the world.
        if !matches!(error.why, Failure::Panicked(_)) {
            let seen = format!("{} of {}: {}", error.event, error.namespace, error.why);
            lock(&book).breaks("total", &seen);
        }
    });
    io
}

pub(super) fn serve_all(io: &Io, book: &Book, node: usize) {
    for name in NAMESPACES {
        let namespace = io.of(name);
        serve(&namespace);
        hear_servers(&namespace, book, node);
    }
}

/// What it hears of other nodes' servers, and of what becomes of its cluster.
fn hear_servers(namespace: &Namespace, book: &Book, node: usize) {
    let (its, name) = (book.clone(), namespace.name().to_owned());
    namespace.on_cluster(move |event| lock(&its).nodes.tell(node, &name, event));
    let (its, name) = (book.clone(), namespace.name().to_owned());
    namespace.on_server_side(move |event, args| {
        // What is asked is heard here, too.
        if event == "noted" {
            let number = args.get(0).unwrap_or_default();
            lock(&its).server_hears(node, &name, number);
        }
    });
    namespace.on_server_side_ask(move |_, args, ack: ServerAck| {
        let number: u64 = args.get(0).unwrap_or_default();
        // Now and then it has no answer.
        if number % 5 < 4 {
            drop(ack.send(&(node, number)));
        }
    });
}

fn serve(namespace: &Namespace) {
    namespace.on_connect(connects);
    namespace.on_disconnecting(|socket: Socket, State(book): State<Book>| {
        let (id, rooms) = (socket.id().to_string(), socket.rooms());
        lock(&book).leaves(&id, Life::Connected, Life::Disconnecting, &rooms);
    });
    namespace.on_disconnect(|socket: Socket, State(book): State<Book>| {
        let (id, rooms) = (socket.id().to_string(), socket.rooms());
        lock(&book).leaves(&id, Life::Disconnecting, Life::Over, &rooms);
    });
    namespace.on("say", say);
    namespace.on("move", moves);
    namespace.on("count", count);
    namespace.on("ask me", ask);
    namespace.on("take me out", take_out);
    namespace.on("panic", panics);
    namespace.on("tell servers", tell_servers);
    namespace.on("survey", survey);
}

async fn connects(socket: Socket, State(book): State<Book>, State(Node(node)): State<Node>) {
    let guest = socket
        .handshake()
        .query
        .get("name")
        .unwrap_or_default()
        .to_owned();
    let (id, began) = (socket.id().to_string(), now());
    lock(&book).connect(node, &id, socket.namespace().name(), &guest);
    drop(socket.emit("hello", &id));
    if socket.joined(&*id).await.is_ok() {
        lock(&book).is_reached(&id, &id, began);
    }
}

/// Says something to those it is meant for.
fn say(socket: Socket, State(book): State<Book>, Data((number, way, room)): Data<(u64, u64, u64)>) {
    let (id, which, room) = (socket.id().to_string(), room, format!("room {room}"));
    let (number, whom) = {
        let mut model = lock(&book);
        model.told(&id, number);
        let whom = model.somebody(socket.namespace().name(), which);
        let whom = whom.unwrap_or_else(|| id.clone());
        let among = match way {
            1 => Among::OthersIn(room.clone()),
            2 => Among::Except(room.clone()),
            3 => Among::Others,
            4 => Among::One,
            6 => Among::Room(room.clone()),
            7 => Among::Only(whom.clone()),
            8 => Among::Here,
            _ => Among::All,
        };
        (model.say(&id, &among, way == VOLATILE), whom)
    };
    let bytes = Bytes::from(number.to_be_bytes().to_vec());
    let namespace = socket.namespace();
    let said = match way {
        1 => socket.to(&*room).emit("said", &(number,)),
        2 => namespace.except(&*room).emit("said", &(number,)),
        3 => socket.broadcast().emit("said", &(number,)),
        4 => socket.emit("bytes", &(number, &bytes, &bytes)),
        5 => namespace.volatile().emit("said", &(number,)),
        6 => namespace
            .to(&*room)
            .emit("bytes", &(number, &bytes, &bytes)),
        7 => namespace.to(&*whom).emit("said", &(number,)),
        8 => namespace.local().emit("said", &(number,)),
        _ => namespace.emit("said", &(number,)),
    };
    // Who asks may have gone since.
    drop(said);
}

async fn moves(socket: Socket, State(book): State<Book>, Data((number, room)): Data<(u64, u64)>) {
    let (id, name) = (socket.id().to_string(), format!("room {room}"));
    lock(&book).told(&id, number);
    let joins = !socket.rooms().contains(&name);
    let began = now();
    let joined = match joins {
        true => Some(socket.joined(&*name)),
        false => {
            socket.leave(&*name);
            None
        }
    };
    lock(&book).moves(&id, &name, joins);
    if let Some(joined) = joined
        && joined.await.is_ok()
    {
        lock(&book).is_reached(&id, &name, began);
    }
}

/// Says something to the servers of the other nodes.
fn tell_servers(socket: Socket, State(book): State<Book>, Data(number): Data<u64>) {
    let id = socket.id().to_string();
    lock(&book).told(&id, number);
    let namespace = socket.namespace();
    // Some cannot.
    let number = lock(&book).say_to_servers(&id);
    if namespace.server_side_emit("noted", &number).is_err() {
        lock(&book).nodes.forget(number);
    }
}

/// Answers with the same number: at once, late, or never.
async fn count(
    socket: Socket,
    State(book): State<Book>,
    Data((number, wait)): Data<(u64, u64)>,
    ack: Ack,
) {
    lock(&book).told(socket.id().as_ref(), number);
    if wait == 1 {
        return;
    }
    if wait > 1 {
        let sim = Sim::current().expect("it runs in a world");
        sim.sleep(Duration::from_millis(wait)).await;
        lock(&book).marks.insert("an answer came late");
    }
    drop(ack.send(&number));
}

/// One that waits for an answer. It has ended when it is dropped, with its task or by itself.
pub(super) struct Asking(pub(super) Book);

impl Drop for Asking {
    fn drop(&mut self) {
        lock(&self.0).ended += 1;
    }
}

/// Asks the client who it is.
async fn ask(socket: Socket, State(book): State<Book>, Data(number): Data<u64>) {
    let id = socket.id().to_string();
    let said = {
        let mut model = lock(&book);
        model.told(&id, number);
        model.asked += 1;
        model.say(&id, &Among::One, false)
    };
    let _asking = Asking(book.clone());
    let answer: Result<(String, u64), AckError> = socket.emit_with_ack("who", &said).await;
    let guest = socket.handshake().query.get("name").unwrap_or_default();
    match answer {
        Ok((name, answered)) if name == guest && answered == said => {}
        Err(AckError::Timeout) => {
            lock(&book).marks.insert("an ack timed out");
        }
        Err(AckError::Disconnected) => {}
        other => lock(&book).breaks("ack", &format!("{guest} answers {said} by {other:?}")),
    }
}

/// Says something last, and takes the socket out, or its whole connection.
fn take_out(socket: Socket, State(book): State<Book>, Data((number, all)): Data<(u64, bool)>) {
    let id = socket.id().to_string();
    let said = {
        let mut model = lock(&book);
        model.told(&id, number);
        let said = model.say(&id, &Among::One, false);
        model.takes_out(&id);
        if all {
            excuse(&mut model, &socket);
        }
        model.marks.insert("a client was taken out");
        said
    };
    drop(socket.emit("said", &(said,)));
    socket.disconnect(all);
}

fn panics(socket: Socket, State(book): State<Book>) {
    {
        let mut model = lock(&book);
        excuse(&mut model, &socket);
        model.marks.insert("a handler panicked");
    }
    // Nothing is printed of it.
    std::panic::resume_unwind(Box::new("on purpose"));
}

/// What comes of this for the client's connection is the application's doing.
fn excuse(model: &mut super::model::Model, socket: &Socket) {
    let now = Sim::current().map_or(Duration::MAX, |sim| sim.elapsed());
    let guest = socket.handshake().query.get("name").unwrap_or_default();
    model.excuses.excuse(guest, now.saturating_add(AFTERMATH));
}

/// How long an answer is to take, in milliseconds: 0 is at once, 1 never.
pub(super) fn wait(choices: &mut Choices, late: bool) -> u64 {
    match late && choices.one_in(3) {
        true => 1 + choices.below(5000),
        false => 0,
    }
}
