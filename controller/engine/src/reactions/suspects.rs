//! Suspects: what was changed before a gating alarm fired while no change was being judged. Nothing is
//! taken back by itself then; a person is told what to put back, and how.

use std::sync::Arc;

use jiff::SignedDuration;
use schema::revision::{FieldChange, ScoringRevision};
use schema::status::{Actor, Evidence, HistoryEntry, HistoryKind, Phase};

use super::firings::Fired;
use super::{Round, note};
use crate::state::{PlatformState, ScoringState};

/// How long before the firing a change may have been made.
const SUSPECT_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Changes named.
const SUSPECTS_NAMED: usize = 5;

/// Names the changes that may be behind the firing of a gating alarm, unless the rollout judges one.
pub(super) fn name(state: &mut PlatformState, round: Round<'_>, fired: &Fired<'_>) {
    let gating = round.spec.gating_alarms();
    let gates = gating.iter().any(|alarm| alarm.name == *fired.name());
    if !gates || is_judging(&state.scoring) {
        return;
    }
    let suspects = suspects(state, fired);
    let message = in_words(state, fired, &suspects);
    let fields = suspects.into_iter().flat_map(|suspect| suspect.fields);
    let evidence = Evidence {
        fields: fields.collect(),
        ..fired.evidence()
    };
    note(
        state,
        round.entry(
            HistoryKind::Suspected,
            Actor::Alarm,
            "AlarmAfterBake",
            message,
            evidence,
        ),
    );
}

/// Whether the rollout acts on a firing by itself, or has just done so. A platform's first change has
/// nothing to go back to, so it is not judged.
fn is_judging(scoring: &ScoringState) -> bool {
    let has_target = scoring
        .change
        .as_ref()
        .is_some_and(|it| it.target.is_some());
    let judges = match scoring.phase {
        // Before its first call a change has no part in what alarms say.
        Phase::Applying => scoring
            .change
            .as_ref()
            .is_some_and(|it| it.asked_at.is_some()),
        Phase::Baking
        | Phase::Inconclusive
        | Phase::RollingBack
        | Phase::RollbackFailed
        | Phase::Verifying => true,
        _ => false,
    };
    (judges && has_target) || scoring.standing.is_some() || scoring.external.is_some()
}

/// A change that may be behind a firing.
struct Suspect {
    /// When and what, in words.
    headline: String,
    fields: Vec<FieldChange>,
}

/// The newest first.
fn suspects(state: &PlatformState, fired: &Fired<'_>) -> Vec<Suspect> {
    let fired_at = fired.firing.at;
    let is_in_window = |entry: &&Arc<HistoryEntry>| {
        entry.at <= fired_at && fired_at.duration_since(entry.at) <= SUSPECT_WINDOW
    };
    let recent = state.history.iter().rev().filter(is_in_window);
    let suspects = recent.filter_map(|entry| suspect(state, entry));
    suspects.take(SUSPECTS_NAMED).collect()
}

/// What `entry` changed, if it changed something: scoring by the promotion, for not every accepted
/// edit of it stays; everything else by the acceptance, and tasks by what was applied without one.
fn suspect(state: &PlatformState, entry: &HistoryEntry) -> Option<Suspect> {
    let all = entry.evidence.as_ref().map(|evidence| &evidence.fields);
    let fields: Vec<FieldChange> = all
        .into_iter()
        .flatten()
        .filter(|field| entry.kind != HistoryKind::SpecAccepted || acts_at_once(field))
        .cloned()
        .collect();
    let counts = match entry.kind {
        HistoryKind::Promoted
        | HistoryKind::SpecAccepted
        | HistoryKind::RemedyStarted
        | HistoryKind::RemedyEnded => !fields.is_empty(),
        HistoryKind::Applied => is_on_its_own(state, entry),
        _ => false,
    };
    let first_line = entry.message.lines().next().unwrap_or_default();
    counts.then(|| Suspect {
        headline: format!("{:.0} {:?}: {first_line}", entry.at, entry.kind),
        fields,
    })
}

/// Whether a field of an accepted edit changes the services or the alarms by the acceptance alone.
fn acts_at_once(field: &FieldChange) -> bool {
    let path = field.path.as_str();
    let matters = path.starts_with("services.") || path.starts_with("alarms");
    matters && !ScoringRevision::covers(path)
}

/// Whether no other entry tells why tasks were changed: an edit that is that recent, or a remedy.
fn is_on_its_own(state: &PlatformState, applied: &HistoryEntry) -> bool {
    let explains = |entry: &Arc<HistoryEntry>| match entry.kind {
        HistoryKind::SpecAccepted => {
            entry.to == applied.to && applied.at.duration_since(entry.at) <= SUSPECT_WINDOW
        }
        HistoryKind::RemedyStarted | HistoryKind::RemedyEnded => entry.at == applied.at,
        _ => false,
    };
    !state.history.iter().any(explains)
}

fn in_words(state: &PlatformState, fired: &Fired<'_>, suspects: &[Suspect]) -> String {
    let told = fired.in_words();
    if suspects.is_empty() {
        return format!(
            "{told} No change is being judged, so nothing is taken back; nothing was changed in the \
             24 h before."
        );
    }
    let mut lines = vec![format!(
        "{told} No change is being judged, so nothing is taken back. Changed in the 24 h before, the \
         newest first:"
    )];
    for suspect in suspects {
        lines.push(suspect.headline.clone());
        lines.extend(suspect.fields.iter().map(|field| format!("  {field}")));
    }
    lines.push(format!(
        "To take one back, put the value left of its arrow into {}.",
        state.source
    ));
    lines.join("\n")
}
