//! A message as it leaves, in either notation.

use sio_core::msgpack;
use sio_core::packet::{Args, Call, EncodeError, Value};

use super::json;

/// One value of a message.
#[derive(Debug)]
pub(crate) enum Out<'a> {
    Truth(bool),
    Number(u64),
    Text(&'a str),
    Texts(&'a [String]),
    List(Vec<Out<'a>>),
    Map(Vec<(&'static str, Out<'a>)>),
    /// `[event, ...args]`.
    Call(&'a Call),
    /// The first argument, `null` if there is none.
    First(&'a Args),
    /// All arguments, as a list.
    All(&'a Args),
}

impl<'a> Out<'a> {
    /// Those members that are there.
    pub(crate) fn some<const N: usize>(members: [(&'static str, Option<Out<'a>>); N]) -> Self {
        let there = |(name, value): (_, Option<_>)| value.map(|value| (name, value));
        Self::Map(members.into_iter().filter_map(there).collect())
    }

    pub(crate) fn json(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(128);
        self.write_json(&mut out)?;
        Ok(out)
    }

    pub(crate) fn msgpack(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(128);
        self.write_msgpack(&mut out)?;
        Ok(out)
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Truth(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
            Self::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => json::text(out, text),
            Self::Texts(texts) => between(out, b"[]", texts.iter(), |out, text| {
                json::text(out, text);
                Ok(())
            })?,
            Self::List(list) => {
                between(out, b"[]", list.iter(), |out, element| {
                    element.write_json(out)
                })?;
            }
            Self::Map(members) => between(out, b"{}", members.iter(), |out, (name, value)| {
                json::text(out, name);
                out.push(b':');
                value.write_json(out)
            })?,
            Self::Call(call) => {
                out.push(b'[');
                json::text(out, &call.name);
                if !call.args.is_empty() {
                    out.push(b',');
                    args_json(out, &call.args)?;
                }
                out.push(b']');
            }
            Self::First(args) if args.attachments().is_empty() => {
                out.extend_from_slice(args.raw(0).unwrap_or("null").as_bytes());
            }
            Self::First(args) => value_json(out, &first(args)?),
            Self::All(args) => {
                out.push(b'[');
                args_json(out, args)?;
                out.push(b']');
            }
        }
        Ok(())
    }

    fn write_msgpack(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Truth(truth) => out.push(if *truth { 0xc3 } else { 0xc2 }),
            Self::Number(number) => msgpack::number(out, *number),
            Self::Text(text) => msgpack::text(out, text)?,
            Self::Texts(texts) => {
                msgpack::list(out, texts.len())?;
                for text in *texts {
                    msgpack::text(out, text)?;
                }
            }
            Self::List(list) => {
                msgpack::list(out, list.len())?;
                for element in list {
                    element.write_msgpack(out)?;
                }
            }
            Self::Map(members) => {
                msgpack::map(out, members.len())?;
                for (name, value) in members {
                    msgpack::text(out, name)?;
                    value.write_msgpack(out)?;
                }
            }
            Self::Call(call) => {
                let args = values(&call.args)?;
                msgpack::list(out, args.len().saturating_add(1))?;
                msgpack::text(out, &call.name)?;
                for value in &args {
                    msgpack::value(out, value)?;
                }
            }
            Self::First(args) => msgpack::value(out, &first(args)?)?,
            Self::All(args) => msgpack::value(out, &Value::Array(values(args)?))?,
        }
        Ok(())
    }
}

fn between<T>(
    out: &mut Vec<u8>,
    [open, close]: &[u8; 2],
    elements: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    out.push(*open);
    for (at, element) in elements.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, element)?;
    }
    out.push(*close);
    Ok(())
}

fn values(args: &Args) -> Result<Vec<Value>, EncodeError> {
    args.values().map_err(EncodeError::refused)
}

fn first(args: &Args) -> Result<Value, EncodeError> {
    args.get(0).map_err(EncodeError::refused)
}

/// Arguments between commas: their own text, unless there are bytes among them.
fn args_json(out: &mut Vec<u8>, args: &Args) -> Result<(), EncodeError> {
    if args.attachments().is_empty() {
        out.extend_from_slice(args.elements().as_bytes());
        return Ok(());
    }
    for (at, value) in values(args)?.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        value_json(out, value);
    }
    Ok(())
}

/// What is still to be written: the inside of a list or an object stands behind it.
enum Left<'a> {
    Value(&'a Value),
    Name(&'a str),
    Text(&'static str),
}

/// A value as JavaScript writes it where JSON is all there is: bytes are the object that a `Buffer` becomes.
fn value_json(out: &mut Vec<u8>, value: &Value) {
    let mut left = vec![Left::Value(value)];
    while let Some(next) = left.pop() {
        match next {
            Left::Text(text) => out.extend_from_slice(text.as_bytes()),
            Left::Name(name) => {
                json::text(out, name);
                out.push(b':');
            }
            Left::Value(Value::String(text)) => json::text(out, text),
            Left::Value(Value::Binary(bytes)) => {
                out.extend_from_slice(br#"{"type":"Buffer","data":["#);
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(byte.to_string().as_bytes());
                }
                out.extend_from_slice(b"]}");
            }
            Left::Value(Value::Array(elements)) => {
                out.push(b'[');
                left.push(Left::Text("]"));
                for (at, element) in elements.iter().enumerate().rev() {
                    left.push(Left::Value(element));
                    left.extend((at > 0).then_some(Left::Text(",")));
                }
            }
            Left::Value(Value::Object(members)) => {
                out.push(b'{');
                left.push(Left::Text("}"));
                let mut inner = Vec::new();
                for (at, (name, value)) in members.iter().enumerate() {
                    inner.extend((at > 0).then_some(Left::Text(",")));
                    inner.extend([Left::Name(name), Left::Value(value)]);
                }
                left.extend(inner.into_iter().rev());
            }
            Left::Value(plain @ (Value::Null | Value::Bool(_) | Value::Number(_))) => {
                out.extend_from_slice(plain.to_string().as_bytes());
            }
        }
    }
}
