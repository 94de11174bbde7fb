//! Types whose methods are the handlers of a namespace.

use std::sync::{Arc, Mutex};

use sio_tokio::{
    Ack, Data, DisconnectReason, EmitError, EventName, Failure, Group, Io, Methods, Params,
    RoomError, Socket,
};

use crate::client::calm;
use crate::here::until;
use crate::world::{On, World};

/// What its methods were called for.
#[derive(Default)]
struct Chat {
    lines: Mutex<Vec<String>>,
}

impl Chat {
    fn hears(&self, line: impl Into<String>) {
        self.lines.lock().unwrap().push(line.into());
    }

    fn all(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }

    fn enters(&self, socket: Socket) -> Result<(), RoomError> {
        self.hears("enters");
        socket.join("all")
    }

    fn say(&self, socket: Socket, Data(line): Data<String>) -> Result<(), EmitError> {
        self.hears(&line);
        socket.namespace().to("all").emit("said", &line)
    }

    async fn history(self: Arc<Self>, ack: Ack) -> Result<(), EmitError> {
        crate::here::pause(std::time::Duration::from_millis(1)).await;
        ack.send(&self.all())
    }

    fn first(&self) {
        self.hears("first");
    }

    fn sees(&self, EventName(name): EventName) {
        self.hears(format!("sees {name}"));
    }

    fn unknown(&self, EventName(name): EventName) {
        self.hears(format!("no {name}"));
    }

    fn leaving(&self, socket: Socket) {
        self.hears(format!("leaves {} rooms", socket.rooms().len()));
    }

    async fn left(self: Arc<Self>, reason: DisconnectReason) {
        self.hears(reason.as_str());
    }
}

impl Group for Chat {
    fn register(methods: &Methods<'_, Self>) {
        methods.on_connect(Self::enters);
        methods.on("say", Self::say);
        methods.on("history", Self::history);
        methods.once("say", Self::first);
        methods.on_any(Self::sees);
        methods.on_unhandled(Self::unknown);
        methods.on_disconnecting(Self::leaving);
        methods.on_disconnect(Self::left);
    }
}

async fn methods_of_a_type_are_the_handlers_of_a_namespace(on: On) {
    let io = Io::new(calm());
    let chat = Arc::new(Chat::default());
    io.of("/").add_group(&chat);
    let world = World::new(on, io.clone()).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["say","one"]"#).await;
    client.expect(r#"42["said","one"]"#).await;
    client.send(r#"42["say","two"]"#).await;
    client.expect(r#"42["said","two"]"#).await;
    client.send(r#"421["history"]"#).await;
    let lines = r#"["enters","sees say","one","first","sees say","two","sees history"]"#;
    client.expect(&format!("431[{lines}]")).await;
    client.send("41").await;
    until("she has left", || chat.lines.lock().unwrap().len() == 2).await;
    assert_eq!(
        chat.all(),
        ["leaves 2 rooms", "client namespace disconnect"]
    );
    drop(client);
    world.ends().await;
}

/// What a method cannot take is told as that of any handler, and the same group may stand in several places.
async fn a_group_is_one_wherever_it_is_added(on: On) {
    struct Rooms(Mutex<Vec<(u8, String)>>);

    impl Rooms {
        fn says(
            &self,
            Params(room): Params<u8>,
            Data(word): Data<String>,
            ack: Ack,
        ) -> Result<(), EmitError> {
            let mut all = self.0.lock().unwrap();
            all.push((room, word));
            ack.send(&all.len())
        }

        fn unknown(&self, ack: Ack) -> Result<(), EmitError> {
            ack.send(&"what?")
        }
    }

    impl Group for Rooms {
        fn register(methods: &Methods<'_, Self>) {
            methods.on("says", Self::says);
            methods.on_unhandled(Self::unknown);
        }
    }

    let io = Io::new(calm());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.on_error(move |error| {
        let _ = tell.send(error.why.clone());
    });
    let rooms = Arc::new(Rooms(Mutex::default()));
    for pattern in ["/room/{id}", "/hall/{id}"] {
        io.of_pattern(pattern).unwrap().add_group(&rooms);
    }
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    for (name, said) in [("/room/1", 1), ("/hall/2", 2)] {
        client.send(&format!("40{name},")).await;
        client.text().await;
        client.send(&format!(r#"42{name},1["says","hi"]"#)).await;
        client.expect(&format!("43{name},1[{said}]")).await;
    }
    client.send(r#"42/room/1,1["else"]"#).await;
    client.expect(r#"43/room/1,1["what?"]"#).await;
    client.send(r#"42/room/1,["says",7]"#).await;
    let why = crate::here::within("the failure", told.recv()).await;
    assert!(matches!(why, Some(Failure::Mistyped(_))), "{why:?}");
    let all = rooms.0.lock().unwrap().clone();
    assert_eq!(all, [(1, "hi".to_owned()), (2, "hi".to_owned())]);
    drop(client);
    world.ends().await;
}

on_each_runtime! {
    methods_of_a_type_are_the_handlers_of_a_namespace,
    a_group_is_one_wherever_it_is_added,
}
