//! Cookies, origins and ids.

use std::collections::HashSet;

use sio_tests::{
    served::serve,
    wire::{POLLING, Polling, UPGRADE, WEBSOCKET, ask},
};
use sio_tokio::{Config, ConfigError, Cookie, Io, Origins, Sid, SocketId};

/// Ids were drawn from a predictable generator. Ours are made of what the caller draws, all of it.
#[test]
fn adv_cve_2017_16031() {
    let mut bytes = [0x5a; 15];
    let one = Sid::from_random(bytes);
    assert_eq!(one, Sid::from_random(bytes), "nothing else goes in");
    assert_eq!(one.as_str().len(), 20);
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert_ne!(one, Sid::from_random(bytes), "every byte counts");
        assert_ne!(
            SocketId::from_random([0x5a; 15]),
            SocketId::from_random(bytes)
        );
        bytes[at] ^= 1;
    }
    serve(Config::default(), |server| {
        let sessions: Vec<_> = (0..64).map(|_| Polling::open(server.address)).collect();
        let ids: HashSet<_> = sessions.iter().map(|it| it.sid.clone()).collect();
        assert_eq!(ids.len(), 64);
        // No counter, no clock: at every place stand many characters.
        for at in 0..20 {
            let seen: HashSet<_> = ids.iter().map(|id| id.as_bytes()[at]).collect();
            assert!(seen.len() > 8, "place {at} holds {seen:?}");
        }
    });
}

/// Every origin was told that it may read the answers. Here none is, unless CORS is configured; and
/// `origins` refuses.
#[test]
fn adv_cve_2020_28481() {
    const FOREIGN: &str = "Origin: http://evil.example\r\n";
    serve(Config::v4(), |server| {
        let response = ask(server.address, "GET", POLLING, FOREIGN, "").expect("a response");
        let told = response.headers.iter().map(|(name, _)| name);
        let told: Vec<_> = told.filter(|it| it.starts_with("access-control")).collect();
        assert_eq!(told, [""; 0]);
        drop(Polling::opened(server.address, &response));
    });
    let config = Config::default().origins(Origins::list(["http://good.example"]));
    serve(config, |server| {
        let upgrade = format!("{UPGRADE}{FOREIGN}");
        for (target, headers) in [(POLLING, FOREIGN), (WEBSOCKET, &*upgrade)] {
            let response = ask(server.address, "GET", target, headers, "").expect("a response");
            assert_eq!(response.status, 403, "{target}");
        }
        assert_eq!(server.io.engine_sessions(), 0);
        let good = "Origin: http://good.example\r\n";
        let response = ask(server.address, "GET", POLLING, good, "").expect("a response");
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some("http://good.example")
        );
        drop(Polling::opened(server.address, &response));
    });
}

/// A cookie's name or path carried further attributes.
#[test]
fn adv_ghsa_pxg6_pf52_xh8x() {
    let error = |cookie: Cookie| {
        let config = Config::default().cookie(cookie);
        Io::try_new(config).expect_err("it is refused when the server is made")
    };
    let name = "x; Domain=evil";
    assert_eq!(
        error(Cookie {
            name: name.into(),
            ..Cookie::default()
        }),
        ConfigError::CookieName(name.into())
    );
    for name in ["", "a b", "a=b", "a\r\nSet-Cookie: b", "ä"] {
        let name = name.to_owned();
        let cookie = Cookie {
            name: name.clone(),
            ..Cookie::default()
        };
        assert_eq!(error(cookie), ConfigError::CookieName(name));
    }
    for path in ["/; Secure", "relative", "/\r\nX: y", "/\0"] {
        let cookie = Cookie {
            path: Some(path.into()),
            ..Cookie::default()
        };
        assert_eq!(error(cookie), ConfigError::CookiePath(path.into()));
    }
    for domain in ["a.example; Path=/", "", "a b"] {
        let cookie = Cookie {
            domain: Some(domain.into()),
            ..Cookie::default()
        };
        assert_eq!(error(cookie), ConfigError::CookieDomain(domain.into()));
    }
}
