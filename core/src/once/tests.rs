use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const KNOWN: Duration = Duration::from_secs(100);
const NOW: Instant = Instant::ORIGIN;

fn bounds() -> ExactlyOnce {
    ExactlyOnce::default().once_duration(KNOWN)
}

fn socket(name: &str) -> SocketId {
    SocketId::told(name)
}

fn answer(text: &str) -> Args {
    Args::from_arguments(text).unwrap()
}

fn new<W: std::fmt::Debug>(meeting: Meeting<W>) -> Turn {
    match meeting {
        Meeting::New(turn) => turn,
        other @ (Meeting::Answered(..) | Meeting::Known(_) | Meeting::Full(_)) => {
            panic!("{other:?}")
        }
    }
}

#[test]
fn a_repeat_gets_the_first_answer() {
    let mut once = Once::new(bounds());
    let (ann, ben) = (socket("ann"), socket("ben"));
    let turn = new(once.meet(NOW, &ann, "a", Some(1)));
    assert_eq!(once.answer(NOW, turn, &answer("yes")), Some(1));
    for waiter in [Some(2), None] {
        // Whoever it comes from.
        let again = once.meet(NOW, &ben, "a", waiter);
        assert_eq!(again, Meeting::Answered(waiter, answer("yes")));
    }
    assert_eq!(once.figures().repeated, 2);
    let _turn = new(once.meet(NOW, &ann, "b", Some(3)));
}

#[test]
fn whoever_asks_last_waits_for_the_handlers() {
    let mut once = Once::new(bounds());
    let ann = socket("ann");
    let turn = new(once.meet(NOW, &ann, "a", Some(1)));
    assert_eq!(once.meet(NOW, &ann, "a", Some(2)), Meeting::Known(Some(1)));
    assert_eq!(once.meet(NOW, &ann, "a", None), Meeting::Known(None));
    // However long they take.
    let late = NOW + 10 * KNOWN;
    assert_eq!(once.poll_timeout(), None);
    assert_eq!(once.meet(late, &ann, "a", Some(3)), Meeting::Known(Some(2)));
    assert_eq!(once.answer(late, turn, &answer("yes")), Some(3));
    assert_eq!(once.poll_timeout(), Some(late + KNOWN));
}

#[test]
fn one_that_nobody_answers_is_known_all_the_same() {
    let mut once = Once::new(bounds());
    let ann = socket("ann");
    let turn = new(once.meet(NOW, &ann, "a", Some(1)));
    assert_eq!(once.end(NOW, turn), Some(1));
    assert_eq!(once.meet(NOW, &ann, "a", Some(2)), Meeting::Known(Some(2)));
}

#[test]
fn once_duration_ends_it() {
    let mut once = Once::new(bounds());
    let ann = socket("ann");
    let turn = new(once.meet(NOW, &ann, "a", Some(1)));
    once.answer(NOW, turn, &answer("yes"));
    let short = KNOWN - Duration::from_nanos(1);
    let again = once.meet(NOW + short, &ann, "a", Some(2));
    assert_eq!(again, Meeting::Answered(Some(2), answer("yes")));
    let _turn = new(once.meet(NOW + KNOWN, &ann, "a", Some(3)));
    let figures = once.figures();
    assert_eq!((figures.events, figures.bytes), (1, 0));
}

#[test]
fn where_there_is_no_room_nothing_is_handled() {
    let bounds = bounds().max_once_events(3).max_once_events_per_socket(2);
    let mut once = Once::new(bounds);
    let (ann, ben) = (socket("ann"), socket("ben"));
    let first = new(once.meet(NOW, &ann, "1", Some(1)));
    let _turn = new(once.meet(NOW, &ann, "2", Some(2)));
    assert_eq!(once.meet(NOW, &ann, "3", Some(3)), Meeting::Full(Some(3)));
    let _turn = new(once.meet(NOW, &ben, "3", Some(3)));
    assert_eq!(once.meet(NOW, &ben, "4", Some(4)), Meeting::Full(Some(4)));
    // What is known is known.
    assert_eq!(once.meet(NOW, &ben, "1", Some(5)), Meeting::Known(Some(1)));
    once.end(NOW, first);
    assert_eq!(once.figures().refused, 2);
    once.handle_timeout(NOW + KNOWN);
    let _turn = new(once.meet(NOW, &ann, "4", Some(4)));
}

