//! What clients by hand do: lawful things that no machine of ours does, and rude ones.

use std::time::Duration;

use sio_core::engine::Message;

use crate::machine::GONE;
use crate::network::{Delivery, Frame, Party, Side};
use crate::options::{PING_INTERVAL, PING_TIMEOUT};
use crate::world::{NAMESPACES, World};

/// What is no packet, or none that may come then.
const NONSENSE: [&str; 8] = [
    "x",
    "4",
    "49",
    "42/never,[\"x\"]",
    "42[",
    "452-[\"x\"]",
    "44{}",
    "420",
];

impl World {
    /// One of them does something.
    pub(crate) fn hand_acts(&mut self) {
        let all: Vec<_> = self.hands.keys().copied().collect();
        let Some(party) = self.choices.pick(&all).copied() else {
            return self.hand_comes();
        };
        match self.choices.weighted(&[4, 2, 3, 2, 2, 1, 1, 6, 1, 4, 2]) {
            0 => self.hand_says(party),
            1 => self.hand_asks(party),
            2 => self.hand_answers(party),
            3 if !self.hands[&party].over && self.hands[&party].sid.is_some() => {
                // A second one is sent away, and nothing else happens.
                self.hand_upgrades(party);
            }
            4 if self.hands[&party].wire.is_some() && !self.hands[&party].over => {
                // Before its GET is back, or without a probe.
                self.hand_moves(party);
            }
            5 => self.hand_enters(party),
            6 => self.hand_comes(),
            7 if !self.hands[&party].lawful => self.hand_is_rude(party),
            8 => self.hand_says_much(party, 0),
            9 if self.hands[&party].wire.is_some() && !self.hands[&party].over => {
                // Whatever a WebSocket says that has not taken over, its session goes on.
                let wire = self.hands[&party].wire.expect("it was there");
                let nonsense = Frame::Message(Message::Text("x".into()));
                self.network.say(wire, Side::Client, nonsense);
                self.flush(wire, Side::Client);
            }
            10 if self.hands[&party].wire.is_some() && !self.hands[&party].over => {
                // In one breath it posts and goes over.
                self.hand_says(party);
                self.hand_moves(party);
            }
            _ => {}
        }
    }

    pub(crate) fn hand_says(&mut self, party: Party) {
        let hand = self.hands.get_mut(&party).expect("it is there");
        if !hand.inside {
            return;
        }
        let word = hand.said;
        hand.said += 1;
        hand.out.push_back(format!("42[\"word\",{party},{word}]"));
        self.ledger.prefix.said((party, 0), word);
        self.hand_speaks(party);
    }

    pub(crate) fn hand_asks(&mut self, party: Party) {
        let hand = self.hands.get_mut(&party).expect("it is there");
        if !hand.inside {
            return;
        }
        hand.drawn += 1;
        let id = hand.drawn;
        hand.out.push_back(format!("42{id}[\"ask\",{id}]"));
        self.hand_speaks(party);
    }

    /// It answers what the server has asked: where it was asked, or elsewhere.
    pub(crate) fn hand_answers(&mut self, party: Party) {
        let elsewhere = self.choices.one_in(3);
        let hand = self.hands.get_mut(&party).expect("it is there");
        let Some((at, id, token)) = hand.asked.pop() else {
            return;
        };
        let from = match elsewhere {
            true => NAMESPACES.len() - 1 - at,
            false => at,
        };
        let namespace = match from {
            0 => String::new(),
            _ => format!("{},", NAMESPACES[from]),
        };
        if elsewhere {
            // Where it is not in that namespace, this is none of the protocol.
            self.ledger
                .blame
                .cause(self.now, party, "it answered elsewhere");
        }
        let hand = self.hands.get_mut(&party).expect("it is there");
        hand.out
            .push_back(format!("43{namespace}{id}[{token},[{party},{from}]]"));
        self.hand_speaks(party);
    }

    pub(crate) fn hand_enters(&mut self, party: Party) {
        let which = self.choices.index(3);
        let hand = self.hands.get_mut(&party).expect("it is there");
        if hand.mute {
            return;
        }
        let packet = ["40/b,", "40/none,", "41/b,"][which];
        hand.out.push_back(packet.to_owned());
        // A second time, or where it has never been, this is none of the protocol.
        self.ledger.blame.cause(self.now, party, "it came or went");
        self.hand_speaks(party);
    }

