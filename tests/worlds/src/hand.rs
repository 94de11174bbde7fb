//! Clients by hand: lawful ones that do what no machine of ours does, and rude ones. Each is one session.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use http::{Request, Response, StatusCode};
use sio_core::client::Failure;
use sio_core::engine::{Body, Eio, Message, Packet, split};
use sio_core::id::RequestId;

use crate::failure::hold;
use crate::marks::Mark;
use crate::network::{Delivery, Frame, Party, Side};
use crate::options::PING_INTERVAL;
use crate::properties::Bounds;
use crate::world::World;

/// One session of a client by hand.
#[derive(Debug)]
pub(crate) struct Hand {
    /// Whether it speaks revision 3 of Engine.IO.
    pub(crate) old: bool,
    /// Whether it takes no bytes.
    pub(crate) base64: bool,
    /// Whether it is one that never breaks a rule.
    pub(crate) lawful: bool,
    pub(crate) sid: Option<String>,
    /// The GET that is out, and the POST.
    pub(crate) poll: Option<RequestId>,
    pub(crate) post: Option<RequestId>,
    /// What it will post, or say on its WebSocket.
    pub(crate) out: VecDeque<String>,
    /// Its WebSocket, and whether it has gone over to it.
    pub(crate) wire: Option<usize>,
    pub(crate) upgrading: Option<RequestId>,
    pub(crate) probed: bool,
    pub(crate) over: bool,
    /// Whether it answers pings.
    pub(crate) answers: bool,
    /// Whether it has gone over to its WebSocket before its GET was back.
    pub(crate) unordered: bool,
    /// Whether it takes its time between two GETs.
    pub(crate) lazy: bool,
    /// How often it was refused.
    pub(crate) refused: usize,
    /// Whether its session asks for no namespace.
    pub(crate) mute: bool,
    /// Whether it is in `/`, as far as it knows, and how much it has said there.
    pub(crate) inside: bool,
    pub(crate) said: u64,
    /// How often each of its emits was answered.
    pub(crate) acked: BTreeMap<u64, u32>,
    /// What the server waits for: where it asked, and by which id.
    pub(crate) asked: Vec<(usize, String, u64)>,
    /// Requests that have to be refused.
    pub(crate) strange: Vec<RequestId>,
    pub(crate) drawn: u64,
}

impl Hand {
    fn version(&self) -> &'static str {
        if self.old { "3" } else { "4" }
    }
}

impl World {
    /// A client comes.
    pub(crate) fn hand_comes(&mut self) {
        let most = self.options.hands + self.options.hostile;
        if self.hands.len() as u64 >= most {
            return;
        }
        let party = self.parties() + usize::try_from(self.number()).unwrap_or_default();
        let hand = Hand {
            old: self.choices.one_in(3),
            base64: self.choices.one_in(4),
            lawful: (self.hands.len() as u64) < self.options.hands && !self.choices.one_in(2),
            sid: None,
            poll: None,
            post: None,
            out: VecDeque::new(),
            wire: None,
            upgrading: None,
            probed: false,
            over: false,
            answers: true,
            unordered: false,
            lazy: self.choices.one_in(4),
            refused: 0,
            mute: self.choices.one_in(8),
            inside: false,
            said: 0,
            acked: BTreeMap::new(),
            asked: Vec::new(),
            strange: Vec::new(),
            drawn: 0,
        };
        let websocket = self.choices.one_in(3);
        self.note(80, || format!("{party} comes: {hand:?}"));
        self.hands.insert(party, hand);
        if websocket {
            self.hand_upgrades(party);
        } else {
            self.hand_polls(party);
        }
    }

    /// A client goes, without a word.
    pub(crate) fn hand_goes(&mut self, party: Party, why: &'static str) {
        self.note(81, || format!("{party} goes: {why}"));
        self.hands.remove(&party);
        self.ledger.blame.cause(self.now, party, why);
        self.is_gone(party);
        for wire in self.network.of(party) {
            self.cut(wire, true, true);
        }
        for served in self.network.all_of(party) {
            if !self.stands_still() {
                self.aborts(served);
            }
        }
    }

    pub(crate) fn all_hands_go(&mut self) {
        let all: Vec<_> = self.hands.keys().copied().collect();
        for party in all {
            self.hand_goes(party, "it is over");
        }
    }

