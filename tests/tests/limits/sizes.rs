//! Bytes, and levels of nesting.

use sio_tests::{
    served::{Served, serve},
    wire::{WebSocket, Wire, fragments},
};
use sio_tokio::Config;

/// The text of a message of `size` bytes, packet types included: an event `echo` with the ack id 1.
fn echo(size: usize) -> String {
    let fixed = r#"421["echo",""]"#.len();
    format!(r#"421["echo","{}"]"#, "x".repeat(size - fixed))
}

const MESSAGE: usize = 1000;

fn small_messages() -> Config {
    Config::default().max_http_buffer_size(MESSAGE)
}

#[test]
fn max_http_buffer_size_at_the_limit_by_post() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let response = polling.post(&echo(MESSAGE));
        assert_eq!((response.status, &*response.body), (200, "ok"));
        assert!(polling.packets()[0].starts_with(r#"431["xxx"#));
    });
}

#[test]
fn max_http_buffer_size_at_the_limit_is_bytes_of_utf8() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let body = format!(r#"421["echo","{}"]"#, "€".repeat((MESSAGE - 14) / 3));
        assert!(body.len() <= MESSAGE && body.len() > MESSAGE - 3);
        assert_eq!(polling.post(&body).status, 200);
        assert!(polling.packets()[0].starts_with(r#"431["€"#));
    });
}

#[test]
fn max_http_buffer_size_past_the_limit_by_post_is_413_and_the_end() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let response = polling.post(&echo(MESSAGE + 1));
        assert_eq!((response.status, &*response.body), (413, ""));
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_http_buffer_size_past_the_limit_by_length_is_answered_before_the_body() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            polling.target(),
            MESSAGE + 1
        );
        assert!(wire.write(head));
        let response = wire.response().expect("a response to the head alone");
        assert_eq!((response.status, &*response.body), (413, ""));
        assert_eq!(server.left(), "transport error");
        wire.rest();
    });
}

#[test]
fn max_http_buffer_size_past_the_limit_in_chunks_is_answered_at_the_byte_that_crosses_it() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            polling.target()
        );
        assert!(wire.write(head));
        let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "3".repeat(size));
        assert!(wire.write(chunk(MESSAGE)));
        // The end of the body never comes.
        assert!(wire.write(chunk(1)));
        let response = wire.response().expect("a response");
        assert_eq!((response.status, &*response.body), (413, ""));
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
    });
}

