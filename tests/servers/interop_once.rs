//! The namespace of `interop` whose orders are handled once, however often they are sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::sio::{Ack, Data, Io};

pub(crate) fn register(io: &Io) {
    let namespace = io.of("/once");
    namespace.exactly_once("order");
    let orders = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let all = orders.clone();
    namespace.on(
        "order",
        move |Data((what, wait)): Data<(String, u64)>, ack: Ack| {
            let orders = orders.clone();
            async move {
                let times = {
                    let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                    let times = orders.entry(what.clone()).or_default();
                    *times += 1;
                    *times
                };
                if wait > 0 {
                    crate::support::sleep(Duration::from_millis(wait)).await;
                }
                ack.send(&(what, times))
            }
        },
    );
    namespace.on("orders", move |ack: Ack| {
        let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ack.send(&all)
    });
}
