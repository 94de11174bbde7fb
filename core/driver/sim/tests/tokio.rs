//! Handlers that use tokio, in virtual time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sio_sim::{Ack, Check, Config, Data, Io, Socket, check, secs};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, timeout};

#[test]
fn timers_tasks_and_channels_of_tokio_take_no_time_outside() {
    check(async |sim| {
        let io = Io::new(Config::v4());
        let main = io.of("/");
        main.on("later", async |Data(seconds): Data<u64>, ack: Ack| {
            let before = Instant::now();
            sleep(Duration::from_secs(seconds)).await;
            ack.send(&before.elapsed().as_secs())
        });
        main.on("count", |socket: Socket| {
            let (tell, mut hears) = mpsc::channel(1);
            tokio::spawn(async move {
                let mut ticks = interval(Duration::from_secs(10));
                for number in 0..3 {
                    ticks.tick().await;
                    tell.send(number).await.unwrap();
                }
            });
            tokio::spawn(async move {
                while let Some(number) = hears.recv().await {
                    socket.emit("tick", &number).unwrap();
                }
            });
        });
        let server = sim.host("server").serve(&io)?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        let began = sim.elapsed();
        let slept = ann
            .timeout(secs(7200))
            .emit_with_ack::<u64>("later", &600)
            .await?;
        assert_eq!(slept, 600);
        assert!(sim.elapsed() - began >= secs(600));

        ann.emit("count", &())?;
        for number in 0..3 {
            assert_eq!(ann.expect::<u32>("tick").await?, number);
        }
        assert!(sim.elapsed() - began >= secs(620));
        // Both clocks are one.
        let (here, there) = (sim.elapsed(), Instant::now());
        timeout(secs(5), std::future::pending::<()>())
            .await
            .unwrap_err();
        assert_eq!(sim.elapsed() - here, there.elapsed());
        sim.block(secs(5));
        sim.advance(secs(1)).await;
        assert_eq!(sim.elapsed() - here, there.elapsed());
        Ok(())
    });
}

#[test]
fn a_task_of_tokio_that_never_ends_is_left() {
    let told = catch_unwind(AssertUnwindSafe(|| {
        Check::new().seeds(1).run(async |_| {
            tokio::spawn(std::future::pending::<()>());
            Ok(())
        });
    }));
    let told = *told.unwrap_err().downcast::<String>().unwrap();
    assert!(told.contains("tasks are left: 1 of tokio's"), "{told}");
}
