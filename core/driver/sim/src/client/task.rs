//! What carries out what a client's machine wants.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use sio_driver::app::core::client::Work;
use sio_driver::binding::{Runtime, Sleep as _};

use super::http::exchange;
use super::shared::Shared;
use super::websocket::carry;
use crate::clock::Sleep;

/// Runs a client until it is closed.
pub(super) async fn run(shared: Arc<Shared>, to: SocketAddr) {
    // Also where the host crashes: whoever waits for something is told.
    let _end = End(shared.clone());
    let mut sleep = Box::pin(shared.sim.sleep_until(shared.sim.now()));
    poll_fn(|cx| turn(&shared, to, sleep.as_mut(), cx)).await;
}

struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn turn(
    shared: &Arc<Shared>,
    to: SocketAddr,
    mut sleep: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        let (work, due, over) = shared.look(|inner, _| {
            let work = inner.work.pop_front();
            if let Some(Work::Request { id, .. } | Work::OpenWebSocket { id, .. }) = &work {
                inner.lines.insert(*id);
            }
            inner.wait(cx);
            let over = inner.over && inner.lines.is_empty();
            (work, inner.machine.poll_timeout(), over)
        });
        if let Some(work) = work {
            shared.sim.spawn(carry_out(shared.clone(), to, work));
            continue;
        }
        if over {
            return Poll::Ready(());
        }
        let Some(due) = due else {
            return Poll::Pending;
        };
        if due.at <= shared.sim.now() {
            shared.tell(|inner, now| inner.machine.handle_timeout(now));
            continue;
        }
        sleep.as_mut().reset(due.at);
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
    }
}

async fn carry_out(shared: Arc<Shared>, to: SocketAddr, work: Work) {
    let id = match work {
        Work::Request { id, request } => {
            let mut exchange = pin!(exchange(&shared.sim, to, request));
            let answered = poll_fn(|cx| {
                let aborted = shared.poll(cx, |inner| inner.is_aborted(id).then_some(()));
                match exchange.as_mut().poll(cx) {
                    Poll::Ready(answered) => Poll::Ready(Some(answered)),
                    Poll::Pending => aborted.map(|()| None),
                }
            });
            if let Some(answered) = answered.await {
                let wall = shared.sim.wall_clock();
                let wall = wall.duration_since(std::time::UNIX_EPOCH).ok();
                shared.tell(|inner, now| inner.machine.handle_response(now, id, answered, wall));
            }
            id
        }
        Work::OpenWebSocket { id, request } => {
            carry(&shared, to, id, request).await;
            id
        }
        Work::Abort(_) | _ => return,
    };
    shared.tell(|inner, _| inner.finish(id));
}
