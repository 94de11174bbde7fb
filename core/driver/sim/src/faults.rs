//! What can go wrong, by hand.

use std::time::Duration;

use crate::hosts::Lookup;
use crate::sim::Sim;

impl Sim {
    /// Nothing passes between two hosts any more, in either direction, until [`heal`](Self::heal). What is under way
    /// waits, as it does in TCP, and neither side is told.
    ///
    /// # Panics
    /// If a host has no such name.
    pub fn partition(&self, one: &str, other: &str) {
        self.world.with(|state| {
            state.fault(format!("partition {one} | {other}"));
            let (a, b) = (state.hosts.known(one), state.hosts.known(other));
            state.shut(a, b);
            state.shut(b, a);
        });
    }

    /// Everything passes again, between all hosts.
    pub fn heal(&self) {
        self.world.with(|state| {
            state.fault("heal".to_owned());
            while let Some((from, to)) = state.net.shut.first().copied() {
                state.open(from, to);
            }
        });
    }

    /// Nothing passes from one host to another, until [`release`](Self::release) or [`heal`](Self::heal). The other
    /// direction is as it was.
    ///
    /// # Panics
    /// If a host has no such name.
    pub fn hold(&self, from: &str, to: &str) {
        self.world.with(|state| {
            state.fault(format!("hold {from} -> {to}"));
            let (from, to) = (state.hosts.known(from), state.hosts.known(to));
            state.shut(from, to);
        });
    }

    /// What was held from one host to another arrives.
    ///
    /// # Panics
    /// If a host has no such name.
    pub fn release(&self, from: &str, to: &str) {
        self.world.with(|state| {
            state.fault(format!("release {from} -> {to}"));
            let (from, to) = (state.hosts.known(from), state.hosts.known(to));
            state.open(from, to);
        });
    }

    /// All connections between two hosts break off: what is under way is lost, and both sides are told.
    ///
    /// # Panics
    /// If a host has no such name.
    pub fn cut(&self, one: &str, other: &str) {
        self.world.with(|state| {
            state.fault(format!("cut {one} | {other}"));
            let hosts = (state.hosts.known(one), state.hosts.known(other));
            let pipes = state.net.pipes.iter().enumerate().step_by(2);
            let between = pipes
                .filter(|(_, pipe)| (pipe.from, pipe.to) == hosts || (pipe.to, pipe.from) == hosts);
            let connections: Vec<_> = between.map(|(at, _)| at / 2).collect();
            for connection in connections {
                state.sever(connection);
            }
        });
    }

    /// A host runs nothing for so long, as a process that is stopped. What arrives meanwhile waits for it.
    ///
    /// # Panics
    /// If no host has that name.
    pub fn stall(&self, host: &str, time: Duration) {
        self.world.with(|state| {
            state.fault(format!("stall {host} for {time:?}"));
            let host = state.hosts.known(host);
            state.stall(host, time);
        });
    }

    /// A host runs nothing for so long, and its clock stands still meanwhile, as that of a machine does that is put to
    /// sleep. The clock on its wall goes on.
    ///
    /// ```
    /// use sio_sim::{Config, Io, Runtime, secs};
    ///
    /// sio_sim::check(async |sim| {
    ///     let io = Io::new(Config::v4());
    ///     let server = sim.host("server").serve(&io)?;
    ///     let ann = sim.host("ann").client(&server).connect("/").await?;
    ///     let before = sim.host("ann").sim().now();
    ///     sim.suspend("ann", secs(3600));
    ///     sim.advance(secs(3600)).await;
    ///     // She knows that she was away for longer than her server waits, and comes back.
    ///     assert_eq!(sim.host("ann").sim().now(), before);
    ///     assert_eq!(ann.disconnected().await?, "ping timeout");
    ///     ann.connected().await?;
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Panics
    /// If no host has that name.
    pub fn suspend(&self, host: &str, time: Duration) {
        self.world.with(|state| {
            state.fault(format!("suspend {host} for {time:?}"));
            let host = state.hosts.known(host);
            let now = state.now;
            state.hosts.suspended.entry(host).or_insert(now);
            state.stall(host, time);
        });
    }

