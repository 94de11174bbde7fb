//! Clients in the simulation.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use sio_driver::client::no_tls::{self, Tls as NoTls};
use sio_driver::client::{BoxStream, Dialer};

use crate::hosts::Lookup;
use crate::sim::Sim;

/// There is no TLS in the simulation, and no names but those of hosts.
impl Dialer for Sim {
    type Tls = NoTls;

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        let sim = self.clone();
        let host = host.to_owned();
        async move {
            let address = match host.parse() {
                Ok(address) => address,
                Err(_) => sim.look_up(&host).await?,
            };
            Ok(vec![SocketAddr::new(address, port)])
        }
    }

    fn connect(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send + 'static {
        let sim = match from {
            Some(from) => self.at(from),
            None => self.clone(),
        };
        reach(sim, to)
    }

    fn usual_tls(&self) -> io::Result<NoTls> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn secure(&self, tls: &NoTls, host: &str, stream: BoxStream) -> io::Result<BoxStream> {
        no_tls::secure(tls, host, stream).await
    }
}

impl Sim {
    /// The address of a host's name, as far as it can be had.
    async fn look_up(&self, name: &str) -> io::Result<IpAddr> {
        let (known, wrong) = self.world.with(|state| {
            let wrong = state.hosts.lookups.get(&self.host).copied();
            let wrong = wrong.filter(|(_, until)| *until > state.now);
            (state.hosts.find(name), wrong)
        });
        match wrong {
            None => {}
            Some((Lookup::Fail, _)) => return Err(io::ErrorKind::NotFound.into()),
            Some((Lookup::Wait, until)) => {
                let left = until.saturating_sub(self.elapsed());
                self.sleep(left).await;
            }
            Some((Lookup::Hang, _)) => std::future::pending().await,
        }
        known.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

async fn reach(sim: Sim, to: SocketAddr) -> io::Result<BoxStream> {
    Ok(Box::new(sim.connect(to).await?))
}
