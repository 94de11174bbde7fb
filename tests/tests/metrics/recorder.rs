//! A recorder that can be asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};

type Values = Mutex<HashMap<String, Arc<AtomicU64>>>;

#[derive(Default)]
struct Registry {
    counters: Values,
    gauges: Values,
    /// How many values each was told.
    histograms: Values,
}

struct Installed;

struct Told(Arc<AtomicU64>);

impl HistogramFn for Told {
    fn record(&self, value: f64) {
        assert!(value >= 0.0, "{value}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    metrics::set_global_recorder(Installed).expect("nobody else has");
    Registry::default()
});

/// A process has one recorder, so tests of it take turns.
static TURN: Mutex<()> = Mutex::new(());

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name with its labels: `name{label=value}`.
fn written(key: &Key) -> String {
    let labels: Vec<_> = key
        .labels()
        .map(|label| format!("{}={}", label.key(), label.value()))
        .collect();
    match labels.is_empty() {
        true => key.name().to_owned(),
        false => format!("{}{{{}}}", key.name(), labels.join(",")),
    }
}

fn value(of: &Values, key: &Key) -> Arc<AtomicU64> {
    lock(of).entry(written(key)).or_default().clone()
}

impl metrics::Recorder for Installed {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, about: SharedString) {
        assert!(!about.is_empty());
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, about: SharedString) {
        assert!(!about.is_empty());
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, about: SharedString) {
        assert!(!about.is_empty());
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(value(&REGISTRY.counters, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(value(&REGISTRY.gauges, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Told(value(&REGISTRY.histograms, key))))
    }
}

/// The recorder, for one test at a time.
pub(crate) struct Recorder {
    _turn: MutexGuard<'static, ()>,
}

impl Recorder {
    pub(crate) fn alone() -> Self {
        let _turn = lock(&TURN);
        let recorder = Self { _turn };
        recorder.forget();
        recorder
    }

    /// From now on.
    pub(crate) fn forget(&self) {
        let all = [&REGISTRY.counters, &REGISTRY.gauges, &REGISTRY.histograms];
        for values in all {
            lock(values)
                .values()
                .for_each(|value| value.store(0, Ordering::SeqCst));
        }
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        Self::of(&REGISTRY.counters, name)
    }

    pub(crate) fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(Self::of(&REGISTRY.gauges, name))
    }

    /// How many values it was told.
    pub(crate) fn histogram(&self, name: &str) -> u64 {
        Self::of(&REGISTRY.histograms, name)
    }

    fn of(values: &Values, name: &str) -> u64 {
        let all = lock(values);
        all.get(name)
            .map_or(0, |value| value.load(Ordering::SeqCst))
    }
}
