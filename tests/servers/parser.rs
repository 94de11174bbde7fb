//! `PARSER`: how packets are written and read. `default` is the protocol's own way.

use crate::sio::Codec;
use crate::sio::parser::Msgpack;

use super::common;

#[path = "json.rs"]
mod json;

pub(crate) fn chosen() -> Codec {
    match &*common::option("PARSER", "default".to_owned()) {
        "default" => Codec::BUILT_IN,
        "json" => json::Json.into(),
        "msgpack" => Msgpack.into(),
        other => {
            eprintln!("PARSER={other}: default, json or msgpack");
            std::process::exit(2)
        }
    }
}
