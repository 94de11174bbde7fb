//! What admins are told and what they have done, in the simulation: by clients of each transport, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_admin::{Auth, Mode, Options, SetupError, instrument};
use sio_sim::client::ClientError;
use sio_sim::{
    Ack, Check, Config, EventName, Io, Namespace, RoomEvent, Socket, TransportKind, Value, secs,
};

/// By how many seeds each story is played: of transports and delays.
const SEEDS: u64 = 20;

/// A server that keeps something with its sockets, and answers what nobody handles.
fn application() -> Io {
    let io = Io::new(Config::v4());
    // What admins of a server that is read-only say has no handler.
    io.on_error(|_| ());
    let main = io.of("/");
    main.use_(|socket: Socket| {
        socket.set_data("ann");
        Ok::<(), String>(())
    });
    main.on_connect(|socket: Socket| socket.join("lobby"));
    main.on_unhandled(|name: EventName, socket: Socket, ack: Ack| {
        socket.emit("heard", &*name)?;
        ack.send(&"unhandled")
    });
    io
}

/// What the application hears of by itself: the room that it has, and namespaces.
fn hook(io: &Io, told: &Arc<Mutex<Vec<String>>>, what: &'static str) {
    let (notes, names) = (told.clone(), told.clone());
    io.of("/").on_room_event(move |event: &RoomEvent| {
        if let RoomEvent::Created(room) = event
            && *room == *"lobby"
        {
            notes.lock().unwrap().push(what.to_owned());
        }
    });
    io.on_new_namespace(move |namespace: &Namespace| {
        names
            .lock()
            .unwrap()
            .push(format!("{what} {}", namespace.name()));
    });
}

#[test]
fn all_is_shown_in_development() {
    Check::new().seeds(SEEDS).run(async |sim| {
        let io = application();
        // What the application has registered, before and after, stays.
        let told = Arc::new(Mutex::new(Vec::new()));
        for what in ["before", "after"] {
            hook(&io, &told, what);
            if what == "before" {
                let host = sim.host("server");
                instrument(host.sim(), &io, Options::new(Auth::Open).server_id("one"))?;
            }
        }
        let server = sim.host("server").serve(&io)?;
        let ann = sim
            .host("ann")
            .client(&server)
            .transports([TransportKind::WebSocket]);
        let ann = ann.connect("/").await?;
        let admin = sim.host("admin").client(&server).connect("/admin").await?;
        let config: Value = admin.expect("config").await?;
        let features = config.get("supportedFeatures").and_then(Value::as_array);
        assert_eq!(features.map(<[_]>::len), Some(9));
        let (all,): (Vec<Value>,) = admin.expect("all_sockets").await?;
        let of = |name| {
            all.iter()
                .find(|it| it.get("nsp").and_then(Value::as_str) == Some(name))
        };
        let shown = of("/").expect("ann is shown");
        let id = ann.id().expect("she is in").to_string();
        assert_eq!(shown.get("id"), Some(&Value::from(&*id)));
        assert_eq!(shown.get("transport"), Some(&Value::from("websocket")));
        assert_eq!(shown.get("data"), Some(&Value::from("ann")));
        let rooms = shown.get("rooms").and_then(Value::as_array).unwrap();
        assert!(rooms.contains(&Value::from("lobby")));
        assert!(
            shown
                .get("handshake")
                .and_then(|it| it.get("auth"))
                .is_none()
        );
        assert!(of("/admin").is_some());

        // Who comes, what is said, who goes.
        let bob = sim.host("bob").client(&server).connect("/").await?;
        let (shown, _): (Value, String) = loop {
            let next: (Value, String) = admin.expect("socket_connected").await?;
            if next.0.get("nsp") == Some(&Value::from("/")) {
                break next;
            }
        };
        let id = bob.id().expect("he is in").to_string();
        assert_eq!(shown.get("id"), Some(&Value::from(&*id)));
        assert_eq!(
            bob.emit_with_ack::<String>("hello", &(1, "x")).await?,
            "unhandled"
        );
        let told_of = async |what| {
            admin
                .expect::<(String, String, Vec<Value>, String)>(what)
                .await
        };
        let (name, who, event, at) = told_of("event_received").await?;
        assert_eq!((&*name, &who), ("/", &id));
        assert_eq!(
            event,
            [Value::from("hello"), Value::from(1), Value::from("x")]
        );
        assert!(at.ends_with('Z'), "{at}");
        let (_, _, event, _) = told_of("event_sent").await?;
        assert_eq!(event, [Value::from("heard"), Value::from("hello")]);

        // Orders: of one, of a room, of all; and of what is not there.
        admin.emit("join", &("/", "vip", &id))?;
        admin.emit("emit", &("/", "vip", "told", 1, "x"))?;
        assert_eq!(
            bob.expect::<(u8, String)>("told").await?,
            (1, "x".to_owned())
        );
        admin.emit("leave", &("/", "vip", ""))?;
        admin.emit("emit", &("/", "vip", "never"))?;
        admin.emit("emit", &("/nowhere", Value::Null, "never"))?;
        admin.emit("emit", &("/", Value::Null, "all"))?;
        for one in [&ann, &bob] {
            one.expect::<()>("all").await?;
            assert!(!one.heard().contains(&"never".to_owned()));
        }
        admin.emit("_disconnect", &("/", false, &id))?;
        assert_eq!(bob.disconnected().await?, "io server disconnect");
        let (_, who, reason, _): (String, String, String, String) =
            admin.expect("socket_disconnected").await?;
        assert_eq!((who, &*reason), (id, "server namespace disconnect"));
        let told = told.lock().unwrap().clone();
        assert_eq!(told, ["before /admin", "before", "after"]);
        io.close().await;
        Ok(())
    });
}

