//! The name that a client gives to an event.

use compact_str::CompactString;

use crate::packet::{Args, Value};

/// An event with a name of its own: `{"once":"…"}` before its other arguments, a text of 1 to 64 bytes, and nothing
/// else in that object.
///
/// Whoever knows a name gets the answer to the event: clients make them up by chance, `crypto.randomUUID()` say.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The name.
    pub name: CompactString,
    /// The arguments without it.
    pub args: Args,
}

/// Bytes of a name, at most.
const LONGEST: usize = 64;

/// Bytes of the object with it, however its letters are written.
const LONGEST_WRITTEN: usize = 512;

impl Named {
    /// The name among an event's arguments, if it has one.
    pub fn of(args: &Args) -> Option<Self> {
        let first = args.raw(0)?;
        // Most first arguments are something else.
        if !first.starts_with('{') || first.len() > LONGEST_WRITTEN {
            return None;
        }
        let first: Value = args.get(0).ok()?;
        let first = first.as_object()?;
        let name = first.get("once")?.as_str()?;
        let fits = (1..=LONGEST).contains(&name.len()) && first.len() == 1;
        fits.then(|| Self {
            name: name.into(),
            args: args.behind(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(array: &str) -> Option<(String, String)> {
        let args = Args::from_json(array, Vec::new()).unwrap();
        let named = Named::of(&args)?;
        Some((named.name.to_string(), named.args.elements().to_owned()))
    }

    #[test]
    fn a_name_is_an_object_before_the_other_arguments() {
        let found = |name: &str, rest: &str| Some((name.to_owned(), rest.to_owned()));
        assert_eq!(named(r#"[{"once":"a"},1,"b"]"#), found("a", r#"1,"b""#));
        assert_eq!(named(r#"[ { "once" : "a" } ]"#), found("a", ""));
        assert_eq!(named(r#"[{"\u006fnce":"a once"}]"#), found("a once", ""));
        let longest = "x".repeat(64);
        assert_eq!(
            named(&format!(r#"[{{"once":"{longest}"}}]"#)),
            found(&longest, "")
        );
    }

    #[test]
    fn nothing_else_is_a_name() {
        let long = format!(r#"[{{"once":"{}"}}]"#, "x".repeat(65));
        for array in [
            "[]",
            "[1]",
            r#"["once"]"#,
            r#"[["once","a"]]"#,
            r#"[{"once":""}]"#,
            r#"[{"once":1}]"#,
            r#"[{"once":"a","more":1}]"#,
            r#"[{"twice":"once"}]"#,
            r#"[1,{"once":"a"}]"#,
            &long,
        ] {
            assert_eq!(named(array), None, "{array}");
        }
    }
}
