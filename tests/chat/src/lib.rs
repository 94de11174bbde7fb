//! A chat for people: rooms, pictures, who types, who has seen what. `PORT` (3000) and `HOST`
//! (127.0.0.1) say where to listen; with `REDIS_URL` several servers are one chat.
//!
//! `rooms.rs` holds the rules and knows nothing of the network; `contract.rs` is what is said on it, this file who hears of what;
//! `client.rs` fetches the official JavaScript client; `page/` is the page; `terminal.rs` is a client for
//! terminals. The examples `chat` of `sio-tokio` and `smol-chat` of `sio-smol` serve it, `terminal` and
//! `smol-terminal` join it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sio_driver::app::http::{Method, Request, Response, StatusCode, header};
use sio_driver::app::{Bytes, Config, EmitError, Io, Origins, Server, Socket, State};
use sio_driver::contract::Call;

mod client;
pub mod contract;
mod rooms;
mod terminal;

pub use terminal::terminal;

use contract::{
    Change, Delivered, Delivery, Entrance, Join, People, Refused, Rooms, Said, Say, Seen, Show,
    Sight, Type, Typing, Typist,
};
use rooms::{Chat, Heard};

/// How long the others have to see a message, for the ticks of the one who said it.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// The server. It fetches the page's client when it is made for the first time.
pub fn server() -> Server {
    with_page(app())
}

/// A chat with its page.
pub fn with_page(io: Io) -> Server {
    let page = Page::load();
    Server::new(io).fallback(move |request: Request<Bytes>| {
        let response = page.answer(&request);
        std::future::ready(response)
    })
}

/// The chat without its page.
pub fn app() -> Io {
    let io = Io::new(
        // As 4.x has it, which is the client of the page.
        Config::v4()
            // The page is served from here: no other site has any business with this server.
            .origins(Origins::same_origin())
            // Some pictures, for a telephone that reads slowly.
            .max_backlog_bytes(8 << 20),
    );
    io.on_error(|error| eprintln!("{error}"));
    io.set_state(Arc::new(Chat::new()));
    serve(&io);
    io
}

/// The Redis over which several of these servers are one chat: `REDIS_URL`. What is said on one of them is shown on
/// all; who is there, and pictures, each knows for itself.
pub fn redis_url() -> Option<String> {
    std::env::var("REDIS_URL").ok()
}

/// What to print when Redis is not there.
pub fn no_redis(url: &str, why: &dyn std::fmt::Display) -> String {
    format!(
        "There is no Redis at {url} ({why}).\n\
         Start one by `redis-server`, or by `docker run --rm -p 6379:6379 redis`; where it is elsewhere, say so by\n\
         REDIS_URL=redis://user:password@host:port/"
    )
}

/// What to print when somebody may come.
pub fn ready(at: SocketAddr) -> String {
    format!("chat: http://{at}/")
}

/// Where to listen: `HOST` and `PORT`.
///
/// # Errors
///
/// `PORT` is not the number of a port.
pub fn address() -> io::Result<(String, u16)> {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let wrong = |error| io::Error::other(format!("PORT={port}: {error}"));
    Ok((host, port.parse().map_err(wrong)?))
}

type Shared = State<Arc<Chat>>;

/// A room of the chat as a room of Socket.IO. The prefix keeps a room from being named like
/// somebody's own room, which is their socket's id.
fn channel(room: &str) -> String {
    format!("room {room}")
}

fn serve(io: &Io) {
    let chat = io.of("/");
    chat.on_connect(|socket: Socket, State(chat): Shared| socket.tell::<Rooms>(&(chat.rooms(),)));
    chat.hear(join);
    chat.hear(say);
    chat.hear(|show: Call<Show>, socket: Socket, State(chat): Shared| {
        let (message,) = show.args;
        show.reply.send(&chat.picture(socket.id(), message))
    });
    chat.hear(|call: Call<Type>, socket: Socket, State(chat): Shared| {
        let Some((room, nick)) = chat.place(socket.id()) else {
            return Ok(());
        };
        let (id, (on,)) = (socket.id().clone(), call.args);
        // Volatile: who cannot be told now need not hear of it later.
        let others = socket.to(channel(&room)).volatile();
        others.tell::<Typing>(&(Typist { id, nick, on },))
    });
    chat.on_disconnect(|io: Io, socket: Socket, State(chat): Shared| {
        let change = chat.leave(socket.id());
        announce(&io, &chat, change)
    });
}

