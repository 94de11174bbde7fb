//! Both ends of a contract, by the compiler's help.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sio_driver::client::{Dialer, Inbox};
use sio_driver::contract::{Call, ClientCall, Event, Unexpected};
use sio_tokio::{AckError, Bytes, Io, Socket, SocketId};

use crate::client::calm;
use crate::here::{until, within};
use crate::server::{Heard, WAYS, builder};
use crate::world::{On, World};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Message {
    from: SocketId,
    text: String,
    picture: Option<Bytes>,
}

sio_tokio::contract! {
    Chat

    server to client {
        Said = "said"(message: Message) -> bool;
        Moved = "moved"(who: String, to: [u8; 2]);
        Bye = "bye"();
    }

    client to server {
        Say = "say"(text: String, picture: Option<Bytes>) -> Vec<String>;
        Move = "move"(to: [u8; 2]) -> [u8; 2];
        Ask = "ask"() -> usize;
        Leave = "leave"();
    }
}

fn io() -> Io {
    let io = Io::new(calm());
    let main = io.of("/");
    main.hear(|Call { args, reply }: Call<Say>, socket: Socket| {
        let (text, picture) = args;
        let from = socket.id().clone();
        let message = Message {
            from,
            text,
            picture,
        };
        socket.tell::<Said>(&(&message,))?;
        reply.send(&vec![message.text, "heard".to_owned()])
    });
    // One argument, and one answer, that are lists to serde.
    main.hear(|step: Call<Move>, socket: Socket| {
        let (to,) = step.args;
        socket.namespace().tell::<Moved>(&("you", to))?;
        step.reply.send(&to)
    });
    main.hear(async |ask: Call<Ask>, socket: Socket| {
        let message = Message {
            from: socket.id().clone(),
            text: "seen?".into(),
            picture: None,
        };
        let one = socket.ask::<Said>(&(&message,)).await.unwrap();
        let direct = socket.timeout(Duration::from_secs(9));
        let two = direct.ask::<Said>(&(&message,)).await.unwrap();
        let all = socket.namespace().to(socket.id());
        let all = all.ask::<Said>(&(&message,)).await.unwrap().ok();
        let yes = [one, two].into_iter().chain(all).filter(|yes| *yes);
        ask.reply.send(&yes.count()).unwrap();
    });
    main.on_connect(|socket: Socket| {
        socket.hear(|_: Call<Leave>, socket: Socket| socket.tell::<Bye>(&()));
    });
    io
}

async fn both_ends_keep_to_a_contract<R: Dialer>(on: On, runtime: R) {
    let world = World::new(on, io()).await;
    for way in WAYS {
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let heard = Heard::default();
        let notes = heard.clone();
        socket.hear(move |said: ClientCall<Said>| {
            let (message,) = said.args;
            let bytes = message.picture.map_or(0, |picture| picture.len());
            notes.note(format!("said {} with {bytes}", message.text));
            said.reply.send(&true)
        });
        let notes = heard.clone();
        socket.hear(move |ClientCall { args, reply }: ClientCall<Moved>| {
            let (who, to) = args;
            notes.note(format!("moved {who} {to:?} {}", reply.is_requested()));
        });
        let notes = heard.clone();
        socket.hear(move |_: ClientCall<Bye>| notes.note("bye"));
        within("the namespace", socket.connect()).await.unwrap();
        let picture = Some(Bytes::from_static(b"png"));
        let answer = socket.ask::<Say>(&("hello", picture)).await;
        assert_eq!(answer.unwrap(), ["hello", "heard"]);
        let answer = socket.timeout(Duration::from_secs(9));
        assert_eq!(answer.ask::<Move>(&([3, 4],)).await.unwrap(), [3, 4]);
        assert_eq!(socket.ask::<Ask>(&()).await.unwrap(), 3);
        socket.tell::<Leave>(&()).unwrap();
        until("the last word", || heard.len() == 6).await;
        let seen = "said seen? with 0";
        assert_eq!(
            heard.all(),
            [
                "said hello with 3",
                "moved you [3, 4] false",
                seen,
                seen,
                seen,
                "bye"
            ]
        );
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

/// What a contract says is the compiler's to hold to, and what comes is still looked at.
async fn what_does_not_fit_is_told<R: Dialer>(on: On, runtime: R) {
    let io = io();
    let failed = Heard::default();
    let notes = failed.clone();
    io.on_error(move |error| notes.note(error.event.clone()));
    let world = World::new(on, io.clone()).await;
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket("/");
    let mut events = socket.events(Inbox::default());
    within("the namespace", socket.connect()).await.unwrap();
    socket.emit(Move::NAME, &("left",)).unwrap();
    until("it is told", || failed.all() == ["move"]).await;
    // A server without the contract.
    io.of("/").on("odd", |socket: Socket| {
        socket.emit(Bye::NAME, &())?;
        socket.emit(Moved::NAME, &("you", "left"))
    });
    socket.emit("odd", &()).unwrap();
    let event = within("an event", events.next()).await.unwrap();
    let other = ClientCall::<Moved>::try_from(event).unwrap_err();
    assert_eq!(other, Unexpected::Name("bye".into()));
    let event = within("an event", events.next()).await.unwrap();
    let other = ClientCall::<Moved>::try_from(event).unwrap_err();
    assert!(matches!(other, Unexpected::Arguments(why) if why.index == 1));
    // An answer is what it is declared as, too.
    io.of("/").off_all(Some(Ask::NAME));
    io.of("/")
        .on(Ask::NAME, |ack: sio_tokio::Ack| ack.send(&"many"));
    let answer = within("the answer", socket.ask::<Ask>(&())).await;
    assert!(matches!(answer, Err(AckError::Mistyped(_))), "{answer:?}");
    within("the client to close", client.close()).await;
    world.ends().await;
}

on_each_runtime! {
    both_ends_keep_to_a_contract,
    what_does_not_fit_is_told,
}
