//! Taking in an edit: it counts once, and a bad one harms nothing.

use std::sync::Arc;

use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{Mode, Workload};
use schema::revision::{FieldChange, ScoringRevision, digest_of};
use schema::settings::ServiceSettings;
use schema::status::{Actor, Evidence, HistoryEntry, HistoryKind, Phase};

use crate::specs::{SpecContent, SpecEntry};
use crate::state::{AcceptedSpec, PlatformState, ScoringState};

/// Fields kept of an edit in the history.
const FIELDS_KEPT: usize = 20;

/// Takes in what the spec file says now. The generation grows with every new content, valid or not;
/// only a valid one becomes the accepted spec.
pub fn accept(state: &mut PlatformState, entry: &SpecEntry, now: Timestamp) {
    take_labels(state, entry);
    if state.source == entry.source && is_the_accepted(state, &entry.content) {
        return;
    }
    let digest = content_digest(&entry.content);
    let is_new_content = state.seen_digest != digest;
    state.source.clone_from(&entry.source);
    state.seen_digest = digest;
    if !is_new_content {
        recognise(state, &entry.content);
        return;
    }
    if entry.content != SpecContent::Removed {
        state.removed_at = None;
    }
    match &entry.content {
        SpecContent::Valid(spec) => accept_valid(state, spec, now),
        SpecContent::Invalid { problems, .. } => refuse(state, problems, now),
        SpecContent::Removed => {}
    }
}

/// Whether `entry` says something that counts as a new edit.
#[must_use]
pub fn is_new(state: &PlatformState, entry: &SpecEntry) -> bool {
    state.seen_digest != content_digest(&entry.content)
}

/// Labels and annotations say nothing about the platform: to change them is no edit.
fn take_labels(state: &mut PlatformState, entry: &SpecEntry) {
    if let SpecContent::Valid(_) = entry.content {
        let known = entry.metadata.labels.clone();
        state.labels = known.unwrap_or_default();
        let known = entry.metadata.annotations.clone();
        state.annotations = known.unwrap_or_default();
    }
}

/// From now on `content`, which equals the accepted spec, is told by itself, and kept once.
fn recognise(state: &mut PlatformState, content: &SpecContent) {
    if let (Some(accepted), SpecContent::Valid(spec)) = (&mut state.accepted, content) {
        accepted.spec = Arc::clone(spec);
        let enforced = state.enforced.as_mut();
        if let Some(enforced) = enforced.filter(|enforced| *enforced == spec) {
            *enforced = Arc::clone(spec);
        }
    }
}

/// Whether `content` is the very spec that was accepted last, not merely an equal one.
fn is_the_accepted(state: &PlatformState, content: &SpecContent) -> bool {
    match (&state.accepted, content) {
        (Some(accepted), SpecContent::Valid(spec)) => Arc::ptr_eq(&accepted.spec, spec),
        _ => false,
    }
}

fn accept_valid(state: &mut PlatformState, spec: &Arc<LoanPlatformSpec>, now: Timestamp) {
    state.generation += 1;
    let before = state.accepted.as_ref().map(|accepted| &accepted.spec);
    if before.is_some_and(|before| disturbs(before, spec)) {
        mark_disturbed(state);
    }
    let mut message = format!(
        "{} is accepted as generation {}.",
        state.source, state.generation
    );
    let mut fields = brought_into_force(state, spec);
    if fields.len() > FIELDS_KEPT {
        let all = fields.len();
        message.push_str(&format!(
            " It changes {all} fields, of which {FIELDS_KEPT} are kept here."
        ));
        fields.truncate(FIELDS_KEPT);
    }
    remember(
        state,
        HistoryKind::SpecAccepted,
        "Valid",
        message,
        fields,
        now,
    );
    state.accepted = Some(AcceptedSpec {
        generation: state.generation,
        spec: Arc::clone(spec),
    });
}

fn refuse(state: &mut PlatformState, problems: &str, now: Timestamp) {
    state.generation += 1;
    let stays = state.accepted.as_ref().map_or_else(
        || "nothing is in force yet".to_owned(),
        |accepted| format!("generation {} stays in force", accepted.generation),
    );
    let message = format!("{problems}\n{stays}");
    remember(
        state,
        HistoryKind::SpecRefused,
        "InvalidSpec",
        message,
        Vec::new(),
        now,
    );
}

