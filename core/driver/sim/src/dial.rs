//! Clients in the simulation.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use sio_driver::client::no_tls::{self, Tls as NoTls};
use sio_driver::client::{BoxStream, Dialer};

use crate::sim::Sim;

/// There is no TLS in the simulation, and no names but addresses.
impl Dialer for Sim {
    type Tls = NoTls;

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        let address = host.parse::<IpAddr>();
        let address = address.map_err(|_| io::Error::from(io::ErrorKind::NotFound));
        std::future::ready(address.map(|it| vec![SocketAddr::new(it, port)]))
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

async fn reach(sim: Sim, to: SocketAddr) -> io::Result<BoxStream> {
    Ok(Box::new(sim.connect(to).await?))
}
