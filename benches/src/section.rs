//! Parts of `RESULTS.md` that are written apart from the others, each between two marks of its name.

/// The document with this for its part of that name, which is put at its end if there was none.
#[must_use]
pub fn with_section(document: &str, name: &str, section: &str) -> String {
    let (before, after) = match split(document, name) {
        Some((before, _, after)) => (before, after),
        None => (document, ""),
    };
    let gap = if before.ends_with("\n\n") { "" } else { "\n" };
    format!("{before}{gap}<!-- {name} -->\n{section}<!-- /{name} -->\n{after}")
}

/// The part of the document that has this name.
#[must_use]
pub fn section<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    split(document, name).map(|(_, section, _)| section)
}

fn split<'a>(document: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = document.split_once(&format!("<!-- {name} -->\n"))?;
    let (section, after) = rest.split_once(&format!("<!-- /{name} -->\n"))?;
    Some((before, section, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_its_own_place() {
        let first = with_section("# Results\n", "clients", "some\n");
        assert_eq!(section(&first, "clients"), Some("some\n"));
        let second = with_section(&first, "nodes", "more\n");
        let third = with_section(&format!("{second}## More\n"), "clients", "other\n");
        assert_eq!(
            third,
            "# Results\n\n<!-- clients -->\nother\n<!-- /clients -->\n\n\
             <!-- nodes -->\nmore\n<!-- /nodes -->\n## More\n"
        );
        assert_eq!(section("# Results\n", "clients"), None);
    }
}
