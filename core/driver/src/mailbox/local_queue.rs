//! What the handlers of a connection tell their own task: it stays on the thread and costs no lock.
//!
//! While a task runs, its thread has a queue for it. Commands that come from below it, from handlers and
//! what they call, are laid there instead of into the mailbox, and the task takes them before it looks at
//! anything else. Nothing overtakes: once something waits in the mailbox, what comes later goes behind it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;

use crate::mailbox::Mailbox;
use crate::mailbox::command::Command;
use crate::mailbox::current::Current;
use crate::mailbox::weight::{Most, Weight};

/// What was told to the task that runs on this thread.
#[derive(Default)]
struct LocalQueue {
    commands: VecDeque<Command>,
    held: Weight,
}

thread_local! {
    static QUEUE: RefCell<LocalQueue> = const {
        RefCell::new(LocalQueue {
            commands: VecDeque::new(),
            held: Weight { bytes: 0, packets: 0 },
        })
    };

    /// Whether something may lie in the queue. Nothing does in most turns of most tasks.
    static LAID: Cell<bool> = const { Cell::new(false) };
}

/// As long as this lives, the queue of this thread is that of one task. One that is polled from within
/// another's handler gets its own meanwhile.
#[must_use = "the queue is left when this is dropped"]
pub(crate) struct Seated {
    /// Whose queue it was before.
    whose: Current,
    /// What lay on it, if anything did: within a handler only.
    aside: Option<(VecDeque<Command>, Weight)>,
}

impl Seated {
    pub(crate) fn at(mailbox: &Mailbox<Command>) -> Self {
        let aside = QUEUE.try_with(|queue| queue.borrow_mut().clear());
        // Without a queue, what is told goes into the mailbox.
        let current = aside
            .as_ref()
            .map_or(Current::NOBODY, |_| Current::with(mailbox));
        Self {
            whose: current.set(),
            aside: aside.ok().flatten(),
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.whose.set();
        let left = QUEUE.try_with(|queue| {
            let queue = &mut *queue.borrow_mut();
            let left = queue.clear();
            if let Some((commands, held)) = self.aside.take() {
                (queue.commands, queue.held) = (commands, held);
                LAID.set(true);
            }
            left
        });
        // Dropped outside: what is in it may be the application's.
        drop(left);
    }
}

impl LocalQueue {
    /// Takes what lies on it. The memory stays, where nothing does.
    fn clear(&mut self) -> Option<(VecDeque<Command>, Weight)> {
        (!self.commands.is_empty())
            .then(|| (mem::take(&mut self.commands), mem::take(&mut self.held)))
    }
}

/// Tells the task that runs on this thread, whichever that is, something that may come before what was told
/// earlier. Gives it back where none does.
pub(crate) fn lay_here(command: Command) -> Result<(), Command> {
    if Current::now() == Current::NOBODY {
        return Err(command);
    }
    QUEUE.with_borrow_mut(|queue| {
        queue.commands.push_back(command);
        LAID.set(true);
    });
    Ok(())
}

/// Lays a command into the queue of the task with this mailbox, if it is a packet only as far as there is room. Gives it
/// back if it belongs into the mailbox: that task does not run here, or something waits there already.
pub(crate) fn lay(
    mailbox: &Mailbox<Command>,
    command: Command,
    packet: Option<(Weight, Most)>,
) -> Result<(), Command> {
    if !Current::now().is(mailbox) || mailbox.is_waiting() {
        return Err(command);
    }
    QUEUE.with_borrow_mut(|queue| {
        if let Some((weight, most)) = packet {
            if !mailbox.has_room(queue.held, weight, most) {
                // What is done about it is decided there, over all that waits.
                mailbox.put_first(&mut queue.commands, mem::take(&mut queue.held));
                return Err(command);
            }
            queue.held.add(weight);
        }
        queue.commands.push_back(command);
        LAID.set(true);
        Ok(())
    })
}

/// Moves what lies in the queue of a task into its mailbox, because something belongs behind it that
/// may still grow: that must see what others push there.
pub(crate) fn hand_over(mailbox: &Mailbox<Command>) {
    if !Current::now().is(mailbox) {
        return;
    }
    QUEUE.with_borrow_mut(|queue| {
        if !queue.commands.is_empty() {
            let held = mem::take(&mut queue.held);
            mailbox.put_first(&mut queue.commands, held);
        }
    });
}

/// What lies in the queue of the task with this mailbox, if it runs here.
pub(crate) fn held(mailbox: &Mailbox<Command>) -> Weight {
    match Current::now().is(mailbox) {
        true => QUEUE.with_borrow(|queue| queue.held),
        false => Weight::default(),
    }
}

/// Moves what lies in the queue behind what is in `batch`.
#[inline]
pub(crate) fn take(mailbox: &Mailbox<Command>, batch: &mut VecDeque<Command>) {
    if LAID.get() {
        take_laid(mailbox, batch);
    }
}

fn take_laid(mailbox: &Mailbox<Command>, batch: &mut VecDeque<Command>) {
    if !Current::now().is(mailbox) {
        return;
    }
    QUEUE.with_borrow_mut(|queue| {
        LAID.set(false);
        if queue.commands.is_empty() {
            return;
        }
        mailbox.count(mem::take(&mut queue.held));
        if batch.is_empty() {
            mem::swap(batch, &mut queue.commands);
        } else {
            batch.append(&mut queue.commands);
        }
    });
}

#[cfg(test)]
mod tests {
    use sio_core::config::Config;
    use sio_core::engine::{Close, Eio, Flags, TransportKind};
    use sio_core::id::Sid;

