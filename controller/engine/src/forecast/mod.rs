//! The forecast: what the controller will do about a spec, before it is put where it counts.
//!
//! There is no second planner. The controller's own [`decide`](crate::decide::decide) is asked round after round, in a world that does at once
//! what it is asked for, has traffic enough to judge by, and lets no alarm fire. What comes of it is what happens when all
//! goes well, in the same order; what is waited for in vain even there is told.

mod course;
mod found;
pub(crate) mod obedient;
mod remembered;
mod scoring;
mod warnings;

use std::sync::Arc;

use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::revision::FieldChange;

pub use course::{Begins, Stage};
pub use found::as_found;
pub use remembered::as_last_left;
pub use scoring::{Bake, Fate, Guard, ScoringForecast};

use crate::accept::{accept, is_new};
use crate::observed::Observed;
use crate::plan::Step;
use crate::specs::{SpecContent, SpecEntry};
use crate::state::PlatformState;
use course::Course;

/// What the controller will do about a spec.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Generation in force until then; nothing for a new platform.
    pub from: Option<i64>,
    /// Generation that the spec becomes; that in force where the spec says nothing new.
    pub generation: i64,
    /// What the spec changes of the one in force, field by field; nothing for a new platform.
    pub edits: Vec<FieldChange>,
    /// The calls, in their order.
    pub stages: Vec<Stage>,
    /// What becomes of scoring's revision; nothing where it stays as it is.
    pub scoring: Option<ScoringForecast>,
    /// What is still waited for when nothing more happens by itself.
    pub waits_on: Option<String>,
    /// What a person should think about first.
    pub warnings: Vec<String>,
}

/// A spec to forecast.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The file.
    pub entry: SpecEntry,
    /// What it says.
    pub spec: Arc<LoanPlatformSpec>,
}

impl Edit {
    /// The valid spec in `entry`; nothing where it has none.
    #[must_use]
    pub fn of(entry: SpecEntry) -> Option<Self> {
        let SpecContent::Valid(spec) = &entry.content else {
            return None;
        };
        let spec = Arc::clone(spec);
        Some(Self { entry, spec })
    }
}

impl Forecast {
    /// Whether anything will be called, or scoring will change.
    #[must_use]
    pub fn changes_something(&self) -> bool {
        let scoring = self.scoring.as_ref().map(|scoring| &scoring.fate);
        !self.stages.is_empty() || scoring.is_some_and(Fate::is_a_change)
    }

    /// Every call, in its order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|stage| &stage.steps)
    }
}

/// What the controller will do about `edit` at `now`, from `state` on and in the `world` that it finds.
#[must_use]
pub fn forecast(state: &PlatformState, world: Observed, edit: &Edit, now: Timestamp) -> Forecast {
    let before = state.accepted.as_ref();
    let mut accepted = state.clone();
    let says_something_new = is_new(state, &edit.entry);
    accept(&mut accepted, &edit.entry, now);
    let mut warnings = warnings::of(before.map(|it| it.spec.as_ref()), &edit.spec, &world, state);
    let course = Course::run(accepted, world, now);
    let edits = before
        .filter(|_| says_something_new)
        .map(|before| before.spec.changes_to(&edit.spec))
        .unwrap_or_default();
    let scoring = scoring::of(state, &edit.spec, &course);
    warnings.extend(scoring.as_ref().and_then(warnings::of_quarantine));
    Forecast {
        from: before.map(|before| before.generation),
        generation: course.end.generation,
        edits,
        scoring,
        waits_on: course.waits_on,
        stages: course.stages,
        warnings,
    }
}