    pub(crate) fn hand_id(&mut self, party: Party) -> RequestId {
        let hand = self.hands.get_mut(&party).expect("it is there");
        hand.drawn += 1;
        RequestId(hand.drawn)
    }

    pub(crate) fn hand_request(
        &mut self,
        party: Party,
        sid: Option<&str>,
        body: Option<String>,
    ) -> RequestId {
        let id = self.hand_id(party);
        let hand = &self.hands[&party];
        let sid = sid.map_or_else(String::new, |sid| format!("&sid={sid}"));
        let base64 = if hand.base64 { "&b64=1" } else { "" };
        let version = hand.version();
        let uri = format!("/socket.io/?EIO={version}&transport=polling{base64}{sid}");
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.map_or_else(Bytes::new, |body| match hand.old {
            false => body.into(),
            true => counted(&body).into(),
        });
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", "text/plain;charset=UTF-8")
            .body(body)
            .expect("it is one");
        let at = self.now + self.delay();
        self.network.request(at, party, id, request);
        id
    }

    pub(crate) fn hand_polls(&mut self, party: Party) {
        let sid = self.hands[&party].sid.clone();
        let id = self.hand_request(party, sid.as_deref(), None);
        self.hands.get_mut(&party).expect("it is there").poll = Some(id);
    }

    /// It opens a WebSocket: to begin with, or to go over to it.
    pub(crate) fn hand_upgrades(&mut self, party: Party) {
        let id = self.hand_id(party);
        let hand = self.hands.get_mut(&party).expect("it is there");
        let sid = hand
            .sid
            .as_ref()
            .map_or_else(String::new, |sid| format!("&sid={sid}"));
        let base64 = if hand.base64 { "&b64=1" } else { "" };
        let version = hand.version();
        let uri = format!("/socket.io/?EIO={version}&transport=websocket{base64}{sid}");
        hand.upgrading.get_or_insert(id);
        hand.over |= hand.sid.is_none();
        let request = Request::get(uri).body(()).expect("it is one");
        let at = self.now + self.delay();
        self.network.upgrade(at, party, id, request);
    }

    /// Says what is to be said, if there is a way.
    pub(crate) fn hand_speaks(&mut self, party: Party) {
        let Some(hand) = self.hands.get_mut(&party) else {
            return;
        };
        if hand.over {
            let Some(wire) = hand.wire else { return };
            for packet in std::mem::take(&mut hand.out) {
                let frame = Frame::Message(Message::Text(packet.into()));
                self.network.say(wire, Side::Client, frame);
            }
            return self.flush(wire, Side::Client);
        }
        if hand.post.is_some() || hand.sid.is_none() || hand.out.is_empty() {
            return;
        }
        // As many as its server takes in one body, and one at least, each with what tells it from the next.
        let most = self.options.server.max_http_buffer_size;
        let mut size = 0;
        let fits = hand.out.iter().take_while(|packet| {
            size += packet.len() + SEPARATOR;
            size <= most
        });
        let count = fits.count().max(1);
        let packets: Vec<_> = hand.out.drain(..count).collect();
        let body = packets.join("\x1e");
        let sid = hand.sid.clone();
        let id = self.hand_request(party, sid.as_deref(), Some(body));
        self.hands.get_mut(&party).expect("it is there").post = Some(id);
    }

    pub(crate) fn hand_response(
        &mut self,
        party: Party,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
    ) {
        let Some(hand) = self.hands.get_mut(&party) else {
            return;
        };
        let status = response.as_ref().ok().map(Response::status);
        if hand.strange.contains(&id) {
            let refused = status.is_none_or(|it| it == StatusCode::BAD_REQUEST);
            self.marks.reach(Mark::StrangeRequest);
            hold!(Secret, refused, "who has no session got {response:?}");
            return;
        }
        let polled = hand.poll.take_if(|poll| *poll == id).is_some();
        if hand.post.take_if(|post| *post == id).is_some() && status == Some(StatusCode::OK) {
            return self.hand_speaks(party);
        }
        match response {
            Ok(response) if response.status() == StatusCode::OK && polled => {
                self.hand_reads(party, response.into_body());
            }
            _ if polled || !self.hands[&party].over => self.hand_goes(party, "it was refused"),
            _ => {}
        }
    }

