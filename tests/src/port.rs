//! Ports for servers that are told where to listen: programs, and what is started again where it was.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Where the system begins to give ports to connections, if it does not say.
const FIRST_OF_THE_SYSTEM: u16 = 32_768;

/// Where ours begin.
const FIRST: u16 = 12_000;

/// An address of the loopback at which nobody listens. Its port is below those that the system gives to connections: one of
/// these can be taken by a connection of another test before the server listens, or while it is away.
pub fn free_address() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let ours = ours();
    let span = u32::from(ours.end - ours.start);
    // Processes of tests begin at places of their own.
    let begin = process::id().wrapping_mul(61) % span;
    (0..span)
        .map(|_| {
            let next = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
            let offset = u16::try_from((begin + next) % span).expect("less than there are ports");
            SocketAddr::from((Ipv4Addr::LOCALHOST, ours.start + offset))
        })
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

fn ours() -> Range<u16> {
    let systems = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    let first = systems.and_then(|range| range.split_whitespace().next()?.parse().ok());
    let end = first.unwrap_or(FIRST_OF_THE_SYSTEM);
    if end > FIRST {
        FIRST..end
    } else {
        FIRST..u16::MAX
    }
}
