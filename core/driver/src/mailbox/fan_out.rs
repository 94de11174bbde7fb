//! One packet for many.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use sio_core::engine::Flags;
use sio_core::packet::Encoded;
use sio_core::rooms::Target;
use sio_core::socket::SocketKey;
use smallvec::SmallVec;

use crate::mailbox::batch::{Batch, Opened};
use crate::mailbox::command::Command;
use crate::mailbox::current::Current;
use crate::mailbox::task_handle::TaskHandle;
use crate::mailbox::weight::{Most, Weight};
use crate::mailbox::{NotTaken, Wakers, local_queue};

/// A packet on its way into many mailboxes, and perhaps more behind it.
///
/// What a recipient costs is what a broadcast costs: its lock, four words written in place, and its
/// waker if it sleeps. By [`TaskHandle::hold_packet`], which does the same, it was 400 instructions for each
/// of 1 000, and is 150.
struct FanOut {
    batch: Arc<Batch>,
    weight: Weight,
    flags: Flags,
    current: Current,
    wakers: Wakers,
    /// What all recipients have room for. `None` before the first one.
    room: Option<Weight>,
}

impl FanOut {
    fn new(packet: &Encoded, flags: Flags) -> Self {
        Self {
            batch: Batch::new(packet.clone()),
            weight: Weight::of(packet),
            flags,
            current: Current::now(),
            wakers: Wakers::default(),
            room: None,
        }
    }

    /// For this one too. One that is full or gone holds up nobody.
    fn push(&mut self, task: &TaskHandle, socket: SocketKey) {
        let command = || Command::Cast {
            socket,
            batch: self.batch.clone(),
            flags: self.flags,
        };
        let mailbox = task.mailbox();
        if self.current.is(mailbox) {
            local_queue::hand_over(mailbox);
        }
        let most = Most::of(task.config(), self.flags);
        let (waker, room) = match mailbox.push_open(self.weight, most, command) {
            Ok(taken) => taken,
            // It takes nothing any more.
            Err(NotTaken::Closed) => return,
            Err(NotTaken::Full) => {
                let (waker, _) = task.hold_packet(command(), self.weight, self.flags);
                (waker, Weight::default())
            }
        };
        self.room = Some(self.room.map_or(room, |least| least.min(room)));
        self.wakers.add(waker);
    }

    /// The batch, if it may grow.
    fn open(&self) -> Option<&Arc<Batch>> {
        let room = self.room.filter(|_| !self.flags.volatile)?;
        self.batch.open(room);
        Some(&self.batch)
    }
}

/// So many recipients are looked at before the first of them is told.
const GROUP: usize = 16;

