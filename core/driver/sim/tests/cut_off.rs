//! A chat whose members are told what they missed, and the story of one who was cut off.

use sio_sim::{check, secs};

mod chat {
    use std::collections::HashMap;
    use std::net::IpAddr;
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;
    use sio_sim::{AckError, Config, Data, Io, Socket, State};

    /// What was said, and how much of it each member has acknowledged.
    #[derive(Default)]
    pub(crate) struct Log {
        said: Vec<String>,
        told: HashMap<IpAddr, usize>,
    }

    type Shared = State<Arc<Mutex<Log>>>;

    /// Who somebody is, connection after connection.
    fn member(socket: &Socket) -> IpAddr {
        socket.handshake().address.unwrap().ip()
    }

    /// Tells a member all that it has not acknowledged.
    async fn tell(log: Arc<Mutex<Log>>, socket: Socket) {
        let member = member(&socket);
        loop {
            let (at, text) = {
                let log = log.lock().unwrap();
                let told = log.told[&member];
                match log.said.get(told) {
                    Some(text) => (told, text.clone()),
                    None => return,
                }
            };
            let heard: Result<(), AckError> = socket.emit_with_ack("said", &text).await;
            if heard.is_err() {
                return;
            }
            let mut log = log.lock().unwrap();
            let told = log.told.get_mut(&member).unwrap();
            *told = (*told).max(at + 1);
        }
    }

    /// What is served.
    pub(crate) fn app() -> Io {
        let io = Io::new(Config::v4());
        io.set_state(Arc::<Mutex<Log>>::default());
        let chat = io.of("/");
        chat.on_connect(async |socket: Socket, State(log): Shared| {
            {
                let mut log = log.lock().unwrap();
                let all = log.said.len();
                log.told.entry(member(&socket)).or_insert(all);
            }
            tell(log, socket).await;
        });
        chat.on(
            "say",
            async |io: Io, State(log): Shared, Data(text): Data<String>| {
                log.lock().unwrap().said.push(text);
                let members = io.of("/").sockets().into_iter();
                join_all(members.map(|socket| tell(log.clone(), socket))).await;
            },
        );
        io
    }
}

#[test]
fn a_member_that_was_cut_off_is_told_what_it_missed() {
    check(async |sim| {
        let io = chat::app();
        let server = sim.host("server").serve(&io)?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        let bob = sim.host("bob").client(&server).connect("/").await?;
        ann.emit("say", &"hello")?;
        assert_eq!(bob.expect::<String>("said").await?, "hello");
        // It arrives that he has heard.
        sim.advance(secs(1)).await;

        sim.partition("bob", "server");
        ann.emit("say", &"anybody?")?;
        sim.advance(secs(90)).await;
        assert_eq!(io.of("/").len(), 1);
        assert_eq!(bob.disconnected().await?, "ping timeout");

        sim.heal();
        bob.connected().await?;
        assert_eq!(bob.expect::<String>("said").await?, "anybody?");
        Ok(())
    });
}
