//! What was recorded of one connection: its requests, and what they were answered with.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::request::Parts;

use crate::frames;

/// A moment of a history: the number of the act, and when it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) act: usize,
    pub(super) at: Duration,
}

/// Bytes one after the other, and when each came.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    bytes: Vec<u8>,
    /// Where each piece ends, and when it came.
    pieces: Vec<(usize, Moment)>,
}

impl Stream {
    pub(super) fn push(&mut self, moment: Moment, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pieces.push((self.bytes.len(), moment));
    }

    /// What came by this act.
    pub(super) fn at(&self, act: usize) -> Option<&[u8]> {
        let piece = self.pieces.iter().position(|(_, its)| its.act == act)?;
        let from = piece
            .checked_sub(1)
            .and_then(|before| self.pieces.get(before));
        let (end, _) = self.pieces.get(piece)?;
        self.bytes.get(from.map_or(0, |(from, _)| *from)..*end)
    }

    /// When the byte at this place came.
    fn moment(&self, place: usize) -> Moment {
        let at = self.pieces.partition_point(|(end, _)| *end <= place);
        let piece = self.pieces.get(at).or(self.pieces.last());
        piece.map(|(_, moment)| *moment).unwrap_or_default()
    }
}

/// Something that a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Response {
        status: u16,
        /// In the order of their names.
        headers: Vec<(String, String)>,
        body: Bytes,
    },
    Frame {
        first: u8,
        payload: Bytes,
    },
}

impl Said {
    /// Whether it is not the protocol's: HTTP's, before anybody is asked, of a body that was not whole in time, of a
    /// hook that did not end well, or a fallback's. What the protocol says has headers, but for a path that is not
    /// its own.
    pub(super) fn is_anothers(&self) -> bool {
        match self {
            Self::Response {
                status, headers, ..
            } => matches!(status, 408 | 414 | 431 | 500) || *status != 404 && headers.is_empty(),
            Self::Frame { .. } => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// When its first byte was written.
    pub(super) moment: Moment,
    pub(super) said: Said,
}

/// A request that has come whole, or whose body is larger than it may be.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// When its last byte was read.
    pub(super) moment: Moment,
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

/// Headers that say how a connection is used, and when: nothing of them is the protocol's.
const APART: [&str; 5] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
];

/// Whether it is the protocol's. Names with an `x` before them, but for two of browsers, are what an application's
/// hooks have added.
fn is_protocols(name: &str) -> bool {
    let browsers = ["x-content-type-options", "x-xss-protection"];
    !APART.contains(&name) && (!name.starts_with("x-") || browsers.contains(&name))
}

/// The length of a head, with the line behind it.
fn head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// Everything that was said on one connection; `Err`: what can not be read.
pub(super) fn said(stream: &Stream) -> Result<Vec<Unit>, String> {
    let mut units = Vec::new();
    let (mut at, mut framed) = (0, false);
    while let Some(rest) = stream.bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let moment = stream.moment(at);
        let read = match framed {
            true => frame(rest),
            false => response(rest)?,
        };
        // The rest of it was not written any more.
        let Some((length, said)) = read else { break };
        framed |= matches!(said, Said::Response { status: 101, .. });
        units.push(Unit { moment, said });
        at += length;
    }
    Ok(units)
}

fn response(bytes: &[u8]) -> Result<Option<(usize, Said)>, String> {
    let Some(end) = head(bytes) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.trim_end().split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| format!("no response: {text:?}"))?;
    let (mut headers, mut length) = (Vec::new(), 0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a line without a colon")?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().map_err(|_| "a length that is none")?;
        }
        if name == "transfer-encoding" {
            return Err("a body in chunks".to_owned());
        }
        if is_protocols(&name) || status == 101 && name == "connection" {
            headers.push((name, value));
        }
    }
    headers.sort_unstable();
    if status == 101 {
        length = 0;
    }
    let Some(body) = bytes.get(end..end + length) else {
        return Ok(None);
    };
    let zipped = headers
        .iter()
        .any(|(name, value)| name == "content-encoding" && value == "gzip");
    let mut plain = Vec::new();
    let body = match GzDecoder::new(body).read_to_end(&mut plain) {
        Ok(_) if zipped => plain.into(),
        // Server leaves that to who embeds it.
        Ok(_) | Err(_) => Bytes::copy_from_slice(body),
    };
    let said = Said::Response {
        status,
        headers,
        body,
    };
    Ok(Some((end + length, said)))
}

