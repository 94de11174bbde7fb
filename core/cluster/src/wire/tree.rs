//! A message as it arrived, in either notation.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use sio_core::msgpack::{self, Unreadable};
use sio_core::packet::{Args, Call, Map, Name, Value};

use super::json;
use super::odd::Odd;
use crate::limits::Limits;

/// A message whose notation was read.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Json(&'a RawValue),
    Pack(Value),
}

impl<'a> Payload<'a> {
    /// Which notation it is, its first byte says.
    pub(crate) fn read(bytes: &'a Bytes, limits: &Limits) -> Result<Self, Odd> {
        if bytes.len() > limits.message {
            return Err(Odd::TooLarge(bytes.len()));
        }
        if bytes.first() == Some(&b'{') {
            return json::read(bytes, limits.depth).map(Self::Json);
        }
        match msgpack::read(bytes, limits.depth) {
            Ok(value) => Ok(Self::Pack(value)),
            Err(Unreadable::Syntax) => Err(Odd::Syntax),
            Err(Unreadable::TooDeep) => Err(Odd::TooDeep),
        }
    }

    pub(crate) fn tree(&self) -> Tree<'_> {
        match self {
            Self::Json(raw) => Tree::Json(raw),
            Self::Pack(value) => Tree::Pack(value),
        }
    }
}

