//! What becomes of scoring's revision.

use schema::LoanPlatformSpec;
use schema::platform::{AlarmName, Mode};
use schema::revision::{FieldChange, RevisionDigest, ScoringRevision};
use schema::status::Phase;

use super::course::Course;
use crate::desired::definition;
use crate::ports::AlarmDefinition;
use crate::state::{ChangeRecord, PlatformState};

/// A scoring revision that the spec asks for and that is not in force.
#[derive(Clone, Debug)]
pub struct ScoringForecast {
    /// The revision in force; nothing for a new platform.
    pub from: Option<RevisionDigest>,
    /// The revision that the spec asks for.
    pub to: RevisionDigest,
    /// The fields in which they differ.
    pub fields: Vec<FieldChange>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a scoring revision.
#[derive(Clone, Debug)]
pub enum Fate {
    /// None has proved good yet: it is applied at once, and watched so that there is something good to go back to.
    First(Bake),
    /// It is brought in and watched.
    Bakes(Bake),
    /// It is already under way, and goes on being so.
    UnderWay(Phase),
    /// Its inconclusive bake is promoted by hand.
    Approved,
    /// The change under way is taken back, for this is what was in force before it.
    TakesBack,
    /// It was taken back before, and stays out.
    KeptOut(String),
    /// It does not begin by itself.
    Waits(String),
}

impl Fate {
    /// Whether it means that scoring changes because of the edit.
    #[must_use]
    pub const fn is_a_change(&self) -> bool {
        match self {
            Self::First(_) | Self::Bakes(_) | Self::Approved | Self::TakesBack | Self::Waits(_) => {
                true
            }
            Self::UnderWay(_) | Self::KeptOut(_) => false,
        }
    }
}

/// How a change is watched.
#[derive(Clone, Debug)]
pub struct Bake {
    /// Milliseconds for which it is watched.
    pub bake_ms: u64,
    /// Milliseconds after which it is decided without enough data.
    pub longest_ms: u64,
    /// Scoring calls that must have been seen.
    pub samples: u32,
    /// The alarms that judge it. With none, nothing does.
    pub guards: Vec<Guard>,
}

/// An alarm that judges a change.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Its name.
    pub name: AlarmName,
    /// How it will be defined by then.
    pub definition: AlarmDefinition,
}

/// What becomes of the revision that `spec` asks for; nothing where it is in force and nothing is under way, or where
/// the mode holds changes.
pub(super) fn of(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    course: &Course,
) -> Option<ScoringForecast> {
    let wanted = ScoringRevision::of(spec);
    let before = &state.scoring;
    let to = before.digest_of(&wanted);
    let rests = before.live() == Some(&to) && !before.is_moving();
    if rests || spec.mode != Mode::Enforce {
        return None;
    }
    let known = before.settings_revision();
    Some(ScoringForecast {
        from: before.settings.clone(),
        fields: known
            .map(|known| known.changes_to(&wanted))
            .unwrap_or_default(),
        fate: fate(state, spec, course, &to),
        to,
    })
}

fn fate(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    course: &Course,
    wanted: &RevisionDigest,
) -> Fate {
    if let Some(reason) = &course.kept_out {
        return Fate::KeptOut(reason.clone());
    }
    let before = &state.scoring;
    // A hold for somebody else's change ends with the edit.
    let goes_on = before.is_moving() && before.external.is_none();
    let change = before.change.as_ref().filter(|_| goes_on);
    let end = &course.end.scoring;
    let is_promoted = end.live() == Some(wanted) && end.last_good() == Some(wanted);
    if let Some(change) = change {
        if change.candidate == *wanted && approves(spec, change) {
            return Fate::Approved;
        }
        if change.candidate == *wanted {
            return Fate::UnderWay(before.phase);
        }
        if change.target.as_ref() == Some(wanted) {
            return Fate::TakesBack;
        }
    }
    if !is_promoted {
        let reason = course.waits_on.clone();
        return Fate::Waits(reason.unwrap_or_else(|| "what is under way to end".to_owned()));
    }
    let bake = bake(state, spec);
    if end
        .change
        .as_ref()
        .is_none_or(|change| change.target.is_none())
    {
        Fate::First(bake)
    } else {
        Fate::Bakes(bake)
    }
}

/// Whether `spec` promotes `change` by hand.
fn approves(spec: &LoanPlatformSpec, change: &ChangeRecord) -> bool {
    let approve = &spec.rollout.approve;
    !approve.is_empty() && change.candidate.0.starts_with(approve.as_str())
}

fn bake(state: &PlatformState, spec: &LoanPlatformSpec) -> Bake {
    let guard = |alarm: &schema::platform::Alarm| {
        Some(Guard {
            name: alarm.name.clone(),
            definition: definition(&state.platform, alarm)?,
        })
    };
    Bake {
        bake_ms: spec.rollout.bake_time.as_millis(),
        longest_ms: spec.rollout.max_bake_time.as_millis(),
        samples: spec.rollout.min_samples.get(),
        guards: spec.gating_alarms().into_iter().filter_map(guard).collect(),
    }
}
