//! Tests by their names, wherever they are.

use std::fs;
use std::path::Path;

/// Whether there is such a test: `folder/file::name` of this crate's, of `core`'s own or of the `driver`'s own, or
/// `file.js: title` of a suite that plays an official client.
pub(crate) fn exists(test: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let holds =
        |path: &Path, text: &str| fs::read_to_string(path).is_ok_and(|it| it.contains(text));
    if let Some((file, title)) = test.split_once(".js: ") {
        let path = root.join(format!("interop/suites/{file}.js"));
        return holds(&path, &format!("\"{title}\""));
    }
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let path = match file.split_once('/') {
        Some(("core", file)) => root.join(format!("../core/src/{file}.rs")),
        Some(("driver", file)) => root.join(format!("../core/driver/src/{file}.rs")),
        Some(_) | None => root.join(format!("tests/{file}.rs")),
    };
    holds(&path, &format!("fn {name}("))
}

#[test]
fn a_test_is_found_where_it_is_and_nowhere_else() {
    for there in [
        "api/shown::a_test_is_found_where_it_is_and_nowhere_else",
        "core/engine/session/tests/watch::a_poll_takes_all_with_it",
        "rooms.js: an id is a room",
    ] {
        assert!(exists(there), "{there}");
    }
    for not in [
        "api/rows::a_test_is_found_where_it_is_and_nowhere_else",
        "api/shown::a_test",
        "rooms.js: an id is",
        "rooms",
    ] {
        assert!(!exists(not), "{not}");
    }
}
