//! What is read is what the standard library and `serde_json` read.

use proptest::prelude::*;

use super::*;
use crate::json::Value;

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    super::read(text, 0, None).ok()
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

    /// Against a sum of digits and zeros, without any rounding.
    #[test]
    fn whole_numbers_are_taken_however_they_are_written(
        digits in "0|[1-9][0-9]{0,19}",
        zeros in 0usize..22,
        minus in any::<bool>(),
        upper in any::<bool>(),
    ) {
        // faults: F10
        let sign = if minus { "-" } else { "" };
        let (mark, whole) = (if upper { "E+" } else { "e" }, format!("{digits}{}", "0".repeat(zeros)));
        let whole = format!("{sign}{}", if digits == "0" { "0" } else { &whole });
        let point = digits.len() - 1;
        let (first, rest) = digits.split_at(1);
        let fraction = if rest.is_empty() { "0" } else { rest };
        for text in [
            format!("{sign}{digits}{mark}{zeros}"),
            format!("{sign}{first}.{fraction}{mark}{}", point + zeros),
            format!("{sign}{digits}{}.000", if digits == "0" { String::new() } else { "0".repeat(zeros) }),
        ] {
            let whole = if whole == "-0" { "0" } else { &whole };
            prop_assert_eq!(read::<i64>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<u64>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<i128>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<u128>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<u8>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<i16>(&text), whole.parse().ok(), "{}", text);
            prop_assert_eq!(read::<f64>(&text).is_some(), true, "{}", text);
            let value = read::<Value>(&text).unwrap();
            prop_assert_eq!(value.as_i64(), whole.parse().ok(), "{}", text);
            prop_assert_eq!(value.as_u64(), whole.parse().ok(), "{}", text);
        }
    }

    #[test]
    fn fractions_are_no_whole_numbers(text in "(0|[1-9][0-9]{0,20})\\.[0-9]{0,20}[1-9]", e in 0usize..20) {
        let text = format!("{text}e{}", e.min(text.len() - text.find('.').unwrap() - 2));
        prop_assert_eq!(read::<f64>(&text), text.parse().ok());
        prop_assert_eq!(read::<u64>(&text), None);
        prop_assert_eq!(read::<i128>(&text), None);
        prop_assert_eq!(read::<Value>(&text).unwrap().as_i64(), None);
    }

    /// Where two decimals of the same length are equally near to the same double, too.
    #[test]
    fn digits_in_are_digits_out(
        digits in "[1-9][0-9]{14,17}",
        point in 1usize..15,
        exponent in prop_oneof![3 => Just(String::new()), 1 => "e-?[0-9]{1,2}"],
    ) {
        // faults: T4
        let (whole, fraction) = digits.split_at(point);
        let text = format!("{whole}.{fraction}{exponent}");
        let value = read::<Value>(&text).unwrap();
        prop_assert!(Decimal::read(&value.to_string()) == Decimal::read(&text), "{} {}", text, value);
        prop_assert_eq!(&read::<Value>(&value.to_string()).unwrap(), &value);
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

#[test]
fn a_double_between_two_decimals_is_written_as_it_came() {
    // faults: T4
    for text in [
        "800000058753557.3",
        "800000058753557.2",
        "-800000058753557.3",
    ] {
        assert_eq!(read::<Value>(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_whole_number_fits_or_is_refused() {
    // faults: F10
    assert_eq!(read::<i64>("1.0"), Some(1));
    assert_eq!(read::<i64>("1e3"), Some(1000));
    assert_eq!(read::<i64>("9223372036854775807.0"), Some(i64::MAX));
    assert_eq!(read::<i64>("-9.223372036854775808e18"), Some(i64::MIN));
    assert_eq!(read::<i64>("9223372036854775808.0"), None);
    assert_eq!(
        read::<u64>("9007199254740993.0"),
        Some(9_007_199_254_740_993)
    );
    assert_eq!(
        read::<u128>("340282366920938463463374607431768211455.0"),
        Some(u128::MAX)
    );
    assert_eq!(
        read::<u128>("340282366920938463463374607431768211456.0"),
        None
    );
    assert_eq!(
        read::<i128>("-170141183460469231731687303715884105728e0"),
        Some(i128::MIN)
    );
    assert_eq!(read::<u8>("-0.0"), Some(0));
    assert_eq!(
        read::<Option<(i8, Vec<u16>)>>("[-128.0,[6.5535e4]]"),
        Some(Some((-128, vec![65535])))
    );
    for text in [
        "1.5",
        "1e-1",
        "-1.0",
        "256.0",
        "2.56e2",
        "1e400",
        "1e99999999999999999999",
        "true",
        r#""1""#,
    ] {
        assert_eq!(read::<u8>(text), None, "{text}");
    }
    let why = super::read::<u8>("1.5", 0, None).unwrap_err().to_string();
    assert!(why.contains("number that is not whole"), "{why}");
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

/// Why it is not of a type.
fn why<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    super::read::<T>(text, 0, None).unwrap_err().to_string()
}

/// What a number is taken for by a type that takes any.
#[derive(Debug, PartialEq)]
enum Taken {
    Signed(i128),
    Unsigned(u128),
    Double(f64),
}

impl<'de> serde::Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Taken;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Taken, E> {
                Ok(Taken::Signed(number.into()))
            }

            fn visit_i128<E>(self, number: i128) -> Result<Taken, E> {
                Ok(Taken::Signed(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Taken, E> {
                Ok(Taken::Unsigned(number.into()))
            }

            fn visit_u128<E>(self, number: u128) -> Result<Taken, E> {
                Ok(Taken::Unsigned(number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Taken, E> {
                Ok(Taken::Double(number))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[test]
fn a_number_of_any_kind_is_the_narrowest_that_holds_it() {
    let long = u128::from(u64::MAX) + 1;
    let deep = i128::from(i64::MIN) - 1;
    for (text, number) in [
        ("0", Taken::Unsigned(0)),
        ("18446744073709551615", Taken::Unsigned(u64::MAX.into())),
        ("18446744073709551616", Taken::Unsigned(long)),
        ("-5", Taken::Signed(-5)),
        ("-9223372036854775809", Taken::Signed(deep)),
        ("2.50", Taken::Double(2.5)),
        ("1e3", Taken::Double(1000.0)),
    ] {
        assert_eq!(read(text), Some(number), "{text}");
    }
    let Some(Taken::Double(zero)) = read("-0") else {
        panic!("only a double is less than nothing, and zero")
    };
    assert!(zero == 0.0 && zero.is_sign_negative());
    let (beyond, below) = (format!("{}0", u128::MAX), format!("{}0", i128::MIN));
    for text in [&*beyond, &*below, "1e400"] {
        assert_eq!(why::<Taken>(text), "a number out of range", "{text}");
    }
    assert_eq!(why::<f32>("true"), "invalid type: boolean, expected f32");
}

#[test]
fn what_a_type_leaves_over_is_refused() {
    /// Of an object its first member.
    #[derive(Debug, PartialEq)]
    struct First(String, u8);

    impl<'de> serde::Deserialize<'de> for First {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct One;

            impl<'de> Visitor<'de> for One {
                type Value = First;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a member")
                }

                fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<First, A::Error> {
                    let first = map.next_entry()?;
                    let (name, value) = first.ok_or_else(|| de::Error::missing_field("any"))?;
                    Ok(First(name, value))
                }
            }

            deserializer.deserialize_map(One)
        }
    }

    assert_eq!(read("[1]"), Some((1u8,)));
    assert_eq!(why::<(u8,)>("[1,2]"), "more elements than expected");
    assert_eq!(read(r#"{"a":1}"#), Some(First("a".into(), 1)));
    assert_eq!(
        why::<First>(r#"{"a":1,"b":2}"#),
        "more members than expected"
    );
    assert_eq!(why::<First>("{}"), "missing field `any`");
}

#[test]
fn an_enum_is_a_string_or_an_object_of_one_member() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    enum Shape {
        Dot,
        Line(u8, u8),
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Id(u8);

    assert_eq!(read(r#""Dot""#), Some(Shape::Dot));
    assert_eq!(read(r#"{"Dot":null}"#), Some(Shape::Dot));
    assert_eq!(read(r#" { "Line" : [1,2] } "#), Some(Shape::Line(1, 2)));
    assert_eq!(read("7"), Some(Id(7)));
    let one = "an enum is an object of one member";
    assert_eq!(why::<Shape>(r#"{"Dot":null,"Line":[1,2]}"#), one);
    assert_eq!(why::<Shape>("{}"), one);
    let other = "expected an enum: a string or an object of one member";
    for text in ["7", "null", "[\"Dot\"]"] {
        assert_eq!(why::<Shape>(text), other, "{text}");
    }
    assert_eq!(read::<Shape>(r#"{"Dot":1}"#), None);
    assert_eq!(read::<Shape>(r#"{"Line":[1]}"#), None);
}

#[test]
fn keys_are_what_a_map_asks_for() {
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    struct Id(i128);

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Open,
    }

    let numbers = r#"{"-1":1}"#;
    assert_eq!(read(numbers), Some(BTreeMap::from([(Id(-1), 1u8)])));
    assert_eq!(read(numbers), Some(BTreeMap::from([(Some(-1i8), 1u8)])));
    assert_eq!(
        read(r#"{"open":1}"#),
        Some(BTreeMap::from([(Kind::Open, 1u8)]))
    );
    let refused = why::<BTreeMap<u8, u8>>(numbers);
    assert_eq!(refused, "invalid type: string, expected u8");
    let other = why::<BTreeMap<Kind, u8>>(numbers);
    assert_eq!(other, "unknown variant, expected one of `open`");
}

#[test]
fn a_text_that_was_not_checked_is_refused_where_it_ends() {
    for text in ["", "[", r#"{"a":"#, "{1:2}"] {
        assert_eq!(read::<Value>(text), None, "{text}");
    }
    assert_eq!(why::<Value>(""), "not checked JSON");
}
