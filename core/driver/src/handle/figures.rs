//! What a server says of itself to the recorder of the `metrics` crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use sio_core::engine::TransportKind;
use sio_core::recovery::Figures;

use super::inner::Io;
use crate::metrics::Gauges;

/// The name by which namespaces that clients have brought into being count together.
const CHILDREN: &str = "(children)";

impl Io {
    /// Tells the recorder of the [`metrics`](https://docs.rs/metrics) crate what there is now, on this node: connections by
    /// transport, sockets and rooms by namespace, what waits to be written, and recoveries. Call it before each time that
    /// the recorder is read: it looks at each connection, and costs nothing in between. All else is counted as it happens:
    /// [the list](crate#metrics).
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io};
    /// let io = Io::new(Config::v4());
    /// // In what answers `/metrics`:
    /// io.record_metrics();
    /// // .. and then what the recorder renders.
    /// ```
    pub fn record_metrics(&self) {
        let mut by = [0; 2];
        for task in self.tasks() {
            match task.transport() {
                TransportKind::Polling => by[0] += 1,
                TransportKind::WebSocket => by[1] += 1,
            }
        }
        Gauges::connections(by);
        let backlogs = self.backlogs();
        Gauges::backlog(backlogs.all.bytes, backlogs.most.bytes, backlogs.waits);
        let mut recovered = Figures::default();
        // What clients name must not be names of figures.
        let mut all = BTreeMap::from([(CHILDREN.to_owned(), (0, 0))]);
        for namespace in self.namespaces() {
            let name = match namespace.is_child() {
                true => CHILDREN,
                false => namespace.name(),
            };
            let (sockets, rooms) = all.entry(name.to_owned()).or_default();
            *sockets += namespace.len();
            *rooms += namespace.inner.look(|rooms| rooms.room_count());
            if let Some(its) = namespace.recovery() {
                recovered.recovered += its.recovered;
                recovered.refused += its.refused;
                recovered.lost += its.lost;
                recovered.expired += its.expired;
            }
        }
        for (name, (sockets, rooms)) in &all {
            Gauges::namespace(name, *sockets, *rooms);
        }
        // Nobody is where a namespace is not any more.
        for name in self.forgotten(all.into_keys().collect()) {
            Gauges::namespace(&name, 0, 0);
        }
        for (result, count) in [
            ("recovered", recovered.recovered),
            ("refused", recovered.refused),
            ("lost", recovered.lost),
            ("expired", recovered.expired),
        ] {
            Gauges::recoveries(result, count);
        }
    }

    /// Of these namespaces the recorder was told now: those of which it was told before, and was not.
    fn forgotten(&self, told: BTreeSet<String>) -> Vec<String> {
        let before = {
            let its = self.inner.measured.lock();
            let mut its = its.unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *its, told.clone())
        };
        before.difference(&told).cloned().collect()
    }
}
