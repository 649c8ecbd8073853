//! What a plan says beforehand is what the controller then does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use engine::forecast::{Edit, Forecast, as_last_left, forecast};
use engine::specs::{SpecContent, SpecEntry};
use schema::LoanPlatformSpec;
use schema::platform::{AlarmAction, Image, Mode, Scaling};
use schema::status::Phase;
use schema::units::{Span, Whole};
use simulation::{Climate, Dice, SPEC_PATH, Script, Traffic};

/// Pairs of specs, drawn anew by a seed each.
const PAIRS: u64 = 24;
/// Longer than any edit takes to come to its end in a world in which nothing goes wrong.
const UNTIL_ALL_IS_DONE: Duration = Duration::from_secs(2 * 3_600);

/// What the pairs came to, so that they are seen to be about something.
#[derive(Debug, Default)]
struct Seen {
    calls: usize,
    scoring_changes: usize,
}

#[test]
fn what_is_planned_is_what_the_controller_then_does() {
    let mut seen = Seen::default();
    for seed in 0..PAIRS {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(plan_and_then_do(seed, &mut seen));
    }
    assert!(seen.calls > 40 && seen.scoring_changes > 8, "{seen:?}");
}

/// A platform comes to rest under one spec; another one is planned, then submitted.
async fn plan_and_then_do(seed: u64, seen: &mut Seen) {
    let mut dice = Dice::new(seed);
    let climate = Climate {
        traffic: Traffic::Steady(20.0),
        ..Climate::calm(seed)
    };
    let mut script = Script::begin(&climate, 1).unwrap();
    script.reaches(Phase::Succeeded).await.unwrap();
    script.edit("the first of the pair", |spec| several(spec, &mut dice));
    script.passes(UNTIL_ALL_IS_DONE).await.unwrap();

    let mut edited = script.spec().clone();
    several(&mut edited, &mut dice);
    let planned = plan(&script, edited.clone());
    script.listen();
    script.edit("the second of the pair", |spec| *spec = edited);
    script.passes(UNTIL_ALL_IS_DONE).await.unwrap();

    let calls: Vec<String> = planned
        .steps()
        .map(|step| step.action.to_string())
        .collect();
    assert_eq!(script.heard(), calls, "seed {seed}: {}", script.trace());
    seen.calls += calls.len();
    seen.scoring_changes += usize::from(planned.scoring.is_some());
    let scoring = script.state().unwrap().scoring;
    if let Some(foretold) = planned.scoring.filter(|_| planned.waits_on.is_none()) {
        assert_eq!(
            scoring.live(),
            Some(&foretold.to),
            "seed {seed}: {}",
            script.trace()
        );
    }
}

fn plan(script: &Script, spec: LoanPlatformSpec) -> Forecast {
    let state = script.state().unwrap();
    let content = SpecContent::Valid(Arc::new(spec));
    let entry = SpecEntry::new(state.platform.clone(), SPEC_PATH.to_owned(), content);
    let world = as_last_left(&state, script.now());
    forecast(&state, world, &Edit::of(entry).unwrap(), script.now())
}

/// Up to four edits, none of which harms anybody.
fn several(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    for _ in 0..dice.between(1..=4) {
        one(spec, dice);
    }
}

fn one(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    let number = dice.between(1..=1_000);
    let count = Some(Whole::new(dice.between(1..=6)));
    let provider = &mut spec.services.scoring.clients.provider;
    match dice.between(0..=11) {
        0 => provider.retry.max_attempts = Whole::new(dice.between(1..=4)),
        1 => provider.circuit_breaker.consecutive_failures = Whole::new(dice.between(5..=50)),
        2 => spec.services.scoring.image = Image(format!("scoring:good-{number}")),
        3 => spec.services.loan_api.image = Image(format!("loan-api:good-{number}")),
        4 => spec.services.auth.image = Image(format!("auth:good-{number}")),
        5 => spec.services.scoring.desired_count = count,
        6 => {
            spec.services.loan_api.scaling = None;
            spec.services.loan_api.desired_count = count;
        }
        7 => {
            spec.services.loan_api.desired_count = None;
            spec.services.loan_api.scaling = Some(Scaling {
                min_capacity: Whole::new(dice.between(1..=3)),
                max_capacity: Whole::new(dice.between(4..=8)),
                target_cpu_utilization: Whole::new(60),
            });
        }
        8 => spec.decision.max_payment_to_income = Whole::new(dice.between(30..=50)),
        9 => threshold(spec, dice),
        10 => second_alarm(spec),
        _ => {
            let modes = [(4, Mode::Enforce), (1, Mode::Observe), (1, Mode::Suspend)];
            spec.mode = dice.weigh(&modes).copied().unwrap_or_default();
            spec.rollout.bake_time = Span::from_millis(u64::from(dice.between(4..=8)) * 60_000);
        }
    }
}

fn threshold(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    for alarm in &mut spec.alarms {
        alarm.threshold = f64::from(dice.between(15..=60));
    }
}

/// The second alarm comes to judge changes, or goes.
fn second_alarm(spec: &mut LoanPlatformSpec) {
    if let Some(alarm) = spec.alarms.get_mut(1) {
        if alarm.rolls_back() {
            spec.alarms.truncate(1);
        } else {
            alarm.on_alarm.push(AlarmAction::RollbackScoring);
        }
    }
}