    /// For so long, names that a client on this host looks up ([`by_name`](crate::client::Builder::by_name)) are not
    /// known, not known yet, or never answered. What is connected stays so.
    ///
    /// ```
    /// use sio_sim::{Config, Io, Lookup, secs};
    ///
    /// sio_sim::check(async |sim| {
    ///     let io = Io::new(Config::v4());
    ///     let server = sim.host("server").serve(&io)?;
    ///     let ann = sim.host("ann").client(&server).by_name().build()?.socket("/")?;
    ///     sim.lookups("ann", Lookup::Fail, secs(30));
    ///     ann.open();
    ///     sim.advance(secs(29)).await;
    ///     assert!(!ann.is_connected());
    ///     // She tries again all the time.
    ///     ann.connected().await?;
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Panics
    /// If no host has that name.
    pub fn lookups(&self, host: &str, lookup: Lookup, time: Duration) {
        self.world.with(|state| {
            state.fault(format!("lookups of {host} {lookup:?} for {time:?}"));
            let (host, until) = (state.hosts.known(host), state.now + time);
            state.hosts.lookups.insert(host, (lookup, until));
        });
    }

    /// A host ends, as a process that is killed: all its tasks are gone at once, and its system closes what they had
    /// open. It runs nothing more until [`restart`](Self::restart). Where the other side is not to be told, as when
    /// the power fails, [`partition`](Self::partition) the host before.
    ///
    /// # Panics
    /// If no host has that name.
    pub fn crash(&self, host: &str) {
        let tasks = self.world.with(|state| {
            state.fault(format!("crash {host}"));
            let host = state.hosts.known(host);
            state.hosts.down.insert(host);
            state.tasks.take_all(host)
        });
        // They lock the state when they are dropped.
        drop(tasks);
    }

    /// A host that has crashed is there again, and serves what it served, anew
    /// ([`Host::serve`](crate::Host::serve)). What its clients were, is gone.
    ///
    /// # Panics
    /// If no host has that name.
    pub fn restart(&self, host: &str) {
        let boots = self.world.with(|state| {
            state.fault(format!("restart {host}"));
            let host = state.hosts.known(host);
            state.hosts.down.remove(&host);
            let boots = state.hosts.boots.iter().filter(|(its, _)| *its == host);
            boots.map(|(_, boot)| boot.clone()).collect::<Vec<_>>()
        });
        for boot in boots {
            boot();
        }
    }

    /// The clock of a host jumps forward: to it, so much time has passed at once.
    ///
    /// # Panics
    /// If no host has that name.
    pub fn jump(&self, host: &str, time: Duration) {
        self.world.with(|state| {
            state.fault(format!("jump {host} by {time:?}"));
            let host = state.hosts.known(host);
            *state.hosts.ahead.entry(host).or_default() += time;
            state.timers.jump(host, time);
        });
    }

