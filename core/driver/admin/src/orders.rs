//! What admins have done.

use sio_driver::app::{Args, Data, EmitError, Io, Namespace, To};

/// Does what admins say, in namespaces that are there.
pub(crate) fn obey(admin: &Namespace) {
    admin.on("emit", emit);
    admin.on(
        "join",
        |io: Io, Data((name, room, filter)): Data<(String, String, Filter)>| {
            if let Some(to) = whom(&io, &name, filter) {
                to.join(&*room);
            }
        },
    );
    admin.on(
        "leave",
        |io: Io, Data((name, room, filter)): Data<(String, String, Filter)>| {
            if let Some(to) = whom(&io, &name, filter) {
                to.leave(&*room);
            }
        },
    );
    admin.on(
        "_disconnect",
        |io: Io, Data((name, close, filter)): Data<(String, bool, Filter)>| {
            if let Some(to) = whom(&io, &name, filter) {
                to.disconnect(close);
            }
        },
    );
}

/// The room that is meant, a socket's own among them. None, or no text: everybody.
type Filter = Option<String>;

fn emit(
    io: Io,
    Data((name, filter, event)): Data<(String, Filter, String)>,
    Data(args): Data<Args>,
) -> Result<(), EmitError> {
    match whom(&io, &name, filter) {
        Some(to) => to.emit(event, &args),
        None => Ok(()),
    }
}

fn whom(io: &Io, name: &str, filter: Filter) -> Option<To> {
    let everybody = io.namespace(name)?.compress(true);
    Some(match filter.filter(|room| !room.is_empty()) {
        Some(room) => everybody.to(&*room),
        None => everybody,
    })
}
