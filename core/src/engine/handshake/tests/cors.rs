//! Who is told that scripts may read the answer.

use super::*;
use crate::config::CorsDelegate;

const MINE: (&str, &str) = ("origin", "https://mine.example");
const OTHER: (&str, &str) = ("origin", "https://other.example");

fn answered(acceptor: &Acceptor, head: &Parts) -> http::Response<Bytes> {
    let Route::Answered(response) = acceptor.route(head) else {
        panic!("not answered")
    };
    response
}

#[test]
fn preflights_are_answered_as_they_are_to_be() {
    let cors = Cors {
        options_success_status: http::StatusCode::OK,
        ..Cors::v2()
    };
    let acceptor = acceptor(Config::v4().cors(cors.clone()));
    let asks = head("OPTIONS", POLL, &[MINE]);
    let response = answered(&acceptor, &asks);
    assert_eq!(
        (response.status().as_u16(), response.body().len()),
        (200, 0)
    );

    let passes = Cors {
        preflight_continue: true,
        ..cors
    };
    let acceptor = self::acceptor(Config::v4().cors(passes));
    let response = answered(&acceptor, &asks);
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.body(),
        r#"{"code":2,"message":"Bad handshake method"}"#
    );
    assert_eq!(response.headers()["access-control-allow-origin"], MINE.1);
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-methods")
    );
}

#[test]
fn a_function_chooses_for_each_request() {
    let chooses = |head: &Parts| match head.headers.get("origin")?.to_str().ok()? {
        "https://mine.example" => Some(Cors {
            exposed_headers: head.uri.query().map(str::to_owned),
            ..Cors::v2()
        }),
        // What is contradictory is not written.
        "https://odd.example" => Some(Cors {
            credentials: true,
            ..Cors::default()
        }),
        _ => None,
    };
    // In place of what is said for all.
    let config = Config::default().cors_delegate(CorsDelegate::new(chooses));
    let acceptor = acceptor(config);
    let bad = |origin| answered(&acceptor, &head("POST", POLL, &[origin]));
    let mine = bad(MINE);
    assert_eq!(mine.headers()["access-control-allow-origin"], MINE.1);
    assert!(
        mine.headers()["access-control-expose-headers"]
            .as_bytes()
            .starts_with(b"EIO=4")
    );
    for none in [OTHER, ("origin", "https://odd.example"), ("x", "y")] {
        assert!(
            !bad(none)
                .headers()
                .contains_key("access-control-allow-origin")
        );
        let preflight = answered(&acceptor, &head("OPTIONS", POLL, &[none]));
        assert_eq!(preflight.status(), 400);
    }
    let preflight = answered(&acceptor, &head("OPTIONS", POLL, &[MINE]));
    assert_eq!(preflight.status(), 204);
}