    pub(crate) fn hand_is_rude(&mut self, party: Party) {
        let what = self.choices.index(11);
        if what != 6 {
            self.ledger.blame.cause(self.now, party, "it was rude");
        }
        match what {
            0 => self.hand_goes(party, "it has vanished"),
            1 if self.hands[&party].sid.is_some() && !self.hands[&party].over => {
                self.hands.get_mut(&party).expect("it is there").unordered = true;
                self.hand_polls(party);
            }
            2 if self.hands[&party].over && self.hands[&party].sid.is_some() => {
                // By requests, where it speaks by a WebSocket. They overtake what has not come there yet, and get what
                // it does not look at.
                self.hands.get_mut(&party).expect("it is there").unordered = true;
                let sid = self.hands[&party].sid.clone();
                self.hand_request(party, sid.as_deref(), None);
                self.hand_request(party, sid.as_deref(), Some("42[\"x\"]".to_owned()));
                self.hand_upgrades(party);
            }
            2 if !self.hands[&party].over => {
                let sid = self.hands[&party].sid.clone();
                let body = Some("42[\"x\"]".to_owned());
                self.hand_request(party, sid.as_deref(), body.clone());
                self.hand_request(party, sid.as_deref(), body);
            }
            3 => {
                let nonsense = NONSENSE[self.choices.index(NONSENSE.len())];
                let hand = self.hands.get_mut(&party).expect("it is there");
                hand.out.push_back(nonsense.to_owned());
                self.hand_speaks(party);
            }
            4 => self.hand_falls_silent(party),
            5 => {
                let hand = self.hands.get_mut(&party).expect("it is there");
                hand.out.push_back("1".to_owned());
                self.hand_speaks(party);
            }
            6 => {
                // By the id of a session that is over.
                let sids = self.ledger.secrets.over();
                if let Some(sid) = self.choices.pick(&sids).cloned() {
                    let id = self.hand_request(party, Some(&sid), None);
                    let hand = self.hands.get_mut(&party).expect("it is there");
                    hand.strange.push(id);
                }
            }
            7 => self.hand_says_much(party, 1),
            9 => self.hand_says_anything(party),
            8 => {
                // Of those that do not exist, one after the other.
                let hand = self.hands.get_mut(&party).expect("it is there");
                hand.out.extend((0..3).map(|_| "40/none,".to_owned()));
                self.hand_speaks(party);
            }
            _ => {
                // A packet of which the rest never comes. It comes at once itself.
                let wire = self.hands[&party].wire;
                let is_cut = |wire| {
                    let network = &self.network;
                    network.is_stalled(wire, Side::Client) || network.is_cut(wire, Side::Server)
                };
                if wire.is_some_and(is_cut) {
                    return;
                }
                let hand = self.hands.get_mut(&party).expect("it is there");
                if !hand.inside || !hand.over {
                    return;
                }
                hand.out
                    .push_back("451-[\"x\",{\"_placeholder\":true,\"num\":0}]".to_owned());
                hand.inside = false;
                self.hand_speaks(party);
                self.dies_by(party, Duration::from_secs(10) + self.slack());
            }
        }
    }

    /// A packet of any kind for any namespace, whether it may come there or not.
    fn hand_says_anything(&mut self, party: Party) {
        let kind = self.choices.index(6);
        let namespace = ["", "/b,", "/never,"][self.choices.index(3)];
        let id = self.number() + 1_000_000;
        let hand = self.hands.get_mut(&party).expect("it is there");
        let packet = match kind {
            0 => format!("40{namespace}"),
            1 => format!("41{namespace}"),
            2 => format!("42{namespace}[\"any\"]"),
            3 => format!("42{namespace}{id}[\"any\"]"),
            4 => format!("43{namespace}{id}[]"),
            _ => format!("44{namespace}{{}}"),
        };
        if hand.mute {
            return;
        }
        // What it hears from now on may be of another stay than it thinks.
        hand.unordered = true;
        hand.inside &= !(kind == 1 && namespace.is_empty());
        hand.out.push_back(packet);
        self.hand_speaks(party);
    }

    /// A message of as many bytes as there may be, or `beyond` more.
    pub(crate) fn hand_says_much(&mut self, party: Party, beyond: usize) {
        let most = self.options.server.max_http_buffer_size;
        let hand = self.hands.get_mut(&party).expect("it is there");
        let by_itself = hand.over && hand.wire.is_some() || hand.post.is_none() && !hand.old;
        if !hand.inside || !hand.out.is_empty() || !by_itself {
            return;
        }
        let around = "42[\"much\",\"\"]".len();
        let much = "x".repeat(most + beyond - around);
        hand.out.push_back(format!("42[\"much\",\"{much}\"]"));
        self.hand_speaks(party);
    }

    /// It asks for no namespace, which may last for so long. One of revision 3 is in `/` all the same.
    pub(crate) fn hand_is_mute(&mut self, party: Party) {
        if self.hands[&party].old {
            return;
        }
        let wait = self.options.server.connect_timeout + self.slack() + Duration::from_secs(4);
        self.ledger
            .blame
            .cause(self.now + wait, party, "it asks for nothing");
        self.dies_by(party, wait);
    }

    /// The server has to let go of a client within so long.
    pub(crate) fn dies_by(&mut self, party: Party, wait: Duration) {
        let connections: Vec<_> = self.ledger.blame.connections().collect();
        for (connection, _) in connections.into_iter().filter(|it| it.1 == party) {
            self.ledger.dead.gone(connection, self.now + wait);
        }
    }

    /// It goes on talking, and answers no ping: that is no sign of life in revision 4.
    pub(crate) fn hand_falls_silent(&mut self, party: Party) {
        let hand = self.hands.get_mut(&party).expect("it is there");
        if hand.old {
            return;
        }
        let before = std::mem::replace(&mut hand.answers, false);
        let wait = match hand.sid.is_some() {
            // A ping leaves, and its answer is put off by what is said once; one may be on its way.
            true => PING_INTERVAL + PING_TIMEOUT * 2 + Duration::from_secs(2) + self.slack(),
            false => GONE + Duration::from_secs(5),
        };
        if before {
            self.network.push(self.now, Delivery::Wakes(party));
        }
        self.dies_by(party, wait);
    }
}