    pub(crate) fn hand_reads(&mut self, party: Party, body: Bytes) {
        let hand = &self.hands[&party];
        let body = match (hand.old, ByteString::try_from(body.clone())) {
            (false, Ok(text)) => Body::Separated(text),
            (true, Ok(text)) if text.starts_with(|it: char| it.is_ascii_digit()) => {
                Body::Counted(text)
            }
            (_, _) => Body::Binary(body),
        };
        let bytes = matches!(body, Body::Binary(_));
        hold!(
            Prefix,
            !(bytes && hand.base64),
            "{party} takes no bytes: {body:?}"
        );
        for packet in split(body, 1000) {
            match packet {
                Ok(packet) => self.hand_hears(party, packet),
                Err(error) => hold!(Prefix, false, "{party} was sent what is none: {error}"),
            }
        }
        let Some(hand) = self.hands.get(&party) else {
            return;
        };
        if hand.over || hand.poll.is_some() {
            return;
        }
        if hand.probed {
            return self.hand_moves(party);
        }
        if hand.lazy {
            self.network.push(self.now + LAZY, Delivery::Polls(party));
        } else {
            self.hand_polls(party);
        }
        self.hand_speaks(party);
    }

    /// Who takes its time between two GETs makes the next.
    pub(crate) fn hand_polls_late(&mut self, party: Party) {
        if let Some(hand) = self.hands.get(&party)
            && !hand.over
            && hand.poll.is_none()
        {
            self.hand_polls(party);
        }
    }

    /// It goes over to its WebSocket.
    pub(crate) fn hand_moves(&mut self, party: Party) {
        let hand = self.hands.get_mut(&party).expect("it is there");
        hand.over = true;
        hand.out.push_front("5".to_owned());
        // What is on its way by requests overtakes and is overtaken.
        hand.unordered |= hand.poll.is_some();
        if hand.post.is_some() {
            let cause = "it went over with a POST on its way";
            self.ledger.blame.cause(self.now, party, cause);
        }
        self.hand_speaks(party);
    }

    pub(crate) fn hand_hears(&mut self, party: Party, packet: Packet) {
        let Some(hand) = self.hands.get_mut(&party) else {
            return;
        };
        match packet {
            Packet::Open(open) => {
                let sid = open.split('"').nth(3).unwrap_or_default();
                hand.sid = Some(sid.to_owned());
                if hand.mute {
                    self.hand_is_mute(party);
                } else if !hand.old {
                    hand.out.push_back("40".to_owned());
                }
                let Some(hand) = self.hands.get(&party) else {
                    return;
                };
                if hand.old {
                    self.network
                        .push(self.now + PING_INTERVAL, Delivery::Wakes(party));
                }
                self.hand_speaks(party);
            }
            Packet::Ping(data) if hand.answers => {
                hand.out.push_back(format!("3{data}"));
                self.hand_speaks(party);
            }
            Packet::Close => self.hand_goes(party, "the server closed it"),
            Packet::Message(Message::Text(text)) => self.hand_is_told(party, &text),
            Packet::Pong(data) if &*data == "probe" => {
                hand.probed = true;
                if hand.poll.is_none() && !hand.over {
                    self.hand_moves(party);
                }
            }
            Packet::Message(Message::Binary(_))
            | Packet::Ping(_)
            | Packet::Pong(_)
            | Packet::Upgrade
            | Packet::Noop => {}
        }
    }

