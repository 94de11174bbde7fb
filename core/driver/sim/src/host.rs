//! A host with a name.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use sio_driver::binding::{Runtime, Server};

use crate::sim::Sim;

/// One of the machines of a world: it has a name, by which faults befall it, and an address that nobody else has.
#[derive(Clone)]
pub struct Host {
    sim: Sim,
    name: Arc<str>,
}

/// What is served on a [`Host`], and where.
#[derive(Clone, Debug)]
pub struct Served {
    address: SocketAddr,
}

impl Sim {
    /// The host of this name, which is there from the first time that it is named.
    pub fn host(&self, name: &str) -> Host {
        let address = self.world.with(|state| state.hosts.name(name));
        Host {
            sim: self.at(address),
            name: name.into(),
        }
    }
}

impl Host {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The world as it sees it: what is spawned there runs on it, and is gone when it crashes.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Serves, in the background, until the server is closed: a Socket.IO server, an Engine.IO one, or a [`Server`] of
    /// several, on port 80 or the first behind it that is free. When the host is
    /// [restarted](Sim::restart) it serves again; what the application keeps outside of connections is then as it
    /// was.
    ///
    /// # Errors
    /// No port is free.
    pub fn serve<S: Into<Server> + Clone>(&self, server: &S) -> io::Result<Served> {
        let server: Server = server.clone().into();
        self.serve_with(move || server.clone())
    }

    /// The same, by a server that is made anew each time that the host is started.
    ///
    /// # Errors
    /// No port is free.
    pub fn serve_with(
        &self,
        make: impl Fn() -> Server + Send + Sync + 'static,
    ) -> io::Result<Served> {
        let mut ports = 80..=u16::MAX;
        let free = ports.find_map(|port| {
            let address = SocketAddr::new(self.sim.host, port);
            Some((address, self.sim.listen(address).ok()?))
        });
        let (address, listener) = free.ok_or(io::ErrorKind::AddrInUse)?;
        let its = self.sim.clone();
        let run = move |listener| {
            let (sim, server) = (its.clone(), make());
            sim.world.with(|state| state.servers.push(server.clone()));
            its.spawn(async move {
                // None but those of a listener that cannot recover, which this one is not.
                drop(sim.serve(listener, server).await);
            });
        };
        run(listener);
        let sim = self.sim.clone();
        let boot = move || {
            // Taken still, if it was not the host that ended: then it is served there already.
            if let Ok(listener) = sim.listen(address) {
                run(listener);
            }
        };
        let boot = Arc::new(boot);
        let host = self.sim.host;
        (self.sim.world).with(|state| state.hosts.boots.push((host, boot)));
        Ok(Served { address })
    }
}

impl Served {
    /// Where it is reached.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.name).finish()
    }
}
