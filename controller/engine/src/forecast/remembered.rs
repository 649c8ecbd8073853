//! The world as the controller last left it, rebuilt from what it saved.

use jiff::Timestamp;
use schema::names::ServiceName;
use schema::status::{AlarmState, AlarmStatus, ServiceStatus};

use super::obedient::{obey, settle_tasks};
use crate::desired::desired;
use crate::observed::Observed;
use crate::plan::{PlanContext, plan};
use crate::ports::{Firing, ObservedAlarm};
use crate::reactions::amend;
use crate::state::{PlatformState, ScoringState};

/// What there is of the platform at `at`: what was last in force, with the counts and the firing alarms that were last
/// seen. Nothing where nothing was ever enforced.
///
/// What somebody has changed by hand since is not in it.
#[must_use]
pub fn as_last_left(state: &PlatformState, at: Timestamp) -> Observed {
    let mut world = Observed::nothing(at);
    let wanted = state
        .enforced
        .as_ref()
        .and_then(|spec| desired(&state.platform, spec, &state.scoring));
    let Some(mut wanted) = wanted else {
        return world;
    };
    amend(&mut wanted, state, &world);
    let context = PlanContext {
        platform: &state.platform,
        scoring: &state.scoring,
        settings_order: (0, state.settings_sequence),
    };
    for step in &plan(context, &wanted, &world).steps {
        obey(&mut world, &step.action, at);
    }
    for service in &state.status.services {
        recall_count(&mut world, service);
    }
    for alarm in world.alarms.values_mut() {
        let name = alarm.definition.name.clone();
        let mut seen = state.status.alarms.iter();
        recall_alarm(alarm, seen.find(|seen| seen.name == name), state);
    }
    recall_deployment(&mut world, &state.scoring);
    recall_what_somebody_deployed(&mut world, &state.scoring);
    settle_tasks(&mut world, at);
    world
}

/// How many tasks a service was last seen to have: automatic scaling, or a person, may have decided that.
fn recall_count(world: &mut Observed, seen: &ServiceStatus) {
    let mut services = world.services.values_mut();
    let found = services.find(|found| found.service.kebab() == seen.name);
    if let (Some(found), Some(count)) = (found, seen.desired) {
        found.desired_count = count;
    }
}

/// Whether an alarm fired when it was last seen, and what the rollout knows of it.
fn recall_alarm(alarm: &mut ObservedAlarm, seen: Option<&AlarmStatus>, state: &PlatformState) {
    let name = &alarm.definition.name;
    let change = state.scoring.change.as_ref();
    if let Some(baseline) = change.and_then(|change| change.baseline.get(name)) {
        alarm.configured_at = baseline.configured_at;
    }
    let reacted_to = state.firings_seen.get(name).copied().flatten();
    let firing_since = seen
        .filter(|seen| seen.state == AlarmState::Alarm)
        .map(|seen| seen.since);
    if let Some(since) = firing_since {
        alarm.state = AlarmState::Alarm;
        alarm.since = since;
    }
    alarm.last_firing = reacted_to.or(firing_since).map(|at| Firing {
        at,
        value: None,
        first_breach_at: None,
        last_breach_at: None,
    });
}

/// What somebody else has scoring run, where a change is held for it.
fn recall_what_somebody_deployed(world: &mut Observed, scoring: &ScoringState) {
    let found = world.services.get_mut(&ServiceName::Scoring);
    if let (Some(found), Some(external)) = (found, &scoring.external) {
        found.template = external.found.clone();
    }
}

/// The deployment that a change under way knows as its own.
fn recall_deployment(world: &mut Observed, scoring: &ScoringState) {
    let change = scoring.change.as_ref();
    let known = change.and_then(|it| {
        it.deployment
            .clone()
            .or_else(|| it.deployment_before.clone())
    });
    if let (Some(found), Some(id)) = (world.services.get_mut(&ServiceName::Scoring), known) {
        found.deployment.id = id;
    }
}
