//! What real clients write into the heads of requests.

use super::*;

const BARE: &str = "/socket.io/?transport=polling";

#[test]
fn the_keys_of_the_application_may_be_anything() {
    // faults: F7
    let uri = format!("{POLL}&room=a&room=b&name=100%&x=%FC");
    let exchange = open(&v4(), &head("GET", &uri, &[]));
    let values = |key| exchange.query().get_all(key).collect::<Vec<_>>();
    assert_eq!(values("room"), ["a", "b"]);
    assert_eq!(
        (values("name"), values("x")),
        (vec!["100%"], vec!["\u{fffd}"])
    );
}

#[test]
fn no_revision_is_3_where_an_option_says_so() {
    // faults: F7
    let of = |config: Config, uri: &str| match acceptor(config).route(&head("GET", uri, &[])) {
        Route::Open(exchange) | Route::Session { exchange, .. } => Some(exchange.revision()),
        Route::Answered(_) | Route::NotOurs => None,
    };
    let lenient = || Config::v2().allow_missing_eio(true);
    assert_eq!(of(lenient(), BARE), Some(Eio::V3));
    assert_eq!(of(lenient(), &format!("{BARE}&sid=x")), Some(Eio::V3));
    assert_eq!(of(lenient(), POLL), Some(Eio::V4));
    assert_eq!(of(Config::v2(), BARE), None);
    assert_eq!(of(Config::v4().allow_missing_eio(true), BARE), None);
    for wrong in ["&EIO=", "&EIO", "&EIO=2", "&EIO=x"] {
        assert_eq!(of(lenient(), &format!("{BARE}{wrong}")), None, "{wrong}");
    }
}

#[test]
fn an_internet_explorer_is_told_not_to_filter() {
    // faults: C10
    let told = |method: &str, uri: &str, agent: &str| {
        let exchange = match v4().route(&head(method, uri, &[("user-agent", agent)])) {
            Route::Open(exchange) | Route::Session { exchange, .. } => exchange,
            Route::Answered(_) | Route::NotOurs => panic!("not let in"),
        };
        let headers = exchange.respond(payload("6")).http;
        let value = headers.headers().get("x-xss-protection");
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    for agent in [
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)",
        "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    ] {
        for uri in [
            POLL.to_owned(),
            format!("{POLL}&sid=x"),
            format!("{POLL}&j=0"),
        ] {
            assert_eq!(told("GET", &uri, agent).as_deref(), Some("0"), "{uri}");
        }
        assert!(told("POST", &format!("{POLL}&sid=x"), agent).is_some());
    }
    assert_eq!(told("GET", POLL, "Mozilla/5.0 (X11; Linux) Gecko"), None);
    assert_eq!(told("GET", POLL, ""), None);
}
