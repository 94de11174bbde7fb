//! What stands in the place of what was said: text that is read the same way, and says nothing.

use bytes::Bytes;

use crate::protocol::Eio;

/// A character of the same length, in UTF-8 and in UTF-16.
const fn stand_in(c: char) -> char {
    match c.len_utf8() {
        1 => 'x',
        2 => 'ß',
        3 => '…',
        _ => '𝄞',
    }
}

/// Text of which nothing is known.
pub(crate) fn filled(text: &str) -> String {
    text.chars().map(stand_in).collect()
}

/// The same, but of ASCII its letters and digits alone: what is written otherwise in a URL or a header stays so.
pub(crate) fn letters(text: &str) -> String {
    let letter = |c: char| match c.is_ascii() && !c.is_ascii_alphanumeric() {
        true => c,
        false => stand_in(c),
    };
    text.chars().map(letter).collect()
}

/// Packets of Engine.IO in one body (§5.3), each as `packet` has it.
pub(crate) fn separated(body: &str, packet: impl FnMut(&str) -> String) -> String {
    let packets = body.split('\x1e').map(packet);
    packets.collect::<Vec<_>>().join("\x1e")
}

/// The same behind their lengths in UTF-16 code units (§5.1).
pub(crate) fn counted(body: &str, mut packet: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((digits, behind)) = rest.split_once(':') {
        let Ok(units) = digits.parse::<usize>() else {
            break;
        };
        let mut left = units;
        let whole = |it: &char| {
            left = match left.checked_sub(it.len_utf16()) {
                Some(less) => less,
                None => return false,
            };
            true
        };
        let length = behind.chars().take_while(whole).map(char::len_utf8).sum();
        let (text, next) = behind.split_at_checked(length).unwrap_or((behind, ""));
        out.push_str(digits);
        out.push(':');
        out.push_str(&packet(text));
        rest = next;
    }
    out.push_str(&filled(rest));
    out
}

/// The same behind their kinds and lengths (§5.2).
pub(crate) fn binary(body: &Bytes, revision: Eio, mut packet: impl FnMut(&str) -> String) -> Bytes {
    let mut rest = body.clone();
    let mut out = Vec::with_capacity(body.len());
    while let Some(end) = rest.iter().position(|byte| *byte == 0xff) {
        let head = rest.split_to(end.saturating_add(1));
        out.extend_from_slice(&head);
        let digits = head.get(1..end).unwrap_or_default();
        let length = digits.iter().fold(0_usize, |length, digit| {
            length.saturating_mul(10).saturating_add((*digit).into())
        });
        let its = rest.split_to(length.min(rest.len()));
        match std::str::from_utf8(&its) {
            Ok(text) if head.first() == Some(&0) => {
                out.extend_from_slice(packet(text).as_bytes());
            }
            Ok(_) | Err(_) => out.extend_from_slice(&attachment(&its, revision)),
        }
    }
    // Not a packet: it is a fault whatever it is, and stays as long.
    out.extend(rest.iter().map(|_| 0));
    out.into()
}

/// The bytes of an attachment, the first of which says in revision 3 what it is.
pub(crate) fn attachment(bytes: &[u8], revision: Eio) -> Bytes {
    let kept = match revision {
        Eio::V3 => 1,
        Eio::V4 => 0,
    };
    let redacted = bytes.iter().enumerate();
    redacted
        .map(|(at, byte)| if at < kept { *byte } else { 0 })
        .collect()
}

/// A packet of Engine.IO.
pub(crate) fn packet(text: &str) -> String {
    let mut kinds = text.bytes();
    match (kinds.next(), kinds.next()) {
        _ if matches!(text, "2probe" | "3probe") => text.to_owned(),
        (Some(b'b'), first) => {
            // In revision 3 a digit is before the base64.
            let kept = if first == Some(b'4') { 2 } else { 1 };
            let base64 = |(at, c): (usize, char)| match c {
                '=' => '=',
                _ if at < kept => c,
                _ if c.is_ascii_alphanumeric() || matches!(c, '+' | '/') => 'A',
                _ => stand_in(c),
            };
            text.chars().enumerate().map(base64).collect()
        }
        (Some(b'4'), kind) => {
            let named = matches!(kind, Some(b'2' | b'5'));
            let head = text.find(['[', '{', '"']).unwrap_or(text.len());
            let (head, rest) = text.split_at_checked(head).unwrap_or((text, ""));
            let mut out = header(head);
            out.push_str(&Scan::new(rest, named).run());
            out
        }
        _ => {
            let mut all = text.chars();
            let kind = all.next().into_iter();
            kind.chain(all.map(stand_in)).collect()
        }
    }
}

/// JSON.
pub(crate) fn json(text: &str) -> String {
    Scan::new(text, false).run()
}

/// The same with the names of those members as they are of which `stays` says so, and in the place of a string or of
/// the digits of a number what `instead` says, which is given the name that is before it, if there is one.
pub(crate) fn members(
    text: &str,
    stays: &dyn Fn(&str) -> bool,
    mut instead: impl FnMut(&str, &str) -> Option<String>,
) -> String {
    let mut scan = Scan::new(text, false);
    scan.members = Some((stays, &mut instead));
    scan.run()
}

