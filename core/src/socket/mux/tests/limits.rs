//! What a client may have asked for.

use super::*;

#[test]
fn namespaces_are_as_many_as_may_be() {
    let config = Config {
        max_namespaces_per_connection: 3,
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config);
    talk.enter("/a");
    assert_eq!(talk.told("0/b,"), ["connecting /b"]);
    // What is to be decided over counts, too.
    assert!(talk.told("0/c,").is_empty());
    assert_eq!(
        talk.sent(),
        [r#"44/c,{"message":"too many namespaces"}"#],
        "one past"
    );
    talk.told("1/a,");
    assert_eq!(talk.told("0/c,"), ["connecting /c"], "one was left");
}

#[test]
fn names_that_were_left_are_kept_as_long_as_there_is_room() {
    let config = Config {
        max_namespaces_per_connection: 3,
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config);
    for namespace in ["/a", "/b"] {
        talk.enter(namespace);
        talk.told(format!("1{namespace},"));
    }
    assert!(talk.told(r#"2/a,["on its way"]"#).is_empty());
    // It takes the place of the oldest.
    talk.enter("/c");
    assert!(talk.told(r#"2/b,["on its way"]"#).is_empty());
    assert!(talk.session.is_open());
    talk.told(r#"2/a,["on its way"]"#);
    assert_eq!(talk.details(), Some(Details::Unexpected));
}

#[test]
fn credentials_are_as_large_as_may_be() {
    let config = || Config {
        max_auth_bytes: 14,
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config());
    talk.enter("/none");
    assert_eq!(talk.told(r#"0/a,{"a":1}"#).len(), 1);
    assert_eq!(talk.told(r#"0/b,{"b":1}"#).len(), 1, "at the limit");
    assert!(talk.told("0/c,{}").is_empty(), "past it");
    assert_eq!(talk.sent(), [r#"44/c,{"message":"too many credentials"}"#]);
    assert_eq!(talk.told("0/d,").len(), 1, "without any");
    // In revision 4 what is kept is the query, and the object that is made of it.
    let mut talk = Talk::joined(Protocol::V4, config());
    assert_eq!(talk.told("0/a?a=1,").len(), 1, "3 and 9 bytes");
    assert!(talk.told("0/b?b,").is_empty());
    assert_eq!(talk.sent(), [r#"44/b,"too many credentials""#]);
}

#[test]
fn what_was_left_or_refused_keeps_no_credentials() {
    let config = Config {
        max_auth_bytes: 7,
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config);
    for _ in 0..3 {
        talk.hear(r#"0/a,{"a":1}"#);
        let ticket = talk.asked();
        talk.accept(ticket).unwrap();
        talk.told("1/a,");
        talk.hear(r#"0/b,{"a":1}"#);
        let ticket = talk.asked();
        talk.reject(ticket, "no");
    }
}

#[test]
fn who_is_refused_too_often_is_closed() {
    for protocol in [Protocol::V4, Protocol::V5] {
        let config = Config {
            max_refused_connects: 3,
            ..quiet()
        };
        let mut talk = Talk::joined(protocol, config);
        for refused in 1..=3 {
            assert!(talk.session.is_open(), "{refused}");
            talk.hear("0/a,");
            let ticket = talk.asked();
            talk.reject(ticket, "no");
            assert_eq!(talk.sent().len(), 1, "it is told first");
        }
        assert_eq!(talk.details(), Some(Details::Refused));
        assert!(!talk.session.is_open());
        talk.events();
        assert!(talk.told("0/a,").is_empty());
    }
}

#[test]
fn who_comes_takes_the_place_of_a_namespace_that_was_left() {
    let config = Config {
        max_namespaces_per_connection: 2,
        ..quiet()
    };
    for (left, stays) in [("/a", "/b"), ("/b", "/a")] {
        let mut talk = Talk::new(Protocol::V5, config.clone());
        for name in ["/a", "/b"] {
            talk.enter(name);
        }
        assert_eq!(talk.told(format!("1{left},")).len(), 2);
        talk.enter("/c");
        for name in [stays, "/c"] {
            assert_eq!(talk.told(format!(r#"2{name},["x"]"#)).len(), 1);
        }
    }
}