/// One value of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tree<'a> {
    Json(&'a RawValue),
    Pack(&'a Value),
}

/// The members of an object.
#[derive(Debug)]
pub(crate) enum Members<'a> {
    Json(Vec<(Cow<'a, str>, &'a RawValue)>),
    Pack(&'a Map),
}

impl<'a> Members<'a> {
    /// A member; of several with one name the last, as in JavaScript.
    pub(crate) fn find(&self, name: &str) -> Option<Tree<'a>> {
        match self {
            Self::Json(members) => {
                let mut found = members.iter().rev().filter(|(its, _)| its == name);
                found.next().map(|(_, raw)| Tree::Json(raw))
            }
            Self::Pack(members) => members.get(name).map(Tree::Pack),
        }
    }

    /// A member that has to be there.
    pub(crate) fn need(&self, name: &'static str) -> Result<Tree<'a>, Odd> {
        self.find(name).ok_or(Odd::Member(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

impl<'a> Tree<'a> {
    /// The members of the object that it is. `name` is its own, for who is told that it is none.
    pub(crate) fn members(self, name: &'static str, limits: &Limits) -> Result<Members<'a>, Odd> {
        let (members, count) = match self {
            Self::Json(raw) => {
                let members = json::members(raw, limits.members);
                let members = members.map_err(|_| Odd::Member(name))?;
                let count = members.len();
                (Members::Json(members), count)
            }
            Self::Pack(Value::Object(members)) => (Members::Pack(members), members.len()),
            Self::Pack(_) => return Err(Odd::Member(name)),
        };
        if count > limits.members {
            return Err(Odd::TooLong(name));
        }
        Ok(members)
    }

    /// The elements of the list that it is.
    pub(crate) fn elements(self, name: &'static str, most: usize) -> Result<Vec<Self>, Odd> {
        let elements: Vec<Self> = match self {
            Self::Json(raw) => {
                let elements = json::elements(raw, most).map_err(|_| Odd::Member(name))?;
                elements.into_iter().map(Tree::Json).collect()
            }
            Self::Pack(Value::Array(elements)) => elements
                .iter()
                .take(most.saturating_add(1))
                .map(Tree::Pack)
                .collect(),
            Self::Pack(_) => return Err(Odd::Member(name)),
        };
        if elements.len() > most {
            return Err(Odd::TooLong(name));
        }
        Ok(elements)
    }

    /// Whether it is a list, or an object, to look no further.
    pub(crate) fn is_list(self) -> bool {
        match self {
            Self::Json(raw) => raw.get().starts_with('['),
            Self::Pack(value) => value.as_array().is_some(),
        }
    }

    pub(crate) fn is_object(self) -> bool {
        match self {
            Self::Json(raw) => raw.get().starts_with('{'),
            Self::Pack(value) => value.as_object().is_some(),
        }
    }

    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(raw) => serde_json::from_str::<String>(raw.get())
                .ok()
                .map(Cow::Owned),
            Self::Pack(value) => value.as_str().map(Cow::Borrowed),
        }
    }

    /// A text, or a number by its digits: what JavaScript makes a name of.
    pub(crate) fn name(self) -> Option<String> {
        match self {
            Self::Json(raw) if matches!(raw.get().as_bytes().first(), Some(b'-' | b'0'..=b'9')) => {
                Some(raw.get().to_owned())
            }
            Self::Pack(Value::Number(number)) => Some(number.to_string()),
            Self::Json(_) | Self::Pack(_) => self.text().map(Cow::into_owned),
        }
    }

    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Self::Json(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Pack(value) => value.as_u64(),
        }
    }

    /// Milliseconds, which may be a part of one where JavaScript counts them.
    pub(crate) fn millis(self) -> Option<u64> {
        if let whole @ Some(_) = self.number() {
            return whole;
        }
        let millis = match self {
            Self::Json(raw) => serde_json::from_str(raw.get()).ok()?,
            Self::Pack(value) => value.as_f64()?,
        };
        let time = Duration::try_from_secs_f64(f64::max(millis, 0.0) / 1000.0);
        let time = time.unwrap_or(Duration::MAX);
        Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn truth(self) -> Option<bool> {
        match self {
            Self::Json(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Pack(value) => value.as_bool(),
        }
    }

    pub(crate) fn is_null(self) -> bool {
        match self {
            Self::Json(raw) => raw.get() == "null",
            Self::Pack(value) => value.is_null(),
        }
    }

    /// Names of rooms, or ids of sockets, which are some.
    pub(crate) fn rooms(self, name: &'static str, limits: &Limits) -> Result<Vec<String>, Odd> {
        let elements = self.elements(name, limits.rooms)?;
        let room = |element: Tree<'_>| element.room(name, limits);
        elements.into_iter().map(room).collect()
    }

    pub(crate) fn room(self, name: &'static str, limits: &Limits) -> Result<String, Odd> {
        let room = self.name().ok_or(Odd::Member(name))?;
        if room.len() > limits.room_name {
            return Err(Odd::TooLong(name));
        }
        Ok(room)
    }

    /// This one value, as an argument.
    pub(crate) fn one(self, name: &'static str) -> Result<Args, Odd> {
        match self {
            Self::Json(raw) => Args::from_json(&format!("[{}]", raw.get()), Vec::new())
                .map_err(|_| Odd::Member(name)),
            Self::Pack(value) => spread(std::slice::from_ref(value), name),
        }
    }

    /// The elements of this list, as arguments.
    pub(crate) fn all(self, name: &'static str, limits: &Limits) -> Result<Args, Odd> {
        self.list(name, limits.arguments)
    }

    fn list(self, name: &'static str, most: usize) -> Result<Args, Odd> {
        let args = match self {
            Self::Json(raw) => {
                Args::from_json(raw.get(), Vec::new()).map_err(|_| Odd::Member(name))?
            }
            Self::Pack(Value::Array(elements)) => spread(elements, name)?,
            Self::Pack(_) => return Err(Odd::Member(name)),
        };
        if args.len() > most {
            return Err(Odd::TooLong(name));
        }
        Ok(args)
    }

    /// `[event, ...args]`.
    pub(crate) fn call(self, name: &'static str, limits: &Limits) -> Result<Call, Odd> {
        let all = self.list(name, limits.arguments.saturating_add(1))?;
        let event = match all.get::<Value>(0) {
            Ok(Value::String(event)) if !all.is_empty() => event,
            Ok(Value::Number(number)) => number.to_string(),
            Ok(_) | Err(_) => return Err(Odd::Member(name)),
        };
        if event.len() > limits.name {
            return Err(Odd::TooLong(name));
        }
        Ok(Call {
            name: Name::from(event),
            args: all.behind(1),
        })
    }
}

/// Values as arguments, one each.
fn spread(values: &[Value], name: &'static str) -> Result<Args, Odd> {
    // Attachments are copied: what they lie in may be large, and they may be kept long.
    let args = Args::from_values(values).map_err(|_| Odd::Member(name))?;
    Ok(match args.attachments() {
        [] => args,
        _ => args.detached(),
    })
}
