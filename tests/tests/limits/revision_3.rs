//! The limits as clients of revision 3 meet them, and what only they can do wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sio_tests::{
    served::{Served, serve, serve_with},
    wire::{
        POLLING, POLLING_3, Polling, Response, UPGRADE, WEBSOCKET, WEBSOCKET_3, WebSocket, Wire,
        ask,
    },
};
use sio_tokio::{Bytes, Config, Data, Io, RequestHead, Socket};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// An entry of a body of bytes.
fn entry(kind: u8, packet: &[u8]) -> Vec<u8> {
    let digits = packet.len().to_string().into_bytes();
    let digits: Vec<u8> = digits.iter().map(|digit| digit - b'0').collect();
    [&[kind][..], &digits, &[0xff], packet].concat()
}

fn script(server: &Served, polling: &Polling, method: &str, body: &str) -> Response {
    let target = format!("{}&j=0", polling.target());
    ask(server.address, method, &target, FORM, body).expect("a response")
}

#[test]
fn a_body_is_limited_in_bytes_not_in_what_its_lengths_count() {
    let config = Config::default().max_http_buffer_size(40);
    serve(config, |server| {
        // 5 and 35 bytes, 12 units.
        let euros = "€".repeat(12);
        let text = |rest: &str| format!("{}:6{euros}{rest}", 13 + rest.len());
        let bytes = |more: usize| entry(1, &vec![6; 36 + more]);
        assert_eq!((text("").len(), bytes(0).len()), (40, 40));
        let form = |more: usize| format!("d=3:6aa&more={}", "x".repeat(27 + more));
        assert_eq!(form(0).len(), 40);

        let polling = Polling::open_3(server.address);
        assert_eq!(polling.post(&text("")).status, 200);
        assert_eq!(polling.post_bytes(&bytes(0)).status, 200);
        assert_eq!(script(server, &polling, "POST", &form(0)).status, 200);
        assert_eq!(polling.post(&text("x")).status, 413);
        assert!(polling.is_gone());
        let polling = Polling::open_3(server.address);
        assert_eq!(polling.post_bytes(&bytes(1)).status, 413);
        assert!(polling.is_gone());
        let polling = Polling::open_3(server.address);
        assert_eq!(script(server, &polling, "POST", &form(1)).status, 413);
        assert!(polling.is_gone());
    });
}

#[test]
fn packets_are_counted_in_every_form_of_a_body() {
    let config = Config::default().max_packets_per_payload(3);
    serve(config, |server| {
        let polling = Polling::open_3(server.address);
        assert_eq!(polling.post(&"1:6".repeat(3)).status, 200);
        assert_eq!(polling.post_bytes(&entry(0, b"6").repeat(3)).status, 200);
        let three = format!("d={}", "1:6".repeat(3));
        assert_eq!(script(server, &polling, "POST", &three).status, 200);
        let nothing = "0:".repeat(4);
        for body in ["1:6".repeat(4), nothing] {
            let polling = Polling::open_3(server.address);
            assert_eq!(polling.post(&body).status, 400);
            assert!(polling.is_gone());
        }
        let polling = Polling::open_3(server.address);
        assert_eq!(polling.post_bytes(&entry(1, b"\x06").repeat(4)).status, 400);
        assert!(polling.is_gone());
        let polling = Polling::open_3(server.address);
        let four = format!("{three}1:6");
        assert_eq!(script(server, &polling, "POST", &four).status, 400);
        assert!(polling.is_gone());
    });
}