/// Hands a packet to many, as of now: to the `recipients`, whom `target` means as long as the rooms are
/// locked, and who are looked for if the packet is not one more of those that have just been sent to them. Wake
/// what comes back when the rooms are not locked any more.
pub(crate) fn spread<'a, R>(
    opened: &Mutex<Opened>,
    target: &Target,
    flags: Flags,
    packet: &Encoded,
    recipients: impl FnOnce() -> R,
) -> Wakers
where
    R: Iterator<Item = (&'a TaskHandle, SocketKey)>,
{
    let opened = || opened.lock().unwrap_or_else(PoisonError::into_inner);
    if opened().add(target, flags, packet) {
        return Wakers::default();
    }
    // Not locked meanwhile: two that are emitted at the same time may come in any order.
    let mut all = FanOut::new(packet, flags);
    // Members are all over the memory. Read in groups, before anything is locked, they come from there side
    // by side: of 10 000 that are in no cache each takes 45 ns, and 155 if they come one behind the other.
    let mut recipients = recipients().fuse();
    let mut group = SmallVec::<[_; GROUP]>::new();
    loop {
        group.extend(recipients.by_ref().take(GROUP));
        if group.is_empty() {
            break;
        }
        let waiting = group.iter().filter(|(task, _)| task.mailbox().is_waiting());
        black_box(waiting.count());
        for (task, socket) in group.drain(..) {
            all.push(task, socket);
        }
    }
    if let Some(batch) = all.open() {
        opened().set(target, flags, batch);
    }
    all.wakers
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use sio_core::config::{BacklogPolicy, Config};
    use sio_core::connection::{Connection, Event};
    use sio_core::engine::{Eio, Message, Opened as OpenedSession, Session, TransportKind};
    use sio_core::id::Sid;
    use sio_core::packet;
    use sio_core::socket;

    use super::*;
    use crate::mailbox::local_queue::Seated;
    use crate::mailbox::task_handle::Common;

    /// A socket that asks for its namespace.
    fn socket() -> SocketKey {
        let now = sio_core::time::Instant::ORIGIN;
        let config = Arc::new(Config::default());
        let opened = OpenedSession {
            transport: TransportKind::WebSocket,
            revision: Eio::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let mut connection = Connection::<()>::new(now, session, config);
        connection.handle_ws(now, Message::Text("40".into()));
        match connection.poll_event(now) {
            Some(Event::Socket(socket::Event::Connecting { ticket, .. })) => ticket.socket(),
            other => panic!("{other:?}"),
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// To the first, to the second and third, or to all, so many bytes.
        Emit {
            target: usize,
            size: usize,
            volatile: bool,
        },
        Direct {
            task: usize,
            size: usize,
            volatile: bool,
        },
        /// Something that is no packet.
        Tell(usize),
        /// A task takes what was told.
        Take(usize),
        /// It has written that.
        Written(usize),
        Close(usize),
        /// Somebody joins or leaves.
        Change,
    }

    fn step() -> impl Strategy<Value = Step> {
        let volatile = || prop::bool::weighted(0.15);
        prop_oneof![
            8 => (0..3_usize, 0..40_usize, volatile())
                .prop_map(|(target, size, volatile)| Step::Emit { target, size, volatile }),
            2 => (0..3_usize, 0..40_usize, volatile())
                .prop_map(|(task, size, volatile)| Step::Direct { task, size, volatile }),
            1 => (0..3_usize).prop_map(Step::Tell),
            2 => (0..3_usize).prop_map(Step::Take),
            1 => (0..3_usize).prop_map(Step::Written),
            // Not of the task that runs.
            1 => (1..3_usize).prop_map(Step::Close),
            1 => Just(Step::Change),
        ]
    }

    /// What the tasks of three connections are told by these steps, and what those hear who emit. Each
    /// packet has a number. `many`: by the way for many, else by a push for each.
    fn told(policy: BacklogPolicy, steps: &[Step], many: bool, seated: bool) -> Vec<String> {
        const TARGETS: [&[usize]; 3] = [&[0], &[1, 2], &[0, 1, 2]];
        let config = Config::default()
            .max_backlog_packets(6)
            .max_backlog_bytes(150)
            .backlog_policy(policy);
        let common = Common::new(Arc::new(config));
        let tasks: Vec<_> = (0..3_u8)
            .map(|n| {
                let sid = Sid::from_random([n; 15]);
                TaskHandle::new(common.clone(), sid, Eio::V4, TransportKind::WebSocket)
            })
            .collect();
        let _seated = seated.then(|| Seated::at(tasks[0].mailbox()));
        let socket = socket();
        let opened = Mutex::default();
        let mut heard = Vec::new();
        // Looked into at the end only: what is taken must not change any more.
        let mut taken = Vec::new();
        let take = |at: usize, taken: &mut Vec<_>| {
            let mut batch = VecDeque::new();
            local_queue::take(tasks[at].mailbox(), &mut batch);
            let overflowed = tasks[at].mailbox().swap(&mut batch);
            taken.push((at, batch, overflowed));
        };
        let direct = |at: usize, packet: &Encoded, flags: Flags| {
            let command = Command::Deliver {
                socket,
                packet: packet.clone(),
                flags,
            };
            let weight = Weight::of(packet);
            tasks[at].push_packet(command, weight, flags)
        };
        for (number, step) in steps.iter().enumerate() {
            let packet =
                |size: &usize| packet::event("/", None, "x", &(number, "y".repeat(*size))).unwrap();
            let flags = |volatile: &bool| Flags {
                volatile: *volatile,
                ..Flags::default()
            };
            match step {
                Step::Emit {
                    target,
                    size,
                    volatile,
                } => {
                    let (packet, flags) = (packet(size), flags(volatile));
                    let recipients = TARGETS[*target].iter();
                    if many {
                        let target = Target::from([["a", "b", "c"][*target]]);
                        let recipients = recipients.map(|at| (&tasks[*at], socket));
                        spread(&opened, &target, flags, &packet, || recipients).wake();
                    } else {
                        for at in recipients {
                            let _ = direct(*at, &packet, flags);
                        }
                    }
                }
                Step::Direct {
                    task,
                    size,
                    volatile,
                } => heard.push(format!(
                    "{:?}",
                    direct(*task, &packet(size), flags(volatile))
                )),
                Step::Tell(at) => heard.push(format!(
                    "{}",
                    tasks[*at].tell(Command::Disconnect {
                        socket,
                        close: false
                    })
                )),
                Step::Take(at) => take(*at, &mut taken),
                Step::Written(at) => tasks[*at].mailbox().set_session(0, 0),
                Step::Close(at) => drop(tasks[*at].mailbox().close()),
                Step::Change => opened.lock().unwrap().clear(),
            }
        }
        (0..3).for_each(|at| take(at, &mut taken));
        for (at, commands, overflowed) in &taken {
            heard.push(format!("{at} takes, overflowed {overflowed}"));
            heard.extend(commands.iter().flat_map(said));
        }
        heard
    }

    fn said(command: &Command) -> Vec<String> {
        let said = |packet: &Encoded, flags: &Flags| format!("{packet:?} {flags:?}");
        if let Command::Deliver { packet, flags, .. } = command {
            return vec![said(packet, flags)];
        }
        if let Command::Cast { batch, flags, .. } = command {
            let packets = batch.run().packets().iter();
            return packets.map(|packet| said(packet, flags)).collect();
        }
        let gone = matches!(command, Command::Evicted);
        (!gone)
            .then(|| format!("{command:?}"))
            .into_iter()
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn it_does_what_a_push_for_each_does(
            steps in prop::collection::vec(step(), 0..40),
            policy in prop_oneof![
                Just(BacklogPolicy::Close),
                Just(BacklogPolicy::Refuse),
                Just(BacklogPolicy::DropVolatile),
            ],
            seated in any::<bool>(),
        ) {
            let many = told(policy, &steps, true, seated);
            prop_assert_eq!(many, told(policy, &steps, false, seated));
        }
    }

    /// How many commands so many emits are in one mailbox.
    fn commands(emits: usize, size: usize) -> usize {
        let common = Common::new(Arc::default());
        let sid = Sid::from_random([7; 15]);
        let task = TaskHandle::new(common, sid, Eio::V4, TransportKind::WebSocket);
        let (socket, opened) = (socket(), Mutex::default());
        let packet = packet::event("/", None, "x", &"y".repeat(size)).unwrap();
        for _ in 0..emits {
            let all = [(&task, socket)].into_iter();
            spread(
                &opened,
                &Target::default(),
                Flags::default(),
                &packet,
                || all,
            )
            .wake();
        }
        let mut batch = VecDeque::new();
        task.mailbox().swap(&mut batch);
        batch.len()
    }

    #[test]
    fn what_follows_is_one_command_as_long_as_it_is_not_much() {
        assert_eq!(commands(1, 64), 1);
        assert_eq!(commands(32, 64), 1);
        assert_eq!(commands(600, 1), 3);
        assert_eq!(commands(32, 1000), 2);
        assert_eq!(commands(3, 100_000), 3);
    }
}
