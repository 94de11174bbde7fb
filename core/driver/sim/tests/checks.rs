//! What makes a story fail, and how that is told.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sio_sim::{Ack, Check, Config, Error, Io, Runtime, Sim, check};

/// What a story fails with.
fn failure(story: impl AsyncFn(Sim) -> Result<(), Error>) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| Check::new().seeds(3).run(story)));
    *failed.unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn an_error_and_a_panic_are_told_with_the_seed_that_shows_them() {
    let told = failure(async |_| Err("it is wrong".into()));
    let small = "with SIO_SIM=[], after 0ns: it is wrong";
    assert_eq!(
        told,
        format!("with SIO_SIM=0, after 0ns: it is wrong\n{small}")
    );
    let told = failure(async |sim| {
        let drawn = sim.choose(|choices| choices.below(2));
        assert_eq!(drawn, 0, "drawn");
        Ok(())
    });
    assert!(told.starts_with("with SIO_SIM="), "{told}");
    assert!(told.contains("drawn"), "{told}");
}

#[test]
fn what_is_drawn_is_made_smaller_and_kept_lists_are_played_first() {
    async fn story(sim: Sim) -> Result<(), Error> {
        let drawn: Vec<_> = (0..20)
            .map(|_| {
                sim.choose(|it| {
                    it.part();
                    it.below(1000)
                })
            })
            .collect();
        match drawn.iter().find(|it| **it >= 700) {
            Some(high) => Err(format!("{high} is too high").into()),
            None => Ok(()),
        }
    }
    let told = failure(story);
    let small = told.lines().last().unwrap();
    assert_eq!(small, "with SIO_SIM=[ / 700], after 0ns: 700 is too high");

    let folder = std::env::temp_dir().join(format!("sio-sim-kept-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("high.txt"), "/ 9 / 801 # once it was").unwrap();
    let kept = Check::new().seeds(0).kept(&folder);
    let failed = catch_unwind(AssertUnwindSafe(|| kept.run(story)));
    let told = *failed.unwrap_err().downcast::<String>().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(told.contains("801 is too high"), "{told}");
}

#[test]
fn a_panic_in_a_handler_fails_unless_it_may() {
    let story = async |sim: Sim| {
        let io = Io::new(Config::v4());
        io.of("/")
            .on("panic", |_: Ack| -> () { panic!("on purpose") });
        let server = sim.host("server").serve(&io)?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        assert!(ann.emit_with_ack::<()>("panic", &()).await.is_err());
        Ok(())
    };
    let told = failure(story);
    assert!(told.contains("a handler panicked: on purpose"), "{told}");
    Check::new().seeds(3).may_panic().run(story);
}

#[test]
fn what_is_left_behind_is_named() {
    async fn forgotten() {
        std::future::pending().await
    }
    let told = failure(async |sim| {
        sim.host("ann").sim().spawn(forgotten());
        Ok(())
    });
    assert!(told.contains("tasks are left: forgotten"), "{told}");

    let told = failure(async |sim| {
        let server = sim.host("server").serve(&Io::new(Config::v4()))?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        // Nobody drops it.
        std::mem::forget(ann);
        Ok(())
    });
    assert!(told.contains("sockets are left"), "{told}");
}

#[test]
fn a_story_that_waits_for_nothing_says_who_waits_for_what() {
    let told = failure(async |_| std::future::pending().await);
    assert!(told.contains("deadlock: no timer is set"), "{told}");
}

#[test]
fn each_seed_is_another_world() {
    let mut drawn = std::collections::BTreeSet::new();
    let all = std::sync::Mutex::new(&mut drawn);
    check(async |sim| {
        all.lock()
            .unwrap()
            .insert(sim.choose(|choices| choices.below(1 << 40)));
        Ok(())
    });
    assert_eq!(drawn.len(), 100);
}
