//! Strings, and the keys of objects: read, and written.

use super::scan;

/// The inside of a JSON string as text. `None`: it holds half of a surrogate pair.
pub(crate) fn unescape(inner: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, tail) = rest.split_at_checked(at)?;
        out.extend_from_slice(plain);
        let (&escape, mut tail) = tail.strip_prefix(b"\\")?.split_first()?;
        match escape {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut unit = || {
                    let (digits, after) = tail.split_first_chunk::<4>()?;
                    tail = after;
                    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
                };
                let first = unit()?;
                let character = if (0xd800..0xe000).contains(&first) {
                    tail = tail.strip_prefix(b"\\u")?;
                    let (digits, after) = tail.split_first_chunk::<4>()?;
                    tail = after;
                    let second = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                    char::decode_utf16([first, second]).next()?.ok()?
                } else {
                    char::from_u32(u32::from(first))?
                };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            plain => out.push(plain),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).ok()
}

/// A text as JSON. Nearly all are ids and short words of which nothing has to be escaped, and are copied:
/// that was 1 300 of the 80 000 instructions of a client that comes and goes, for each of two ids.
pub(crate) fn push_quoted(text: &mut Vec<u8>, word: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if word.bytes().all(plain) {
        text.push(b'"');
        text.extend_from_slice(word.as_bytes());
        text.push(b'"');
    } else {
        text.extend_from_slice(serde_json::Value::from(word).to_string().as_bytes());
    }
}

/// A string in its quotes.
#[inline]
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    around(out, b"\"", text, false);
}

/// A string behind what comes before it, its opening quote included, with a colon behind it if it is a
/// key.
///
/// What is short is put together in registers and written at once: each write waits for the length that
/// the one before it left.
#[inline(always)]
fn around<const N: usize>(out: &mut Vec<u8>, lead: &[u8; N], text: &str, key: bool) {
    let length = text.len();
    if let Some(word) = word(text.as_bytes())
        && out.capacity().wrapping_sub(out.len()) >= 16
    {
        // The quote behind it ends the run, unless something before it does.
        let quoted = word | u64::from(b'"').wrapping_shl(bits(length));
        if scan::special(quoted).trailing_zeros() as usize / 8 == length {
            let mut block = u128::from(quoted);
            if key {
                block |= u128::from(b':').wrapping_shl(bits(length.wrapping_add(1)));
            }
            block = block.wrapping_shl(bits(N));
            for (at, byte) in lead.iter().enumerate() {
                block |= u128::from(*byte).wrapping_shl(bits(at));
            }
            let end = out
                .len()
                .wrapping_add(length)
                .wrapping_add(N)
                .wrapping_add(1)
                .wrapping_add(usize::from(key));
            out.extend_from_slice(&block.to_le_bytes());
            out.truncate(end);
            return;
        }
    }
    out.extend_from_slice(lead);
    inside(out, text.as_bytes());
    if key {
        out.push(b':');
    }
}

pub(super) fn first_key(out: &mut Vec<u8>, key: &str) {
    around(out, b"\"", key, true);
}

pub(super) fn next_key(out: &mut Vec<u8>, key: &str) {
    around(out, b",\"", key, true);
}

/// The inside of a string, and the quote behind it.
fn inside(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        if scan::special(u64::from_le_bytes(*chunk)) != 0 {
            return slow(out, rest);
        }
        out.extend_from_slice(chunk);
        rest = tail;
    }
    let length = rest.len();
    if let Some(word) = word(rest)
        && out.capacity().wrapping_sub(out.len()) >= 8
    {
        // The quote behind it ends the run, unless something before it does.
        let word = word | u64::from(b'"').wrapping_shl(bits(length));
        if scan::special(word).trailing_zeros() as usize / 8 == length {
            let end = out.len().wrapping_add(length).wrapping_add(1);
            out.extend_from_slice(&word.to_le_bytes());
            out.truncate(end);
            return;
        }
    }
    slow(out, rest);
}

#[cold]
#[inline(never)]
fn slow(out: &mut Vec<u8>, rest: &[u8]) {
    escaped(out, rest);
    out.push(b'"');
}

/// How many bits so few bytes are.
const fn bits(bytes: usize) -> u32 {
    (bytes as u32).wrapping_mul(8)
}

/// Up to 7 bytes as the low ones of a word.
#[inline]
fn word(bytes: &[u8]) -> Option<u64> {
    let length = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let [head, tail] = [head, tail].map(|half| u64::from(u32::from_le_bytes(*half)));
        return (length < 8).then(|| head | tail.wrapping_shl(bits(length.wrapping_sub(4))));
    }
    Some(match bytes {
        [] => 0,
        [a] => u64::from(*a),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a, b, c, ..] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
    })
}

/// The inside of a string.
pub(super) fn escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    loop {
        let special = scan::after_plain(rest);
        let plain = rest.len().wrapping_sub(special.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        let Some((byte, tail)) = special.split_first() else {
            return;
        };
        escape(out, *byte);
        rest = tail;
    }
}

#[cold]
fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            let digit = |half: u8| match half {
                0..10 => half.wrapping_add(b'0'),
                _ => half.wrapping_add(b'a' - 10),
            };
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_as_serde_json_quotes_it() {
        let every = (0..=0x17f).filter_map(char::from_u32).map(String::from);
        let some = [
            "",
            "a b",
            "-SUaq2I2PnH6PK93Dzaw",
            "/chat#abc",
            "é\u{2028}\u{1f600}",
        ];
        for word in every.chain(some.map(str::to_owned)) {
            let mut text = b"4".to_vec();
            push_quoted(&mut text, &word);
            let expected = format!("4{}", serde_json::to_string(&word).unwrap());
            assert_eq!(String::from_utf8(text).unwrap(), expected, "{word:?}");
        }
    }

    #[test]
    fn every_escape_stands_for_its_character() {
        let read = |inner: &str| unescape(inner.as_bytes());
        for (inner, text) in [
            (r#"\b\f\n\r\t"#, "\u{8}\u{c}\n\r\t"),
            (r#"a\/b\\c\"d"#, "a/b\\c\"d"),
            (r"\u00e9\u2028\ud83d\ude00.", "é\u{2028}😀."),
        ] {
            assert_eq!(read(inner).as_deref(), Some(text), "{inner}");
        }
        for half in [
            r"\ud83d",
            r"\ud83dx",
            r"\ud83d\n",
            r"\ud83d\u0041",
            r"\ude00",
        ] {
            assert_eq!(read(half), None, "{half}");
        }
    }
}
