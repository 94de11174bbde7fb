//! Into namespaces, and out of them.

use super::*;
use crate::client::event::AuthTicket;

#[test]
fn a_socket_that_leaves_closes_the_connection_after_the_last() {
    let (mut world, main) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    assert_eq!(world.client.socket("/chat", Auth::Asked), Some(chat));
    world.client.open(world.now, chat);
    assert_eq!(world.said(), ["40/chat,"]);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    world.client.leave(world.now, main);
    assert_eq!(world.said(), ["41"]);
    assert_eq!(world.told(), ["connected b", "io client disconnect false"]);
    world.hear("41/chat,");
    assert_eq!(world.told(), ["io server disconnect false"]);
    assert_eq!(world.said(), ["close"]);
    assert_eq!(world.client.status(), Status::Idle);
    world.end();
}

#[test]
fn who_is_left_before_it_was_entered_is_told_to_the_server() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.client.leave(world.now, chat);
    assert_eq!(world.said(), ["40/chat,"]);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    assert_eq!(
        (world.said(), world.told()),
        (vec!["41/chat,".to_owned()], vec![])
    );
    // Or wanted again before it was answered: to ask twice would end the connection.
    world.client.open(world.now, chat);
    assert_eq!(world.said(), ["40/chat,"]);
    world.client.leave(world.now, chat);
    world.client.open(world.now, chat);
    assert_eq!(world.said(), [""; 0]);
    world.hear(r#"40/chat,{"sid":"c"}"#);
    assert_eq!(world.told(), ["connected c"]);
    world.end();
}