    /// Nothing goes wrong any more: everything passes, and the weather is what it is by default. Hosts that have
    /// crashed stay away.
    pub fn calm(&self) {
        self.heal();
        self.weather(crate::net::Weather::default());
        self.world.with(|state| {
            state.hosts.lookups.clear();
            let stalled: Vec<_> = state.hosts.stalled.keys().copied().collect();
            for host in stalled {
                state.stall(host, Duration::ZERO);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join;
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};
    use sio_driver::app::{Config, Io};
    use sio_driver::binding::Runtime;
    use sio_driver::client::Dialer;

    use super::*;
    use crate::{Sim, Stream, Weather};

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs something between the ends of a connection from `a` to `b`.
    fn connected<F: Future<Output = ()>>(story: impl Fn(Sim, Stream, Stream) -> F) {
        for seed in 0..4 {
            let sim = Sim::new(seed);
            let inner = sim.clone();
            sim.run(async {
                let (a, b) = (inner.host("a"), inner.host("b"));
                let address = (b.sim().host, 80).into();
                let listener = b.sim().listen(address).unwrap();
                let accepting = poll_fn(|cx| listener.poll_accept(cx));
                let (client, accepted) = join(a.sim().connect(address), accepting).await;
                story(inner.clone(), client.unwrap(), accepted.unwrap().0).await;
            });
        }
    }

    #[test]
    fn what_is_said_across_a_partition_arrives_when_it_heals() {
        connected(async |sim, mut client, mut server| {
            client.write_all(b"before ").await.unwrap();
            sim.partition("b", "a");
            client.write_all(b"after").await.unwrap();
            client.close().await.unwrap();
            server.write_all(b"answer").await.unwrap();
            sim.sleep(60 * SECOND).await;
            let mut text = String::new();
            let reading = server.read_to_string(&mut text);
            let mut reading = std::pin::pin!(reading);
            assert!(futures_util::poll!(&mut reading).is_pending());
            sim.heal();
            reading.await.unwrap();
            assert_eq!(text, "before after");
            let mut answer = [0; 6];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"answer");
        });
    }

    #[test]
    fn who_is_suspended_runs_nothing_and_its_clock_stands_still() {
        let sim = Sim::new(1);
        let inner = sim.clone();
        sim.run(async move {
            let host = inner.host("a").sim().clone();
            let (start, wall) = (host.now(), host.wall_clock());
            let (sleeper, rung) = (host.clone(), Arc::new(AtomicUsize::new(0)));
            let its = rung.clone();
            host.spawn(async move {
                // As all do who trust their clock and not their timer.
                let at = sleeper.now() + 3 * SECOND;
                while sleeper.now() < at {
                    sleeper.sleep_until(at).await;
                }
                its.fetch_add(1, Ordering::Relaxed);
            });
            inner.sleep(SECOND).await;
            inner.suspend("a", 10 * SECOND);
            inner.sleep(9 * SECOND).await;
            assert_eq!(host.now() - start, SECOND);
            assert_eq!(host.wall_clock().duration_since(wall).unwrap(), 10 * SECOND);
            // It goes on when it would have stood still for shorter.
            inner.stall("a", SECOND / 2);
            inner.sleep(SECOND).await;
            assert_eq!(host.now() - start, 3 * SECOND / 2);
            assert_eq!(rung.load(Ordering::Relaxed), 0);
            inner.suspend("a", SECOND);
            inner.sleep(2 * SECOND).await;
            assert_eq!(rung.load(Ordering::Relaxed), 0);
            inner.sleep(SECOND).await;
            assert_eq!(rung.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn names_are_looked_up_as_it_is_said_and_only_for_as_long() {
        let sim = Sim::new(1);
        let inner = sim.clone();
        sim.run(async move {
            let (a, b) = (inner.host("a"), inner.host("b"));
            let known = vec![(b.sim().host, 80).into()];
            let look_up = || a.sim().resolve("b", 80);
            assert_eq!(look_up().await.unwrap(), known);
            let nobody = a.sim().resolve("nobody", 80).await.unwrap_err();
            assert_eq!(nobody.kind(), io::ErrorKind::NotFound);
            inner.lookups("a", Lookup::Fail, SECOND);
            let error = look_up().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(a.sim().resolve("10.0.0.1", 80).await.unwrap().len(), 1);
            assert_eq!(b.sim().resolve("a", 80).await.unwrap().len(), 1);
            inner.sleep(SECOND).await;
            assert_eq!(look_up().await.unwrap(), known);
            inner.lookups("a", Lookup::Wait, 5 * SECOND);
            assert_eq!(look_up().await.unwrap(), known);
            assert_eq!(inner.elapsed(), 6 * SECOND);
            inner.lookups("a", Lookup::Hang, SECOND);
            let mut waits = Box::pin(look_up());
            assert!(futures_util::poll!(&mut waits).is_pending());
            inner.calm();
            assert_eq!(look_up().await.unwrap(), known);
            assert!(futures_util::poll!(&mut waits).is_pending());
        });
    }

    #[test]
    fn one_direction_is_held_and_the_other_is_not() {
        connected(async |sim, mut client, mut server| {
            sim.hold("a", "b");
            client.write_all(b"x").await.unwrap();
            server.write_all(b"y").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            sim.sleep(SECOND).await;
            assert!(futures_util::poll!(server.read(&mut [0])).is_pending());
            sim.release("a", "b");
            server.read_exact(&mut [0]).await.unwrap();
        });
    }

    #[test]
    fn who_calls_across_a_partition_is_heard_when_it_heals_or_gives_up() {
        let sim = Sim::new(1);
        let inner = sim.clone();
        sim.run(async move {
            let (a, b) = (inner.host("a"), inner.host("b"));
            let address = (b.sim().host, 80).into();
            let _listener = b.sim().listen(address).unwrap();
            inner.partition("a", "b");
            let error = a.sim().connect(address).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(inner.elapsed().as_secs(), 127);
            let healing = async {
                inner.sleep(10 * SECOND).await;
                inner.heal();
            };
            let (connected, ()) = join(a.sim().connect(address), healing).await;
            connected.unwrap();
            assert_eq!(inner.elapsed().as_secs(), 127 + 15);
        });
    }

    #[test]
    fn a_cut_is_told_to_both_ends_and_loses_what_is_under_way() {
        connected(async |sim, mut client, mut server| {
            client.write_all(b"lost").await.unwrap();
            sim.cut("a", "b");
            for stream in [&mut client, &mut server] {
                let error = stream.read(&mut [0]).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                let error = stream.write(b"x").await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            }
        });
    }

    /// Counts seconds on a host.
    fn counting(sim: &Sim, host: &str) -> Arc<AtomicUsize> {
        let count = Arc::<AtomicUsize>::default();
        let (its, its_count) = (sim.host(host).sim().clone(), count.clone());
        sim.host(host).sim().spawn(async move {
            loop {
                its.sleep(SECOND).await;
                its_count.fetch_add(1, Ordering::Relaxed);
            }
        });
        count
    }

    #[test]
    fn a_host_stands_still_crashes_and_its_clock_jumps() {
        let sim = Sim::new(1);
        let inner = sim.clone();
        sim.run(async move {
            let sim = inner;
            let (still, other) = (counting(&sim, "a"), counting(&sim, "b"));
            let counts = || {
                let counts = [&still, &other].map(|it| it.load(Ordering::Relaxed));
                (counts[0], counts[1])
            };
            sim.sleep(SECOND / 2).await;
            sim.stall("a", 10 * SECOND);
            sim.sleep(10 * SECOND).await;
            assert_eq!(counts().1, 10);
            sim.sleep(3 * SECOND).await;
            assert_eq!(counts(), (4, 13), "one that was missed, and those since");

            let before = sim.host("b").sim().now();
            sim.jump("b", 3600 * SECOND);
            assert_eq!(sim.host("b").sim().now() - before, 3600 * SECOND);
            assert_eq!(sim.elapsed(), 13 * SECOND + SECOND / 2);
            sim.sleep(SECOND / 4).await;
            assert_eq!(counts(), (4, 14), "what was to come is due at once");
            sim.sleep(SECOND).await;
            assert_eq!(counts(), (5, 15));
            // One that does not come so far rings when it would have, and no sooner.
            sim.jump("b", SECOND / 8);
            sim.sleep(SECOND / 2).await;
            assert_eq!(counts().1, 15);
            sim.sleep(SECOND / 2).await;
            assert_eq!(counts(), (6, 16));

            sim.crash("a");
            sim.sleep(SECOND).await;
            assert_eq!(counts(), (6, 17));
            let spawned = counting(&sim, "a");
            sim.sleep(2 * SECOND).await;
            assert_eq!(spawned.load(Ordering::Relaxed), 0, "nothing runs there");
            assert_eq!(Arc::strong_count(&spawned), 1);
            sim.crash("b");
            assert_eq!(sim.left(), ["main"]);
        });
    }

    /// Says hello to a server, on a connection of its own.
    async fn greet(sim: &Sim, to: std::net::SocketAddr) -> io::Result<Stream> {
        let mut stream = sim.connect(to).await?;
        let hello = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(hello.as_bytes()).await?;
        let mut status = [0; 15];
        stream.read_exact(&mut status).await?;
        match &status {
            b"HTTP/1.1 200 OK" => Ok(stream),
            other => Err(io::Error::other(String::from_utf8_lossy(other))),
        }
    }

    #[test]
    fn a_server_that_crashed_is_away_until_it_is_started_again() {
        for seed in 0..4 {
            let sim = Sim::new(seed);
            let inner = sim.clone();
            sim.run(async move {
                let sim = inner;
                let io = Io::new(Config::v4());
                let address = sim.host("server").serve(&io).unwrap().address();
                let mut stream = greet(&sim, address).await.unwrap();
                assert_eq!(io.engine_sessions(), 1);
                sim.crash("server");
                assert_eq!(io.engine_sessions(), 0);
                assert!(stream.read_to_end(&mut Vec::new()).await.is_ok());
                let error = sim.connect(address).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
                sim.restart("server");
                greet(&sim, address).await.unwrap();
                io.close().await;
                sim.sleep(SECOND).await;
                assert_eq!(sim.left(), ["main"]);
            });
            sim.clear();
        }
    }

    #[test]
    fn rough_weather_lets_things_go_wrong_and_calm_ends_it() {
        let mut seen = [false; 3];
        for seed in 0..20 {
            let sim = Sim::new(seed);
            let inner = sim.clone();
            sim.run(async move {
                let sim = inner;
                sim.weather(Weather {
                    cuts: 5,
                    outages: 5,
                    stalls: 20,
                    ..Weather::default()
                });
                let io = Io::new(Config::v4());
                let address = sim.host("server").serve(&io).unwrap().address();
                for _ in 0..10 {
                    // It may not come through.
                    drop(greet(sim.host("a").sim(), address).await);
                }
                sim.calm();
                greet(sim.host("a").sim(), address).await.unwrap();
                io.close().await;
                sim.sleep(60 * SECOND).await;
                assert_eq!(sim.left(), ["main"]);
            });
            for (_, fault) in sim.history().faults {
                for (seen, name) in seen.iter_mut().zip(["cut", "partition", "stall"]) {
                    *seen |= fault.starts_with(name);
                }
            }
            sim.clear();
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    #[should_panic(expected = "no host is named \"bop\", only [\"bob\"]")]
    fn a_fault_for_nobody_is_refused() {
        let sim = Sim::new(1);
        sim.host("bob");
        sim.partition("bob", "bop");
    }
}
