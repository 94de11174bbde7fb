//! What takes long: in the simulation alone, where no time passes.

use std::time::Duration;

use sio_sim::Sim;
use sio_tokio::{AckError, Config, Io, Socket};

use crate::client::Message;
use crate::here::sleep;
use crate::world::{Simulated, World, simulate};

const SECOND: Duration = Duration::from_secs(1);

/// Runs in what a machine needs to poll some thousand futures.
#[test]
fn an_hour_of_heartbeats_passes_at_once() {
    simulate(|| async {
        let io = Io::new(Config::default());
        let world = World::new(&Simulated, io).await;
        let (mut client, _) = world.join().await;
        let sim = Sim::current().unwrap();
        let mut pings = 0;
        while sim.elapsed() < 3600 * SECOND {
            // By hand: a client waits longer for a message than a test for anything else.
            let (first, payload) = client.wire.frame().await.unwrap();
            assert_eq!((first, &*payload), (0x81, &b"2"[..]));
            client.send("3").await;
            pings += 1;
        }
        assert_eq!(pings, 3600 / 25);
        client.send("40/other,").await;
        assert!(client.text().await.starts_with("44/other,"));
        drop(client);
        world.ends().await;
    });
}

#[test]
fn a_silent_client_is_given_up_when_its_time_is_over() {
    simulate(|| async {
        let world = World::new(&Simulated, Io::new(Config::default())).await;
        let (mut client, _) = world.join().await;
        let sim = Sim::current().unwrap();
        let joined = sim.elapsed();
        // 25 s until the ping, 60 s for the pong.
        sleep(84 * SECOND).await;
        assert_eq!(world.io.engine_sessions(), 1);
        sleep(2 * SECOND).await;
        assert_eq!(world.io.engine_sessions(), 0);
        assert_eq!(sim.elapsed() - joined, 86 * SECOND);
        let (ping, _) = client.wire.frame().await.unwrap();
        assert_eq!(ping, 0x81);
        assert!(matches!(
            client.next().await,
            Some(Message::Close(_)) | None
        ));
        drop(client);
        world.ends().await;
    });
}

/// The timer is set for the heartbeat; what is due before it is not late for that.
#[test]
fn what_is_due_before_the_next_heartbeat_is_done_in_time() {
    simulate(|| async {
        let world = World::new(&Simulated, Io::new(Config::default())).await;
        let (client, id) = world.join().await;
        let socket = world.io.of("/").get(&id).unwrap();
        let sim = Sim::current().unwrap();
        sleep(SECOND).await;
        for wait in [5 * SECOND, Duration::ZERO, SECOND, Duration::ZERO] {
            let asked = sim.elapsed();
            let answer = socket.timeout(wait).emit_with_ack::<()>("x", &());
            assert_eq!(answer.await, Err(AckError::Timeout));
            assert_eq!(sim.elapsed() - asked, wait);
        }
        drop(client);
        world.ends().await;
    });
}

/// What a handler has computed before it asks is no time that its client had.
#[test]
fn the_time_for_an_answer_begins_when_it_is_asked_for() {
    simulate(|| async {
        let (work, wait) = (3 * SECOND, 5 * SECOND);
        let io = Io::new(Config::default());
        let (tell, hears) = std::sync::mpsc::channel();
        io.of("/").on("compute", move |socket: Socket| {
            let tell = tell.clone();
            let sim = Sim::current().unwrap();
            sim.block(work);
            let asked = sim.elapsed();
            let answer = socket.timeout(wait).emit_with_ack::<()>("x", &());
            async move {
                assert_eq!(answer.await, Err(AckError::Timeout));
                tell.send(sim.elapsed() - asked).unwrap();
            }
        });
        let world = World::new(&Simulated, io).await;
        let (mut client, _) = world.join().await;
        client.send(r#"42["compute"]"#).await;
        assert!(client.text().await.ends_with(r#"["x"]"#));
        sleep(2 * wait).await;
        assert_eq!(hears.try_recv(), Ok(wait));
        drop(client);
        world.ends().await;
    });
}
