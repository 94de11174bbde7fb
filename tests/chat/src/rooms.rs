//! What the chat remembers, and its rules: names, rooms, histories, all of them bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sio_driver::app::{Bytes, SocketId};

use crate::contract::{Change, Message, Person, Picture, RoomLine, Saying, Welcome, Wish};

/// Bytes of one picture. Well below the server's `max_http_buffer_size`, also in base64.
const PICTURE_BYTES: usize = 512 * 1024;
/// Bytes of all pictures that are kept; the oldest go first.
const PICTURES_BYTES: usize = 32 * 1024 * 1024;
const PICTURE_KINDS: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const NAME_CHARS: usize = 24;
const TEXT_CHARS: usize = 2000;
const KEY_BYTES: usize = 64;

/// Messages that a room remembers.
const HISTORY: usize = 100;
const ROOMS: usize = 50;
const PEOPLE_PER_ROOM: usize = 200;
/// Messages that one person may say in [`BURST_TIME`].
const BURST: usize = 20;
const BURST_TIME: Duration = Duration::from_secs(10);

/// Rooms that are there when nobody is.
const STANDING: [&str; 3] = ["lobby", "coffee", "rust"];

/// What came of a wish to come in.
pub(crate) struct Joined {
    pub(crate) welcome: Welcome,
    /// What the rooms concerned must hear, the one that was left and the one that was entered.
    pub(crate) changes: Vec<Change>,
    /// A connection whose name was taken over.
    pub(crate) replaced: Option<SocketId>,
}

/// What came of saying something.
pub(crate) enum Heard {
    /// It is new: tell the room.
    New(Box<Message>),
    /// It was said before, under this id.
    Again(u64),
}

/// Everything the chat remembers.
pub(crate) struct Chat {
    /// Tells pages apart whether they came back to the same server, or to one that has forgotten.
    boot: String,
    memory: Mutex<Memory>,
}

struct Memory {
    /// In the order in which they were made. Few: a search is a walk.
    rooms: Vec<Room>,
    guests: HashMap<SocketId, Guest>,
    pictures: VecDeque<Kept>,
    next: u64,
}

struct Room {
    name: String,
    people: Vec<Person>,
    history: VecDeque<Message>,
}

struct Guest {
    nick: String,
    key: String,
    room: String,
    spoken: VecDeque<Instant>,
}

struct Kept {
    message: u64,
    room: String,
    data: Bytes,
}

