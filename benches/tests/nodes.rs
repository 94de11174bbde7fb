//! The runner `nodes` at its smallest: it tells two servers of ours on one Redis from one that nobody hears.
#![cfg(target_os = "linux")]

use sio_benches::nodes::{Plan, Redis};
use sio_tests::example::{Binding, example};
use sio_tests::install;
use std::time::Duration;

#[test]
fn all_members_at_both_servers_are_told() {
    install::redis_server();
    let redis = Redis::start().unwrap();
    let plan = Plan {
        members: 2,
        bursts: vec![1, 3],
        window: Duration::from_millis(100),
        warm_up: Duration::from_millis(10),
    };
    for (binding, adapter) in [(Binding::Tokio, "redis"), (Binding::Smol, "redis-streams")] {
        let program = example(binding, "bench").display().to_string();
        let mut command = vec!["env".to_owned(), format!("REDIS_URL={}", redis.url())];
        command.extend([format!("ADAPTER={adapter}"), program]);
        let found = plan.measure(&command, 2, &redis).unwrap();
        assert_eq!(found.casts.len(), 2);
        for cast in &found.casts {
            // What is measured ends anywhere within a burst.
            assert!(
                cast.units > 0.0 && cast.servers > 0.0,
                "{adapter}: {found:?}"
            );
        }
        assert!(
            found.alone > 1e6 && found.told > 1e6,
            "{adapter}: {found:?}"
        );
    }
}
