//! Names of namespaces by what they look like: `/room/{id}`.

use std::fmt;

use super::parameters::Parameters;

/// What the names of namespaces look like: `/room/{id}`.
///
/// A segment, which is what stands between two `/`, is a text, or has one parameter in it, in braces, with text
/// before and behind it or without: `/{tenant}/room-{id}`. A parameter stands for one character at least, and for
/// no `/`. The last segment may be `{*rest}`, which stands for all that is left, `/` among it. `{{` and `}}` are
/// braces.
///
/// ```
/// use sio_core::namespaces::Pattern;
///
/// let pattern: Pattern = "/{tenant}/room-{id}".parse()?;
/// let parameters = pattern.read("/acme/room-7").unwrap();
/// assert_eq!((parameters.get("tenant"), parameters.get("id")), (Some("acme"), Some("7")));
/// assert!(pattern.read("/acme/room-").is_none() && pattern.read("/acme/room-7/x").is_none());
///
/// let pattern: Pattern = "/files/{*path}".parse()?;
/// assert_eq!(pattern.read("/files/a/b").unwrap().get("path"), Some("a/b"));
/// # Ok::<(), sio_core::namespaces::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    Text(Box<str>),
    /// A parameter, and what stands before and behind it.
    Parameter {
        before: Box<str>,
        name: Box<str>,
        behind: Box<str>,
    },
    Rest(Box<str>),
}

/// What is wrong with the text of a [`Pattern`], which is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// A name has a `/` at its beginning.
    NoSlash(String),
    /// A brace that opens nothing or closes nothing.
    Brace(String),
    /// A parameter without a name.
    Nameless(String),
    /// Two parameters in one segment.
    Crowded(String),
    /// Two parameters of one name.
    Twice {
        /// The pattern.
        pattern: String,
        /// The name.
        name: String,
    },
    /// `{*rest}` that is not the last segment, or not all of it.
    RestWithin(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlash(pattern) => write!(f, "{pattern:?} does not begin with a slash"),
            Self::Brace(pattern) => write!(f, "{pattern:?} has a brace without another"),
            Self::Nameless(pattern) => write!(f, "{pattern:?} has a parameter without a name"),
            Self::Crowded(pattern) => {
                write!(f, "{pattern:?} has two parameters in one segment")
            }
            Self::Twice { pattern, name } => {
                write!(f, "{pattern:?} has two parameters called {name:?}")
            }
            Self::RestWithin(pattern) => {
                write!(f, "{pattern:?} goes on where its rest was taken")
            }
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// The text that it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What its parameters are in a name, if the name looks like it.
    pub fn read(&self, name: &str) -> Option<Parameters> {
        let mut rest = name;
        let mut found = Vec::new();
        for segment in &self.segments {
            rest = rest.strip_prefix('/')?;
            let (here, behind) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match segment {
                Segment::Text(text) if **text == *here => {}
                Segment::Text(_) => return None,
                Segment::Parameter {
                    before,
                    name,
                    behind,
                } => {
                    let value = here.strip_prefix(&**before)?.strip_suffix(&**behind)?;
                    if value.is_empty() {
                        return None;
                    }
                    found.push((name.clone(), value.into()));
                }
                Segment::Rest(name) if !rest.is_empty() => {
                    found.push((name.clone(), rest.into()));
                    return Some(Parameters::new(found));
                }
                Segment::Rest(_) => return None,
            }
            rest = behind;
        }
        rest.is_empty().then(|| Parameters::new(found))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Parameter { name, .. } | Segment::Rest(name) => Some(&**name),
        })
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(PatternError::NoSlash(text.to_owned()));
        };
        let segments: Result<Box<[_]>, _> = path
            .split('/')
            .map(|segment| self::segment(segment, text))
            .collect();
        let pattern = Self {
            text: text.into(),
            segments: segments?,
        };
        if let Some((_, before)) = pattern.segments.split_last()
            && before.iter().any(|it| matches!(it, Segment::Rest(_)))
        {
            return Err(PatternError::RestWithin(text.to_owned()));
        }
        let names: Vec<&str> = pattern.names().collect();
        for (at, name) in names.iter().enumerate() {
            if names.iter().take(at).any(|before| before == name) {
                return Err(PatternError::Twice {
                    pattern: text.to_owned(),
                    name: (*name).to_owned(),
                });
            }
        }
        Ok(pattern)
    }
}

