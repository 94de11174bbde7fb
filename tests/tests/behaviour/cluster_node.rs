//! Servers of a cluster that tell one of the others what they tell nobody else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_driver::cluster::Dialect;
use sio_tokio::{AdapterError, Namespace, ServerAck};

use crate::cluster::{House, Node};
use crate::here::{until, within};
use crate::world::On;

/// Those in which one alone can be told something.
const ALONE: [Dialect; 3] = [Dialect::Classic, Dialect::Sharded, Dialect::Streams];

/// Three servers, and what each is called by the others.
struct Three {
    house: House,
    nodes: [Node; 3],
    main: [Namespace; 3],
    names: [String; 3],
    seen: Arc<Mutex<Vec<String>>>,
}

impl Three {
    async fn new(dialect: Dialect, on: On) -> Self {
        let house = House::new(dialect);
        let (a, b) = (house.node(on).await, house.node(on).await);
        let nodes = [a, b, house.node(on).await];
        let main = nodes.each_ref().map(|node| node.io().of("/"));
        let names = nodes.each_ref().map(|node| {
            let status = node.io().adapter().status();
            status.node.expect("it is up, and so has a name")
        });
        let seen = Arc::new(Mutex::new(Vec::new()));
        for (number, namespace) in main.iter().enumerate() {
            let see: Arc<Mutex<Vec<String>>> = seen.clone();
            namespace.on_server_side(move |event, args| {
                see.lock()
                    .unwrap()
                    .push(format!("{number} {event} {args:?}"));
            });
            namespace.on_server_side_ask(move |event, args, ack: ServerAck| {
                if event == "load" {
                    ack.send(&(number, args.len())).unwrap();
                }
            });
        }
        Self {
            house,
            nodes,
            main,
            names,
            seen,
        }
    }

    /// What was heard up to here, in the order of who has heard it.
    async fn heard(&self) -> Vec<String> {
        self.main[0].server_side_emit("end", &()).unwrap();
        let ends = || {
            let seen = self.seen.lock().unwrap();
            seen.iter().filter(|it| it.contains("end")).count()
        };
        until("the end", || ends() == 2).await;
        let mut heard = std::mem::take(&mut *self.seen.lock().unwrap());
        heard.retain(|it| !it.contains("end"));
        heard.sort();
        heard
    }
}

async fn one_server_is_told_alone(on: On) {
    for dialect in ALONE {
        let three = Three::new(dialect, on).await;
        let (main, [first, second, third]) = (&three.main, &three.names);
        main[0].to_node(second).emit("hello", &(1, "x")).unwrap();
        let load = main[0].to_node(third).ask("load", &(1, 2), None);
        let load = within("an answer", load).await.unwrap();
        // Of several arguments of an answer the wire has one.
        assert_eq!(load.get::<usize>(0), Ok(2), "{dialect:?}");
        let dropped = main[2].to_node(first).ask("dropped", &(), None);
        let dropped = within("an answer", dropped).await;
        assert!(dropped.unwrap().is_empty());
        let expected = ["0 dropped []", r#"1 hello [1,"x"]"#, "2 load [1,2]"];
        assert_eq!(three.heard().await, expected, "{dialect:?}");
        let reserved = main[0].to_node(second).emit("connection", &());
        assert!(
            matches!(reserved, Err(AdapterError::Emit(_))),
            "{reserved:?}"
        );
        three.house.ends(three.nodes).await;
    }
}

async fn who_cannot_be_told_alone_is_not(on: On) {
    let three = Three::new(Dialect::V2, on).await;
    let node = three.main[0].to_node(&three.names[1]);
    // Its nodes have no channel of their own.
    assert_eq!(node.emit("hello", &()), Err(AdapterError::Unsaid));
    let asked = within("the end", node.ask("load", &(), None)).await;
    assert_eq!(asked, Err(AdapterError::Unsaid));
    three.house.ends(three.nodes).await;

    let three = Three::new(Dialect::Classic, on).await;
    // The name of one of Node's.
    let node = three.main[0].to_node("HAkhhj");
    assert_eq!(node.emit("hello", &()), Err(AdapterError::Unsaid));
    let asked = within("the end", node.ask("load", &(), None)).await;
    assert_eq!(asked, Err(AdapterError::Unsaid));
    assert!(three.heard().await.is_empty());
    three.house.ends(three.nodes).await;
}

async fn a_question_to_one_server_ends_without_it(on: On) {
    for dialect in ALONE {
        let three = Three::new(dialect, on).await;
        let (main, [first, second, third]) = (&three.main, &three.names);
        let [here, also, there] = three.nodes;
        there.world.ends().await;
        // Itself is no other, and one that has left is none any more.
        for gone in [first, third] {
            let asked = main[0].to_node(gone).ask("load", &(), None);
            let asked = within("the end", asked).await;
            assert_eq!(asked, Err(AdapterError::NoNode), "{dialect:?}");
        }
        main[0].to_node(third).emit("hello", &()).unwrap();
        // One that does not answer is waited for as long as that is wanted.
        let kept = Mutex::new(Vec::new());
        main[1].on_server_side_ask(move |_, _, ack: ServerAck| kept.lock().unwrap().push(ack));
        let node = main[0].to_node(second);
        let asked = node.ask("load", &(), Some(Duration::from_millis(50)));
        let asked = within("the end", asked).await;
        assert_eq!(asked, Err(AdapterError::Timeout), "{dialect:?}");
        three.house.memory.cut();
        until("the outage", || !here.io().adapter().status().up).await;
        let asked = within("the end", node.ask("load", &(), None)).await;
        assert!(
            matches!(asked, Err(AdapterError::Unreachable(_))),
            "{asked:?}"
        );
        three.house.ends([here, also]).await;
    }
}

on_each_runtime! {
    one_server_is_told_alone,
    who_cannot_be_told_alone_is_not,
    a_question_to_one_server_ends_without_it,
}
