//! Where we differ on purpose. `core/PROTOCOL.md` has more of it (§29).

use super::Place;
use super::ours::Notes;

/// A row of the table.
pub(crate) struct Difference {
    /// What we do, and why.
    pub(crate) what: &'static str,
    /// Whether this is such a case.
    pub(crate) holds: fn(&Place<'_>) -> bool,
}

impl Place<'_> {
    fn is(&self, what: &str) -> bool {
        self.history.get(self.step).is_some_and(|it| it[0] == what)
    }

    /// Who acts, if it is a client.
    fn client(&self) -> Option<usize> {
        let step = self.history.get(self.step)?;
        let acts = ["post", "get", "upgrade", "frame", "bytes", "gone", "abort"];
        let acts = acts.iter().any(|it| step[0] == *it);
        acts.then(|| step[1].as_u64().unwrap() as usize)
    }

    /// The revision of a client.
    fn eio(&self, client: usize) -> u64 {
        let mut opens = self.history.iter().filter(|it| it[0] == "open");
        opens.nth(client).and_then(|it| it[1].as_u64()).unwrap()
    }

    fn is_old(&self) -> bool {
        self.client().is_some_and(|client| self.eio(client) == 3)
    }

    /// What a client says in this step, or what its bytes belong to.
    fn texts(&self) -> Vec<&str> {
        match self.is("bytes") {
            true => said(&self.history[self.step - 1]),
            false => said(&self.history[self.step]),
        }
    }

    fn says(&self, text: &str) -> bool {
        self.texts().contains(&text)
    }

    /// Clients of a revision.
    fn clients(&self, eio: u64) -> impl Iterator<Item = usize> {
        let opens = self.history.iter().filter(|it| it[0] == "open").enumerate();
        opens
            .filter(move |(_, it)| it[1] == eio)
            .map(|(client, _)| client)
    }

    /// Whether all that differs is what clients hear, and this is so of each.
    fn hears(&self, holds: impl Fn(usize, &[String], &[String]) -> bool) -> bool {
        let channels = self.theirs.keys().chain(self.ours.keys());
        let mut channels = channels.filter(|it| self.theirs.get(*it) != self.ours.get(*it));
        channels.all(|channel| {
            let Some(client) = channel.strip_suffix(" hears") else {
                // A ping is answered where it is heard.
                return channel.ends_with(" post");
            };
            let all = |notes: &Notes| notes.get(channel).cloned().unwrap_or_default();
            holds(client.parse().unwrap(), &all(self.theirs), &all(self.ours))
        })
    }

    /// Whether a client has said this before, as a packet of its own.
    fn has_said(&self, client: usize, text: &str) -> bool {
        let before = self.history[..self.step].iter();
        let mut its = before.filter(|it| it[1] == client);
        its.any(|step| said(step).contains(&text))
    }

    /// Whether the one who acts is let go of by the reference alone.
    fn ends_theirs_alone(&self) -> bool {
        self.client().is_some_and(|client| {
            let gone = leaves(self.theirs) && !leaves(self.ours);
            gone || ends(self.theirs, client) > ends(self.ours, client)
        })
    }

    /// Whether a client has probed before, and may have gone over since.
    fn has_probed(&self, client: usize) -> bool {
        let mut before = self.history[..self.step].iter();
        before.any(|it| it[0] == "frame" && it[1] == client && it[2] == "2probe")
    }
}

/// What a client says in a step.
fn said(step: &super::Step) -> Vec<&str> {
    let texts = match step[0].as_str() {
        Some("post") => step[2].as_array().map_or(&[][..], Vec::as_slice),
        Some("frame") => std::slice::from_ref(&step[2]),
        _ => &[],
    };
    texts.iter().filter_map(|it| it.as_str()).collect()
}

/// How often a client is told that something is over.
fn ends(notes: &Notes, client: usize) -> usize {
    let count = |channel: &str, what: &str| {
        let all = notes.get(&format!("{client} {channel}"));
        all.map_or(0, |it| it.iter().filter(|it| it.starts_with(what)).count())
    };
    count("ws", "closed") + count("hears", "p 1") + count("get", "")
}

/// How often a socket leaves because its client is silent.
fn times_out(notes: &Notes) -> usize {
    let all = notes.values().flatten();
    all.filter(|it| it.contains("ping timeout")).count()
}

