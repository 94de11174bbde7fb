//! Which of a host's addresses answers first (RFC 8305).

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::dialer::{BoxStream, Dialer};
use crate::runtime::Sleep;
use crate::sync::BoxFuture;

/// How long one address has before the next is tried beside it (§5).
const APART: Duration = Duration::from_millis(250);

/// Attempts to connect to one host: each address gets its turn, and the first to answer ends it.
pub(super) struct Race<R: Dialer> {
    runtime: R,
    from: Option<IpAddr>,
    untried: VecDeque<SocketAddr>,
    running: Vec<BoxFuture<io::Result<BoxStream>>>,
    next: Option<Pin<Box<R::Sleep>>>,
    error: io::Error,
}

impl<R: Dialer> Race<R> {
    pub(super) fn new(runtime: R, addresses: Vec<SocketAddr>, from: Option<IpAddr>) -> Self {
        Self {
            runtime,
            untried: alternating(addresses, from),
            from,
            running: Vec::new(),
            next: None,
            error: io::Error::new(io::ErrorKind::NotFound, "a host without an address"),
        }
    }

    /// Tries one more, if there is one.
    fn start(&mut self) {
        if let Some(address) = self.untried.pop_front() {
            let attempt = self.runtime.connect(address, self.from);
            self.running.push(Box::pin(attempt));
            let at = self.runtime.now() + APART;
            match &mut self.next {
                Some(sleep) => sleep.as_mut().reset(at),
                none => *none = Some(Box::pin(self.runtime.sleep_until(at))),
            }
        }
    }
}

// What is pinned in it has boxes of its own.
impl<R: Dialer> Unpin for Race<R> {}

impl<R: Dialer> Future for Race<R> {
    type Output = io::Result<BoxStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if this.running.is_empty() {
                this.start();
            }
            let mut at = 0;
            let before = this.running.len();
            while let Some(attempt) = this.running.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Pending => at += 1,
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        this.error = error;
                        drop(this.running.remove(at));
                    }
                }
            }
            let failed = this.running.len() < before;
            if this.running.is_empty() && this.untried.is_empty() {
                let none = io::ErrorKind::NotFound.into();
                return Poll::Ready(Err(std::mem::replace(&mut this.error, none)));
            }
            let rung = match &mut this.next {
                Some(sleep) if !this.untried.is_empty() => sleep.as_mut().poll(cx).is_ready(),
                Some(_) | None => false,
            };
            // One that has failed makes room for the next at once.
            if (failed || rung) && !this.untried.is_empty() {
                this.start();
            } else {
                return Poll::Pending;
            }
        }
    }
}

/// One family after the other, beginning with that of the first (§4); of ours alone if we have an address.
fn alternating(addresses: Vec<SocketAddr>, from: Option<IpAddr>) -> VecDeque<SocketAddr> {
    let reachable = |it: &SocketAddr| from.is_none_or(|from| from.is_ipv4() == it.is_ipv4());
    let mut addresses: VecDeque<_> = addresses.into_iter().filter(reachable).collect();
    let first = addresses.front().is_none_or(SocketAddr::is_ipv6);
    let (mut ones, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.drain(..).partition(|it| it.is_ipv6() == first);
    let mut ordered = VecDeque::with_capacity(ones.len() + others.len());
    while !ones.is_empty() || !others.is_empty() {
        ordered.extend(ones.pop_front());
        ordered.extend(others.pop_front());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| -> Vec<SocketAddr> {
            text.split(' ').map(|it| it.parse().unwrap()).collect()
        };
        let order = |text, from: Option<&str>| {
            let from = from.map(|it| it.parse().unwrap());
            Vec::from(alternating(parse(text), from))
        };
        let all = "[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1";
        let mixed = parse("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1");
        assert_eq!(order(all, None), mixed);
        assert_eq!(order("1.1.1.1:1 [::1]:1", None), parse("1.1.1.1:1 [::1]:1"));
        let fours = parse("1.1.1.1:1 2.2.2.2:1");
        assert_eq!(order(all, Some("9.9.9.9")), fours);
    }
}
