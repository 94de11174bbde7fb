//! Worlds whose tasks also use tokio: its paused clock is theirs.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{self, Instant, Sleep};

use crate::sim::{Queue, Sim, Turn};

/// Polls of the world's own tasks, after which those of tokio may run.
const TURNS: usize = 64;

/// When it is known that neither of the two has anything to wait for.
const HORIZON: Duration = Duration::from_secs(365 * 24 * 3600);

/// Plays a world inside of a runtime of tokio's, which has a clock and nothing else.
pub(crate) fn play<T>(sim: &Sim, main: impl Future<Output = T>) -> T {
    runtime().block_on(async {
        let begin = Instant::now();
        let mut main = pin!(main);
        let mut queue = Queue::default();
        let mut sleep = pin!(time::sleep(Duration::ZERO));
        poll_fn(|cx| {
            keep_up(sim, begin, cx);
            for _ in 0..TURNS {
                match sim.turn(&mut queue, main.as_mut()) {
                    Turn::Over(value) => return Poll::Ready(value),
                    Turn::Ran => {}
                    Turn::Idle if !rest(sim, begin, &mut queue, sleep.as_mut(), cx) => {}
                    Turn::Idle => return Poll::Pending,
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    })
}

/// Tasks that were spawned on tokio and have not ended.
pub(crate) fn tasks() -> usize {
    Handle::try_current().map_or(0, |it| it.metrics().num_alive_tasks())
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    let built = builder.enable_time().start_paused(true).build();
    // Without IO there is nothing to be had from the system.
    built.expect("a runtime in memory")
}

/// Has both clocks show the same: the later of the two, since a task may have worked for a while.
fn keep_up(sim: &Sim, begin: Instant, cx: &mut Context<'_>) {
    let (here, there) = (sim.elapsed(), begin.elapsed());
    if here > there {
        // It is advanced when it is polled first, and then only lets others run.
        let _ = pin!(time::advance(here - there)).poll(cx);
    }
    sim.world.pass_time_until(begin.elapsed());
}

/// Waits for the next timer of the world, or for tokio's tasks. `false`: there is something to do after all.
fn rest(
    sim: &Sim,
    begin: Instant,
    queue: &mut Queue,
    mut sleep: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> bool {
    keep_up(sim, begin, cx);
    queue.polls = 0;
    let next = sim.world.with(|state| state.timers.next());
    sleep
        .as_mut()
        .reset(begin + next.unwrap_or_else(|| begin.elapsed() + HORIZON));
    if sleep.as_mut().poll(cx).is_ready() {
        return false;
    }
    if sim.world.ready.sleep(cx.waker()) {
        return true;
    }
    false
}