#[test]
fn lengths_that_lie_end_the_session_and_no_other() {
    serve(Config::default(), |server| {
        let mut bystander = server.member();
        let endless = "1".repeat(900_000);
        for body in [
            "",
            ":",
            ":6",
            "6",
            "-1:6",
            "0x1:6",
            "1e0:6",
            "2:6",
            "999999999:6",
            "99999999999999999999:6",
            "2:4\u{1f600}",
            "1:61",
            "1:6x:6",
            "1:7",
            "3:b!!",
            &endless,
        ] {
            let polling = Polling::open_3(server.address);
            let shown = body.get(..9).unwrap_or(body);
            assert_eq!(polling.post(body).status, 400, "{shown}");
            assert!(polling.is_gone(), "{shown}");
            let polling = Polling::open_3(server.address);
            let form = format!("d={body}");
            assert_eq!(
                script(server, &polling, "POST", &form).status,
                400,
                "{shown}"
            );
            assert!(polling.is_gone(), "{shown}");
        }
        let endless = [&[0][..], &[1; 900_000]].concat();
        for body in [
            &[0][..],
            &[0xff],
            &[0, 0xff, b'6'],
            &[0, 1, b'6'],
            &[0, 2, 0xff, b'6'],
            &[0, 10, 0xff, b'6'],
            &[1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0xff, 4],
            &[0, 0, 0xff],
            &[0, 2, 0xff, b'4', 0x80],
            &[0, 1, 0xff, b'7'],
            &endless,
        ] {
            let polling = Polling::open_3(server.address);
            let shown = body.get(..9).unwrap_or(body);
            assert_eq!(polling.post_bytes(body).status, 400, "{shown:?}");
            assert!(polling.is_gone(), "{shown:?}");
        }
        assert!(bystander.is_alive());
    });
}

#[test]
fn pings_that_nobody_fetches_the_answers_of_are_a_backlog() {
    let config = Config::default().max_backlog_packets(8);
    serve(config, |server| {
        let polling = Polling::open_3(server.address);
        // What the handshake says may still wait.
        polling.post("1:2");
        polling.packets();
        assert_eq!(polling.post(&"1:2".repeat(16)).status, 200);
        assert_eq!(polling.packets().len(), 16, "twice the application's");
        assert_eq!(polling.post(&"1:2".repeat(17)).status, 200);
        assert!(polling.is_gone());
    });
}

#[test]
fn a_client_that_pings_lives_and_one_that_does_not_ends() {
    let config = Config::default()
        .ping_interval(Duration::from_millis(200))
        .ping_timeout(Duration::from_millis(1800));
    serve(config, |server| {
        let mut socket = WebSocket::over(Wire::connect(server.address), WEBSOCKET_3);
        for _ in 0..20 {
            socket.send("2");
            thread::sleep(Duration::from_millis(120));
        }
        let said = socket.end().0;
        let pongs = said.iter().filter(|text| *text == "3").count();
        assert_eq!(pongs, 20, "longer than both times together");
        server.wait_until("it has ended", |io| io.engine_sessions() == 0);

        let polling = Polling::open_3(server.address);
        let mut parked = polling.park();
        let mut answer = parked.response().expect("a response");
        if answer.body != "1:1" {
            // The namespace that such a client is in at once.
            answer = polling.get();
        }
        assert_eq!(answer.body, "1:1");
        assert!(polling.is_gone());
    });
}

/// The revision is the session's, whichever it is.
#[test]
fn a_revision_is_not_changed_in_mid_session() {
    serve(Config::default(), |server| {
        for (polling, base, websocket, noop) in [
            (Polling::open_3(server.address), POLLING, WEBSOCKET, "6"),
            (Polling::open(server.address), POLLING_3, WEBSOCKET_3, "1:6"),
        ] {
            let sid = &polling.sid;
            for (method, body) in [("GET", ""), ("POST", noop)] {
                let target = format!("{base}&sid={sid}");
                let answer = ask(server.address, method, &target, "", body);
                let answer = answer.expect("a response");
                assert_eq!((answer.status, answer.code()), (400, Some(3)));
            }
            let target = format!("{websocket}&sid={sid}");
            let mut other = WebSocket::over(Wire::connect(server.address), &target);
            other.send("2probe");
            assert_eq!(other.end().0, [""; 0]);
            let own = if base == POLLING { "1:6" } else { "6" };
            assert_eq!(polling.post(own).status, 200, "no session is disturbed");
        }
    });
}

