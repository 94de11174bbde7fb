//! The packet by which a session is opened (§3), read with as little trust as any other.

use std::time::Duration;

use super::said::value;
use crate::engine::Times;
use crate::id::Sid;
use crate::packet::Value;

/// What a server says of a session that it has opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Handshake {
    pub(super) sid: Sid,
    /// Whether it may go over to a WebSocket.
    pub(super) upgrades: bool,
    pub(super) times: Times,
    /// Bytes that a POST may have; all there are if nothing is said.
    pub(super) max_payload: usize,
}

impl Handshake {
    /// `None`: it says nothing that could be relied on.
    pub(super) fn read(text: &str) -> Option<Self> {
        let said = value(text)?;
        let sid = said.get("sid")?.as_str()?;
        if sid.len() > LONGEST_SID {
            return None;
        }
        let time = |name| {
            let ms = said.get(name)?.as_u64()?;
            (1..=LONGEST_MS)
                .contains(&ms)
                .then(|| Duration::from_millis(ms))
        };
        let upgrades = said.get("upgrades").and_then(Value::as_array);
        let mut upgrades = upgrades.unwrap_or_default().iter();
        let max_payload = match said.get("maxPayload") {
            None => usize::MAX,
            Some(most) => usize::try_from(most.as_u64()?).ok().filter(|it| *it > 0)?,
        };
        Some(Self {
            sid: Sid::made(sid)?,
            upgrades: upgrades.any(|it| it.as_str() == Some("websocket")),
            times: Times::new(time("pingInterval")?, time("pingTimeout")?),
            max_payload,
        })
    }
}

/// Bytes of a session's id.
const LONGEST_SID: usize = 256;

/// As long as timers of JavaScript run, some 24 days: no server means more.
const LONGEST_MS: u64 = i32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say() {
        let read = Handshake::read(
            r#"{"sid":"a","upgrades":["webtransport","websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
        )
        .unwrap();
        assert!(read.upgrades);
        assert_eq!(read.sid.as_str(), "a");
        assert_eq!(read.times.silence(), Duration::from_secs(45));
        assert_eq!(read.max_payload, 1_000_000);
        let read = Handshake::read(r#"{"sid":"a","pingInterval":1,"pingTimeout":2147483647}"#);
        let read = read.unwrap();
        assert_eq!((read.upgrades, read.max_payload), (false, usize::MAX));
    }

    #[test]
    fn what_cannot_be_relied_on_is_nothing() {
        let long = format!(
            r#"{{"sid":"{}","pingInterval":1,"pingTimeout":1}}"#,
            "a".repeat(257)
        );
        for text in [
            "",
            "null",
            "[]",
            "{",
            r#"{"pingInterval":1,"pingTimeout":1}"#,
            r#"{"sid":"","pingInterval":1,"pingTimeout":1}"#,
            r#"{"sid":7,"pingInterval":1,"pingTimeout":1}"#,
            r#"{"sid":"a","pingTimeout":1}"#,
            r#"{"sid":"a","pingInterval":0,"pingTimeout":1}"#,
            r#"{"sid":"a","pingInterval":1,"pingTimeout":2147483648}"#,
            r#"{"sid":"a","pingInterval":-1,"pingTimeout":1}"#,
            r#"{"sid":"a","pingInterval":"1","pingTimeout":1}"#,
            r#"{"sid":"a","pingInterval":1,"pingTimeout":1,"maxPayload":0}"#,
            r#"{"sid":"a","pingInterval":1,"pingTimeout":1,"maxPayload":null}"#,
            &long,
        ] {
            assert_eq!(Handshake::read(text), None, "{text}");
        }
        assert!(Handshake::read(&long.replacen('a', "", 1)).is_some());
    }
}
