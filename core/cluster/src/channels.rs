//! What a namespace's channels are called.

use crate::config::{Config, Dialect, Subscriptions};
use crate::id::Uid;

/// What a node listens to. Two that are equal are one to Redis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subscription {
    /// `SUBSCRIBE`.
    Channel(String),
    /// `PSUBSCRIBE`.
    Pattern(String),
    /// `SSUBSCRIBE`, one channel a command.
    Sharded(String),
}

/// Where a message came from, by its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// For all nodes; the one room that it is for, if the channel tells.
    All(Option<&'a str>),
    Requests,
    Answers,
}

/// The names of one namespace's channels.
#[derive(Clone, Debug)]
pub(crate) struct Channels {
    dialect: Dialect,
    subscriptions: Subscriptions,
    sharded: bool,
    namespace: String,
    /// `key#N#`.
    all: String,
    /// `key-request#N#`; among cluster messages the same as for all.
    requests: String,
    /// `key-response#N#`.
    answers: String,
    /// The channel of answers to this node alone.
    own: String,
}

impl Channels {
    pub(crate) fn new(config: &Config, uid: &Uid) -> Self {
        let (key, namespace) = (&config.key, &config.namespace);
        let all = format!("{key}#{namespace}#");
        let (requests, answers) = match config.dialect {
            Dialect::Classic | Dialect::V2 => (
                format!("{key}-request#{namespace}#"),
                format!("{key}-response#{namespace}#"),
            ),
            Dialect::Sharded | Dialect::Streams => (all.clone(), all.clone()),
        };
        Self {
            dialect: config.dialect,
            subscriptions: config.subscriptions,
            sharded: config.dialect == Dialect::Sharded || config.sharded_pub_sub,
            namespace: namespace.clone(),
            own: format!("{answers}{uid}#"),
            all,
            requests,
            answers,
        }
    }

    /// For a broadcast to all or to several rooms.
    pub(crate) fn all(&self) -> &str {
        &self.all
    }

    /// For whatever is no broadcast. Who subscribes to it is counted as a node.
    pub(crate) fn requests(&self) -> &str {
        &self.requests
    }

    /// For an answer to this node, if it is known to listen there, or to all.
    pub(crate) fn answers(&self, to: Option<&Uid>) -> String {
        let alone = match self.dialect {
            // A node of Node's may be too old to listen there.
            Dialect::Classic => to.filter(|uid| uid.is_ours()),
            Dialect::V2 => None,
            Dialect::Sharded | Dialect::Streams => to,
        };
        match alone {
            Some(uid) => format!("{}{uid}#", self.answers),
            None => self.answers.clone(),
        }
    }

    /// For what one node alone is told, by the channel of answers to it.
    ///
    /// `None`: it is not known to take there what is no answer.
    pub(crate) fn alone(&self, uid: &Uid) -> Option<String> {
        let hears = self.dialect.reaches_alone(uid);
        hears.then(|| format!("{}{uid}#", self.answers))
    }

    pub(crate) fn room(&self, room: &str) -> String {
        format!("{}{room}#", self.all)
    }

    /// Where an event for exactly one room is published.
    pub(crate) fn to_room(&self, room: &str) -> String {
        let alone = match (self.dialect, self.subscriptions) {
            (Dialect::Classic | Dialect::V2, _) => true,
            (Dialect::Streams, _) | (Dialect::Sharded, Subscriptions::All) => false,
            (Dialect::Sharded, Subscriptions::Rooms) => !self.is_like_an_id(room),
            // What looks like an id of the 2.x line is one that Node may not listen for.
            (Dialect::Sharded, Subscriptions::RoomsAndIds) => !self.is_old_id(room),
        };
        if alone {
            self.room(room)
        } else {
            self.all.clone()
        }
    }

    /// What Node's sharded adapter takes for the id of a socket, by its length; or what clients of 2.x have for one.
    fn is_like_an_id(&self, room: &str) -> bool {
        room.encode_utf16().take(ID.saturating_add(1)).count() == ID || self.is_old_id(room)
    }

    fn is_old_id(&self, room: &str) -> bool {
        let rest = room.strip_prefix(&*self.namespace);
        self.namespace != "/" && rest.is_some_and(|rest| rest.starts_with('#'))
    }

    /// What is subscribed to always.
    pub(crate) fn base(&self) -> Vec<Subscription> {
        let one = |name: &String| self.subscription(name.clone());
        let base = match (self.dialect, self.subscriptions) {
            (Dialect::Classic | Dialect::V2, Subscriptions::All) => {
                Subscription::Pattern(format!("{}*", escaped(&self.all)))
            }
            (Dialect::Classic | Dialect::V2, Subscriptions::Rooms | Subscriptions::RoomsAndIds)
            | (Dialect::Sharded | Dialect::Streams, _) => one(&self.all),
        };
        match self.dialect {
            Dialect::Classic => vec![
                base,
                one(&self.requests),
                one(&self.answers),
                one(&self.own),
            ],
            Dialect::V2 => vec![base, one(&self.requests), one(&self.answers)],
            Dialect::Sharded | Dialect::Streams => vec![base, one(&self.own)],
        }
    }

