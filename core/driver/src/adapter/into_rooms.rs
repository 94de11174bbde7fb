//! What names rooms.

use sio_core::id::SocketId;
use smallvec::SmallVec;

/// Names of rooms: one, or several. The ids of sockets are rooms too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name rooms",
    label = "no name of a room, nor a list of them",
    note = "rooms are text: `&str`, `String`, a `SocketId`, or a list of these; of a number make one by `to_string()`"
)]
pub trait IntoRooms {
    /// Gives each name to `each`.
    fn each(&self, each: &mut dyn FnMut(&str));
}

impl IntoRooms for str {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl IntoRooms for String {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl IntoRooms for SocketId {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self.as_str());
    }
}

impl<T: IntoRooms> IntoRooms for [T] {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        for name in self {
            name.each(each);
        }
    }
}

impl<T: IntoRooms, const N: usize> IntoRooms for [T; N] {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        self.as_slice().each(each);
    }
}

impl<T: IntoRooms> IntoRooms for Vec<T> {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        self.as_slice().each(each);
    }
}

impl<T: IntoRooms + ?Sized> IntoRooms for &T {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        (**self).each(each);
    }
}

/// The names of rooms, asked for before any lock is taken: anybody may implement the trait.
pub(crate) fn names(rooms: &impl IntoRooms) -> Names {
    let mut names = Names::new();
    rooms.each(&mut |room| names.push(room.into()));
    names
}

pub(crate) type Names = SmallVec<[Box<str>; 1]>;

pub(crate) fn as_strs(names: &[Box<str>]) -> SmallVec<[&str; 4]> {
    names.iter().map(|name| &**name).collect()
}