#[test]
fn figures_are_told_and_nothing_is_obeyed() {
    Check::new().seeds(SEEDS).run(async |sim| {
        let io = application();
        let options = Options::new(Auth::Open).server_id("one");
        let options = options.read_only(true).mode(Mode::Production);
        let host = sim.host("server");
        instrument(host.sim(), &io, options.interval(Duration::from_secs(1)))?;
        let server = host.serve(&io)?;
        let polls = sim
            .host("ann")
            .client(&server)
            .transports([TransportKind::Polling]);
        let ann = polls.connect("/").await?;
        let admin = sim.host("admin").client(&server);
        let admin = admin
            .transports([TransportKind::WebSocket])
            .connect("/admin")
            .await?;
        let config: Value = admin.expect("config").await?;
        let features = config.get("supportedFeatures");
        assert_eq!(features, Some(&Value::from(vec!["AGGREGATED_EVENTS"])));
        admin.emit("_disconnect", &("/", true, Value::Null))?;
        assert_eq!(
            ann.emit_with_ack::<String>("hello", &()).await?,
            "unhandled"
        );
        ann.disconnect();
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        let mut polling = Vec::new();
        sim.advance(secs(5)).await;
        while admin.heard().contains(&"server_stats".to_owned()) {
            let stats: Value = admin.expect("server_stats").await?;
            assert_eq!(stats.get("serverId"), Some(&Value::from("one")));
            polling.push(stats.get("pollingClientsCount").cloned().unwrap());
            let events = stats
                .get("aggregatedEvents")
                .and_then(Value::as_array)
                .unwrap();
            for event in events {
                let kind = event.get("type").and_then(Value::as_str).unwrap();
                let count = event.get("count").and_then(Value::as_u64).unwrap();
                *counts.entry(kind.to_owned()).or_default() += count;
            }
        }
        assert!(
            polling.len() >= 4 && polling.last() == Some(&Value::from(0)),
            "{polling:?}"
        );
        assert!(admin.heard().is_empty(), "{:?}", admin.heard());
        // Of the admin that it joins, and its order; of ann the same, and that she goes.
        assert_eq!(counts.get("packetsIn"), Some(&5));
        let joins = ["0", "0/admin,"];
        let said = [
            r#"2/admin,["_disconnect","/",true,null]"#,
            r#"20["hello"]"#,
            "1",
        ];
        let texts = joins.iter().chain(&said);
        let bytes: usize = texts.map(|text| text.len()).sum();
        assert_eq!(counts.get("bytesIn"), Some(&(bytes as u64)));
        // What both are answered, and `config`; and figures.
        assert!(counts["packetsOut"] >= 4 + 3, "{counts:?}");
        assert!(counts.get("rawDisconnection") == Some(&1), "{counts:?}");
        io.close().await;
        Ok(())
    });
}

#[test]
fn strangers_are_not_let_in() {
    // Nothing that is shown here has a password to be compared, which takes a thread.
    let hash = "$2a$04$CWJU9AKgHRhsS8LupLMCSu9tNeTcMmfrBFmsudz6AAfwrIetG4C5K";
    Check::new().seeds(SEEDS).run(async |sim| {
        let io = application();
        let options = Options::new(Auth::password("admin", hash));
        instrument(sim.host("server").sim(), &io, options)?;
        let server = sim.host("server").serve(&io)?;
        let stranger = sim.host("eve").client(&server);
        let none: [(&str, &str); 0] = [];
        for shown in [
            &none[..],
            &[("username", "admin")],
            &[("sessionId", "")],
            &[("sessionId", "0")],
        ] {
            let auth: std::collections::BTreeMap<_, _> = shown.iter().copied().collect();
            let refused = stranger.clone().auth(&auth)?.connect("/admin").await;
            let Err(ClientError::Refused(why)) = refused else {
                panic!("let in with {shown:?}");
            };
            assert!(why.to_string().contains("invalid credentials"), "{why}");
        }
        io.close().await;
        Ok(())
    });
}

#[test]
fn what_is_no_hash_is_told() {
    let io = application();
    let sim = sio_sim::Sim::new(1);
    let plain = Options::new(Auth::password("admin", "changeit"));
    assert!(matches!(
        instrument(&sim, &io, plain),
        Err(SetupError::Hash(_))
    ));
    assert!(io.namespace("/admin").is_none());
}
