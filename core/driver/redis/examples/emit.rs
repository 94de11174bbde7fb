//! Says something to the clients of a cluster, from a programme that is no server and has no runtime:
//!
//! ```text
//! cargo run -p sio-redis --example emit -- lobby news '"hello"'
//! ```
//!
//! `REDIS_URL` is where Redis is (`redis://127.0.0.1/`), `KEY` what the cluster's channels begin with (`socket.io`),
//! `DIALECT` that of its servers: `classic`, `v2`, `sharded` or `streams`.

use std::env::{args, var};
use std::error::Error;

use sio_driver::app::Args;
use sio_redis::{Dialect, EmitterError, Options, Redis};

fn main() -> Result<(), Box<dyn Error>> {
    let said: Vec<String> = args().skip(1).collect();
    let [room, event, json @ ..] = &said[..] else {
        return Err("a room, an event and its arguments in JSON, please".into());
    };
    let args = Args::from_json(&format!("[{}]", json.join(",")), Vec::new())?;

    let dialect = match var("DIALECT").as_deref() {
        Err(_) | Ok("classic") => Dialect::Classic,
        Ok("v2") => Dialect::V2,
        Ok("sharded") => Dialect::Sharded,
        Ok("streams") => Dialect::Streams,
        Ok(other) => return Err(format!("no dialect: {other}").into()),
    };
    let options = Options::new(dialect).key(var("KEY").unwrap_or("socket.io".into()));
    let url = var("REDIS_URL").unwrap_or("redis://127.0.0.1/".into());
    let emitter = Redis::new(&url)?.emitter(options);
    match emitter.to(room).emit(event, &args).wait() {
        Err(EmitterError::Unreachable(why)) => {
            Err(format!("there is no Redis at {url}: {why}. Start one by `redis-server`.").into())
        }
        said => Ok(said?),
    }
}
