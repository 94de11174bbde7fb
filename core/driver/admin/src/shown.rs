//! Sockets, as the page shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sio_driver::app::core::packet::Map;
use sio_driver::app::{Handshake, Io, Namespace, RemoteSocket, Socket, SocketId, Value};

/// What this server can do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) supported_features: Vec<&'static str>,
}

/// The connection below a socket, as it is kept with it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Link {
    pub(crate) client_id: String,
    pub(crate) transport: String,
}

/// What nodes of JavaScript keep with theirs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    #[serde(rename = "_admin")]
    admin: Option<Link>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    id: SocketId,
    client_id: String,
    transport: String,
    nsp: String,
    data: Value,
    handshake: Request,
    rooms: Vec<String>,
}

/// The request of a socket's connection. Not its credentials.
#[derive(Serialize)]
struct Request {
    address: String,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    issued: u64,
    secure: bool,
    time: String,
    url: String,
    xdomain: bool,
}

impl Request {
    fn of(handshake: &Handshake) -> Self {
        let header = |name| handshake.headers.get(name).map(str::to_owned);
        let address = handshake.address.map(|at| at.ip().to_string());
        let address = header("cf-connecting-ip")
            .or_else(|| header("x-forwarded-for"))
            .or(address);
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Self {
            address: address.unwrap_or_default(),
            headers: handshake.headers.iter().map(own).collect(),
            query: handshake.query.iter().map(own).collect(),
            issued: handshake.issued,
            secure: handshake.secure,
            time: handshake.time.clone(),
            url: handshake.url.to_string(),
            xdomain: handshake.xdomain,
        }
    }
}

/// A socket of this node, as it is now.
pub(crate) async fn one(socket: &Socket) -> Option<Shown> {
    let itself = socket.namespace().to(socket.id()).local();
    let mut found = itself.fetch_sockets().await.ok()?.into_iter();
    found
        .find(|it| it.id == *socket.id())
        .map(|it| shown(socket.namespace(), it))
}

/// All sockets of all nodes.
pub(crate) async fn all(io: &Io) -> Vec<Shown> {
    let mut all = Vec::new();
    for namespace in io.namespaces() {
        // What other nodes do not say is not shown; the next admin asks again.
        if let Ok(sockets) = namespace.fetch_sockets().await {
            all.extend(sockets.into_iter().map(|it| shown(&namespace, it)));
        }
    }
    all
}

fn shown(namespace: &Namespace, socket: RemoteSocket) -> Shown {
    let kept = namespace.get(&socket.id).and_then(|it| it.data::<Link>());
    let link = kept.or_else(|| socket.data.decode::<Mark>().ok()?.admin);
    let link = link.unwrap_or_else(|| Link {
        client_id: socket.id.to_string(),
        transport: socket
            .handshake
            .query
            .get("transport")
            .unwrap_or_default()
            .to_owned(),
    });
    Shown {
        client_id: link.client_id,
        transport: link.transport,
        nsp: socket.namespace,
        data: without_mark(socket.data.value().unwrap_or_default()),
        handshake: Request::of(&socket.handshake),
        rooms: socket.rooms,
        id: socket.id,
    }
}

/// What the application keeps with it.
fn without_mark(data: Value) -> Value {
    match data {
        // The page looks for members of it.
        Value::Null => Value::Object(Map::default()),
        Value::Object(members) => {
            let own = members.iter().filter(|(name, _)| *name != "_admin");
            own.map(|(name, value)| (name.to_owned(), value.clone()))
                .collect()
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Binary(_)
        | Value::Array(_) => data,
    }
}
