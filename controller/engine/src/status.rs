//! The status of a platform, made from what was decided and found.

use std::cell::LazyCell;

use jiff::{Timestamp, TimestampRound, Unit};
use schema::LoanPlatformStatus;
use schema::names::ServiceName;
use schema::status::{AlarmStatus, BakeStatus, Phase, ScoringStatus, ServiceStatus};

use crate::conditions::conditions;
use crate::decide::Decision;
use crate::desired::desired;
use crate::observed::Observed;
use crate::ports::ObservedAlarm;
use crate::reactions;
use crate::state::{BAKE_SAVED_EVERY_S, PlatformState};

/// The status after a round, with every live value in it.
#[must_use]
pub fn status(
    decision: &Decision,
    observed: &Observed,
    refusal: Option<&str>,
    now: Timestamp,
) -> LoanPlatformStatus {
    let state = &decision.state;
    LoanPlatformStatus {
        observed_generation: Some(state.generation),
        last_good_generation: state.accepted.as_ref().map(|accepted| accepted.generation),
        endpoint: observed
            .services
            .values()
            .find_map(|service| service.endpoint.clone()),
        conditions: conditions(&state.status.conditions, decision, refusal, now),
        services: services(state, observed),
        scoring: scoring(decision, observed),
        alarms: observed.alarms.values().map(alarm).collect(),
        remedies: reactions::shown(&state.remedies),
        history: state.history.clone(),
    }
}

/// `status` less what moves all the time, so that a quiet platform is not written for ever.
#[must_use]
pub fn without_live_values(status: &LoanPlatformStatus) -> LoanPlatformStatus {
    let mut saved = status.clone();
    for alarm in &mut saved.alarms {
        alarm.value = None;
    }
    if saved.scoring.phase == Phase::Inconclusive {
        saved.scoring.bake = None;
    }
    if let Some(bake) = &mut saved.scoring.bake {
        bake.samples = 0;
        // It moves on while the bake is held up.
        bake.until = saved_bake_end(bake.until);
    }
    // It counts samples and tells the time; the phase says the rest.
    if matches!(saved.scoring.phase, Phase::Baking) {
        saved.scoring.waiting_on = None;
        for condition in saved.conditions.iter_mut().filter(|c| c.reason == "Baking") {
            condition.message = "The scoring change is being watched.".to_owned();
        }
    }
    // The history is saved beside the status, once.
    saved.history.clear();
    saved
}

/// The end of a bake, as exactly as it is saved.
fn saved_bake_end(until: Timestamp) -> Timestamp {
    let step = TimestampRound::new()
        .smallest(Unit::Second)
        .increment(BAKE_SAVED_EVERY_S);
    until.round(step).unwrap_or(until)
}

fn services(state: &PlatformState, observed: &Observed) -> Vec<ServiceStatus> {
    let wanted = LazyCell::new(|| {
        let spec = state.enforced.as_ref()?;
        desired(&state.platform, spec, &state.scoring)
    });
    let entry = |service: ServiceName| {
        let found = observed.services.get(&service);
        let definition = || {
            let mut wanted = wanted.as_ref()?.services.iter();
            wanted.find(|definition| definition.service == service)
        };
        let image = match found {
            Some(found) => &found.template.image,
            None => &definition()?.template.image,
        };
        Some(ServiceStatus {
            name: service.kebab().to_owned(),
            desired: found
                .map(|found| found.desired_count)
                .or_else(|| definition()?.count),
            running: found.map_or(0, |found| {
                u32::try_from(found.running()).unwrap_or(u32::MAX)
            }),
            image: image.to_string(),
            settings_revision: observed
                .settings
                .get(&service)
                .and_then(|settings| settings.document.as_ref())
                .map(|document| document.revision.clone()),
            restarts: found.map_or(0, |found| found.restarts),
            tasks: found.map_or_else(Vec::new, |found| {
                let serving = found.tasks.iter().filter(|task| !task.is_draining());
                serving.map(|task| task.status.clone()).collect()
            }),
        })
    };
    ServiceName::ALL.into_iter().filter_map(entry).collect()
}

fn scoring(decision: &Decision, observed: &Observed) -> ScoringStatus {
    let scoring = &decision.state.scoring;
    let change = scoring.change.as_ref();
    ScoringStatus {
        phase: scoring.phase,
        live_revision: scoring.settings.clone(),
        last_good_revision: scoring.last_good().cloned(),
        candidate_revision: change
            .filter(|_| scoring.is_moving())
            .map(|change| change.candidate.clone()),
        waiting_on: decision.rollout_waits_on.clone(),
        bake: change
            .filter(|_| matches!(scoring.phase, Phase::Baking | Phase::Inconclusive))
            .and_then(|change| {
                let bake_ms = decision.bake_time_ms?;
                Some(BakeStatus {
                    since: change.effective_at?,
                    until: change.bake?.expected_end(bake_ms),
                    samples: observed.evidence.scoring_calls,
                })
            }),
        quarantined: scoring.quarantine.clone(),
    }
}

fn alarm(found: &ObservedAlarm) -> AlarmStatus {
    AlarmStatus {
        name: found.definition.name.clone(),
        state: found.state,
        value: found.value,
        threshold: found.definition.threshold,
        since: found.since,
    }
}
