//! What is read is what the standard library and `serde_json` read.

use proptest::prelude::*;

use super::*;
use crate::packet::Value;

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    arguments(text, None).ok()
}

proptest! {
    /// Around the most digits that are read without looking for what does not fit, too.
    #[test]
    fn numbers_are_what_the_standard_library_reads(
        text in "0|[1-9][0-9]{0,3}|[1-9][0-9]{16,20}|-?[1-9][0-9]{0,20}",
        behind in "[ ,\t]?",
    ) {
        let argument = format!(" {text}{behind}");
        prop_assert_eq!(read::<u64>(&argument), text.parse().ok());
        prop_assert_eq!(read::<i64>(&argument), text.parse().ok());
        prop_assert_eq!(read::<u128>(&argument), text.parse().ok());
        prop_assert_eq!(read::<u8>(&argument), text.parse().ok());
        let value = read::<Value>(&argument).map(|value| value.to_string());
        prop_assert_eq!(value, Some(text));
    }

    #[test]
    fn fractions_are_no_whole_numbers(text in "[0-9]{1,3}(\\.[0-9]{1,3}|[eE][+-]?[0-9]{1,2})") {
        let text = text.trim_start_matches('0');
        let text = if text.starts_with(|digit: char| digit.is_ascii_digit()) {
            text.to_owned()
        } else {
            format!("0{text}")
        };
        prop_assert_eq!(read::<f64>(&text), text.parse().ok());
        prop_assert_eq!(read::<u64>(&text), None);
    }

    #[test]
    fn strings_are_what_serde_json_reads(
        text in prop_oneof!["\\PC{0,24}", "[a-z\"\\\\/\u{0}-\u{2f}äß€😀]{0,24}"],
        blank in "[ \t\r\n]{0,2}",
    ) {
        let object = serde_json::json!({&text: [&text, &text]}).to_string();
        let spaced = object.replace("\",\"", &format!("\"{blank},{blank}\""));
        type Map = std::collections::BTreeMap<String, (String, String)>;
        for object in [object, format!("{blank}{spaced}{blank}")] {
            let read = read::<Map>(&object);
            prop_assert_eq!(read, serde_json::from_str::<Map>(&object).ok());
        }
    }
}

/// A list of those ends where the text does.
#[test]
fn a_type_that_looks_at_nothing_is_given_each_element_once() {
    #[derive(Debug, PartialEq)]
    struct Nothing;

    impl<'de> serde::Deserialize<'de> for Nothing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }

    let all = read::<Vec<Nothing>>(r#"[[1,{"a":[2]}],"b",3]"#);
    assert_eq!(all, Some(vec![Nothing, Nothing, Nothing]));
}
