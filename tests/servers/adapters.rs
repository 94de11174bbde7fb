//! Which adapter a server is asked for, and where its Redis is.

use sio_redis::{Dialect, Options, Redis};

use super::common::{option, refuse};

/// What `ADAPTER`, `REDIS_URL` and `KEY` ask for, if it is anything.
pub(crate) fn wanted() -> Option<(Redis, Options)> {
    let dialect = dialect(&option("ADAPTER", "none".to_owned()))?;
    let url = option("REDIS_URL", "redis://127.0.0.1:6379".to_owned());
    let urls: Vec<&str> = url.split(',').collect();
    let redis = match &*urls {
        [url] => Redis::new(url),
        several => Redis::cluster(several),
    };
    let redis = redis.unwrap_or_else(|why| refuse("REDIS_URL", &why));
    let key = option("KEY", "socket.io".to_owned());
    Some((redis, Options::new(dialect).key(key)))
}

fn dialect(adapter: &str) -> Option<Dialect> {
    Some(match adapter {
        "none" => return None,
        "redis" => Dialect::Classic,
        "redis-v2" => Dialect::V2,
        "redis-sharded" => Dialect::Sharded,
        "redis-streams" => Dialect::Streams,
        other => refuse("ADAPTER", &format!("{other} is none")),
    })
}
