//! Rehearsals: both sides of a change are asked once, and the answers remembered for a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schema::names::{PlatformName, ServiceName};
use schema::revision::ScoringRevision;
use schema::settings::ServiceSettings;
use tokio::time::Instant;

use crate::observed::RehearsalFinding;
use crate::ports::{Compute, PortError, Rehearsal, Rehearsed, TaskTemplate, Urgency};
use crate::state::PlatformState;

/// How long an answer holds: an image may be pushed, or removed, meanwhile.
const FRESH: Duration = Duration::from_secs(30);
/// Platforms whose last answer is remembered; beyond it all are asked for again.
const KEPT: usize = 1_000;

/// Answers by platform: to which question, what, and when.
#[derive(Debug, Default)]
pub struct Rehearsals {
    answers: Mutex<BTreeMap<PlatformName, Answer>>,
}

#[derive(Clone, Debug)]
struct Answer {
    question: [Rehearsal; 2],
    obstacle: Option<String>,
    at: Instant,
}

impl Rehearsals {
    /// Rehearses both sides of the scoring change that waits to begin: each must start, and take the
    /// settings of either. Nothing when none waits.
    ///
    /// # Errors
    /// When it cannot be found out for now.
    pub(crate) async fn of(
        &self,
        compute: &dyn Compute,
        state: &PlatformState,
        urgency: Urgency,
    ) -> Result<Option<RehearsalFinding>, PortError> {
        let Some((attempt, question)) = question(state) else {
            return Ok(None);
        };
        let obstacle = self
            .obstacle(compute, &state.platform, question, urgency)
            .await?;
        Ok(Some(RehearsalFinding { attempt, obstacle }))
    }

    async fn obstacle(
        &self,
        compute: &dyn Compute,
        platform: &PlatformName,
        question: [Rehearsal; 2],
        urgency: Urgency,
    ) -> Result<Option<String>, PortError> {
        if let Some(known) = self.fresh(platform, &question) {
            return Ok(known.obstacle);
        }
        let mut obstacle = None;
        for rehearsal in &question {
            if let Rehearsed::Unsound { reason } = compute.rehearse(rehearsal, urgency).await? {
                obstacle = Some(format!(
                    "{} cannot be used: {reason}",
                    rehearsal.template.image
                ));
            }
        }
        self.remember(platform, question, obstacle.clone());
        Ok(obstacle)
    }

    fn fresh(&self, platform: &PlatformName, question: &[Rehearsal; 2]) -> Option<Answer> {
        let answers = self.lock();
        let known = answers.get(platform)?;
        (known.question == *question && known.at.elapsed() < FRESH).then(|| known.clone())
    }

    fn remember(
        &self,
        platform: &PlatformName,
        question: [Rehearsal; 2],
        obstacle: Option<String>,
    ) {
        let mut answers = self.lock();
        if answers.len() >= KEPT {
            answers.clear();
        }
        let at = Instant::now();
        answers.insert(
            platform.clone(),
            Answer {
                question,
                obstacle,
                at,
            },
        );
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both sides of the change that waits to begin, each with the settings of both.
fn question(state: &PlatformState) -> Option<(u64, [Rehearsal; 2])> {
    let scoring = &state.scoring;
    let change = scoring.waiting()?;
    let candidate = scoring.revisions.get(&change.candidate)?;
    let target = scoring.revisions.get(change.target.as_ref()?)?;
    let spec = &state.accepted.as_ref()?.spec;
    let settings: Vec<ServiceSettings> = [target, candidate]
        .into_iter()
        .filter_map(|revision| ServiceSettings::of(ServiceName::Scoring, spec, revision))
        .collect();
    let rehearsal = |revision: &ScoringRevision| Rehearsal {
        platform: state.platform.clone(),
        service: ServiceName::Scoring,
        template: TaskTemplate::of(&revision.image),
        settings: settings.clone(),
    };
    Some((change.attempt, [rehearsal(target), rehearsal(candidate)]))
}