/// What is before the JSON: kinds, numbers, and a namespace, whose query is taken out.
pub(crate) fn header(text: &str) -> String {
    #[derive(Clone, Copy, PartialEq)]
    enum Within {
        Numbers,
        Name,
        Query,
    }
    let mut within = Within::Numbers;
    let keep = |c: char| {
        match c {
            '/' if within == Within::Numbers => within = Within::Name,
            '?' if within == Within::Name => within = Within::Query,
            ',' => within = Within::Numbers,
            _ => {}
        }
        match within {
            Within::Name => c,
            Within::Numbers if c.is_ascii_digit() || matches!(c, '/' | '?' | ',' | '-') => c,
            Within::Query if matches!(c, '?' | ',' | '&' | '=') => c,
            Within::Numbers | Within::Query => stand_in(c),
        }
    };
    text.chars().map(keep).collect()
}

/// Whether it may say something outside of strings: JSON has nothing there that is not ASCII.
fn is_word(c: char) -> bool {
    c.is_alphabetic() || !c.is_ascii()
}

/// Goes over JSON, whole or not.
struct Scan<'a, 'i> {
    rest: &'a str,
    out: String,
    name: Name,
    /// The last string, if nothing else has come since.
    key: &'a str,
    /// Which names of members stay, and what stands for what is behind a name.
    members: Option<Members<'i>>,
}

/// How far it is to an event's name, if there is to be one: it is the first that is in the array.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    Array,
    First,
    Past,
}

type Members<'i> = (&'i dyn Fn(&str) -> bool, &'i mut Instead<'i>);

type Instead<'i> = dyn FnMut(&str, &str) -> Option<String> + 'i;

impl<'a> Scan<'a, '_> {
    fn new(text: &'a str, named: bool) -> Self {
        Self {
            rest: text,
            out: String::with_capacity(text.len()),
            name: if named { Name::Array } else { Name::Past },
            key: "",
            members: None,
        }
    }

    fn instead(&mut self, text: &str) -> Option<String> {
        let key = self.key;
        self.members
            .as_mut()
            .and_then(|(_, instead)| instead(key, text))
    }

    /// Takes what is at the front as long as it is of a kind.
    fn front(&mut self, is: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is(c)).unwrap_or(self.rest.len());
        let (front, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        front
    }

    fn run(mut self) -> String {
        while let Some(c) = self.rest.chars().next() {
            if c == '"' {
                self.string();
            } else if c.is_ascii_digit() {
                self.name = Name::Past;
                let digits = self.front(|c| c.is_ascii_digit());
                if let Some(instead) = self.instead(digits) {
                    self.out.push_str(&instead);
                } else if self.key == "num" {
                    self.out.push_str(digits);
                } else {
                    self.out.extend(digits.chars().map(|_| '1'));
                }
            } else if is_word(c) {
                self.name = Name::Past;
                let word = self.front(is_word);
                match word {
                    "true" | "false" | "null" | "e" | "E" => self.out.push_str(word),
                    _ => self.out.push_str(&filled(word)),
                }
            } else {
                let same = self.front(|its| its == c);
                self.out.push_str(same);
                if matches!(c, ' ' | '\t' | '\n' | '\r') {
                    continue;
                }
                self.name = match (self.name, same) {
                    (Name::Array, "[") => Name::First,
                    (Name::Array | Name::First | Name::Past, _) => Name::Past,
                };
                if c != ':' {
                    self.key = "";
                }
            }
        }
        self.out
    }

    fn string(&mut self) {
        let after = self.rest.get(1..).unwrap_or_default();
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (text, rest) = match end.and_then(|end| after.split_at_checked(end)) {
            Some((text, rest)) => (text, rest.get(1..).unwrap_or_default()),
            None => (after, ""),
        };
        self.out.push('"');
        let stays = self.members.as_ref().is_some_and(|(stays, _)| stays(text));
        let is_name = stays && rest.trim_start().starts_with(':');
        if self.name == Name::First || is_name || matches!(text, "_placeholder" | "num") {
            self.out.push_str(text);
        } else if let Some(instead) = self.instead(text) {
            self.out.push_str(&instead);
        } else {
            self.characters(text);
        }
        if end.is_some() {
            self.out.push('"');
        }
        self.name = Name::Past;
        self.key = text;
        self.rest = rest;
    }

    /// Those of a string: what an escape stands for is something else, and what is none is left.
    fn characters(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                self.out.push(if c < ' ' { c } else { stand_in(c) });
                continue;
            }
            self.out.push(c);
            let Some(kind) = rest.next() else {
                return;
            };
            self.out.push(kind);
            let digits = rest.as_str().get(..4);
            let digits = digits.filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
            if let ('u', Some(_)) = (kind, digits) {
                self.out.push_str("0078");
                let _ = rest.nth(3);
            }
        }
    }
}
