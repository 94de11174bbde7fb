//! What leaves, and what is made of it again.

use serde::{Deserialize, Serialize};

use super::*;
use crate::message::Part;
use crate::packet::{Raw, ack, event, event_parts};

fn frames(args: &(impl IntoArgs + ?Sized)) -> (String, Vec<Bytes>) {
    let packet = event("/", None, "e", args).unwrap();
    let mut parts = packet.parts();
    let Some(Part::Text(text)) = parts.next() else {
        panic!("an event begins with text")
    };
    let rest = parts.map(|part| match part {
        Part::Binary(bytes) => bytes,
        Part::Text(_) => panic!("attachments are binary"),
    });
    (String::from_utf8(text.to_vec()).unwrap(), rest.collect())
}

fn text(args: &(impl IntoArgs + ?Sized)) -> String {
    frames(args).0
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Upload {
    name: String,
    body: Bytes,
    tags: Vec<Option<u8>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f64),
    Line(i64, i64),
    Box { wide: u64 },
}

#[test]
fn a_tuple_is_several_arguments_and_everything_else_is_one() {
    assert_eq!(text(&()), r#"42["e"]"#);
    assert_eq!(text(&(1, "x")), r#"42["e",1,"x"]"#);
    assert_eq!(text(&((1, 2),)), r#"42["e",[1,2]]"#);
    assert_eq!(text(&[1, 2]), r#"42["e",1,2]"#);
    assert_eq!(text(&vec![1, 2]), r#"42["e",[1,2]]"#);
    assert_eq!(text("x"), r#"42["e","x"]"#);
    assert_eq!(text(&None::<u8>), r#"42["e",null]"#);
    assert_eq!(text(&Some((1, 2))), r#"42["e",[1,2]]"#);
    assert_eq!(text(&Shape::Dot), r#"42["e","Dot"]"#);
    assert_eq!(text(&Shape::Line(1, 2)), r#"42["e",{"Line":[1,2]}]"#);
    assert_eq!(text(&f64::NAN), r#"42["e",null]"#);
    assert_eq!(
        text(&(u64::MAX, i64::MIN, 0.1)),
        r#"42["e",18446744073709551615,-9223372036854775808,0.1]"#
    );
}

#[test]
fn bytes_become_attachments_wherever_they_stand() {
    let upload = Upload {
        name: "a".into(),
        body: Bytes::from_static(&[1, 2]),
        tags: vec![Some(1), None],
    };
    let (text, attachments) = frames(&(&upload, Bytes::from_static(&[3])));
    assert_eq!(
        text,
        r#"452-["e",{"name":"a","body":{"_placeholder":true,"num":0},"tags":[1,null]},{"_placeholder":true,"num":1}]"#
    );
    assert_eq!(attachments, [&[1, 2][..], &[3]]);

    let args = to_args(&(&upload, Bytes::from_static(&[3]))).unwrap();
    let (back, blob): (Upload, Bytes) = args.decode().unwrap();
    assert_eq!((back, &*blob), (upload, &[3][..]));
    let value: Value = args.decode().unwrap();
    assert_eq!(value["body"].as_binary().unwrap(), &[1, 2][..]);
    assert_eq!(frames(&(value,)).1, [&[1, 2][..]]);
}

#[test]
fn arguments_are_passed_on_as_they_came() {
    let json = r#"[ 1e400 , {"b":1, "a":"\ud800"},{"_placeholder":true,"num":0}]"#;
    let args = Args::from_json(json, vec![Bytes::from_static(b"x")]).unwrap();
    let (text, attachments) = frames(&args);
    assert_eq!(
        text,
        r#"451-["e",1e400 , {"b":1, "a":"\ud800"},{"_placeholder":true,"num":0}]"#
    );
    assert_eq!(attachments, [&b"x"[..]]);
    let packet = ack("/n", 7, &Args::default()).unwrap();
    assert_eq!(
        packet.parts().next(),
        Some(Part::Text(Bytes::from_static(b"43/n,7[]")))
    );
}

#[test]
fn data_that_looks_like_bytes_is_not_taken_for_some() {
    let blob = Bytes::from_static(b"x");
    let value = |json: &str| {
        Args::from_json(json, Vec::new())
            .unwrap()
            .get::<Raw>(0)
            .unwrap()
    };
    for json in [
        r#"[{"_placeholder":true,"num":0}]"#,
        r#"[{"a":[{"num":0,"_placeholder":true,"b":1}]}]"#,
        r#"[{ "_placeholder" : true }]"#,
        r#"[{"\u005fplaceholder":true,"num":0}]"#,
    ] {
        let like = value(json);
        let refused = Err(EncodeError::Placeholder);
        for packet in [
            event("/_placeholder", None, "e", &(&like, &blob)).map(drop),
            event("/", None, "e", &(&blob, &like)).map(drop),
            ack("/", 1, &(&blob, &like)).map(drop),
            to_args(&(&blob, &like)).map(drop),
        ] {
            assert_eq!(packet, refused, "{json}");
        }
        // By itself it is what it is.
        assert_eq!(event("/", None, "e", &(&like,)).map(drop), Ok(()));
    }
    for json in [
        r#"["_placeholder"]"#,
        r#"[{"_placeholder":false,"a":"{\"_placeholder\":true}"}]"#,
        r#"[{"a":"_placeholder:\u0041","num":0}]"#,
    ] {
        for name in ["/{\"_placeholder\"", "/n"] {
            let packet = event(name, Some(1), "_placeholder", &(value(json), &blob));
            assert_eq!(packet.map(|it| it.packets()), Ok(2), "{json}");
        }
    }
}

#[test]
fn bytes_of_two_origins_keep_apart() {
    let two = to_args(&(Bytes::from_static(b"a"), [Bytes::from_static(b"b")])).unwrap();
    let more = r#"[ {"x":{"num":0,"_placeholder":true}} , {"_placeholder":true,"num":0},1]"#;
    let more = Args::from_json(more, vec![Bytes::from_static(b"c")]).unwrap();
    let packet = event_parts("/", None, "e", &two, &more).unwrap();
    let parts: Vec<_> = packet.parts().skip(1).collect();
    assert_eq!(
        parts,
        [b"a", b"b", b"c"].map(|it| Part::Binary(Bytes::from_static(it)))
    );
    let Some(Part::Text(text)) = packet.part(0) else {
        panic!("an event begins with text")
    };
    let there = |num: u8| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let (a, b, c) = (there(0), there(1), there(2));
    assert_eq!(text, format!(r#"453-["e",{a},[{b}],{{"x":{c}}} , {c},1]"#));
}

#[test]
fn what_is_decoded_is_what_was_written() {
    let shapes = (
        Shape::Dot,
        Shape::Circle(1.0),
        Shape::Line(-1, 2),
        Shape::Box { wide: u64::MAX },
    );
    let back: (Shape, Shape, Shape, Shape) = to_args(&shapes).unwrap().decode().unwrap();
    assert_eq!(back, shapes);

    let args = Args::from_json(r#"[{"1":"x","2":null},"\u0041\ud83d\ude00",-0]"#, vec![]);
    let (map, name, zero): (std::collections::BTreeMap<u8, Option<String>>, char, f64) =
        match args.unwrap().decode() {
            Ok(all) => all,
            Err(error) => {
                assert_eq!(error.index, 1);
                assert!(
                    error.to_string().contains("expected a character"),
                    "{error}"
                );
                return;
            }
        };
    panic!("two characters are no char: {map:?} {name} {zero}");
}

#[test]
fn a_wrong_type_names_the_argument_and_the_reason() {
    let args = Args::from_json(r#"["a",{"x":[1,"two"]}]"#, vec![]).unwrap();
    let error = args
        .decode::<(String, std::collections::BTreeMap<String, Vec<u8>>)>()
        .unwrap_err();
    assert_eq!(error.index, 1);
    assert_eq!(
        error.to_string(),
        r#"argument 1: invalid type: string, expected u8"#
    );
    let missing = args.decode::<(String, Value, String)>().unwrap_err();
    assert_eq!(missing.index, 2);
    assert_eq!(args.decode::<(Value, Value, Option<u8>)>().unwrap().2, None);
    assert_eq!(args.decode::<String>().unwrap(), "a");
    args.decode::<()>().unwrap();
}

#[test]
fn numbers_survive_or_are_refused() {
    let text = "[18446744073709551616,-9223372036854775809,1e400,0.1,1.0,-0]";
    let args = Args::from_json(text, vec![]).unwrap();
    let values = args.values().unwrap();
    let again: Vec<String> = values.iter().map(ToString::to_string).collect();
    assert_eq!(
        again.join(","),
        "18446744073709551616,-9223372036854775809,1e400,0.1,1.0,-0.0"
    );
    assert_eq!(
        self::text(&Value::Array(values)),
        r#"42["e",[18446744073709551616,-9223372036854775809,1e400,0.1,1.0,-0.0]]"#
    );
    assert!(args.get::<u64>(0).is_err());
    assert!(args.get::<f64>(2).is_err());
    assert!(args.get::<f32>(0).is_ok());
    assert!(args.get::<u8>(3).is_err());
    let long = "[9007199254740993,9007199254740992,123456789012345678.91,1.50,1e300]";
    let long = Args::from_json(long, vec![]).unwrap();
    assert!(long.get::<f64>(0).is_err());
    assert_eq!(long.get::<f64>(1).unwrap(), 9007199254740992.0);
    assert_eq!(
        long.get::<Value>(2).unwrap().to_string(),
        "123456789012345678.91"
    );
    assert_eq!(long.get::<Value>(3).unwrap().as_f64(), Some(1.5));
    assert!(long.get::<f32>(4).is_err());
    assert_eq!(args.get::<u128>(0).unwrap(), 18446744073709551616);
}

#[test]
fn what_a_peer_writes_is_never_taken_for_our_own_marks() {
    let text = r#"[{"$sio::Number":"1e999"},{"$serde_json::private::RawValue":"x"}]"#;
    let args = Args::from_json(text, vec![]).unwrap();
    let values = args.values().unwrap();
    assert_eq!(values[0]["$sio::Number"].as_str(), Some("1e999"));
    assert_eq!(
        values[1]["$serde_json::private::RawValue"].as_str(),
        Some("x")
    );
}

#[test]
fn raw_json_is_passed_through_and_checked() {
    let raw = Raw::new(r#"{"a": [1 ,2]}"#).unwrap();
    assert_eq!(text(&(&raw, 1)), r#"42["e",{"a": [1 ,2]},1]"#);
    assert_eq!(text(&raw), r#"42["e",{"a": [1 ,2]}]"#);
    let args = Args::from_json(r#"[ {"b" : 1} , 2]"#, vec![]).unwrap();
    let back: (Raw, Raw) = args.decode().unwrap();
    assert_eq!((back.0.as_str(), back.1.as_str()), (r#"{"b" : 1}"#, "2"));
    assert!(Raw::new("{]").is_err());
}

#[test]
fn nesting_is_bounded_when_it_is_written() {
    let mut deep = Value::Null;
    for _ in 0..crate::packet::DEEPEST + 1 {
        deep = Value::Array(vec![deep]);
    }
    assert!(matches!(
        event("/", None, "e", &(deep,)),
        Err(EncodeError::Refused(_))
    ));
}

#[test]
fn every_shape_is_written_as_serde_json_has_it() {
    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct New<T>(T);

    #[derive(Serialize)]
    struct Pair(u8, &'static str);

    // Nothing, as `()` is.
    assert_eq!(text(&Unit), r#"42["e"]"#);
    assert_eq!(text(&(Unit,)), r#"42["e",null]"#);
    // What a new type is around decides.
    assert_eq!(text(&New(7)), r#"42["e",7]"#);
    assert_eq!(text(&New((1, "x"))), r#"42["e",1,"x"]"#);
    assert_eq!(text(&New(())), r#"42["e"]"#);
    assert_eq!(text(&Pair(1, "x")), r#"42["e",1,"x"]"#);
    assert_eq!(text(&vec![Pair(1, "x")]), r#"42["e",[[1,"x"]]]"#);
    assert_eq!(text(&Shape::Circle(0.5)), r#"42["e",{"Circle":0.5}]"#);
    assert_eq!(
        text(&Shape::Box { wide: 2 }),
        r#"42["e",{"Box":{"wide":2}}]"#
    );
    let refused = event(
        "/",
        None,
        "e",
        &[(vec![1], 2)]
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
    );
    assert!(matches!(refused, Err(EncodeError::Refused(why)) if why.contains("key")));
}
