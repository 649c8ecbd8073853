use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn config() -> BreakerConfig {
    BreakerConfig {
        consecutive_failures: 1_000,
        ..BreakerConfig::default()
    }
}

fn settled(outcome: Outcome) -> Settled {
    Settled {
        outcome,
        elapsed: 10 * MS,
        retry_after: None,
    }
}

fn success() -> Settled {
    settled(Outcome::Success)
}

fn failure() -> Settled {
    settled(Outcome::Failure)
}

/// Makes one attempt after another that ends as `result`, while the breaker lets them through.
fn attempts(breaker: &mut Breaker, count: u32, result: &Settled, now: Instant) {
    for _ in 0..count {
        if let Ok(permit) = breaker.acquire(now) {
            breaker.settle(permit, result, now);
        }
    }
}

/// A breaker that opened at `now`.
fn opened(config: BreakerConfig, now: Instant) -> Breaker {
    let mut breaker = Breaker::new(config, 1);
    attempts(&mut breaker, 1_000, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

#[test]
fn it_opens_exactly_at_the_failure_rate_once_enough_attempts_are_counted() {
    let now = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    attempts(&mut breaker, 10, &success(), now);
    attempts(&mut breaker, 9, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Closed, "19 attempts");
    attempts(&mut breaker, 1, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Open, "10 of 20 failed");
}

#[test]
fn it_stays_closed_just_below_the_failure_rate() {
    let now = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    attempts(&mut breaker, 11, &success(), now);
    attempts(&mut breaker, 10, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Closed, "10 of 21 failed");
}

#[test]
fn a_quick_success_never_opens_it_though_older_ones_are_forgotten_before_the_failures() {
    let start = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    attempts(&mut breaker, 20, &success(), start);
    attempts(&mut breaker, 15, &failure(), start + 4 * SECOND);
    let later = start + 31 * SECOND;
    attempts(&mut breaker, 10, &success(), later);
    assert_eq!(breaker.state(), BreakerState::Closed, "15 of 25 failed");
    attempts(&mut breaker, 1, &failure(), later);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn it_opens_at_the_slow_call_rate_though_every_attempt_succeeds() {
    let now = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    let slow = Settled {
        elapsed: 201 * MS,
        ..success()
    };
    attempts(&mut breaker, 4, &success(), now);
    attempts(&mut breaker, 15, &slow, now);
    assert_eq!(breaker.state(), BreakerState::Closed);
    attempts(&mut breaker, 1, &slow, now);
    assert_eq!(breaker.state(), BreakerState::Open, "16 of 20 were slow");
}

#[test]
fn it_opens_after_failures_in_a_row_however_few_attempts_there_are() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default(), 1);
    attempts(&mut breaker, 9, &failure(), now);
    attempts(&mut breaker, 1, &success(), now);
    attempts(&mut breaker, 9, &failure(), now + 40 * SECOND);
    assert_eq!(breaker.state(), BreakerState::Closed);
    attempts(&mut breaker, 1, &failure(), now + 80 * SECOND);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn the_pause_is_jittered_doubles_with_each_failed_test_and_is_capped() {
    let mut now = Instant::now();
    let mut breaker = opened(config(), now);
    for full_s in [5, 10, 20, 40, 60, 60] {
        let full = SECOND * full_s;
        let refused = breaker.acquire(now).unwrap_err();
        let pause = refused.retry_after.unwrap();
        assert!(
            (full * 4 / 5..=full).contains(&pause),
            "{pause:?} of {full:?}"
        );
        assert!(breaker.acquire(now + pause - MS).is_err());
        now += pause;
        attempts(&mut breaker, 2, &failure(), now);
        assert_eq!(breaker.state(), BreakerState::Open, "two of three failed");
    }
}

#[test]
fn a_passed_test_closes_it_and_resets_the_pause() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    attempts(&mut breaker, 2, &failure(), later);
    let later = later + 10 * SECOND;
    attempts(&mut breaker, 3, &success(), later);
    assert_eq!(breaker.state(), BreakerState::Closed);
    attempts(&mut breaker, 1_000, &failure(), later);
    let pause = breaker.acquire(later).unwrap_err().retry_after.unwrap();
    assert!(pause <= 5 * SECOND);
}

#[test]
fn half_open_admits_exactly_the_permitted_number() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    let permits: Vec<_> = (0..10)
        .filter_map(|_| breaker.acquire(later).ok())
        .collect();
    assert_eq!(permits.len(), 3);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    for permit in permits {
        breaker.settle(permit, &success(), later);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_permit_given_back_or_ignored_lets_another_attempt_through() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    let [first, second, _third] = [(); 3].map(|()| breaker.acquire(later).unwrap());
    assert!(breaker.acquire(later).is_err());
    breaker.give_back(first, later);
    breaker.settle(second, &settled(Outcome::Ignored), later);
    assert_eq!(
        (0..10).filter(|_| breaker.acquire(later).is_ok()).count(),
        2
    );
}

#[test]
fn a_test_whose_permits_never_come_back_opens_it_again() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    let _permits = [(); 3].map(|()| breaker.acquire(later).unwrap());
    assert!(breaker.acquire(later + 4 * SECOND).is_err());
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(breaker.acquire(later + 5 * SECOND).is_err());
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_test_with_too_few_calls_waits_for_them() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    for minute in 1..=3 {
        attempts(&mut breaker, 1, &success(), now + 60 * minute * SECOND);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_dependency_that_asks_for_a_pause_fails_the_test_and_gets_it() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    let told_to_wait = Settled {
        retry_after: Some(30 * SECOND),
        ..failure()
    };
    attempts(&mut breaker, 1, &told_to_wait, later);
    let pause = breaker.acquire(later).unwrap_err().retry_after.unwrap();
    assert_eq!(pause, 30 * SECOND);
}

#[test]
fn a_result_from_an_older_state_is_ignored() {
    let now = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    let old = [(); 5].map(|()| breaker.acquire(now).unwrap());
    attempts(&mut breaker, 1_000, &failure(), now);
    let later = now + 5 * SECOND;
    let _probe = breaker.acquire(later).unwrap();
    for permit in old {
        breaker.settle(permit, &failure(), later);
    }
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!((0..9).filter(|_| breaker.acquire(later).is_ok()).count(), 2);
}

#[test]
fn thresholds_alone_keep_counts_pause_and_permits() {
    let now = Instant::now();
    let stricter = BreakerConfig {
        failure_rate_threshold: 30,
        ..config()
    };
    let mut closed = Breaker::new(config(), 1);
    attempts(&mut closed, 13, &success(), now);
    attempts(&mut closed, 7, &failure(), now);
    closed.reconfigure(stricter, History::Keep, now);
    attempts(&mut closed, 6, &success(), now);
    assert_eq!(closed.state(), BreakerState::Closed);
    attempts(&mut closed, 1, &failure(), now);
    assert_eq!(closed.state(), BreakerState::Closed, "8 of 27 failed");
    attempts(&mut closed, 1, &failure(), now);
    assert_eq!(closed.state(), BreakerState::Open, "9 of 28 failed");

    let mut open = opened(config(), now);
    let pause = open.acquire(now).unwrap_err();
    open.reconfigure(stricter, History::Keep, now);
    assert_eq!(open.acquire(now).unwrap_err(), pause);

    let later = now + 5 * SECOND;
    let permit = open.acquire(later).unwrap();
    open.reconfigure(config(), History::Keep, later);
    assert_eq!((0..9).filter(|_| open.acquire(later).is_ok()).count(), 2);
    open.settle(permit, &failure(), later);
    assert_eq!(open.state(), BreakerState::HalfOpen, "one of three failed");
}

#[test]
fn a_test_that_has_settled_enough_for_new_settings_is_concluded_by_them() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let later = now + 5 * SECOND;
    attempts(&mut breaker, 2, &success(), later);
    let fewer = BreakerConfig {
        permitted_number_of_calls_in_half_open_state: 2,
        ..config()
    };
    breaker.reconfigure(fewer, History::Keep, later);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn another_target_mode_or_slow_call_duration_forgets_the_history() {
    let now = Instant::now();
    let slower = BreakerConfig {
        slow_call_duration_threshold: SECOND,
        ..config()
    };
    let measuring = BreakerConfig {
        mode: BreakerMode::MetricsOnly,
        ..config()
    };
    for (new, history) in [
        (config(), History::Forget),
        (slower, History::Keep),
        (measuring, History::Keep),
    ] {
        let mut open = opened(config(), now);
        open.reconfigure(new, history, now);
        assert_eq!(open.state(), BreakerState::HalfOpen, "{new:?}");

        let mut closed = Breaker::new(config(), 1);
        let under_way = closed.acquire(now).unwrap();
        attempts(&mut closed, 19, &failure(), now);
        closed.reconfigure(new, history, now);
        closed.settle(under_way, &failure(), now);
        attempts(&mut closed, 19, &failure(), now);
        assert_eq!(closed.state(), BreakerState::Closed, "{new:?}");
    }
}

#[test]
fn disabled_lets_all_through_and_measures_nothing() {
    let now = Instant::now();
    let disabled = BreakerConfig {
        mode: BreakerMode::Disabled,
        ..BreakerConfig::default()
    };
    let mut breaker = Breaker::new(disabled, 1);
    for _ in 0..1_000 {
        let permit = breaker.acquire(now).unwrap();
        breaker.settle(permit, &failure(), now);
    }
    breaker.reconfigure(BreakerConfig::default(), History::Keep, now);
    attempts(&mut breaker, 9, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn forced_open_refuses_all_until_it_is_enabled_again() {
    let now = Instant::now();
    let forced = BreakerConfig {
        mode: BreakerMode::ForcedOpen,
        ..config()
    };
    let mut breaker = Breaker::new(forced, 1);
    assert!((0..100).all(|_| breaker.acquire(now).is_err()));
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker.reconfigure(config(), History::Keep, now);
    assert_eq!(
        breaker.state(),
        BreakerState::HalfOpen,
        "it is tested first"
    );
    let let_go = Transition {
        from: BreakerState::Open,
        to: BreakerState::HalfOpen,
    };
    assert_eq!(breaker.take_transition(), Some(let_go));
    let permits = config().permitted_number_of_calls_in_half_open_state;
    let admitted = (0..100).filter(|_| breaker.acquire(now).is_ok()).count();
    assert_eq!(admitted, permits as usize);
}

#[test]
fn to_hold_it_open_is_a_change_of_state() {
    let now = Instant::now();
    let mut breaker = Breaker::new(config(), 1);
    let forced = BreakerConfig {
        mode: BreakerMode::ForcedOpen,
        ..config()
    };
    breaker.reconfigure(forced, History::Keep, now);
    let held_open = Transition {
        from: BreakerState::Closed,
        to: BreakerState::Open,
    };
    assert_eq!(breaker.take_transition(), Some(held_open));
    breaker.reconfigure(forced, History::Forget, now);
    assert_eq!(breaker.take_transition(), None);
}

#[test]
fn a_breaker_that_only_measures_shows_what_it_would_do_and_does_not() {
    let now = Instant::now();
    let measuring = BreakerConfig {
        mode: BreakerMode::MetricsOnly,
        ..config()
    };
    let mut breaker = Breaker::new(measuring, 1);
    attempts(&mut breaker, 20, &failure(), now);
    assert_eq!(breaker.state(), BreakerState::Open);
    let permit = breaker.acquire(now).unwrap();
    assert!(permit.overrules_refusal());
    breaker.settle(permit, &success(), now);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_change_of_state_is_told_once() {
    let now = Instant::now();
    let mut breaker = opened(config(), now);
    let opening = Transition {
        from: BreakerState::Closed,
        to: BreakerState::Open,
    };
    assert_eq!(breaker.take_transition(), Some(opening));
    assert_eq!(breaker.take_transition(), None);
}

/// One step of a random life: time passes, then an attempt starts, or the oldest one under way ends.
#[derive(Clone, Debug)]
enum Step {
    Start,
    End(Outcome, u64),
    Drop,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let outcome = prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::Failure),
        Just(Outcome::Ignored)
    ];
    let step = prop_oneof![
        3 => Just(Step::Start),
        2 => (outcome, 0_u64..500).prop_map(|(outcome, ms)| Step::End(outcome, ms)),
        1 => Just(Step::Drop),
    ];
    (0_u64..1_500, step)
}

fn live(mode: BreakerMode, steps: &[(u64, Step)], mut check: impl FnMut(&Breaker, bool, usize)) {
    let config = BreakerConfig {
        mode,
        minimum_number_of_calls: 5,
        consecutive_failures: 4,
        ..BreakerConfig::default()
    };
    let mut breaker = Breaker::new(config, 1);
    let mut now = Instant::now();
    let mut under_way = std::collections::VecDeque::new();
    for (gap_ms, step) in steps {
        now += MS * u32::try_from(*gap_ms).unwrap();
        let mut refused = false;
        match step {
            Step::Start => match breaker.acquire(now) {
                Ok(permit) => under_way.push_back((permit, breaker.generation)),
                Err(_) => refused = true,
            },
            Step::End(outcome, ms) => {
                if let Some((permit, _)) = under_way.pop_front() {
                    let result = Settled {
                        outcome: *outcome,
                        elapsed: Duration::from_millis(*ms),
                        retry_after: None,
                    };
                    breaker.settle(permit, &result, now);
                }
            }
            Step::Drop => {
                if let Some((permit, _)) = under_way.pop_front() {
                    breaker.give_back(permit, now);
                }
            }
        }
        let current = under_way
            .iter()
            .filter(|(_, generation)| *generation == breaker.generation)
            .count();
        check(&breaker, refused, current);
    }
}

proptest! {
    #[test]
    fn half_open_never_has_more_attempts_under_way_than_permitted(
        steps in prop::collection::vec(step(), 1..300),
    ) {
        live(BreakerMode::Enabled, &steps, |breaker, _, under_way| {
            if breaker.state() == BreakerState::HalfOpen {
                assert!(under_way <= 3, "{under_way}");
            }
        });
    }

    #[test]
    fn a_closed_breaker_never_refuses(steps in prop::collection::vec(step(), 1..300)) {
        live(BreakerMode::Enabled, &steps, |breaker, refused, _| {
            assert!(!(refused && breaker.state() == BreakerState::Closed));
        });
    }

    #[test]
    fn measuring_only_and_disabled_never_refuse(steps in prop::collection::vec(step(), 1..300)) {
        for mode in [BreakerMode::MetricsOnly, BreakerMode::Disabled] {
            live(mode, &steps, |_, refused, _| assert!(!refused));
        }
    }

    #[test]
    fn below_the_minimum_number_of_calls_no_rate_opens_it(
        failures in 0_u32..20, successes in 0_u32..20, minimum in 1_u32..60,
    ) {
        let now = Instant::now();
        let config = BreakerConfig { minimum_number_of_calls: minimum, ..config() };
        let mut breaker = Breaker::new(config, 1);
        attempts(&mut breaker, successes, &success(), now);
        attempts(&mut breaker, failures, &failure(), now);
        let opened = breaker.state() == BreakerState::Open;
        // Failures come last, so the rate is highest, and the count complete, at some failure.
        let opens = (1..=failures).any(|f| f + successes >= minimum && f * 100 >= 50 * (f + successes));
        prop_assert_eq!(opened, opens);
    }
}
