//! What no server of the packages writes: counted, and nothing else, but for those that say enough.

use super::Vector;
use sio_cluster::Dialect;
use sio_cluster::codec::Odd;

/// What becomes of an odd message.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It says enough.
    Taken,
    /// It is for another namespace.
    Elsewhere,
    Refused(Odd),
}

fn fate(id: &str) -> Fate {
    match id {
        "redis8/odd/001" | "redis8/odd/002" | "redis8/odd/003" | "redis8/odd/006"
        | "redis8/odd/007" | "redis8/odd/020" | "redis8/odd/021" | "redis8/odd/022"
        | "redis8/odd/039" | "sharded/odd/001" | "sharded/odd/002" | "sharded/odd/003"
        | "redis5/odd/001" | "redis5/odd/008" | "redis5/odd/015" | "streams/odd/001"
        | "streams/odd/005" | "streams/odd/007" => Fate::Refused(Odd::Syntax),
        "redis8/odd/004" | "redis8/odd/043" => Fate::Refused(Odd::Foreign(Dialect::Streams)),
        "redis8/odd/028" | "redis8/odd/029" | "redis8/odd/030" | "redis8/odd/031" => {
            Fate::Refused(Odd::Foreign(Dialect::V2))
        }
        "redis5/odd/009" | "redis5/odd/010" | "redis5/odd/011" | "redis5/odd/012"
        | "redis5/odd/013" | "redis5/odd/014" | "redis5/odd/016" | "streams/odd/004" => {
            Fate::Refused(Odd::Foreign(Dialect::Classic))
        }
        "redis8/odd/005" | "redis5/odd/002" => Fate::Refused(Odd::Member("broadcast")),
        "redis8/odd/008" | "redis8/odd/027" | "redis8/odd/037" | "sharded/odd/007"
        | "sharded/odd/022" | "streams/odd/011" => Fate::Refused(Odd::Member("opts")),
        "redis8/odd/009" | "redis8/odd/010" | "redis8/odd/014" | "redis8/odd/017"
        | "redis8/odd/033" | "redis8/odd/041" | "sharded/odd/008" | "sharded/odd/009"
        | "sharded/odd/010" | "sharded/odd/011" | "sharded/odd/014" | "sharded/odd/015"
        | "sharded/odd/016" | "sharded/odd/018" | "redis5/odd/003" | "redis5/odd/004"
        | "redis5/odd/005" | "redis5/odd/006" | "redis5/odd/007" => Fate::Taken,
        "redis8/odd/011" | "sharded/odd/005" | "streams/odd/008" | "streams/odd/012" => {
            Fate::Elsewhere
        }
        "redis8/odd/012" | "redis8/odd/015" | "redis8/odd/035" | "sharded/odd/006"
        | "sharded/odd/017" | "streams/odd/002" | "streams/odd/006" => {
            Fate::Refused(Odd::Member("data"))
        }
        "redis8/odd/013" => Fate::Refused(Odd::PacketType(99)),
        "redis8/odd/016" | "redis8/odd/032" | "redis8/odd/034" | "sharded/odd/021" => {
            Fate::Refused(Odd::Member("rooms"))
        }
        "redis8/odd/018" => Fate::Refused(Odd::PacketType(0)),
        "redis8/odd/019" => Fate::Refused(Odd::PacketType(1)),
        "redis8/odd/023" | "redis8/odd/024" => Fate::Refused(Odd::Member("request")),
        "redis8/odd/025" => Fate::Refused(Odd::Type("42".to_owned())),
        "redis8/odd/026" | "sharded/odd/013" | "streams/odd/010" => {
            Fate::Refused(Odd::Member("type"))
        }
        "redis8/odd/036" | "sharded/odd/019" => {
            Fate::Refused(Odd::Reserved("connection".to_owned()))
        }
        "redis8/odd/038" | "sharded/odd/020" => Fate::Refused(Odd::Member("packet")),
        "redis8/odd/040" => Fate::Refused(Odd::Member("answer")),
        "redis8/odd/042" => Fate::Refused(Odd::Member("requestId")),
        "sharded/odd/004" | "streams/odd/003" => Fate::Refused(Odd::Member("message")),
        "sharded/odd/012" => Fate::Refused(Odd::Type("99".to_owned())),
        "streams/odd/009" => Fate::Refused(Odd::Type("77".to_owned())),
        other => panic!("{other}"),
    }
}

pub(super) fn check(vector: &Vector<'_>) {
    let became = match vector.decode() {
        Ok(Some(_)) => Fate::Taken,
        Ok(None) => Fate::Elsewhere,
        Err(why) => Fate::Refused(why),
    };
    assert_eq!(became, fate(vector.id), "{}", vector.id);
}
