//! Who takes part, and what has befallen them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// What a host runs when it is started.
pub(crate) type Boot = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(crate) struct Hosts {
    /// In the order in which they were named.
    names: Vec<(String, IpAddr)>,
    /// Those that have crashed.
    pub(crate) down: BTreeSet<IpAddr>,
    /// Those that run nothing until this moment.
    pub(crate) stalled: BTreeMap<IpAddr, Duration>,
    /// How far their clocks are ahead.
    pub(crate) ahead: BTreeMap<IpAddr, Duration>,
    /// Those that are suspended, and since when.
    pub(crate) suspended: BTreeMap<IpAddr, Duration>,
    /// How far their clocks are behind.
    behind: BTreeMap<IpAddr, Duration>,
    /// Those on which names are not looked up as they should be, and until when.
    pub(crate) lookups: BTreeMap<IpAddr, (Lookup, Duration)>,
    pub(crate) boots: Vec<(IpAddr, Boot)>,
}

/// What becomes of names that are looked up on a host: [`Sim::lookups`](crate::Sim::lookups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// Nobody knows them.
    Fail,
    /// They are known once it is over, and not before.
    Wait,
    /// Nobody ever answers.
    Hang,
}

impl Hosts {
    /// The address of a name, which is given one if it has none.
    pub(crate) fn name(&mut self, name: &str) -> IpAddr {
        self.find(name).unwrap_or_else(|| {
            let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX) + 1;
            let address = IpAddr::V4(Ipv4Addr::from_bits(FIRST.to_bits().wrapping_add(number)));
            self.names.push((name.to_owned(), address));
            address
        })
    }

    /// # Panics
    /// If nobody has that name: a fault for nobody would be a test of nothing.
    pub(crate) fn known(&self, name: &str) -> IpAddr {
        self.find(name).unwrap_or_else(|| {
            let names: Vec<_> = self.names.iter().map(|(name, _)| name).collect();
            panic!("no host is named {name:?}, only {names:?}")
        })
    }

    pub(crate) fn find(&self, name: &str) -> Option<IpAddr> {
        let mut names = self.names.iter();
        names.find(|(its, _)| its == name).map(|it| it.1)
    }

    /// What to call an address.
    pub(crate) fn name_of(&self, address: IpAddr) -> String {
        let mut names = self.names.iter();
        let named = names.find(|(_, its)| *its == address);
        named.map_or_else(|| address.to_string(), |(name, _)| name.clone())
    }

    /// What the clock of a host shows, which stands still while it is suspended.
    pub(crate) fn clock(&self, host: IpAddr, now: Duration) -> Duration {
        (now + self.ahead(host)).saturating_sub(self.behind(host, now))
    }

    /// When that will be, unless it is suspended until then.
    pub(crate) fn moment(&self, host: IpAddr, clock: Duration, now: Duration) -> Duration {
        (clock + self.behind(host, now)).saturating_sub(self.ahead(host))
    }

    /// How far a clock is ahead.
    pub(crate) fn ahead(&self, host: IpAddr) -> Duration {
        self.ahead.get(&host).copied().unwrap_or_default()
    }

    /// How far it is behind: as far as the host was suspended, this time included. It runs again in the moment in
    /// which that is over, whether anybody has been told or not.
    fn behind(&self, host: IpAddr, now: Duration) -> Duration {
        let before = self.behind.get(&host).copied().unwrap_or_default();
        let Some(since) = self.suspended.get(&host) else {
            return before;
        };
        let until = self.stalled.get(&host).copied().unwrap_or(now);
        before + until.min(now).saturating_sub(*since)
    }

    /// A host that stood still goes on.
    pub(crate) fn goes_on(&mut self, host: IpAddr, now: Duration) {
        let behind = self.behind(host, now);
        if self.suspended.remove(&host).is_some() {
            self.behind.insert(host, behind);
        }
        self.stalled.remove(&host);
    }

    /// Whether a host runs nothing at this moment.
    pub(crate) fn is_stalled(&self, host: IpAddr, now: Duration) -> bool {
        self.stalled.get(&host).is_some_and(|until| *until > now)
    }
}

/// Hosts with names are behind this address.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 0);

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
