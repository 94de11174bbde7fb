//! What the application keeps with a socket, and what others see of it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_core::packet::{Args, ArgumentError, EncodeError, Value};

use super::Socket;

/// A value of the application, with a lock of its own: whoever changes it holds up nobody else.
type Slot<T> = Arc<Mutex<T>>;

/// The same without its type.
type Erased = Arc<dyn Any + Send + Sync>;

/// How a value is written. Called where somebody asks for it, not when it is set.
type Write = fn(&(dyn Any + Send + Sync)) -> Result<Value, EncodeError>;

/// The values of one socket, one for each type, in the order in which they were set first. They are few.
#[derive(Default)]
pub(super) struct Values(Vec<Entry>);

struct Entry {
    kind: TypeId,
    slot: Erased,
    /// `None`: it stays on this node.
    write: Option<Write>,
}

impl Values {
    fn place(&self, kind: TypeId) -> Option<usize> {
        self.0.iter().position(|entry| entry.kind == kind)
    }

    fn slot<T: Send + 'static>(&self) -> Option<Slot<T>> {
        let entry = self.0.get(self.place(TypeId::of::<T>())?)?;
        entry.slot.clone().downcast().ok()
    }

    /// Puts a value in, and gives back what was there.
    fn set<T: Send + 'static>(&mut self, value: T, write: Option<Write>) -> Option<Entry> {
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
}

fn write<T: Serialize + Send + 'static>(
    slot: &(dyn Any + Send + Sync),
) -> Result<Value, EncodeError> {
    match slot.downcast_ref::<Mutex<T>>() {
        Some(slot) => Value::from_serialize(&*slot.lock().unwrap_or_else(PoisonError::into_inner)),
        None => Ok(Value::Null),
    }
}

impl Socket {
    /// A copy of the value of this type that was given to [`set_data`](Self::set_data) or
    /// [`set_local_data`](Self::set_local_data).
    pub fn data<T: Clone + Send + 'static>(&self) -> Option<T> {
        let slot = self.slot::<T>()?;
        let value = slot.lock().unwrap_or_else(PoisonError::into_inner);
        Some(value.clone())
    }

    /// Keeps a value with the socket, one for each type; a later one replaces it. Once the socket has
    /// left and its handlers have ended, its values are dropped.
    ///
    /// Others see it: it is in [`RemoteSocket::data`](crate::app::RemoteSocket) of who fetches this socket, on other
    /// nodes too. It is written only when somebody looks. What cannot be written, or is nobody else's, is for
    /// [`set_local_data`](Self::set_local_data).
    ///
    /// ```
    /// # use sio_driver::app::{AdapterError, Io, Socket};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// # async fn example(io: Io, socket: Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.set_data(User { name: "ann".into() });
    /// for socket in io.fetch_sockets().await? {
    ///     let user: User = socket.data.decode()?;
    ///     println!("{} is {}", socket.id, user.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_data<T: Serialize + Send + 'static>(&self, value: T) {
        self.keep(value, Some(write::<T>));
    }

    /// Keeps a value with the socket as [`set_data`](Self::set_data) does, of any type: nobody who fetches
    /// the socket sees it.
    pub fn set_local_data<T: Send + 'static>(&self, value: T) {
        self.keep(value, None);
    }

    fn keep<T: Send + 'static>(&self, value: T, write: Option<Write>) {
        let before = self.extras().get_or_insert_default().data.set(value, write);
        // Dropped outside the lock.
        drop(before);
    }

    /// Changes the value of this type in place, made by `Default` if there was none, and then seen by others
    /// as one of [`set_data`](Self::set_data). Others who want this value wait meanwhile.
    pub fn update_data<T: Default + Serialize + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        self.update(change, Some(write::<T>))
    }

    /// Changes the value of this type in place as [`update_data`](Self::update_data) does; if it is made here,
    /// as one of [`set_local_data`](Self::set_local_data).
    pub fn update_local_data<T: Default + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        self.update(change, None)
    }

    fn update<T: Default + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
        write: Option<Write>,
    ) -> R {
        let slot = self.slot::<T>().or_else(|| {
            // Made before the lock is taken: `Default` is the application's code.
            let fresh = T::default();
            let mut extras = self.extras();
            let data = &mut extras.get_or_insert_default().data;
            if data.place(TypeId::of::<T>()).is_none() {
                data.set(fresh, write);
            }
            data.slot()
        });
        // The key is the type's own id, so there always is one.
        let slot = slot.unwrap_or_default();
        change(&mut slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the value of this type away. `false`: there was none.
    pub fn remove_data<T: Send + 'static>(&self) -> bool {
        let removed = self.extras().as_mut().and_then(|extras| {
            let at = extras.data.place(TypeId::of::<T>())?;
            Some(extras.data.0.remove(at))
        });
        removed.is_some()
    }

    fn slot<T: Send + 'static>(&self) -> Option<Slot<T>> {
        self.extras().as_ref()?.data.slot()
    }

    /// What others may see of its values.
    pub(crate) fn shared_data(&self) -> SocketData {
        let extras = self.extras();
        let entries = extras.iter().flat_map(|extras| &extras.data.0);
        let shared = entries.filter_map(|entry| Some((entry.slot.clone(), entry.write?)));
        SocketData(Whose::Here(shared.collect()))
    }
}

/// The data of a socket that was fetched: what it was given by [`Socket::set_data`], or what another node says.
///
/// A socket with one value has that one. One with several has the members of all of them, if they are all
/// objects (structs and maps are), where of the same name the one that was set later counts; else a list of
/// them in the order in which they were set. Without any: `null`.
#[derive(Clone)]
pub struct SocketData(Whose);

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
