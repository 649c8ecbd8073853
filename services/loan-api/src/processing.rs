//! From a stored application to a decided one: score, decide, store. No connection is held while
//! scoring is asked.

use rust_decimal::Decimal;
use schema::settings::{LoanApiSettings, SettingsDocument};
use schema::signals::Metric;
use service_kit::telemetry::metrics::Counter;
use service_kit::{Context, Settings};

use crate::application::LoanRequest;
use crate::decision::{Verdict, decide};
use crate::scoring::{Purpose, Score, ScoringClient, ScoringError};
use crate::store::{Decided, Status, Store, StoreError};

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
        let decided = decision(request, score, &document);
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
fn decision(
    request: &LoanRequest,
    score: Score,
    document: &SettingsDocument<LoanApiSettings>,
) -> Decided {
    let verdict = decide(request, u32::from(score.score), &document.settings.decision);
    let (status, interest_rate, rejection_reason) = match verdict {
        Verdict::Approved { interest_rate } => (Status::Approved, Some(interest_rate), None),
        Verdict::Rejected { reason } => (Status::Rejected, None, Some(reason.as_str())),
    };
    Decided {
        status,
        interest_rate,
        rejection_reason,
        score: i32::from(score.score),
        risk_band: score.risk_band,
        provider: score.provider,
        scoring_revision: document.scoring_revision.clone(),
        settings_revision: document.revision.clone(),
    }
}
