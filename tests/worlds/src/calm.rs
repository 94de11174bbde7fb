//! What comes after: nothing goes wrong any more, all come together, and then all go.

use std::time::Duration;

use sio_core::client::Status;
use sio_core::rooms::Target;

use crate::failure::hold;
use crate::options::Child;
use crate::world::{NAMESPACES, World};

impl World {
    /// Lets time pass, and whatever is due. `wait`: until then at most.
    fn passes(&mut self, wait: Duration) {
        let end = self.now + wait;
        self.settle();
        while self.now < end && self.next_thing() {
            self.settle();
        }
    }

    /// Nothing goes wrong any more: they come together, and all that was kept arrives.
    pub(crate) fn heal(&mut self) {
        self.note(60, || "nothing goes wrong any more".to_owned());
        self.calms();
        let parties = self.parties();
        self.all_hands_go();
        // What was done before may show until then.
        self.blame_all("before it was calm");
        let end = self.now + Self::healing() + self.untold();
        while self.now < end {
            self.come_back();
            self.settle();
            if !self.next_thing() {
                break;
            }
        }
        self.settle();
        for party in 0..parties {
            for at in 0..NAMESPACES.len() {
                let client = &self.machines[party].client;
                let state = client.state(self.machines[party].sockets[at]);
                hold!(
                    Heal,
                    state.as_ref().is_some_and(|state| state.connected),
                    "({party}, {at}): {:?}, {state:?}",
                    client.status()
                );
            }
        }
        let (there, sockets) = (self.ledger.lives.there(), parties * NAMESPACES.len());
        hold!(
            Heal,
            there == sockets,
            "{there} are in at the server, {sockets} think so"
        );
        let connections = self.server.connections();
        hold!(
            Dead,
            connections == parties,
            "{connections} connections of {parties} clients"
        );
        self.last_words();
    }

    /// Whoever was taken out comes back.
    fn come_back(&mut self) {
        for party in 0..self.parties() {
            let machine = &mut self.machines[party];
            let now = machine.clock(self.now);
            let mut came = false;
            // It gave up when it was told to, and who was not told how to ask for a namespace does not ask again.
            for socket in std::mem::take(&mut machine.unasked) {
                if !machine.is_in(socket) {
                    machine.client.leave(now, socket);
                }
            }
            if std::mem::take(&mut machine.gave_up) {
                machine.open_all(now);
                came = true;
            }
            // What was refused in revision 4 is asked for by the next connection.
            if std::mem::take(&mut machine.refused) && machine.old {
                for socket in &machine.sockets {
                    machine.client.leave(now, *socket);
                }
            }
            for socket in &machine.sockets {
                if machine.client.state(*socket).is_some_and(|it| !it.active) {
                    machine.client.open(now, *socket);
                    came = true;
                }
            }
            if came {
                self.touch(party);
            }
        }
    }

    /// Each says something to the other once more, and all of it arrives.
    fn last_words(&mut self) {
        let places =
            (0..self.parties()).flat_map(|it| (0..NAMESPACES.len()).map(move |at| (it, at)));
        for place in places.clone() {
            self.says(place, false);
            self.asks(place);
            self.touch(place.0);
        }
        self.server_asks_all();
        self.passes(Duration::from_secs(6));
        for place in places {
            let last = self.ledger.prefix.last_word(place);
            hold!(
                Heal,
                last.is_none_or(|last| self.ledger.prefix.has_heard(place, last)),
                "the last word of {place:?}, {last:?}, has not come"
            );
            let stay = self.ledger.lives.stay_of(place);
            let unseen = stay.and_then(|stay| self.ledger.prefix.unseen(stay));
            hold!(
                Heal,
                unseen.is_none(),
                "{unseen:?} has not come to {place:?}"
            );
        }
        self.ledger.acks.all_have_ended();
    }

    /// All leave, and nothing is left of them.
    pub(crate) fn rest(&mut self) {
        let parties = self.parties();
        self.blame_all("it is closed");
        for party in 0..parties {
            let machine = &mut self.machines[party];
            let now = machine.clock(self.now);
            machine.client.close(now);
            self.touch(party);
        }
        self.passes(Duration::from_secs(60));
        for (party, machine) in self.machines.iter().enumerate() {
            let status = machine.client.status();
            let due = machine.client.poll_timeout();
            hold!(
                Rest,
                status == Status::Closed && due.is_none() && machine.closed,
                "client {party}: {status:?}, {due:?}, told: {}",
                machine.closed
            );
        }
        let connections = self.server.connections();
        hold!(Rest, connections == 0, "{connections} connections");
        let due = self.server.poll_timeout();
        hold!(Rest, due.is_none(), "the server waits for {due:?}");
        for name in NAMESPACES {
            let members = self.server.select(name, &Target::default());
            hold!(Rest, members.is_empty(), "members of {name}: {members:?}");
        }
        self.keeps_no_more();
        for name in NAMESPACES {
            let kept = self.server.recovery_figures(name);
            let kept = kept.map(|it| (it.here, it.away, it.packets, it.bytes));
            hold!(
                Rest,
                kept.is_none_or(|kept| kept == (0, 0, 0, 0)),
                "{name} keeps {kept:?} for nobody"
            );
        }
        let sessions = self.server.sessions();
        hold!(Rest, sessions == 0, "{sessions} sessions count");
        let passing = self.options.server.cleanup_empty_child_namespaces;
        if passing && self.options.child != Child::Opened {
            let left = self.server.namespaces().count();
            hold!(Rest, left == 1, "{left} namespaces, and nobody is there");
        }
        self.knocks.are_over();
        let unanswered = self.network.unanswered();
        hold!(
            Rest,
            unanswered == 0,
            "{unanswered} requests have no answer"
        );
        let wires = self.network.held_by_server();
        hold!(Rest, wires == 0, "{wires} WebSockets were never closed");
        let sockets = self.application.sockets();
        hold!(
            Rest,
            sockets == 0,
            "{sockets} sockets were never told to have left"
        );
        self.ledger.lives.nobody_is_left();
        self.ledger.acks.all_have_ended();
    }

    /// How much longer it takes than a ping: what stalled goes on, what was put off is done.
    fn untold(&self) -> Duration {
        match self.stands_still() {
            true => Duration::from_secs(18),
            false => Duration::from_secs(6),
        }
    }
}
