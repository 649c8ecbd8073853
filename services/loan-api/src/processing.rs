//! From a stored application to a decided one: score, decide, store. No connection is held while
//! scoring is asked.

use std::time::Duration;

use resilience::{CallError, Classified, FailureClass};
use rust_decimal::Decimal;
use schema::settings::{LoanApiSettings, SettingsDocument};
use schema::signals::Metric;
use service_kit::telemetry::metrics::Counter;
use service_kit::{Context, Settings};

use crate::application::LoanRequest;
use crate::decision::{Verdict, decide};
use crate::scoring::{Purpose, Score, ScoringClient, ScoringError};
use crate::store::{Decided, Status, Store, StoreError};

/// An application belongs to whoever works on it for as long as scoring may take and this much more; then the
/// recovery worker may take it up.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Decides applications.
#[derive(Clone)]
pub(crate) struct Processor {
    store: Store,
    scoring: ScoringClient,
    settings: Settings<LoanApiSettings>,
    approved: Counter,
    rejected: Counter,
}

/// What an application was decided to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) interest_rate: Option<Decimal>,
}

/// Why an application stays undecided, to be taken up again later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecidable {
    /// There is no score.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    /// The decision could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Someone else decided it meanwhile.
    #[error("it was decided elsewhere meanwhile")]
    DecidedElsewhere,
}

/// What an application that stays undecided met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Nobody was asked: scoring is being left alone.
    NotTried,
    /// Something is broken, or busy, that will work again.
    Outage,
    /// It was refused for what it is, and will be again.
    Refusal,
}

impl Undecidable {
    pub(crate) fn obstacle(&self) -> Obstacle {
        match self {
            Self::Scoring(CallError::BreakerOpen { .. } | CallError::BulkheadFull) => {
                Obstacle::NotTried
            }
            Self::Scoring(CallError::Failed { source, .. })
                if source.class() != FailureClass::Transient =>
            {
                Obstacle::Refusal
            }
            Self::Store(error) if !error.is_transient() => Obstacle::Refusal,
            Self::Scoring(_) | Self::Store(_) | Self::DecidedElsewhere => Obstacle::Outage,
        }
    }
}

impl Processor {
    pub(crate) fn new(
        store: Store,
        scoring: ScoringClient,
        context: &Context<LoanApiSettings>,
    ) -> Self {
        let own = context.metrics.own();
        Self {
            store,
            scoring,
            settings: context.settings.clone(),
            approved: own.counter(Metric::ApplicationsApproved),
            rejected: own.counter(Metric::ApplicationsRejected),
        }
    }

    /// Whether scoring is being left alone at present.
    pub(crate) fn scoring_is_left_alone(&self) -> bool {
        self.scoring.is_left_alone()
    }

    /// How long an application belongs to whoever works on it.
    pub(crate) fn lease(&self) -> Duration {
        self.settings.load().settings.clients.scoring.timeout.get() + LEASE_MARGIN
    }

    pub(crate) fn reconfigure(&self, settings: &LoanApiSettings) {
        self.scoring.reconfigure(settings);
    }

    /// Scores, decides and stores the decision. A failure leaves the application as it was: nobody
    /// is rejected because something broke.
    pub(crate) async fn process(
        &self,
        application_id: &str,
        request: &LoanRequest,
        purpose: Purpose,
    ) -> Result<Outcome, Undecidable> {
        let score = self.scoring.score(application_id, request, purpose).await?;
        let document = self.settings.load();
        let decided = decision(request, &score, &document);
        if !self.store.decide(application_id, &decided).await? {
            return Err(Undecidable::DecidedElsewhere);
        }
        self.count(decided.status);
        tracing::info!(
            application_id,
            status = decided.status.as_str(),
            score = decided.score,
            reason = decided.rejection_reason,
            scoring_revision = decided.scoring_revision,
            "application decided"
        );
        Ok(Outcome {
            status: decided.status,
            interest_rate: decided.interest_rate,
        })
    }

    fn count(&self, status: Status) {
        match status {
            Status::Approved => self.approved.add(1),
            Status::Rejected => self.rejected.add(1),
            Status::Received => {}
        }
    }
}

/// The decision on `request`, with everything it rests on.
fn decision<'a>(
    request: &LoanRequest,
    score: &'a Score,
    document: &'a SettingsDocument<LoanApiSettings>,
) -> Decided<'a> {
    let policy = &document.settings.decision;
    let verdict = decide(request, u32::from(score.score), policy);
    let (status, interest_rate, rejection_reason) = match verdict {
        Verdict::Approved { interest_rate } => (Status::Approved, Some(interest_rate), None),
        Verdict::Rejected { reason } => (Status::Rejected, None, Some(reason.as_str())),
    };
    // A scoring that does not name its revision is one from before it did.
    let scoring_revision = score.scoring_revision.as_deref();
    Decided {
        status,
        interest_rate,
        rejection_reason,
        score: i32::from(score.score),
        risk_band: &score.risk_band,
        provider: &score.provider,
        scoring_revision: scoring_revision.unwrap_or(&document.scoring_revision),
        settings_revision: &document.revision,
        policy,
    }
}
