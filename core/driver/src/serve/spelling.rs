//! Names of headers as they are usually written.

/// The headers by which a WebSocket opens. Case does not matter in them (RFC 9110 §5.1), but clients in the
/// field compare it.
const NAMES: [&str; 5] = [
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "Upgrade",
];

/// Writes the names in a response's head as [`NAMES`] has them, where hyper writes all in small letters.
pub(super) fn spell(head: &mut [u8]) {
    for line in head.split_mut(|byte| *byte == b'\n') {
        let Some(end) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = line.get_mut(..end).unwrap_or_default();
        let usual = NAMES
            .iter()
            .find(|usual| usual.as_bytes().eq_ignore_ascii_case(name));
        if let Some(usual) = usual {
            name.copy_from_slice(usual.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_usual_case_and_values_stay() {
        // faults: F9
        let mut head = *b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
            connection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            x-upgrade: upgrade:\r\nsec-websocket-extensions: x\r\nsec-websocket-protocol: upgrade\r\n\r\n";
        spell(&mut head);
        let spelled = std::str::from_utf8(&head).unwrap();
        assert_eq!(
            spelled,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            Connection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            x-upgrade: upgrade:\r\nSec-WebSocket-Extensions: x\r\nSec-WebSocket-Protocol: upgrade\r\n\r\n"
        );
        spell(&mut []);
    }
}