fn frame(bytes: &[u8]) -> Option<(usize, Said)> {
    let frame = frames::read(bytes)?;
    let (first, payload) = (frame.first, frame.payload);
    Some((frame.length, Said::Frame { first, payload }))
}

/// The requests of one connection, and what came behind the last one: a WebSocket's frames, if it was answered
/// with one. `Err`: what no request is.
pub(super) fn asked(
    stream: &Stream,
    answers: &[Unit],
    most: usize,
) -> Result<(Vec<Asked>, Stream), String> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut behind = Stream::default();
    while let Some(rest) = stream.bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(end) = head(rest) else { break };
        let request = parts(&rest[..end])?;
        let Some((length, body)) = body(&request, &rest[end..], most)? else {
            break;
        };
        let switched = matches!(
            answers.get(all.len()),
            Some(Unit {
                said: Said::Response { status: 101, .. },
                ..
            })
        );
        at += end + length;
        all.push(Asked {
            moment: stream.moment(at - 1),
            head: request,
            body,
        });
        if switched {
            let mut from = at;
            for (end, moment) in stream.pieces.iter().filter(|(end, _)| *end > at) {
                behind.push(*moment, &stream.bytes[from..*end]);
                from = *end;
            }
            break;
        }
    }
    Ok((all, behind))
}

fn parts(head: &[u8]) -> Result<Parts, String> {
    // A byte is a character, as HTTP has it.
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let (mut lines, mut sized) = (text.trim_end().split("\r\n"), false);
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut request = http::Request::builder()
        .method(words.next().unwrap_or_default())
        .uri(words.next().unwrap_or_default());
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a line without a colon")?;
        let value: Vec<u8> = value.trim().chars().map(|c| c as u8).collect();
        // Said twice alike, it is said once.
        let length = name.eq_ignore_ascii_case("content-length");
        if !(length && sized) {
            request = request.header(name, value);
        }
        sized |= length;
    }
    let request = request.body(()).map_err(|why| why.to_string())?;
    Ok(request.into_parts().0)
}

/// A body, as far as it is looked at, and its length on the wire; `None`: it has not come whole.
fn body(head: &Parts, rest: &[u8], most: usize) -> Result<Option<(usize, Bytes)>, String> {
    if head.headers.contains_key("transfer-encoding") {
        return chunks(rest, most);
    }
    let length = match head.headers.get("content-length") {
        None => 0,
        Some(length) => length
            .to_str()
            .ok()
            .and_then(|length| length.parse().ok())
            .ok_or("a length that is none")?,
    };
    if length > most {
        // Refused by its head.
        return Ok(Some((rest.len(), Bytes::from(vec![b'x'; most + 1]))));
    }
    let body = rest.get(..length).map(Bytes::copy_from_slice);
    Ok(body.map(|body| (length, body)))
}

fn chunks(rest: &[u8], most: usize) -> Result<Option<(usize, Bytes)>, String> {
    let (mut at, mut body) = (0, Vec::new());
    loop {
        let Some(line) = rest[at..].windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[at..at + line]).map_err(|_| "a chunk")?;
        let size = usize::from_str_radix(size, 16).map_err(|_| "a chunk without a size")?;
        at += line + 2;
        if body.len() + size > most {
            return Ok(Some((rest.len(), Bytes::from(vec![b'x'; most + 1]))));
        }
        let Some(chunk) = rest.get(at..at + size) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        at += size + 2;
        if at > rest.len() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some((at, body.into())));
        }
    }
}
