//! Whose TLS a process does is the process' own, unless nobody has said and it is needed. A test of its own: the choice
//! is for the whole process.
#![cfg(feature = "rustls")]

use rustls::crypto::CryptoProvider;
use sio_redis::Redis;

#[test]
fn a_url_without_tls_chooses_no_provider() {
    let plain = Redis::new("redis://redis.internal/").unwrap();
    let sentinels = ["redis://a.internal/", "redis://b.internal/"];
    let plain = plain.sentinels(&sentinels).unwrap();
    assert!(CryptoProvider::get_default().is_none());

    // One of them is asked by TLS.
    let sentinels = ["redis://a.internal/", "rediss://b.internal/"];
    plain.sentinels(&sentinels).unwrap();
    assert!(CryptoProvider::get_default().is_some());
}
