//! The engines above which one server stands.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::endpoint::Endpoint;
use crate::endpoint::setup::Setup;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::wait_group::{Counted, WaitGroup};

/// The engines whose connections speak to one server, besides its own: those that are bound to it, and
/// single connections that it was handed. What a server does to all its connections it does by this.
#[derive(Default)]
pub(crate) struct Engines {
    /// Theirs to keep, not ours: they hold us.
    bound: Mutex<Vec<Weak<dyn Bound>>>,
    handed: Mutex<Handed>,
    /// Connections that were handed over and are not wound up yet.
    present: Arc<WaitGroup>,
}

/// An engine, as the server knows it that it is bound to.
pub(super) trait Bound: Send + Sync {
    fn setup(&self) -> &Arc<Setup>;

    /// It is closed: lets go of what the application gave it.
    fn release(&self);
}

#[derive(Default)]
struct Handed {
    next: u64,
    /// In the order in which they came.
    tasks: BTreeMap<u64, Arc<TaskHandle>>,
}

/// One connection that was handed over, until it is wound up.
pub(crate) struct HandedOver {
    engines: Arc<Engines>,
    place: u64,
    _counted: Counted,
}

impl Engines {
    pub(super) fn bind(&self, engine: Weak<dyn Bound>) {
        let mut bound = lock(&self.bound);
        // One that was bound before has its new place. None is upgraded here: it may be the last of its kind
        // then, and what its handlers capture is the application's, and not to be dropped under the lock.
        bound.retain(|its| {
            its.strong_count() > 0 && !std::ptr::addr_eq(its.as_ptr(), engine.as_ptr())
        });
        bound.push(engine);
    }

    /// Those that are bound and still there; the last one last.
    pub(super) fn bound(&self) -> Vec<Arc<dyn Bound>> {
        let bound = lock(&self.bound);
        bound.iter().filter_map(Weak::upgrade).collect()
    }

    /// Takes in a single connection.
    pub(super) fn hand_over(self: &Arc<Self>, task: Arc<TaskHandle>) -> HandedOver {
        let mut handed = lock(&self.handed);
        let place = handed.next;
        handed.next = place.wrapping_add(1);
        handed.tasks.insert(place, task);
        HandedOver {
            engines: self.clone(),
            place,
            _counted: self.present.enter(),
        }
    }

    /// Single connections whose engine is none of these.
    pub(super) fn handed(&self, endpoints: &[Arc<Endpoint>]) -> Vec<Arc<TaskHandle>> {
        let among = |task: &TaskHandle| {
            endpoints
                .iter()
                .any(|endpoint| task.shares(&endpoint.common))
        };
        let handed = lock(&self.handed);
        let others = handed.tasks.values().filter(|task| !among(task));
        others.cloned().collect()
    }

    /// Tells these endpoints, and the single connections of others, that they are to close.
    pub(super) fn shut_down(&self, endpoints: &[Arc<Endpoint>]) {
        for endpoint in endpoints {
            endpoint.shut_down();
        }
        for task in self.handed(endpoints) {
            task.send_away();
        }
    }

    /// Waits until all of them are wound up.
    pub(super) async fn gone(&self, endpoints: &[Arc<Endpoint>]) {
        for endpoint in endpoints {
            endpoint.admission.gone().await;
        }
        self.present.none().await;
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        let task = lock(&self.engines.handed).tasks.remove(&self.place);
        drop(task);
    }
}

impl fmt::Debug for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandedOver").field(&self.place).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use sio_core::config::Config;
    use sio_core::engine::CloseReason;

    use crate::handle::{EngineServer, EngineSocket, Io};

    /// Something of the application's that asks for its server's engine when it goes.
    struct Asks(Io);

    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.engine();
        }
    }

    #[test]
    fn an_engine_that_goes_while_others_are_bound_may_ask_its_server() {
        // faults: H18
        let io = Io::new(Config::default());
        let other = EngineServer::new(Config::default());
        for _ in 0..300 {
            let going = EngineServer::new(Config::default());
            let asks = Asks(io.clone());
            going.on_close(move |_: EngineSocket, _: CloseReason| {
                let _ = &asks;
            });
            io.bind(&going);
            let gone = std::thread::spawn(move || drop(going));
            while !gone.is_finished() {
                io.bind(&other);
            }
            gone.join().unwrap();
        }
    }
}