#[test]
fn max_http_buffer_size_at_the_limit_by_websocket() {
    serve(small_messages(), |server| {
        let mut whole = server.member();
        whole.send(&echo(MESSAGE));
        assert!(whole.text().starts_with(r#"431["xxx"#));
        let message = echo(MESSAGE);
        whole
            .wire()
            .write(fragments(message.as_bytes().chunks(300)));
        assert!(whole.text().starts_with(r#"431["xxx"#));
        assert!(whole.is_alive() && server.nobody_left());
    });
}

#[test]
fn max_http_buffer_size_past_the_limit_by_websocket_is_1009() {
    serve(small_messages(), |server| {
        let mut whole = server.member();
        whole.send(&echo(MESSAGE + 1));
        assert_eq!(whole.end(), (vec![], Some(Some(1009))));
        assert_eq!(server.left(), "transport error");

        let mut fragmented = server.member();
        let message = echo(MESSAGE + 1);
        let parts = fragments(message.as_bytes().chunks(300));
        fragmented.wire().write(parts);
        assert_eq!(fragmented.end(), (vec![], Some(Some(1009))));
        assert_eq!(server.left(), "transport error");
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_http_buffer_size_past_the_limit_on_a_candidate_leaves_the_session() {
    serve(small_messages(), |server| {
        let polling = server.polling_member();
        let mut candidate = WebSocket::beside(server.address, &polling.sid);
        candidate.send(&echo(MESSAGE + 1));
        assert_eq!(candidate.end(), (vec![], Some(Some(1009))));
        polling.post(r#"421["echo",1]"#);
        assert_eq!(polling.packets(), ["431[1]"]);
    });
}

/// Sends a binary event with attachments of these sizes.
fn attached(socket: &mut WebSocket, sizes: &[usize]) {
    let places: Vec<_> = (0..sizes.len())
        .map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#))
        .collect();
    let count = sizes.len();
    socket.send(&format!(r#"45{count}-["bytes",{}]"#, places.join(",")));
    for size in sizes {
        socket.send_binary(&vec![7; *size]);
    }
}

#[test]
fn max_binary_packet_at_the_limit() {
    let config = Config::default().max_binary_packet(100);
    serve(config, |server| {
        let mut member = server.member();
        attached(&mut member, &[60, 0, 40]);
        let (name, args) = server.event();
        let bytes: usize = args.attachments().iter().map(|part| part.len()).sum();
        assert_eq!((&*name, args.len(), bytes), ("bytes", 3, 100));
        // The limit is for one packet.
        attached(&mut member, &[100]);
        assert_eq!(server.event().0, "bytes");
        assert!(member.is_alive());
    });
}

#[test]
fn max_binary_packet_past_the_limit_closes() {
    let config = Config::default().max_binary_packet(100);
    serve(config, |server| {
        let mut member = server.member();
        attached(&mut member, &[60, 41]);
        let (said, _) = member.end();
        assert_eq!(said, [""; 0]);
        assert_eq!(server.left(), "forced close");
        assert_eq!(server.events(), [""; 0], "nothing half-built is delivered");
    });
}

/// An event whose argument is nested `depth` levels.
fn nested(depth: usize, open: &str, close: &str) -> String {
    let (open, close) = (open.repeat(depth), close.repeat(depth));
    format!(r#"421["echo",{open}1{close}]"#)
}

#[test]
fn max_json_depth_at_the_limit() {
    let at = |depth, config| {
        serve(config, |server: &Served| {
            let mut member = server.member();
            for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
                let message = nested(depth, open, close);
                member.send(&message);
                let answer = message.replace(r#"421["echo","#, "431[");
                assert_eq!(member.text(), answer);
            }
            assert!(server.nobody_left());
        });
    };
    at(128, Config::default());
    let max_json_depth = 3;
    at(3, Config::default().max_json_depth(max_json_depth));
}

#[test]
fn max_json_depth_past_the_limit_closes() {
    serve(Config::default(), |server| {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            for depth in [129, 10_000] {
                let mut member = server.member();
                member.send(&nested(depth, open, close));
                assert_eq!(member.end().0, [""; 0]);
                assert_eq!(server.left(), "forced close");
            }
        }
        // It holds for credentials too.
        let mut knocking = WebSocket::open(server.address);
        let auth = format!(r#"40{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        knocking.send(&auth);
        assert_eq!(knocking.end().0.len(), 1, "the open packet alone");
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_event_name_bytes_at_the_limit() {
    let config = Config::default().max_event_name_bytes(10);
    serve(config, |server| {
        let mut member = server.member();
        for name in ["abcdefghij", "€€€a"] {
            member.send(&format!(r#"42["{name}"]"#));
            assert_eq!(server.event().0, name);
        }
        assert!(member.is_alive());
    });
}

#[test]
fn max_event_name_bytes_past_the_limit_closes() {
    let config = Config::default().max_event_name_bytes(10);
    serve(config, |server| {
        for name in ["abcdefghijk", "€€€ab", "12345678901"] {
            let mut member = server.member();
            member.send(&format!(r#"42["{name}"]"#));
            assert_eq!(member.end().0, [""; 0]);
            assert_eq!(server.left(), "forced close");
        }
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_namespace_bytes_at_the_limit() {
    let config = Config::default().max_namespace_bytes(10);
    serve(config, |server| {
        server.io.of("/abcdefghi");
        let mut member = server.member();
        member.send("40/abcdefghi,");
        assert!(member.text().starts_with(r#"40/abcdefghi,{"sid":""#));
        member.send("40/€€€,");
        assert_eq!(member.text(), r#"44/€€€,{"message":"Invalid namespace"}"#);
        assert!(member.is_alive());
    });
}

#[test]
fn max_namespace_bytes_past_the_limit_closes() {
    let config = Config::default().max_namespace_bytes(10);
    serve(config, |server| {
        server.io.of("/abcdefghij");
        for name in ["/abcdefghij", "/€€€b"] {
            let mut member = server.member();
            member.send(&format!("40{name},"));
            assert_eq!(member.end().0, [""; 0]);
            assert_eq!(server.left(), "forced close");
        }
        let polling = server.polling_member();
        polling.post("40/abcdefghij,");
        assert_eq!(server.left(), "forced server close");
        assert!(server.io.of("/abcdefghij").is_empty());
    });
}
