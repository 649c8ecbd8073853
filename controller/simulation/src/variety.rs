//! Variety: in what the spec of one world differs from another's.

use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{
    AlarmAction, ForceBreakerOpen, ForceBreakerOpenClient, OnFiringAlarm, OnInconclusive, ScaleOut,
    Scaling, TreatMissingData,
};
use schema::units::{Span, Whole};

use crate::dice::Dice;

/// Draws the spec of a world from the base.
pub(crate) fn vary(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    vary_alarms(spec, dice);
    vary_remedies(spec, dice);
    vary_scaling(spec, dice);
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
        second.on_alarm.push(AlarmAction::RollbackScoring);
    }
}

/// What alarms have done beside a rollback.
fn vary_remedies(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    let lasting_ms = u64::from(dice.between(60..=900)) * 1_000;
    let Some(second) = spec.alarms.get_mut(1) else {
        return;
    };
    if dice.happens(30.0) {
        second.on_alarm.push(AlarmAction::ScaleOut);
        second.scale_out = Some(ScaleOut {
            service: ServiceName::LoanApi,
            step: Whole::new(dice.between(1..=3)),
            max_count: Whole::new(dice.between(3..=8)),
            cooldown: Span::from_millis(300_000),
            lasting: Span::from_millis(lasting_ms),
        });
    }
    if dice.happens(15.0) {
        second.on_alarm.push(AlarmAction::ForceBreakerOpen);
        second.force_breaker_open = Some(ForceBreakerOpen {
            service: ServiceName::LoanApi,
            client: ForceBreakerOpenClient::Scoring,
            lasting: Span::from_millis(lasting_ms),
        });
    }
    if dice.happens(20.0) {
        second.on_alarm.push(AlarmAction::Notify);
    }
}

/// Whether the loan API's count is fixed, or a range for automatic scaling.
fn vary_scaling(spec: &mut LoanPlatformSpec, dice: &mut Dice) {
    if dice.happens(20.0) {
        spec.services.loan_api.desired_count = None;
        spec.services.loan_api.scaling = Some(Scaling {
            min_capacity: Whole::new(dice.between(1..=2)),
            max_capacity: Whole::new(dice.between(4..=8)),
            target_cpu_utilization: Whole::new(60),
        });
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
    if dice.happens(45.0) {
        rollout.on_firing_alarm = OnFiringAlarm::Ignore;
        let names = spec.alarms.iter().map(|alarm| alarm.name.clone());
        rollout.acknowledge_firing_alarms = names.take(1).collect();
    }
}
