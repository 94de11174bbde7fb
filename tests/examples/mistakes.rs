//! What newcomers write at first and the compiler refuses, for the test `mistakes`, which builds this with
//! `--cfg mistakes` and reads what it says: each `//~` below a mistake is a part of that. Without, it is empty.

#![allow(unexpected_cfgs, reason = "the test sets it for this file alone")]

fn main() {}

#[cfg(mistakes)]
mod mistakes {
    use std::sync::Arc;

    use sio_tokio::{Ack, Data, EngineServer, Io, Namespace, Socket, State};

    fn an_argument_without_data(io: Io) {
        io.on("say", |text: String| println!("{text}"));
        //~ this is not a handler of events
        //~ arguments of the event are taken as `Data<T>`: `|Data(text): Data<String>|`
    }

    struct Message {
        text: String,
    }

    fn data_of_a_type_that_serde_cannot_read(io: Io) {
        io.on("say", |Data(message): Data<Message>| {
            println!("{}", message.text)
        });
        //~ this is not a handler of events
        //~ (`#[derive(serde::Deserialize)]`)
    }

    fn a_value_that_is_returned(io: Io) {
        io.on("add", |Data((a, b)): Data<(u32, u32)>| a + b);
        //~ this is not a handler of events
        //~ a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`
    }

    fn an_async_value_that_is_returned(io: Io) {
        io.on("add", async |Data((a, b)): Data<(u32, u32)>| a + b);
        //~ this is not a handler of events
        //~ a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`
    }

    fn a_borrowed_socket(io: Io) {
        io.on_connect(|socket: &Socket| println!("{}", socket.id()));
        //~ this is not a handler of events
        //~ handles are taken by value: `socket: Socket`, not `&Socket`
    }

    fn a_borrowed_text(io: Io) {
        io.on("say", |text: &str| println!("{text}"));
        //~ this is not a handler of events
        //~ so `String` and not `&str`
    }

    fn nine_arguments(io: Io) {
        io.on(
            "many",
            |_: Socket,
             _: Io,
             _: Namespace,
             _: Ack,
             _: Data<u8>,
             _: Data<u8>,
             _: Data<u8>,
             _: Data<u8>,
             _: Data<u8>| {},
        );
        //~ this is not a handler of events
        //~ at most eight arguments are taken: several of an event are one tuple, `Data<(A, B, C)>`
    }

    fn an_ack_that_may_be_missing(io: Io) {
        io.on("ask", |ack: Option<Ack>| drop(ack));
        //~ this is not a handler of events
        //~ not `Option<Ack>`
    }

    fn a_state_without_its_wrapper(io: Io) {
        io.on("count", |count: Arc<u32>| println!("{count}"));
        //~ this is not a handler of events
        //~ what `Io::set_state` was given is taken as `State<T>`, where `T: Clone`
    }

    struct Unclonable;

    fn a_state_that_cannot_be_cloned(io: Io) {
        io.on("count", |State(_): State<Unclonable>| {});
        //~ this is not a handler of events
        //~ where `T: Clone`
    }

    fn a_middleware_with_state_alone(io: Io) {
        io.use_(|count: Arc<u32>| println!("{count}"));
        //~ this is not a middleware of a namespace
        //~ `State(app): State<Arc<App>>`
    }

    fn a_middleware_that_returns_a_bool(io: Io) {
        io.use_(|socket: Socket| socket.handshake().query.get("token").is_some());
        //~ this is not a middleware of a namespace
        //~ it returns `()`, which lets the socket in, or `Result<(), E>`
    }

    fn an_error_that_cannot_be_displayed(io: Io) {
        io.on("x", || Err::<(), _>(Unclonable));
        //~ this is not a handler of events
        //~ `E: Display + 'static`
    }

    fn a_handler_that_changes_what_it_captured(io: Io) {
        let mut count = 0;
        io.on("x", move || count += 1);
        //~ expected a closure that implements the `Fn` trait
    }

    fn what_cannot_be_written(socket: Socket) {
        socket.emit("x", &Unclonable);
        //~ `Unclonable` cannot be emitted
        //~ `#[derive(serde::Serialize)]`
    }

    fn a_room_that_is_a_number(io: Io) {
        io.to(7).emit("x", &());
        //~ does not name rooms
        //~ rooms are text
    }

    fn data_that_cannot_travel(socket: Socket) {
        socket.set_data(Unclonable);
        //~ Serialize
    }

    fn an_engine_handler_of_events(engine: EngineServer) {
        engine.on_message(|message: Data<String>| drop(message));
        //~ this is not a handler of an Engine.IO server
        //~ `on_message` `|socket: EngineSocket, message: Message|`
    }
}