/// Whether a socket leaves.
fn leaves(notes: &Notes) -> bool {
    let mut all = notes.values().flatten();
    all.any(|it| it.starts_with("disconnecting "))
}

fn namespace(text: &str) -> &str {
    let start = text
        .find('/')
        .filter(|at| !text[..*at].contains(['[', '{']));
    let start = start.map(|at| &text[at..]);
    start.map_or("/", |it| it.split(',').next().unwrap_or_default())
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "revision 3: a second CONNECT, a packet for a namespace never joined and ERROR are ignored, as clients of 2.x send them: 4.8 closes",
        holds: |place| {
            place.is_old()
                && place.ends_theirs_alone()
                && place.texts().iter().any(|it| it.starts_with('4'))
        },
    },
    Difference {
        what: "a packet for a namespace that was just left is ignored, as it was on its way: 4.8 closes",
        holds: |place| {
            // It may be closing already, unheard.
            let connects = |notes: &Notes| {
                notes
                    .values()
                    .flatten()
                    .any(|it| it.starts_with("connected"))
            };
            let deaf = connects(place.ours) && !connects(place.theirs);
            let Some(client) = place.client().filter(|_| deaf || place.ends_theirs_alone()) else {
                return false;
            };
            let left = |text: &&str| {
                let said = match namespace(text) {
                    "/" => place.has_said(client, "41") || place.texts().contains(&"41"),
                    _ => place.has_said(client, "41/a,") || place.texts().contains(&"41/a,"),
                };
                said || place.history[..place.step].iter().any(|it| it[0] == "out")
            };
            place.texts().iter().any(left)
        },
    },
    Difference {
        what: "a session that is on a WebSocket takes no other: 4.8 takes one beside the first that it was opened by",
        holds: |place| {
            let Some(client) = place.client() else {
                return false;
            };
            let closed = place.ours.get(&format!("{client} ws"));
            place.is("upgrade")
                && place.theirs.is_empty()
                && closed.is_some_and(|it| it == &["closed"])
        },
    },
    Difference {
        what: "revision 3: any packet is a sign of life: to 4.8 pings alone, and a pong is a fault",
        holds: |place| {
            let over = |client| {
                let (theirs, ours) = (ends(place.theirs, client), ends(place.ours, client));
                let hears = |notes: &Notes| notes.get(&format!("{client} get")).cloned();
                theirs > ours || hears(place.theirs) != hears(place.ours)
            };
            let pong = place.is_old() && place.says("3") && leaves(place.theirs);
            let old = place.clients(3).next().is_some();
            let silent = old && times_out(place.theirs) > times_out(place.ours);
            // That it is over shows as soon as it comes again.
            let is_gone = |client| {
                let its = |notes: &Notes| notes.get(&format!("{client} get")).cloned();
                let unknown = |it: &String| it.contains("Session ID unknown");
                its(place.theirs).is_some_and(|it| it.iter().any(unknown))
                    && its(place.ours).is_none_or(|it| !it.iter().any(unknown))
            };
            let gone = place.is("polls") && place.clients(3).any(is_gone);
            place.is("wait") && (silent || place.clients(3).any(over)) || gone || pong
        },
    },
    Difference {
        what: "who is silent is let go of across an upgrade, too: 4.8 forgets that a pong, or a ping of revision 3, is missing",
        holds: |place| {
            let upgraded = place.history[..place.step]
                .iter()
                .any(|it| it[0] == "frame" && it[2] == "5");
            let mut ours = place.ours.iter();
            let ends = ours.any(|(channel, all)| {
                channel.ends_with("ws") && all == &["closed"] && place.theirs.get(channel).is_none()
            });
            place.is("wait") && upgraded && ends
        },
    },
    Difference {
        what: "`1` on a WebSocket closes the session: 4.8 ignores it",
        holds: |place| place.is("frame") && place.says("1"),
    },
    Difference {
        what: "a body that cannot be read is answered 400: by 4.8 `ok`",
        holds: |place| {
            let answers = |notes: &Notes, what: &str| {
                let mut all = notes.iter().filter(|it| it.0.ends_with("post"));
                all.any(|(_, all)| all.iter().any(|it| it.starts_with(what)))
            };
            place.is("post") && answers(place.theirs, "200") && answers(place.ours, "400")
        },
    },
    Difference {
        what: "all that is sent while a GET waits leaves in one body: of 4.8 the first packet alone, and the rest with the next GET",
        holds: |place| {
            place.hears(|_, theirs, ours| {
                !theirs.is_empty()
                    && ours.starts_with(theirs)
                    && ours.iter().all(|it| it.starts_with('p'))
            })
        },
    },
    Difference {
        what: "a GET beside a candidate that has probed comes back at once: by 4.8 up to 100 ms later, and what is sent by then goes by it",
        holds: |place| {
            let polls = |it: &String| it.starts_with("p ");
            let heard = place.hears(|client, theirs, ours| {
                place.has_probed(client) && ours.is_empty() && theirs.iter().all(polls)
            });
            // What comes later finds a GET, or none.
            let clients = place.history.iter().filter(|it| it[0] == "open").count();
            let found = (0..clients).any(|client| {
                let channel = format!("{client} hears");
                let theirs = place
                    .theirs
                    .get(&channel)
                    .is_some_and(|it| it.iter().all(polls));
                let acts = place.client().is_none_or(|it| it == client);
                let missed = theirs && !place.ours.contains_key(&channel);
                acts && place.has_probed(client) && (place.is("abort") || missed)
            });
            heard || found
        },
    },
    Difference {
        what: "who says what is no packet is out at once: of 4.8 once the close has left",
        holds: |place| {
            let is_packet = |it: &&str| it.starts_with('4') && !["4x", r#"42{"a":1}"#].contains(it);
            let strange = !place.texts().iter().all(is_packet);
            strange && !leaves(place.theirs) && leaves(place.ours)
        },
    },
    Difference {
        what: "a pong that answers no ping changes nothing: 4.8 puts its next ping off",
        holds: |place| {
            let said = |client| place.has_said(client, "3");
            let pings = |notes: &Notes, client: usize| {
                let all = notes.get(&format!("{client} hears"));
                all.map_or(0, |it| it.iter().filter(|it| it.ends_with(" 2")).count())
            };
            let sooner = |client| {
                pings(place.ours, client) > pings(place.theirs, client)
                    || ends(place.ours, client) > ends(place.theirs, client)
                    || times_out(place.ours) > times_out(place.theirs)
            };
            place.is("wait")
                && place
                    .clients(4)
                    .any(|client| said(client) && sooner(client))
        },
    },
    Difference {
        what: "a packet whose bytes do not come ends its connection after `packet_timeout`: 4.8 waits",
        holds: |place| {
            let mut before = place.history[..place.step].iter();
            let begun = before.any(|it| said(it).iter().any(|it| it.starts_with("451-")));
            place.is("wait") && begun && leaves(place.ours) && !leaves(place.theirs)
        },
    },
    Difference {
        what: "a namespace that is joined again has the place that was free: in 4.8 the last, when all are left at once",
        holds: |place| {
            let sorted = |all: &[String]| {
                let mut all = all.to_vec();
                all.sort();
                all
            };
            place.is("out") && place.hears(|_, theirs, ours| sorted(theirs) == sorted(ours))
        },
    },
    Difference {
        what: "a close that nobody fetches takes `close_timeout`: of 4.8, where something is queued, until a ping is missed",
        holds: |place| {
            let Some(client) = place.client() else {
                return false;
            };
            let refused = |notes: &Notes| {
                let all = ["ws", "get", "post"].map(|it| notes.get(&format!("{client} {it}")));
                all.into_iter()
                    .flatten()
                    .flatten()
                    .any(|it| it.starts_with("400"))
            };
            refused(place.ours) && !refused(place.theirs)
        },
    },
    Difference {
        what: "an event without a name is nobody's: 4.8 tells of it as `undefined`",
        holds: |place| {
            let mut theirs = place.theirs.values().flatten();
            theirs.any(|it| it.starts_with("undefined "))
                && place.texts().iter().any(|it| it.ends_with("42"))
        },
    },
    Difference {
        what: "the packets of one body are handled one behind the other: 4.8 reads them all before it lets anybody in or calls a handler, and a close overtakes both",
        holds: |place| {
            let the_same_or_less = |client, theirs: &[String], ours: &[String]| {
                let mut before = place.history[..place.step].iter();
                let several =
                    |it: &super::Step| it[0] == "post" && it[1] == client && said(it).len() > 1;
                theirs.iter().all(|it| ours.contains(it)) && before.any(several)
            };
            // At once, or where what waited is heard.
            place.is("post") && place.texts().len() > 1 || place.hears(the_same_or_less)
        },
    },
];
