//! Just enough of Rust's grammar to find the paths in a file: words and signs with their lines, without comments,
//! literals, and what is compiled for tests only.

/// A word or a sign, and the line it stands on.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// What a file consists of, and the modules of its own that are there for tests only.
pub(super) fn shipped(source: &str) -> (Vec<Token>, Vec<String>) {
    without_tests(&tokens(source))
}

fn tokens(source: &str) -> Vec<Token> {
    let mut rest = source;
    let mut line = 1;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => literal(rest),
            '\'' => quoted(rest),
            'r' | 'b' if raw(rest).is_some() => raw(rest).unwrap_or(1),
            _ if rest.starts_with("b\"") => 1 + literal(&rest[1..]),
            _ if is_word(first) => rest.find(|at| !is_word(at)).unwrap_or(rest.len()),
            _ if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        let told =
            !matches!(first, '"' | '\'') && !text.contains(['"', '\n']) && !text.starts_with("//");
        if told && !first.is_whitespace() && !text.starts_with("/*") {
            found.push(Token {
                text: text.to_owned(),
                line,
            });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// The length of a string literal that begins here.
fn literal(rest: &str) -> usize {
    let mut escaped = false;
    for (at, it) in rest.char_indices().skip(1) {
        match it {
            '"' if !escaped => return at + 1,
            _ => escaped = it == '\\' && !escaped,
        }
    }
    rest.len()
}

/// The length of a character, or of the sign of a lifetime.
fn quoted(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, it))) => {
            let from = at + it.len_utf8();
            rest[from..]
                .find('\'')
                .map_or(rest.len(), |at| from + at + 1)
        }
        (_, Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of a raw string, if one begins here.
fn raw(rest: &str) -> Option<usize> {
    let opened = rest.trim_start_matches('b').strip_prefix('r')?;
    let hashes = opened.len() - opened.trim_start_matches('#').len();
    let body = opened[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let begun = rest.len() - body.len();
    Some(
        body.find(&end)
            .map_or(rest.len(), |at| begun + at + end.len()),
    )
}

/// Leaves out what stands behind `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let text = |ahead: usize| tokens.get(at + ahead).map_or("", |it| it.text.as_str());
        let cfg = [text(0), text(1), text(2), text(3)] == ["#", "[", "cfg", "("];
        let all = [text(4), text(5), text(6)] == ["all", "(", "test"];
        if !cfg || (!all && text(4) != "test") {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        while tokens.get(at).is_some_and(|it| it.text == "#") {
            at = behind(tokens, at + 1);
        }
        let from = at;
        while tokens
            .get(at)
            .is_some_and(|it| it.text != "{" && it.text != ";")
        {
            at += 1;
        }
        let ends_here = tokens.get(at).is_some_and(|it| it.text == ";");
        if ends_here && tokens[from..at].iter().any(|it| it.text == "mod") {
            modules.push(tokens[at - 1].text.clone());
        }
        at = if ends_here {
            at + 1
        } else {
            behind(tokens, at)
        };
    }
    (kept, modules)
}

/// Where it goes on behind the brackets that open at this token.
pub(super) fn behind(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "[" | "(" => depth += 1,
            "}" | "]" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}