fn remember(
    state: &mut PlatformState,
    kind: HistoryKind,
    reason: &str,
    message: String,
    fields: Vec<FieldChange>,
    at: Timestamp,
) {
    let from = state
        .accepted
        .as_ref()
        .map(|accepted| accepted.generation.to_string());
    state.record(HistoryEntry {
        at,
        kind,
        by: Actor::Spec,
        from,
        to: Some(state.generation.to_string()),
        reason: reason.to_owned(),
        message,
        evidence: (!fields.is_empty()).then(|| Evidence {
            fields,
            ..Evidence::default()
        }),
    });
}

/// What differs between what was enforced until now and what will be. An edit that is only looked at
/// or held brings nothing into force.
fn brought_into_force(state: &PlatformState, spec: &LoanPlatformSpec) -> Vec<FieldChange> {
    let enforced = state.enforced.as_ref();
    let before = enforced.filter(|_| spec.mode == Mode::Enforce);
    before.map_or_else(Vec::new, |before| before.changes_to(spec))
}

/// What tells one content from another: what `seenDigest` of a state is.
pub(crate) fn content_digest(content: &SpecContent) -> String {
    match content {
        SpecContent::Valid(spec) => digest_of(spec.as_ref()),
        SpecContent::Invalid { version, problems } => digest_of(&(version, problems)),
        SpecContent::Removed => "removed".to_owned(),
    }
}

/// Something beside the change that is being judged has changed: its verdict is weak from now on.
pub(crate) fn mark_disturbed(state: &mut PlatformState) {
    disturb(&mut state.scoring);
}

fn disturb(scoring: &mut ScoringState) {
    if let Some(before) = &mut scoring.before {
        disturb(before);
    }
    let judged = matches!(
        scoring.phase,
        Phase::Applying | Phase::Baking | Phase::Inconclusive | Phase::Preflight
    );
    if judged {
        for change in scoring.change.iter_mut().chain(&mut scoring.standing) {
            change.disturbed = true;
        }
    }
}

/// Whether the edit changes how the platform behaves beside its scoring revision, so that an alarm
/// may be its doing.
fn disturbs(before: &LoanPlatformSpec, after: &LoanPlatformSpec) -> bool {
    let revision = ScoringRevision::of(before);
    behaviour(before, &revision) != behaviour(after, &revision)
}

/// How the services behave under `spec`, with scoring held at `revision`; of scoring itself only how
/// many tasks it has.
fn behaviour(
    spec: &LoanPlatformSpec,
    revision: &ScoringRevision,
) -> Vec<(Option<Workload>, Option<ServiceSettings>)> {
    let of = |service| {
        let mut workload = spec.services.workload(service);
        if let Some(scoring) = workload
            .as_mut()
            .filter(|_| service == ServiceName::Scoring)
        {
            scoring.image = revision.image.image.clone();
            scoring.cpu = revision.image.cpu.get();
            scoring.memory = revision.image.memory.get();
        }
        (workload, ServiceSettings::of(service, spec, revision))
    };
    ServiceName::ALL.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use schema::names::PlatformName;

    use super::*;

    #[test]
    fn a_spec_that_is_told_again_is_kept_once() {
        let text = include_str!("../../../specs/local.yaml");
        let read = || {
            let checked = validation::check("specs/local.yaml", text.as_bytes());
            Arc::new(checked.platform.unwrap().spec)
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut state = PlatformState::new(PlatformName::try_from("local").unwrap(), now);
        (state.accepted, state.enforced) = (
            Some(AcceptedSpec {
                generation: 1,
                spec: read(),
            }),
            Some(read()),
        );
        let told = read();
        let content = SpecContent::Valid(Arc::clone(&told));
        state.seen_digest = content_digest(&content);
        let source = "specs/local.yaml".to_owned();
        let entry = SpecEntry::new(state.platform.clone(), source, content);
        accept(&mut state, &entry, now);
        assert_eq!(state.generation, 0, "it is no edit");
        assert!(Arc::ptr_eq(&state.accepted.unwrap().spec, &told));
        assert!(Arc::ptr_eq(&state.enforced.unwrap(), &told));
    }
}
