//! What is served in a world.

use std::time::Duration;

use sio_sim::choices::Choices;
use sio_sim::{Ack, AckError, Bytes, Data, Io, Namespace, Sim, Socket, State};

use super::excuses::AFTERMATH;
use super::model::{Among, Book, Life, lock};
use super::options::Options;

pub(super) const NAMESPACES: [&str; 2] = ["/", "/other"];

/// How something is said; the numbers are on the wire.
pub(super) const WAYS: u64 = 7;
pub(super) const TO_ALL: u64 = 0;
pub(super) const VOLATILE: u64 = 5;

pub(super) fn app(options: &Options, book: &Book) -> Io {
    let io = Io::new(options.server());
    io.set_state(book.clone());
    for name in NAMESPACES {
        serve(&io.of(name));
    }
    io
}

fn serve(namespace: &Namespace) {
    namespace.on_connect(|socket: Socket, State(book): State<Book>| {
        let guest = socket
            .handshake()
            .query
            .get("name")
            .unwrap_or_default()
            .to_owned();
        let id = socket.id().to_string();
        lock(&book).connect(&id, socket.namespace().name(), &guest);
        drop(socket.emit("hello", &id));
    });
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
}

/// Says something to those it is meant for.
fn say(socket: Socket, State(book): State<Book>, Data((number, way, room)): Data<(u64, u64, u64)>) {
    let (id, room) = (socket.id().to_string(), format!("room {room}"));
    let number = {
        let mut model = lock(&book);
        model.told(&id, number);
        let among = match way {
            1 => Among::OthersIn(&room),
            2 => Among::Except(&room),
            3 => Among::Others,
            4 => Among::One,
            6 => Among::Room(&room),
            _ => Among::All,
        };
        model.say(&id, &among, way == VOLATILE)
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
        _ => namespace.emit("said", &(number,)),
    };
    // Who asks may have gone since.
    drop(said);
}

fn moves(socket: Socket, State(book): State<Book>, Data((number, room)): Data<(u64, u64)>) {
    let (id, name) = (socket.id().to_string(), format!("room {room}"));
    lock(&book).told(&id, number);
    let joins = !socket.rooms().contains(&name);
    match joins {
        true => drop(socket.join(&*name)),
        false => socket.leave(&*name),
    }
    lock(&book).moves(&id, &name, joins);
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
struct Asking(Book);

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
