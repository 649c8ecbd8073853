//! Applications: stored once, decided once.

use std::time::Duration;

use rust_decimal::Decimal;
use schema::platform::Decision as Policy;
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{Store, StoreError, milliseconds};
use crate::application::LoanRequest;

/// An application to be stored.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// Its id: `app-` and a UUID that sorts by time.
    pub application_id: String,
    /// Whose it is.
    pub client_id: String,
    /// The client's own key for it.
    pub idempotency_key: String,
    /// What is applied for.
    pub request: LoanRequest,
    /// The trace it came with.
    pub trace_id: String,
    /// How long nobody else takes it up.
    pub lease: Duration,
    /// How long its request may take to be answered.
    pub answered_within: Duration,
}

/// What became of storing an application.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It is stored.
    New,
    /// The client's key was used before, for this one.
    Existing(Box<StoredApplication>),
}

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not decided yet.
    Received,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
}

impl Status {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "RECEIVED" => Self::Received,
            "APPROVED" => Self::Approved,
            "REJECTED" => Self::Rejected,
            _ => return None,
        })
    }

    /// The status as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }
}

/// An application as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApplication {
    /// Its id.
    pub application_id: String,
    /// What was applied for.
    pub request: LoanRequest,
    /// Where it stands.
    pub status: Status,
    /// The rate, when approved.
    pub interest_rate: Option<Decimal>,
    /// Whether the request that stored it may still be at work on it, unanswered.
    pub is_under_way: bool,
}

/// A decision, and what it rests on.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    /// Approved or rejected.
    pub status: Status,
    /// The rate, when approved.
    pub interest_rate: Option<Decimal>,
    /// Why, when rejected.
    pub rejection_reason: Option<&'static str>,
    /// The score.
    pub score: i32,
    /// Its band.
    pub risk_band: &'a str,
    /// Who scored.
    pub provider: &'a str,
    /// Scoring revision that scored.
    pub scoring_revision: &'a str,
    /// Settings in force.
    pub settings_revision: &'a str,
    /// The credit policy in force.
    pub policy: &'a Policy,
}

struct Row {
    application_id: String,
    user_id: String,
    amount: Decimal,
    term_months: i32,
    income: Decimal,
    status: String,
    interest_rate: Option<Decimal>,
    is_under_way: bool,
}

impl TryFrom<Row> for StoredApplication {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let Some(status) = Status::parse(&row.status) else {
            return Err(StoreError::UnknownStatus {
                application_id: row.application_id,
                status: row.status,
            });
        };
        Ok(Self {
            application_id: row.application_id,
            request: LoanRequest {
                user_id: row.user_id,
                amount: row.amount,
                term_months: row.term_months,
                income: row.income,
            },
            status,
            interest_rate: row.interest_rate,
            is_under_way: row.is_under_way,
        })
    }
}

impl Store {
    /// Stores an application as RECEIVED, unless its client used its key before.
    ///
    /// # Errors
    /// When the database does not answer, or refuses.
    pub async fn insert(&self, new: &NewApplication) -> Result<Inserted, StoreError> {
        let LoanRequest {
            user_id,
            amount,
            term_months,
            income,
        } = &new.request;
        let statement = sqlx::query!(
            "INSERT INTO loan_applications (application_id, client_id, idempotency_key, user_id, \
                 amount, term_months, income, trace_id, lease_until, answered_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::bigint * interval '1 ms', \
                 now() + $10::bigint * interval '1 ms') \
             ON CONFLICT (client_id, idempotency_key) DO NOTHING",
            new.application_id,
            new.client_id,
            new.idempotency_key,
            user_id,
            amount,
            term_months,
            income,
            new.trace_id,
            milliseconds(new.lease),
            milliseconds(new.answered_within),
        );
        if self.execute(statement).await? == 1 {
            return Ok(Inserted::New);
        }
        let existing = sqlx::query_as!(
            Row,
            r#"SELECT application_id, user_id, amount, term_months, income, status, interest_rate,
                   (status = 'RECEIVED' AND now() < answered_by) AS "is_under_way!"
               FROM loan_applications WHERE client_id = $1 AND idempotency_key = $2"#,
            new.client_id,
            new.idempotency_key,
        );
        let existing = self
            .fetch(existing)
            .await?
            .ok_or(sqlx::Error::RowNotFound)?;
        Ok(Inserted::Existing(Box::new(existing.try_into()?)))
    }

    /// The application `application_id`, when it is `client_id`'s.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(
        &self,
        application_id: &str,
        client_id: &str,
    ) -> Result<Option<StoredApplication>, StoreError> {
        let statement = sqlx::query_as!(
            Row,
            r#"SELECT application_id, user_id, amount, term_months, income, status, interest_rate,
                   (status = 'RECEIVED' AND now() < answered_by) AS "is_under_way!"
               FROM loan_applications WHERE application_id = $1 AND client_id = $2"#,
            application_id,
            client_id,
        );
        let found = self.fetch(statement).await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Stores a decision and tells the audit of it, unless there is one already; returns whether it was stored.
    ///
    /// # Errors
    /// When the database does not answer, or refuses.
    pub async fn decide(
        &self,
        application_id: &str,
        decided: &Decided<'_>,
    ) -> Result<bool, StoreError> {
        let statement = sqlx::query!(
            "WITH decided AS ( \
                 UPDATE loan_applications \
                 SET status = $2, interest_rate = $3, rejection_reason = $4, score = $5, \
                     risk_band = $6, provider = $7, scoring_revision = $8, settings_revision = $9, \
                     policy = $10, needs_review_since = NULL, review_reason = NULL, \
                     decided_at = now(), decision_told_at = now() \
                 WHERE application_id = $1 AND decided_at IS NULL \
                 RETURNING *) \
             INSERT INTO loan_application_audit (application_id, at, event, status, user_id, amount, \
                 term_months, income, interest_rate, rejection_reason, score, risk_band, provider, \
                 scoring_revision, settings_revision, policy, review_reason, trace_id) \
             SELECT application_id, decided_at, 'DECIDED', status, user_id, amount, \
                 term_months, income, interest_rate, rejection_reason, score, risk_band, provider, \
                 scoring_revision, settings_revision, policy, review_reason, trace_id \
             FROM decided",
            application_id,
            decided.status.as_str(),
            decided.interest_rate,
            decided.rejection_reason,
            decided.score,
            decided.risk_band,
            decided.provider,
            decided.scoring_revision,
            decided.settings_revision,
            Json(decided.policy) as _,
        );
        Ok(self.execute(statement).await? == 1)
    }
}
