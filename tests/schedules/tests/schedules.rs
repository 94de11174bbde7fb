//! Each story under schedules that are drawn: at random, and by few changes of who runs (PCT).

use shuttle::{check_pct, check_random};
use sio_schedules::STORIES;

/// How many schedules of each story are tried, half by each way, unless `SIO_SCHEDULES` says.
const SCHEDULES: usize = 600;

#[test]
fn hold_under_every_schedule() {
    let said = std::env::var("SIO_SCHEDULES").ok();
    let schedules = said.map_or(SCHEDULES, |it| it.parse().expect("a number"));
    for (name, story) in STORIES {
        check_random(*story, schedules / 2);
        check_pct(*story, schedules / 2, 3);
        println!("{name}: held under {schedules} schedules");
    }
}
