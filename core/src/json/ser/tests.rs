//! What is written is what `serde_json` writes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;

use super::*;
use crate::json::Value;

/// Written into a vector with so much room to begin with.
fn written<T: Serialize + ?Sized>(value: &T, room: usize) -> Result<String, String> {
    let (mut text, mut attachments) = (Vec::with_capacity(room), Vec::new());
    value
        .serialize(&mut Json::new(&mut text, &mut attachments))
        .map_err(|stop| stop.to_string())?;
    assert!(attachments.is_empty());
    Ok(String::from_utf8(text).unwrap())
}

/// The same as `serde_json`, errors included.
fn same<T: Serialize + ?Sized>(value: &T) {
    let theirs = serde_json::to_string(value).map_err(|error| error.to_string());
    for room in [0, 1, 9, 17, 4096] {
        assert_eq!(written(value, room), theirs);
    }
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct New<T>(T);

#[derive(Serialize)]
struct Two(i8, &'static str);

#[derive(Serialize)]
enum Kind {
    One,
    New(u8),
    Tuple(u8, char),
    Struct {
        a: Option<u8>,
        #[serde(rename = "quoted \"name\"")]
        b: (),
    },
    Empty {},
}

#[test]
fn every_shape_is_what_serde_json_writes() {
    same(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    same(&(u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    same(&(0.1f32, 1e-7f64, 1e300, -0.0, f64::NAN, f32::INFINITY));
    same(&(true, false, 'x', '"', 'ä', (), None::<u8>, Some(1)));
    same(&(Unit, Nothing {}, New(1), New("x"), Two(-1, "y")));
    same(&vec![
        Kind::One,
        Kind::New(1),
        Kind::Tuple(2, '\n'),
        Kind::Struct { a: None, b: () },
        Kind::Empty {},
    ]);
    same(&(Vec::<u8>::new(), [[0u8; 0]; 2], BTreeMap::<u8, u8>::new()));
    same(&Ipv4Addr::LOCALHOST);
    same(&format_args!("{}{}\n", 1, "\""));
}

#[test]
fn every_key_is_what_serde_json_writes() {
    fn map<K: Serialize + Ord>(key: K) {
        same(&BTreeMap::from([(key, [1, 2])]));
    }
    map("a \"key\"");
    map('k');
    map(New("new"));
    map(New(-7));
    map(true);
    map(Some("some"));
    map(i8::MIN);
    map(u64::MAX);
    map(u128::MAX);
    map(Ipv4Addr::LOCALHOST);
    map(());
    map(None::<u8>);
    map([1]);
    map((1, 2));
}

#[test]
fn what_serde_json_knows_as_its_own_is_left_to_it() {
    let raw = RawValue::from_string(r#"{"a" : [1e400 ]}"#.into()).unwrap();
    same(&(&raw, BTreeMap::from([("b", &raw)])));
    same(&serde_json::json!({"a": [1, -2, 1.5, null, {"b\u{1}": "\u{7f}"}]}));
}

#[test]
fn depth_is_counted_and_limited() {
    let mut value = Value::Null;
    for _ in 0..DEEPEST {
        value = Value::Array(vec![value]);
    }
    assert!(written(&value, 0).is_ok());
    let deeper = written(&[value], 0);
    assert_eq!(deeper, Err("nested too deeply".to_owned()));
}

proptest! {
    #[test]
    fn any_string_is_what_serde_json_writes(
        text in prop_oneof!["\\PC{0,24}", "[a-z\"\\\\/\u{0}-\u{2f}\u{7f}äß€😀]{0,24}", ".{0,24}"],
    ) {
        same(text.as_str());
        same(&BTreeMap::from([(text.as_str(), &text), ("", &text)]));
    }
}

/// Which `serde_json` refuses, in its words.
#[test]
fn a_variant_with_something_in_it_is_no_key() {
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Shape {
        Circle(u8),
        Dot,
    }

    same(&BTreeMap::from([(Shape::Dot, 1)]));
    let circle = BTreeMap::from([(Shape::Circle(7), 1)]);
    same(&circle);
    assert_eq!(written(&circle, 0), Err("key must be a string".to_owned()));
}
