//! Variety: in what the spec of one world differs from another's.

use schema::LoanPlatformSpec;
use schema::platform::{AlarmAction, OnFiringAlarm, OnInconclusive, TreatMissingData};
use schema::units::{Span, Whole};

use crate::dice::Dice;

/// Draws the spec of a world from the base.
pub(crate) fn vary(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    vary_alarms(spec, dice);
    vary_rollout(spec, dice);
}

fn vary_alarms(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    let treatments = [
        (6, TreatMissingData::NotBreaching),
        (4, TreatMissingData::Missing),
        (1, TreatMissingData::Ignore),
    ];
    let treatment = dice.weigh(&treatments).copied().unwrap_or_default();
    let slow = dice.happens(20.0);
    for alarm in &mut spec.alarms {
        alarm.treat_missing_data = treatment;
        if slow {
            alarm.period = Span::from_millis(60_000);
        }
    }
    let both_judge = dice.happens(30.0);
    if let Some(second) = spec.alarms.get_mut(1).filter(|_| both_judge) {
        second.on_alarm = vec![AlarmAction::RollbackScoring];
    }
}

fn vary_rollout(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    let rollout = &mut spec.rollout;
    // Long enough for the slowest alarm that a world may have.
    let minutes = dice.between(6..=10);
    rollout.bake_time = Span::from_millis(u64::from(minutes) * 60_000);
    let endings = [
        (6, OnInconclusive::Pause),
        (2, OnInconclusive::Rollback),
        (1, OnInconclusive::Promote),
    ];
    rollout.on_inconclusive = dice.weigh(&endings).copied().unwrap_or_default();
    rollout.max_automatic_rollbacks.count = Whole::new(dice.between(1..=4));
    let samples = [50, 200, 1_000, 3_000];
    rollout.min_samples = Whole::new(dice.pick(&samples).copied().unwrap_or(200));
    if dice.happens(25.0) {
        rollout.on_firing_alarm = OnFiringAlarm::Ignore;
        let names = spec.alarms.iter().map(|alarm| alarm.name.clone());
        rollout.acknowledge_firing_alarms = names.take(1).collect();
    }
}