    /// What is subscribed to while somebody here is in this room.
    pub(crate) fn for_room(&self, room: &str, is_id: bool) -> Option<Subscription> {
        let wanted = match (self.dialect, self.subscriptions) {
            (Dialect::Streams, _) | (_, Subscriptions::All) => false,
            (Dialect::Classic | Dialect::V2, _) | (_, Subscriptions::RoomsAndIds) => true,
            // Others publish to an id of another length as to a room.
            (Dialect::Sharded, Subscriptions::Rooms) => !is_id || !self.is_like_an_id(room),
        };
        wanted.then(|| self.subscription(self.room(room)))
    }

    fn subscription(&self, name: String) -> Subscription {
        match self.sharded {
            true => Subscription::Sharded(name),
            false => Subscription::Channel(name),
        }
    }

    pub(crate) fn is_sharded(&self) -> bool {
        self.sharded
    }

    /// `None`: nothing that is subscribed to.
    pub(crate) fn origin<'a>(&self, channel: &'a str) -> Option<Origin<'a>> {
        match self.dialect {
            Dialect::Classic | Dialect::V2 => {
                if channel == self.requests {
                    return Some(Origin::Requests);
                }
                if channel == self.answers || channel == self.own {
                    return Some(Origin::Answers);
                }
            }
            Dialect::Sharded | Dialect::Streams if channel == self.own => {
                return Some(Origin::Answers);
            }
            Dialect::Sharded | Dialect::Streams => {}
        }
        match channel.strip_prefix(&*self.all)? {
            "" => Some(Origin::All(None)),
            rest => Some(Origin::All(Some(rest.strip_suffix('#')?))),
        }
    }
}

/// UTF-16 units in a socket's id.
const ID: usize = 20;

/// A name in which nothing is a pattern.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(dialect: Dialect, subscriptions: Subscriptions, namespace: &str) -> Channels {
        let mut config = Config::new(dialect, namespace);
        config.subscriptions = subscriptions;
        Channels::new(&config, &Uid::from("HAkhhj"))
    }

    #[test]
    fn classic_has_the_channels_of_the_package() {
        let channels = channels(Dialect::Classic, Subscriptions::All, "/");
        let names = [
            "socket.io-request#/#",
            "socket.io-response#/#",
            "socket.io-response#/#HAkhhj#",
        ];
        let mut base = vec![Subscription::Pattern("socket.io#/#*".to_owned())];
        base.extend(names.map(|name| Subscription::Channel(name.to_owned())));
        assert_eq!(channels.base(), base);
        assert_eq!(channels.to_room("a#b"), "socket.io#/#a#b#");
        assert_eq!(
            channels.origin("socket.io#/#a#b#"),
            Some(Origin::All(Some("a#b")))
        );
        assert_eq!(channels.origin("socket.io#/#"), Some(Origin::All(None)));
        assert_eq!(
            channels.origin("socket.io-request#/#"),
            Some(Origin::Requests)
        );
        for answers in ["socket.io-response#/#", "socket.io-response#/#HAkhhj#"] {
            assert_eq!(channels.origin(answers), Some(Origin::Answers));
        }
        assert_eq!(channels.origin("socket.io#/x#"), None);
        assert_eq!(channels.for_room("a", false), None);
    }

    #[test]
    fn answers_go_to_the_asker_alone_where_it_listens() {
        let (ours, theirs) = (Uid::classic([1; 8]), Uid::from("HAkhhj"));
        let classic = channels(Dialect::Classic, Subscriptions::All, "/");
        assert_eq!(
            classic.answers(Some(&ours)),
            format!("socket.io-response#/#{ours}#")
        );
        assert_eq!(classic.answers(Some(&theirs)), "socket.io-response#/#");
        assert_eq!(classic.answers(None), "socket.io-response#/#");
        let v2 = channels(Dialect::V2, Subscriptions::All, "/");
        assert_eq!(v2.answers(Some(&ours)), "socket.io-response#/#");
        let sharded = channels(Dialect::Sharded, Subscriptions::All, "/");
        assert_eq!(sharded.answers(Some(&theirs)), "socket.io#/#HAkhhj#");
    }

    #[test]
    fn a_namespace_is_no_pattern() {
        let channels = channels(Dialect::Classic, Subscriptions::All, r"/a[b]*?\");
        let pattern = Subscription::Pattern(r"socket.io#/a\[b\]\*\?\\#*".to_owned());
        assert_eq!(channels.base()[0], pattern);
    }

    #[test]
    fn sharded_tells_private_rooms_by_their_length() {
        let id = "y1q0fOOeso6_4LDAAAAB";
        let old = "/chat#RLO4LF5R2DP-rt-UAAAD";
        let all = "socket.io#/chat#";
        let dynamic = channels(Dialect::Sharded, Subscriptions::Rooms, "/chat");
        assert_eq!(dynamic.to_room("room"), "socket.io#/chat#room#");
        assert_eq!(dynamic.to_room(id), all);
        assert_eq!(dynamic.to_room(old), all);
        assert_eq!(dynamic.for_room(id, true), None);
        assert!(dynamic.for_room(id, false).is_some());
        assert!(
            dynamic.for_room("short", true).is_some(),
            "others publish to it as to a room"
        );
        let private = channels(Dialect::Sharded, Subscriptions::RoomsAndIds, "/chat");
        assert_eq!(private.to_room(id), format!("socket.io#/chat#{id}#"));
        assert_eq!(private.to_room(old), all);
        assert!(private.for_room(id, true).is_some());
        let fixed = channels(Dialect::Sharded, Subscriptions::All, "/chat");
        assert_eq!(fixed.to_room("room"), all);
        assert_eq!(fixed.for_room("room", false), None);
    }
}
