//! The paths that a file names: in `use`, and wherever else one begins with `crate`, `super`, `self` or a module.

use super::tokens::{Token, behind};

/// A path as it is written. `use a::{b, c as d}` is two.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// By what name it is known in this file, if it is in a `use`; `*` for all there is.
    pub(super) alias: Option<String>,
    /// Whether others find it here, too.
    pub(super) public: bool,
}

/// All paths of a file, those that begin in a `mod { }` of the file's own as seen from the file.
pub(super) fn named(tokens: &[Token]) -> Vec<Named> {
    let text = |at: usize| tokens.get(at).map_or("", |it: &Token| it.text.as_str());
    let mut found = Vec::new();
    let (mut depth, mut inner) = (0usize, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|begun| *begun < depth);
            }
            "mod" if text(at + 2) == "{" => inner.push(depth),
            "pub" if text(at + 1) == "(" && text(at + 2) == "in" => {
                at = behind(tokens, at + 1);
                continue;
            }
            // `use<..>` says what a type captures.
            "use" if text(at + 1) != "<" => {
                let public = text(at.wrapping_sub(1)) == "pub" || text(at.wrapping_sub(1)) == ")";
                let begun = found.len();
                at = tree(tokens, at + 1, &[], public, &mut found);
                found[begun..]
                    .iter_mut()
                    .for_each(|it| outwards(it, inner.len()));
                continue;
            }
            _ if text(at + 1) == "::" && text(at.wrapping_sub(1)) != "::" => {
                let mut one = Named {
                    path: vec![text(at).to_owned()],
                    line: tokens[at].line,
                    alias: None,
                    public: false,
                };
                while text(at + 1) == "::"
                    && text(at + 2).starts_with(|it: char| it.is_alphabetic() || it == '_')
                {
                    one.path.push(text(at + 2).to_owned());
                    at += 2;
                }
                outwards(&mut one, inner.len());
                found.push(one);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Takes away the `super` that leads out of modules that are written inside of the file.
fn outwards(named: &mut Named, inner: usize) {
    let supers = named
        .path
        .iter()
        .take_while(|it| *it == "super")
        .count()
        .min(inner);
    named.path.drain(..supers);
    if supers > 0 && named.path.first().is_none_or(|it| it != "super") {
        named.path.insert(0, "self".to_owned());
    }
}

/// Reads what a `use` names from here on, behind what was written before its braces. Says where it ends.
fn tree(
    tokens: &[Token],
    mut at: usize,
    before: &[String],
    public: bool,
    found: &mut Vec<Named>,
) -> usize {
    let mut path = before.to_vec();
    let mut line = 0;
    let mut alias = None;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|it| it.text != "}") {
                    at = tree(tokens, at, &path, public, found);
                    at += usize::from(tokens.get(at).is_some_and(|it| it.text == ","));
                }
                return at + 1;
            }
            "," | ";" | "}" => break,
            "as" => {
                at += 1;
                alias = tokens.get(at).map(|it| it.text.clone());
            }
            word => {
                line = token.line;
                path.push(word.to_owned());
            }
        }
        at += 1;
    }
    if path.len() > 1 && path.last().is_some_and(|it| it == "self") {
        path.pop();
    }
    let alias = alias.or_else(|| path.last().cloned());
    found.push(Named {
        path,
        line,
        alias,
        public,
    });
    at
}