fn join(
    Call { args, reply }: Call<Join>,
    io: Io,
    socket: Socket,
    State(chat): Shared,
) -> Result<(), EmitError> {
    let before = chat.place(socket.id());
    let joined = match chat.join(socket.id(), args.0) {
        Ok(joined) => joined,
        Err(error) => return reply.send(&Entrance::Out(Refused::because(error))),
    };
    if let Some((room, _)) = before {
        socket.leave(channel(&room));
    }
    if let Some(lost) = &joined.replaced
        && let Some(lost) = io.of("/").get(lost)
    {
        lost.disconnect(true);
    }
    announce(&io, &chat, joined.changes)?;
    let Some((room, _)) = chat.place(socket.id()) else {
        return Ok(());
    };
    // A page is in one room at a time: the limit of rooms per socket is far away.
    if socket.join(channel(&room)).is_err() {
        let refused = Refused::because("The room cannot be entered.");
        return reply.send(&Entrance::Out(refused));
    }
    reply.send(&Entrance::In(joined.welcome))
}

async fn say(
    Call { args, reply }: Call<Say>,
    socket: Socket,
    State(chat): Shared,
) -> Result<(), EmitError> {
    let Some((room, _)) = chat.place(socket.id()) else {
        return reply.send(&Delivery::Not(Refused::because("Please come in first.")));
    };
    let delivered = |id| Delivery::Done(Delivered { ok: true, id });
    let message = match chat.say(socket.id(), args.0) {
        Ok(Heard::New(message)) => *message,
        Ok(Heard::Again(id)) => return reply.send(&delivered(id)),
        Err(error) => return reply.send(&Delivery::Not(Refused::because(error))),
    };
    let id = message.id;
    reply.send(&delivered(id))?;

    // One broadcast, one answer from each page that shows it to somebody.
    let others = socket.to(channel(&room)).timeout(SEEN_WITHIN);
    let replies = others.ask::<Said>(&(message,)).await?;
    let of = replies.answers.len();
    let by = replies.ok().len();
    chat.seen(&room, id, by);
    socket.tell::<Seen>(&(Sight { id, by, of },))
}

/// Tells the rooms who came and left, and everybody how many are where.
fn announce(
    io: &Io,
    chat: &Chat,
    changes: impl IntoIterator<Item = Change>,
) -> Result<(), EmitError> {
    for change in changes {
        // What other servers of a cluster know is theirs to tell.
        let here = io.to(channel(&change.room)).local();
        here.tell::<People>(&(change,))?;
    }
    io.local().tell::<Rooms>(&(chat.rooms(),))
}

/// The files of the page. They are part of the binary, but for the client.
struct Page {
    client: Option<Bytes>,
}

impl Page {
    fn load() -> Self {
        let client = client::bundle()
            .inspect_err(|why| eprintln!("{why}"))
            .ok()
            .map(Bytes::from);
        Self { client }
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        let (kind, body) = match request.uri().path() {
            "/" => ("text/html", include_str!("../page/page.html")),
            "/page.css" => ("text/css", include_str!("../page/page.css")),
            "/page.js" => ("text/javascript", include_str!("../page/page.js")),
            "/log.js" => ("text/javascript", include_str!("../page/log.js")),
            "/composer.js" => ("text/javascript", include_str!("../page/composer.js")),
            "/tools.js" => ("text/javascript", include_str!("../page/tools.js")),
            "/client/socket.io.js" => {
                return match &self.client {
                    Some(client) => file("text/javascript", client.clone()),
                    // The page says so too.
                    None => plain(StatusCode::SERVICE_UNAVAILABLE, "npm could not fetch it"),
                };
            }
            _ => return plain(StatusCode::NOT_FOUND, "Not Found"),
        };
        file(kind, Bytes::from_static(body.as_bytes()))
    }
}

/// Nothing comes from elsewhere, and nothing may be framed.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

fn file(kind: &str, body: Bytes) -> Response<Bytes> {
    let mut response = plain(StatusCode::OK, "");
    *response.body_mut() = body;
    let headers = response.headers_mut();
    if let Ok(kind) = format!("{kind}; charset=utf-8").parse() {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-cache"),
    );
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        header::HeaderValue::from_static("nosniff"),
    );
    response
}
