//! One turn of the rollout: the state being worked on, and what is said about it.

use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::Mode;
use schema::revision::{RevisionDigest, ScoringRevision};
use schema::status::{Actor, Evidence, HistoryEntry, HistoryKind, Phase};

use super::{Advance, View};
use crate::ports::{ObservedService, TaskTemplate};
use crate::state::{BakeClock, ChangeRecord, ScoringState};

pub(super) struct Turn<'a> {
    pub(super) view: View<'a>,
    pub(super) scoring: ScoringState,
    pub(super) wanted: ScoringRevision,
    pub(super) wanted_digest: RevisionDigest,
    pub(super) waiting_on: Option<String>,
    pub(super) kept_out: Option<String>,
    history: Vec<HistoryEntry>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(scoring: ScoringState, view: View<'a>, wanted: ScoringRevision) -> Self {
        let wanted_digest = scoring.digest_of(&wanted);
        Self {
            view,
            scoring,
            wanted,
            wanted_digest,
            waiting_on: None,
            kept_out: None,
            history: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Advance {
        self.scoring.forget_unused();
        Advance {
            scoring: self.scoring,
            history: self.history,
            waiting_on: self.waiting_on,
            kept_out: self.kept_out,
        }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.view.now()
    }

    /// Why nothing can be judged for now, in words.
    pub(super) fn blindness(&self) -> Option<String> {
        let why = self.view.observed.blind.as_ref()?;
        Some(format!("its alarms to be readable: {why}"))
    }

    /// Whether new changes may begin.
    pub(super) fn may_begin(&self) -> bool {
        self.view.spec.mode == Mode::Enforce
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.scoring.phase = phase;
    }

    pub(super) fn wait(&mut self, reason: impl Into<String>) {
        self.waiting_on = Some(reason.into());
    }

    pub(super) const fn change(&self) -> Option<&ChangeRecord> {
        self.scoring.change.as_ref()
    }

    pub(super) fn edit_change(&mut self, edit: impl FnOnce(&mut ChangeRecord)) {
        if let Some(change) = &mut self.scoring.change {
            edit(change);
        }
    }

    /// Scoring's service as it was found.
    pub(super) fn scoring_found(&self) -> Option<&'a ObservedService> {
        self.view.observed.services.get(&ServiceName::Scoring)
    }

    /// The id of scoring's newest deployment.
    pub(super) fn scoring_deployment(&self) -> Option<String> {
        Some(self.scoring_found()?.deployment.id.clone())
    }

    /// What scoring's tasks are started from once the change under way is taken back.
    pub(super) fn target_template(&self) -> Option<TaskTemplate> {
        let target = self.change()?.target.as_ref()?;
        Some(TaskTemplate::of(&self.scoring.revision(target)?.image))
    }

    /// Whether the change under way had begun, and was undone because it is still to be called for.
    pub(super) fn had_begun(&self) -> bool {
        let attempt = self.change().map(|change| change.attempt);
        attempt.is_some() && attempt == self.view.undone
    }

    /// Whether the change under way is a platform's first, with nothing to go back to.
    pub(super) fn is_first(&self) -> bool {
        self.change().is_none_or(|change| change.target.is_none())
    }

    /// Every task has the change from now on: the bake begins.
    pub(super) fn start_bake_clock(&mut self) {
        let now = self.now();
        self.edit_change(|change| {
            change.effective_at = Some(now);
            change.bake = Some(BakeClock {
                watched_ms: 0,
                last_look: now,
            });
        });
    }

    /// Remembers something about the change under way.
    pub(super) fn record(&mut self, kind: HistoryKind, by: Actor, reason: &str, message: String) {
        let evidence = self.change().map(|change| Evidence {
            fields: change.fields.clone(),
            ..Evidence::default()
        });
        self.record_with(kind, by, reason, message, evidence);
    }

    /// Remembers something about the revision that the spec asks for and does not get.
    pub(super) fn record_wanted(&mut self, kind: HistoryKind, reason: &str, message: String) {
        let live = self.scoring.settings_revision();
        let fields = live
            .map(|live| live.changes_to(&self.wanted))
            .unwrap_or_default();
        self.history.push(HistoryEntry {
            at: self.now(),
            kind,
            by: Actor::Controller,
            from: self.scoring.live().map(|live| live.0.clone()),
            to: Some(self.wanted_digest.0.clone()),
            reason: reason.to_owned(),
            message,
            evidence: Some(Evidence {
                fields,
                ..Evidence::default()
            }),
        });
    }

    pub(super) fn record_with(
        &mut self,
        kind: HistoryKind,
        by: Actor,
        reason: &str,
        message: String,
        evidence: Option<Evidence>,
    ) {
        let taking_back = matches!(
            kind,
            HistoryKind::RollbackStarted | HistoryKind::RolledBack | HistoryKind::RollbackProblem
        );
        let target = self.change().and_then(|change| change.target.clone());
        let candidate = self.change().map(|change| change.candidate.clone());
        let (from, to) = if taking_back {
            (candidate, target)
        } else {
            (target, candidate)
        };
        self.history.push(HistoryEntry {
            at: self.now(),
            kind,
            by,
            from: from.map(|digest| digest.0),
            to: to.map(|digest| digest.0),
            reason: reason.to_owned(),
            message,
            evidence,
        });
    }
}