/// One segment of a pattern.
fn segment(segment: &str, pattern: &str) -> Result<Segment, PatternError> {
    let (before, rest) = text(segment, pattern)?;
    let Some(rest) = rest else {
        return Ok(Segment::Text(before.into()));
    };
    let Some((name, rest)) = rest.split_once('}') else {
        return Err(PatternError::Brace(pattern.to_owned()));
    };
    if name.contains('{') {
        return Err(PatternError::Brace(pattern.to_owned()));
    }
    let (behind, another) = text(rest, pattern)?;
    if another.is_some() {
        return Err(PatternError::Crowded(pattern.to_owned()));
    }
    let whole = before.is_empty() && behind.is_empty();
    match (name.strip_prefix('*'), name) {
        (Some(""), _) | (None, "") => Err(PatternError::Nameless(pattern.to_owned())),
        (Some(name), _) if whole => Ok(Segment::Rest(name.into())),
        (Some(_), _) => Err(PatternError::RestWithin(pattern.to_owned())),
        (None, name) => Ok(Segment::Parameter {
            before: before.into(),
            name: name.into(),
            behind: behind.into(),
        }),
    }
}

/// The text up to a parameter, and what stands behind the brace that opens it.
fn text<'a>(part: &'a str, pattern: &str) -> Result<(String, Option<&'a str>), PatternError> {
    let (mut text, mut rest) = (String::new(), part);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(behind) = from.strip_prefix("{{") {
            text.push('{');
            rest = behind;
        } else if let Some(behind) = from.strip_prefix("}}") {
            text.push('}');
            rest = behind;
        } else if let Some(behind) = from.strip_prefix('{') {
            return Ok((text, Some(behind)));
        } else {
            return Err(PatternError::Brace(pattern.to_owned()));
        }
    }
    text.push_str(rest);
    Ok((text, None))
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, name: &str) -> Option<Vec<(String, String)>> {
        let pattern: Pattern = pattern.parse().unwrap();
        let parameters = pattern.read(name)?;
        let all = parameters.iter();
        Some(
            all.map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    #[test]
    fn a_name_looks_like_a_pattern_or_does_not() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("/room/{id}", "/room/7"), Some(vec![pair("id", "7")]));
        assert_eq!(
            read("/{a}/x-{b}.y", "/p q/x-é.y"),
            Some(vec![pair("a", "p q"), pair("b", "é")])
        );
        assert_eq!(read("/f/{*p}", "/f/a/"), Some(vec![pair("p", "a/")]));
        assert_eq!(read("/{*p}", "/x"), Some(vec![pair("p", "x")]));
        assert_eq!(read("/plain", "/plain"), Some(Vec::new()));
        assert_eq!(read("/", "/"), Some(Vec::new()));
        assert_eq!(read("/{{{a}}}", "/{x}"), Some(vec![pair("a", "x")]));
        for (pattern, name) in [
            ("/room/{id}", "/room/"),
            ("/room/{id}", "/room"),
            ("/room/{id}", "/room/7/"),
            ("/room/{id}", "/rooms/7"),
            ("/room/{id}", "room/7"),
            ("/room/{id}", ""),
            ("/a{x}a", "/aa"),
            ("/a{x}a", "/a"),
            ("/f/{*p}", "/f/"),
            ("/f/{*p}", "/f"),
            ("/plain", "/plain/x"),
            ("/", "/x"),
        ] {
            assert_eq!(read(pattern, name), None, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_what_is_wrong() {
        let wrong = |text: &str| text.parse::<Pattern>().unwrap_err();
        let of = |make: fn(String) -> PatternError, text: &str| make(text.to_owned());
        assert_eq!(wrong("room"), of(PatternError::NoSlash, "room"));
        assert_eq!(wrong(""), of(PatternError::NoSlash, ""));
        for text in ["/{a", "/a}", "/{a{b}}", "/{a/b}"] {
            assert_eq!(wrong(text), of(PatternError::Brace, text));
        }
        for text in ["/{}", "/{*}"] {
            assert_eq!(wrong(text), of(PatternError::Nameless, text));
        }
        assert_eq!(wrong("/{a}{b}"), of(PatternError::Crowded, "/{a}{b}"));
        for text in ["/{*a}/b", "/x{*a}", "/{*a}x", "/{*a}/"] {
            assert_eq!(wrong(text), of(PatternError::RestWithin, text));
        }
        let twice = PatternError::Twice {
            pattern: "/{a}/{a}".to_owned(),
            name: "a".to_owned(),
        };
        assert_eq!(wrong("/{a}/{a}"), twice);
        assert_eq!(
            twice.to_string(),
            r#""/{a}/{a}" has two parameters called "a""#
        );
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_told_in_words() {
        let wrong = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(wrong("room"), r#""room" does not begin with a slash"#);
        assert_eq!(wrong("/{a"), r#""/{a" has a brace without another"#);
        assert_eq!(wrong("/{}"), r#""/{}" has a parameter without a name"#);
        assert_eq!(
            wrong("/{a}{b}"),
            r#""/{a}{b}" has two parameters in one segment"#
        );
        assert_eq!(
            wrong("/{*a}/b"),
            r#""/{*a}/b" goes on where its rest was taken"#
        );
        let pattern: Pattern = "/{a}".parse().unwrap();
        assert_eq!(pattern.as_str(), "/{a}");
        assert_eq!(format!("{pattern:?}"), r#"Pattern("/{a}")"#);
    }
}
