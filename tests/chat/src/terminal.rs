//! A person's end of the chat, in a terminal. The examples `terminal` of `sio-tokio` and `smol-terminal` of
//! `sio-smol` give it a runtime and the lines that are typed.
//!
//! Called by `terminal [URL [NAME [ROOM]]]`; without them they are `http://127.0.0.1:3000`, `$USER` and `lobby`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use sio_driver::app::AckError;
use sio_driver::binding::Runtime;
use sio_driver::client::{Client, ConnectError, Dialer, Disconnected, Socket};
use sio_driver::contract::ClientCall;

use crate::contract::{
    Delivery, Entrance, Join, Message, People, Picture, Said, Say, Saying, Seen, Show, Sight, Wish,
};

/// How to use it, as it is shown to those who ask.
const HELP: &str = "\
/room NAME        go to another room
/nick NAME        be called something else
/picture FILE     show a picture; what follows the file is said with it
/save ID FILE     keep the picture of a message
/quit             leave; anything else is said";

/// How often a message is said again that nobody has confirmed.
const TRIES: u32 = 3;
/// How long is waited, at the end, for what was said to be confirmed.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long is waited before coming back to a server that has sent everybody away: it may be starting anew.
const RESTART: Duration = Duration::from_secs(1);

/// What is waited for.
type Answer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A line that was typed.
enum Typed<'a> {
    Help,
    Quit,
    Room(&'a str),
    Nick(&'a str),
    Picture(&'a str, &'a str),
    Save(&'a str, &'a str),
    Text(&'a str),
}

/// Plays a person who types what `next` gives, until there is nothing more. `arguments` are a URL, a name and a room,
/// as far as they are there.
///
/// # Errors
/// The URL, or a variable of the environment that names a proxy, is wrong.
pub async fn terminal<R: Dialer>(
    runtime: R,
    mut arguments: impl Iterator<Item = String>,
    mut next: impl AsyncFnMut() -> Option<String>,
) -> Result<(), Box<dyn Error>> {
    let or = |given: Option<String>, usual: &str| given.unwrap_or_else(|| usual.to_owned());
    let url = or(arguments.next(), "http://127.0.0.1:3000");
    let wish = Arc::new(Mutex::new(Wish {
        nick: or(
            arguments.next().or_else(|| std::env::var("USER").ok()),
            "guest",
        ),
        room: or(arguments.next(), "lobby"),
        key: draw(&runtime),
    }));
    let client = Client::builder_on(runtime.clone(), url)?;
    let client = client.proxy_from_env()?.build()?;
    let socket = client.socket("/");
    listen(&runtime, &socket, &wish);
    socket.open();

    let mut answers = FuturesUnordered::new();
    loop {
        let line = {
            let typed = pin!(next());
            match select(typed, answers.next()).await {
                Either::Left((line, _)) => line,
                Either::Right((Some(()), _)) => continue,
                // Nothing is waited for but the person.
                Either::Right((None, typed)) => typed.await,
            }
        };
        let Some(line) = line else { break };
        match Typed::read(line.trim()) {
            Typed::Help => println!("{HELP}"),
            Typed::Quit => break,
            Typed::Room(room) => {
                lock(&wish).room = room.to_owned();
                answers.push(come_in(&socket, &wish));
            }
            Typed::Nick(nick) => {
                lock(&wish).nick = nick.to_owned();
                answers.push(come_in(&socket, &wish));
            }
            Typed::Picture(file, text) => match picture(file) {
                Ok(picture) => answers.push(say(&runtime, &socket, text, Some(picture))),
                Err(why) => println!("! {file}: {why}"),
            },
            Typed::Save(id, file) => answers.push(save(&socket, id, file)),
            Typed::Text("") => {}
            Typed::Text(text) => answers.push(say(&runtime, &socket, text, None)),
        }
    }
    let end = pin!(runtime.sleep_until(runtime.now() + FAREWELL));
    select(pin!(async { while answers.next().await.is_some() {} }), end).await;
    client.close().await;
    Ok(())
}

/// What is shown of what comes.
fn listen<R: Dialer>(runtime: &R, socket: &Socket, wish: &Arc<Mutex<Wish>>) {
    // Before all else, each time that the server is there: what is said then is said in the room.
    let (wants, asked) = (wish.clone(), Arc::new(Mutex::new(None)));
    let answer = asked.clone();
    socket.on_entering(move |first| {
        let wish = lock(&wants).clone();
        *lock(&answer) = Some(first.ask::<Join>(&(wish,)));
    });
    socket.on_connect(move || {
        let answer = lock(&asked).take();
        async move {
            if let Some(answer) = answer {
                welcome(answer.await);
            }
        }
    });
    socket.hear(|said: ClientCall<Said>| {
        println!("{}", said.args.0.line());
        said.reply.send(&true)
    });
    socket.hear(|seen: ClientCall<Seen>| {
        let (Sight { by, of, .. },) = seen.args;
        println!("- seen by {by} of {of}");
    });
    socket.hear(|people: ClientCall<People>| {
        let (change,) = people.args;
        if let Some(came) = change.came {
            println!("* {} came in", plain(&came));
        }
        if let Some(left) = change.left {
            println!("* {} left", plain(&left));
        }
    });
    socket.on_connect_error(|error: ConnectError| println!("! {}", plain(&error.to_string())));
    let runtime = runtime.clone();
    socket.on_disconnect(move |socket: Socket, why: Disconnected| {
        println!("! the connection is lost: {}", why.reason);
        let runtime = runtime.clone();
        async move {
            // Else it comes back by itself.
            if !why.active && why.reason.as_str() == "io server disconnect" {
                runtime.sleep_until(runtime.now() + RESTART).await;
                socket.open();
            }
        }
    });
}

/// Goes where the wish says.
fn come_in(socket: &Socket, wish: &Mutex<Wish>) -> Answer {
    let wish = lock(wish).clone();
    let answer = socket.ask::<Join>(&(wish,));
    Box::pin(async move { welcome(answer.await) })
}

fn welcome(answer: Result<Entrance, AckError>) {
    match answer {
        Ok(Entrance::Out(refused)) => println!("! {}", plain(&refused.error)),
        Ok(Entrance::In(welcome)) => {
            for message in &welcome.history {
                println!("  {}", message.line());
            }
            let others = welcome.people.iter().filter(|it| it.nick != welcome.nick);
            let others: Vec<_> = others.map(|it| plain(&it.nick)).collect();
            let with = match &*others {
                [] => "nobody else".to_owned(),
                others => others.join(", "),
            };
            let (nick, room) = (plain(&welcome.nick), plain(&welcome.room));
            println!("* {nick} is in {room}, with {with}");
        }
        // It is asked for again when there is a connection.
        Err(AckError::Disconnected) => {}
        Err(why) => println!("! {why}"),
    }
}

/// Says something until the server has it. It knows by the key what it has heard already.
fn say<R: Runtime>(runtime: &R, socket: &Socket, text: &str, picture: Option<Picture>) -> Answer {
    let saying = Saying {
        key: draw(runtime),
        text: text.to_owned(),
        picture,
    };
    let answer = socket.retry(TRIES).ask::<Say>(&(saying,));
    Box::pin(async move {
        match answer.await {
            Ok(Delivery::Done(_)) => println!("- delivered"),
            Ok(Delivery::Not(refused)) => println!("! {}", plain(&refused.error)),
            Err(why) => println!("! not said: {why}"),
        }
    })
}

/// A picture from a file; the server says what it takes.
fn picture(file: &str) -> std::io::Result<Picture> {
    let data = std::fs::read(file)?;
    let kind = match &*data {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        _ => "application/octet-stream",
    };
    let name = Path::new(file).file_name().unwrap_or_default();
    Ok(Picture {
        name: name.to_string_lossy().into_owned(),
        kind: kind.to_owned(),
        data: Some(data.into()),
    })
}

/// Keeps the picture of a message in a file.
fn save(socket: &Socket, id: &str, file: &str) -> Answer {
    let file = file.to_owned();
    let Ok(number) = id.parse::<u64>() else {
        println!("! {id} is no message");
        return Box::pin(std::future::ready(()));
    };
    let answer = socket.ask::<Show>(&(number,));
    Box::pin(async move {
        match answer.await {
            Ok(Some(data)) => match std::fs::write(&file, &data) {
                Ok(()) => println!("- {file}: {} bytes", data.len()),
                Err(why) => println!("! {file}: {why}"),
            },
            Ok(None) => println!("! there is no picture {number}"),
            Err(why) => println!("! {why}"),
        }
    })
}

impl Message {
    fn line(&self) -> String {
        let mut line = format!("{}: {}", plain(&self.nick), plain(&self.text));
        if let Some(picture) = &self.picture {
            let name = plain(&picture.name);
            let _ = write!(line, " [{name}: /save {} FILE]", self.id);
        }
        line
    }
}

impl<'a> Typed<'a> {
    fn read(line: &'a str) -> Self {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let (word, more) = rest.split_once(' ').unwrap_or((rest, ""));
        match command {
            "/quit" => Self::Quit,
            "/room" if !rest.is_empty() => Self::Room(rest),
            "/nick" if !rest.is_empty() => Self::Nick(rest),
            "/picture" if !rest.is_empty() => Self::Picture(word, more.trim()),
            "/save" if !more.is_empty() => Self::Save(word, more.trim()),
            _ if command.starts_with('/') => Self::Help,
            _ => Self::Text(line),
        }
    }
}

/// What others have written, without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Letters and digits that nobody else has.
fn draw<R: Runtime>(runtime: &R) -> String {
    let mut random = [0; 16];
    runtime.random(&mut random);
    random.iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