#[test]
fn the_oldest_answers_go_and_their_events_stay() {
    let size = size(&answer("yes"));
    let mut once = Once::new(bounds().max_once_bytes(2 * size));
    let ann = socket("ann");
    for name in ["1", "2", "3"] {
        let turn = new(once.meet(NOW, &ann, name, Some(1)));
        assert_eq!(once.answer(NOW, turn, &answer("yes")), Some(1));
    }
    assert_eq!(once.meet(NOW, &ann, "1", Some(2)), Meeting::Known(Some(2)));
    for name in ["2", "3"] {
        let again = once.meet(NOW, &ann, name, Some(2));
        assert_eq!(again, Meeting::Answered(Some(2), answer("yes")));
    }
    let turn = new(once.meet(NOW, &ann, "4", Some(1)));
    let large = answer(&"x".repeat(2 * size));
    assert_eq!(once.answer(NOW, turn, &large), Some(1));
    let figures = once.figures();
    assert_eq!((figures.bytes, figures.let_go), (2 * size, 2));
}

/// What a list of all events says.
#[derive(Default)]
struct Model {
    events: BTreeMap<u8, Said>,
}

/// Who has sent it, the answer once its handlers have ended, and until when it is known then.
type Said = (u8, Option<Option<String>>, Option<Instant>);

impl Model {
    fn pass(&mut self, now: Instant) {
        self.events
            .retain(|_, (_, _, until)| until.is_none_or(|until| until > now));
    }
}

proptest! {
    #[test]
    fn any_history_is_that_of_a_list(steps in prop::collection::vec((0..8_u8, 0..6_u8, 0..3_u8), 0..200)) {
        let bounds = bounds().max_once_events(4).max_once_events_per_socket(2);
        let mut once = Once::new(bounds);
        let mut model = Model::default();
        let mut turns = BTreeMap::new();
        let mut now = NOW;
        for (number, (what, name, sender)) in steps.into_iter().enumerate() {
            match what {
                0..=3 => {
                    model.pass(now);
                    let from = socket(&sender.to_string());
                    let meeting = once.meet(now, &from, &name.to_string(), Some(number));
                    let of = model.events.values().filter(|(its, ..)| *its == sender).count();
                    match model.events.get(&name) {
                        Some((_, Some(Some(told)), _)) => {
                            prop_assert_eq!(meeting, Meeting::Answered(Some(number), answer(told)));
                        }
                        Some((_, Some(None), _)) => prop_assert_eq!(meeting, Meeting::Known(Some(number))),
                        Some((_, None, _)) => prop_assert!(matches!(meeting, Meeting::Known(Some(_)))),
                        None if of == 2 || model.events.len() == 4 => {
                            prop_assert_eq!(meeting, Meeting::Full(Some(number)));
                        }
                        None => {
                            turns.insert(name, new(meeting));
                            model.events.insert(name, (sender, None, None));
                        }
                    }
                }
                4..=6 => {
                    model.pass(now);
                    if let Some(turn) = turns.remove(&name) {
                        let text = number.to_string();
                        let waiter = match what {
                            4 => once.end(now, turn),
                            _ => once.answer(now, turn, &answer(&text)),
                        };
                        prop_assert!(waiter.is_some());
                        let event = model.events.get_mut(&name).unwrap();
                        event.1 = Some((what > 4).then_some(text));
                        event.2 = Some(now + KNOWN);
                    }
                }
                _ => now += KNOWN / 3,
            }
            model.pass(now);
            once.handle_timeout(now);
            prop_assert_eq!(once.figures().events, model.events.len());
            let next = model.events.values().filter_map(|(.., until)| *until).min();
            prop_assert_eq!(once.poll_timeout(), next);
            let kept = model.events.values().filter_map(|(_, told, _)| told.clone().flatten());
            prop_assert_eq!(once.figures().bytes, kept.map(|told| size(&answer(&told))).sum::<usize>());
        }
        for turn in turns.into_values() {
            once.end(now, turn);
        }
        once.handle_timeout(now + KNOWN);
        prop_assert_eq!(once.figures().events, 0);
        prop_assert!(once.by_name.is_empty() && once.by_sender.is_empty() && once.answered.is_empty());
    }
}

#[test]
fn two_that_were_told_the_same_are_the_same() {
    let run = |last: &str| {
        let mut once = Once::new(bounds());
        let turn = new(once.meet(NOW, &socket("ann"), "a", Some(1)));
        once.answer(NOW, turn, &answer(last));
        crate::digest::of(|state| once.digest(state))
    };
    assert_eq!(run("yes"), run("yes"));
    assert_ne!(run("yes"), run("no"));
}
