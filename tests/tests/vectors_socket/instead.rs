//! Transcripts that end differently here, and why. The two reference servers differ in
//! most of those of revision 4 from each other; ours does what clients rely on.

/// What is expected instead of what the reference did.
pub(crate) struct Instead {
    pub(crate) id: &'static str,
    #[allow(dead_code, reason = "it is there to be read")]
    pub(crate) why: &'static str,
    /// The step that ends the transcript, if it is another.
    pub(crate) last: Option<&'static str>,
    /// What handlers see, if it is something else.
    pub(crate) events: Option<&'static [(&'static str, &'static str, &'static str)]>,
}

const OPEN: Option<&str> = Some(r#"{"op":"recv","as":"c","frames":[]}"#);
const CLOSED: Option<&str> = Some(r#"{"op":"recv","as":"c","frames":[],"closed":1005}"#);
const GOING_AWAY: Option<&str> = Some(r#"{"op":"recv","as":"c","frames":[],"closed":1001}"#);
const FORCED: Option<&[(&str, &str, &str)]> = Some(&[
    ("/", "connection", "{id1}"),
    ("/", "disconnect", "forced close"),
]);
const CONNECTED: Option<&[(&str, &str, &str)]> = Some(&[("/", "connection", "{id1}")]);
const WITH_ERROR: Option<&[(&str, &str, &str)]> =
    Some(&[("/", "connection", "{id1}"), ("/", "error", r#""boom""#)]);
const HANDSHAKE: Option<&[(&str, &str, &str)]> = Some(&[
    ("/", "connection", "{id1}"),
    ("/admin", "connection", "/admin#{id1}"),
    (
        "/admin",
        "handshake",
        concat!(
            r#"{"query":{"EIO":"3","transport":"websocket","token":"1234","uid":"abcd"},"#,
            r#""auth":{"token":"1234","uid":"abcd"}}"#
        ),
    ),
]);

const ALL: &[Instead] = &[
    Instead {
        id: "sio4/session/007",
        why: "the query of a namespace is in `query` as in 2.x, and in `auth` as in 4.x (PROTOCOL.md §29.3)",
        last: None,
        events: HANDSHAKE,
    },
    Instead {
        id: "sio4/session/009",
        why: "a second CONNECT does no harm; that it makes a second socket is a fault of the 2.5 server",
        last: None,
        events: CONNECTED,
    },
    Instead {
        id: "sio4/session/013",
        why: "what a client says in an ERROR packet is shown as JSON",
        last: None,
        events: WITH_ERROR,
    },
    Instead {
        id: "sio4/session/016",
        why: "what is no packet closes the connection, as in the 4.8 server (PROTOCOL.md §29.3)",
        last: CLOSED,
        events: FORCED,
    },
    Instead {
        id: "sio4/session/017",
        why: "what is no packet closes the connection, as in the 4.8 server (PROTOCOL.md §29.3)",
        last: CLOSED,
        events: FORCED,
    },
    Instead {
        id: "sio4/session/020",
        why: "clients cannot fire the server's own events (PROTOCOL.md §17)",
        last: CLOSED,
        events: FORCED,
    },
    Instead {
        id: "sio4/session/021",
        why: "clients cannot fire the server's own events (PROTOCOL.md §17)",
        last: CLOSED,
        events: FORCED,
    },
    Instead {
        id: "sio4/session/029",
        why: "the reason is that of the 4.8 server; the 2.5 server gives none. As for the code, see 058",
        last: GOING_AWAY,
        events: Some(&[
            ("/", "connection", "{id1}"),
            ("/", "disconnect", "server shutting down"),
        ]),
    },
    Instead {
        id: "sio4/session/058",
        why: "a close frame without a code is for good to C++ clients: a server that ends says so (1001)",
        last: GOING_AWAY,
        events: None,
    },
    Instead {
        id: "sio5/session/029",
        why: "as sio4/session/058",
        last: GOING_AWAY,
        events: None,
    },
    Instead {
        id: "sio4/session/036",
        why: "the query of a namespace is in `query` as in 2.x, and in `auth` as in 4.x (PROTOCOL.md §29.3)",
        last: None,
        events: HANDSHAKE,
    },
    Instead {
        id: "sio4/session/038",
        why: "a second CONNECT does no harm, as in the 2.5 server: some clients ask for `/`, too",
        last: OPEN,
        events: CONNECTED,
    },
    Instead {
        id: "sio4/session/041",
        why: "what is for a namespace never joined is ignored, as in the 2.5 server",
        last: OPEN,
        events: CONNECTED,
    },
    Instead {
        id: "sio4/session/042",
        why: "clients of 2.x send ERROR for what they cannot write, and go on, as with the 2.5 server",
        last: OPEN,
        events: WITH_ERROR,
    },
];

pub(crate) fn instead(id: &str) -> Option<&'static Instead> {
    ALL.iter().find(|instead| instead.id == id)
}

/// The open packet as it is here: `maxPayload` is said to clients of every revision, as by the 4.8
/// server.
pub(crate) fn open_packet(text: &str) -> String {
    match text.strip_suffix('}') {
        Some(rest) if !text.contains("maxPayload") => format!(r#"{rest},"maxPayload":1000000}}"#),
        _ => text.to_owned(),
    }
}
