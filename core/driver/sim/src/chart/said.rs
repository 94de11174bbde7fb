//! What the bytes of a connection say.

use sio_driver::app::core::websocket::{Incoming, Limits, Reader, Role};

/// One connection, in both directions.
#[derive(Default)]
pub(super) struct Talk {
    asked: Vec<u8>,
    answered: Vec<u8>,
    /// Once it is a WebSocket: what is read of each side.
    frames: Option<(Reader, Reader)>,
}

impl Talk {
    /// What a client has said with these bytes.
    pub(super) fn asked(&mut self, bytes: &[u8]) -> Vec<String> {
        if let Some((reader, _)) = &mut self.frames {
            return frames(reader, bytes);
        }
        self.asked.extend_from_slice(bytes);
        let mut said = Vec::new();
        while let Some((head, body)) = message(&mut self.asked) {
            let line = head.lines().next().unwrap_or_default();
            let line = line.trim_end_matches(" HTTP/1.1");
            said.push(together(line, &body));
        }
        said
    }

    /// What its server has.
    pub(super) fn answered(&mut self, bytes: &[u8]) -> Vec<String> {
        if let Some((_, reader)) = &mut self.frames {
            return frames(reader, bytes);
        }
        self.answered.extend_from_slice(bytes);
        let mut said = Vec::new();
        while let Some((head, body)) = message(&mut self.answered) {
            let line = head.lines().next().unwrap_or_default();
            let status = line.trim_start_matches("HTTP/1.1 ");
            said.push(together(status, &body));
            if status.starts_with("101") {
                let mut readers = (reader(Role::Server), reader(Role::Client));
                said.extend(frames(&mut readers.1, &std::mem::take(&mut self.answered)));
                self.frames = Some(readers);
                break;
            }
        }
        said
    }
}

fn together(line: &str, body: &[u8]) -> String {
    match body {
        [] => line.to_owned(),
        body => format!("{line}  {}", String::from_utf8_lossy(body)),
    }
}

fn reader(role: Role) -> Reader {
    let limits = Limits {
        message: usize::MAX / 2,
        deflate: true,
        ..Limits::default()
    };
    Reader::new(role, limits)
}

/// Takes one message of HTTP from the front, if it is all there: its head and its body.
fn message(bytes: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let its = name.eq_ignore_ascii_case("content-length");
        its.then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = end.saturating_add(length.unwrap_or(0));
    if bytes.len() < whole {
        return None;
    }
    let rest = bytes.split_off(whole);
    let message = std::mem::replace(bytes, rest);
    Some((head, message[end..].to_vec()))
}

fn frames(reader: &mut Reader, bytes: &[u8]) -> Vec<String> {
    reader.feed(bytes);
    let mut said = Vec::new();
    // Who breaks the rules is not understood any more.
    while let Ok(Some(incoming)) = reader.poll() {
        said.push(match incoming {
            Incoming::Text(text) => text.to_string(),
            Incoming::Binary(bytes) => format!("{} bytes", bytes.len()),
            other @ (Incoming::Compressed { .. }
            | Incoming::Ping(_)
            | Incoming::Pong(_)
            | Incoming::Close(_)) => format!("{other:?}"),
        });
    }
    said
}

impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_shown_by_its_lines_and_bodies_however_it_is_cut() {
        let mut talk = Talk::default();
        let words = b"POST /x HTTP/1.1\r\ncontent-length: 2\r\n\r\n40GET / HTTP/1.1\r\n\r\n";
        let said: Vec<_> = words.chunks(5).flat_map(|it| talk.asked(it)).collect();
        assert_eq!(said, ["POST /x  40", "GET /"]);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(talk.answered(answer), ["200 OK  ok"]);
    }

    #[test]
    fn a_websocket_is_shown_by_its_messages() {
        let mut talk = Talk::default();
        let mut words = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        words.extend(b"\x81\x012");
        let said = talk.answered(&words);
        assert_eq!(said, ["101 Switching Protocols", "2"]);
        assert_eq!(talk.asked(b"\x81\x81\0\0\0\x003"), ["3"]);
        assert_eq!(talk.answered(b"\x82\x02ab"), ["2 bytes"]);
    }
}
