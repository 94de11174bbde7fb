//! What the application keeps with a socket, as others see it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_core::packet::{Args, ArgumentError, EncodeError, Value};

/// A value of the application, with a lock of its own: whoever changes it holds up nobody else.
pub(crate) type Slot<T> = Arc<Mutex<T>>;

/// The same without its type.
type Erased = Arc<dyn Any + Send + Sync>;

/// How a value is written. Called where somebody asks for it, not when it is set.
pub(crate) type Write = fn(&(dyn Any + Send + Sync)) -> Result<Value, EncodeError>;

/// The values of one socket, one for each type, in the order in which they were set first. They are few.
#[derive(Clone, Default)]
pub(crate) struct Values(
    Vec<Entry>,
    /// What another node has kept, until there is anything else.
    Option<Box<Value>>,
);

#[derive(Clone)]
pub(crate) struct Entry {
    kind: TypeId,
    slot: Erased,
    /// `None`: it stays on this node.
    write: Option<Write>,
}

impl Values {
    fn place(&self, kind: TypeId) -> Option<usize> {
        self.0.iter().position(|entry| entry.kind == kind)
    }

    pub(crate) fn slot<T: Send + 'static>(&self) -> Option<Slot<T>> {
        let entry = self.0.get(self.place(TypeId::of::<T>())?)?;
        entry.slot.clone().downcast().ok()
    }

    /// Puts a value in, and gives back what was there.
    pub(crate) fn set<T: Send + 'static>(
        &mut self,
        value: T,
        write: Option<Write>,
    ) -> Option<Entry> {
        let entry = Entry {
            kind: TypeId::of::<T>(),
            slot: Arc::new(Mutex::new(value)),
            write,
        };
        match self.place(entry.kind).and_then(|at| self.0.get_mut(at)) {
            Some(place) => Some(std::mem::replace(place, entry)),
            None => {
                self.0.push(entry);
                None
            }
        }
    }

    /// Takes the value of this type out.
    pub(crate) fn remove<T: 'static>(&mut self) -> Option<Entry> {
        let at = self.place(TypeId::of::<T>())?;
        Some(self.0.remove(at))
    }

    /// Those that another node has kept, which knew their types.
    pub(crate) fn told(value: Value) -> Self {
        Self(Vec::new(), Some(Box::new(value)))
    }

    /// What another node has kept.
    pub(crate) fn kept(&self) -> Option<SocketData> {
        let value = self.1.as_deref()?;
        Some(SocketData::from(value.clone()))
    }

    /// What others may see of them.
    pub(crate) fn shared(&self) -> SocketData {
        if let Some(kept) = self.kept().filter(|_| self.0.is_empty()) {
            return kept;
        }
        let shared = self.0.iter();
        let shared = shared.filter_map(|entry| Some((entry.slot.clone(), entry.write?)));
        SocketData(Whose::Here(shared.collect()))
    }
}

pub(crate) fn write<T: Serialize + Send + 'static>(
    slot: &(dyn Any + Send + Sync),
) -> Result<Value, EncodeError> {
    match slot.downcast_ref::<Mutex<T>>() {
        Some(slot) => Value::from_serialize(&*slot.lock().unwrap_or_else(PoisonError::into_inner)),
        None => Ok(Value::Null),
    }
}

/// The data of a socket that was fetched: what it was given by
/// [`Socket::set_data`](crate::app::Socket::set_data), or what another node says.
///
/// A socket with one value has that one. One with several has the members of all of them, if they are all
/// objects (structs and maps are), where of the same name the one that was set later counts; else a list of
/// them in the order in which they were set. Without any: `null`.
#[derive(Clone)]
pub struct SocketData(Whose);

/// No value: `null`.
impl Default for SocketData {
    fn default() -> Self {
        Self(Whose::Here(Vec::new()))
    }
}

#[derive(Clone)]
enum Whose {
    /// Written where somebody asks.
    Here(Vec<(Erased, Write)>),
    There(Value),
}

/// Why the data of a socket is not what was asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// A value's own serialisation refuses.
    Encode(EncodeError),
    /// It is of another type.
    Mistyped(ArgumentError),
}

impl SocketData {
    /// As a value. For a socket of this node what it has by now.
    ///
    /// # Errors
    /// What the serialisation of one of its values refuses.
    pub fn value(&self) -> Result<Value, EncodeError> {
        let all = match &self.0 {
            Whose::There(value) => return Ok(value.clone()),
            Whose::Here(all) => all.iter().map(|(slot, write)| write(&**slot)),
        };
        let mut all = all.collect::<Result<Vec<_>, _>>()?;
        if all.len() <= 1 {
            return Ok(all.pop().unwrap_or(Value::Null));
        }
        if !all.iter().all(|value| value.as_object().is_some()) {
            return Ok(Value::Array(all));
        }
        let mut members = all.iter().filter_map(Value::as_object);
        let mut merged = members.next().cloned().unwrap_or_default();
        for (name, value) in members.flat_map(|members| members.iter()) {
            merged.insert(name, value.clone());
        }
        Ok(Value::Object(merged))
    }

    /// As the type that is asked for. Of an object it takes the members that it names.
    ///
    /// # Errors
    /// It is of another type, or cannot be written.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        let value = self.value().map_err(DataError::Encode)?;
        let args = Args::from_arguments(&(value,)).map_err(DataError::Encode)?;
        args.get(0).map_err(DataError::Mistyped)
    }
}

impl From<Value> for SocketData {
    /// Of a socket of another node, as an adapter was told.
    fn from(value: Value) -> Self {
        Self(Whose::There(value))
    }
}

impl fmt::Debug for SocketData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Whose::Here(all) => write!(f, "SocketData({} here)", all.len()),
            Whose::There(value) => write!(f, "SocketData({value})"),
        }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(why) => why.fmt(f),
            Self::Mistyped(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for DataError {}