impl Chat {
    pub(crate) fn new() -> Self {
        let rooms = STANDING.map(|name| Room::new(name.to_owned()));
        Self {
            boot: epoch_millis().to_string(),
            memory: Mutex::new(Memory {
                rooms: rooms.into(),
                guests: HashMap::new(),
                pictures: VecDeque::new(),
                // Where several servers are one chat, two hardly ever give the same number.
                next: epoch_millis().saturating_mul(1000),
            }),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rooms and how many are in each.
    pub(crate) fn rooms(&self) -> Vec<RoomLine> {
        self.memory().lines()
    }

    /// The room and the name of somebody who is in.
    pub(crate) fn place(&self, id: &SocketId) -> Option<(String, String)> {
        let memory = self.memory();
        let guest = memory.guests.get(id)?;
        Some((guest.room.clone(), guest.nick.clone()))
    }

    /// Comes in, or moves to another room. The error is for people to read.
    pub(crate) fn join(&self, id: &SocketId, wish: Wish) -> Result<Joined, String> {
        let nick = nickname(&wish.nick)?;
        let name = room_name(&wish.room)?;
        check_key(&wish.key)?;
        let mut memory = self.memory();
        let wanted = nick.to_lowercase();
        let holder = memory
            .guests
            .iter()
            .find(|(other, guest)| *other != id && guest.nick.to_lowercase() == wanted)
            .map(|(other, guest)| (other.clone(), guest.key == wish.key));
        let replaced = match holder {
            Some((_, false)) => {
                return Err(format!(
                    "{nick} is here already. Please choose another name."
                ));
            }
            Some((other, true)) => Some(other),
            None => None,
        };
        memory.can_enter(&name)?;

        let mut changes = Vec::new();
        for leaving in replaced.iter().chain([id]) {
            // A page that comes back to where it was is no news for the others.
            changes.extend(memory.leave(leaving).filter(|change| change.room != name));
        }
        let is_back = replaced.is_some() && changes.is_empty();
        memory.guests.insert(
            id.clone(),
            Guest {
                nick: nick.clone(),
                key: wish.key,
                room: name.clone(),
                spoken: VecDeque::new(),
            },
        );
        let room = memory.room_or_new(&name);
        room.people.push(Person {
            id: id.clone(),
            nick: nick.clone(),
        });
        let (people, history) = (room.people.clone(), room.history.iter().cloned().collect());
        memory.sweep();
        changes.push(Change {
            room: name.clone(),
            people: people.clone(),
            came: (!is_back).then(|| nick.clone()),
            left: None,
        });
        let welcome = Welcome {
            ok: true,
            nick,
            id: id.clone(),
            room: name,
            boot: self.boot.clone(),
            history,
            people,
            rooms: memory.lines(),
        };
        Ok(Joined {
            welcome,
            changes,
            replaced,
        })
    }

    /// Goes away. `None` if they were not in.
    pub(crate) fn leave(&self, id: &SocketId) -> Option<Change> {
        let mut memory = self.memory();
        let change = memory.leave(id);
        memory.sweep();
        change
    }

    /// Remembers what is said. The error is for people to read.
    pub(crate) fn say(&self, id: &SocketId, saying: Saying) -> Result<Heard, String> {
        let text = text(&saying.text)?;
        let data = saying.picture.as_ref().map(Picture::check).transpose()?;
        if text.is_empty() && data.is_none() {
            return Err("There is nothing to say.".into());
        }
        check_key(&saying.key)?;
        let mut memory = self.memory();
        let number = memory.next;
        let guest = memory.guests.get_mut(id).ok_or("Please come in first.")?;
        let (nick, room) = (guest.nick.clone(), guest.room.clone());
        let before = memory.rooms.iter().find(|one| one.name == room);
        let before = before.and_then(|one| one.said(&nick, &saying.key));
        if let Some(again) = before {
            return Ok(Heard::Again(again));
        }
        if !memory.may_speak(id) {
            return Err("Not so fast, please.".into());
        }
        memory.next += 1;
        let message = Message {
            id: number,
            key: saying.key,
            from: id.clone(),
            nick,
            at: epoch_millis(),
            text,
            picture: saying.picture,
            seen: 0,
        };
        memory.room_or_new(&room).remember(&message);
        if let Some(data) = data {
            memory.keep(Kept {
                message: number,
                room,
                data,
            });
        }
        Ok(Heard::New(Box::new(message)))
    }

    /// Notes how many have seen a message.
    pub(crate) fn seen(&self, room: &str, message: u64, by: usize) {
        let mut memory = self.memory();
        let mut rooms = memory.rooms.iter_mut();
        if let Some(room) = rooms.find(|one| one.name == room)
            && let Some(message) = room.history.iter_mut().find(|one| one.id == message)
        {
            message.seen = by;
        }
    }

    /// The picture of a message in the room where `id` is, if it is still kept.
    pub(crate) fn picture(&self, id: &SocketId, message: u64) -> Option<Bytes> {
        let memory = self.memory();
        let room = &memory.guests.get(id)?.room;
        let mut kept = memory.pictures.iter();
        let found = kept.find(|kept| kept.message == message && kept.room == *room)?;
        Some(found.data.clone())
    }
}

impl Memory {
    fn lines(&self) -> Vec<RoomLine> {
        let line = |room: &Room| RoomLine {
            name: room.name.clone(),
            people: room.people.len(),
        };
        self.rooms.iter().map(line).collect()
    }

    fn can_enter(&self, name: &str) -> Result<(), String> {
        match self.rooms.iter().find(|room| room.name == name) {
            Some(room) if room.people.len() >= PEOPLE_PER_ROOM => {
                Err(format!("The room {name} is full."))
            }
            None if self.rooms.len() >= ROOMS => Err("There are too many rooms already.".into()),
            Some(_) | None => Ok(()),
        }
    }

    fn room_or_new(&mut self, name: &str) -> &mut Room {
        let at = self.rooms.iter().position(|room| room.name == name);
        let at = at.unwrap_or_else(|| {
            self.rooms.push(Room::new(name.to_owned()));
            self.rooms.len() - 1
        });
        &mut self.rooms[at]
    }

    /// Takes somebody out of their room.
    fn leave(&mut self, id: &SocketId) -> Option<Change> {
        let guest = self.guests.remove(id)?;
        let mut rooms = self.rooms.iter_mut();
        let room = rooms.find(|room| room.name == guest.room)?;
        room.people.retain(|person| person.id != *id);
        let people = room.people.clone();
        Some(Change {
            room: guest.room,
            people,
            came: None,
            left: Some(guest.nick),
        })
    }

    /// Forgets the rooms that were opened by hand and left by all.
    fn sweep(&mut self) {
        self.rooms
            .retain(|room| !room.people.is_empty() || STANDING.contains(&&*room.name));
        let rooms = &self.rooms;
        self.pictures
            .retain(|kept| rooms.iter().any(|room| room.name == kept.room));
    }

    fn may_speak(&mut self, id: &SocketId) -> bool {
        let now = Instant::now();
        let Some(guest) = self.guests.get_mut(id) else {
            return false;
        };
        let is_over = |at: &Instant| now.duration_since(*at) > BURST_TIME;
        while guest.spoken.front().is_some_and(is_over) {
            guest.spoken.pop_front();
        }
        if guest.spoken.len() >= BURST {
            return false;
        }
        guest.spoken.push_back(now);
        true
    }

    fn keep(&mut self, kept: Kept) {
        self.pictures.push_back(kept);
        let mut bytes: usize = self.pictures.iter().map(|kept| kept.data.len()).sum();
        while bytes > PICTURES_BYTES
            && let Some(oldest) = self.pictures.pop_front()
        {
            bytes -= oldest.data.len();
        }
    }
}

impl Room {
    fn new(name: String) -> Self {
        Self {
            name,
            people: Vec::new(),
            history: VecDeque::new(),
        }
    }

    /// The message that `nick` said under this key.
    fn said(&self, nick: &str, key: &str) -> Option<u64> {
        let mut messages = self.history.iter();
        let found = messages.find(|message| message.nick == nick && message.key == key)?;
        Some(found.id)
    }

    fn remember(&mut self, message: &Message) {
        let mut message = message.clone();
        if let Some(picture) = &mut message.picture {
            picture.data = None;
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(message);
    }
}

impl Picture {
    fn check(&self) -> Result<Bytes, String> {
        let data = self.data.as_ref().filter(|data| !data.is_empty());
        let data = data.ok_or("The picture is empty.")?;
        if data.len() > PICTURE_BYTES {
            return Err("The picture is too large.".into());
        }
        if !PICTURE_KINDS.contains(&&*self.kind) || self.name.chars().count() > 60 {
            return Err("This kind of picture cannot be sent.".into());
        }
        Ok(data.clone())
    }
}

/// Characters that are not seen, or that change how others are: no part of a name.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Keys are drawn by pages, from letters and digits.
fn check_key(key: &str) -> Result<(), String> {
    let is_one = |c: char| c.is_ascii_alphanumeric();
    if key.is_empty() || key.len() > KEY_BYTES || !key.chars().all(is_one) {
        return Err("This page is out of date; please load it again.".into());
    }
    Ok(())
}

fn nickname(text: &str) -> Result<String, String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS || name.chars().any(is_hidden) {
        return Err(format!("A name has 1 to {NAME_CHARS} visible characters."));
    }
    Ok(name)
}

fn room_name(text: &str) -> Result<String, String> {
    let words = text.trim().trim_start_matches('#').to_lowercase();
    let name = words.split_whitespace().collect::<Vec<_>>().join("-");
    let chars = name.chars().count();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if chars == 0 || chars > NAME_CHARS || !name.chars().all(is_plain) {
        return Err(format!(
            "A room's name has 1 to {NAME_CHARS} letters, digits and hyphens."
        ));
    }
    Ok(name)
}

fn text(text: &str) -> Result<String, String> {
    if text.chars().count() > TEXT_CHARS {
        return Err(format!("A message has at most {TEXT_CHARS} characters."));
    }
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    Ok(text.trim().chars().filter(is_shown).collect())
}

fn epoch_millis() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
