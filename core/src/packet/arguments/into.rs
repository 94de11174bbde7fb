//! What can be emitted: serde types, several at once as a tuple, and arguments passed on.

use bytes::Bytes;
use serde::ser::{Impossible, Serialize, SerializeTuple, SerializeTupleStruct, Serializer};

use super::Args;
use crate::json::{self, Json, PLACEHOLDER, Unwritten, Value, not_written};
use crate::packet::EncodeError;

/// What can be emitted, and answered with.
///
/// Every `T: Serialize` is: a tuple (or an array of fixed length) as several arguments, `()` as none,
/// everything else as one. Bytes (`bytes::Bytes`, `serde_bytes`, [`Value::Binary`](crate::packet::Value))
/// become attachments wherever they stand; a `Vec<u8>` is a list of numbers. [`Args`], which is what a handler received, is passed on
/// as it is, without being read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted",
    label = "neither `serde::Serialize` nor `Args`",
    note = "what is emitted is written by serde: `#[derive(serde::Serialize)]`; several arguments are one tuple, `&(1, \"two\")`, none are `&()`, bytes are `bytes::Bytes`"
)]
pub trait IntoArgs {
    /// Writes the arguments behind whatever the writer already holds.
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting that is too deep.
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError>;

    /// About how many bytes of JSON that will be.
    fn size_hint(&self) -> usize {
        64
    }

    /// The arguments as values, for a parser of the application's own.
    ///
    /// # Errors
    /// As [`write`](Self::write); also a string with half a surrogate pair.
    fn to_values(&self) -> Result<Vec<Value>, EncodeError> {
        to_args(self)?.values().map_err(EncodeError::refused)
    }
}

/// The JSON array of a packet being written, and the attachments found on the way.
#[derive(Debug, Default)]
pub struct Writer {
    pub(in crate::packet) text: Vec<u8>,
    pub(in crate::packet) attachments: Vec<Bytes>,
    /// Whether there is an element already, so that the next one needs a comma.
    pub(in crate::packet) begun: bool,
    /// Where the array begins.
    pub(in crate::packet) start: usize,
    /// How many placeholders stand for bytes.
    pub(in crate::packet) placeholders: usize,
}

impl IntoArgs for Args {
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError> {
        if !self.is_empty() {
            out.comma();
            out.pass(self);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.elements().len()
    }

    /// Not by way of their text: what looks like a placeholder in it, and is none, stays what it is.
    fn to_values(&self) -> Result<Vec<Value>, EncodeError> {
        self.values().map_err(EncodeError::refused)
    }
}

impl<T: Serialize + ?Sized> IntoArgs for T {
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError> {
        let written = match self.serialize(Top(out)) {
            Err(Unwritten::Other) => out.element(self),
            written => written,
        };
        written.map_err(|stop| match stop {
            Unwritten::Other => EncodeError::Refused("not a value".into()),
            Unwritten::Refused(why) => EncodeError::Refused(why),
        })
    }
}

/// Any serialisable arguments, as if they had been received.
pub(in crate::packet) fn to_args(value: &(impl IntoArgs + ?Sized)) -> Result<Args, EncodeError> {
    let mut out = Writer {
        text: vec![b'['],
        ..Writer::default()
    };
    value.write(&mut out)?;
    out.text.push(b']');
    out.check()?;
    let refused = |why: &str| EncodeError::Refused(why.into());
    let text = String::from_utf8(out.text).map_err(|_| refused("not UTF-8"))?;
    Args::from_json(&text, out.attachments)
        .map_err(|fault| EncodeError::Refused(fault.to_string().into()))
}

impl Args {
    /// Anything that can be emitted, as if it had been received.
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting that is too deep.
    pub fn from_arguments(args: &(impl IntoArgs + ?Sized)) -> Result<Self, EncodeError> {
        to_args(args)
    }
}

impl Value {
    /// Any serde type as a value. Bytes become [`Value::Binary`].
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting beyond [`DEEPEST`](crate::packet::DEEPEST).
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let args = to_args(&(value,))?;
        args.get(0)
            .map_err(|error| EncodeError::Refused(error.to_string().into()))
    }
}

impl Writer {
    fn comma(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(b',');
        }
    }

    /// Elements that were received, as they are, but for the numbers of their attachments if there are others
    /// already.
    fn pass(&mut self, args: &Args) {
        let elements = args.elements().as_bytes();
        let offset = self.attachments.len();
        let mut rest = 0;
        for &(at, num) in args.placeholders().filter(|_| offset > 0) {
            let Ok(behind) = json::skip(elements.get(at..).unwrap_or_default()) else {
                continue;
            };
            self.text
                .extend_from_slice(elements.get(rest..at).unwrap_or_default());
            self.text.extend_from_slice(PLACEHOLDER);
            let num = num.saturating_add(offset);
            self.text
                .extend_from_slice(itoa::Buffer::new().format(num).as_bytes());
            self.text.push(b'}');
            rest = elements.len().saturating_sub(behind.len());
        }
        self.text
            .extend_from_slice(elements.get(rest..).unwrap_or_default());
        self.attachments.extend_from_slice(args.attachments());
        self.placeholders = self
            .placeholders
            .saturating_add(args.placeholders().count());
    }

    /// Refuses data that whoever reads it would take for bytes: it looks like a placeholder, and there are some
    /// (§15).
    pub(in crate::packet) fn check(&self) -> Result<(), EncodeError> {
        if self.attachments.is_empty() {
            return Ok(());
        }
        let text = self.text.get(self.start..).unwrap_or_default();
        // Looked at closely only if the word stands there more often than it was written, or a name may be
        // spelled with escapes.
        // By single bytes, which are rare there: to prepare a search for words took longer than it.
        let words = memchr::memchr_iter(b'_', text).filter(|at| follows(text, *at, b"placeholder"));
        let spelled = || memchr::memchr_iter(b'\\', text).any(|at| follows(text, at, b"u"));
        if words.count() == self.placeholders && !spelled() {
            return Ok(());
        }
        match json::placeholders(text, usize::MAX) {
            Ok(found) if found.len() == self.placeholders => Ok(()),
            Ok(_) | Err(_) => Err(EncodeError::Placeholder),
        }
    }

    /// One more element.
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.comma();
        let before = self.attachments.len();
        value.serialize(&mut Json::new(&mut self.text, &mut self.attachments))?;
        let new = self.attachments.len().saturating_sub(before);
        self.placeholders = self.placeholders.saturating_add(new);
        Ok(())
    }
}

/// Whether a word follows the byte at `at`.
fn follows(text: &[u8], at: usize, word: &[u8]) -> bool {
    let rest = text.get(at.saturating_add(1)..);
    rest.is_some_and(|rest| rest.starts_with(word))
}

/// Writes the members of a tuple, and stops at everything else before it has written anything.
struct Top<'a>(&'a mut Writer);

type Never = Impossible<(), Unwritten>;

impl Serializer for Top<'_> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Never;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    not_written! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<(), Unwritten> {
        Err(Unwritten::Other)
    }

    fn serialize_unit(self) -> Result<(), Unwritten> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unwritten> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Unwritten> {
        Err(Unwritten::Other)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self, Unwritten> {
        Ok(self)
    }
}

impl SerializeTuple for Top<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.0.element(value)
    }

    fn end(self) -> Result<(), Unwritten> {
        Ok(())
    }
}

impl SerializeTupleStruct for Top<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.0.element(value)
    }

    fn end(self) -> Result<(), Unwritten> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