#[test]
fn a_server_that_does_not_welcome_revision_3_says_so() {
    serve(Config::v4(), |server| {
        let answer = ask(server.address, "GET", POLLING_3, "", "").expect("a response");
        assert_eq!((answer.status, answer.code()), (400, Some(5)));
        let answer = ask(server.address, "GET", WEBSOCKET_3, UPGRADE, "").expect("a response");
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, "Unsupported protocol version");
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

#[test]
fn scripts_hold_what_they_may_and_headers_too() {
    serve(Config::default(), |server| {
        for (j, index) in [
            ("0", "0"),
            ("", ""),
            ("12%5D(alert(1))//", "121"),
            ("%3C/script%3E%3Cscript%3Ealert(7)", "7"),
            ("1%0d%0aSet-Cookie:%20evil=1", "11"),
            ("__proto__", ""),
            ("callback=5", "5"),
            ("%E2%80%A83", "3"),
        ] {
            let target = format!("{POLLING_3}&j={j}");
            let answer = ask(server.address, "GET", &target, "", "").expect("a response");
            assert_eq!(answer.status, 200, "{j}");
            let call = format!("___eio[{index}](\"");
            let payload = answer.body.strip_prefix(&*call).expect("the call alone");
            let payload = payload.strip_suffix("\");").expect("its end");
            assert!(!payload.contains(['<', '\u{2028}']), "{payload}");
            let is = |name| answer.header(name);
            assert_eq!(is("content-type"), Some("text/javascript; charset=UTF-8"));
            assert_eq!(is("x-content-type-options"), Some("nosniff"));
            assert_eq!(is("cache-control"), Some("no-store"));
            let cookies = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "set-cookie");
            assert_eq!(cookies.count(), 1, "the session's own");
            assert!(!format!("{:?}", answer.headers).contains("evil"));
            // Good-bye, by the form that such a client posts.
            let sid = payload.split(r#"\"sid\":\""#).nth(1);
            let sid = sid.and_then(|it| it.split('\\').next()).expect("an id");
            let target = format!("{POLLING_3}&j=0&sid={sid}");
            let bye = ask(server.address, "POST", &target, FORM, "d=1%3A1");
            assert_eq!(bye.map(|it| it.status), Some(200));
        }
    });
}

/// What would end a string, a line, a script that holds it, a header, or one of its parameters.
const BREAKING: &str = "\"); alert(1); //\\\"</script><script>\r\nX-Evil: 1\r\n\r\n\u{2028}\u{2029}; Domain=evil; <!--";

/// The one argument of the one call that a script is.
fn argument(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-evil"), None);
    let call = answer.body.strip_prefix("___eio[7](");
    let text = call.and_then(|it| it.strip_suffix(");")).expect("a call");
    assert!(!text.contains("</"), "{text}");
    assert!(
        !text.contains(['\n', '\r', '\u{2028}', '\u{2029}']),
        "{text}"
    );
    // A string of JSON without those is one of JavaScript.
    serde_json::from_str(text).expect("one string, to its end")
}

#[test]
fn nothing_that_is_said_gets_out_of_its_script() {
    let io = |io: &Io| {
        io.of("/")
            .on("again", |socket: Socket, Data(said): Data<String>| {
                socket.emit(&said, &(&said, Bytes::from(said.clone())))
            });
    };
    serve_with(Config::default(), io, |server| {
        for base in [POLLING, POLLING_3] {
            let target = format!("{base}&j=7");
            let opened = argument(&ask(server.address, "GET", &target, "", "").expect("an answer"));
            let sid = opened
                .split(r#""sid":""#)
                .nth(1)
                .and_then(|it| it.split('"').next());
            let target = format!("{target}&sid={}", sid.expect("an id"));
            let post = |packet: &str| {
                let packet = match base {
                    POLLING => packet.to_owned(),
                    _ => format!("{}:{packet}", packet.encode_utf16().count()),
                };
                // As such clients write it: a newline that a form cannot carry is told from this.
                let packet = packet.replace("\\n", "\\\\n");
                let form: String = packet.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let body = format!("d={form}");
                let answer = ask(server.address, "POST", &target, FORM, &body).expect("an answer");
                assert_eq!((answer.status, &*answer.body), (200, "ok"));
            };
            if base == POLLING {
                post("40");
            }
            let joined = argument(&ask(server.address, "GET", &target, "", "").expect("an answer"));
            assert!(joined.contains("40"), "{joined}");
            post(
                &serde_json::json!(["again", BREAKING])
                    .to_string()
                    .replacen('[', "42[", 1),
            );
            let mut said = String::new();
            while !said.contains("_placeholder") || said.len() < 3 * BREAKING.len() {
                said += &argument(&ask(server.address, "GET", &target, "", "").expect("an answer"));
            }
            let name = serde_json::Value::from(BREAKING).to_string();
            assert!(said.contains(&format!("451-[{name},{name},")), "{said}");
            post("1");
        }
    });
}

#[test]
fn nothing_that_is_said_becomes_a_header() {
    let io = |io: &Io| {
        let count = AtomicUsize::new(0);
        io.engine().generate_id(move |head: Arc<RequestHead>| {
            let breaking = head.query("breaking").unwrap_or_default();
            let id = format!("{}{breaking}", count.fetch_add(1, Ordering::Relaxed));
            async move { Ok::<_, String>(id) }
        });
        io.allow_request(async |head: Arc<RequestHead>| match head.query("refuse") {
            Some(why) => Err(why),
            None => Ok(()),
        });
    };
    let encoded: String = BREAKING
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    serve_with(Config::default(), io, |server| {
        for base in [POLLING, POLLING_3] {
            let target = format!("{base}&j=7&breaking={encoded}&{encoded}=1");
            let answer = ask(server.address, "GET", &target, "", "").expect("an answer");
            let open = argument(&answer);
            let id = serde_json::Value::from(BREAKING).to_string();
            assert!(open.contains(id.trim_start_matches('"')), "{open}");
            let cookies = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "set-cookie");
            let cookies: Vec<_> = cookies.map(|(_, value)| &**value).collect();
            let [cookie] = &cookies[..] else {
                panic!("{cookies:?}")
            };
            let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
            assert_eq!(
                attributes,
                ["Path=/", "HttpOnly", "SameSite=Strict"],
                "{cookie}"
            );

            // An application's own words, and a foreign page's name.
            let refused = format!("{target}&refuse={encoded}");
            let answer = ask(server.address, "GET", &refused, "", "").expect("an answer");
            assert_eq!((answer.status, answer.code()), (403, Some(4)));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("x-evil"), None);
            let origin = "Origin: http://a\"><script>x</script>;,\t=\r\nX-Own: 1\r\n";
            let answer = ask(server.address, "GET", base, origin, "").expect("an answer");
            let told = answer.header("access-control-allow-origin");
            assert_eq!(told, Some("http://a\"><script>x</script>;,\t="));
            assert_eq!(answer.header("x-own"), None);
        }
        // A line that ends early, or bytes that no header holds, are no request.
        for origin in ["http://a\rX-Evil: 1", "http://a\0", "http://a\u{7f}"] {
            let headers = format!("Origin: {origin}\r\n");
            let answer = ask(server.address, "GET", POLLING_3, &headers, "").expect("an answer");
            assert_eq!(
                (answer.status, answer.header("x-evil")),
                (400, None),
                "{origin:?}"
            );
        }
        server.io.disconnect_all();
        server.wait_until("nobody", |io| io.engine_sessions() == 0);
    });
}

#[test]
fn errors_are_no_scripts() {
    serve(Config::default(), |server| {
        let target = format!("{POLLING_3}&j=0&sid=%3C/script%3E");
        let answer = ask(server.address, "GET", &target, "", "").expect("a response");
        assert_eq!((answer.status, answer.code()), (400, Some(1)));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(!answer.body.contains("script"));
    });
}

#[test]
fn jsonp_has_a_switch() {
    let config = Config::default().jsonp(false);
    serve(config, |server| {
        let target = format!("{POLLING_3}&j=0");
        let answer = ask(server.address, "GET", &target, "", "").expect("a response");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("text/plain; charset=UTF-8"));
        let polling = Polling::opened(server.address, &answer);
        // A form is no payload then.
        assert_eq!(script(server, &polling, "POST", "d=1%3A6").status, 400);
        assert!(polling.is_gone());
    });
}

#[test]
fn forms_of_any_kind_cost_what_their_size_is() {
    serve(Config::default(), |server| {
        let polling = Polling::open_3(server.address);
        let repeated = "&d".repeat(400_000);
        for form in ["", "x=1", "d=1%3A6&d=1%3A6", "&&&", "=d", &repeated, "d"] {
            let answer = script(server, &polling, "POST", form);
            let ignored = form != "d";
            assert_eq!(answer.status, if ignored { 200 } else { 400 }, "{form}");
        }
        assert!(polling.is_gone(), "an empty payload is none");
        for part in ["%5Cn", "%5C%5Cn", "%", "%25", "+", "\\n", "\u{2028}"] {
            let polling = Polling::open_3(server.address);
            let form = format!("d=9:4{}", part.repeat(900_000 / part.len()));
            assert_eq!(
                script(server, &polling, "POST", &form).status,
                400,
                "{part}"
            );
            assert!(polling.is_gone(), "{part}");
        }
    });
}
