//! Taking in an edit: it counts once, and a bad one harms nothing.

use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::Workload;
use schema::revision::{ScoringRevision, digest_of};
use schema::settings::ServiceSettings;
use schema::status::{Actor, HistoryEntry, HistoryKind, Phase};

use crate::specs::{SpecContent, SpecEntry};
use crate::state::{AcceptedSpec, PlatformState};

/// Takes in what the spec file says now. The generation grows with every new content, valid or not;
/// only a valid one becomes the accepted spec.
pub fn accept(state: &mut PlatformState, entry: &SpecEntry, now: Timestamp) {
    let digest = content_digest(&entry.content);
    if state.seen_digest == digest && state.source == entry.source {
        return;
    }
    let is_new_content = state.seen_digest != digest;
    state.source.clone_from(&entry.source);
    state.seen_digest = digest;
    if !is_new_content {
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

fn accept_valid(state: &mut PlatformState, spec: &LoanPlatformSpec, now: Timestamp) {
    state.generation += 1;
    let before = state.accepted.as_ref().map(|accepted| &accepted.spec);
    if before.is_some_and(|before| disturbs(before, spec)) {
        mark_disturbed(state);
    }
    let message = format!(
        "{} is accepted as generation {}.",
        state.source, state.generation
    );
    remember(state, HistoryKind::SpecAccepted, "Valid", message, now);
    state.accepted = Some(AcceptedSpec {
        generation: state.generation,
        spec: spec.clone(),
    });
}

fn refuse(state: &mut PlatformState, problems: &str, now: Timestamp) {
    state.generation += 1;
    let stays = state.accepted.as_ref().map_or_else(
        || "nothing is in force yet".to_owned(),
        |accepted| format!("generation {} stays in force", accepted.generation),
    );
    let message = format!("{problems}\n{stays}");
    remember(state, HistoryKind::SpecRefused, "InvalidSpec", message, now);
}

fn remember(
    state: &mut PlatformState,
    kind: HistoryKind,
    reason: &str,
    message: String,
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
        evidence: None,
    });
}

fn content_digest(content: &SpecContent) -> String {
    match content {
        SpecContent::Valid(spec) => digest_of(spec.as_ref()),
        SpecContent::Invalid { version, problems } => digest_of(&(version, problems)),
        SpecContent::Removed => "removed".to_owned(),
    }
}

fn mark_disturbed(state: &mut PlatformState) {
    let scoring = &mut state.scoring;
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
