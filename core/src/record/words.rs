//! What stands in the place of what was said: text that is read the same way, and says nothing.

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
pub(super) fn filled(text: &str) -> String {
    text.chars().map(stand_in).collect()
}

/// A packet of Engine.IO.
pub(super) fn packet(text: &str) -> String {
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
pub(super) fn json(text: &str) -> String {
    Scan::new(text, false).run()
}

/// What is before the JSON: kinds, numbers, and a namespace, whose query is taken out.
fn header(text: &str) -> String {
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

/// Goes over JSON, whole or not.
struct Scan<'a> {
    rest: &'a str,
    out: String,
    /// Whether the first string is an event's name.
    named: bool,
    /// The last string, if it was kept for what it says.
    key: &'a str,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, named: bool) -> Self {
        Self {
            rest: text,
            out: String::with_capacity(text.len()),
            named,
            key: "",
        }
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
                let digits = self.front(|c| c.is_ascii_digit());
                if self.key == "num" {
                    self.out.push_str(digits);
                } else {
                    self.out.extend(digits.chars().map(|_| '1'));
                }
            } else if c.is_alphabetic() {
                let word = self.front(char::is_alphabetic);
                match word {
                    "true" | "false" | "null" | "e" | "E" => self.out.push_str(word),
                    _ => self.out.push_str(&filled(word)),
                }
            } else {
                let same = self.front(|its| its == c);
                self.out.push_str(same);
                self.named &= matches!(c, '[' | ' ' | '\t' | '\n' | '\r');
                if !matches!(c, ':' | ' ' | '\t' | '\n' | '\r') {
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
        if self.named || matches!(text, "_placeholder" | "num") {
            self.out.push_str(text);
        } else {
            self.characters(text);
        }
        if end.is_some() {
            self.out.push('"');
        }
        self.named = false;
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