#[test]
fn what_comes_before_a_refusal_is_told_to_nobody() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    for leaves in [true, false] {
        world.client.open(world.now, chat);
        world.hear(r#"42/chat,["1"]"#);
        if leaves {
            world.client.leave(world.now, chat);
        }
        world.hear(r#"44/chat,{"message":"no"}"#);
        world.told();
        world.client.open(world.now, chat);
        world.hear(r#"40/chat,{"sid":"c"}"#);
        assert_eq!(world.told(), ["connected c"]);
        world.client.leave(world.now, chat);
        world.told();
    }
    world.end();
}

#[test]
fn what_comes_before_the_answer_is_told_to_whom_it_was_said() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.hear(r#"42/chat,["1"]"#);
    world.client.leave(world.now, chat);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    world.client.open(world.now, chat);
    world.hear(r#"42/chat,["2"]"#);
    world.hear(r#"40/chat,{"sid":"c"}"#);
    assert_eq!(world.told(), ["connected c"], "the others were for b");
    // Wanted again before it was answered it is who it was to be.
    let news = world.client.socket("/news", Auth::None).unwrap();
    world.client.open(world.now, news);
    world.hear(r#"42/news,["1"]"#);
    world.client.leave(world.now, news);
    world.hear(r#"42/news,["2"]"#);
    world.client.open(world.now, news);
    world.hear(r#"42/news,["3"]"#);
    world.hear(r#"40/news,{"sid":"d"}"#);
    assert_eq!(world.told(), ["1()", "2()", "3()", "connected d"]);
    world.said();
    world.end();
}

/// What it had missed would come before the word that it is in, as what was for the socket that left may.
#[test]
fn who_has_left_on_a_connection_comes_as_a_new_one_on_it() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.hear(r#"40/chat,{"sid":"b","pid":"p"}"#);
    world.client.leave(world.now, chat);
    world.client.open(world.now, chat);
    assert_eq!(world.said(), ["40/chat,", "41/chat,", "40/chat,"]);
    world.hear(r#"40/chat,{"sid":"c","pid":"q"}"#);
    world.told();
    world.end();
}

#[test]
fn a_refused_socket_does_not_ask_again() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.hear(r#"44/chat,{"message":"no","data":{"code":1}}"#);
    let Some(Event::ConnectError {
        error: ConnectError::Refused(refusal),
        active: false,
        ..
    }) = world.client.poll_event()
    else {
        panic!("it was refused")
    };
    let data = Value::from_iter([("code", 1)]);
    assert_eq!(refusal, Refusal::new("no").data(data));
    assert!(!world.client.state(chat).unwrap().active);
    world.client.open(world.now, chat);
    assert_eq!(world.said(), ["40/chat,", "40/chat,"]);
    world.end();
}

/// The credentials that it asks for.
fn ticket(world: &mut World) -> AuthTicket {
    let mut events = world.events().into_iter();
    let ticket = events.find_map(|event| {
        let Event::AuthWanted { ticket } = event else {
            return None;
        };
        Some(ticket)
    });
    ticket.expect("it asks")
}

#[test]
fn credentials_are_asked_for_each_time_and_good_for_one_connection() {
    let mut world = World::new(|_| ());
    let socket = world.client.socket("/", Auth::Asked).unwrap();
    world.client.open(world.now, socket);
    world.accept();
    let late = ticket(&mut world);
    assert_eq!((late.socket(), world.said()), (socket, vec![]));
    world.cut();
    world.pass(secs(1));
    world.accept();
    let auth = Value::from_iter([("token", "x")]);
    world
        .client
        .answer_auth(world.now, late, Ok(Some(auth.clone())));
    assert_eq!(world.said(), [""; 0]);
    let good = ticket(&mut world);
    world.client.answer_auth(world.now, good, Ok(Some(auth)));
    assert_eq!(world.said(), [r#"40{"token":"x"}"#]);
    world.hear(r#"40{"sid":"a"}"#);
    world.cut();
    world.pass(secs(1));
    world.accept();
    let none = ticket(&mut world);
    world.client.answer_auth(world.now, none, Err(Unavailable));
    assert_eq!(world.told(), ["error stopped false"]);
    assert_eq!(world.said(), ["close"], "nobody is left");
    // Nobody answers.
    world.client.open(world.now, socket);
    world.accept();
    let _dropped = ticket(&mut world);
    world.pass(secs(20));
    assert_eq!(world.told()[0], "error timeout true");
    world.end();
}

#[test]
fn credentials_are_those_that_were_asked_for_last() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::Asked).unwrap();
    world.client.open(world.now, chat);
    let before = ticket(&mut world);
    world.client.leave(world.now, chat);
    world.client.open(world.now, chat);
    let after = ticket(&mut world);
    world.said();
    let token = |name: &str| Ok(Some(Value::from_iter([("token", name)])));
    world.client.answer_auth(world.now, before, token("old"));
    assert_eq!(world.said(), [""; 0]);
    world.client.answer_auth(world.now, after, token("new"));
    assert_eq!(world.said(), [r#"40/chat,{"token":"new"}"#]);
    world.end();
}

#[test]
fn credentials_are_an_object() {
    let mut world = World::new(|_| ());
    let auth = Auth::Value(Value::from("text"));
    let socket = world.client.socket("/", auth).unwrap();
    world.client.open(world.now, socket);
    world.accept();
    assert_eq!(world.said(), ["close"]);
    let told = world.told();
    assert!(
        told[1].starts_with("error arguments cannot be written"),
        "{told:?}"
    );
    world.client.set_auth(socket, Auth::None);
    world.client.open(world.now, socket);
    world.accept();
    assert_eq!(world.said(), ["40"]);
    world.end();
}

#[test]
fn what_was_missed_is_recovered() {
    let mut world = World::new(|_| ());
    let socket = world
        .client
        .socket("/", Auth::Value(Value::from_iter([("t", 1)])));
    world.client.open(world.now, socket.unwrap());
    world.accept();
    world.hear(r#"40{"sid":"a","pid":"p"}"#);
    world.hear(r#"42["e","o1"]"#);
    world.cut();
    world.pass(secs(1));
    world.said();
    world.accept();
    assert_eq!(world.said(), [r#"40{"pid":"p","offset":"o1","t":1}"#]);
    world.hear(r#"42["missed","o2"]"#);
    world.told();
    world.hear(r#"40{"sid":"a","pid":"p"}"#);
    assert_eq!(world.told(), [r#"missed("o2")"#, "recovered a"]);
    world.cut();
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b","pid":"q"}"#);
    assert!(world.told().contains(&"connected b".to_owned()));
    world.cut();
    world.pass(secs(1));
    world.said();
    world.accept();
    assert_eq!(world.said(), [r#"40{"pid":"q","t":1}"#], "another's offset");
    world.end();
}

#[test]
fn what_comes_before_the_answer_is_bounded() {
    for (event, most, fits) in [
        (r#"42["e",1]"#, 260, true),
        (r#"42["e",1]"#, 259, false),
        // Nothing takes room, too.
        (r#"42[""]"#, 256, true),
        (r#"42[""]"#, 255, false),
    ] {
        let mut world = World::new(|it| it.max_waiting_bytes = most);
        let socket = world.client.socket("/", Auth::None).unwrap();
        world.client.open(world.now, socket);
        world.accept();
        world.hear(event);
        world.hear(event);
        let told = world.told();
        assert_eq!(told.len() == 1, fits, "{told:?}");
        world.end();
    }
}

#[test]
fn what_is_no_packet_ends_the_connection() {
    let (mut world, _) = World::joined(|_| ());
    world.hear(r#"42["a"]"#);
    world.hear("4x");
    assert_eq!(
        world.told(),
        ["a()", "malformed Kind", "parse error true", "waiting 1 1s"]
    );
    assert_eq!(world.said(), ["close"]);
    // Nor is one that is never whole.
    let (mut world, _) = World::joined(|_| ());
    world.hear(r#"451-["a",{"_placeholder":true,"num":0}]"#);
    world.pass(secs(40));
    world.hear("2");
    world.pass(secs(20));
    assert_eq!(
        world.told()[1..3],
        ["malformed Attachments", "parse error true"]
    );
    world.end();
}

#[test]
fn clients_of_revision_4_are_in_the_main_namespace_without_asking() {
    let mut world = World::new(|it| it.revision = Eio::V3);
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.accept();
    assert_eq!(world.said(), ["40/chat?token=a%20b,"]);
    world.hear("40");
    let main = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, main);
    assert_eq!(world.said(), [""; 0]);
    world.hear("40/chat,");
    assert_eq!(
        world.told(),
        ["opened 0", "connected s", "connected /chat#s"]
    );
    world.hear(r#"44/chat,"no""#);
    assert_eq!(world.told(), [r#"error Some("\"no\"")"#]);
    // Who has left it has to ask.
    world.client.leave(world.now, main);
    world.client.open(world.now, main);
    assert_eq!(world.said(), ["41", "40"]);
    world.hear("40");
    assert_eq!(world.told(), ["io client disconnect false", "connected s"]);
    world.end();
}

#[test]
fn a_server_of_revision_4_may_refuse_all() {
    let mut world = World::new(|it| it.revision = Eio::V3);
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.accept();
    world.said();
    world.hear(r#"44"no""#);
    assert_eq!(world.told(), ["opened 0", "error no true"]);
    world.pass(secs(30));
    assert_eq!(world.told(), [""; 0], "it was answered");
    world.end();
}

#[test]
fn namespaces_are_bounded() {
    let mut world = World::new(|it| it.max_namespaces = 2);
    let mut socket = |name| world.client.socket(name, Auth::None);
    assert!(socket("/a").is_some() && socket("/b").is_some());
    assert_eq!(socket("/c"), None);
    assert!(socket("/a").is_some());
    world.end();
}

#[test]
fn what_was_for_the_socket_that_left_is_not_for_the_next() {
    let (mut world, socket) = World::joined(|_| ());
    // Somebody else keeps the connection.
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    world.client.leave(world.now, socket);
    world.client.open(world.now, socket);
    world.told();
    world.hear(r#"42["late"]"#);
    world.hear(r#"40{"sid":"c"}"#);
    assert_eq!(world.told(), ["connected c"]);
    world.end();
}

/// The server of revision 4 lets everybody in, and may take them out, while nobody wants to be there.
#[test]
fn the_main_namespace_of_revision_4_is_known_while_nobody_is_there() {
    let mut world = World::new(|it| it.revision = Eio::V3);
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    let main = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.accept();
    world.hear("40");
    world.hear("41");
    world.said();
    world.client.open(world.now, main);
    assert_eq!(world.said(), ["40"], "it has to ask");
    world.hear("40");
    assert_eq!(world.told(), ["opened 0", "connected s"]);
    world.end();
}

/// A parser of the application's own writes what the client says of itself, too.
#[test]
fn an_application_may_have_a_parser_of_its_own() {
    use crate::packet::Fault;
    use crate::packet::parser::{Decoder, EncodeError, Limits, Packet, Parser};

    struct Json;

    impl Parser for Json {
        fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
            let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
            Ok(vec![text.into()])
        }

        fn decoder(&self) -> Box<dyn Decoder> {
            Box::new(|message: Message, _: &Limits| match message {
                Message::Text(text) => serde_json::from_str(&text)
                    .map(Some)
                    .map_err(|_| Fault::Payload),
                Message::Binary(_) => Err(Fault::UnexpectedBinary),
            })
        }
    }

    let mut world = World::new(|it| it.parser = Json.into());
    let auth = Auth::Value(Value::from_iter([("t", 1)]));
    let chat = world.client.socket("/chat", auth).unwrap();
    world.client.open(world.now, chat);
    world.accept();
    assert_eq!(
        world.said(),
        [r#"4{"type":0,"nsp":"/chat","data":{"t":1}}"#]
    );
    world.hear(r#"4{"type":0,"nsp":"/chat","data":{"sid":"a"}}"#);
    let args = Args::from_json("[1]", Vec::new()).unwrap();
    world
        .client
        .retry(world.now, chat, "e".into(), &args, 0, 7)
        .unwrap();
    assert_eq!(
        world.said(),
        [r#"4{"type":2,"nsp":"/chat","id":0,"data":["e",1]}"#]
    );
    world.hear(r#"4{"type":3,"nsp":"/chat","id":0,"data":[2]}"#);
    assert_eq!(world.told(), ["opened 0", "connected a", "7: 2"]);
    world.client.leave(world.now, chat);
    assert_eq!(world.said(), [r#"4{"type":1,"nsp":"/chat"}"#, "close"]);
    world.end();
}

#[test]
fn a_server_of_revision_4_refuses_in_whatever_words_it_likes() {
    let mut world = World::new(|it| it.revision = Eio::V3);
    let [main, chat] = ["/", "/chat"].map(|name| {
        let socket = world.client.socket(name, Auth::None).unwrap();
        world.client.open(world.now, socket);
        socket
    });
    assert_eq!(world.client.namespace(chat).map(|it| &**it), Some("/chat"));
    world.accept();
    world.said();
    world.told();
    // Who is not let into `/` is let in nowhere.
    world.hear(r#"44{"code":7}"#);
    let refused: Vec<_> = world.events();
    let of = |event: &Event<u32>| {
        let Event::ConnectError {
            socket,
            error: ConnectError::Refused(refusal),
            active: true,
        } = event
        else {
            panic!("{event:?}")
        };
        (*socket, refusal.clone())
    };
    let refusal = Refusal::new("").data(Value::from_iter([("code", 7)]));
    let expected = [(main, refusal.clone()), (chat, refusal)];
    assert_eq!(refused.iter().map(of).collect::<Vec<_>>(), expected);
    // Another connection asks again.
    world.cut();
    world.pass(secs(1));
    world.accept();
    world.told();
    assert_eq!(world.said(), ["40/chat?token=a%20b,"]);
    world.hear("44/chat,");
    let refused = world.events();
    assert_eq!(of(&refused[0]), (chat, Refusal::new("")));
    assert_eq!(refused.len(), 1);
    world.hear("40");
    assert_eq!(world.told(), ["connected s"]);
    world.end();
}

/// Nobody has asked for `/`, and the client is in by now.
#[test]
fn a_late_word_about_the_main_namespace_is_nobodys() {
    let mut world = World::new(|it| it.revision = Eio::V3);
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.accept();
    world.said();
    world.hear("40/chat,");
    world.hear(r#"44"no""#);
    assert_eq!(world.told(), ["opened 0", "connected /chat#s"]);
    world.end();
}

#[test]
fn an_event_without_a_name_is_none() {
    let (mut world, _) = World::joined(|_| ());
    world.hear("42");
    world.hear("427");
    assert_eq!((world.told(), world.said()), (vec![], vec![]));
    world.hear(r#"42["a"]"#);
    assert_eq!(world.told(), ["a()"]);
    world.end();
}

/// A parser of the application's that does not write all.
#[test]
fn what_a_parser_does_not_write_is_not_said() {
    use crate::packet::parser::{Decoder, EncodeError, Limits, Packet, Parser};
    use crate::packet::{Fault, PacketType};

    struct Fussy;

    impl Parser for Fussy {
        fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
            let data = packet.data.as_ref();
            let name = data.and_then(|data| data[0].as_str());
            match (packet.kind, name) {
                (PacketType::Disconnect, _) | (_, Some("never")) => {
                    Err(EncodeError::refused("told to"))
                }
                (kind, _) => Ok(vec![format!("{kind:?}").into()]),
            }
        }

        fn decoder(&self) -> Box<dyn Decoder> {
            Box::new(|message: Message, _: &Limits| match message {
                Message::Text(text) => serde_json::from_str(&text)
                    .map(Some)
                    .map_err(|_| Fault::Payload),
                Message::Binary(_) => Err(Fault::UnexpectedBinary),
            })
        }
    }

    let mut world = World::new(|it| it.parser = Fussy.into());
    let [main, chat] = ["/", "/chat"].map(|name| {
        let socket = world.client.socket(name, Auth::None).unwrap();
        world.client.open(world.now, socket);
        socket
    });
    world.accept();
    world.hear(r#"4{"type":0,"nsp":"/","data":{"sid":"a"}}"#);
    world.hear(r#"4{"type":0,"nsp":"/chat","data":{"sid":"b"}}"#);
    world.said();
    world.told();
    for (name, token) in [("never", 1), ("once", 2)] {
        let args = Args::from_json("[1]", Vec::new()).unwrap();
        let kept = world
            .client
            .retry(world.now, main, name.into(), &args, 9, token);
        assert_eq!(kept, Ok(()));
    }
    assert_eq!(
        (world.told(), world.said()),
        (vec!["1: NotSent".to_owned()], vec!["4Event".to_owned()])
    );
    // The server would take it to be there still.
    world.client.leave(world.now, chat);
    let told = world.told();
    assert_eq!(told[0], "io client disconnect false");
    assert!(
        told[1].ends_with("true") && told[2].starts_with("waiting"),
        "{told:?}"
    );
    assert_eq!(world.said(), ["close"]);
    world.end();
}