    use super::*;
    use std::sync::Arc;

    use crate::error::EmitError;
    use crate::mailbox::task_handle::{Common, TaskHandle};

    fn task() -> TaskHandle {
        let config = Config::default().max_backlog_bytes(10);
        let common = Common::new(Arc::new(config));
        let sid = Sid::from_random([7; 15]);
        TaskHandle::new(common, sid, Eio::V4, TransportKind::WebSocket)
    }

    /// A message of so many bytes for plain Engine.IO.
    fn send(task: &TaskHandle, text: &'static str) -> Result<(), EmitError> {
        let data = sio_core::engine::Message::Text(text.into());
        let weight = Weight::of_data(&data);
        let flags = Flags::default();
        let data = Box::new(data);
        task.push_packet(Command::Send { data, flags }, weight, flags)
    }

    fn taken(task: &TaskHandle) -> Vec<String> {
        let mut batch = VecDeque::new();
        take(task.mailbox(), &mut batch);
        task.mailbox().swap(&mut batch);
        batch.iter().map(said).collect()
    }

    fn said(command: &Command) -> String {
        if let Command::Send { data, .. } = command {
            format!("{data:?}")
        } else {
            format!("{command:?}")
        }
    }

    #[test]
    fn what_a_task_tells_itself_needs_no_mailbox_and_overtakes_nothing() {
        let (mine, other) = (task(), task());
        {
            let _seated = Seated::at(mine.mailbox());
            assert_eq!(send(&mine, "a"), Ok(()));
            assert_eq!(send(&other, "o"), Ok(()));
            assert!(!mine.mailbox().is_waiting() && other.mailbox().is_waiting());
            // From another thread, then from here again: behind it.
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(send(&mine, "b"), Ok(())));
            });
            assert_eq!(send(&mine, "c"), Ok(()));
            // A task that runs within a handler has its own queue.
            {
                let _within = Seated::at(other.mailbox());
                assert!(mine.tell(Command::Close(Close::Flush)));
                assert_eq!(taken(&other), [r#"Text("o")"#]);
            }
            assert_eq!(
                taken(&mine),
                [r#"Text("a")"#, r#"Text("b")"#, r#"Text("c")"#, "Close"]
            );
            assert_eq!(send(&mine, "d"), Ok(()));
            assert_eq!(taken(&mine), [r#"Text("d")"#]);
        }
        // Nobody is seated any more.
        assert_eq!(send(&mine, "e"), Ok(()));
        assert!(mine.mailbox().is_waiting());
    }

    /// What may grow must see what others push, so it lies in no queue.
    #[test]
    fn what_is_handed_over_keeps_its_place() {
        let mine = task();
        let seated = Seated::at(mine.mailbox());
        assert_eq!(send(&mine, "a"), Ok(()));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(send(&mine, "b"), Ok(())));
        });
        hand_over(mine.mailbox());
        assert_eq!(send(&mine, "c"), Ok(()));
        drop(seated);
        assert_eq!(
            taken(&mine),
            [r#"Text("a")"#, r#"Text("b")"#, r#"Text("c")"#]
        );
    }

    #[test]
    fn its_limits_are_those_of_the_mailbox() {
        let task = task();
        let alone: Vec<_> = ["12345", "1234", "12", "1"]
            .map(|it| send(&task, it))
            .into();
        let mut batch = VecDeque::new();
        let overflowed = task.mailbox().swap(&mut batch);
        let seated = Seated::at(task.mailbox());
        let own: Vec<_> = ["12345", "1234", "12", "1"]
            .map(|it| send(&task, it))
            .into();
        let mut own_batch = VecDeque::new();
        take(task.mailbox(), &mut own_batch);
        assert_eq!(task.mailbox().swap(&mut own_batch), overflowed);
        drop(seated);
        assert_eq!(own, alone);
        assert_eq!(own, [Ok(()), Ok(()), Err(EmitError::Full), Ok(())]);
        let said_all = |batch: &VecDeque<Command>| batch.iter().map(said).collect::<Vec<_>>();
        assert_eq!(said_all(&own_batch), said_all(&batch));
    }
}
