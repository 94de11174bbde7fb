//! `PARSER`: how packets are written and read. `default` is the protocol's own way. With `ASKED` that is how those have it
//! who ask for it, by `json` or `msgpack`.

use crate::sio::parser::Msgpack;
use crate::sio::{Codec, Parsers};

use super::common;

#[path = "json.rs"]
mod json;

pub(crate) fn named() -> Parsers {
    match std::env::var_os("ASKED") {
        Some(_) => [
            ("json", json::Json.into()),
            ("msgpack", Codec::from(Msgpack)),
        ]
        .into(),
        None => Parsers::default(),
    }
}

pub(crate) fn chosen() -> Codec {
    if std::env::var_os("ASKED").is_some() {
        return Codec::BUILT_IN;
    }
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
