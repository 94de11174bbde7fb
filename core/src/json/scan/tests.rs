//! What passes is what `serde_json` reads.

use proptest::prelude::*;

use super::*;

fn accepted_by_serde(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[test]
fn says_what_serde_json_says() {
    for text in [
        "",
        " ",
        "1",
        "-1",
        "01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e",
        "1e5",
        "1E+5",
        "1e-",
        "-0",
        "true",
        "tru",
        "null",
        "nul",
        "\"\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "[]",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{\"a\":1,\"b\":[{}]}",
        "{a:1}",
        "{\"a\":1]",
        "[1}",
        "[1] x",
        " [ 1 , 2 ] ",
        "\"tab\t\"",
        "\"12345678\n\"",
        "\"1234567\\\\\"",
        "{\"a\":{\"b\":{}}, \"c\" : [[],[[]]]}",
    ] {
        assert_eq!(
            check(text.as_bytes(), 128).is_ok(),
            accepted_by_serde(text),
            "{text}"
        );
    }
}

#[test]
fn depth_is_counted_and_limited() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(check(nested(128).as_bytes(), 128), Ok(()));
    assert_eq!(check(nested(129).as_bytes(), 128), Err(JsonError::TooDeep));
    assert_eq!(
        check(nested(100_000).as_bytes(), usize::MAX),
        Err(JsonError::TooDeep)
    );
    // The array that holds the arguments is not one of their levels.
    assert!(array(format!("[{}]", nested(128)).as_bytes(), 128).is_ok());
}

/// The containers that are open are bits of a word, and below its last one a new one begins.
#[test]
fn containers_close_as_they_were_opened_however_deep() {
    for levels in [1, 2, 63, 64, 65, 66, 100, 127] {
        for wrong in [None, Some(0), Some(levels / 2), Some(levels - 1)] {
            let object = |level: usize| level.is_multiple_of(3);
            let mut text = String::new();
            for level in 0..levels {
                text += if object(level) {
                    "{\"a\":1,\"b\":"
                } else {
                    "[1, "
                };
            }
            text += "null";
            for level in (0..levels).rev() {
                let object = object(level) != (wrong == Some(level));
                text += if object { " ,\"c\":[{}]}" } else { ",{ }, []]" };
            }
            let accepted = check(text.as_bytes(), 200).is_ok();
            assert_eq!(accepted, wrong.is_none(), "{levels}, {wrong:?}");
            assert_eq!(accepted, accepted_by_serde(&text), "{levels}, {wrong:?}");
            if accepted {
                let deep = check(text.as_bytes(), levels - 1);
                assert_eq!(deep, Err(JsonError::TooDeep), "{levels}");
            }
        }
    }
}

#[test]
fn an_array_is_taken_apart() {
    let text = br#" [ "a" , 1, {"b":[2]} ] "#;
    let found = array(text, 128).unwrap();
    assert_eq!(&text[found.first.unwrap()], br#""a""#);
    assert_eq!(&text[found.rest], br#"1, {"b":[2]}"#);
    assert_eq!(found.count, 3);
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_anything(text in r#"[\[\]{}:,"\\0-9eE+\-. a-fu\n]{0,24}"#) {
        prop_assert_eq!(check(text.as_bytes(), 128).is_ok(), accepted_by_serde(&text));
    }

    #[test]
    fn plain_characters_are_the_same_eight_at_a_time(
        bytes in proptest::collection::vec(prop_oneof![
            4 => any::<u8>(),
            1 => 0u8..0x40,
            4 => b'a'..=b'z',
            1 => Just(b'"'),
            1 => Just(b'\\'),
        ], 0..40),
    ) {
        let one_by_one = bytes
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
            .unwrap_or(bytes.len());
        prop_assert_eq!(after_plain(&bytes), &bytes[one_by_one..]);
    }

    #[test]
    fn finds_the_end_of_any_string(plain in "\\PC{0,40}") {
        let text = serde_json::to_string(&plain).unwrap();
        let (rest, escaped) = string(text.as_bytes()).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(escaped, text.contains('\\'));
    }
}
