//! The invariants, a file each, named after what must hold.

mod bad_specs_harm_nothing;
mod blamed_only_if_asked_for;
mod converged;
mod convicted_only_if_strong;
mod epochs_never_fall;
mod guards_stay;
mod image_before_settings;
mod known_good_targets;
mod kstatus;
mod modes_hold;
mod no_hot_loop;
mod one_writer;
mod only_what_starts;
mod promoted_only_with_data;
mod quiet_when_done;
mod remedies_end;
mod removal_is_seen_twice;
mod rollback_limit;
mod rolled_back_in_time;
mod scaling_is_left_alone;
mod specs_are_read_only;
mod taken_back_stays_out;
mod write_ahead;

use std::fmt::Debug;
use std::time::Duration;

use cloudwatch_rules::Transition;
use engine::state::{ChangeRecord, PlatformState, Verdict};

use crate::world::{Call, Caller, Land};

/// Something that happened, about which invariants may have to say something.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A mutating call begins.
    Started(&'a Caller, &'a Call),
    /// A mutating call is about to take effect.
    Landing(&'a Caller, &'a Call),
    /// A state document was written.
    Saved {
        /// By whom.
        by: &'a Caller,
        /// What it replaced.
        before: Option<&'a PlatformState>,
        /// The document.
        after: &'a PlatformState,
    },
    /// An alarm has changed its state.
    Turned(&'a Transition),
    /// A task was offered settings that are older than its own.
    Offended(&'a str),
    /// Time has passed.
    Tick {
        /// How much.
        step: Duration,
        /// Whether a controller could do its work all that time.
        able: bool,
    },
    /// Faults and edits have stopped long ago.
    AtRest,
    /// Some more resyncs have passed since.
    StillAtRest,
}

/// How long a change of scoring's service may go unseen: ECS's answers lag behind.
const UNSEEN: Duration = Duration::from_secs(10);

/// What must always hold.
pub(crate) trait Invariant: Debug + Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks at what happened. An error says how it is broken.
    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String>;
}

/// An invariant that does not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// How it is broken.
    pub how: String,
}

/// The verdict that was spoken with the newest writing of the state, and on which change.
fn new_verdict<'a>(
    before: Option<&PlatformState>,
    after: &'a PlatformState,
) -> Option<(&'a ChangeRecord, &'a Verdict)> {
    let change = after.scoring.change.as_ref()?;
    let verdict = change.verdict.as_ref()?;
    let known = before.and_then(|before| before.scoring.change.as_ref());
    let is_new =
        known.is_none_or(|known| known.attempt != change.attempt || known.verdict.is_none());
    is_new.then_some((change, verdict))
}

/// All invariants of one world.
#[derive(Debug)]
pub(crate) struct Court(Vec<Box<dyn Invariant>>);

impl Default for Court {
    fn default() -> Self {
        Self(vec![
            Box::new(one_writer::OneWriter),
            Box::new(write_ahead::WriteAhead),
            Box::new(specs_are_read_only::SpecsAreReadOnly),
            Box::new(epochs_never_fall::EpochsNeverFall::default()),
            Box::new(kstatus::Kstatus),
            Box::new(bad_specs_harm_nothing::BadSpecsHarmNothing),
            Box::new(removal_is_seen_twice::RemovalIsSeenTwice),
            Box::new(modes_hold::ModesHold),
            Box::new(guards_stay::GuardsStay),
            Box::new(image_before_settings::ImageBeforeSettings),
            Box::new(rolled_back_in_time::RolledBackInTime::default()),
            Box::new(known_good_targets::KnownGoodTargets),
            Box::new(convicted_only_if_strong::ConvictedOnlyIfStrong),
            Box::new(blamed_only_if_asked_for::BlamedOnlyIfAskedFor::default()),
            Box::new(promoted_only_with_data::PromotedOnlyWithData::default()),
            Box::new(taken_back_stays_out::TakenBackStaysOut::default()),
            Box::new(rollback_limit::RollbackLimit),
            Box::new(no_hot_loop::NoHotLoop::default()),
            Box::new(remedies_end::RemediesEnd::default()),
            Box::new(scaling_is_left_alone::ScalingIsLeftAlone),
            Box::new(only_what_starts::OnlyWhatStarts),
            Box::new(converged::Converged),
            Box::new(quiet_when_done::QuietWhenDone::default()),
        ])
    }
}

impl Court {
    /// What of the invariants is broken by what happened, if any is.
    pub(crate) fn judge(&mut self, event: &Event<'_>, land: &Land) -> Option<Violation> {
        self.0.iter_mut().find_map(|invariant| {
            let broken = invariant.watch(event, land).err()?;
            Some(Violation {
                invariant: invariant.name(),
                how: broken,
            })
        })
    }
}