    pub(crate) fn hand_is_told(&mut self, party: Party, text: &str) {
        let at = usize::from(
            text[1..]
                .trim_start_matches(|it: char| it == '-' || it.is_ascii_digit())
                .starts_with("/b"),
        );
        let number = |key: &str| {
            let rest = text.split_once(key)?.1;
            let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        };
        let told = number("[\"told\",");
        let asked = number("[\"ask\",");
        if let Some(token) = told.or(asked)
            && !self.hands[&party].unordered
            // It leaves the other one, and comes back at once.
            && at == 0
            && let Some(stay) = self.application.last_stay((party, at))
        {
            self.ledger.prefix.seen(stay, token, false);
        }
        let hand = self.hands.get_mut(&party).expect("it is there");
        match text.as_bytes() {
            [b'0'] | [b'0', b'{', ..] => hand.inside = true,
            [b'1'] => hand.inside = false,
            [b'4', ..] => {
                hand.refused += 1;
                let most = self.options.server.max_refused_connects;
                Bounds::at_most("refused namespaces", hand.refused, most);
            }
            _ => {}
        }
        // The digits before the array, behind the namespace: the id.
        let head = text.split_once('[').map_or("", |(head, _)| head);
        let id = head.rsplit([',', '-']).next().unwrap_or_default();
        let id = id.trim_start_matches(|it: char| !it.is_ascii_digit());
        if let Some(token) = asked {
            let digits = match head.contains([',', '-']) {
                true => id,
                false => id.get(1..).unwrap_or_default(),
            };
            hand.asked.push((at, digits.to_owned(), token));
        }
        if text.starts_with('3') {
            let digits = match head.contains(',') {
                true => id,
                false => id.get(1..).unwrap_or_default(),
            };
            let times = hand
                .acked
                .entry(digits.parse().unwrap_or_default())
                .or_default();
            *times += 1;
            hold!(Ack, *times == 1, "{party} got {times} answers to {digits}");
        }
    }

    pub(crate) fn hand_upgraded(&mut self, party: Party, id: RequestId, wire: Option<usize>) {
        let Some(hand) = self.hands.get_mut(&party) else {
            // It has gone meanwhile.
            if let Some(wire) = wire {
                self.cut(wire, true, true);
            }
            return;
        };
        let first = hand.upgrading == Some(id);
        match wire {
            Some(wire) if first => {
                hand.wire = Some(wire);
                if !hand.over {
                    let probe = Frame::Message(Message::Text("2probe".into()));
                    self.network.say(wire, Side::Client, probe);
                    self.flush(wire, Side::Client);
                }
            }
            Some(wire) => self.cut(wire, true, true),
            None if first && hand.over => self.hand_goes(party, "it was refused"),
            None => {
                hand.upgrading.take_if(|its| *its == id);
            }
        }
    }

    pub(crate) fn hand_frame(&mut self, party: Party, wire: usize, message: Message) {
        let Some(hand) = self.hands.get(&party) else {
            return;
        };
        if hand.wire != Some(wire) {
            return;
        }
        let bytes = matches!(message, Message::Binary(_));
        hold!(
            Prefix,
            !(bytes && hand.base64),
            "{party} takes no bytes: {message:?}"
        );
        let revision = match hand.old {
            false => Eio::V4,
            true => Eio::V3,
        };
        match Packet::decode(revision, message) {
            Ok(packet) => self.hand_hears(party, packet),
            Err(error) => hold!(Prefix, false, "{party} was sent what is none: {error}"),
        }
    }

    pub(crate) fn hand_loses(&mut self, party: Party, wire: usize) {
        let Some(hand) = self.hands.get_mut(&party) else {
            return;
        };
        if hand.wire == Some(wire) {
            hand.wire = None;
            hand.probed = false;
            hand.upgrading = None;
            let polls = hand.poll.is_some();
            if hand.over {
                self.hand_goes(party, "it was closed");
            } else if !polls {
                self.hand_polls(party);
            }
        }
    }

    /// A ping of revision 3.
    pub(crate) fn hand_wakes(&mut self, party: Party) {
        let Some(hand) = self.hands.get_mut(&party) else {
            return;
        };
        let (word, again) = match (hand.old, hand.answers) {
            (true, true) => ("2", PING_INTERVAL),
            (true, false) => return,
            // In revision 4 it goes on talking, which is no answer to a ping.
            (false, _) => ("6", TALKS),
        };
        hand.out.push_back(word.to_owned());
        self.hand_speaks(party);
        self.network.push(self.now + again, Delivery::Wakes(party));
    }
}

/// Bytes that stand between two packets of a body, at most: their length before each in revision 3.
const SEPARATOR: usize = "1000:".len();

/// Between two GETs of one that takes its time.
const LAZY: Duration = Duration::from_millis(1500);

/// Who talks and answers no ping says something this often.
const TALKS: Duration = Duration::from_secs(2);

/// A packet as a body of revision 3; several, one behind the other.
fn counted(body: &str) -> String {
    let packets = body.split('\x1e');
    packets
        .map(|packet| format!("{}:{packet}", packet.encode_utf16().count()))
        .collect()
}
