//! Texts with holes: `<host>` and `<name>` are where the server is, `<sid>`, `<id>` and the like are what it
//! said when they came first, `<any>` is what does not matter.

use std::collections::BTreeMap;

/// What the holes stand for.
#[derive(Debug, Default)]
pub(crate) struct Holes(BTreeMap<String, String>);

enum Piece<'a> {
    Literal(&'a str),
    Hole(&'a str),
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once('<') {
        let (hole, behind) = behind.split_once('>').expect("a hole ends");
        pieces.extend([Piece::Literal(literal), Piece::Hole(hole)]);
        rest = behind;
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

impl Holes {
    pub(crate) fn set(&mut self, hole: &str, text: String) {
        self.0.insert(hole.to_owned(), text);
    }

    /// The text, with all holes filled.
    pub(crate) fn fill(&self, template: &str) -> String {
        let pieces = pieces(template);
        let texts = pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => *text,
            Piece::Hole(name) => self.0.get(*name).expect("the server has said it"),
        });
        texts.collect()
    }

    /// Whether it is this text; what its holes stand for is kept.
    pub(crate) fn take(&mut self, template: &str, text: &str) -> bool {
        let pieces = pieces(template);
        let mut rest = text;
        let mut open = None;
        for piece in &pieces {
            match piece {
                Piece::Hole(name) => open = Some(*name),
                Piece::Literal(literal) => {
                    let Some(name) = open.take() else {
                        let Some(behind) = rest.strip_prefix(*literal) else {
                            return false;
                        };
                        rest = behind;
                        continue;
                    };
                    let at = match *literal {
                        "" => Some(rest.len()),
                        literal => rest.find(literal),
                    };
                    let Some(at) = at else { return false };
                    let filled = &rest[..at];
                    if name != "any" {
                        let known = self.0.entry(name.to_owned());
                        if known.or_insert_with(|| filled.to_owned()) != filled {
                            return false;
                        }
                    }
                    rest = &rest[at + literal.len()..];
                }
            }
        }
        rest.is_empty()
    }
}

#[test]
fn holes_are_filled_by_what_was_said_first() {
    let mut holes = Holes::default();
    assert!(holes.take(
        r#"<any>:0{"sid":"<sid>",<any>}"#,
        r#"97:0{"sid":"x1","a":[]}"#
    ));
    assert!(holes.take("<sid>", "x1") && !holes.take("<sid>", "x2"));
    assert!(holes.take("40{<id>}", "40{7}") && !holes.take("40{<id>}", "40{8}"));
    assert!(!holes.take("40", "401") && !holes.take("40", "4"));
    assert_eq!(holes.fill("/?sid=<sid>&id=<id>"), "/?sid=x1&id=7");
}
