//! Once an alarm convicts a change, no task has it any more within minutes, whatever the mode.

use std::time::Duration;

use cloudwatch_rules::Transition;
use engine::ports::TaskTemplate;
use engine::state::{ChangeRecord, PlatformState};
use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::revision::RevisionDigest;
use schema::status::{AlarmState, Phase};

use super::{Event, Invariant};
use crate::world::{Land, Service};

/// Time in which a controller that can work must have taken a change back.
const BOUND: Duration = Duration::from_secs(360);

/// Alarms that fired while a change was judged, until it is gone.
#[derive(Debug, Default)]
pub(super) struct RolledBackInTime {
    watched: Vec<Accusation>,
}

/// An alarm that fired while a change was judged.
#[derive(Debug)]
struct Accusation {
    alarm: AlarmName,
    fired_at: Timestamp,
    attempt: u64,
    candidate: RevisionDigest,
    /// Time since in which a controller could work.
    able: Duration,
}

impl Invariant for RolledBackInTime {
    fn name(&self) -> &'static str {
        "rolled-back-in-time"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Turned(moved) => {
                self.watched.extend(accusation(moved, land));
                Ok(())
            }
            Event::Tick { step, able } => {
                if *able {
                    self.watched.iter_mut().for_each(|it| it.able += *step);
                }
                self.watched.retain(|it| !is_over(it, land));
                self.watched
                    .iter()
                    .find(|it| it.able > BOUND)
                    .map_or(Ok(()), |it| Err(complaint(it)))
            }
            _ => Ok(()),
        }
    }
}

fn complaint(accusation: &Accusation) -> String {
    format!(
        "alarm {} fired at {:.0} while {} was judged, and after {} s of work it still runs somewhere",
        accusation.alarm,
        accusation.fired_at,
        accusation.candidate.short(),
        accusation.able.as_secs()
    )
}

/// The accusation that an alarm's move is, if it fired on a change that it judges.
fn accusation(moved: &Transition, land: &Land) -> Option<Accusation> {
    let state = land.ledger.state.as_ref()?;
    let change = state.scoring.change.as_ref()?;
    let judged = matches!(
        state.scoring.phase,
        Phase::Applying | Phase::Baking | Phase::Inconclusive
    );
    let convicts = moved.to == AlarmState::Alarm && judged && is_attributable(moved, change, land);
    convicts.then(|| Accusation {
        alarm: moved.name.clone(),
        fired_at: moved.at,
        attempt: change.attempt,
        candidate: change.candidate.clone(),
        able: Duration::ZERO,
    })
}

fn is_attributable(moved: &Transition, change: &ChangeRecord, land: &Land) -> bool {
    let Some(baseline) = change.baseline.get(&moved.name) else {
        return false;
    };
    let found = land.monitor.alarm(&moved.name);
    change.target.is_some()
        && baseline.state == AlarmState::Ok
        && !change.acknowledged.contains(&moved.name)
        && found.is_some_and(|it| !it.muted && it.configured_at == baseline.configured_at)
}

/// Whether the change is gone, or something else was decided that lets it stay.
fn is_over(accusation: &Accusation, land: &Land) -> bool {
    let Some(state) = &land.ledger.state else {
        return true;
    };
    let scoring = &state.scoring;
    let later = scoring.change.as_ref().is_some_and(|change| {
        change.attempt > accusation.attempt && change.candidate == accusation.candidate
    });
    let is_vouched_for = scoring.good.contains(&accusation.candidate);
    let by_hand = land.ledger.scoring_touched_at;
    later
        || is_vouched_for
        || scoring.phase == Phase::RollbackFailed
        || state.removed_at.is_some()
        || by_hand.is_some_and(|at| at > accusation.fired_at)
        || land
            .monitor
            .alarm(&accusation.alarm)
            .is_none_or(|it| it.muted)
        || !runs_anywhere(&accusation.candidate, state, land)
}

/// Whether any serving task has a half of `revision` that is not the target's as well.
fn runs_anywhere(revision: &RevisionDigest, state: &PlatformState, land: &Land) -> bool {
    let has_settings = |service| {
        let mut serving = land
            .fleet
            .service(service)
            .into_iter()
            .flat_map(Service::serving);
        serving.any(|task| {
            task.settings()
                .is_some_and(|taken| taken.scoring_revision == revision.0)
        })
    };
    [ServiceName::Scoring, ServiceName::LoanApi]
        .into_iter()
        .any(has_settings)
        || runs_image(revision, state, land)
}

fn runs_image(revision: &RevisionDigest, state: &PlatformState, land: &Land) -> bool {
    let revisions = &state.scoring.revisions;
    let template = |digest| revisions.get(digest).map(|it| TaskTemplate::of(&it.image));
    let Some(candidate) = template(revision) else {
        return false;
    };
    let in_force = state.scoring.good.last().and_then(template);
    if in_force.as_ref() == Some(&candidate) {
        return false;
    }
    let scoring = land.fleet.service(ServiceName::Scoring);
    let mut serving = scoring.into_iter().flat_map(Service::serving);
    serving.any(|task| *task.template() == candidate)
}
