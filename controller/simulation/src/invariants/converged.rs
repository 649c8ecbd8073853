//! Once faults and edits have stopped, reality is as the accepted spec asks, or the state says why not.

use engine::ports::{DeploymentState, TaskTemplate};
use engine::state::PlatformState;
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::Mode;
use schema::revision::{RevisionDigest, ScoringRevision};
use schema::settings::ServiceSettings;

use super::{Event, Invariant};
use crate::desk::SPEC_PATH;
use crate::world::Land;

#[derive(Debug)]
pub(super) struct Converged;

impl Invariant for Converged {
    fn name(&self) -> &'static str {
        "converged"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        if !matches!(event, Event::AtRest) {
            return Ok(());
        }
        let Some(state) = land.ledger.state.as_ref() else {
            return nothing_is_asked_for(land);
        };
        if state.removed_at.is_some() || explains(state).is_some() {
            return Ok(());
        }
        let accepted = state.accepted.as_ref().ok_or("no spec was ever accepted")?;
        if !is_ready(state) {
            return Err(format!(
                "it is neither Ready nor does it say why not: {:?}",
                state.status.conditions
            ));
        }
        scoring(&accepted.spec, state)?;
        services(&accepted.spec, state, land)?;
        alarms(&accepted.spec, land)
    }
}

/// Nothing is remembered of a platform that was removed for good, and of no other.
fn nothing_is_asked_for(land: &Land) -> Result<(), String> {
    match land.shelf.get(SPEC_PATH) {
        None => Ok(()),
        Some(_) => Err("there is a spec, and no state".to_owned()),
    }
}

/// Why the platform is not as the spec asks, in the state's own words.
fn explains(state: &PlatformState) -> Option<&str> {
    let conditions = &state.status.conditions;
    let stalled = conditions
        .iter()
        .find(|it| it.type_ == "Stalled" && it.status == "True");
    let ready = conditions.iter().find(|it| it.type_ == "Ready");
    let held = ready.filter(|it| ["Suspended", "Drifted"].contains(&it.reason.as_str()));
    // A change may wait for its guards for as long as they fire.
    let waits = ready.filter(|it| ["Preflight", "Baking"].contains(&it.reason.as_str()));
    stalled
        .or(held)
        .or(waits)
        .map(|condition| condition.reason.as_str())
}

fn is_ready(state: &PlatformState) -> bool {
    let mut conditions = state.status.conditions.iter();
    conditions.any(|it| it.type_ == "Ready" && it.status == "True")
}

/// A Ready platform is on the revision that the spec asks for.
fn scoring(spec: &LoanPlatformSpec, state: &PlatformState) -> Result<(), String> {
    let asked = spec_revision(spec);
    if state.scoring.live() == Some(&asked) || spec.mode != Mode::Enforce {
        return Ok(());
    }
    let live = state.scoring.live().map_or("none", RevisionDigest::short);
    Err(format!(
        "it is Ready on revision {live} while the spec asks for {}",
        asked.short()
    ))
}

fn spec_revision(spec: &LoanPlatformSpec) -> RevisionDigest {
    ScoringRevision::of(spec).digest()
}

fn services(spec: &LoanPlatformSpec, state: &PlatformState, land: &Land) -> Result<(), String> {
    let image = state.scoring.image_revision().ok_or("no image half")?;
    let settings = state
        .scoring
        .settings_revision()
        .ok_or("no settings half")?;
    for name in ServiceName::ALL {
        let Some(workload) = spec.services.workload(name) else {
            continue;
        };
        let found = land
            .fleet
            .service(name)
            .ok_or_else(|| format!("{name} is missing"))?;
        let template = if name == ServiceName::Scoring {
            TaskTemplate::of(&image.image)
        } else {
            TaskTemplate {
                image: workload.image,
                cpu: workload.cpu,
                memory: workload.memory,
            }
        };
        if *found.template() != template {
            return Err(format!("{name} runs {}", found.template().image));
        }
        // An alarm that goes on firing has its remedies kept up.
        let is_amended = !state.remedies.is_empty();
        let count = workload.desired_count.map(schema::units::Whole::get);
        if count.is_some_and(|count| count != found.desired()) && !is_amended {
            return Err(format!("{name} has a count of {}", found.desired()));
        }
        if matches!(found.state(), DeploymentState::InProgress) {
            return Err(format!("{name} is still being deployed"));
        }
        let wanted = ServiceSettings::of(name, spec, settings).map(|it| it.revision());
        let mut serving = found.serving();
        let has_others =
            serving.any(|task| task.settings().map(|it| it.revision.clone()) != wanted);
        if has_others && !is_amended {
            return Err(format!("a task of {name} has other settings"));
        }
    }
    Ok(())
}

fn alarms(spec: &LoanPlatformSpec, land: &Land) -> Result<(), String> {
    let found = land.monitor.observed();
    for alarm in &spec.alarms {
        let matching = found.iter().find(|it| it.definition.name == alarm.name);
        let matching = matching.ok_or_else(|| format!("alarm {} is missing", alarm.name))?;
        if matching.definition.threshold.to_bits() != alarm.threshold.to_bits() {
            return Err(format!("alarm {} has another threshold", alarm.name));
        }
    }
    if found.len() > spec.alarms.len() {
        return Err("there are alarms that the spec does not name".to_owned());
    }
    Ok(())
}
